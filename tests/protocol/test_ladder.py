"""The schedule of tries (P-54)."""

from __future__ import annotations

import pytest

from protocol.ladder import Climb, Ladder, bottom


def schedule(ladder: Ladder) -> tuple[list[float], float]:
    """When tries leave, and when the person is asked."""
    climb, tries_s = bottom(0.0), []
    while not climb.exhausted(ladder):
        tries_s.append(climb.due_s)
        climb = climb.stepped(ladder, climb.due_s)
    return tries_s, climb.due_s


def test_four_tries_and_the_question_after_110_seconds() -> None:
    assert schedule(Ladder()) == ([0.0, 10.0, 40.0, 100.0], 110.0)


def test_one_try_and_the_question_after_ten_seconds() -> None:
    assert schedule(Ladder(mode="ask")) == ([0.0], 10.0)


def test_a_late_step_counts_from_when_it_was_made() -> None:
    assert Climb(1, 10.0).stepped(Ladder(), 12.5) == Climb(2, 42.5)


def test_nobody_steps_off_the_top() -> None:
    with pytest.raises(AssertionError):
        Climb(4, 110.0).stepped(Ladder(), 110.0)
