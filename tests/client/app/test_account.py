"""A server's address as people write it; joining and moving are tried through the door (test_chat)."""

from __future__ import annotations

import pytest

from client.app.account import server_url
from protocol.problems import Problem


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("127.0.0.1:8787", "http://127.0.0.1:8787"),
        (" http://127.0.0.1:8787/ ", "http://127.0.0.1:8787"),
        ("ws://localhost:1", "http://localhost:1"),
        ("https://chat.example", "https://chat.example"),
        ("[::1]:8787", "http://[::1]:8787"),
    ],
)
def test_an_address_as_people_write_it(typed: str, address: str) -> None:
    assert server_url(typed) == address


@pytest.mark.parametrize(
    "typed", ["", "http://", "ftp://x", "127.0.0.1:99999", "127.0.0.1:0", "host/path", "http://[::1", "http://[v1.[]"]
)
def test_what_is_no_address_is_said(typed: str) -> None:
    with pytest.raises(Problem) as refusal:
        server_url(typed)
    assert refusal.value.code == "address_invalid"
