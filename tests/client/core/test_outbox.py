"""Sending: numbers, ladders, answers, renumbering, cancelling (sections 5, 7 and 10 of the contract)."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from client.core.effects import (
    Renumbered,
    SaveComposed,
    SaveDropped,
    SaveRenumbered,
    SaveRequeued,
    SaveSeenLast,
    SaveSettled,
    SaveState,
    Send,
    Told,
    Traced,
    Tried,
)
from client.core.events import Cancel, Compose, Drop, Placed, Resend, Rewound, Tick
from client.core.model import Accepted, Lane, Own, Reach, Room, State
from client.core.outbox import Outbox
from protocol.ladder import Ladder
from protocol.limits import OUTBOX_MAX_ROWS, SILENT_MAX_S, UNANSWERED_MAX
from protocol.packets import AckN, Mark, MsgA, MsgR, Nack, Status, StatusA, StatusKey, VoidR
from protocol.values import Lid, MediaId
from tests.helpers.machines import (
    ALICE,
    BOB,
    NO,
    C,
    D,
    Sender,
    dg,
    event,
    memory,
    nack,
    of_kind,
    packets_of,
    row,
    taken,
    voided,
)

ASK = Ladder(mode="ask")
LITERAL = Ladder(literal=True)


# ------------------------------------------------------------------------------------------- composing


def test_a_message_is_written_down_before_it_leaves() -> None:
    alice = Sender()
    alice.online()

    outputs = alice.does(Compose(Lid(1), C, b"hello", dg("hello"), 77, (MediaId("m"),)))

    assert outputs[:2] == [
        SaveComposed(Lid(1), C, 1, NO, dg("hello"), b"hello", (MediaId("m"),), 77, Lane(1, dg("hello"))),
        Send(1, (MsgR(C, 1, NO, dg("hello"), content="aGVsbG8", media=(MediaId("m"),)),)),
    ]
    assert outputs[2:] == [Tried(Lid(1), 1, 10.0), Traced(Lid(1), "msg:R", "out", 1)]


def test_numbers_are_dense_and_chained_in_each_lane() -> None:
    alice = Sender()
    for text, conv in (("one", C), ("two", C), ("other", D), ("three", C)):
        alice.writes(text, conv)

    saved = of_kind(alice.all, SaveComposed)

    assert [(save.conv, save.n) for save in saved] == [(C, 1), (C, 2), (D, 1), (C, 3)]
    assert [save.pd for save in saved] == [NO, dg("one"), NO, dg("two")]
    assert alice.sent == []


def test_it_knows_where_something_was_said_also_when_nothing_waits() -> None:
    outbox = Outbox(memory(Room(D, lane=Lane(1, dg("one")))), Ladder(), 0)
    outbox.handle(Compose(Lid(1), C, b"hello", dg("hello"), 1), 0.0)
    assert outbox.convs() == [D, C]


def test_a_lane_goes_on_where_the_disk_says_it_ended() -> None:
    alice = Sender(memory(Room(C, lane=Lane(7, dg("old"), 7))))

    alice.writes("new")

    (saved,) = of_kind(alice.all, SaveComposed)
    assert (saved.n, saved.pd, saved.lane) == (8, dg("old"), Lane(8, dg("new"), 7))


def test_the_same_bubble_is_composed_once() -> None:
    alice = Sender()
    wish = Compose(Lid(1), C, b"hello", dg("hello"), 1)
    alice.does(wish)

    assert alice.does(wish) == []


def test_a_full_outbox_refuses() -> None:
    disk = memory(rows=tuple(row(lid, lid, f"text {lid}") for lid in range(1, OUTBOX_MAX_ROWS + 1)))
    alice = Sender(disk)

    assert alice.does(Compose(Lid(99_999), C, b"x", dg("x"), 1)) == [Told("outbox_full", Lid(99_999))]


# ---------------------------------------------------------------------------------------------- ladder


def test_an_unanswered_message_is_tried_four_times_and_then_asked_about() -> None:
    """Waits of 10, 30, 60 and 10 s (P-54)."""
    alice = Sender()
    alice.online()
    hello = alice.writes("hello")

    alice.run_until(109.9)
    assert alice.tries_s() == [0.0, 10.0, 40.0, 100.0]
    assert alice.states[hello] is State.QUEUED

    alice.run_until(110.0)
    assert alice.states[hello] is State.NEEDS_YOU
    assert of_kind(alice.all, SaveState) == [SaveState(hello, State.NEEDS_YOU, parked=True)]
    alice.run_until(10_000.0)
    assert len(alice.tries_s()) == 4
    assert alice.machine.next_wakeup_s() is None


def test_every_try_says_the_same_bytes() -> None:
    alice = Sender()
    alice.online()
    alice.writes("hello")
    alice.run_until(200.0)

    assert len({packet for _, packet in alice.sent if isinstance(packet, MsgR)}) == 1


def test_mode_ask_tries_once_and_asks_after_ten_seconds() -> None:
    alice = Sender(ladder=ASK)
    alice.online()
    hello = alice.writes("hello")

    alice.run_until(9.9)
    assert alice.states[hello] is State.QUEUED
    alice.run_until(10.0)
    assert alice.states[hello] is State.NEEDS_YOU
    assert alice.tries_s() == [0.0]


def test_without_a_session_the_clock_stands_still() -> None:
    alice = Sender()
    hello = alice.writes("hello")
    assert alice.machine.next_wakeup_s() is None
    alice.run_until(1_000.0)
    assert alice.states[hello] is State.QUEUED

    alice.online()

    assert alice.tries_s() == [1_000.0]


def test_a_new_session_starts_every_row_at_its_first_try_at_once() -> None:
    alice = Sender()
    alice.online()
    hello = alice.writes("hello")
    alice.run_until(39.0)
    assert alice.offline() == [Tried(hello, 0, 0.0)]
    alice.run_until(50.0)
    alice.forget()

    assert of_kind(alice.online(), Tried) == [Tried(hello, 1, 60.0)]
    alice.run_until(159.0)

    assert alice.tries_s() == [50.0, 60.0, 90.0, 150.0]


def test_the_literal_schedule_counts_time_without_a_session() -> None:
    alice = Sender(ladder=LITERAL)
    alice.online()
    hello = alice.writes("hello")
    alice.run_until(12.0)
    alice.offline()
    alice.run_until(60.0)
    alice.online()
    alice.run_until(109.9)

    assert alice.tries_s() == [0.0, 10.0, 100.0]
    assert alice.states[hello] is State.QUEUED
    alice.offline()
    alice.run_until(110.0)
    assert alice.states[hello] is State.NEEDS_YOU


def test_a_session_that_begins_twice_starts_again() -> None:
    alice = Sender()
    alice.online()
    hello = alice.writes("hello")

    assert of_kind(alice.online(), Tried) == [Tried(hello, 0, 0.0), Tried(hello, 1, 10.0)]


# ------------------------------------------------------------------------------------------- settling


def test_the_answer_settles_by_digest() -> None:
    alice = Sender()
    alice.online()
    hello = alice.writes("hello")

    outputs = alice.hears(taken("hello", 1, pos=9))

    assert outputs == [
        SaveSettled(hello, C, State.ACCEPTED, 9, 1001, 1),
        Traced(hello, "msg:A", "in"),
        Placed(C, 9),
    ]
    assert alice.machine.next_wakeup_s() == 10.0


def test_a_number_alone_settles_nothing() -> None:
    alice = Sender()
    alice.online()
    hello = alice.writes("hello")

    alice.hears(MsgA(D, 1, 1, dg("hello"), 5, 1, dg("hello")))

    assert alice.states[hello] is State.QUEUED


def test_an_answer_that_comes_twice_changes_nothing() -> None:
    alice = Sender()
    alice.online()
    alice.writes("hello")
    alice.hears(taken("hello", 1))

    assert alice.hears(taken("hello", 1)) == []


def test_an_own_event_from_the_log_settles() -> None:
    alice = Sender()
    alice.online()
    hello = alice.writes("hello")
    theirs, mine = event(4), event(5, "hello", did=ALICE.did, uid="alice", n=1)

    settled, outputs = _outbox(alice).echo(C, [theirs, mine], 1.0)

    assert settled == ((hello, mine, State.ACCEPTED),)
    assert outputs == [Placed(C, 5), SaveSeenLast(C, 1)]
    assert _outbox(alice).waits(hello) is False


def test_an_own_event_without_a_row_is_only_evidence() -> None:
    alice = Sender()

    assert _outbox(alice).echo(C, [event(5, did=ALICE.did, n=3)], 1.0) == ((), [SaveSeenLast(C, 3)])
    assert _outbox(alice).echo(C, [event(5, did=ALICE.did, n=3)], 1.0) == ((), [])


def test_a_final_refusal_settles_with_its_code() -> None:
    alice = Sender()
    alice.online()
    hello = alice.writes("hello")

    outputs = alice.hears(nack("hello", 1, "not_member", last=1, ld="hello", final=True))

    assert outputs[0] == SaveSettled(hello, C, State.REFUSED, 0, 0, 1, "not_member")
    assert not _outbox(alice).waits(hello)


def test_a_final_refusal_without_a_place_proves_nothing() -> None:
    alice = Sender()
    alice.online()
    alice.writes("one")
    two = alice.writes("two")

    outputs = alice.hears(nack("one", 1, "not_member", final=True))

    assert of_kind(outputs, SaveRenumbered) == []
    assert alice.states[two] is State.QUEUED


def test_a_message_of_long_ago_leaves_the_lane() -> None:
    """P-24: the row was removed by retention, and the server may not know its digest any more."""
    for said in (NO, dg("hello")):
        alice = Sender()
        alice.online()
        hello = alice.writes("hello")

        outputs = alice.hears(MsgA(C, 1, 0, said, 0, 5, dg("later"), gone=True))

        assert outputs[0] == SaveSettled(hello, C, State.LONG_AGO, 0, 0, 5)


def test_a_message_of_long_ago_that_is_not_ours_settles_nothing() -> None:
    alice = Sender()
    alice.online()
    hello = alice.writes("hello")

    alice.hears(MsgA(C, 1, 0, dg("another"), 0, 5, dg("later"), gone=True))
    alice.hears(MsgA(C, 9, 0, NO, 0, 9, dg("later"), gone=True))

    assert alice.states[hello] is State.QUEUED


@pytest.mark.parametrize(
    ("fate", "state"),
    [
        ("accepted", State.ACCEPTED),
        ("stored", State.ACCEPTED),
        ("delivered", State.ACCEPTED),
        ("read", State.ACCEPTED),
        ("cancelled", State.CANCELLED),
        ("refused", State.REFUSED),
        ("gone", State.LONG_AGO),
        ("unknown", State.QUEUED),
    ],
)
def test_the_answer_to_a_question_settles_too(fate: str, state: State) -> None:
    alice = Sender()
    alice.online()
    hello = alice.writes("hello")
    last = 0 if fate == "unknown" else 1

    alice.hears(StatusA((Status(C, 1, dg("hello"), fate, last, dg("hello") if last else NO, pos=3),)))  # type: ignore[arg-type]

    assert alice.states[hello] is state


def test_a_question_may_prove_that_the_number_is_taken() -> None:
    alice = Sender()
    alice.online()
    hello = alice.writes("hello")

    outputs = alice.hears(StatusA((Status(C, 1, dg("hello"), "other", 1, dg("another")),)))

    (moved,) = of_kind(outputs, SaveRenumbered)
    assert moved.rows == (Renumbered(hello, 2, dg("another")),)


# ------------------------------------------------------------------------------------------- pipelining


def test_a_lane_is_pipelined_up_to_the_window() -> None:
    alice = Sender()
    for place in range(UNANSWERED_MAX + 3):
        alice.writes(f"text {place}")

    outputs = alice.online()

    assert len(of_kind(outputs, Send)) == 1
    assert len(packets_of(outputs)) == UNANSWERED_MAX
    assert packets_of(alice.hears(taken("text 0", 1))) == [
        MsgR(C, 65, dg("text 63"), dg("text 64"), content="dGV4dCA2NA")
    ]


def test_the_window_is_also_counted_in_bytes() -> None:
    alice = Sender()
    for name in "abcde":
        alice.writes(name * 60_000)

    assert [n for n, _ in _numbers(alice.online())] == [1, 2, 3, 4]
    assert [n for n, _ in _numbers(alice.hears(taken("a" * 60_000, 1)))] == [5]


def test_a_single_message_always_fits() -> None:
    alice = Sender()
    alice.writes("x" * 300_000)

    assert len(packets_of(alice.online())) == 1


def test_a_full_lane_leaves_room_for_the_head_of_another() -> None:
    """The next free place goes to a head (P-20)."""
    alice = Sender()
    for place in range(UNANSWERED_MAX + 1):
        alice.writes(f"text {place}")
    alice.writes("other", D)

    sent = packets_of(alice.online())
    assert [packet.conv for packet in sent if isinstance(packet, MsgR)].count(D) == 1


def test_a_head_that_was_not_answered_is_tried_alone() -> None:
    alice = Sender()
    alice.online()
    one, two = alice.writes("one"), alice.writes("two")
    alice.run_until(9.0)
    alice.forget()

    outputs = alice.run_until(10.0)

    assert alice.numbers() == [(1, "msg")]
    assert of_kind(outputs, Tried) == [Tried(one, 2, 40.0), Tried(two, 0, 0.0)]
    alice.now_s = 10.5
    assert _numbers(alice.hears(taken("one", 1))) == [(2, "msg")]


def test_what_is_written_while_the_head_is_tried_alone_waits() -> None:
    alice = Sender()
    alice.online()
    alice.writes("one")
    alice.run_until(11.0)
    alice.forget()

    alice.writes("two")

    assert alice.sent == []
    assert _numbers(alice.hears(taken("one", 1))) == [(2, "msg")]


def test_one_stuck_lane_does_not_hold_up_another() -> None:
    alice = Sender()
    alice.online()
    stuck = alice.writes("stuck")
    alice.run_until(500.0)
    other = alice.writes("other", D)
    alice.hears(taken("other", 1, conv=D))

    assert alice.states == {stuck: State.NEEDS_YOU, other: State.ACCEPTED}


def test_a_head_without_a_place_in_the_window_waits_quietly() -> None:
    """It neither leaves nor keeps the machine awake."""
    alice = Sender()
    alice.online()
    for place in range(UNANSWERED_MAX):
        alice.writes(f"text {place}")
    alice.forget()
    alice.now_s = 1.0
    alice.writes("other", D)

    assert alice.sent == []
    assert alice.machine.next_wakeup_s() == 10.0


def test_a_row_that_ran_out_behind_the_head_keeps_its_last_wait() -> None:
    alice = Sender(ladder=ASK)
    alice.online()
    alice.writes("one")
    alice.now_s = 3.0
    two = alice.writes("two")
    alice.hears(taken("one", 1))

    alice.run_until(12.9)
    assert alice.states[two] is State.QUEUED
    alice.run_until(13.0)
    assert alice.states[two] is State.NEEDS_YOU


def test_a_row_behind_may_run_out_of_tries_and_still_keeps_its_last_wait() -> None:
    """Three heads were answered late; the fourth is taken back and has a fresh ladder, the fifth has none left."""
    alice = Sender()
    alice.online()
    texts = ("one", "two", "three", "four", "five")
    lids = [alice.writes(text) for text in texts]
    for n, due_s in ((1, 10.0), (2, 40.0), (3, 100.0)):
        alice.run_until(due_s)
        alice.hears(taken(texts[n - 1], n))
    alice.now_s = 101.0
    alice.cancels(lids[3])
    alice.forget()

    alice.run_until(111.0)
    assert alice.numbers() == [(4, "void")]
    alice.hears(voided("four", 4))

    assert alice.numbers() == [(4, "void")]
    assert alice.states[lids[4]] is State.NEEDS_YOU


def test_a_lane_parks_as_a_whole() -> None:
    alice = Sender()
    alice.online()
    one, two = alice.writes("one"), alice.writes("two")

    alice.run_until(110.0)

    assert alice.states == {one: State.NEEDS_YOU, two: State.NEEDS_YOU}


def test_what_waits_for_an_answer_is_known() -> None:
    alice = Sender()
    alice.online()
    assert _outbox(alice).unanswered_since_s() is None
    alice.now_s = 2.0
    alice.writes("one")
    alice.now_s = 3.0
    alice.writes("two")

    assert _outbox(alice).unanswered_since_s() == 2.0
    alice.hears(taken("one", 1))
    assert _outbox(alice).unanswered_since_s() == 3.0


# --------------------------------------------------------------------------------- turned away, going back


def test_after_order_the_lane_goes_back_to_its_head_once_a_round_trip() -> None:
    """P-25: row 1 was lost, rows 2 and 3 came too early."""
    alice = Sender()
    alice.online()
    for text in ("one", "two", "three"):
        alice.writes(text)
    alice.forget()

    alice.hears(nack("two", 2, "order", last=0))
    assert alice.numbers() == [(1, "msg"), (2, "msg"), (3, "msg")]
    alice.hears(nack("three", 3, "order", last=0))
    assert len(alice.numbers()) == 3

    alice.hears(taken("one", 1), nack("three", 3, "order", last=1, ld="one"))
    assert alice.numbers()[3:] == [(2, "msg"), (3, "msg")]


def test_being_turned_away_costs_no_try() -> None:
    alice = Sender()
    alice.online()
    one = alice.writes("one")
    alice.run_until(10.0)
    alice.forget()

    outputs = alice.hears(nack("one", 1, "busy", retry_ms=2_500))

    assert outputs == [Traced(one, "nack", "in", 2, "busy"), Tried(one, 0, 0.0)]
    outputs = alice.run_until(12.5)
    assert of_kind(outputs, Tried) == [Tried(one, 2, 42.5)]
    assert alice.tries_s() == [12.5]


def test_a_busy_server_pauses_the_rows_behind_too() -> None:
    alice = Sender()
    alice.online()
    for text in ("one", "two", "three"):
        alice.writes(text)
    alice.hears(taken("one", 1))
    alice.forget()

    alice.hears(nack("two", 2, "rate"), nack("three", 3, "order", last=1, ld="one"))
    alice.writes("four")
    assert alice.sent == []

    alice.run_until(1.0)
    assert alice.numbers() == [(2, "msg"), (3, "msg"), (4, "msg")]


def test_a_row_in_the_middle_may_pause_while_the_head_flies() -> None:
    alice = Sender()
    alice.online()
    for text in ("one", "two"):
        alice.writes(text)

    alice.hears(nack("two", 2, "rate", retry_ms=500))
    assert alice.machine.next_wakeup_s() == 0.5
    alice.forget()
    alice.run_until(0.5)

    assert alice.numbers() == [(2, "msg")]


def test_a_full_window_goes_back_or_pauses_without_the_rows_that_never_left() -> None:
    for code in ("order", "busy"):
        alice = Sender()
        for place in range(UNANSWERED_MAX + 1):
            alice.writes(f"text {place}")
        alice.online()
        alice.forget()

        alice.hears(nack("text 0", 1, code, last=0, retry_ms=3_000))
        alice.run_until(5.0)

        assert [n for n, _ in alice.numbers()] == list(range(1, UNANSWERED_MAX + 1))


def test_busy_twice_pauses_once() -> None:
    alice = Sender()
    alice.online()
    one = alice.writes("one")
    alice.hears(nack("one", 1, "busy", retry_ms=2_000))
    alice.now_s = 1.0

    assert alice.hears(nack("one", 1, "busy", retry_ms=9_000)) == [Traced(one, "nack", "in", 1, "busy")]
    assert alice.machine.next_wakeup_s() == 2.0


def test_being_turned_away_about_nothing_we_know_is_nothing() -> None:
    alice = Sender()
    alice.online()

    assert alice.hears(nack("one", 1, "busy")) == []
    assert alice.hears(Nack("unknown_type")) == []
    alice.writes("one")
    alice.hears(taken("one", 1))
    assert alice.hears(nack("one", 1, "busy")) == []


def test_unknown_sends_in_full_again() -> None:
    alice = Sender()
    alice.online()
    alice.writes("one")
    alice.forget()

    alice.hears(nack("one", 1, "unknown", last=0))

    assert alice.numbers() == [(1, "msg")]


# ------------------------------------------------------------------------------------------- renumbering


def test_renumbering_a_when_the_number_is_taken_by_another() -> None:
    """A restored disk: number 1 was given away in a life that this disk does not remember (P-65)."""
    alice = Sender()
    alice.online()
    one, two = alice.writes("one"), alice.writes("two")
    alice.forget()

    outputs = alice.hears(taken("forgotten", 1, last=4, ld="latest"))

    assert outputs[0] == SaveSeenLast(C, 4)
    assert outputs[1] == SaveRenumbered(
        C, (Renumbered(one, 5, dg("latest")), Renumbered(two, 6, dg("one"))), Lane(6, dg("two"), 4)
    )
    assert alice.numbers() == [(5, "msg"), (6, "msg")]
    assert of_kind(outputs, Tried)[-2:] == [Tried(one, 1, 10.0), Tried(two, 1, 10.0)]


def test_renumbering_b_when_the_chain_does_not_fit() -> None:
    alice = Sender(memory(Room(C, lane=Lane(3, dg("mine"), 3))))
    alice.online()
    four = alice.writes("four")

    outputs = alice.hears(nack("four", 4, "fork", last=3, ld="theirs"))

    (moved,) = of_kind(outputs, SaveRenumbered)
    assert moved.rows == (Renumbered(four, 4, dg("theirs")),)
    assert _numbers(outputs) == [(4, "msg")]


def test_renumbering_c_when_the_server_lacks_what_came_before() -> None:
    alice = Sender(memory(Room(C, lane=Lane(8, dg("eight")))))
    alice.online()
    nine = alice.writes("nine")

    outputs = alice.hears(nack("nine", 9, "order", last=2, ld="two"))

    assert of_kind(outputs, SaveRenumbered)[0].rows == (Renumbered(nine, 3, dg("two")),)


def test_the_next_message_follows_the_renumbered_ones() -> None:
    alice = Sender()
    alice.online()
    alice.writes("one")
    alice.hears(taken("forgotten", 1, last=4, ld="latest"))
    alice.writes("two")

    saved = of_kind(alice.all, SaveComposed)[-1]

    assert (saved.n, saved.pd) == (6, dg("one"))


def test_stale_evidence_proves_nothing() -> None:
    """A late copy of an old refusal must not move the lane (P-22)."""
    alice = Sender()
    alice.online()
    alice.writes("one")
    alice.hears(taken("one", 1))
    two = alice.writes("two")

    outputs = alice.hears(nack("two", 2, "order", last=0))

    assert of_kind(outputs, SaveRenumbered) == []
    assert _numbers(outputs) == []
    assert alice.states[two] is State.QUEUED


def test_an_own_event_makes_older_evidence_stale() -> None:
    alice = Sender()
    alice.online()
    alice.writes("one")
    _outbox(alice).echo(C, [event(9, "own", did=ALICE.did, n=6)], 1.0)

    assert of_kind(alice.hears(taken("forgotten", 1, last=4, ld="latest")), SaveRenumbered) == []


def test_evidence_without_waiting_rows_is_remembered() -> None:
    alice = Sender()
    alice.online()

    assert alice.hears(taken("forgotten", 3)) == [SaveSeenLast(C, 3)]


def test_a_known_digest_under_another_number_settles_its_row_and_moves_the_rest() -> None:
    """An alias, or a message that had been accepted before the backup was taken (P-32, P-65)."""
    alice = Sender()
    alice.online()
    one, two = alice.writes("one"), alice.writes("two")

    outputs = alice.hears(taken("one", 1, pos=40, last=9, ld="nine"))
    assert outputs[0] == SaveSettled(one, C, State.ACCEPTED, 40, 1001, 9)
    assert of_kind(outputs, SaveRenumbered) == []

    outputs = alice.hears(taken("forgotten two", 2, last=9, ld="nine"))
    assert of_kind(outputs, SaveRenumbered)[0].rows == (Renumbered(two, 10, dg("nine")),)


def test_renumbering_keeps_the_wish_to_cancel() -> None:
    alice = Sender()
    alice.online()
    one = alice.writes("one")
    alice.cancels(one)
    alice.forget()

    alice.hears(nack("one", 1, "order", last=0, ld=""), taken("forgotten", 1, last=2, ld="two"))

    assert alice.sent[-1][1] == VoidR(C, 3, dg("two"), dg("one"))


def test_a_lane_that_was_taken_elsewhere_lifts_what_was_parked() -> None:
    alice = Sender()
    alice.online()
    one = alice.writes("one")
    alice.run_until(110.0)

    outputs = alice.hears(taken("forgotten", 1, last=2, ld="two"))

    assert alice.states[one] is State.QUEUED
    assert _numbers(outputs) == [(3, "msg")]


# ------------------------------------------------------------------------------------------- cancelling


def test_a_cancelled_message_is_cancelled_only_by_the_server() -> None:
    alice = Sender()
    hello = alice.writes("hello")
    alice.cancels(hello)
    assert alice.states[hello] is State.CANCELLING

    assert packets_of(alice.online()) == [VoidR(C, 1, NO, dg("hello"))]
    outputs = alice.hears(voided("hello", 1))

    assert outputs[0] == SaveSettled(hello, C, State.CANCELLED, 0, 0, 1)


def test_cancelling_in_flight_says_so_at_once_and_starts_the_ladder_again() -> None:
    alice = Sender()
    alice.online()
    hello = alice.writes("hello")
    alice.run_until(5.0)

    outputs = alice.cancels(hello)

    assert outputs[0] == SaveState(hello, State.CANCELLING, "cancel")
    assert of_kind(outputs, Tried) == [Tried(hello, 1, 15.0)]
    alice.run_until(114.9)
    assert alice.tries_s(VoidR) == [5.0, 15.0, 45.0, 105.0]
    alice.run_until(115.0)
    assert alice.all[-1] == SaveState(hello, State.NEEDS_YOU, "cancel", parked=True)


def test_too_late_to_cancel() -> None:
    alice = Sender()
    alice.online()
    hello = alice.writes("hello")
    alice.cancels(hello)

    outputs = alice.hears(taken("hello", 1))

    assert alice.states[hello] is State.ACCEPTED
    assert Told("cancel_too_late", hello) in outputs


def test_a_tombstone_met_after_a_restore_shows_as_cancelled() -> None:
    alice = Sender()
    alice.online()
    hello = alice.writes("hello")

    alice.hears(voided("hello", 1))

    assert alice.states[hello] is State.CANCELLED


def test_cancelling_a_row_in_the_middle_keeps_its_place() -> None:
    alice = Sender()
    alice.online()
    alice.writes("one")
    two = alice.writes("two")
    alice.writes("three")
    alice.forget()

    alice.cancels(two)

    assert alice.numbers() == [(2, "void")]


def test_cancelling_twice_tries_again() -> None:
    alice = Sender()
    alice.online()
    hello = alice.writes("hello")
    alice.cancels(hello)
    alice.now_s = 4.0

    assert packets_of(alice.cancels(hello)) == [VoidR(C, 1, NO, dg("hello"))]


def test_wishes_about_other_bubbles_are_somebody_elses() -> None:
    alice = Sender()
    alice.online()

    assert alice.does(Cancel(Lid(5))) == []
    assert alice.does(Resend(Lid(5))) == []


# --------------------------------------------------------------------------------- parked, resent, lifted


def test_sending_again_resumes_the_lane_as_a_whole_with_the_same_keys() -> None:
    alice = Sender()
    alice.online()
    one, two = alice.writes("one"), alice.writes("two")
    alice.run_until(110.0)
    alice.forget()

    outputs = alice.resends(two)

    assert of_kind(outputs, SaveState) == [SaveState(one, State.QUEUED), SaveState(two, State.QUEUED)]
    assert alice.numbers() == [(1, "msg"), (2, "msg")]
    alice.run_until(219.9)
    assert alice.tries_s()[0::2][:1] == [110.0]
    assert alice.states[one] is State.QUEUED


def test_sending_again_before_the_question_starts_the_ladder_again() -> None:
    alice = Sender()
    alice.online()
    one = alice.writes("one")
    alice.run_until(20.0)

    assert of_kind(alice.resends(one), Tried) == [Tried(one, 0, 0.0), Tried(one, 1, 30.0)]


def test_answering_for_many_parked_messages_says_each_of_them_once() -> None:
    """Every answer sent the whole window again."""
    alice = Sender()
    alice.online()
    one, two = alice.writes("one"), alice.writes("two")
    alice.run_until(110.0)
    alice.forget()
    alice.resends(one)
    assert alice.resends(two) == []
    assert alice.resends(one) == []
    assert alice.numbers() == [(1, "msg"), (2, "msg")]


def test_a_wish_to_cancel_survives_sending_the_lane_again() -> None:
    alice = Sender()
    alice.online()
    one, two = alice.writes("one"), alice.writes("two")
    alice.cancels(two)
    alice.run_until(200.0)
    alice.forget()

    outputs = alice.resends(one)

    assert SaveState(two, State.CANCELLING, "cancel") in outputs
    assert alice.numbers() == [(1, "msg"), (2, "void")]


def test_text_written_behind_a_parked_head_waits_with_it() -> None:
    alice = Sender()
    alice.online()
    alice.writes("one")
    alice.run_until(110.0)
    alice.forget()

    two = alice.writes("two")

    assert alice.states[two] is State.NEEDS_YOU
    assert alice.sent == []
    assert SaveState(two, State.NEEDS_YOU, parked=True) in alice.all


def test_a_late_answer_lifts_the_lane_without_asking() -> None:
    alice = Sender()
    alice.online()
    one, two = alice.writes("one"), alice.writes("two")
    alice.run_until(110.0)
    alice.forget()

    outputs = alice.hears(taken("one", 1))

    assert alice.states == {one: State.ACCEPTED, two: State.QUEUED}
    assert _numbers(outputs) == [(2, "msg")]


def test_parked_rows_stay_parked_in_a_new_session() -> None:
    alice = Sender()
    alice.online()
    alice.writes("one")
    alice.run_until(110.0)
    alice.offline()

    assert packets_of(alice.online()) == []


def test_deleting_a_parked_head_needs_no_further_question() -> None:
    alice = Sender()
    alice.online()
    one, two = alice.writes("one"), alice.writes("two")
    alice.run_until(110.0)
    alice.forget()

    alice.cancels(one)
    assert alice.numbers() == [(1, "void")]
    assert alice.states == {one: State.CANCELLING, two: State.NEEDS_YOU}
    alice.hears(voided("one", 1))

    assert alice.numbers() == [(1, "void"), (2, "msg")]


def test_deleted_rows_in_front_are_tried_while_the_rest_waits() -> None:
    alice = Sender()
    alice.online()
    one, two, three = alice.writes("one"), alice.writes("two"), alice.writes("three")
    alice.run_until(110.0)
    alice.cancels(two)
    alice.cancels(one)
    alice.forget()

    alice.hears(voided("one", 1))

    assert alice.numbers() == [(3, "msg")]
    assert of_kind(alice.all, SaveState) == [SaveState(three, State.QUEUED)]


def test_a_deleted_head_that_is_not_answered_parks_again() -> None:
    alice = Sender()
    alice.online()
    one, two = alice.writes("one"), alice.writes("two")
    alice.run_until(110.0)
    alice.cancels(one)
    alice.forget()

    alice.run_until(220.0)

    assert of_kind(alice.all, SaveState) == [SaveState(one, State.NEEDS_YOU, "cancel", parked=True)]
    assert alice.states[two] is State.NEEDS_YOU


def test_deleting_a_row_behind_a_parked_head_waits_for_the_head() -> None:
    alice = Sender()
    alice.online()
    one, two = alice.writes("one"), alice.writes("two")
    alice.run_until(110.0)
    alice.forget()

    alice.cancels(two)
    assert alice.sent == []
    assert SaveState(two, State.CANCELLING, "cancel", parked=True) in alice.all
    alice.cancels(one)

    assert alice.numbers() == [(1, "void"), (2, "void")]


# ------------------------------------------------------------------------------------ from the disk again


def test_rows_of_the_disk_are_tried_in_order_when_a_session_begins() -> None:
    disk = memory(
        Room(C, lane=Lane(3, dg("three"), 1)),
        rows=(row(12, 3, "three", "two"), row(11, 2, "two", "one", wish="cancel"), row(13, 1, "x", conv=D)),
    )
    alice = Sender(disk)

    assert _numbers(alice.online()) == [(2, "void"), (1, "msg"), (3, "msg")]


def test_parked_rows_of_the_disk_stay_parked_and_hold_those_behind() -> None:
    alice = Sender(memory(rows=(row(1, 1, "one", parked=True), row(2, 2, "two", "one", parked=True))))

    outputs = alice.online()

    assert outputs == []
    assert _numbers(alice.resends(Lid(1))) == [(1, "msg"), (2, "msg")]


def test_what_waited_for_seven_days_is_asked_about_and_never_sent_silently() -> None:
    """P-58. The row in front of it is young, the one behind it waits with it."""
    now_ms = 10**12
    old_ms = now_ms - int(SILENT_MAX_S * 1000) - 1
    disk = memory(
        rows=(
            row(1, 1, "one", first_ms=now_ms),
            row(2, 2, "two", "one", first_ms=old_ms),
            row(3, 3, "three", "two", first_ms=now_ms),
        )
    )
    alice = Sender(disk, now_ms=now_ms)

    assert of_kind(alice.does(Tick()), SaveState) == [
        SaveState(Lid(2), State.NEEDS_YOU, parked=True),
        SaveState(Lid(3), State.NEEDS_YOU, parked=True),
    ]
    assert _numbers(alice.online()) == [(1, "msg")]
    assert _numbers(alice.hears(taken("one", 1))) == []
    assert _numbers(alice.resends(Lid(3))) == [(2, "msg"), (3, "msg")]


def test_deleting_what_waited_for_seven_days_lets_the_rest_go() -> None:
    now_ms = 10**12
    disk = memory(rows=(row(1, 1, "one", first_ms=1), row(2, 2, "two", "one", first_ms=now_ms)))
    alice = Sender(disk, now_ms=now_ms)
    alice.online()

    assert _numbers(alice.cancels(Lid(1))) == [(1, "void")]
    assert _numbers(alice.hears(voided("one", 1))) == [(2, "msg")]


def test_cancelling_goes_on_however_long_it_waited() -> None:
    alice = Sender(memory(rows=(row(1, 1, "one", first_ms=1, wish="cancel"),)), now_ms=10**12)

    assert _numbers(alice.online()) == [(1, "void")]


def test_what_a_question_is_about() -> None:
    disk = memory(rows=(row(1, 4, "one"),), accepted=(Accepted(Lid(2), C, 3, NO, dg("two"), 8),))
    outbox = Outbox(disk, Ladder(), 0)

    assert outbox.key_of(Lid(1)) == StatusKey(C, 4, dg("one"))
    assert outbox.key_of(Lid(2)) == StatusKey(C, 3, dg("two"))
    assert outbox.key_of(Lid(3)) is None


def test_accepted_messages_are_probed_until_somebody_has_them() -> None:
    alice = Sender(memory(Room(C, marks={BOB: Reach(1)})))
    alice.online()
    alice.writes("one")
    alice.hears(taken("one", 1, pos=2))
    alice.forget()

    alice.run_until(10.0)
    assert alice.sent == [(10.0, MsgR(C, 1, NO, dg("one"), probe=True))]
    alice.hears(AckN(C, 0, 1, (Mark(BOB, 2, 0),)))

    alice.run_until(500.0)
    assert len(alice.sent) == 1


# ------------------------------------------------------------------------------------- another generation


def test_what_a_restored_server_has_forgotten_is_offered_again() -> None:
    """P-69: same digest, a number behind what waits; old evidence is void, and parked lanes keep waiting."""
    disk = memory(
        Room(C, lane=Lane(9, dg("nine"), 8)),
        rows=(row(9, 9, "nine", "eight"),),
        accepted=(Accepted(Lid(5), C, 8, NO, dg("eight"), 80),),
    )
    alice = Sender(disk)
    own = Own(Lid(5), C, dg("eight"), b"eight", first_ms=3)
    waiting = Own(Lid(9), C, dg("nine"), b"nine")

    outputs = alice.does(Rewound("2-bb", {C: 2}, (own, waiting)))

    assert outputs == [SaveRequeued(Lid(5), C, 10, dg("nine"), Lane(10, dg("eight"), 0))]
    alice.online()
    outputs = alice.hears(nack("nine", 9, "order", last=2, ld="two"))
    assert of_kind(outputs, SaveRenumbered)[0].rows == (
        Renumbered(Lid(9), 3, dg("two")),
        Renumbered(Lid(5), 4, dg("nine")),
    )


def _outbox(sender: Sender) -> Outbox:
    assert isinstance(sender.machine, Outbox)
    return sender.machine


def _numbers(outputs: Iterable[object]) -> list[tuple[int, str]]:
    return [
        (packet.n, "msg" if isinstance(packet, MsgR) else "void")
        for packet in packets_of(outputs)
        if isinstance(packet, MsgR | VoidR)
    ]


def test_what_is_over_can_be_taken_away_and_what_waits_cannot() -> None:
    alice = Sender(memory(rows=(row(1, 1, "waits"),)))

    assert alice.does(Drop(Lid(9), C)) == [SaveDropped(Lid(9), C)]
    assert alice.does(Drop(Lid(1), C)) == []


# ------------------------------------------------------------------------------------- to the very edge


def parked_pair() -> tuple[Sender, Lid, Lid]:
    """Two messages that waited in vain: the lane needs the person."""
    alice = Sender()
    alice.online()
    pair = alice.writes("hello"), alice.writes("behind")
    alice.run_until(200.0)
    assert [alice.states[lid] for lid in pair] == [State.NEEDS_YOU] * 2
    alice.forget()
    return alice, *pair


@pytest.mark.parametrize(
    ("fate", "state", "packet"),
    [
        ("accepted", State.ACCEPTED, "status:A"),
        ("cancelled", State.CANCELLED, "status:A"),
        ("refused", State.REFUSED, "status:A"),
        ("gone", State.LONG_AGO, "msg:A"),
    ],
)
def test_the_answer_to_a_question_says_all_and_lifts_the_lane(fate: str, state: State, packet: str) -> None:
    """What follows goes at once, and what the question told of the lane is kept (P-21, P-22)."""
    alice, hello, _ = parked_pair()
    place = {"accepted": {"pos": 3, "ts": 77}, "refused": {"code": "blocked"}}.get(fate, {})

    outputs = alice.hears(StatusA((Status(C, 1, dg("hello"), fate, 1, dg("hello"), **place),)))  # type: ignore[arg-type]

    code = "blocked" if state is State.REFUSED else ""
    pos, ts = (3, 77) if state is State.ACCEPTED else (0, 0)
    assert outputs[:2] == [SaveSettled(hello, C, state, pos, ts, 1, code), Traced(hello, packet, "in", 4, code)]
    assert alice.numbers() == [(2, "msg")]


def test_own_events_of_one_page_settle_together_and_lift_the_lane() -> None:
    alice, hello, behind = parked_pair()
    third = alice.writes("third")
    mine = [event(pos, text, did=ALICE.did, uid="alice", n=pos - 4) for pos, text in ((5, "hello"), (6, "behind"))]

    settled, outputs = _outbox(alice).echo(C, mine, alice.now_s)

    assert [lid for lid, _, _ in settled] == [hello, behind]
    assert of_kind(outputs, Placed) == [Placed(C, 5), Placed(C, 6)]
    assert SaveState(third, State.QUEUED) in outputs
    alice.does(Tick())
    assert alice.numbers()[0] == (3, "msg")


def test_what_the_person_sent_in_spite_of_its_age_goes_on_by_itself_from_then_on() -> None:
    """P-58 asks once."""
    now_ms = int(SILENT_MAX_S * 1000) + 9
    alice = Sender(memory(rows=(row(1, 1, "old", first_ms=1), row(2, 2, "new", "old", first_ms=now_ms))), now_ms=now_ms)
    alice.online()
    alice.resends(Lid(1))
    alice.run_until(200.0)
    assert alice.states[Lid(2)] is State.NEEDS_YOU

    outputs = alice.hears(nack("new", 2, "blocked", last=0, final=True))

    assert SaveState(Lid(1), State.QUEUED) in outputs


def test_what_stood_behind_a_head_tried_alone_goes_as_soon_as_the_head_is_answered() -> None:
    """Its own ladder would make it wait longer."""
    alice = Sender()
    alice.online()
    alice.writes("one")
    alice.run_until(5.0)
    alice.writes("two")
    alice.run_until(11.0)
    alice.forget()

    alice.hears(taken("one", 1))

    assert alice.numbers() == [(2, "msg")]


def test_all_deleted_rows_in_front_are_tried_again() -> None:
    alice, hello, behind = parked_pair()
    third = alice.writes("third")
    alice.cancels(behind)

    outputs = alice.cancels(hello)

    assert of_kind(outputs, SaveState)[1:] == [
        SaveState(hello, State.CANCELLING, "cancel"),
        SaveState(behind, State.CANCELLING, "cancel"),
    ]
    assert alice.states[third] is State.NEEDS_YOU


def test_everything_a_restored_server_has_forgotten_is_offered_at_once_and_whole() -> None:
    """P-69, in a session: what waits already is passed over, the rest goes with all it had."""
    alice = Sender()
    alice.online()
    alice.writes("waits")
    album = Own(Lid(5), C, dg("album"), b"album", (MediaId("m"),))
    mine = Own(Lid(101), C, dg("waits"), b"waits")

    outputs = alice.does(Rewound("2-bb", {}, (mine, album)))

    assert [save.lid for save in of_kind(outputs, SaveRequeued)] == [Lid(5)]
    assert packets_of(outputs) == [MsgR(C, 2, dg("waits"), dg("album"), content="YWxidW0", media=(MediaId("m"),))]


def test_what_is_kept_for_somebody_is_said_of_its_own_bubble() -> None:
    alice = Sender()
    alice.online()
    one, two = alice.writes("one"), alice.writes("two")
    alice.hears(taken("one", 1, pos=4), taken("two", 2, pos=5))
    assert SaveState(one, State.STORED) in alice.hears(AckN(C, n=1, pos=4, stored="offline"))
    assert SaveState(two, State.STORED) in alice.hears(AckN(C, n=2, pos=5, stored="offline"))


def test_a_refusal_is_heard_by_its_digest_or_by_its_number() -> None:
    for refusal in (nack("hello", 99, "busy", retry_ms=500), Nack("busy", C, 1, NO, retry_ms=500)):
        alice = Sender()
        alice.online()
        hello = alice.writes("hello")
        assert Traced(hello, "nack", "in", 1, "busy") in alice.hears(refusal)
        assert alice.machine.next_wakeup_s() == 0.5


def test_a_refusal_that_says_nothing_of_the_lane_sends_nothing_again() -> None:
    alice = Sender()
    alice.online()
    hello = alice.writes("hello")
    assert alice.hears(nack("hello", 1, "order")) == [Traced(hello, "nack", "in", 1, "order")]


def test_every_row_that_pauses_takes_its_try_back() -> None:
    alice = Sender()
    alice.online()
    pair = alice.writes("one"), alice.writes("two")
    outputs = alice.hears(nack("one", 1, "busy", retry_ms=500))
    assert of_kind(outputs, Tried) == [Tried(lid, 0, 0.0) for lid in pair]


def test_a_final_refusal_of_another_message_under_our_number_moves_ours() -> None:
    """P-23 a: the number was spent, for something else."""
    alice = Sender()
    alice.online()
    alice.writes("hello")
    assert of_kind(alice.hears(nack("another", 1, "blocked", last=1, ld="another", final=True)), SaveRenumbered)


@pytest.mark.parametrize(
    "refusal",
    [
        nack("another", 1, "busy", last=0),  # not for good: the number is free
        Nack("blocked", C, 1, NO, final=True, last=1, ld=dg("hello")),  # for good, and nobody knows what
    ],
)
def test_a_refusal_that_gives_the_number_to_nothing_moves_nothing(refusal: Nack) -> None:
    alice = Sender()
    alice.online()
    alice.writes("hello")
    assert of_kind(alice.hears(refusal), SaveRenumbered) == []


def test_what_no_answer_says_of_the_lane_is_not_made_up() -> None:
    alice = Sender()
    alice.online()
    hello = alice.writes("hello")
    outputs = alice.hears(nack("hello", 1, "not_member", final=True))
    assert outputs[0] == SaveSettled(hello, C, State.REFUSED, 0, 0, 0, "not_member")
