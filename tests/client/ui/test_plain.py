"""Foreign text cannot hide, turn around or climb; emoji and links are told from the rest."""

from __future__ import annotations

import pytest

from client.ui import plain


@pytest.mark.parametrize("sign", ["\u202e", "\u2066", "\u200b", "\u0007", "\u2028", "\ufeff", "\U000e0041"])
def test_what_hides_becomes_a_box(sign: str) -> None:
    assert plain.visible(f"a{sign}b") == f"a{plain.BOX}b"


ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize("text", ["line\nline\ttab", "👩‍👩‍👧‍👦 👍🏽 🏳️‍🌈", ENGLAND, "e\u0301 שָׁלוֹם", "مرحبا"])
def test_what_people_write_stays(text: str) -> None:
    assert plain.visible(text) == text


def test_line_ends_become_one_kind() -> None:
    assert plain.visible("a\r\nb\rc") == "a\nb\nc"


def test_towers_are_cut() -> None:
    assert len(plain.visible("Z" + "\u0335" * 60_000)) == 1 + plain.MARKS_IN_A_ROW


def test_a_name_is_one_line_without_direction() -> None:
    assert plain.one_line("  An\u202ena\n Li\t") == "Anna Li"
    assert plain.isolate("Anna\u2069") == "\u2068Anna\u2069"


@pytest.mark.parametrize("text", ["🚀", "👩‍👩‍👧‍👦", "❤️🔥👍🏽", "🇸🇪", "1️⃣", " 🙂 🙂 "])
def test_only_emoji(text: str) -> None:
    assert plain.only_emoji(text)


@pytest.mark.parametrize("text", ["", "hi 🚀", "🚀🚀🚀🚀", "1", "🇸", "...", "中"])
def test_not_only_emoji(text: str) -> None:
    assert not plain.only_emoji(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see https://a.example/x?y=1.", ["https://a.example/x?y=1"]),
        ("(https://a.example/Hexagram_(book))", ["https://a.example/Hexagram_(book)"]),
        ("看https://a.example/路，好", ["https://a.example/路"]),
        ("mailto:anna@a.example", ["mailto:anna@a.example"]),
        ("https://bank.example@evil.example/", []),
        ("file:///etc/passwd javascript:alert(1) smb://a/b", []),
        ("two https://a.example https://b.example", ["https://a.example", "https://b.example"]),
        ("mailto:", []),
    ],
)
def test_links(text: str, found: list[str]) -> None:
    assert [address for _, _, address in plain.links(text)] == found
    assert all(text[at : at + size] == address for at, size, address in plain.links(text))


def test_an_address_that_is_all_brackets_costs_no_time() -> None:
    """Cutting them off one by one, and counting all each time, would take minutes."""
    assert plain.links("https://x" + ")" * 500_000) == [(0, 9, "https://x")]
    assert plain.links("https://x(" + ")," * 250_000) == [(0, 11, "https://x()")]
