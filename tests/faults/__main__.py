"""The campaign of the bad network: real processes, a proxy between them, one fault after another, for minutes or days.

    python -m tests.faults --minutes 10 --seed 1
    python -m tests.faults --rows F-9,F-15 --minutes 3

In each world Alice and Bob talk while the network does what a row of the matrix says, some rows at once; then the
weather clears, and everything that was acknowledged must be on both disks once, in order, with true states.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

from tests.end_to_end.kill import World, call_again, close_world, compare, open_world, settle, talk
from tests.faults.proxy import Cut, Hop, Keep, Proxy, Verdict, Way, Weather
from tests.faults.storms import Doubling, Losing, Overtaking, Storm

SIX = ("msg:R", "msg:A", "msg:N", "ack:R", "ack:A", "ack:N")
BURST_MAX = 8
Row: TypeAlias = Callable[[Proxy, World, random.Random], Awaitable[None]]


async def lose_each(proxy: Proxy, world: World, dice: random.Random) -> None:
    proxy.weather.judge = Losing(dice.choice(SIX))
    await asyncio.sleep(dice.uniform(2.0, 12.0))


async def lose_many(proxy: Proxy, world: World, dice: random.Random) -> None:
    proxy.weather.judge = Storm(dice, lose=dice.choice((0.01, 0.05, 0.2, 0.5)), packet=0.05)
    await asyncio.sleep(dice.uniform(3.0, 15.0))


async def double(proxy: Proxy, world: World, dice: random.Random) -> None:
    proxy.weather.judge = Doubling(dice)
    await across_sessions(proxy, dice)


async def reorder(proxy: Proxy, world: World, dice: random.Random) -> None:
    proxy.weather.judge = Overtaking(dice)
    await across_sessions(proxy, dice)


async def across_sessions(proxy: Proxy, dice: random.Random) -> None:
    for _ in range(dice.randint(1, 3)):
        await asyncio.sleep(dice.uniform(0.5, 3.0))
        proxy.reset_all()
    await asyncio.sleep(2.0)


async def cut(proxy: Proxy, world: World, dice: random.Random) -> None:
    def cutting(hop: Hop) -> Verdict:
        return Cut(dice.random()) if dice.random() < 0.05 else Keep(hop.frame)

    proxy.weather.judge = cutting
    await asyncio.sleep(dice.uniform(2.0, 6.0))
    proxy.weather.handshake_bytes = dice.randint(1, 200)
    proxy.reset_all()
    await asyncio.sleep(dice.uniform(1.0, 4.0))


async def half_open(proxy: Proxy, world: World, dice: random.Random) -> None:
    ways: tuple[Way, Way] = ("up", "down")
    proxy.weather.silent = {dice.choice(ways)}
    await asyncio.sleep(dice.uniform(2.0, 20.0))


async def freeze(proxy: Proxy, world: World, dice: random.Random) -> None:
    proxy.weather.frozen = True
    await asyncio.sleep(dice.uniform(1.0, 15.0))


async def slow(proxy: Proxy, world: World, dice: random.Random) -> None:
    """Not one line may fall, however long a frame takes."""
    proxy.weather.rate = dice.choice((1_000.0, 4_000.0, 20_000.0))
    before = len(proxy.lines)
    count = proxy.count
    await asyncio.sleep(dice.uniform(10.0, 40.0))
    assert before == len(proxy.lines), "a busy line fell"
    assert count == proxy.count, "a busy line was replaced"


async def far(proxy: Proxy, world: World, dice: random.Random) -> None:
    proxy.weather.latency_s = dice.choice((0.3, 1.0, 2.4))
    await asyncio.sleep(dice.uniform(5.0, 15.0))


async def refuse(proxy: Proxy, world: World, dice: random.Random) -> None:
    proxy.weather.refuses = True
    proxy.reset_all()
    await asyncio.sleep(dice.uniform(1.0, 6.0))


async def stall(proxy: Proxy, world: World, dice: random.Random) -> None:
    """Somebody's computer stands still and does not know it: no burst of tries afterwards."""
    victim = dice.choice((world.alice.puppet, world.bob.puppet))
    tries = Losing("nothing")
    victim.signal(signal.SIGSTOP)
    await asyncio.sleep(dice.uniform(1.0, 25.0))
    proxy.weather.judge = tries
    victim.signal(signal.SIGCONT)
    await asyncio.sleep(8.0)
    assert tries.tries <= 2, f"{tries.tries} tries of one message on one line"


ROWS: dict[str, Row] = {
    "F-4": lose_each, "F-5": lose_many, "F-6": double, "F-7": reorder, "F-9": cut, "F-10": half_open, "F-10f": freeze,
    "F-11": refuse, "F-15": slow, "F-15l": far, "F-29": stall,
}  # fmt: skip


class Campaign:
    """What was done, and to how many messages."""

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.said = self.lines = 0

    async def world(self, seed: int, names: list[str], folder: Path) -> World:
        """One world: some rows one after another. Raises AssertionError with what is wrong."""
        dice = random.Random(seed)
        proxy: Proxy | None = None

        async def road(url: str) -> str:
            nonlocal proxy
            proxy = Proxy(url)
            await proxy.start()
            return proxy.url

        world = await open_world(folder, dice, 0.3, road)
        world.burst = BURST_MAX
        assert proxy is not None
        try:
            async with asyncio.TaskGroup() as talking:
                for side in world.sides:
                    talking.create_task(talk(world, side))
                for name in names:
                    await self._row(name, proxy, world, dice)
                for side in world.sides:
                    side.enough = True
            await settle(world)
            await compare(world)
        finally:
            proxy.weather = Weather()
            await close_world(world)
            await proxy.close()
            self.faults += proxy.done
            self.said += world.said
            self.lines += proxy.count
        return world

    async def _row(self, name: str, proxy: Proxy, world: World, dice: random.Random) -> None:
        self.rows[name] += 1
        await ROWS[name](proxy, world, dice)
        proxy.weather = Weather()
        await call_again(world)
        await asyncio.sleep(1.0)


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__.partition("\n")[0])
    arguments.add_argument("--minutes", type=float, default=2.0)
    arguments.add_argument("--seed", type=int, default=1, help="of the first world")
    arguments.add_argument("--rows", default=",".join(ROWS))
    chosen = arguments.parse_args()
    campaign, failed, seed = Campaign(), 0, chosen.seed
    end_s = time.monotonic() + 60 * chosen.minutes
    while time.monotonic() < end_s:
        names = random.Random(seed).sample(wanted := chosen.rows.split(","), k=min(4, len(wanted)))
        began_s = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="hexagram-faults-", ignore_cleanup_errors=True) as folder:
            try:
                world = asyncio.run(campaign.world(seed, names, Path(folder)))
                verdict = f"good  {world.said} messages"
            except BaseExceptionGroup as group:
                failed, verdict = failed + 1, f"BAD   {group.exceptions[0]!r}"
            except (AssertionError, TimeoutError) as fault:
                failed, verdict = failed + 1, f"BAD   {fault!r}"
        sys.stdout.write(f"seed {seed:3}  {time.monotonic() - began_s:5.1f} s  {' '.join(names)}  {verdict[:2000]}\n")
        sys.stdout.flush()
        seed += 1
    sys.stdout.write(
        f"{seed - chosen.seed - failed} of {seed - chosen.seed} worlds good; {campaign.said} messages over "
        f"{campaign.lines} connections; rows {dict(sorted(campaign.rows.items()))}; faults {dict(campaign.faults)}\n"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
