"""Some use the line, others wait for a slot or for their time."""

from __future__ import annotations

from client.core.runs import Runs
from protocol.values import Lid

A, B, C = Lid(1), Lid(2), Lid(3)


def test_nothing_begins_without_a_session() -> None:
    runs = Runs(2, [A])
    assert runs.take([A], 0.0) == []
    assert runs.wakeup_s([A]) is None
    runs.up(5.0)
    assert runs.wakeup_s([A]) == 5.0
    assert runs.take([A], 5.0) == [A]
    runs.down()
    assert runs.wakeup_s([A]) is None


def test_there_are_so_many_slots_and_the_first_come_first() -> None:
    runs = Runs(2, [A, B, C])
    runs.up(0.0)
    assert runs.take([A, B, C], 0.0) == [A, B]
    assert runs.take([A, B, C], 0.0) == []
    assert runs.wakeup_s([A, B, C]) is None
    runs.forget(A)
    runs.forget(A)
    assert runs.take([B, C], 0.0) == [C]


def test_what_is_done_beside_the_line_takes_no_slot_and_is_not_due() -> None:
    runs = Runs(1, [A, B])
    runs.up(0.0)
    runs.begin(A)
    assert runs.busy(A)
    assert not runs.busy(B)
    assert runs.take([A, B], 0.0) == [B]
    runs.anew(B, 3.0)
    assert runs.wakeup_s([A, B]) == 3.0
    assert runs.take([A, B], 2.9) == []


def test_a_failure_waits_longer_each_time_and_at_least_as_long_as_it_was_asked_to() -> None:
    runs = Runs(1, [A])
    runs.up(0.0)
    runs.take([A], 0.0)
    assert runs.fail(A, 10.0)
    assert runs.wakeup_s([A]) == 11.0
    assert not runs.fail(A, 20.0)
    assert runs.wakeup_s([A]) == 22.0
    assert not runs.fail(A, 30.0, 90.0)
    assert runs.wakeup_s([A]) == 120.0
    assert not runs.fail(A, 130.0, moves=True)
    assert runs.wakeup_s([A]) == 132.0, "what moves is not made to wait longer and longer"
    runs.up(40.0)
    assert runs.fail(A, 40.0, moves=True), "a new session begins to count anew"
    assert runs.wakeup_s([A]) == 41.0
    assert runs.wakeup_s([]) is None
