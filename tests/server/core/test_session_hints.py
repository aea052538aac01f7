"""Hints on one connection: who writes, who is here."""

from __future__ import annotations

import pytest

from protocol.limits import TYPING_EVERY_S, UNSENT_MAX_BYTES, WATCHED_MAX
from protocol.packets import Here, Nack, PresenceN, PresenceR, TypingN, TypingR
from protocol.values import ConvId, Uid
from server.core import effects as do
from server.core import events as on
from tests.helpers.wire import ALICE, BOB, TALK
from tests.server.core.test_session import Desk, sent

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


@pytest.mark.parametrize("uids", [tuple(Uid(f"u{n}") for n in range(WATCHED_MAX + 1)), (Uid("x" * 33),)])
def test_too_many_and_impossible_people_are_not_watched(desk: Desk, uids: tuple[Uid, ...]) -> None:
    assert sent(desk.says(PresenceR(uids))) == [Nack("packet")]
