"""Everybody calls again at once, because the server was restarted (F-32).

    python -m tests.faults.herd --clients 1000

Each caller is the client's real line (its machine, its WebSocket) and nothing else; all live in this process.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import secrets
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from client.adapters.http_accounts import HttpAccounts
from client.adapters.websocket_wire import WebsocketWire
from client.core.effects import Connect, HangUp, LineChanged, Send
from client.core.events import Dial, Event, Internal, Received, Tick, WireDown, WireUp
from client.core.link import Link
from client.core.model import Me
from protocol.codec import Garbled
from protocol.packets import FromServer
from tests.end_to_end.processes import Server

JOINS_AT_ONCE = 16
TICK_S = 0.02
READY_WITHIN_S = 120.0


class Caller:
    """One client's line."""

    def __init__(self, me: Me, dice: random.Random) -> None:
        self._link = Link(me, dice.random, lambda: "")
        self._wire = WebsocketWire(self, lambda: me.token)
        self._url = me.server
        self.ready_s = 0.0
        self.attempts = 0

    @property
    def ready(self) -> bool:
        return self._link.ready

    def tell(self, event: Event | Internal) -> None:
        """Let the line handle an event, and do as it says."""
        for effect in self._link.handle(event, time.monotonic()):
            match effect:
                case Connect(wire):
                    self.attempts += 1
                    self._wire.connect(wire, self._url)
                case Send(wire, packets):
                    self._wire.send(wire, packets)
                case HangUp(wire, close):
                    self._wire.hang_up(wire, close)
                case LineChanged(line) if line.state == "ready":
                    self.ready_s = time.monotonic()

    def tick(self, now_s: float) -> None:
        due_s = self._link.next_wakeup_s()
        if due_s is not None and due_s <= now_s:
            self.tell(Tick())

    async def close(self) -> None:
        await self._wire.close()

    def up(self, wire: int) -> None:
        self.tell(WireUp(wire))

    def progressed(self, wire: int) -> None:
        """Nothing here is slow."""

    def received(self, wire: int, packets: list[FromServer | Garbled]) -> None:
        self.tell(Received(wire, tuple(packets)))

    def down(self, wire: int, close: int, retry_ms: int, why: str = "") -> None:
        self.tell(WireDown(wire, close, retry_ms, why))


@dataclass(frozen=True)
class Return:
    """How the herd came back: seconds after the server listened again, and calls that were needed."""

    half_s: float
    most_s: float
    last_s: float
    attempts: int

    def __str__(self) -> str:
        return (
            f"half were back after {self.half_s:.1f} s, 99 % after {self.most_s:.1f} s, all after {self.last_s:.1f} s; "
            f"{self.attempts} calls"
        )


async def enrol(server: Server, count: int) -> list[Me]:
    """So many people with a device each."""
    accounts, gate = HttpAccounts(), asyncio.Semaphore(JOINS_AT_ONCE)
    first = await accounts.join(server.url, "person 0", await server.invite(), secrets.token_urlsafe(16))

    async def join(number: int) -> Me:
        async with gate:
            invite = await accounts.invite(first)
            return await accounts.join(server.url, f"person {number}", invite, secrets.token_urlsafe(16))

    others = await asyncio.gather(*(join(number) for number in range(1, count)))
    await accounts.close()
    return [first, *others]


async def tick(callers: Sequence[Caller]) -> None:
    while True:
        now_s = time.monotonic()
        for caller in callers:
            caller.tick(now_s)
        await asyncio.sleep(TICK_S)


async def all_ready(callers: Sequence[Caller]) -> None:
    end_s = time.monotonic() + READY_WITHIN_S
    while not all(caller.ready for caller in callers):
        assert time.monotonic() < end_s, f"{sum(caller.ready for caller in callers)} of {len(callers)} are ready"
        await asyncio.sleep(TICK_S)


async def come_back(callers: Sequence[Caller], since_s: float) -> Return:
    """Wait for everybody."""
    before = sum(caller.attempts for caller in callers)
    await all_ready(callers)
    after_s = sorted(caller.ready_s - since_s for caller in callers)
    attempts = sum(caller.attempts for caller in callers) - before
    return Return(after_s[len(after_s) // 2], after_s[len(after_s) * 99 // 100], after_s[-1], attempts)


async def stampede(count: int, folder: Path, seed: int = 1) -> dict[str, Return]:
    """Restart the server twice under so many clients: killed, and stopped in order."""
    server, dice = Server(folder), random.Random(seed)
    await server.start()
    callers = [Caller(me, dice) for me in await enrol(server, count)]
    ticking = asyncio.get_running_loop().create_task(tick(callers))
    returns: dict[str, Return] = {}
    try:
        for caller in callers:
            caller.tell(Dial())
        await all_ready(callers)
        for how in ("killed", "stopped"):
            await (server.kill() if how == "killed" else server.stop())
            while any(caller.ready for caller in callers):
                await asyncio.sleep(TICK_S)
            await server.start()
            returns[how] = await come_back(callers, time.monotonic())
    finally:
        ticking.cancel()
        await asyncio.gather(*(caller.close() for caller in callers))
        await server.kill()
    return returns


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--clients", type=int, default=1000)
    arguments.add_argument("--seed", type=int, default=1)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="hexagram-herd-") as folder:
        for how, back in asyncio.run(stampede(chosen.clients, Path(folder), chosen.seed)).items():
            print(f"{chosen.clients} clients, server {how}: {back}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
