"""Hints about people are said as people say them, and nothing is said of what is not known."""

from __future__ import annotations

import pytest

from client.core.model import Form, Presence
from client.ui.viewmodels.nearness import doing_words, presence_words
from client.ui.words import speak
from protocol.packets import Doing
from protocol.values import Uid
from tests.stages.stage import DAY_MS, MINUTE_MS, NOW_MS

NAMES = {Uid("a"): "Anna", Uid("b"): "Ben\u202e", Uid("c"): "Mei"}


@pytest.mark.parametrize(
    ("presence", "words"),
    [
        (Presence(Uid("a"), True), "online"),
        (Presence(Uid("a")), ""),
        (Presence(Uid("a"), seen_ms=NOW_MS - 20_000), "last seen just now"),
        (Presence(Uid("a"), seen_ms=NOW_MS + 5_000), "last seen just now"),
        (Presence(Uid("a"), seen_ms=NOW_MS - MINUTE_MS), "last seen 1 minute ago"),
        (Presence(Uid("a"), seen_ms=NOW_MS - 5 * MINUTE_MS), "last seen 5 minutes ago"),
        (Presence(Uid("a"), seen_ms=NOW_MS - 65 * MINUTE_MS), "last seen 13:00"),
        (Presence(Uid("a"), seen_ms=NOW_MS - 3 * DAY_MS), "last seen Mon, 14:05"),
    ],
)
def test_presence(presence: Presence, words: str) -> None:
    assert presence_words(presence, NOW_MS) == words


@pytest.mark.parametrize(
    ("typists", "form", "words"),
    [
        ({}, "group", ""),
        ({"a": ""}, "group", ""),
        ({"a": "text"}, "direct", "writing…"),
        ({"a": "voice"}, "direct", "recording a voice message…"),
        ({"a": "video"}, "direct", "recording a video…"),
        ({"a": "file"}, "direct", "sending a file…"),
        ({"a": "text"}, "group", "\u2068Anna\u2069 is writing…"),
        ({"a": "voice"}, "group", "\u2068Anna\u2069 is recording a voice message…"),
        ({"a": "video"}, "group", "\u2068Anna\u2069 is recording a video…"),
        ({"a": "file"}, "group", "\u2068Anna\u2069 is sending a file…"),
        ({"a": "text", "b": "voice"}, "group", "\u2068Anna\u2069 and \u2068Ben\u2069 are writing…"),
        ({"a": "text", "b": "text", "c": "text"}, "group", "3 people are writing…"),
    ],
)
def test_doing(typists: dict[Uid, Doing], form: Form, words: str) -> None:
    assert doing_words(typists, lambda uid: NAMES.get(uid, ""), form) == words


def test_in_chinese() -> None:
    speak("zh_CN")
    assert presence_words(Presence(Uid("a"), seen_ms=NOW_MS - 5 * MINUTE_MS), NOW_MS) == "5 分钟前在线"
    assert doing_words({Uid("a"): "voice"}, lambda _: "Anna", "direct") == "正在录音…"
