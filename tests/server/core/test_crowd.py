"""Counts instead of marks: stairs, without oneself, without those who tell nothing (P-52, P-53, P-73)."""

from __future__ import annotations

import pytest

from protocol.limits import CROWD_STEPS_MAX, MARKS_MEMBERS_MAX
from protocol.packets import Crowd, Mark, Step
from protocol.values import Uid
from server.core.crowd import CrowdBell, crowded, stairs, tally
from server.core.moves import Told
from tests.helpers.wire import TALK

A, B, C, D = (Uid(name) for name in "abcd")
MARKS = {A: Mark(A, 9, 9), B: Mark(B, 9, 4), C: Mark(C, 5, 5)}
NOBODY = frozenset[Uid]()


def test_more_than_thirty_two_are_a_crowd() -> None:
    assert [crowded(MARKS_MEMBERS_MAX), crowded(MARKS_MEMBERS_MAX + 1)] == [False, True]


def test_stairs_grow_while_counts_fall() -> None:
    assert stairs([5, 0, 9, 9, 3]) == (Step(3, 4), Step(5, 3), Step(9, 2))
    assert stairs([]) == ()


def test_too_many_steps_are_rounded_down() -> None:
    steps = stairs(range(1, 501))
    assert len(steps) == CROWD_STEPS_MAX
    assert (steps[0], steps[-1]) == (Step(1, 500), Step(500, 1))
    assert all(step.count == 501 - step.pos for step in steps)
    assert [step.pos for step in steps] == sorted({step.pos for step in steps})
    assert len(stairs(range(1, CROWD_STEPS_MAX + 1))) == CROWD_STEPS_MAX


@pytest.mark.parametrize(
    ("uid", "crowd", "own"),
    [
        (A, Crowd(3, (Step(5, 2), Step(9, 1)), (Step(4, 2), Step(5, 1))), (MARKS[A],)),
        (B, Crowd(3, (Step(5, 2), Step(9, 1)), (Step(5, 2), Step(9, 1))), (MARKS[B],)),
        (C, Crowd(3, (Step(9, 2),), (Step(4, 2), Step(9, 1))), (MARKS[C],)),
        (D, Crowd(3, (Step(5, 3), Step(9, 2)), (Step(4, 3), Step(5, 2), Step(9, 1))), ()),
    ],
)
def test_everybody_is_told_of_the_others(uid: Uid, crowd: Crowd, own: tuple[Mark, ...]) -> None:
    counted = tally(7, (A, B, C, D), MARKS, NOBODY)
    assert counted.told(uid) == Told(7, own, crowd)
    assert CrowdBell(TALK, counted, (A, B, C, D)).tally is counted


def test_who_left_does_not_count() -> None:
    told = tally(7, (A, C), MARKS, NOBODY).told(C)
    assert told.crowd == Crowd(1, (Step(9, 1),), (Step(9, 1),))


def test_who_tells_no_reads_is_told_none_and_counts_in_none() -> None:
    counted = tally(7, (A, B, C), MARKS, frozenset({B}))
    assert counted.told(B).crowd == Crowd(2, (Step(5, 2), Step(9, 1)), ())
    assert counted.told(B).marks == (MARKS[B],)
    assert counted.told(C).crowd == Crowd(2, (Step(9, 2),), (Step(9, 1),))


def test_one_step_too_many_is_too_many() -> None:
    assert len(stairs(range(1, CROWD_STEPS_MAX + 2))) == CROWD_STEPS_MAX


def test_who_has_read_nothing_is_not_counted_out_of_the_first_step() -> None:
    first = tally(3, (A, D), {A: Mark(A, 1, 1)}, NOBODY)
    assert first.told(D) == Told(3, (), Crowd(1, (Step(1, 1),), (Step(1, 1),)))
