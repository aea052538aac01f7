"""Kill -9 of the server, of alice and of bob at random moments of a fast exchange; then compare what the disks say.

    python -m tests.end_to_end.kill --runs 30 --kills 10

Both talk without a pause, some 200 messages a second and more. Now and then the one that starts again is killed
while it recovers (F-3), and somebody's computer stalls for a moment (F-29). Nothing may be lost, doubled or out of
order, both must see the same conversation, states may only climb, and what was shown as delivered must be on the
other disk when that one is killed.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from client.core.model import State
from client.harness.puppet import Puppet
from tests.end_to_end.processes import Server

BURST_MAX = 32
PAGE = 1000
SETTLE_S = 90.0
LOOK_EVERY_S = 0.2
AGAIN_SHARE = 0.25  # of the starts are killed before they are through
STALL_SHARE = 0.2  # of the strikes are a stall
NUMBERED = re.compile(r"(alice|bob) \d+")
RANK = {state.word: int(state) for state in State if State.ACCEPTED <= state <= State.READ}
"""Steps that never fall once they were shown."""


@dataclass
class Side:
    """One person, and what they have said so far: texts are numbered, the next one is `said`."""

    puppet: Puppet
    other: str
    said: int = 0
    enough: bool = False
    shown: dict[int, int] = field(default_factory=dict)
    alive: asyncio.Event = field(default_factory=asyncio.Event)
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self) -> str:
        return self.puppet.name

    def lines(self, count: int) -> list[str]:
        """The first texts."""
        return [f"{self.name} {number}" for number in range(count)]

    def note_states(self) -> None:
        """Remember the highest step that was ever shown of each message; a step back is a fault."""
        for line in self.puppet.heard:
            if line["event"] == "state" and (rank := RANK.get(line["state"])) is not None:
                assert rank >= self.shown.get(line["lid"], 0), f"{self.name}: {line} after {self.shown}"
                self.shown[line["lid"]] = rank
        self.puppet.heard.clear()


@dataclass
class World:
    """One run."""

    server: Server
    alice: Side
    bob: Side
    dice: random.Random
    pause_s: float = 0.0
    burst: int = BURST_MAX
    killed: Counter[str] = field(default_factory=Counter)
    stalled: int = 0
    up_s: float = 0.0
    said_up: int = 0

    @property
    def rate(self) -> float:
        """Messages a second, made durable and answered while everybody was up; under this they were killed."""
        return self.said_up / max(self.up_s, 0.001)

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.alice, self.bob

    @property
    def said(self) -> int:
        return self.alice.said + self.bob.said

    @property
    def kills(self) -> int:
        return self.killed.total()


async def page(side: Side) -> list[dict[str, Any]]:
    """All texts on this person's disk."""
    bubbles: list[dict[str, Any]] = []
    before: dict[str, int] = {}
    while True:
        answer = await side.puppet.wish("history", **{"with": side.other, "limit": PAGE, **before})
        bubbles = [*answer["bubbles"], *bubbles]
        if len(answer["bubbles"]) < PAGE:
            return [bubble for bubble in bubbles if bubble["kind"] == "text" and NUMBERED.fullmatch(bubble["text"])]
        before = {"before": answer["bubbles"][0]["lid"]}


async def talk(world: World, side: Side) -> None:
    """Speak in bursts until it is enough; after a death go on behind what had been written down."""
    while not side.enough:
        await side.alive.wait()
        burst = side.lines(side.said + world.dice.randint(1, world.burst))[side.said :]
        side.idle.clear()
        try:
            answers = [side.puppet.send_wish("say", to=side.other, text=text) for text in burst]
            for answer in answers:
                await answer
                side.said += 1
            side.idle.set()
            await asyncio.sleep(world.pause_s)
        except ConnectionError:
            side.idle.set()
            await asyncio.sleep(0.01)


# -------------------------------------------------------------------------------------------------- strikes


async def strike(world: World, kills: int) -> None:
    """Kill so often, at random moments; in between, let somebody stall."""
    while world.kills < kills:
        began_s, said = time.monotonic(), world.said
        await asyncio.sleep(world.dice.uniform(0.1, 0.8))
        world.up_s += time.monotonic() - began_s
        world.said_up += world.said - said
        if world.dice.random() < STALL_SHARE:
            await stall(world)
        victim = world.dice.choice((world.server, world.alice, world.bob))
        if isinstance(victim, Server):
            await kill_server(world)
        else:
            await kill_person(world, victim)


async def stall(world: World) -> None:
    """A process does nothing for a while, and does not know it (F-29)."""
    victim = world.dice.choice((world.server, world.alice.puppet, world.bob.puppet))
    victim.signal(signal.SIGSTOP)
    await asyncio.sleep(world.dice.uniform(0.1, 1.0))
    victim.signal(signal.SIGCONT)
    world.stalled += 1


async def kill_server(world: World) -> None:
    await world.server.kill()
    world.killed["server"] += 1
    while world.dice.random() < AGAIN_SHARE:
        await interrupted(world, world.server)
    await asyncio.sleep(world.dice.random() * 0.2)
    await world.server.start()
    await call_again(world)


async def interrupted(world: World, victim: Server | Puppet) -> None:
    """Start, and be killed while recovering (F-3)."""
    try:
        async with asyncio.timeout(world.dice.uniform(0.1, 0.6)):
            await victim.start()
    except TimeoutError:
        pass
    await victim.kill()
    world.killed["recovering"] += 1


async def kill_person(world: World, side: Side) -> None:
    side.alive.clear()
    await side.puppet.kill()
    world.killed[side.name] += 1
    await rise(world, side, await delivered_to(other_than(world, side)))


async def rise(world: World, side: Side, delivered: set[str], env: Mapping[str, str] | None = None) -> None:
    """Start a person who was killed, and look at the disk: all that was promised must be there."""
    side.note_states()
    while world.dice.random() < AGAIN_SHARE:
        await interrupted(world, side.puppet)
    side.puppet.heard.clear()
    await side.puppet.start(env=env)
    mine = await page(side)
    here = {bubble["text"] for bubble in mine}
    assert delivered <= here, f"shown as delivered, and not on the disk of {side.name}: {delivered - here}"
    for bubble in mine:
        if bubble["mine"] and (was := side.shown.get(bubble["lid"])):
            assert RANK.get(bubble["state"], -1) >= was, f"{bubble} was shown as {was}"
    own = [bubble["text"] for bubble in mine if bubble["mine"]]
    assert own == side.lines(len(own)), f"{side.name} wrote {own}"
    assert len(own) >= side.said, "a message that was answered with done is not on the disk"
    side.said = len(own)
    side.alive.set()


def other_than(world: World, side: Side) -> Side:
    return world.bob if side is world.alice else world.alice


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


# ----------------------------------------------------------------------------------------------- the verdict


async def settle(world: World) -> None:
    """Wait until both have everything, and both know it."""
    end_s = time.monotonic() + SETTLE_S
    while True:
        pages = [await page(side) for side in world.sides]
        open_ends = [
            bubble["state"]
            for bubbles in pages
            for bubble in bubbles
            if bubble["mine"] and bubble["state"] not in ("delivered", "read")
        ]
        if not open_ends and all(len(bubbles) >= world.said for bubbles in pages):
            return
        assert time.monotonic() < end_s, f"not settled: {open_ends[:5]} {[len(bubbles) for bubbles in pages]}"
        await call_again(world)
        await asyncio.sleep(LOOK_EVERY_S)


async def compare(world: World) -> None:
    """The disks, not the opinions."""
    views = [await page(side) for side in world.sides]
    for side, view in zip(world.sides, views, strict=True):
        other = other_than(world, side)
        assert [bubble["text"] for bubble in view if bubble["mine"]] == side.lines(side.said)
        assert [bubble["text"] for bubble in view if not bubble["mine"]] == other.lines(other.said)
        side.note_states()
    assert [(b["pos"], b["dg"]) for b in views[0]] == [(b["pos"], b["dg"]) for b in views[1]]


async def straight(url: str) -> str:
    """The way to the server when nothing lies between."""
    return url


async def open_world(
    folder: Path, dice: random.Random, pause_s: float = 0.0, road: Callable[[str], Awaitable[str]] = straight
) -> World:
    """A server, and two people who know each other; take it down with `close_world`."""
    server = Server(folder / "server")
    await server.start()
    url = await road(server.url)
    alice, bob = (
        Side(Puppet(name, folder / name, url, options(folder, name)), other)
        for name, other in (("alice", "bob"), ("bob", "alice"))
    )
    world = World(server, alice, bob, dice, pause_s)
    invites = [await server.invite() for _ in world.sides]
    await asyncio.gather(*(s.puppet.start(invite=code) for s, code in zip(world.sides, invites, strict=True)))
    for side in world.sides:  # both, before anybody dies: opening is the one thing that needs the line
        await side.puppet.wish("open", **{"with": side.other})
    for side in world.sides:
        side.alive.set()
        side.idle.set()
    return world


async def close_world(world: World) -> None:
    for side in world.sides:
        await side.puppet.kill()
    await world.server.kill()


async def one_run(seed: int, kills: int, folder: Path, pause_s: float = 0.0) -> World:
    """Play one seed and check it. Raises AssertionError with what is wrong."""
    world = await open_world(folder, random.Random(seed), pause_s)
    try:
        async with asyncio.TaskGroup() as all_at_once:
            for side in world.sides:
                all_at_once.create_task(talk(world, side))
            await strike(world, kills)
            for side in world.sides:
                side.enough = True
        await settle(world)
        await compare(world)
    finally:
        await close_world(world)
    return world


def options(folder: Path, name: str) -> tuple[str, ...]:
    return ("--quiet", "trace,bubble,new,progress", "--log", str(folder / f"{name}.log"))


def seeds(first: int, runs: int) -> Iterator[int]:
    yield from range(first, first + runs)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--runs", type=int, default=30)
    arguments.add_argument("--kills", type=int, default=10, help="in each run")
    arguments.add_argument("--pause", type=float, default=0.02, help="seconds between two bursts of a person")
    arguments.add_argument("--seed", type=int, default=1, help="of the first run")
    arguments.add_argument("--keep", type=Path, default=None, help="keep folders with logs of failed runs here")
    chosen = arguments.parse_args()
    failed, total = 0, Total()
    for seed in seeds(chosen.seed, chosen.runs):
        started_s = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="hexagram-kill-", ignore_cleanup_errors=True) as folder:
            try:
                world = asyncio.run(one_run(seed, chosen.kills, Path(folder), chosen.pause))
                total.add(world)
                verdict = f"good  {world.said} messages, {world.rate:.0f}/s, killed {dict(world.killed)}"
            except BaseExceptionGroup as group:
                failed, verdict = failed + 1, f"BAD   {group.exceptions[0]!r}"
                keep(Path(folder), chosen.keep, seed)
            except (AssertionError, TimeoutError) as fault:
                failed, verdict = failed + 1, f"BAD   {fault!r}"
                keep(Path(folder), chosen.keep, seed)
        sys.stdout.write(f"seed {seed:3}  {time.monotonic() - started_s:5.1f} s  {verdict[:2000]}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{chosen.runs - failed} of {chosen.runs} runs: nothing lost, doubled or out of order; {total}\n")
    return 1 if failed else 0


@dataclass
class Total:
    """The sum of all good runs."""

    killed: Counter[str] = field(default_factory=Counter)
    stalled: int = 0
    said: int = 0
    said_up: int = 0
    up_s: float = 0.0

    def add(self, world: World) -> None:
        self.killed += world.killed
        self.stalled += world.stalled
        self.said += world.said
        self.said_up += world.said_up
        self.up_s += world.up_s

    def __str__(self) -> str:
        rate = self.said_up / max(self.up_s, 0.001)
        return (
            f"{self.killed.total()} kills {dict(self.killed)}, {self.stalled} stalls, {self.said} messages, "
            f"{rate:.0f} a second while everybody was up"
        )


def keep(folder: Path, where: Path | None, seed: int) -> None:
    if where is not None:
        shutil.copytree(folder, where / f"seed-{seed}", dirs_exist_ok=True)


if __name__ == "__main__":
    sys.exit(main())
