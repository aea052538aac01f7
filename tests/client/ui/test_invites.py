"""An invite survives being copied, pasted and typed."""

from __future__ import annotations

import pytest

from client.ui.invites import invite_line, read_invite


def test_what_was_written_can_be_read() -> None:
    assert read_invite(invite_line("http://127.0.0.1:8787", "K7PQ-3MXA")) == ("http://127.0.0.1:8787", "K7PQ-3MXA")


@pytest.mark.parametrize("around", ["{}\n", "  {}", "Come in: {} (good for one)"])
def test_words_around_it_do_no_harm(around: str) -> None:
    line = invite_line("http://[::1]:8787/", "abc_D-9")
    assert read_invite(around.format(line)) == ("http://[::1]:8787", "abc_D-9")


@pytest.mark.parametrize("text", ["", "127.0.0.1:8787", "http://host:1/", "K7PQ-3MXA", "#"])
def test_anything_else_is_not_an_invite(text: str) -> None:
    assert read_invite(text) is None


def test_whatever_is_pasted_is_looked_through_once() -> None:
    """Going back inside each word would take minutes here."""
    assert read_invite("a" * 200_000) is None
    assert read_invite("a." * 100_000 + "/") is None
    assert read_invite("x " * 100_000 + "http://h:1/#code") == ("http://h:1", "code")
