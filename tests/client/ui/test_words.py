"""Every sentence of the screen has its Chinese, with the same places; times and sizes are said as people say them."""

from __future__ import annotations

import string

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication

from client.ui import words
from protocol.problems import BY_CODE, MediaTooLarge
from tests.stages.words import said, translated

NOON = 1773316800000  # Thursday, 12 March 2026, 12:00 UTC
DAY = 24 * 3600 * 1000
SENTENCES = sorted({sentence for _, sentence in said()})


def places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def test_every_sentence_can_be_read_from_the_code() -> None:
    assert [where for where, sentence in said() if not sentence] == []


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_is_translated_with_the_same_places(sentence: str) -> None:
    chinese = translated().get(sentence)
    assert chinese, f"not translated: {sentence}"
    assert places(chinese) == places(sentence)


def test_nothing_is_left_over_and_all_is_sorted() -> None:
    assert set(translated()) <= set(SENTENCES)
    assert list(translated()) == sorted(translated())


def test_tr_fills_places_in_both_languages() -> None:
    assert words.tr("{name} joined", name="Anna") == "Anna joined"
    words.speak("zh-CN")
    assert words.tr("{name} joined", name="Anna") == "Anna 加入了聊天"
    assert words.spoken() == "zh_CN"


def test_a_sentence_without_facts_keeps_its_braces() -> None:
    assert words.tr("{") == "{"


def test_plural_knows_one_and_many() -> None:
    one, many = "{count} unread message", "{count} unread messages"
    assert words.plural(one, many, 1) == "1 unread message"
    assert words.plural(one, many, 3) == "3 unread messages"
    words.speak("zh_CN")
    assert words.plural(one, many, 1) == "1 条未读消息"


def test_changing_the_language_tells_the_app_once(qapp: QApplication) -> None:
    class Ear(QObject):
        heard = 0

        def eventFilter(self, _: QObject, event: QEvent) -> bool:
            self.heard += event.type() is QEvent.Type.LanguageChange
            return False

    ear = Ear()
    qapp.installEventFilter(ear)
    words.speak("zh_CN")
    told = ear.heard
    words.speak("zh_CN")
    qapp.removeEventFilter(ear)
    assert told >= 1
    assert ear.heard == told


@pytest.mark.parametrize("language", words.LANGUAGES)
@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_every_problem_has_a_sentence(code: str, language: str) -> None:
    words.speak(language)
    assert len(words.problem_words(code)) > 5


def test_a_problem_shows_its_facts_on_one_line() -> None:
    assert "12 MB" in words.problem_words(MediaTooLarge(size_mb=12, limit_mb=10))
    assert "\u202e" not in words.problem_words("media_empty", {"name": "a\u202egnp\n.exe"})


@pytest.mark.parametrize(
    ("ago", "english", "chinese"),
    [
        (0, "Today", "今天"),
        (1, "Yesterday", "昨天"),
        (3, "Monday", "星期一"),
        (12, "28 February", "2月28日"),
        (400, "5 February 2025", "2025年2月5日"),
    ],
)
def test_days(ago: int, english: str, chinese: str) -> None:
    assert words.day(NOON - ago * DAY, NOON) == english
    words.speak("zh_CN")
    assert words.day(NOON - ago * DAY, NOON) == chinese


def test_times_in_the_list() -> None:
    assert words.list_time(NOON, NOON) == "12:00"
    assert words.list_time(NOON - 3 * DAY, NOON) == "Mon"
    assert words.list_time(NOON - 12 * DAY, NOON) == "28 Feb"


def test_a_clock_that_is_ahead_is_still_today() -> None:
    assert words.list_time(NOON + DAY, NOON) == "12:00"


@pytest.mark.parametrize(("ms", "shown"), [(0, "0:00"), (42_000, "0:42"), (723_400, "12:03"), (3_607_000, "1:00:07")])
def test_durations(ms: int, shown: str) -> None:
    assert words.duration(ms) == shown


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 B"), (999, "999 B"), (168_000, "168 KB"), (999_499, "999 KB"), (999_600, "1.0 MB"), (1_840_000, "1.8 MB"),
     (5_000_000_000, "5.0 GB")],
)  # fmt: skip
def test_sizes(size: int, shown: str) -> None:
    assert words.size_words(size) == shown


def test_a_pair_of_sizes_shares_its_unit() -> None:
    assert words.size_pair(860_000, 1_840_000) == "0.9 / 1.8 MB"
