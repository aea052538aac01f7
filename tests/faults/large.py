"""Large files, with both sides killed in the middle and a line that keeps breaking: what had come stays.

    python -m tests.faults.large --mib 500

Alice sends Bob a file. At 60 % of the way up, and again of the way down, client and server are killed (kill -9); after
the start the transfer goes on by itself from 59 % or more, and what Bob has in the end is what Alice sent. Then the
same through a proxy that cuts connections of the transfer at random: 5 % of them, and of every further stretch.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import random
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from client.harness.puppet import Puppet
from tests.end_to_end.processes import Server
from tests.faults.proxy import Proxy

MIB = 1024 * 1024
PIECE_BYTES = MIB
KILLED_AT, GOES_ON_FROM = 0.60, 0.59
CUT_SHARE = 0.05
LARGE_BYTES, LOST_MAX_BYTES = 400 * MIB, 8 * MIB
"""Of a smaller file the same few bytes are a larger share: the server writes its offset down every 4 MiB."""
SLOW_BYTES_PER_S = 60_000_000.0
SLOWLY_S = 2.0
"""Through the proxy, so that a kill at 60 % is one at 60 % and not at the end."""
WAIT_S = 600.0
Way = Literal["up", "down"]


@dataclass(frozen=True)
class Passage:
    """One way of one file: where it was when both were killed, where it went on, how long it took, what was cut."""

    way: Way
    killed_at: float
    went_on_from: float
    took_s: float
    cuts: int

    def __str__(self) -> str:
        killed = f"killed at {self.killed_at:.1%}, went on from {self.went_on_from:.1%}, " if self.killed_at else ""
        return f"{self.way:>4}: {killed}{self.cuts} cuts, {self.took_s:.1f} s"


class World:
    """A server, Alice and Bob, and the line between them."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.server = Server(folder / "server")
        self.dice = random.Random(seed)

    async def open(self) -> None:
        """Alice and Bob know each other."""
        await self.server.start()
        self.proxy = Proxy(self.server.url)
        await self.proxy.start()
        self.alice = Puppet("alice", self.folder / "alice", self.proxy.url)
        self.bob = Puppet("bob", self.folder / "bob", self.proxy.url)
        await self.alice.start(invite=await self.server.invite())
        await self.bob.start(invite=(await self.alice.wish("invite"))["invite"])

    async def close(self) -> None:
        """Everything ends, whatever happened."""
        for person in (self.alice, self.bob):
            await person.kill()
        await self.proxy.close()
        await self.server.kill()

    def begin_cutting(self) -> None:
        """From now on 5 % of the connections, and of each further 4 MiB of one, do not get through."""
        self.proxy.weather.cut_share, self.proxy.weather.cut_dice = CUT_SHARE, self.dice


async def carry(world: World, size_bytes: int, *, kills: bool) -> list[Passage]:
    """One file from Alice to Bob. Raises AssertionError if anything of it is lost."""
    path = world.folder / f"{size_bytes}-{world.dice.random()}.bin"
    sha256 = await asyncio.to_thread(_write, path, size_bytes, world.dice.randrange(1 << 62))
    since = len(world.bob.heard)
    conv = (await world.alice.wish("open", **{"with": "bob"}))["conv"]
    lid = (await world.alice.wish("send", conv=conv, path=str(path)))["lid"]
    up = await follow(world, world.alice, lid, "up", size_bytes, kills=kills)
    bubble = await world.bob.until(lambda line: _is_file(line, size_bytes, sha256), since=since, timeout_s=WAIT_S)
    await world.bob.wish("fetch", lid=bubble["lid"])
    down = await follow(world, world.bob, bubble["lid"], "down", size_bytes, kills=kills)
    here = await world.bob.until(
        lambda line: line["event"] == "bubble" and line["lid"] == bubble["lid"] and line.get("path", "") != "",
        since=since, timeout_s=WAIT_S,
    )  # fmt: skip
    assert await asyncio.to_thread(_hash, Path(here["path"])) == sha256, "what Bob has is not what Alice sent"
    path.unlink()
    Path(here["path"]).unlink()
    return [up, down]


async def follow(world: World, person: Puppet, lid: int, way: Way, size_bytes: int, *, kills: bool) -> Passage:
    """Wait until a transfer is through, with both sides killed on the way if that is wanted."""
    begun_s, cuts, since = time.monotonic(), world.proxy.done["cut in a transfer"], 0
    killed_at = went_on = 0.0
    if kills:
        world.proxy.weather.rate = min(SLOW_BYTES_PER_S, size_bytes / SLOWLY_S)
        line = await _progress(person, lid, way, int(size_bytes * KILLED_AT), since=0)
        killed_at = line["done_bytes"] / size_bytes
        await asyncio.gather(person.kill(), world.server.kill())
        since = len(person.heard)
        world.proxy.weather.rate = 0.0
        await world.server.start()
        await person.start()
        went_on = (await _progress(person, lid, way, 0, since=since))["done_bytes"] / size_bytes
        least = GOES_ON_FROM if size_bytes >= LARGE_BYTES else killed_at - LOST_MAX_BYTES / size_bytes
        assert went_on >= least, f"{way}: killed at {killed_at:.1%}, went on from {went_on:.1%}"
    await _progress(person, lid, way, size_bytes, since=since)
    return Passage(way, killed_at, went_on, time.monotonic() - begun_s, world.proxy.done["cut in a transfer"] - cuts)


async def _progress(person: Puppet, lid: int, way: Way, at_least: int, *, since: int) -> dict[str, Any]:
    return await person.until(
        lambda line: (
            line["event"] == "progress" and line["lid"] == lid and line["way"] == way and line["done_bytes"] >= at_least
        ),
        since=since,
        timeout_s=WAIT_S,
    )


def _is_file(line: dict[str, Any], size_bytes: int, sha256: str) -> bool:
    file = line.get("file", {})
    return line["event"] == "bubble" and file.get("size_bytes") == size_bytes and file.get("sha256") == sha256


def _write(path: Path, size_bytes: int, seed: int) -> str:
    """A file that is like no other, and its hash."""
    digest, dice = hashlib.sha256(), random.Random(seed)
    with path.open("wb") as file:
        for start in range(0, size_bytes, PIECE_BYTES):
            piece = dice.randbytes(min(PIECE_BYTES, size_bytes - start))
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def campaign(size_bytes: int, seed: int, folder: Path) -> list[str]:
    """Both rounds; what came of them, a line each."""
    world, told = World(folder, seed), []
    try:
        await world.open()
        told += [f"killed  {passage}" for passage in await carry(world, size_bytes, kills=True)]
        world.begin_cutting()
        told += [f"cut     {passage}" for passage in await carry(world, size_bytes, kills=False)]
    finally:
        await world.close()
    return told


def main(words: list[str]) -> int:
    """0 if nothing was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.large", description=__doc__)
    parser.add_argument("--mib", type=int, default=500, help="size of the file")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        for line in asyncio.run(campaign(options.mib * MIB, options.seed, Path(folder))):
            print(line)
    print(f"{options.mib} MiB up and down twice: nothing was lost")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
