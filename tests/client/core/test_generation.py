"""A server that was restored from a backup (P-69): agree first, then talk."""

from __future__ import annotations

from client.core.effects import FindOwnAbove, SaveGeneration, Send
from client.core.events import Rewound, SessionUp
from client.core.generation import Generation
from client.core.model import Own
from protocol.packets import Head, HeadsA, HeadsR
from protocol.values import Lid
from tests.helpers.machines import C, D, dg, taken, welcome

OWN = (Own(Lid(5), C, dg("five"), b"five"),)


def test_the_first_generation_is_only_written_down() -> None:
    generation = Generation("", lambda: [])
    up = SessionUp(1, welcome(gen="1-aa"))

    assert generation.greet(up) == [SaveGeneration("1-aa", ()), up]
    assert generation.gen == "1-aa"
    assert not generation.holds


def test_another_generation_holds_the_session_until_own_messages_are_found() -> None:
    generation = Generation("1-aa", lambda: [C, D])
    up = SessionUp(1, welcome(Head(C, 8, 3, 6), gen="2-bb"))

    assert generation.greet(up) == [FindOwnAbove(((C, 6), (D, 0)))]
    assert generation.holds
    assert generation.hear(HeadsA(heads=(Head(C, 9, 3, 7),))) == []

    assert generation.found(OWN) == [
        Rewound("2-bb", {C: 6, D: 0}, OWN),
        SaveGeneration("2-bb", ((C, 6), (D, 0))),
        up,
    ]
    assert generation.gen == "2-bb"
    assert not generation.holds


def test_the_base_is_never_above_the_head() -> None:
    generation = Generation("1-aa", lambda: [])

    assert generation.greet(SessionUp(1, welcome(Head(C, 4, 3, 6), gen="2-bb"))) == [FindOwnAbove(((C, 4),))]


def test_a_welcome_without_heads_is_asked_for_them() -> None:
    generation = Generation("1-aa", lambda: [C])
    up = SessionUp(3, welcome(gen="2-bb", same=True))

    assert generation.greet(up) == [Send(3, (HeadsR(),))]
    assert generation.found(OWN) == []
    assert generation.hear(HeadsA(same=True)) == []
    assert generation.hear(taken("hello", 1)) == []
    assert generation.hear(HeadsA(heads=(Head(C, 8, 3, 6),))) == [FindOwnAbove(((C, 6),))]
    assert generation.found(())[-1] == SessionUp(3, welcome(Head(C, 8, 3, 6), gen="2-bb"))


def test_a_session_that_ends_before_it_began_is_forgotten() -> None:
    generation = Generation("1-aa", lambda: [C])
    generation.greet(SessionUp(1, welcome(Head(C, 8, 3, 6), gen="2-bb")))
    generation.drop()

    assert not generation.holds
    assert generation.found(OWN) == []
    assert generation.hear(HeadsA()) == []
    assert generation.gen == "1-aa"
