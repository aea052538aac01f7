"""F-19, F-20, F-21, F-31: real processes whose disk answers with errors, lies, or is slow.

A commit that reports an error has an unknown outcome: it is never answered as a refusal (P-37).
"""

from __future__ import annotations

import asyncio
import errno
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

from client.harness.puppet import Puppet
from protocol.problems import DiskFull, StoreFailed
from tests.disks.conftest import World
from tests.disks.shim import RENAME, SYNC, WRITE, BadDisk
from tests.end_to_end.test_two_people import said, texts

AGAIN_S = 60.0


async def two_people(world: World) -> None:
    for person in (world.alice, world.bob):
        await world.join(person)
    await world.alice.state((await world.alice.wish("say", to="bob", text="before"))["lid"], "delivered")


def states_of(person: Puppet, lids: list[int]) -> set[str]:
    return {line["state"] for line in person.heard if line["event"] == "state" and line["lid"] in lids}


async def everything_arrived(world: World, lids: list[int], said_then: list[str]) -> None:
    """Once each, in order, on both sides, and nothing was ever called refused."""
    for lid in lids:
        await world.alice.state(lid, "delivered", timeout_s=AGAIN_S)
    assert await texts(world.bob, "alice") == said_then
    assert await texts(world.alice, "bob") == said_then
    assert "refused" not in states_of(world.alice, lids)


@pytest.mark.parametrize(("kind", "error"), [(SYNC, errno.EIO), (WRITE, errno.EIO), (WRITE, errno.ENOSPC)])
async def test_a_failed_commit_of_the_server_is_never_a_refusal(world: World, kind: int, error: int) -> None:
    """F-19: the process lives, all sessions begin again, the repeated packet learns the truth."""
    await two_people(world)
    world.server_disk.fail(kind, error, times=3)
    since = len(world.alice.heard)
    lids = [(await world.alice.wish("say", to="bob", text=f"during {number}"))["lid"] for number in range(5)]
    if kind == SYNC:
        await world.alice.until(
            lambda line: line["event"] == "line" and line["state"] != "ready", since=since, timeout_s=AGAIN_S
        )
    while world.server_disk.harmed(kind) < 3:
        await world.alice.wish("connect")
        await asyncio.sleep(0.05)

    await everything_arrived(world, lids, ["before", *(f"during {number}" for number in range(5))])
    assert world.server._process is not None
    assert world.server._process.returncode is None


@pytest.mark.parametrize("perform", [True, False])
async def test_a_server_that_dies_at_a_failed_sync_answers_the_repeated_packet(world: World, perform: bool) -> None:
    """F-20: the row may be there after the restart, although its sync failed."""
    await two_people(world)
    world.server_disk.fail(SYNC, errno.EIO, kill=True, perform=perform)
    lid = (await world.alice.wish("say", to="bob", text="during"))["lid"]
    assert world.server._process is not None
    await asyncio.wait_for(world.server._process.wait(), AGAIN_S)
    world.server_disk.heal()
    await world.start_server()
    for person in (world.alice, world.bob):
        await person.wish("connect")

    await everything_arrived(world, [lid], ["before", "during"])


async def said_in_the_end(world: World, text: str) -> int:
    """As a person does it: told *not kept*, they press Enter once more."""
    while True:
        with suppress(StoreFailed, DiskFull):
            return int((await world.alice.wish("say", to="bob", text=text))["lid"])
        await world.alice.wish("connect")
        await asyncio.sleep(0.05)


async def test_a_failed_save_of_the_client_is_said_and_never_doubled(world: World, library: Path) -> None:
    """F-19 on the writer's side: whoever is told *not saved* may write it again; it is there once."""
    (world.folder / "alice-disk").mkdir()
    disk = BadDisk(library, world.folder / "alice-disk", "/alice/")
    await world.join(world.alice, disk)
    await world.join(world.bob)
    await world.alice.state((await world.alice.wish("say", to="bob", text="before"))["lid"], "delivered")
    told = ["before"]
    for times in (1, 3):
        disk.fail(SYNC, errno.EIO, times=times)
        text = f"with {times} failures"
        lid = await said_in_the_end(world, text)
        told.append(text)
        await everything_arrived(world, [lid], told)


async def test_a_reader_whose_disk_fails_has_not_got_it(world: World, library: Path) -> None:
    """F-19 on the reader's side: nothing is acknowledged before it is kept (T4)."""
    (world.folder / "bob-disk").mkdir()
    disk = BadDisk(library, world.folder / "bob-disk", "/bob/messages.db")
    await world.join(world.bob, disk)
    await world.join(world.alice)
    await world.alice.state((await world.alice.wish("say", to="bob", text="before"))["lid"], "delivered")
    disk.fail(SYNC, errno.EIO, times=-1)
    lid = (await world.alice.wish("say", to="bob", text="during"))["lid"]
    await world.alice.state(lid, "accepted", "stored")
    await world.bob.until(lambda line: line["event"] == "problem")
    assert "delivered" not in states_of(world.alice, [lid])
    disk.heal()
    await world.bob.wish("connect")
    await everything_arrived(world, [lid], ["before", "during"])


async def test_a_slow_disk_is_busy_and_nothing_more(world: World) -> None:
    """F-31: every sync takes 2 s; words wait, memory does not grow, and all arrive."""
    await two_people(world)
    world.server_disk.slow(SYNC, 2_000)
    began_kib = memory_kib(world)
    lids = [(await world.alice.wish("say", to="bob", text=f"{number} " + "x" * 1000))["lid"] for number in range(200)]
    await asyncio.sleep(3.0)
    assert memory_kib(world) - began_kib < 32 * 1024
    world.server_disk.heal()
    for lid in lids:
        await world.alice.state(lid, "delivered", timeout_s=AGAIN_S)
    assert len(await said(world.bob, "alice")) == 201


def memory_kib(world: World) -> int:
    """What the server holds at most."""
    assert world.server._process is not None
    status = Path(f"/proc/{world.server._process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


async def test_a_failed_rename_of_a_finished_upload_is_tried_again(world: World) -> None:
    """F-18, F-19 for files: the part stays, the client asks again."""
    await two_people(world)
    file = world.folder / "notes.bin"
    file.write_bytes(bytes(range(256)) * 4096)
    world.server_disk.fail(RENAME, errno.EIO, times=2)
    lid = (await world.alice.wish("send", to="bob", path=str(file)))["lid"]
    await world.alice.state(lid, "delivered", timeout_s=AGAIN_S)
    assert world.server_disk.harmed(RENAME) == 2
    assert (await said(world.bob, "alice"))[-1]["file"]["size_bytes"] == file.stat().st_size
    assert list((world.folder / "server").rglob("part/*")) == []


async def test_a_server_that_went_back_keeps_what_the_writers_have(world: World) -> None:
    """F-21: syncs were skipped, the power went, and the server is older than what it told.

    Nobody can ask a disk whether it lied. What is left is served again as a restored backup is (P-68): then writers
    offer what they were told had been accepted, and it arrives.
    """
    await two_people(world)
    lost = world.folder / "lost"
    shutil.copytree(world.folder / "server", lost)  # what the platter really has
    lids = [(await world.alice.wish("say", to="bob", text=f"lost {number}"))["lid"] for number in range(3)]
    for lid in lids:
        await world.alice.state(lid, "delivered")
    await world.server.kill()
    shutil.rmtree(world.folder / "server")
    shutil.copytree(lost, world.folder / "server")
    await world.start_server()
    since = len(world.bob.heard)
    await world.bob.wish("connect")
    await world.bob.until(
        lambda line: line["event"] == "problem" and line["code"] == "server_went_back", since=since, timeout_s=AGAIN_S
    )
    await world.server.kill()

    with closing(sqlite3.connect(world.folder / "server" / "hexagram.sqlite", isolation_level=None)) as db:
        db.execute("begin immediate")
        (gen,) = db.execute("select value from meta where key = 'gen'").fetchone()
        db.execute("update meta set value = ? where key = 'gen'", (f"{int(gen.partition('.')[0]) + 1}.{'0' * 16}",))
        db.execute("update conv set base = min(coalesce(base, head), head)")
        db.execute("commit")
    await world.start_server()
    for person in (world.alice, world.bob):
        await person.wish("connect")
    after = (await world.alice.wish("say", to="bob", text="after"))["lid"]
    await world.alice.state(after, "delivered", timeout_s=AGAIN_S)
    async with asyncio.timeout(AGAIN_S):
        while set(await texts(world.bob, "alice")) < {"before", "lost 0", "lost 1", "lost 2", "after"}:
            await asyncio.sleep(0.1)
    everything = await texts(world.bob, "alice")
    assert sorted(everything) == sorted(set(everything)), "nothing twice"
