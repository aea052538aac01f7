"""A message to a large group, and everybody acknowledges it within a second: what does the server work?

    python -m tests.benchmarks.crowd [--members N]

The real runner, sessions and store over a file, in one process; the wires encode what they are given, as the sockets
do, and throw it away.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from protocol.codec import frames, to_text
from protocol.lanes import NO_DIGEST, digest
from protocol.limits import MEMBERS_MAX
from protocol.packets import AckR, FromServer, Hello, MsgR, OpenA, OpenR
from protocol.values import ConvId, Did, Token, Uid
from server.app.clock import SystemClock, SystemDice
from server.app.runner import Connection, Runner
from server.core.rules import Rules
from server.core.values import Identity
from server.routes.local import LocalRoute
from server.stores.schema import SCHEMA
from server.stores.sqlite_store import SqliteStore
from server.stores.writer import open_writer

WITHIN_S = 1.0


class Wire:
    """Encodes, counts, forgets."""

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()
        self.size_bytes = 0
        self.conv = ConvId("")
        self.opened = asyncio.Event()

    def send(self, packets: Sequence[FromServer]) -> None:
        self.counted.update(type(packet).__name__ for packet in packets)
        self.size_bytes += sum(map(len, frames(packets)))
        for packet in packets:
            if isinstance(packet, OpenA):
                self.conv = packet.conv
                self.opened.set()

    def close(self, code: int, reason: str) -> None:
        raise AssertionError((code, reason))

    def unsent_bytes(self) -> int:
        return 0


class Accounts:
    """Tokens are names."""

    async def who_is(self, token: str) -> Identity:
        return Identity(Uid(token), Did(str(int(token[1:]) + 1)), token)

    async def ended(self, _: Collection[Did]) -> frozenset[Did]:
        return frozenset()


def people(db: sqlite3.Connection, names: Sequence[str]) -> None:
    db.executemany("insert into account (uid, name, made_ms) values (?, ?, 0)", [(name, name) for name in names])
    rows = [(place + 1, name, name.encode()) for place, name in enumerate(names)]
    db.executemany("insert into device (did, uid, token_sha256) values (?, ?, ?)", rows)


async def measure(path: Path, members: int) -> dict[str, object]:
    """One message; acknowledgements spread evenly over a second; until nothing is said any more."""
    writer, route, clock = open_writer(path, SCHEMA), LocalRoute(), SystemClock()
    store = SqliteStore(writer, clock, SystemDice())
    names = [f"p{place:03}" for place in range(members)]
    await writer.run(lambda db: people(db, names))
    runner = Runner(
        store=store,
        accounts=Accounts(),  # type: ignore[arg-type]
        route=route,
        presence=route,
        clock=clock,
        dice=SystemDice(),
        rules=Rules(),
    )
    wires = [Wire() for _ in names]
    lines = [runner.connect(wire) for wire in wires]
    for line, name in zip(lines, names, strict=True):
        line.received((Hello((1, 1), Token(name)),))
    await asyncio.sleep(0.5)
    lines[0].received((OpenR("x", tuple(Uid(name) for name in names[1:]), "group", "Crowd"),))
    await wires[0].opened.wait()
    for line in lines:  # everybody has the beginning
        line.received((AckR(wires[0].conv, members + 1),))
    await asyncio.sleep(2.0)
    start_s, before = time.process_time(), sum(wire.size_bytes for wire in wires)
    for wire in wires:
        wire.counted.clear()
    await speak(lines, wires[0].conv, members)
    counted = sum((wire.counted for wire in wires), Counter[str]())
    used_s = time.process_time() - start_s
    for line in lines:
        line.ended()
    await writer.close()
    size_bytes = sum(wire.size_bytes for wire in wires) - before
    return {"members": members, "cpu_s": round(used_s, 3), "sent_bytes": size_bytes, "packets": dict(counted)}


async def speak(lines: Sequence[Connection], conv: ConvId, members: int) -> None:
    content = b"hello, everybody"
    dg, head = digest(conv, content), members + 1
    lines[0].received((MsgR(conv, 1, NO_DIGEST, dg, content=to_text(content)),))
    begun_s = time.perf_counter()
    for place, line in enumerate(lines):
        due_s = begun_s + WITHIN_S * place / members
        if (wait_s := due_s - time.perf_counter()) > 0:
            await asyncio.sleep(wait_s)
        line.received((AckR(conv, head + 1),))
    await asyncio.sleep(2.0)


def main() -> None:
    """Measure once, and say it."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.crowd", description="Work for a large group.")
    parser.add_argument("--members", type=int, default=MEMBERS_MAX)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hexagram-crowd-") as folder:
        print(json.dumps(asyncio.run(measure(Path(folder) / "data.db", asked.members))))


if __name__ == "__main__":
    main()
