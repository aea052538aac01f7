"""The notes' own schedule through the whole client: 10, 30, 60 and 10 s, then a question (P-54, P-55)."""

from __future__ import annotations

import pytest

from client.core.events import Dial
from client.core.model import State
from protocol.ladder import Ladder
from tests.conformance.scene import Scene
from tests.conformance.script import LATENCY_S, Script
from tests.simulation.schedule import _listening

EXACT_S = 0.1  # the disk is written before each try leaves
LADDER, ASK = Ladder(), Ladder("ask")
LITERAL, LITERAL_ASK = Ladder(literal=True), Ladder("ask", literal=True)


def unheard(ladder: Ladder, times: int = 1) -> Scene:
    """A scene whose server never hears a message, in which something was said just now."""
    scene = Scene(Script("msg_R", "lost", no_end=True), ladder=ladder)
    scene.begin()
    scene.say(times)
    return scene


def goes_down(scene: Scene) -> None:
    scene.network.go_down(scene.programs["alice"])


def comes_back(scene: Scene) -> float:
    """The server can be reached, and somebody clicks; returns when the session was ready."""
    scene.network.is_down = False
    scene.programs["alice"].runner.post(Dial())
    scene.pass_s(0.5)
    (wire,) = scene.network.lines("alice")
    return round(wire.greeted_s - scene.zero_s + 3 * LATENCY_S, 3)  # type: ignore[attr-defined]


def is_heard_again(scene: Scene) -> None:
    """The weather clears and the person says yes: everything arrives once and in order."""
    scene.script.packet = None
    scene.programs["alice"].sends_again(min(scene.climbs))
    scene.pass_s(200.0)
    assert scene.heard("bob") == tuple(scene.words)
    assert {climb[-1] for climb in scene.climbs.values()} == {State.DELIVERED}


@pytest.mark.parametrize("ladder", [LADDER, LITERAL])
def test_four_tries_and_the_question_after_110_seconds(ladder: Ladder) -> None:
    scene = unheard(ladder)
    with _listening(scene.world):
        scene.pass_s(109.5)
        assert scene.asked == {}
        scene.pass_s(200.0)

        assert scene.tried_at(1) == pytest.approx([0, 10, 40, 100], abs=EXACT_S)
        assert list(scene.asked.values()) == pytest.approx([110], abs=EXACT_S)
        assert list(scene.climbs.values()) == [[State.QUEUED, State.NEEDS_YOU]]
        is_heard_again(scene)


@pytest.mark.parametrize("ladder", [ASK, LITERAL_ASK])
def test_one_try_and_the_question_after_10_seconds(ladder: Ladder) -> None:
    scene = unheard(ladder)
    with _listening(scene.world):
        scene.pass_s(9.5)
        assert scene.asked == {}
        scene.pass_s(200.0)

        assert scene.tried_at(1) == pytest.approx([0], abs=EXACT_S)
        assert list(scene.asked.values()) == pytest.approx([10], abs=EXACT_S)
        is_heard_again(scene)


def test_one_question_is_asked_for_all_that_wait_behind_the_head() -> None:
    scene = unheard(LITERAL, times=3)
    with _listening(scene.world):
        scene.pass_s(50.0)
        scene.say(1)
        scene.pass_s(150.0)

        assert scene.tried_at(1) == pytest.approx([0, 10, 40, 100], abs=EXACT_S)
        assert [len(scene.tried_at(n)) for n in (2, 3, 4)] == [1, 1, 0], "what stands behind a head is not tried alone"
        assert list(scene.asked.values()) == pytest.approx([110] * 4, abs=EXACT_S)
        is_heard_again(scene)


def test_the_literal_schedule_counts_the_time_without_a_line() -> None:
    scene = unheard(LITERAL)
    with _listening(scene.world):
        scene.pass_s(5.0)
        goes_down(scene)
        scene.pass_s(45.0)
        comes_back(scene)
        scene.pass_s(200.0)

        assert scene.tried_at(1) == pytest.approx([0, 100], abs=EXACT_S), "the tries at 10 and 40 s had no line"
        assert list(scene.asked.values()) == pytest.approx([110], abs=EXACT_S), "a new session renews nothing"


def test_the_literal_schedule_asks_without_any_line() -> None:
    scene = Scene(Script(), ladder=LITERAL)
    scene.begin()
    with _listening(scene.world):
        goes_down(scene)
        scene.say(2)
        scene.pass_s(300.0)

        assert scene.tried_at(1) == []
        assert list(scene.asked.values()) == pytest.approx([110, 110], abs=EXACT_S)
        comes_back(scene)
        is_heard_again(scene)


@pytest.mark.parametrize(("ladder", "waits_s"), [(LADDER, [0, 10, 40, 100]), (ASK, [0])])
def test_time_without_a_line_does_not_count_and_a_new_session_begins_again(
    ladder: Ladder, waits_s: list[float]
) -> None:
    scene = unheard(ladder)
    with _listening(scene.world):
        scene.pass_s(5.0)
        goes_down(scene)
        scene.pass_s(600.0)
        assert scene.asked == {}
        ready_s = comes_back(scene)
        scene.pass_s(300.0)

        assert scene.tried_at(1) == pytest.approx([0, *(ready_s + wait_s for wait_s in waits_s)], abs=EXACT_S)
        asks_s = 110 if len(waits_s) > 1 else 10
        assert list(scene.asked.values()) == pytest.approx([ready_s + asks_s], abs=EXACT_S)
        is_heard_again(scene)


def test_nobody_is_asked_whose_message_the_server_has() -> None:
    """Every ack:N is lost, and bob is away: the probes run out without a word."""
    scene = Scene(Script("ack_N", "lost", no_end=True), recipient="offline", ladder=LITERAL)
    scene.begin()
    with _listening(scene.world):
        scene.say(1)
        scene.pass_s(300.0)

        assert scene.tried_at(1) == pytest.approx([0, 10, 40, 100], abs=EXACT_S)
        assert scene.asked == {}
        assert list(scene.climbs.values()) == [[State.QUEUED, State.ACCEPTED]]
