"""Every word on the screen, in the person's language: English in the code, others in `resources/words`.

A sentence is its own key: `tr("{name} is offline", name=…)`. `plural` picks by a number; its second English form is
the key, and Chinese has one form for both. `python -m tests.stages.words` lists what is not translated yet.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from importlib import resources

from PySide6.QtCore import QCoreApplication, QDate, QEvent, QLibraryInfo, QLocale, QTranslator

from client.ui.plain import isolate, one_line, visible
from client.words import language_of
from client.words import problem_words as problems_in
from protocol.problems import Problem, problem

__all__ = [
    "clock", "day", "duration", "isolate", "list_time", "one_line", "plural", "problem_words", "size_pair",
    "size_words", "speak", "spoken", "tr", "visible",
]  # fmt: skip

LANGUAGES = ("en", "zh_CN")
DAY_MS = 24 * 3600 * 1000


@dataclass
class _Spoken:
    """The language the person reads now. There is one screen, hence one of these."""

    language: str = "en"
    sentences: dict[str, str] = field(default_factory=dict)
    problems: Callable[[str], str] = str
    qt: QTranslator | None = None


_now = _Spoken()


def sentences(language: str) -> dict[str, str]:
    """All translated sentences of the screen; none for English."""
    if language == "en":
        return {}
    file = resources.files("resources.words").joinpath(f"ui.{language}.json")
    return json.loads(file.read_text(encoding="utf-8"))


def speak(language: str) -> None:
    """Change the language: `en`, `zh_CN` or `system`. Every widget then gets a LanguageChange event."""
    wanted = language_of(QLocale.system().name() if language == "system" else language)
    if wanted == _now.language:
        return
    _now.language, _now.sentences, _now.problems = wanted, sentences(wanted), problems_in(wanted)
    if app := QCoreApplication.instance():
        _speak_qt(app, wanted)
        QCoreApplication.sendEvent(app, QEvent(QEvent.Type.LanguageChange))


def _speak_qt(app: QCoreApplication, language: str) -> None:
    """Qt's own words, such as those of the file dialog."""
    if _now.qt is not None:
        app.removeTranslator(_now.qt)
        _now.qt = None
    folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    translator = QTranslator(app)
    if language != "en" and translator.load(f"qtbase_{language}", folder):
        app.installTranslator(translator)
        _now.qt = translator


def spoken() -> str:
    """The language that is spoken now: `en` or `zh_CN`."""
    return _now.language


def tr(sentence: str, **facts: object) -> str:
    """The sentence in the person's language, with its places filled."""
    said = _now.sentences.get(sentence, sentence)
    return said.format(**facts) if facts else said


def plural(one: str, many: str, count: int, **facts: object) -> str:
    """The sentence for this `count`, which fills the place {count}. The key of translations is `many`."""
    english = one if count == 1 else many
    said = _now.sentences.get(many, english)
    return said.format(count=count, **facts)


def problem_words(what: Problem | str, facts: dict[str, object] | None = None) -> str:
    """What a Problem, or its code and facts, says to the person."""
    foreseen = problem(what, **(facts or {})) if isinstance(what, str) else what
    shown = {name: one_line(fact) if isinstance(fact, str) else fact for name, fact in foreseen.facts.items()}
    return type(foreseen)(**shown).for_person(_now.problems)


# --- times and sizes


def _local(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000)


def clock(ms: int) -> str:
    """14:02"""
    return f"{_local(ms):%H:%M}"


def clock_s(ms: int) -> str:
    """14:02:09"""
    return f"{_local(ms):%H:%M:%S}"


def same_day(first_ms: int, second_ms: int) -> bool:
    """Whether two times are on one day here."""
    return _local(first_ms).date() == _local(second_ms).date()


def days_ago(ms: int, now_ms: int) -> int:
    """How many midnights have passed."""
    return (_local(now_ms).date() - _local(ms).date()).days


def day(ms: int, now_ms: int) -> str:
    """Today, Yesterday, Tuesday, 12 March, 12 March 2024: for the pill above a day's messages."""
    ago = days_ago(ms, now_ms)
    if ago == 0:
        return tr("Today")
    if ago == 1:
        return tr("Yesterday")
    if 1 < ago < 7:
        return _weekday(ms, QLocale.FormatType.LongFormat)
    same_year = _local(ms).year == _local(now_ms).year
    return _date(ms, tr("d MMMM") if same_year else tr("d MMMM yyyy"))


def list_time(ms: int, now_ms: int) -> str:
    """14:02 today, Tue this week, else 12 Mar: for a row of the chat list."""
    ago = days_ago(ms, now_ms)
    if ago <= 0:
        return clock(ms)
    return _weekday(ms, QLocale.FormatType.ShortFormat) if ago < 7 else _date(ms, tr("d MMM"))


def _locale() -> QLocale:
    return QLocale(_now.language)


def _weekday(ms: int, form: QLocale.FormatType) -> str:
    return _locale().dayName(_local(ms).isoweekday(), form)


def _date(ms: int, form: str) -> str:
    date = _local(ms)
    return _locale().toString(QDate(date.year, date.month, date.day), form)


def duration(ms: int) -> str:
    """0:42, 12:03, 1:00:07"""
    seconds = max(0, round(ms / 1000))
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def size_words(size_bytes: int) -> str:
    """168 KB, 1.8 MB"""
    amount, unit = _in_unit(size_bytes, size_bytes)
    return f"{amount} {unit}"


def exact_size(size_bytes: int) -> str:
    """1,840,000 bytes"""
    return plural("{size} byte", "{size} bytes", size_bytes, size=_locale().toString(size_bytes))


def size_pair(done_bytes: int, total_bytes: int) -> str:
    """0.9 / 1.8 MB"""
    done, _ = _in_unit(done_bytes, total_bytes)
    total, unit = _in_unit(total_bytes, total_bytes)
    return f"{done} / {total} {unit}"


def size_share(done_bytes: int, total_bytes: int) -> str:
    """0.9 of 1.8 MB"""
    done, _ = _in_unit(done_bytes, total_bytes)
    total, unit = _in_unit(total_bytes, total_bytes)
    return tr("{done} of {total}", done=done, total=f"{total} {unit}")


def _in_unit(size_bytes: int, like_bytes: int) -> tuple[str, str]:
    if like_bytes < 1000:
        return str(size_bytes), "B"
    for unit, factor, digits in (("KB", 10**3, 0), ("MB", 10**6, 1), ("GB", 10**9, 1)):
        if like_bytes < factor * 999.5 or unit == "GB":
            return f"{size_bytes / factor:.{digits}f}", unit
    raise AssertionError("a size has a unit")
