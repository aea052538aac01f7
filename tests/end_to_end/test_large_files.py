"""What had come of a large file stays, whoever is killed and however often the line breaks (P-75, P-76).

The command `python -m tests.faults.large` does the same with 500 MiB.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.faults.large import MIB, World, campaign, carry

WAIT_S, LOOK_S = 10.0, 0.05


async def test_both_sides_are_killed_in_the_middle_and_the_line_breaks_off(tmp_path: Path) -> None:
    told = await campaign(16 * MIB, 3, tmp_path)
    assert [line.split()[0] for line in told] == ["killed", "killed", "cut", "cut"]


async def test_a_held_download_stays_held_over_a_kill_and_goes_on_from_where_it_was(tmp_path: Path) -> None:
    world = World(tmp_path, 5)
    try:
        await world.open()
        await carry(world, 1 * MIB, kills=False)
        bob = world.bob
        size_bytes, path = 8 * MIB, tmp_path / "film.bin"
        path.write_bytes(world.dice.randbytes(size_bytes))
        conv = (await world.alice.wish("open", **{"with": "bob"}))["conv"]
        await world.alice.wish("send", conv=conv, path=str(path))
        theirs = await bob.until(
            lambda line: line["event"] == "bubble" and line.get("file", {}).get("size_bytes") == size_bytes
        )
        lid = theirs["lid"]
        world.proxy.weather.rate = 4 * MIB
        await bob.wish("fetch", lid=lid)
        await bob.until(lambda line: line["event"] == "progress" and line["done_bytes"] > 2 * MIB)
        await bob.wish("pause", lid=lid)
        await bob.until(lambda line: line["event"] == "bubble" and line["lid"] == lid and bool(line.get("paused")))
        await bob.kill()
        world.proxy.weather.rate = 0.0
        since = len(bob.heard)
        await bob.start()
        [here] = [line for line in (await bob.wish("history", conv=conv))["bubbles"] if line["lid"] == lid]
        assert here["paused"]
        assert here["here_bytes"] >= 1 * MIB
        await bob.wish("resume", lid=lid)
        first = await bob.until(lambda line: line["event"] == "progress" and line["lid"] == lid, since=since)
        assert first["done_bytes"] == here["here_bytes"], "not a byte comes twice"
        got = await bob.until(lambda line: line.get("path", "") != "" and line["lid"] == lid, since=since)
        assert Path(got["path"]).read_bytes() == path.read_bytes()
        assert got["fetched_ms"] > 0
    finally:
        await world.close()


async def test_a_cancelled_upload_leaves_nothing_at_the_server(tmp_path: Path) -> None:
    world = World(tmp_path, 7)
    try:
        await world.open()
        path = tmp_path / "film.bin"
        path.write_bytes(world.dice.randbytes(16 * MIB))
        conv = (await world.alice.wish("open", **{"with": "bob"}))["conv"]
        world.proxy.weather.rate = 4 * MIB
        lid = (await world.alice.wish("send", conv=conv, path=str(path)))["lid"]
        await world.alice.until(lambda line: line["event"] == "progress" and line["done_bytes"] > 4 * MIB)
        parts = tmp_path / "server" / "media" / "part"
        assert len(list(parts.iterdir())) == 1
        await world.alice.wish("cancel", lid=lid)
        async with asyncio.timeout(WAIT_S):
            while list(parts.iterdir()):
                await asyncio.sleep(LOOK_S)
    finally:
        await world.close()
