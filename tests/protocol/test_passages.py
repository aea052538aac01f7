"""The one passage that was asked for is found among all others."""

from __future__ import annotations

import pytest

from protocol.passages import Passages


@pytest.mark.parametrize(("armed", "number"), [("C2", 1), ("C2:1", 1), ("C2:3", 3)])
def test_one_passage_of_one_place_is_the_one(armed: str, number: int) -> None:
    passages = Passages(armed)

    assert passages.armed
    assert not passages.passes("C1")
    assert [passages.passes("C2") for _ in range(4)] == [turn == number for turn in (1, 2, 3, 4)]


def test_nothing_is_armed_unless_it_is_named() -> None:
    assert not Passages("").armed
    assert not Passages("").passes("S4")
