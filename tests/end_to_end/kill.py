"""Kill -9 of the server, of alice and of bob at random moments of an exchange; then compare what the disks say.

    python -m tests.end_to_end.kill --runs 30 --messages 500

Nothing may be lost, doubled or out of order, both must see the same conversation, states may only climb, and what
was shown as delivered must be on the other disk when that one is killed.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from client.core.model import State
from client.harness.puppet import Puppet
from tests.end_to_end.processes import Server

BURST_MAX = 8
AHEAD_MAX = 24
SETTLE_S = 90.0
LOOK_EVERY_S = 0.2
RANK = {state.word: int(state) for state in State if State.ACCEPTED <= state <= State.READ}
"""Steps that never fall once they were shown."""


@dataclass
class Side:
    """One person, and what they are to say."""

    puppet: Puppet
    other: str
    lines: list[str]
    said: int = 0
    shown: dict[int, int] = field(default_factory=dict)
    alive: asyncio.Event = field(default_factory=asyncio.Event)

    def note_states(self) -> None:
        """Remember the highest step that was ever shown of each message; a step back is a fault."""
        for line in self.puppet.heard:
            if line["event"] == "state" and (rank := RANK.get(line["state"])) is not None:
                assert rank >= self.shown.get(line["lid"], 0), f"{self.puppet.name}: {line} after {self.shown}"
                self.shown[line["lid"]] = rank
        self.puppet.heard.clear()


@dataclass
class World:
    """One run."""

    server: Server
    alice: Side
    bob: Side
    dice: random.Random
    kills: list[tuple[int, str]]
    killed: list[str] = field(default_factory=list)

    @property
    def may_say(self) -> bool:
        """Nobody runs far ahead of the next death, so that it falls into the middle of the talk."""
        waiting = self.kills[len(self.killed) :]
        return not waiting or self.said < waiting[0][0] + AHEAD_MAX

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.alice, self.bob

    @property
    def said(self) -> int:
        return self.alice.said + self.bob.said


async def own_texts(side: Side) -> list[str]:
    return [bubble["text"] for bubble in await page(side) if bubble["mine"]]


async def page(side: Side) -> list[dict[str, Any]]:
    answer = await side.puppet.wish("history", **{"with": side.other, "limit": 1000})
    return [bubble for bubble in answer["bubbles"] if bubble["kind"] == "text"]


async def talk(world: World, side: Side) -> None:
    """Say everything, in bursts; after a death go on behind what had been written down."""
    while side.said < len(side.lines):
        await side.alive.wait()
        if not world.may_say:
            await asyncio.sleep(0.005)
            continue
        burst = side.lines[side.said : side.said + world.dice.randint(1, BURST_MAX)]
        try:
            answers = [side.puppet.send_wish("say", to=side.other, text=text) for text in burst]
            for answer in answers:
                await answer
                side.said += 1
            await asyncio.sleep(world.dice.random() * 0.02)
        except ConnectionError:
            await asyncio.sleep(0.01)


async def strike(world: World) -> None:
    """Kill as planned, and start again a moment later."""
    for at, victim in world.kills:
        while world.said < at:
            await asyncio.sleep(0.002)
        await asyncio.sleep(world.dice.random() * 0.05)
        world.killed.append(f"{victim} at {world.said}")
        if victim == "server":
            await world.server.kill()
            await asyncio.sleep(world.dice.random() * 0.3)
            await world.server.start()
            await call_again(world)
        else:
            await kill_person(world, world.alice if victim == "alice" else world.bob)


async def kill_person(world: World, side: Side) -> None:
    other = world.bob if side is world.alice else world.alice
    side.alive.clear()
    await side.puppet.kill()
    delivered = await delivered_to(other)
    side.note_states()
    await asyncio.sleep(world.dice.random() * 0.3)
    await side.puppet.start()
    mine = await page(side)
    here = {bubble["text"] for bubble in mine}
    assert delivered <= here, f"shown as delivered, and not on the disk of {side.puppet.name}: {delivered - here}"
    for bubble in mine:
        if bubble["mine"] and (was := side.shown.get(bubble["lid"])):
            assert RANK.get(bubble["state"], -1) >= was, f"{bubble} was shown as {was}"
    own = [bubble["text"] for bubble in mine if bubble["mine"]]
    assert own == side.lines[: len(own)], f"{side.puppet.name} wrote {own}"
    assert len(own) >= side.said, "a message that was answered with done is not on the disk"
    side.said = len(own)
    side.alive.set()


async def delivered_to(author: Side) -> set[str]:
    """What this person shows as delivered at this moment."""
    if not author.puppet.running:
        return set()
    try:
        bubbles = await page(author)
    except ConnectionError:
        return set()
    return {bubble["text"] for bubble in bubbles if bubble["mine"] and bubble["state"] in ("delivered", "read")}


async def call_again(world: World) -> None:
    for side in world.sides:
        if side.puppet.running:
            await side.puppet.wish("connect")


async def settle(world: World) -> None:
    """Wait until both have everything, and both know it."""
    total = sum(len(side.lines) for side in world.sides)
    end_s = time.monotonic() + SETTLE_S
    while True:
        pages = [await page(side) for side in world.sides]
        open_ends = [
            bubble["state"]
            for bubbles in pages
            for bubble in bubbles
            if bubble["mine"] and bubble["state"] not in ("delivered", "read")
        ]
        if not open_ends and all(len(bubbles) >= total for bubbles in pages):
            return
        assert time.monotonic() < end_s, f"not settled: {open_ends[:5]} {[len(bubbles) for bubbles in pages]}"
        await call_again(world)
        await asyncio.sleep(LOOK_EVERY_S)


async def compare(world: World) -> None:
    """The disks, not the opinions."""
    views = [await page(side) for side in world.sides]
    for side, other in (world.sides, reversed(world.sides)):
        bubbles = views[world.sides.index(side)]
        assert [bubble["text"] for bubble in bubbles if bubble["mine"]] == side.lines
        assert [bubble["text"] for bubble in bubbles if not bubble["mine"]] == other.lines
        side.note_states()
    assert [(b["pos"], b["dg"]) for b in views[0]] == [(b["pos"], b["dg"]) for b in views[1]]


def plan(dice: random.Random, messages: int) -> list[tuple[int, str]]:
    """Everybody dies once, and somebody twice, at moments spread over the exchange."""
    victims = ["server", "alice", "bob", dice.choice(("server", "alice", "bob"))]
    dice.shuffle(victims)
    moments = sorted(dice.randrange(messages // 20, messages * 9 // 10) for _ in victims)
    return list(zip(moments, victims, strict=True))


async def one_run(seed: int, messages: int, folder: Path) -> World:
    """Play one seed and check it. Raises AssertionError with what is wrong."""
    dice = random.Random(seed)
    server = Server(folder / "server")
    await server.start()
    alice, bob = (
        Side(Puppet(name, folder / name, server.url, options(folder, name)), other, [])
        for name, other in (("alice", "bob"), ("bob", "alice"))
    )
    alice.lines = [f"alice {number}" for number in range(messages // 2)]
    bob.lines = [f"bob {number}" for number in range(messages - messages // 2)]
    world = World(server, alice, bob, dice, plan(dice, messages))
    try:
        for side in world.sides:
            await side.puppet.start(invite=await server.invite())
        await alice.puppet.wish("open", **{"with": "bob"})
        for side in world.sides:
            side.alive.set()
        async with asyncio.TaskGroup() as all_at_once:
            all_at_once.create_task(talk(world, alice))
            all_at_once.create_task(talk(world, bob))
            all_at_once.create_task(strike(world))
        await settle(world)
        await compare(world)
    finally:
        for side in world.sides:
            await side.puppet.kill()
        await server.kill()
    return world


def options(folder: Path, name: str) -> tuple[str, ...]:
    return ("--quiet", "trace", "--log", str(folder / f"{name}.log"))


def seeds(first: int, runs: int) -> Iterator[int]:
    yield from range(first, first + runs)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--runs", type=int, default=30)
    arguments.add_argument("--messages", type=int, default=500)
    arguments.add_argument("--seed", type=int, default=1, help="of the first run")
    arguments.add_argument("--keep", type=Path, default=None, help="keep folders with logs of failed runs here")
    chosen = arguments.parse_args()
    failed = 0
    for seed in seeds(chosen.seed, chosen.runs):
        started_s = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="hexagram-kill-", ignore_cleanup_errors=True) as folder:
            try:
                world = asyncio.run(one_run(seed, chosen.messages, Path(folder)))
                verdict = f"good  killed {', '.join(world.killed)}"
            except BaseExceptionGroup as group:
                failed, verdict = failed + 1, f"BAD   {group.exceptions[0]!r}"
                keep(Path(folder), chosen.keep, seed)
            except (AssertionError, TimeoutError) as fault:
                failed, verdict = failed + 1, f"BAD   {fault!r}"
                keep(Path(folder), chosen.keep, seed)
        sys.stdout.write(f"seed {seed:3}  {time.monotonic() - started_s:5.1f} s  {verdict}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{chosen.runs - failed} of {chosen.runs} runs: nothing lost, doubled or out of order\n")
    return 1 if failed else 0


def keep(folder: Path, where: Path | None, seed: int) -> None:
    if where is not None:
        shutil.copytree(folder, where / f"seed-{seed}", dirs_exist_ok=True)


if __name__ == "__main__":
    sys.exit(main())
