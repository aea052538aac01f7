"""Who is writing: thinned out, never repeated, never remembered for long."""

from __future__ import annotations

from protocol.limits import TYPING_EVERY_S
from protocol.values import ConvId, Uid
from server.core.typing import PLACES_MAX, Gate, TypingBell
from tests.helpers.wire import ALICE, TALK


def test_a_word_every_two_seconds_goes_on() -> None:
    gate = Gate()
    assert gate.passes(TALK, "text", 10.0)
    assert not gate.passes(TALK, "text", 10.0 + TYPING_EVERY_S - 0.01)
    assert not gate.passes(TALK, "voice", 10.0 + TYPING_EVERY_S - 0.01)
    assert gate.passes(TALK, "voice", 10.0 + TYPING_EVERY_S)


def test_each_conversation_has_its_own_time() -> None:
    gate = Gate()
    assert gate.passes(TALK, "text", 10.0)
    assert gate.passes(ConvId("other"), "text", 10.0)


def test_the_end_of_writing_goes_on_at_once_and_once() -> None:
    gate = Gate()
    assert gate.passes(TALK, "text", 10.0)
    assert gate.passes(TALK, "", 10.1)
    assert not gate.passes(TALK, "", 10.2)
    assert not gate.passes(TALK, "text", 10.2)
    assert gate.passes(TALK, "text", 10.0 + TYPING_EVERY_S)
    assert gate.passes(TALK, "", 10.0 + TYPING_EVERY_S)


def test_the_end_of_what_an_older_session_began_goes_on() -> None:
    gate = Gate()
    assert gate.passes(TALK, "", 10.0)
    assert gate.passes(TALK, "text", 10.0)


def test_few_conversations_are_remembered() -> None:
    gate = Gate()
    for place in range(PLACES_MAX + 1):
        assert gate.passes(ConvId(f"c{place}"), "text", 10.0)
    assert gate.passes(ConvId("c0"), "text", 10.0)
    assert not gate.passes(ConvId(f"c{PLACES_MAX}"), "text", 10.0)


def test_a_bell_says_who_writes_where() -> None:
    bell = TypingBell(TALK, ALICE.uid, "file", (Uid("bob"),))
    assert (bell.conv, bell.uid, bell.doing, bell.members) == (TALK, ALICE.uid, "file", ("bob",))


def test_those_written_in_longest_ago_are_forgotten_first() -> None:
    gate = Gate()
    for place in range(PLACES_MAX):
        assert gate.passes(ConvId(f"c{place}"), "text", 10.0)
    assert not gate.passes(ConvId("c0"), "text", 10.0)  # as many as fit are remembered
    assert gate.passes(ConvId("c0"), "text", 12.0)
    assert gate.passes(ConvId("one more"), "text", 12.0)
    assert not gate.passes(ConvId("c0"), "text", 12.0)
