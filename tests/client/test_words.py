"""Every sentence for the person exists in every language, with the same places for facts."""

from __future__ import annotations

import json
from importlib import resources
from string import Formatter

import pytest

from client.words import language_of, problem_words
from protocol.problems import BY_CODE, Problem, problem

KINDS: list[type[Problem]] = [Problem, *BY_CODE.values()]


def places(sentence: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(sentence) if name)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_every_problem_has_a_chinese_sentence_with_the_same_facts(kind: type[Problem]) -> None:
    chinese = problem_words("zh")(kind.said)
    assert chinese != kind.said
    assert any("\u4e00" <= character <= "\u9fff" for character in chinese)
    assert places(chinese) == places(kind.said)


def test_no_sentence_is_translated_that_nobody_says() -> None:
    file = resources.files("resources.words").joinpath("problems.zh_CN.json")
    words = json.loads(file.read_text(encoding="utf-8"))
    assert set(words) == {kind.said for kind in KINDS}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("zh", "zh_CN"),
        ("zh-CN", "zh_CN"),
        ("zh_CN.UTF-8", "zh_CN"),
        ("zh-Hans-CN", "zh_CN"),
        ("en_GB", "en"),
        ("", "en"),
    ],
)
def test_a_language_is_read_in_its_usual_spellings(text: str, language: str) -> None:
    assert language_of(text) == language


def test_a_problem_speaks_chinese_with_its_facts() -> None:
    taken = problem("name_taken", name="小明")
    assert taken.for_person(problem_words("zh_CN")) == "这里已有人叫“小明”。请换一个名字。"
    assert "小明" in taken.for_person(problem_words("en"))
