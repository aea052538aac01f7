"""Everything we foresee: a stable code, and a sentence that says what to do."""

from __future__ import annotations

import re

import pytest

from protocol.problems import BY_CODE, MediaTooLarge, Problem, problem

KINDS = sorted(BY_CODE.values(), key=lambda kind: kind.code)


def test_codes_are_unique_and_made_of_plain_words() -> None:
    assert len(BY_CODE) == len(Problem.__subclasses__())
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in BY_CODE)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_each_is_a_sentence_for_a_person(kind: type[Problem]) -> None:
    said = kind().for_person()

    assert said[0].isupper() or said[0] in "“…"
    assert said.endswith(".")
    assert len(said) <= 120
    assert "{" not in said


def test_facts_fill_the_sentence_and_a_missing_one_is_left_open() -> None:
    assert MediaTooLarge(size_mb=700, limit_mb=512).for_person() == ("This file is 700 MB; at most 512 MB can be sent.")
    assert MediaTooLarge(size_mb=700).for_person() == "This file is 700 MB; at most … MB can be sent."


def test_the_sentence_is_said_in_the_persons_language() -> None:
    assert MediaTooLarge(size_mb=7, limit_mb=5).for_person(lambda _: "{size_mb} ist zu viel") == "7 ist zu viel"


def test_a_code_on_the_wire_means_its_problem() -> None:
    assert type(problem("media_too_large", size_mb=7)) is MediaTooLarge
    assert problem("media_too_large", size_mb=7).facts == {"size_mb": 7}


def test_a_code_of_a_newer_version_is_the_general_sentence() -> None:
    unknown = problem("from_the_future")

    assert type(unknown) is Problem
    assert unknown.for_person() == Problem.said
    assert str(unknown) == "('problem', {})"
