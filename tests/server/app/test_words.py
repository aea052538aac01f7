"""In which language the server speaks."""

from __future__ import annotations

import pytest

from protocol.problems import BY_CODE, PortInUse
from server.app import words
from server.app.words import language, translator


@pytest.mark.parametrize(
    ("wanted", "environment", "spoken"),
    [
        (None, {}, "en"),
        (None, {"LANG": "zh_CN.UTF-8"}, "zh"),
        (None, {"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        (None, {"LANG": "de_DE.UTF-8"}, "en"),
        ("zh", {"LANG": "C"}, "zh"),
        ("en", {"LANG": "zh_CN.UTF-8"}, "en"),
    ],
)
def test_the_language_that_is_spoken(wanted: str | None, environment: dict[str, str], spoken: str) -> None:
    assert language(wanted, environment) == spoken


def test_every_problem_is_said_in_chinese() -> None:
    translate = translator("zh")
    assert [code for code, problem in BY_CODE.items() if translate(problem.said) == problem.said] == []
    assert "8787" in PortInUse(port=8787).for_person(translate)


def test_english_is_what_the_code_says() -> None:
    assert translator("en")(PortInUse.said) == PortInUse.said


def test_a_missing_translation_is_english(monkeypatch: pytest.MonkeyPatch) -> None:
    assert translator("zh")("nobody translated this") == "nobody translated this"
    monkeypatch.setattr(words, "TABLE", "missing.json")
    assert translator("zh")(PortInUse.said) == PortInUse.said
