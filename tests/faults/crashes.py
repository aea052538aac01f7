"""Kill real processes at every named crash point, under load, and see that the contract's repair happens (section 13).

    python -m tests.faults.crashes --rounds 20 [--points S2,C5] [--seed 1]

Alice and Bob talk all the time. A process is started with its point armed, dies there, is started again, and they go
on; at the end nothing that was acknowledged may be missing, doubled or out of order on either disk.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from protocol.passages import ENVIRONMENT
from protocol.problems import Problem
from tests.end_to_end.kill import (
    Side,
    World,
    call_again,
    close_world,
    compare,
    delivered_to,
    open_world,
    other_than,
    page,
    rise,
    settle,
    talk,
)

log = logging.getLogger(__name__)
DIES_WITHIN_S = 60.0
BURST_MAX = 6
FILE_BYTES = 5_000_000  # more than one part of 4 MiB
CANCELLED = "to be cancelled"
Provoke: TypeAlias = Callable[[World, Side], Awaitable[None]]
"""What has to be done, beside talking, so that the point is passed."""


@dataclass(frozen=True)
class Point:
    """A point, who has it, and how many passages there may be before the deadly one."""

    name: str
    who: str
    most: int = 1
    provoke: Provoke | None = None
    deadly: bool = True


class Crash:
    """One world in which points are passed one after another."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.died: Counter[str] = Counter()
        self.extra: set[str] = set()

    def side(self, who: str) -> Side:
        return self.world.alice if who == "alice" else self.world.bob

    async def at(self, point: Point) -> None:
        """Let it happen once."""
        env = {ENVIRONMENT: f"{point.name}:{self.world.dice.randint(1, point.most)}"}
        if point.who == "server":
            await self._server(point, env)
        else:
            await self._person(point, env)
        self.died[point.name] += 1
        log.info("%s, %d messages", point.name, self.world.said)

    # --- the server

    async def _server(self, point: Point, env: dict[str, str]) -> None:
        server = self.world.server
        if server.running:
            await server.kill()
        try:
            await server.start(env)
            await call_again(self.world)
            await self._until_dead(point, server.death)
        except AssertionError:  # it died before it listened: S11 is on the way there
            pass
        await server.kill()
        await server.start()
        await call_again(self.world)

    async def _until_dead(self, point: Point, death: Callable[[], Awaitable[None]]) -> None:
        provoking = asyncio.ensure_future(self._provoke(point))
        try:
            if point.deadly:
                await asyncio.wait_for(asyncio.ensure_future(death()), DIES_WITHIN_S)
            else:
                await asyncio.sleep(0.5)
        except TimeoutError:
            raise AssertionError(f"{point.name} was never passed") from None
        finally:
            provoking.cancel()
            with suppress(asyncio.CancelledError, Problem, ConnectionError):
                await provoking

    async def _provoke(self, point: Point) -> None:
        if point.provoke is not None:
            await point.provoke(self.world, self.world.alice)

    # --- a person

    async def _person(self, point: Point, env: dict[str, str]) -> None:
        side = self.side(point.who)
        side.alive.clear()
        await side.idle.wait()  # all that was said is answered, so that what comes next has its right number
        if point.name == "C9":
            await self._go_back(side)
        else:
            await side.puppet.kill()
        side.note_states()
        side.puppet.heard.clear()
        with suppress(Problem, ConnectionError):
            await side.puppet.start(env={**os.environ, **env})
            await PREPARE.get(point.name, Crash._nothing)(self, side)
            side.alive.set()
        await self._until_dead(point, lambda: self._gone(side))
        side.alive.clear()
        await side.puppet.kill()
        await self._server_is_up()
        if point.name == "C9":
            await self._hear_own(side)
            await rise(self.world, side, set())
        else:
            await rise(self.world, side, await delivered_to(other_than(self.world, side)))

    async def _nothing(self, side: Side) -> None:
        """Talking is enough."""

    async def _server_is_up(self) -> None:
        if not self.world.server.running:
            await self.world.server.start()
            await call_again(self.world)

    async def _gone(self, side: Side) -> None:
        while side.puppet.running:
            await asyncio.sleep(0.02)

    async def _go_back(self, side: Side) -> None:
        """The profile is restored from a backup: its numbers are behind (P-65)."""
        folder, backup = side.puppet.data_dir, side.puppet.data_dir.with_name("backup")
        await side.puppet.kill()
        shutil.rmtree(backup, ignore_errors=True)
        shutil.copytree(folder, backup)
        await side.puppet.start()
        said = await page(side)
        first = sum(bubble["mine"] for bubble in said)
        texts = side.lines(first + 3)[first:]
        lids = [(await side.puppet.wish("say", to=side.other, text=text))["lid"] for text in texts]
        await side.puppet.state(lids[-1], "accepted", "stored", "delivered", "read")
        side.said = first + 3
        await side.puppet.kill()
        shutil.rmtree(folder)
        shutil.copytree(backup, folder)
        side.puppet.heard.clear()  # numbers of bubbles will be given again
        side.shown.clear()
        await self.world.server.kill()

    async def _say_in_the_dark(self, side: Side) -> None:
        """Before it hears what it had said, it says something else: that has to be renumbered (P-23)."""
        await side.puppet.wish("say", to=side.other, text=f"{side.name} {side.said}")
        side.said += 1
        await self._server_is_up()

    async def _hear_own(self, side: Side) -> None:
        """What this profile has forgotten comes back from the server (P-65)."""
        await side.puppet.start()
        end_s = time.monotonic() + DIES_WITHIN_S
        while True:
            own = [bubble["text"] for bubble in await page(side) if bubble["mine"]]
            if own == side.lines(len(own)):
                break
            assert time.monotonic() < end_s, f"never came back: {own}"
            await call_again(self.world)
            await asyncio.sleep(0.1)
        await side.puppet.kill()

    async def _cancel(self, side: Side) -> None:
        """A message that cannot leave is cancelled."""
        await self.world.server.kill()
        lid = (await side.puppet.wish("say", to=side.other, text=CANCELLED))["lid"]
        await side.puppet.wish("cancel", lid=lid)


PREPARE: dict[str, Callable[[Crash, Side], Awaitable[None]]] = {
    "C8": Crash._cancel,
    "C9": Crash._say_in_the_dark,
}


# ------------------------------------------------------------------------------------------------ what provokes


async def reconnecting(world: World, side: Side) -> None:
    """S7 is on the way into a session."""
    while True:
        await call_again(world)
        await asyncio.sleep(0.2)


async def uploading(world: World, side: Side) -> None:
    """S8 and S9 are on the way of a file."""
    path = side.puppet.data_dir.with_name(f"file {world.dice.randrange(1 << 30)}.bin")
    path.write_bytes(world.dice.randbytes(FILE_BYTES))
    await side.puppet.wish("send", to=side.other, path=str(path), kind="file")
    await asyncio.sleep(DIES_WITHIN_S)


async def opening(world: World, side: Side) -> None:
    """S10 is between two halves of opening a conversation."""
    await side.puppet.wish("open", title=f"group {world.dice.randrange(1 << 30)}", members=["bob"])


POINTS = (
    Point("S1", "server", 20), Point("S2", "server", 20), Point("S3", "server", 20),
    Point("S4", "server", 20, deadly=False), Point("S4-lost", "server", 20, deadly=False),
    Point("S5", "server", 10), Point("S6", "server", 10), Point("S7", "server", 2, reconnecting),
    Point("S8", "server", 2, uploading), Point("S9", "server", 1, uploading),
    Point("S10", "server", 1, opening), Point("S11", "server", 1),
    Point("C1", "alice", 20), Point("C2", "alice", 20), Point("C3", "alice", 20), Point("C4", "alice", 20),
    Point("C5", "bob", 20), Point("C6", "bob", 20), Point("C7", "bob", 20),
    Point("C8", "alice"), Point("C9", "alice", 2),
)  # fmt: skip
NAMES = tuple(point.name for point in POINTS)


async def one_world(seed: int, points: Iterable[Point], folder: Path, pause_s: float = 0.1) -> Crash:
    """Crash at each of the points, in this order. Raises AssertionError with what is wrong."""
    world = await open_world(folder, random.Random(seed), pause_s)
    world.burst = BURST_MAX
    crash = Crash(world)
    try:
        async with asyncio.TaskGroup() as talking:
            for side in world.sides:
                talking.create_task(talk(world, side))
            for point in points:
                await crash.at(point)
            for side in world.sides:
                side.enough = True
        await see_cancelled(world)
        await settle(world)
        await compare(world)
        await files_arrived(world)
    finally:
        await close_world(world)
    return crash


async def see_cancelled(world: World) -> None:
    """What was cancelled must be so, and nobody else may have seen it."""
    end_s = time.monotonic() + DIES_WITHIN_S
    while any(b["state"] == "cancelling" for b in await cancelled(world.alice)):
        assert time.monotonic() < end_s, "still cancelling"
        await call_again(world)
        await asyncio.sleep(0.2)
    assert {b["state"] for b in await cancelled(world.alice)} <= {"cancelled"}
    assert not await cancelled(world.bob)


async def cancelled(side: Side) -> list[dict[str, Any]]:
    """The messages that somebody cancelled, as this person sees them."""
    answer = await side.puppet.wish("history", **{"with": side.other, "limit": 1000})
    return [b for b in answer["bubbles"] if b.get("text") == CANCELLED]


async def files_arrived(world: World) -> None:
    """Every file of Alice's is at Bob's once, and the bytes are right (the client checks the hash)."""
    pages = [await side.puppet.wish("history", **{"with": side.other, "limit": 1000}) for side in world.sides]
    sent, came = ([b["file"]["name"] for b in answer["bubbles"] if b["kind"] == "file"] for answer in pages)
    assert sent == came
    assert len(set(came)) == len(came)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--rounds", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--points", default=",".join(NAMES))
    arguments.add_argument("--keep", type=Path, default=None, help="keep folders with logs of failed rounds here")
    arguments.add_argument("--verbose", action="store_true", help="say when each point was passed")
    chosen = arguments.parse_args()
    logging.basicConfig(level=logging.INFO if chosen.verbose else logging.WARNING, format="%(asctime)s %(message)s")
    names = chosen.points.split(",")
    died, said, failed = Counter[str](), 0, 0
    for seed in range(chosen.seed, chosen.seed + chosen.rounds):
        points = [point for point in POINTS if point.name in names]
        random.Random(seed).shuffle(points)
        began_s = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="hexagram-crash-", ignore_cleanup_errors=True) as folder:
            try:
                crash = asyncio.run(one_world(seed, points, Path(folder)))
                died, said = died + crash.died, said + crash.world.said
                verdict = f"good  {crash.world.said} messages"
            except BaseExceptionGroup as group:
                failed, verdict = failed + 1, f"BAD   {group.exceptions[0]!r}"
            except (AssertionError, TimeoutError) as fault:
                failed, verdict = failed + 1, f"BAD   {fault!r}"
            if chosen.keep is not None and verdict.startswith("BAD"):
                shutil.copytree(folder, chosen.keep / f"seed-{seed}", dirs_exist_ok=True)
        sys.stdout.write(f"seed {seed:3}  {time.monotonic() - began_s:5.1f} s  {verdict[:2000]}\n")
        sys.stdout.flush()
    good = f"{chosen.rounds - failed} of {chosen.rounds} rounds good"
    sys.stdout.write(f"{good}, {said} messages; {died.total()} crashes {dict(sorted(died.items()))}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
