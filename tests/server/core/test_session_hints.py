"""On one connection: who writes, who is here, how much may be asked, and who was away or is two."""

from __future__ import annotations

import pytest

from protocol.limits import TYPING_EVERY_S, UNSENT_MAX_BYTES
from protocol.packets import (
    AckR,
    Here,
    Nack,
    OfflineR,
    OpenA,
    OpenR,
    PeopleR,
    PresenceN,
    PresenceR,
    TypingN,
    TypingR,
)
from protocol.values import ConvId
from server.core import effects as do
from server.core import events as on
from server.core.moves import Ask, Bell
from server.core.rates import Allowance
from server.core.rules import Rules
from server.core.values import ID_MAX_CHARS
from tests.helpers.wire import ALICE, BOB, TALK, event, msg, offer
from tests.server.core.test_session import HELLO, Desk, sent

HERE = (Here(BOB.uid, online=True),)


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.begins()
    return desk


def test_a_word_about_writing_goes_on_now_and_then(desk: Desk) -> None:
    assert desk.says(TypingR(TALK, "voice")) == [do.Type(TALK, "voice")]
    assert desk.says(TypingR(TALK, "voice")) == []
    assert desk.says(TypingR(TALK, "")) == [do.Type(TALK, "")]
    desk.now_s += TYPING_EVERY_S
    assert desk.says(TypingR(TALK)) == [do.Type(TALK, "text")]


def test_what_cannot_be_a_conversation_is_nobodys_business(desk: Desk) -> None:
    assert desk.says(TypingR(ConvId("x" * 33))) == []


def test_who_writes_is_told(desk: Desk) -> None:
    assert sent(desk.on(on.Typed(TALK, BOB.uid, "text"))) == [TypingN(TALK, BOB.uid, "text")]


def test_nothing_is_told_before_welcome() -> None:
    assert Desk().on(on.Typed(TALK, BOB.uid, "text")) == []


def test_a_slow_reader_is_not_told_who_writes(desk: Desk) -> None:
    desk.on(on.Unsent(UNSENT_MAX_BYTES + 1))
    assert desk.on(on.Typed(TALK, BOB.uid, "text")) == []
    desk.on(on.Unsent(0))
    assert sent(desk.on(on.Typed(TALK, BOB.uid, ""))) == [TypingN(TALK, BOB.uid, "")]


def test_people_are_watched(desk: Desk) -> None:
    assert desk.says(PresenceR((BOB.uid, ALICE.uid, BOB.uid))) == [do.Watch((BOB.uid, ALICE.uid))]
    assert sent(desk.on(on.Told(HERE))) == [PresenceN(HERE)]
    assert desk.says(PresenceR()) == [do.Watch(())]


# --- how much may be asked (P-26)


def test_messages_too_many_are_turned_away_and_nothing_is_stored(desk: Desk) -> None:
    desk.session.allow(Allowance(Rules(messages_per_s=0.5, messages_burst=1.0), desk.now_s))
    one, two = msg(1, "one"), msg(2, "two", msg(1, "one").dg)
    assert desk.says(one, two) == [
        do.Send((Nack("rate", TALK, 2, two.dg, retry_ms=2_000),)),
        do.Accept((offer(one),)),
    ]
    desk.now_s += 2.0
    assert desk.says(two) == [do.Accept((offer(two),))]


def test_questions_too_many_are_answered_so_and_words_about_writing_are_dropped(desk: Desk) -> None:
    desk.session.allow(Allowance(Rules(questions_per_s=0.5, questions_burst=1.0), desk.now_s))
    assert desk.says(PeopleR()) == [do.ReadPeople()]
    assert sent(desk.says(PeopleR(), OpenR("x", (BOB.uid,)))) == [Nack("rate", retry_ms=2_000), OpenA("x", code="rate")]
    assert desk.says(TypingR(TALK)) == []
    assert desk.says(OfflineR(TALK, 0), AckR(TALK, 1)) != []


# --- away for long, and two at once (P-14, P-48)


def begun(*, away: bool) -> Desk:
    desk = Desk()
    desk.says(HELLO)
    desk.on(on.Identified(ALICE))
    desk.on(on.Begun(7, "1.ab", 5_000, (), away=away))
    return desk


RING = on.Rung(Bell(TALK, 4, (event(4),), (ALICE.uid, BOB.uid)))
PUSH = do.ReadPage(Ask(TALK, None, 256))


def test_who_was_away_for_long_is_not_pushed_to_until_it_pulls() -> None:
    desk = begun(away=True)
    assert desk.on(RING) == []
    assert set(desk.says(OfflineR(TALK, 3))) == {do.ReadPage(Ask(TALK, 3, 256, pull=True)), PUSH}
    assert desk.says(OfflineR(TALK, 3)) == [do.ReadPage(Ask(TALK, 3, 256, pull=True))]


def test_who_was_here_lately_is_pushed_to() -> None:
    assert begun(away=False).on(RING) == [PUSH]


def test_a_copied_profile_is_told_so(desk: Desk) -> None:
    assert desk.on(on.Copied()) == [do.Close(4403, "profile_copied")]


def test_a_server_that_stops_says_when_to_come_back(desk: Desk) -> None:
    assert desk.on(on.Stopping(700)) == [do.Close(4503, "700")]


# --- to the very edge


def test_words_about_each_conversation_go_on(desk: Desk) -> None:
    long = ConvId("x" * ID_MAX_CHARS)
    assert desk.says(TypingR(TALK), TypingR(long)) == [do.Type(TALK, "text"), do.Type(long, "text")]
