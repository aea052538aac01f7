"""Names that are kept, names that are refused, names that look alike."""

from __future__ import annotations

import pytest

from protocol.problems import NameInvalid
from server.core.names import folded, tidy_name


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("alice", "alice"),
        ("  Bob \n", "Bob"),
        ("e\u0301ve", "\u00e9ve"),
        ("李 雷", "李 雷"),
        ("x" * 64, "x" * 64),
    ],
)
def test_a_name_is_kept_trimmed_and_composed(typed: str, kept: str) -> None:
    assert tidy_name(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " \t",
        "x" * 65,
        "a\nb",
        "a\x00b",
        "a\u202eb",
        "\u2066x",
        "a\u200bb",
        "a\u2028b",
        "\ud800",
        "\U000e0041",
        "\u200d",
    ],
)
def test_a_name_that_controls_or_hides_is_refused(typed: str) -> None:
    with pytest.raises(NameInvalid) as refused:
        tidy_name(typed)
    assert refused.value.facts == {"limit": 64}


@pytest.mark.parametrize(
    ("one", "other"),
    [("Alice", "aLICE"), ("Straße", "STRASSE"), ("Ａｌｉｃｅ", "alice"), ("a  b", "A b"), ("a\u200db", "ab")],
)
def test_names_that_look_alike_fold_to_the_same(one: str, other: str) -> None:
    assert folded(one) == folded(other)


def test_different_names_stay_different() -> None:
    assert folded("alice") != folded("alicia")


@pytest.mark.parametrize("typed", ["李", "x"])
def test_one_character_is_a_name(typed: str) -> None:
    assert tidy_name(typed) == typed


def test_words_stay_words() -> None:
    assert folded(" Ann  Lee ") == "ann lee"
