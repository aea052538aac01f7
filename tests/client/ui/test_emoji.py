"""The emoji to choose from are signs, have names in both languages, and can be found by them."""

from __future__ import annotations

from client.ui.emoji import USUAL, find, groups, name_of
from protocol.limits import EMOJI_MAX_CHARS


def test_every_sign_is_there_once_and_short_enough_to_be_sent() -> None:
    signs = [each.sign for group in groups().values() for each in group]
    assert len(signs) == len(set(signs)) > 1500
    assert all(0 < len(sign) <= EMOJI_MAX_CHARS for sign in signs)
    assert set(USUAL) <= set(signs)


def test_names_in_both_languages() -> None:
    assert name_of("👍", "en") == "thumbs up"
    assert name_of("👍", "zh_CN") != name_of("👍", "en")
    assert name_of("x", "en") == "x", "what is not in the list is called as it looks"


def test_those_that_are_named_so_come_first() -> None:
    assert find("rocket")[0].sign == "🚀"
    assert "🐱" in [each.sign for each in find("猫")]
    assert find("no such thing at all") == []
