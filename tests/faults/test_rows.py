"""The rows of the fault matrix that a bad network makes, F-4 to F-11, F-15 and F-17: real parts, hurried time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import pytest

from tests.faults.fast import run_fast
from tests.faults.proxy import Cut, Hop, Keep, Lose, Verdict, Way
from tests.faults.storms import Doubling, Late, Losing, Overtaking, Storm, without
from tests.faults.street import Street, now_s, street, until

SIX = ["msg:R", "msg:A", "msg:N", "ack:R", "ack:A", "ack:N"]
Story = Callable[[Street], Awaitable[None]]
Play = Callable[[Story], None]
SLACK_S = 6.0  # a turn of a busy computer, in hurried seconds


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Run a story in hurried time, and see to it that nothing was lost, doubled or out of order in the end."""

    def playing(story: Story) -> None:
        async def main() -> None:
            async with street(tmp_path, monkeypatch) as here:
                await story(here)
                here.proxy.weather = type(here.proxy.weather)()
                await here.settle()

        run_fast(main())

    return playing


async def talk(here: Street, messages: int, pause_s: float = 0.2) -> None:
    """Both speak, in turn."""
    for number in range(messages):
        for person in here.people:
            await person.say(f"{person.name} {number}")
        await asyncio.sleep(pause_s)


async def talk_across_sessions(here: Street, messages: int) -> None:
    """Three sessions of this many messages each, and a few words in a fourth. Something came later than its own."""
    for _ in range(3):
        await talk(here, messages)
        here.proxy.reset_all()
        await here.alice.becomes("ready")
        await here.bob.becomes("ready")
    await talk(here, 2)
    assert here.proxy.done["came in a later session"] > 0


@pytest.mark.parametrize("kind", SIX)
def test_f4_each_of_the_six_packets_may_be_lost(kind: str, play: Play) -> None:
    """The first of each, on every line: at most one try more, one bubble."""

    async def story(here: Street) -> None:
        judge = Losing(kind)
        here.proxy.weather.judge = judge
        await talk(here, 3)
        await here.settle()
        assert judge.lost >= 1
        assert judge.tries <= 2, "one try, and one more"

    play(story)


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_f5_a_share_of_all_frames_may_be_lost(share: float, play: Play) -> None:
    async def story(here: Street) -> None:
        dice = Random(5)
        here.proxy.weather.judge = lambda hop: Lose() if dice.random() < share else Keep(hop.frame)
        await talk(here, 15)
        await asyncio.sleep(25.0)
        parked = [b for person in here.people for b in await person.bubbles() if b.state.word == "needs_you"]
        assert not parked or share > 0.2, "below a fifth nobody is asked"

    play(story)


def test_f6_each_frame_may_come_up_to_five_times_also_in_a_later_session(play: Play) -> None:
    async def story(here: Street) -> None:
        here.proxy.weather.judge = Doubling(Random(6))
        await talk_across_sessions(here, 3)
        assert here.proxy.done["doubled"] > 10

    play(story)


def test_f7_frames_may_overtake_each_other_within_and_across_sessions(play: Play) -> None:
    async def story(here: Street) -> None:
        here.proxy.weather.judge = Overtaking(Random(7))
        await talk_across_sessions(here, 5)
        assert here.proxy.done["late"] > 5

    play(story)


@pytest.mark.parametrize("kind", ["msg:R", "msg:A", "msg:N", "ack:R"])
def test_f8_a_frame_may_be_delayed_past_the_next_session(kind: str, play: Play) -> None:
    async def story(here: Street) -> None:
        here.proxy.weather.judge = Late(kind)
        await talk(here, 2)
        here.proxy.reset_all()
        await talk(here, 2)
        await here.settle()
        assert here.proxy.done["came in a later session"] == 1

    play(story)


@pytest.mark.parametrize(
    ("kind", "share"), [("msg:R", 0.1), ("msg:R", 0.9), ("msg:N", 0.5), ("hello", 0.5), ("welcome", 0.5)]
)
def test_f9_a_frame_may_be_cut_in_the_middle(kind: str, share: float, play: Play) -> None:
    async def story(here: Street) -> None:
        def once(hop: Hop) -> Verdict:
            if kind in hop.frame.types and not here.proxy.done["cut in a frame"]:
                return Cut(share)
            return Keep(hop.frame)

        here.proxy.weather.judge = once
        if kind in ("hello", "welcome"):
            here.proxy.reset_all()
        await talk(here, 3)
        await here.settle()
        assert here.proxy.done["cut in a frame"] == 1

    play(story)


@pytest.mark.parametrize("size", [1, 20, 100])
def test_f9_a_handshake_may_be_cut_in_the_middle(size: int, play: Play) -> None:
    async def story(here: Street) -> None:
        here.proxy.weather.handshake_bytes = size
        here.proxy.reset_all()
        await talk(here, 2)
        await until(lambda: here.proxy.done["cut in the handshake"] >= 2, 60.0, "nobody called")
        here.proxy.weather.handshake_bytes = 0
        await here.settle()

    play(story)


@pytest.mark.parametrize("way", ["up", "down"])
def test_f10_half_a_line_is_noticed_within_ten_seconds_of_traffic(way: Way, play: Play) -> None:
    async def story(here: Street) -> None:
        await talk(here, 1)
        await here.settle()
        here.proxy.weather.silent = {way}
        began_s = now_s()
        await here.alice.say("into the void")
        await until(lambda: bool(here.alice.ends()), 30.0, "never noticed")
        assert here.alice.ends()[0][0] - began_s <= 10.0 + SLACK_S
        here.wake()

    play(story)


@pytest.mark.parametrize("way", ["up", "down"])
def test_f10_half_a_line_is_noticed_when_it_is_idle(way: Way, play: Play) -> None:
    """Within T + 10 s of the last byte that came in."""

    async def story(here: Street) -> None:
        await talk(here, 1)
        await here.settle()
        await asyncio.sleep(5.0)
        here.proxy.weather.silent = {way}
        began_s = now_s()
        await until(lambda: bool(here.alice.ends()), 60.0, "never noticed")
        assert here.alice.ends()[0][0] - began_s <= 30.0 + 10.0 + SLACK_S
        here.wake()

    play(story)


def test_f11_a_partition_one_way_asks_nobody_and_costs_nothing_but_time(play: Play) -> None:
    """From the sender to the server all is lost, the way back is fine; sessions do not even begin."""

    async def story(here: Street) -> None:
        here.proxy.weather.silent = {"up"}
        await here.alice.say("one", "two")
        await asyncio.sleep(30.0)
        assert {b.state.word for b in await here.alice.bubbles()} <= {"queued", "sending"}
        here.wake()

    play(story)


def test_f11_a_one_way_partition_of_messages_alone_is_asked_about_when_the_ladder_ends(play: Play) -> None:
    """The line is fine, and only what carries messages is swallowed: 10 + 30 + 60 + 10 s, then the person is asked."""

    async def story(here: Street) -> None:
        here.proxy.weather.judge = lambda hop: without(hop, "msg:R", "status:R")
        began_s = now_s()
        await here.alice.say("one", "two")
        while not any(b.state.word == "needs_you" for b in await here.alice.bubbles()):
            assert now_s() - began_s < 140.0, "never asked"
            await asyncio.sleep(1.0)
        assert now_s() - began_s >= 110.0
        here.proxy.weather.judge = Storm.none
        for bubble in await here.alice.bubbles():
            if bubble.mine:
                await here.alice.chat.resend(bubble.lid)

    play(story)


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_f15_a_line_of_1_kb_a_second_is_not_killed_while_it_is_busy(name: str, play: Play) -> None:
    """About 30 KB each way: half a minute, in which nothing but pieces of frames moves. Not one line may fall."""

    async def story(here: Street) -> None:
        speaker = here.alice if name == "alice" else here.bob
        here.proxy.weather.rate = 1000.0
        began_s = now_s()
        await speaker.say(*(f"{name} {number} " + chr(0x4E00 + number) * 2_500 for number in range(3)))
        await here.settle()
        assert now_s() - began_s > 30.0, "that was not slow"
        assert [person.ends() for person in here.people] == [[], []]

    play(story)


def test_f15_a_round_trip_of_five_seconds_is_not_taken_for_death(play: Play) -> None:
    async def story(here: Street) -> None:
        here.proxy.weather.latency_s = 2.5
        await talk(here, 4, pause_s=7.0)
        await here.settle()
        assert [person.ends() for person in here.people] == [[], []]

    play(story)


def test_f17_after_a_sleep_a_dead_line_is_noticed_in_three_seconds(play: Play) -> None:
    """And what was written on the road leaves at once."""

    async def story(here: Street) -> None:
        here.proxy.weather.frozen = True
        await asyncio.sleep(1.0)
        began_s = now_s()
        here.alice.chat.woke_up()
        await until(lambda: bool(here.alice.ends()), 20.0, "never noticed")
        assert 3.0 <= here.alice.ends()[0][0] - began_s <= 3.0 + SLACK_S
        await here.alice.say("still here")
        here.proxy.weather.frozen = False
        here.alice.chat.woke_up()
        assert await here.alice.becomes("ready") <= 5.0 + SLACK_S

    play(story)
