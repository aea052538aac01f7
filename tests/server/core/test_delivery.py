"""What is pushed to whom, and when an `ack:N` may be forged (P-45, P-47, P-51)."""

from __future__ import annotations

from protocol.limits import MARKS_MEMBERS_MAX, PAGE_EVENTS, PUSH_MAX_BYTES, PUSH_MAX_EVENTS, STORED_AFTER_S
from protocol.packets import AckN, Event, Gap, Mark, MsgN
from protocol.values import Uid, replace
from server.core.acceptance import Answer, Taken, Turned
from server.core.delivery import (
    OVERHEAD_BYTES,
    PULL_GRACE_S,
    RUN_MAX_BYTES,
    Feed,
    Promises,
    bells,
    marks_bells,
    recounted,
    within_bytes,
)
from server.core.moves import Ask, Bell, MarksBell, Move, Moved, Page, Told
from tests.helpers.wire import ALICE, BOB, TALK, dg_of, event, msg, offer

NEVER = float("inf")


def bell(*positions: int, who: object = ALICE) -> Bell:
    author = BOB if who is BOB else ALICE
    return Bell(TALK, positions[-1], tuple(event(pos, author) for pos in positions), (ALICE.uid, BOB.uid))


def page(first: int, to: int, head: int, *, cursor: int = 0, pull: bool = False) -> Page:
    events = tuple(event(pos) for pos in range(first + 1, to + 1))
    return Page(Ask(TALK, first, 256, pull), first, to, head, cursor, events)


def frame(first: int, to: int, head: int) -> MsgN:
    return MsgN(TALK, first, to, head, tuple(event(pos) for pos in range(first + 1, to + 1)))


def live(cursor: int) -> Feed:
    """Bob's feed, standing at `cursor`, everything pushed and acknowledged."""
    feed = Feed(TALK, BOB.did, 0.1)
    feed.acknowledged(cursor)
    return feed


# --- doorbells


def test_one_doorbell_per_conversation_and_commit() -> None:
    first, second = offer(msg(1, "one")), offer(msg(2, "two"))
    members = (ALICE.uid, BOB.uid)
    answers: list[Answer] = [
        Taken(first, event(1), members),
        Turned(second, "order", 0, dg_of("")),
        Taken(second, event(2), members),
    ]
    assert bells(answers) == [Bell(TALK, 2, (event(1), event(2)), members)]


def test_marks_that_climbed_in_one_commit_ring_once_with_the_latest() -> None:
    low, high = Mark(BOB.uid, 3, 0), Mark(BOB.uid, 5, 0)
    moved = [
        Moved(Move(BOB, TALK, 3), 3, low, 8, (ALICE.uid,)),
        Moved(Move(BOB, TALK, 3), 3),
        Moved(Move(BOB, TALK, 5), 5, high, 9, (ALICE.uid,)),
    ]
    assert marks_bells(moved) == [MarksBell(TALK, 7, 9, (high,), (ALICE.uid,))]
    assert marks_bells(moved[1:2]) == []
    quiet = (*moved[:2], replace(moved[2], tells=False))
    assert marks_bells(quiet)[0].silent == {moved[2].move.who.uid}


def test_large_conversations_are_counted_instead() -> None:
    """One count for all that climbed in a commit (P-52)."""
    mark, many = Mark(ALICE.uid, 7, 0), tuple(Uid(f"p{number}") for number in range(MARKS_MEMBERS_MAX + 1))
    moved = [
        Moved(Move(ALICE, TALK, 7), 7, mark, rev, members) for rev, members in ((8, many), (9, many), (1, many[1:]))
    ]
    assert recounted(moved[:2]) == (TALK,)
    assert recounted([*moved[2:], Moved(moved[0].move, 7, None, 0, many)]) == ()
    assert marks_bells(moved[:2]) == []
    assert len(marks_bells(moved[2:])) == 1


# --- the feed


def test_a_new_feed_reads_from_the_device_s_cursor() -> None:
    feed = Feed(TALK, BOB.did, 0.1)
    feed.ring(bell(8))
    assert feed.next(0.0) == Ask(TALK, None, PAGE_EVENTS)
    assert feed.next(0.0) is None  # one question at a time
    assert feed.page(page(5, 8, 8, cursor=5)) == frame(5, 8, 8)
    assert feed.next(0.0) is None


def test_an_empty_page_ends_the_reading() -> None:
    feed = Feed(TALK, BOB.did, 0.1)
    feed.ring(bell(8))
    feed.next(0.0)
    assert feed.page(page(5, 5, 5, cursor=5)) is None  # for this person the conversation ends here
    assert feed.next(0.0) is None


def test_the_next_events_are_pushed_from_memory() -> None:
    feed = live(3)
    feed.ring(bell(4, 5))
    assert feed.next(0.0) == frame(3, 5, 5)
    assert feed.next(0.0) is None
    assert feed.due_s() == NEVER


def test_after_a_lost_doorbell_the_log_is_read() -> None:
    feed = live(3)
    feed.ring(bell(5))
    assert feed.next(0.0) == Ask(TALK, 3, PAGE_EVENTS)
    assert feed.page(page(3, 5, 5)) == frame(3, 5, 5)


def test_gaps_of_a_page_are_passed_on() -> None:
    feed = live(3)
    feed.ring(bell(5))
    feed.next(0.0)
    gaps = (Gap(4, 5, "expired"),)
    assert feed.page(Page(Ask(TALK, 3, 1), 3, 5, 5, 3, (), gaps)) == MsgN(TALK, 3, 5, 5, (), gaps)


def test_own_messages_are_joined_for_a_moment() -> None:
    feed = live(3)
    feed.ring(bell(4, who=BOB))
    assert feed.next(1.0) is None
    assert feed.due_s() == 1.1
    feed.ring(bell(5, who=BOB))
    assert feed.next(1.05) is None
    own = MsgN(TALK, 3, 5, 5, (event(4, BOB), event(5, BOB)))
    assert feed.next(1.1) == own
    assert feed.due_s() == NEVER


def test_a_message_of_somebody_else_takes_own_ones_along() -> None:
    feed = live(3)
    feed.ring(bell(4, who=BOB))
    assert feed.next(1.0) is None
    feed.ring(bell(5))
    assert feed.next(1.0) == MsgN(TALK, 3, 5, 5, (event(4, BOB), event(5)))


def test_pushing_stops_at_the_window_and_goes_on_after_an_acknowledgement() -> None:
    feed = live(0)
    feed.ring(bell(*range(1, PUSH_MAX_EVENTS + 1)))
    assert feed.next(0.0) == frame(0, PUSH_MAX_EVENTS, PUSH_MAX_EVENTS)
    feed.ring(bell(PUSH_MAX_EVENTS + 1))
    assert feed.next(0.0) is None
    feed.acknowledged(PUSH_MAX_EVENTS - 6)
    assert feed.next(0.0) == Ask(TALK, PUSH_MAX_EVENTS, PUSH_MAX_EVENTS - 6)


def test_pushing_stops_at_a_mebibyte() -> None:
    feed = live(0)
    large = tuple(event(pos, text="x" * 48 * 1024) for pos in range(1, 31))
    feed.ring(Bell(TALK, 30, large, ()))
    pushed: list[MsgN] = []
    while isinstance(push := feed.next(0.0), MsgN):
        pushed.append(push)
    assert len(pushed) > 3
    reached = pushed[-1].to
    assert reached < 30
    feed.acknowledged(pushed[0].to)
    feed.acknowledged(reached)
    assert isinstance(feed.next(0.0), MsgN)


def test_a_device_that_knows_more_than_was_pushed_is_pushed_behind_it() -> None:
    feed = live(3)
    feed.ring(bell(4, 5, 6))
    feed.acknowledged(5)
    assert feed.next(0.0) == MsgN(TALK, 5, 6, 6, (event(6),))


def test_a_feed_without_news_reads_nothing() -> None:
    feed = Feed(TALK, BOB.did, 0.1)
    assert feed.next(0.0) is None
    feed.acknowledged(4)
    assert feed.next(0.0) is None
    feed.ring(bell(5))
    assert feed.next(0.0) == frame(4, 5, 5)


def test_an_acknowledgement_before_the_first_page_is_remembered() -> None:
    feed = Feed(TALK, BOB.did, 0.1)
    feed.ring(bell(6))
    feed.next(0.0)
    feed.acknowledged(4)
    assert feed.page(page(3, 6, 6, cursor=3)) is None  # read before the acknowledgement was committed
    assert feed.next(0.0) == Ask(TALK, 4, PAGE_EVENTS)


def test_a_pull_moves_the_push_position() -> None:
    feed = live(3)
    feed.ring(bell(9))
    feed.pulled(page(3, 9, 9, cursor=3, pull=True), 0.0)
    assert feed.next(0.0) is None
    feed.ring(bell(10))
    assert feed.next(0.0) == frame(9, 10, 10)


def test_a_device_that_pulls_is_not_pushed_to_for_a_while() -> None:
    feed = live(3)
    feed.ring(bell(9))
    feed.pulled(page(3, 6, 9, cursor=3, pull=True), 1.0)
    assert feed.next(1.0) is None
    assert feed.due_s() == 1.0 + PULL_GRACE_S
    assert feed.next(1.0 + PULL_GRACE_S) == Ask(TALK, 6, PUSH_MAX_EVENTS - 3)
    assert feed.due_s() == NEVER


def test_looking_at_history_moves_nothing() -> None:
    feed = live(9)
    feed.pulled(page(0, 4, 9, cursor=9, pull=True), 0.0)
    feed.ring(bell(10))
    assert feed.next(0.0) == frame(9, 10, 10)


def test_a_page_that_comes_after_the_device_went_elsewhere_is_dropped() -> None:
    feed = live(3)
    feed.ring(bell(5))
    feed.next(0.0)
    feed.pulled(page(3, 5, 5, cursor=3, pull=True), 0.0)
    assert feed.page(page(3, 5, 5)) is None


def test_while_a_page_is_read_nothing_is_due() -> None:
    """The time after a pull ran out while a page was still being read, and the session was woken again and again."""
    feed = live(3)
    feed.ring(bell(9))
    assert isinstance(feed.next(0.0), Ask)
    feed.pulled(page(3, 6, 9, cursor=3, pull=True), 0.0)
    assert feed.next(PULL_GRACE_S) is None
    assert feed.due_s() == NEVER
    feed.page(page(3, 6, 9))
    assert feed.next(PULL_GRACE_S) == Ask(TALK, 6, PUSH_MAX_EVENTS - 3)


def test_a_page_that_could_not_be_read_is_asked_for_again() -> None:
    feed = live(3)
    feed.ring(bell(9))
    assert isinstance(feed.next(0.0), Ask)
    feed.failed(1.0)
    assert feed.next(0.5) is None
    assert feed.due_s() == 1.0
    assert isinstance(feed.next(1.0), Ask)


def test_a_page_that_could_not_be_read_waits_no_less_than_after_a_pull() -> None:
    feed = live(3)
    feed.ring(bell(9))
    feed.next(0.0)
    feed.pulled(page(3, 6, 9, cursor=3, pull=True), 0.0)
    feed.failed(1.0)
    assert feed.due_s() == PULL_GRACE_S


def test_a_pull_keeps_the_tail_only_if_it_joins() -> None:
    feed = live(3)
    feed.ring(bell(4, 5))
    feed.pulled(page(3, 4, 4, cursor=3, pull=True), 0.0)
    assert feed.next(0.0) == MsgN(TALK, 4, 5, 5, (event(5),))
    feed = live(3)
    feed.ring(bell(6, 7))
    feed.ring(bell(4, 5))
    feed.pulled(page(3, 3, 3, cursor=3, pull=True), 0.0)
    assert feed.next(0.0) == frame(3, 5, 7)
    feed = live(8)
    feed.ring(bell(9, 10))
    feed.pulled(page(4, 8, 8, cursor=8, pull=True), 0.0)
    assert feed.next(0.0) == frame(8, 10, 10)


def test_a_tail_that_no_longer_joins_is_read_instead() -> None:
    feed = live(5)
    feed.ring(bell(6))
    assert feed.next(0.0) == frame(5, 6, 6)
    feed.ring(bell(7, 8))
    feed.pulled(page(5, 5, 8, cursor=5, pull=True), 0.0)
    assert feed.next(PULL_GRACE_S) == Ask(TALK, 5, PUSH_MAX_EVENTS)


def test_a_frame_takes_at_least_one_event_and_no_more_than_fit() -> None:
    small: list[Event] = [event(1), event(2)]
    large = [event(pos, text="x" * 64 * 1024) for pos in range(1, 5)]
    assert within_bytes(small) == small
    assert within_bytes(large) == large[:2]
    assert within_bytes(large[:1]) == large[:1]


# --- promises


def test_with_nobody_at_home_the_author_hears_at_once() -> None:
    promises = Promises(TALK)
    assert promises.accepted(1, 7, 0.0, home=False) == AckN(TALK, n=1, pos=7, stored="offline")
    assert promises.due_s() == NEVER


def test_after_five_seconds_without_the_truth_the_author_hears_that_it_is_kept() -> None:
    promises = Promises(TALK)
    assert promises.accepted(1, 7, 0.0, home=True) is None
    assert promises.accepted(2, 8, 1.0, home=True) is None
    assert promises.due_s() == STORED_AFTER_S
    assert promises.overdue(STORED_AFTER_S - 0.1) == []
    assert promises.overdue(STORED_AFTER_S) == [AckN(TALK, n=1, pos=7, stored="slow")]
    assert promises.due_s() == STORED_AFTER_S + 1.0


def test_a_promise_asked_for_again_is_made_once_and_counts_from_the_acceptance() -> None:
    promises = Promises(TALK)
    promises.accepted(1, 7, 10.0, home=True)
    assert promises.accepted(1, 7, 12.0, home=True, age_s=2.0) is None
    assert promises.overdue(10.0 + STORED_AFTER_S) == [AckN(TALK, n=1, pos=7, stored="slow")]
    assert promises.overdue(100.0) == []
    assert promises.accepted(1, 7, 20.0, home=True, age_s=10.0) == AckN(TALK, n=1, pos=7, stored="slow")


def test_only_another_person_s_mark_ends_the_promise() -> None:
    promises = Promises(TALK)
    promises.accepted(1, 7, 0.0, home=True)
    promises.delivered(ALICE.uid, Told(1, (Mark(ALICE.uid, 9, 9),)))
    promises.delivered(ALICE.uid, Told(2, (Mark(BOB.uid, 6, 0),)))
    assert promises.due_s() == STORED_AFTER_S
    promises.delivered(ALICE.uid, Told(3, (Mark(BOB.uid, 7, 0),)))
    assert promises.overdue(STORED_AFTER_S) == []


# --- to the very edge


def test_a_doorbell_rings_at_the_head_for_the_latest_members() -> None:
    offers = [offer(msg(n, "x")) for n in range(1, 4)]
    members = ((ALICE.uid,), (ALICE.uid, BOB.uid), (BOB.uid,))
    answers = [Taken(offers[n], event(n + 1), members[n]) for n in range(3)]
    assert bells(answers) == [Bell(TALK, 3, (event(1), event(2), event(3)), (BOB.uid,))]


def sized(pos: int, size_bytes: int) -> Event:
    """An event that takes so much of a frame."""
    return replace(event(pos), content="x" * (size_bytes - OVERHEAD_BYTES))


def test_a_frame_is_full_when_it_is_full_and_names_and_numbers_count() -> None:
    half = RUN_MAX_BYTES // 2
    exact = [sized(pos, half) for pos in range(1, 5)]
    assert within_bytes(exact) == exact[:3]
    over = [sized(1, half), sized(2, half + 1), *exact[2:]]
    assert within_bytes(over) == over[:2]
    small = [sized(pos, 2 * OVERHEAD_BYTES) for pos in range(1, 2_000)]
    assert len(within_bytes(small)) == RUN_MAX_BYTES // (2 * OVERHEAD_BYTES) + 1


def pushed(feed: Feed) -> list[int]:
    """Where the pushes end, until there is none."""
    ends: list[int] = []
    while isinstance(push := feed.next(0.0), MsgN):
        ends.append(push.to)
    return ends


def test_a_mebibyte_in_flight_is_the_end_and_each_acknowledgement_makes_room_for_as_much() -> None:
    feed, size_bytes = live(0), PUSH_MAX_BYTES // 8
    feed.ring(Bell(TALK, 20, tuple(sized(pos, size_bytes) for pos in range(1, 21)), ()))
    assert pushed(feed) == [2, 4, 6, 8]
    feed.acknowledged(1)
    assert pushed(feed) == []
    feed.acknowledged(2)
    assert pushed(feed) == [10]
    feed.acknowledged(6)
    assert pushed(feed) == [12, 14]


def test_a_byte_less_than_a_mebibyte_is_not_the_end() -> None:
    feed, size_bytes = live(0), PUSH_MAX_BYTES // 8
    large = (sized(1, size_bytes - 1), *(sized(pos, size_bytes) for pos in range(2, 13)))
    feed.ring(Bell(TALK, 12, large, ()))
    assert pushed(feed) == [2, 4, 6, 8, 10]


def test_pages_count_as_what_is_in_flight_until_they_are_acknowledged() -> None:
    feed = live(3)
    feed.ring(bell(9))
    feed.next(0.0)
    large = tuple(sized(pos, PUSH_MAX_BYTES // 2) for pos in (4, 5))
    assert feed.page(Page(Ask(TALK, 3, 256), 3, 5, 9, 3, large)) == MsgN(TALK, 3, 5, 9, large)
    assert feed.next(0.0) is None
    feed.acknowledged(5)
    assert feed.next(0.0) == Ask(TALK, 5, PUSH_MAX_EVENTS)


def test_an_empty_page_ends_the_reading_even_if_the_log_goes_on() -> None:
    """What lies behind it is not for this person."""
    feed = live(5)
    feed.ring(bell(8))
    feed.next(0.0)
    assert feed.page(page(5, 5, 8)) is None
    assert feed.next(0.0) is None


def test_the_last_place_of_the_window_is_used() -> None:
    feed = live(0)
    feed.ring(bell(*range(1, PUSH_MAX_EVENTS)))
    assert feed.next(0.0) is not None
    feed.ring(bell(PUSH_MAX_EVENTS))
    assert feed.next(0.0) == frame(PUSH_MAX_EVENTS - 1, PUSH_MAX_EVENTS, PUSH_MAX_EVENTS)


def test_hearing_the_same_again_does_not_put_off_own_messages() -> None:
    feed = live(3)
    feed.ring(bell(4, who=BOB))
    assert feed.next(1.0) is None
    feed.acknowledged(3)
    assert feed.next(1.1) == MsgN(TALK, 3, 4, 4, (event(4, BOB),))


def test_a_promise_made_late_is_due_as_early() -> None:
    promises = Promises(TALK)
    promises.accepted(1, 7, 12.0, home=True, age_s=2.0)
    assert promises.due_s() == 10.0 + STORED_AFTER_S
