"""The waiting rows of a lane: order, numbers, chain."""

from __future__ import annotations

from client.core.effects import Renumbered
from client.core.lane import LaneQueue, Waiting
from client.core.model import Lane, Row
from protocol.ladder import Climb
from protocol.values import Lid
from tests.helpers.machines import NO, C, dg


def queue_of(*texts: str) -> LaneQueue:
    queue = LaneQueue(C)
    for lid, text in enumerate(texts, start=1):
        queue.append(Row(Lid(lid), C, 0, NO, dg(text), text.encode()), 5.0)
    return queue


def test_rows_are_numbered_and_chained_as_they_come() -> None:
    queue = queue_of("one", "two")

    assert [(w.row.n, w.row.pd, w.climb) for w in queue.rows] == [
        (1, NO, Climb(0, 5.0)),
        (2, dg("one"), Climb(0, 5.0)),
    ]
    assert queue.end == Lane(2, dg("two"))


def test_a_row_is_found_by_what_an_answer_names() -> None:
    queue = queue_of("one", "two")
    one, two = queue.rows

    assert queue.head is one
    assert queue.by_digest(dg("two")) is two
    assert queue.by_number(1) is one
    assert queue.by_lid(Lid(2)) is two
    assert queue.from_(two) == [two]
    assert queue.by_digest(dg("three")) is None
    assert queue.by_number(3) is None


def test_an_empty_lane_has_no_head_and_is_not_parked() -> None:
    queue = LaneQueue(C)

    assert queue.head is None
    assert not queue.parked


def test_what_is_written_behind_a_parked_row_is_parked() -> None:
    queue = LaneQueue(C, rows=[Waiting(Row(Lid(1), C, 1, NO, dg("one"), b"one", parked=True), Climb(0, 0.0))])

    assert queue.parked
    assert queue.append(Row(Lid(2), C, 0, NO, dg("two"), b"two"), 0.0).parked


def test_renumbering_keeps_everything_but_number_and_chain() -> None:
    queue = queue_of("one", "two")
    queue.see(1)
    queue.rows[0].climb = Climb(3, 50.0)

    moved = list(queue.renumber(7, dg("seven"), 9.0))

    assert moved == [Renumbered(Lid(1), 8, dg("seven")), Renumbered(Lid(2), 9, dg("one"))]
    assert [(w.row.dg, w.row.content, w.climb) for w in queue.rows] == [
        (dg("one"), b"one", Climb(0, 9.0)),
        (dg("two"), b"two", Climb(0, 9.0)),
    ]
    assert queue.end == Lane(9, dg("two"), 1)


def test_older_news_is_stale() -> None:
    queue = LaneQueue(C, Lane(3, dg("three"), 3))

    assert queue.see(3)
    assert not queue.see(2)
    assert queue.see(4)
    assert queue.end == Lane(3, dg("three"), 4)


def test_a_try_that_does_not_count_is_taken_back() -> None:
    waiting = Waiting(Row(Lid(1), C, 1, NO, dg("one"), b"one", wish="cancel"), Climb(2, 40.0))

    waiting.take_back(5.0)
    assert waiting.climb == Climb(1, 5.0)
    waiting.take_back(6.0)
    waiting.take_back(7.0)
    assert waiting.climb == Climb(0, 7.0)
    assert waiting.cancelling
