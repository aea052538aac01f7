"""Typing is said at most every 3 s and believed for 6 s; a message of that person ends it."""

from __future__ import annotations

import pytest

from client.core.effects import Acting, Send
from client.core.events import Act, Compose, SessionDown, Tick
from client.core.typists import Typists
from protocol.limits import TYPING_HOLD_S, TYPING_SAY_S
from protocol.packets import FromServer, MsgN, OfflineA, OpenA, TypingN, TypingR
from protocol.values import Lid
from tests.helpers.machines import BOB, CAROL, C, D, Desk, dg, event, frame


@pytest.fixture
def desk() -> Desk:
    typists = Desk(Typists())
    typists.online()
    return typists


def test_keys_are_said_at_most_every_three_seconds(desk: Desk) -> None:
    for _ in range(25):
        desk.does(Act(C, "text"))
        desk.now_s += 0.25
    desk.does(Act(D, "text"))
    assert [(round(at_s, 1), packet) for at_s, packet in desk.sent] == [
        (0.0, TypingR(conv=C)),
        (TYPING_SAY_S, TypingR(conv=C)),
        (2 * TYPING_SAY_S, TypingR(conv=C)),
        (6.2, TypingR(conv=D)),
    ]
    assert desk.machine.next_wakeup_s() is None


def test_something_else_is_said_when_it_may_be(desk: Desk) -> None:
    desk.does(Act(C, "text"))
    desk.does(Act(C, "voice"))
    assert desk.machine.next_wakeup_s() == TYPING_SAY_S
    desk.run_until(desk.now_s + TYPING_SAY_S)
    assert desk.sent == [(0.0, TypingR(conv=C)), (TYPING_SAY_S, TypingR(conv=C, doing="voice"))]
    desk.does(Act(C, "text"))
    desk.does(Act(C, "voice"))
    desk.run_until(desk.now_s + TYPING_SAY_S)
    assert len(desk.sent) == 2


def test_a_tick_that_is_too_early_says_nothing(desk: Desk) -> None:
    desk.does(Act(C, "text"))
    desk.does(Act(C, "voice"))
    desk.now_s = TYPING_SAY_S / 2
    desk.does(Tick())
    assert len(desk.sent) == 1


def test_the_end_is_said_once_and_at_once(desk: Desk) -> None:
    desk.does(Act(C, ""))
    desk.does(Act(C, "text"))
    desk.does(Act(C, ""))
    desk.does(Act(C, ""))
    assert [packet for _, packet in desk.sent] == [TypingR(conv=C), TypingR(conv=C, doing="")]


def test_a_message_says_it_itself(desk: Desk) -> None:
    desk.does(Act(C, "text"))
    desk.does(Compose(Lid(1), C, b"hello", dg("hello"), 1))
    assert desk.does(Act(C, "")) == []


def test_without_a_line_nothing_is_said() -> None:
    typists = Desk(Typists())
    assert typists.does(Act(C, "text")) == []
    typists.online()
    typists.does(Act(C, "text"))
    typists.does(Act(C, "voice"))
    typists.does(SessionDown(1))
    assert typists.machine.next_wakeup_s() is None


def test_what_others_do_is_told_once_and_ends_by_itself(desk: Desk) -> None:
    assert desk.hears(TypingN(C, BOB)) == [Acting(C, BOB, "text")]
    desk.now_s += 2
    assert desk.hears(TypingN(C, BOB)) == []
    assert desk.machine.next_wakeup_s() == 2 + TYPING_HOLD_S
    assert desk.hears(TypingN(C, BOB, "voice"), TypingN(C, CAROL)) == [
        Acting(C, BOB, "voice"),
        Acting(C, CAROL, "text"),
    ]
    assert desk.run_until(desk.now_s + TYPING_HOLD_S) == [Acting(C, BOB, ""), Acting(C, CAROL, "")]
    assert desk.machine.next_wakeup_s() is None


@pytest.mark.parametrize(
    "packet",
    [
        TypingN(C, BOB, ""),
        frame(0, event(1)),
        OfflineA(C, 0, 1, 1, (event(1),)),
    ],
)
def test_the_end_or_a_message_ends_it(desk: Desk, packet: FromServer) -> None:
    desk.hears(TypingN(C, BOB), TypingN(C, CAROL))
    assert desk.hears(packet) == [Acting(C, BOB, "")]


def test_what_is_old_or_of_others_ends_nothing(desk: Desk) -> None:
    desk.hears(TypingN(C, BOB))
    assert desk.hears(OfflineA(C, 0, 1, 1, (event(1),), history=True), OpenA("x", C), MsgN(C, 0, 0, 0)) == []


def test_with_the_line_all_of_it_ends(desk: Desk) -> None:
    desk.hears(TypingN(C, BOB))
    assert desk.does(SessionDown(1)) == [Acting(C, BOB, "")]


def test_nothing_is_said_into_a_new_session_by_itself(desk: Desk) -> None:
    desk.does(Act(C, "text"))
    desk.does(SessionDown(1))
    assert desk.online() == []
    assert desk.does(Act(C, "text")) == [Send(2, (TypingR(conv=C),))]


def test_the_same_again_needs_no_second_word(desk: Desk) -> None:
    desk.does(Act(C, "voice"))
    desk.does(Act(C, "voice"))
    assert desk.sent == [(0.0, TypingR(conv=C, doing="voice"))]
    assert desk.machine.next_wakeup_s() is None


def test_three_seconds_count_from_the_last_word_however_late_it_is(desk: Desk) -> None:
    desk.now_s = 10.0
    desk.does(Act(C, "text"))
    desk.does(Act(C, "voice"))
    desk.now_s = 12.9
    assert desk.does(Tick()) == []


def test_an_end_is_over_and_one_that_never_began_is_none(desk: Desk) -> None:
    desk.hears(TypingN(C, BOB))
    desk.hears(TypingN(C, BOB, ""))
    assert desk.machine.next_wakeup_s() is None
    assert desk.hears(TypingN(C, CAROL, "")) == []


def test_into_a_lost_line_nothing_is_said(desk: Desk) -> None:
    desk.offline()
    assert desk.does(Act(C, "text")) == []
