"""The true `ack:N`: joined, spread, complete (P-50, P-52)."""

from __future__ import annotations

from protocol.packets import AckN, Crowd, Mark, Step
from server.core.marks import MarksFeed, acked, shown
from server.core.moves import Marks, MarksBell, Told
from tests.helpers.wire import ALICE, BOB, TALK

NEVER = float("inf")


def bell(first: int, to: int, delivered: int) -> MarksBell:
    return MarksBell(TALK, first, to, (Mark(BOB.uid, delivered, 0),), (ALICE.uid, BOB.uid))


def test_marks_are_joined_until_they_are_due() -> None:
    feed = MarksFeed(TALK)
    assert feed.due_s() == NEVER
    feed.ring(bell(4, 5, 10), 1.3)
    feed.ring(bell(5, 6, 12), 1.5)
    assert feed.due_s() == 1.3
    assert feed.due(1.2) is None
    assert feed.due(1.3) == AckN(TALK, 4, 6, (Mark(BOB.uid, 12, 0),))
    assert feed.due_s() == NEVER
    assert feed.due(2.0) is None


def test_the_next_packet_begins_where_the_last_one_ended() -> None:
    feed = MarksFeed(TALK)
    feed.ring(bell(4, 5, 10), 0.0)
    feed.due(0.0)
    feed.ring(bell(5, 7, 11), 1.0)
    assert feed.due(1.0) == AckN(TALK, 5, 7, (Mark(BOB.uid, 11, 0),))


def test_an_old_doorbell_says_nothing_new() -> None:
    feed = MarksFeed(TALK)
    feed.told(9)
    feed.ring(bell(4, 5, 10), 0.0)
    assert feed.due(0.0) is None


def test_after_a_missed_doorbell_the_marks_are_read() -> None:
    feed = MarksFeed(TALK)
    feed.told(4)
    feed.ring(bell(6, 7, 10), 1.0)
    assert feed.due(1.0) == 4
    assert feed.due(1.0) is None  # one question at a time
    assert feed.due_s() == NEVER
    marks = (Mark(BOB.uid, 10, 0), Mark(ALICE.uid, 10, 9))
    assert feed.read(Marks(TALK, 4, Told(8, marks))) == AckN(TALK, 4, 8, marks)
    feed.ring(bell(8, 9, 12), 2.0)
    assert feed.due(2.0) == AckN(TALK, 8, 9, (Mark(BOB.uid, 12, 0),))


def test_marks_that_could_not_be_read_are_asked_for_again() -> None:
    feed = MarksFeed(TALK)
    feed.told(4)
    feed.ring(bell(6, 7, 10), 1.0)
    assert feed.due(1.0) == 4
    feed.failed(2.0)
    assert feed.due(1.5) is None
    assert feed.due_s() == 2.0
    assert feed.due(2.0) == 4


def test_a_doorbell_about_nothing_is_asked_about_once() -> None:
    feed = MarksFeed(TALK)
    feed.told(4)
    feed.ring(bell(8, 9, 10), 1.0)
    assert feed.due(1.0) == 4
    assert feed.read(Marks(TALK, 4, Told(4))) == AckN(TALK, 4, 4, ())
    assert feed.due(2.0) is None


def test_a_pull_says_the_marks_as_well() -> None:
    feed = MarksFeed(TALK)
    feed.ring(bell(4, 5, 10), 1.0)
    feed.told(4)  # the pull was read before this mark climbed
    assert feed.due_s() == 1.0
    feed.told(5)
    assert feed.due(1.0) is None


def test_reads_are_shown_by_and_to_those_who_tell_them_and_always_to_oneself() -> None:
    ann, ben = Mark(ALICE.uid, 9, 8, 70, 80), Mark(BOB.uid, 5, 4, 50, 60)
    hidden = Mark(BOB.uid, 5, 0, 50)
    assert shown((ann, ben), ALICE.uid, tells=True, silent=frozenset()) == (ann, ben)
    assert shown((ann, ben), ALICE.uid, tells=True, silent=frozenset({BOB.uid})) == (ann, hidden)
    assert shown((ann, ben), ALICE.uid, tells=False, silent=frozenset({ALICE.uid})) == (ann, hidden)


def test_counts_follow_whatever_was_known() -> None:
    crowd = Crowd(40, (Step(5, 3),))
    assert acked(TALK, 4, Told(7, (), crowd)) == AckN(TALK, 0, 7, crowd=crowd)
    assert acked(TALK, 4, Told(7)) == AckN(TALK, 4, 7)
