"""One connection as a machine: what comes in, what is asked for, what goes out (sections 4 and 6 to 9)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from protocol.codec import Garbled
from protocol.heads import sum_of
from protocol.limits import (
    BUSY_RETRY_MS,
    HELLO_WAIT_S,
    STORED_AFTER_S,
    UNSENT_MAX_BYTES,
    UNSENT_MAX_S,
)
from protocol.packets import (
    AckA,
    AckN,
    AckR,
    Event,
    FromClient,
    FromServer,
    Head,
    HeadsA,
    HeadsR,
    Hello,
    Mark,
    MsgA,
    MsgN,
    MsgR,
    Nack,
    OfflineA,
    OfflineAckR,
    OfflineR,
    OpenA,
    OpenR,
    PeopleA,
    PeopleR,
    Person,
    Ping,
    Pong,
    ReadR,
    Status,
    StatusA,
    StatusKey,
    StatusR,
    VoidA,
    VoidR,
    Welcome,
)
from protocol.values import ConvId, Digest, MediaId, Token, Uid
from server.core import effects as do
from server.core import events as on
from server.core.acceptance import (
    CANCELLED,
    MESSAGE,
    REFUSED,
    Answer,
    Removed,
    Settled,
    Slot,
    Spoiled,
    Taken,
    Turned,
)
from server.core.delivery import PULL_GRACE_S
from server.core.greeting import FEATURES, LIMITS
from server.core.moves import Ask, Bell, Marks, MarksBell, Move, Moved, Page, Told
from server.core.offers import SPOILED_MAX, WAITING_MAX
from server.core.session import Rules, Session
from tests.helpers.wire import ALICE, BOB, TALK, dg_of, event, msg, offer, probe, void

NEVER = float("inf")
ONE, TWO = dg_of("one"), dg_of("two")
HELLO = Hello((1, 1), Token("token"))
BOTH = (ALICE.uid, BOB.uid)
HEADS = (Head(TALK, 5, 2),)


class Desk:
    """A session of Alice with a clock that is turned by hand."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.now_s = 100.0
        self.session = Session(self.now_s, rules or Rules(0.2, 0.5, 0.1, 0.0))

    def on(self, happened: on.Event) -> list[do.Effect]:
        return self.session.handle(happened, self.now_s)

    def says(self, *packets: FromClient | Garbled) -> list[do.Effect]:
        return self.on(on.Received(packets))

    def at(self, now_s: float) -> list[do.Effect]:
        self.now_s = now_s
        return self.on(on.Tick())

    def begins(self, hello: Hello = HELLO, heads: tuple[Head, ...] = ()) -> FromServer:
        assert self.says(hello) == [do.Identify(hello.token)]
        assert self.on(on.Identified(ALICE)) == [do.Begin(ALICE)]
        (welcome,) = sent(self.on(on.Begun(7, "1.ab", 5_000, heads)))
        return welcome

    def decided(self, *answers: Answer, home: bool = True) -> list[FromServer]:
        here = frozenset({TALK}) if home else frozenset[ConvId]()
        return sent(self.on(on.Decided(answers, here)))


def sent(effects: Sequence[do.Effect]) -> list[FromServer]:
    """What went out, when nothing else was asked for."""
    out: list[FromServer] = []
    for effect in effects:
        assert isinstance(effect, do.Send), effect
        out.extend(effect.packets)
    return out


@pytest.fixture
def desk() -> Desk:
    """A session that is ready."""
    desk = Desk()
    desk.begins()
    return desk


# --- hello


def test_welcome_says_who_and_where() -> None:
    desk = Desk()
    assert desk.begins(heads=HEADS) == Welcome(
        1, 7, "1.ab", 5_000, ALICE.uid, ALICE.did, "Alice", FEATURES, LIMITS, False, HEADS
    )


def test_welcome_leaves_the_heads_out_when_nothing_is_new() -> None:
    same = sum_of([(TALK, 5, 2)])
    welcome = Desk().begins(Hello((1, 3), Token("t"), gen="1.ab", sum=same), HEADS)
    assert isinstance(welcome, Welcome)
    assert welcome.same
    assert welcome.heads == ()
    other_generation = Desk().begins(Hello((1, 1), Token("t"), gen="0.cd", sum=same), HEADS)
    assert isinstance(other_generation, Welcome)
    assert other_generation.heads == HEADS


@pytest.mark.parametrize("versions", [(2, 3), (0, 0)])
def test_without_a_common_version_the_line_is_closed(versions: tuple[int, int]) -> None:
    assert Desk().says(Hello(versions, Token("t"))) == [do.Close(4010, "version_unknown")]


def test_what_must_be_understood_and_is_not_closes_the_line() -> None:
    assert Desk().says(Hello((1, 1), Token("t"), crit=("teleport",))) == [do.Close(4010, "version_unknown")]


def test_a_token_that_nobody_has_closes_the_line() -> None:
    desk = Desk()
    desk.says(HELLO)
    assert desk.on(on.Identified(None)) == [do.Close(4401, "sign_in_again")]
    assert desk.session.closed


@pytest.mark.parametrize("packet", [Ping("x"), msg(1, "one"), Garbled("packet", "msg:R", "")])
def test_nothing_comes_before_hello(packet: FromClient | Garbled) -> None:
    (close,) = Desk().says(packet)
    assert isinstance(close, do.Close)
    assert close.code == 4400


def test_nothing_comes_between_hello_and_welcome() -> None:
    desk = Desk()
    assert desk.says(HELLO, msg(1, "one"), msg(2, "two", ONE)) == [
        do.Identify(Token("token")),
        do.Close(4400, "misuse"),
    ]
    assert desk.on(on.Identified(ALICE)) == []


def test_a_second_hello_closes_the_line(desk: Desk) -> None:
    assert desk.says(HELLO) == [do.Close(4400, "misuse")]
    assert desk.says(Ping("x")) == []
    assert desk.session.next_wakeup_s() == NEVER


def test_a_line_that_says_nothing_is_closed_and_may_call_again() -> None:
    """Its hello may have been lost or late: 4400 would stop an honest client for good."""
    desk = Desk()
    assert desk.session.next_wakeup_s() == 100.0 + HELLO_WAIT_S
    assert desk.at(100.0 + HELLO_WAIT_S) == [do.Close(4500, "silent")]


def test_a_session_that_cannot_begin_asks_to_call_again() -> None:
    desk = Desk()
    desk.says(HELLO)
    desk.on(on.Identified(ALICE))
    assert desk.on(on.Failed("disk_full")) == [do.Close(4503, "disk_full")]


def test_doorbells_during_the_greeting_are_not_lost() -> None:
    desk = Desk()
    assert desk.on(on.Rung(Bell(TALK, 1, (), BOTH))) == []  # nobody yet: it concerns no one
    desk.says(HELLO)
    desk.on(on.Identified(ALICE))
    assert desk.on(on.Rung(Bell(TALK, 6, (event(6, BOB),), BOTH))) == []
    assert desk.on(on.MarksRung(MarksBell(TALK, 2, 3, (), BOTH), 0.0)) == []
    welcome, page = desk.on(on.Begun(7, "1.ab", 0, HEADS))
    assert isinstance(welcome, do.Send)
    assert page == do.ReadPage(Ask(TALK, None, 256))


# --- the end


def test_a_newer_session_replaces_an_older_one_only(desk: Desk) -> None:
    assert desk.on(on.Replaced(7)) == []
    assert desk.on(on.Replaced(8)) == [do.Close(4409, "replaced_elsewhere")]


def test_after_silence_the_session_is_over() -> None:
    desk = Desk()
    desk.begins(Hello((1, 1), Token("t"), every_s=60))
    desk.now_s = 200.0
    assert sent(desk.says(Ping("x"))) == [Pong("x")]
    assert desk.session.next_wakeup_s() == 350.0
    assert desk.at(349.0) == []
    assert desk.at(350.0) == [do.Close(4500, "silent")]


def test_a_ping_may_announce_another_interval() -> None:
    desk = Desk()
    desk.begins(Hello((1, 1), Token("t")))
    desk.now_s = 200.0
    assert sent(desk.says(Ping("x", 90))) == [Pong("x")]
    assert desk.session.next_wakeup_s() == 200.0 + 225.0
    desk.says(Ping("x"))
    assert desk.session.next_wakeup_s() == 200.0 + 225.0
    desk.says(Ping("x", 10_000))
    assert desk.session.next_wakeup_s() == 200.0 + 600.0


def test_bytes_of_a_frame_that_takes_its_time_are_life(desk: Desk) -> None:
    desk.now_s = 170.0
    assert desk.on(on.Heard()) == []
    assert desk.at(244.0) == []
    assert desk.at(245.0) == [do.Close(4500, "silent")]


def test_bytes_do_not_replace_a_hello() -> None:
    desk = Desk()
    due_s = desk.session.next_wakeup_s()
    desk.now_s = due_s - 1.0
    desk.on(on.Heard())
    assert desk.session.next_wakeup_s() == due_s


def test_bytes_that_drain_are_life_and_bytes_that_gather_are_none(desk: Desk) -> None:
    """Who reads slowly has nothing to say meanwhile (P-15)."""
    desk.now_s = 150.0
    desk.on(on.Unsent(300_000))
    assert desk.session.next_wakeup_s() == 175.0
    desk.now_s = 160.0
    desk.on(on.Unsent(300_000))
    assert desk.session.next_wakeup_s() == 175.0
    desk.now_s = 170.0
    desk.on(on.Unsent(299_000))
    assert desk.session.next_wakeup_s() == 245.0


def test_an_unknown_outcome_ends_the_session_without_an_answer(desk: Desk) -> None:
    desk.says(msg(1, "one"))
    assert desk.on(on.StoreLost()) == [do.Close(4500, "store_failed")]
    full = Desk()
    full.begins()
    assert full.on(on.StoreLost("disk_full")) == [do.Close(4500, "disk_full")], "a code says what is missing"


def test_a_server_that_stops_says_so(desk: Desk) -> None:
    assert desk.on(on.Stopping()) == [do.Close(4503, "busy")]


def test_a_slow_reader_is_not_pushed_to_and_then_closed(desk: Desk) -> None:
    live(desk)
    desk.on(on.Unsent(UNSENT_MAX_BYTES + 1))
    assert desk.on(on.Rung(Bell(TALK, 6, (event(6, BOB),), BOTH))) == []
    assert desk.session.next_wakeup_s() == 100.0 + UNSENT_MAX_S
    desk.now_s = 105.0
    desk.on(on.Unsent(UNSENT_MAX_BYTES + 9))
    assert desk.at(100.0 + UNSENT_MAX_S) == [do.Close(4408, "too_slow")]


def test_a_reader_that_catches_up_gets_what_waited(desk: Desk) -> None:
    live(desk)
    desk.on(on.Unsent(UNSENT_MAX_BYTES + 1))
    desk.on(on.Rung(Bell(TALK, 6, (event(6, BOB),), BOTH)))
    assert sent(desk.on(on.Unsent(0))) == [MsgN(TALK, 5, 6, 6, (event(6, BOB),))]
    assert desk.on(on.Unsent(0)) == []


# --- bad input


def test_a_broken_packet_hurts_itself_only(desk: Desk) -> None:
    out = sent(desk.says(Garbled("unknown_type", "foo", ""), Garbled("packet", "msg:R", ""), Ping("x")))
    assert out == [Nack("unknown_type"), Nack("packet"), Pong("x")]


def test_a_broken_frame_closes_the_line(desk: Desk) -> None:
    assert desk.says(Garbled("frame", "", "")) == [do.Close(4400, "bad_frame")]


@pytest.mark.parametrize(
    "packet",
    [
        MsgR(TALK, 1, Digest(""), TWO, content=msg(1, "one").content),  # a digest of something else
        MsgR(TALK, 1, Digest(""), ONE, content="not base64!"),
        MsgR(TALK, 1, Digest(""), Digest("short"), probe=True),
        MsgR(TALK, 1, Digest(""), Digest("é" * 22), probe=True),
        msg(0, "one"),
        msg(1, "one", conv=ConvId("c" * 33)),
        MsgR(TALK, 1, Digest(""), ONE, "s" * 33, msg(1, "one").content),
        msg(1, "one", media=(MediaId("m" * 33),)),
        msg(1, "one", media=tuple(MediaId(f"m{place}") for place in range(11))),
        VoidR(TALK, 1, Digest(""), Digest("")),
    ],
)
def test_a_packet_that_does_not_hold_together_is_turned_away_unstored(desk: Desk, packet: MsgR | VoidR) -> None:
    assert sent(desk.says(packet)) == [Nack("packet", packet.conv, packet.n, packet.dg)]


def test_what_is_not_a_question_gets_no_answer_but_a_refusal(desk: Desk) -> None:
    assert sent(desk.says(StatusR(()))) == [Nack("packet")]
    assert sent(desk.says(StatusR((StatusKey(TALK, 1, ONE),) * 65))) == [Nack("packet")]
    assert sent(desk.says(OpenR("x" * 33, (BOB.uid,)))) == [Nack("packet")]
    assert sent(desk.says(OpenR("x", (Uid("u" * 33),)))) == [Nack("packet")]


def test_a_failure_later_on_is_said_and_can_be_tried_again(desk: Desk) -> None:
    assert sent(desk.on(on.Failed("store_failed"))) == [Nack("store_failed", retry_ms=BUSY_RETRY_MS)]


# --- sending


def test_offers_of_a_frame_go_to_the_store_together(desk: Desk) -> None:
    packets = msg(1, "one"), msg(2, "two", ONE), probe(3, "three", TWO), void(4, "four", dg_of("three"))
    assert desk.says(*packets) == [do.Accept(tuple(offer(packet) for packet in packets))]


def test_taken_is_answered_with_its_place(desk: Desk) -> None:
    packet = msg(1, "one")
    desk.says(packet)
    assert desk.decided(Taken(offer(packet), event(9, text="one"), BOTH)) == [MsgA(TALK, 1, 9, ONE, 1_009, 1, ONE)]


def test_with_nobody_at_home_the_forged_ack_follows_at_once(desk: Desk) -> None:
    desk.says(msg(1, "one"))
    out = desk.decided(Taken(offer(msg(1, "one")), event(9, text="one"), BOTH), home=False)
    assert out[1:] == [AckN(TALK, n=1, pos=9, stored="offline")]


def test_after_five_seconds_without_a_mark_the_forged_ack_follows(desk: Desk) -> None:
    desk.says(msg(1, "one"))
    desk.decided(Taken(offer(msg(1, "one")), event(9, text="one"), BOTH))
    assert desk.session.next_wakeup_s() == 100.0 + STORED_AFTER_S
    assert sent(desk.at(100.0 + STORED_AFTER_S)) == [AckN(TALK, n=1, pos=9, stored="slow")]
    assert sent(desk.at(100.0 + 2 * STORED_AFTER_S)) == []


def test_the_truth_comes_instead_of_the_forged_ack(desk: Desk) -> None:
    desk.says(msg(1, "one"))
    desk.decided(Taken(offer(msg(1, "one")), event(9, text="one"), BOTH))
    marks = (Mark(BOB.uid, 9, 0),)
    assert desk.on(on.MarksRung(MarksBell(TALK, 2, 3, marks, BOTH), 0.5)) == []
    assert desk.session.next_wakeup_s() == 100.35
    assert sent(desk.at(100.35)) == [AckN(TALK, 2, 3, marks)]
    assert desk.at(100.0 + STORED_AFTER_S) == []


def test_a_conversation_with_oneself_promises_nothing(desk: Desk) -> None:
    desk.says(msg(1, "one"))
    out = desk.decided(Taken(offer(msg(1, "one")), event(9, text="one"), (ALICE.uid,)), home=False)
    assert len(out) == 1


def settled(slot: Slot, **more: object) -> Settled:
    return Settled(offer(msg(1, "one")), slot, 4, TWO, **more)  # type: ignore[arg-type]


def test_a_stored_answer_is_given_again_with_the_current_marks(desk: Desk) -> None:
    marks = (Mark(BOB.uid, 9, 3), Mark(ALICE.uid, 12, 0))
    answer = settled(Slot(ONE, MESSAGE, 9), ts=77, told=Told(6, marks), members=BOTH)
    assert desk.decided(answer) == [MsgA(TALK, 1, 9, ONE, 77, 4, TWO), AckN(TALK, 0, 6, marks)]


def test_a_stored_answer_is_given_again_with_the_promise(desk: Desk) -> None:
    marks = (Mark(BOB.uid, 8, 3), Mark(ALICE.uid, 12, 0))
    answer = settled(Slot(ONE, MESSAGE, 9), ts=77, told=Told(6, marks), members=BOTH)
    assert desk.decided(answer, home=False)[1:] == [AckN(TALK, n=1, pos=9, stored="offline")]
    assert desk.decided(answer, home=True)[1:] == []
    old = settled(Slot(ONE, MESSAGE, 9), ts=77, age_ms=5_000, told=Told(6, marks), members=BOTH)
    assert desk.decided(old, home=True)[1:] == [AckN(TALK, n=1, pos=9, stored="slow")]
    assert desk.at(105.0) != []  # the promise made above is due
    alone = settled(Slot(ONE, MESSAGE, 9), members=(ALICE.uid,))
    assert desk.decided(alone, home=False)[1:] == []


def test_what_became_of_a_number_is_said(desk: Desk) -> None:
    assert desk.decided(settled(Slot(ONE, CANCELLED))) == [VoidA(TALK, 1, ONE, 4, TWO)]
    assert desk.decided(settled(Slot(ONE, REFUSED, code="blocked"))) == [Nack("blocked", TALK, 1, ONE, True, 4, TWO)]
    asked = offer(msg(1, "one"))
    assert desk.decided(Removed(asked, 4, TWO)) == [MsgA(TALK, 1, 0, ONE, 0, 4, TWO, gone=True)]
    assert desk.decided(Turned(asked, "fork", 4, TWO)) == [Nack("fork", TALK, 1, ONE, False, 4, TWO)]


def test_three_exceptions_over_one_packet_refuse_it(desk: Desk) -> None:
    packet = msg(1, "one")
    for _ in range(SPOILED_MAX):
        assert desk.says(packet) == [do.Accept((offer(packet),))]
        assert desk.decided(Spoiled(offer(packet), "internal")) == [
            Nack("internal", TALK, 1, ONE, retry_ms=BUSY_RETRY_MS)
        ]
    assert desk.says(packet) == [do.Accept((offer(packet, spoiled=True),))]


def test_a_full_disk_is_nobody_s_mistake(desk: Desk) -> None:
    packet = msg(1, "one")
    for _ in range(SPOILED_MAX):
        desk.says(packet)
        desk.decided(Spoiled(offer(packet), "disk_full"))
    assert desk.says(packet) == [do.Accept((offer(packet),))]


def test_more_than_a_window_is_turned_away_without_being_stored(desk: Desk) -> None:
    packets = tuple(probe(n, "one") for n in range(1, WAITING_MAX + 1))
    desk.says(*packets)
    assert sent(desk.says(msg(9, "more"))) == [Nack("busy", TALK, 9, dg_of("more"), retry_ms=BUSY_RETRY_MS)]
    desk.decided(Turned(offer(packets[0]), "unknown", 0, Digest("")))
    assert desk.says(msg(9, "more")) == [do.Accept((offer(msg(9, "more")),))]


# --- receiving


def live(desk: Desk, cursor: int = 5) -> None:
    """Let everything up to `cursor` be pushed and acknowledged."""
    ask = do.ReadPage(Ask(TALK, None, 256))
    assert desk.on(on.Rung(Bell(TALK, cursor, (), BOTH))) == [ask]
    assert desk.on(on.Paged(Page(ask.ask, cursor, cursor, cursor, cursor))) == []


def test_a_doorbell_pushes_what_is_new(desk: Desk) -> None:
    live(desk)
    assert sent(desk.on(on.Rung(Bell(TALK, 6, (event(6, BOB),), BOTH)))) == [MsgN(TALK, 5, 6, 6, (event(6, BOB),))]


def test_own_messages_come_back_a_moment_later(desk: Desk) -> None:
    live(desk)
    own: Event = event(6, ALICE)
    assert desk.on(on.Rung(Bell(TALK, 6, (own,), BOTH))) == []
    assert desk.session.next_wakeup_s() == 100.1
    assert sent(desk.at(100.1)) == [MsgN(TALK, 5, 6, 6, (own,))]


def test_each_conversation_has_its_own_time(desk: Desk) -> None:
    other = ConvId("other")
    for conv, jitter in ((TALK, 0.0), (other, 1.0)):
        bell = MarksBell(conv, 0, 1, (Mark(BOB.uid, 1, 0),), BOTH)
        assert desk.on(on.MarksRung(bell, jitter)) == []
    assert sent(desk.at(100.2)) == [AckN(TALK, 0, 1, (Mark(BOB.uid, 1, 0),))]
    assert sent(desk.at(100.5)) == [AckN(other, 0, 1, (Mark(BOB.uid, 1, 0),))]


def test_a_page_read_for_pushing_is_pushed(desk: Desk) -> None:
    desk.on(on.Rung(Bell(TALK, 6, (), BOTH)))
    page = Page(Ask(TALK, None, 256), 5, 6, 6, 5, (event(6, BOB),))
    assert sent(desk.on(on.Paged(page))) == [MsgN(TALK, 5, 6, 6, (event(6, BOB),))]


def test_acknowledgements_move_the_cursor_and_are_answered(desk: Desk) -> None:
    assert desk.says(AckR(TALK, 5), OfflineAckR(TALK, 6)) == [do.Raise((Move(ALICE, TALK, 5), Move(ALICE, TALK, 6)))]
    moved = Moved(Move(ALICE, TALK, 5), 5), Moved(Move(ALICE, TALK, 6), 6)
    assert sent(desk.on(on.Climbed(moved))) == [AckA(TALK, 6)]


def test_an_ack_a_waits_a_moment_for_company() -> None:
    desk = Desk(Rules(0.2, 0.5, 0.1, 0.05))
    desk.begins()
    assert desk.on(on.Climbed((Moved(Move(ALICE, TALK, 5), 5),))) == []
    assert desk.session.next_wakeup_s() == 100.05
    assert sent(desk.says(Ping("x"))) == [AckA(TALK, 5), Pong("x")]
    assert desk.on(on.Climbed((Moved(Move(ALICE, TALK, 6), 6),))) == []
    assert sent(desk.at(100.05)) == [AckA(TALK, 6)]


def test_reading_is_a_move_without_an_answer(desk: Desk) -> None:
    assert desk.says(ReadR(TALK, 5)) == [do.Raise((Move(ALICE, TALK, 5, read=True),))]
    assert desk.on(on.Climbed((Moved(Move(ALICE, TALK, 5, read=True), 5),))) == []


def test_an_acknowledgement_above_the_head_is_misuse(desk: Desk) -> None:
    above = Moved(Move(ALICE, TALK, 99), code="misuse")
    assert desk.on(on.Climbed((above, above))) == [do.Close(4400, "misuse")]


def test_an_acknowledgement_in_a_foreign_conversation_is_refused(desk: Desk) -> None:
    moved = Moved(Move(ALICE, TALK, 9), code="unknown_conversation")
    assert sent(desk.on(on.Climbed((moved,)))) == [Nack("unknown_conversation", TALK)]


def test_an_acknowledgement_that_could_not_be_stored_is_to_be_said_again(desk: Desk) -> None:
    """A refusal without a time is for good: the device would never acknowledge these positions again (L3)."""
    moved = Moved(Move(ALICE, TALK, 9), code="store_failed")
    assert sent(desk.on(on.Climbed((moved,)))) == [Nack("store_failed", TALK, retry_ms=BUSY_RETRY_MS)]


def test_a_pull_is_answered_with_positions_and_marks(desk: Desk) -> None:
    ask = Ask(TALK, 2, 256, pull=True, rev=1)
    assert desk.says(OfflineR(TALK, 2, 1, 9_999)) == [do.ReadPage(ask)]
    marks = (Mark(BOB.uid, 3, 3),)
    page = Page(ask, 2, 3, 3, 2, (event(3, BOB),), (), Told(4, marks))
    assert sent(desk.on(on.Paged(page))) == [OfflineA(TALK, 2, 3, 3, (event(3, BOB),), (), 1, 4, marks)]
    assert desk.on(on.MarksRung(MarksBell(TALK, 3, 4, marks, BOTH), 0.0)) == []
    assert desk.at(101.0) == []  # those marks are known


def test_a_pull_asks_for_at_least_one(desk: Desk) -> None:
    assert desk.says(OfflineR(TALK, 0, 0, 0)) == [do.ReadPage(Ask(TALK, 0, 1, pull=True))]


def test_a_foreign_conversation_is_refused_to_a_pull_and_passed_over_by_a_push(desk: Desk) -> None:
    pulled = Page(Ask(TALK, 0, 1, pull=True), code="unknown_conversation")
    assert sent(desk.on(on.Paged(pulled))) == [Nack("unknown_conversation", TALK)]
    desk.on(on.Rung(Bell(TALK, 6, (), BOTH)))
    assert desk.on(on.Paged(Page(Ask(TALK, None, 256), code="unknown_conversation"))) == []


def test_after_a_missed_doorbell_marks_are_read() -> None:
    desk = Desk(Rules(0.0, 0.0, 0.1, 0.0))
    desk.begins()
    first, third = (Mark(BOB.uid, 3, 0),), (Mark(BOB.uid, 5, 0),)
    assert sent(desk.on(on.MarksRung(MarksBell(TALK, 2, 3, first, BOTH), 0.9))) == [AckN(TALK, 2, 3, first)]
    assert desk.on(on.MarksRung(MarksBell(TALK, 4, 5, third, BOTH), 0.9)) == [do.ReadMarks(TALK, 3)]
    assert sent(desk.on(on.MarksRead(Marks(TALK, 3, Told(5, third))))) == [AckN(TALK, 3, 5, third)]


def test_what_could_not_be_read_for_a_push_is_read_again_and_nobody_hears_of_it(desk: Desk) -> None:
    """The feed waited for that page until the session ended, and the device got a refusal it had not asked for."""
    ask = do.ReadPage(Ask(TALK, None, 256))
    assert desk.on(on.Rung(Bell(TALK, 6, (), BOTH))) == [ask]
    assert desk.on(on.Unread(TALK)) == []
    assert desk.session.next_wakeup_s() == 101.0
    assert desk.at(101.0) == [ask]


def test_marks_that_could_not_be_read_are_read_again() -> None:
    desk = Desk(Rules(0.0, 0.0, 0.1, 0.0))
    desk.begins()
    first = (Mark(BOB.uid, 3, 0),)
    desk.on(on.MarksRung(MarksBell(TALK, 2, 3, first, BOTH), 0.9))
    assert desk.on(on.MarksRung(MarksBell(TALK, 4, 5, first, BOTH), 0.9)) == [do.ReadMarks(TALK, 3)]
    assert desk.on(on.Unread(TALK, marks=True)) == []
    assert desk.at(101.0) == [do.ReadMarks(TALK, 3)]


# --- asking


def test_heads_are_listed_only_if_something_is_new(desk: Desk) -> None:
    assert desk.says(HeadsR("old")) == [do.ReadHeads()]
    assert sent(desk.on(on.HeadsRead(HEADS))) == [HeadsA(False, HEADS)]
    desk.says(HeadsR(sum_of([(TALK, 5, 2)])))
    assert sent(desk.on(on.HeadsRead(HEADS))) == [HeadsA(True)]


def test_questions_are_passed_on_and_answered(desk: Desk) -> None:
    keys = (StatusKey(TALK, 1, ONE),)
    assert desk.says(StatusR(keys), PeopleR(), OpenR("x", (BOB.uid,))) == [
        do.ReadStates(keys),
        do.ReadPeople(),
        do.Open(OpenR("x", (BOB.uid,))),
    ]
    states = (Status(TALK, 1, ONE, "unknown"),)
    people = (Person(ALICE.uid, "Alice"),)
    assert sent(desk.on(on.Stated(states))) == [StatusA(states)]
    assert sent(desk.on(on.PeopleRead(people))) == [PeopleA(people)]
    assert sent(desk.on(on.Opened(OpenA("x", TALK)))) == [OpenA("x", TALK)]


def test_a_pong_needs_no_answer(desk: Desk) -> None:
    assert desk.says(Pong("x")) == []


# --- to the very edge


def test_a_session_that_is_greeted_can_be_replaced() -> None:
    desk = Desk()
    desk.says(HELLO)
    assert desk.on(on.Replaced(1)) == [do.Close(4409, "replaced_elsewhere")]


def test_a_doorbell_before_the_token_was_looked_up_is_for_nobody() -> None:
    desk = Desk()
    desk.on(on.Rung(Bell(TALK, 6, (), BOTH)))
    desk.says(HELLO)
    desk.on(on.Identified(ALICE))
    assert desk.on(on.Begun(7, "1.ab", 0, HEADS))[1:] == []


def test_a_doorbell_after_the_token_was_looked_up_is_kept() -> None:
    desk = Desk()
    desk.says(HELLO)
    desk.on(on.Identified(ALICE))
    assert desk.on(on.Rung(Bell(TALK, 6, (), BOTH))) == []
    assert desk.on(on.Begun(7, "1.ab", 0, HEADS))[1:] == [do.ReadPage(Ask(TALK, None, 256))]


def test_marks_that_climb_during_the_greeting_are_told_after_it() -> None:
    desk = Desk(Rules(0.0, 0.0, 0.1, 0.0))
    desk.says(HELLO)
    desk.on(on.Identified(ALICE))
    marks = (Mark(BOB.uid, 3, 0),)
    assert desk.on(on.MarksRung(MarksBell(TALK, 2, 3, marks, BOTH), 0.0)) == []
    out = sent(desk.on(on.Begun(7, "1.ab", 0, HEADS)))
    assert isinstance(out[0], Welcome)
    assert out[1:] == [AckN(TALK, 2, 3, marks)]


def test_what_never_gathered_cannot_drain() -> None:
    desk = Desk()
    desk.begins(Hello((1, 1), Token("t"), every_s=60))
    desk.now_s = 200.0
    desk.on(on.Unsent(0))
    assert desk.session.next_wakeup_s() == 250.0


def test_a_reader_is_slow_above_the_limit_and_has_its_whole_time(desk: Desk) -> None:
    live(desk)
    desk.on(on.Unsent(UNSENT_MAX_BYTES))
    assert len(sent(desk.on(on.Rung(Bell(TALK, 6, (event(6, BOB),), BOTH))))) == 1
    desk.on(on.Unsent(UNSENT_MAX_BYTES + 1))
    assert desk.at(100.0 + UNSENT_MAX_S - 0.1) == []
    assert desk.at(100.0 + UNSENT_MAX_S) == [do.Close(4408, "too_slow")]


def test_nothing_that_waits_for_a_slow_reader_wakes_anybody(desk: Desk) -> None:
    """Own messages would be due in a moment, but nothing could be done then (P-80)."""
    live(desk)
    desk.on(on.Rung(Bell(TALK, 6, (event(6, ALICE),), BOTH)))
    assert desk.session.next_wakeup_s() == 100.1
    desk.on(on.Unsent(UNSENT_MAX_BYTES + 1))
    assert desk.session.next_wakeup_s() == 100.0 + UNSENT_MAX_S


def test_acknowledgements_of_two_frames_are_two_moves(desk: Desk) -> None:
    assert desk.says(AckR(TALK, 5)) == [do.Raise((Move(ALICE, TALK, 5),))]
    assert desk.says(AckR(TALK, 6)) == [do.Raise((Move(ALICE, TALK, 6),))]


def test_what_is_acknowledged_is_not_pushed(desk: Desk) -> None:
    live(desk)
    desk.on(on.Climbed((Moved(Move(ALICE, TALK, 8), 8),)))
    assert sent(desk.on(on.Rung(Bell(TALK, 9, (event(9, BOB),), BOTH)))) == [MsgN(TALK, 8, 9, 9, (event(9, BOB),))]


def test_all_answers_of_a_batch_are_given(desk: Desk) -> None:
    again = settled(Slot(ONE, CANCELLED))
    packet = msg(5, "five", TWO)
    out = desk.decided(again, Taken(offer(packet), event(9, text="five"), BOTH))
    assert [type(packet) for packet in out] == [VoidA, MsgA]


def test_a_promise_counts_from_the_acceptance(desk: Desk) -> None:
    answer = settled(Slot(ONE, MESSAGE, 9), ts=77, age_ms=2_000, members=BOTH)
    assert desk.decided(answer)[1:] == []
    assert desk.session.next_wakeup_s() == 100.0 + STORED_AFTER_S - 2.0


def test_one_s_own_mark_ends_no_promise(desk: Desk) -> None:
    desk.decided(Taken(offer(msg(1, "one")), event(9, text="one"), BOTH))
    desk.on(on.MarksRung(MarksBell(TALK, 2, 3, (Mark(ALICE.uid, 9, 9),), BOTH), 0.0))
    assert AckN(TALK, n=1, pos=9, stored="slow") in sent(desk.at(100.0 + STORED_AFTER_S))


def test_a_conversation_that_is_no_more_is_forgotten_with_all_that_was_due(desk: Desk) -> None:
    desk.on(on.MarksRung(MarksBell(TALK, 2, 3, (Mark(BOB.uid, 3, 0),), BOTH), 0.0))
    ask = do.ReadPage(Ask(TALK, None, 256))
    assert desk.on(on.Rung(Bell(TALK, 6, (), BOTH))) == [ask]
    assert desk.on(on.Paged(Page(ask.ask, code="unknown_conversation"))) == []
    assert desk.session.next_wakeup_s() > 101.0
    assert desk.at(101.0) == []
    assert desk.on(on.Rung(Bell(TALK, 7, (), BOTH))) == [ask]  # let in again: read anew


def test_a_device_that_pulls_is_left_to_pull_the_rest(desk: Desk) -> None:
    ask = Ask(TALK, 2, 1, pull=True)
    desk.on(on.Paged(Page(ask, 2, 3, 9, 2, (event(3, BOB),))))
    assert desk.session.next_wakeup_s() == 100.0 + PULL_GRACE_S
