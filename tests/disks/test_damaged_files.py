"""F-24 … F-27 with real processes: busy, damaged, newer, read-only and missing files."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from random import Random

import pytest

from client.adapters.sqlite_salvage import ASIDE
from client.harness.puppet import Puppet
from protocol.problems import DataReadOnly, Problem, StoreFailed
from tests.end_to_end.processes import Server
from tests.end_to_end.test_two_people import said, texts

AGAIN_S = 60.0
PAGE_BYTES = 4096


def spoil(path: Path, word: bytes) -> None:
    """The page with this word becomes rubbish."""
    data = bytearray(path.read_bytes())
    at = data.index(word) // PAGE_BYTES * PAGE_BYTES
    data[at : at + PAGE_BYTES] = Random(1).randbytes(PAGE_BYTES)
    path.write_bytes(data)


async def test_a_damaged_profile_is_made_anew_and_loses_nothing(server: Server, people: tuple[Puppet, Puppet]) -> None:
    """F-25: put aside, told in a sentence, what waited goes out, the history comes again."""
    alice, bob = people
    before = [text[:12] for text in await texts(alice, "bob")]
    await server.stop()
    waiting = [f"waits {number}" for number in range(3)]
    for text in waiting:
        await alice.wish("say", to="bob", text=text)
    await alice.quit()
    spoil(alice.data_dir / "messages.db", b"bob 2 xxx")
    with (alice.data_dir / "lock").open("r+b") as lock:
        lock.write(b"open")  # as after a kill: the start looks for damage
    since = len(alice.heard)
    await server.start()
    await alice.start()
    told = await alice.until(lambda line: line.get("code") == "data_rebuilt", since=since)
    assert "3" in told["text"]
    assert (alice.data_dir / ASIDE.format(1)).exists()
    await bob.wish("connect")
    async with asyncio.timeout(AGAIN_S):
        while [text[:12] for text in await texts(bob, "alice")] != [*before, *waiting]:
            await asyncio.sleep(0.1)
        while [text[:12] for text in await texts(alice, "bob")] != [*before, *waiting]:
            await asyncio.sleep(0.1)
    states = {bubble["state"] for bubble in await said(alice, "bob") if bubble["mine"]}
    assert states <= {"accepted", "stored", "delivered", "read"}


@pytest.mark.parametrize("where", ["log", "index", "end", "wal"])
async def test_a_damaged_server_refuses_to_start_and_says_what_to_do(
    server: Server, people: tuple[Puppet, Puppet], where: str
) -> None:
    """F-25: nothing is changed; a whole log beside the file is used, a damaged one is cut where it begins to lie."""
    file = server.folder / "hexagram.sqlite"
    await server.stop() if where != "wal" else await server.kill()
    whole = file.read_bytes()
    if where == "log":
        spoil(file, b"server1")
    elif where == "index":
        with closing(sqlite3.connect(file)) as db:
            (page,) = db.execute("select rootpage from sqlite_master where name = 'log_rel'").fetchone()
            (wide,) = db.execute("select rootpage from sqlite_master where name = 'slot_dg'").fetchone()
        data = bytearray(file.read_bytes())
        for root in (page, wide):
            data[(root - 1) * PAGE_BYTES : (root - 1) * PAGE_BYTES + 64] = b"\xa5" * 64
        file.write_bytes(data)
    elif where == "end":
        file.write_bytes(whole[: len(whole) // 2 // PAGE_BYTES * PAGE_BYTES])
    else:
        wal = file.with_name(file.name + "-wal")
        data = bytearray(wal.read_bytes())
        data[len(data) // 2] ^= 0xFF
        wal.write_bytes(data)
        await server.start()  # frames are checked one by one: what was synced before the flip is there
        return
    left = file.read_bytes()
    code, sentence = await server.refusal()
    assert code == 22
    assert sentence.startswith("The data file is damaged")
    assert "“doctor”" in sentence
    assert "“restore”" in sentence
    assert file.read_bytes() == left


async def test_a_newer_server_database_and_a_newer_profile_change_nothing(
    server: Server, people: tuple[Puppet, Puppet]
) -> None:
    """F-26, byte for byte."""
    alice, _ = people
    await alice.quit()
    await server.stop()
    for path in (alice.data_dir / "messages.db", server.folder / "hexagram.sqlite"):
        with closing(sqlite3.connect(path)) as db:
            db.execute("pragma user_version = 99")
        before = path.read_bytes()
        if path.name == "hexagram.sqlite":
            assert (await server.refusal())[0] == 21
        else:
            with pytest.raises(Problem) as refusal:
                await alice.start()
            assert refusal.value.code == "data_newer"
        assert path.read_bytes() == before


@pytest.mark.parametrize("busy_s", [1.0, 6.0])
async def test_a_profile_that_somebody_else_holds_is_waited_for(people: tuple[Puppet, Puppet], busy_s: float) -> None:
    """F-24: a virus scanner, a backup: another process holds the lock. Up to 5 s nobody notices; then a banner."""
    alice, bob = people
    since = len(alice.heard)
    with closing(sqlite3.connect(alice.data_dir / "messages.db", isolation_level=None)) as db:
        db.execute("begin immediate")
        answer = alice.send_wish("say", to="bob", text="during")
        arriving = (await bob.wish("say", to="alice", text="arrives"))["lid"]
        await asyncio.sleep(busy_s)
        db.execute("rollback")
    with suppress(StoreFailed):
        lid = (await answer)["lid"]
    if answer.exception() is not None:
        assert busy_s > 5
        assert [line for line in alice.heard[since:] if line["event"] == "line" and line.get("code") == "store_failed"]
        await alice.wish("connect")
        lid = (await alice.wish("say", to="bob", text="during"))["lid"]
    await alice.state(lid, "delivered", timeout_s=AGAIN_S)
    await bob.state(arriving, "delivered", timeout_s=AGAIN_S)
    assert (await texts(bob, "alice")).count("during") == 1
    assert (await texts(alice, "bob")).count("arrives") == 1


async def test_a_server_whose_file_somebody_else_holds_loses_nothing(
    server: Server, people: tuple[Puppet, Puppet]
) -> None:
    """F-24 at the server: nothing is acknowledged meanwhile."""
    alice, bob = people
    with closing(sqlite3.connect(server.folder / "hexagram.sqlite", isolation_level=None)) as db:
        db.execute("begin immediate")
        lid = (await alice.wish("say", to="bob", text="during"))["lid"]
        await asyncio.sleep(6.0)
        assert not [line for line in alice.heard if line.get("lid") == lid and line.get("state") == "accepted"]
        db.execute("rollback")
    await alice.state(lid, "delivered", timeout_s=AGAIN_S)
    assert (await texts(bob, "alice")).count("during") == 1
    assert "refused" not in {line.get("state") for line in alice.heard if line.get("lid") == lid}


async def test_a_missing_profile_folder_is_made_and_a_missing_parent_that_is_a_file_is_said(
    server: Server, tmp_path: Path, keep: Callable[[Server | Puppet], None]
) -> None:
    """F-27."""
    fresh = Puppet("carol", tmp_path / "not" / "yet" / "there", server.url)
    keep(fresh)
    await fresh.start(invite=await server.invite())
    (tmp_path / "file").write_text("in the way")
    blocked = Puppet("dave", tmp_path / "file" / "profile", server.url)
    keep(blocked)
    with pytest.raises(Problem) as refusal:
        await blocked.start(invite=await server.invite())
    assert refusal.value.code == "data_read_only"


@pytest.mark.skipif(os.name != "posix", reason="elsewhere a folder that is in use cannot be moved")
async def test_a_profile_folder_that_vanishes_while_it_is_used_is_said(people: tuple[Puppet, Puppet]) -> None:
    """F-27: pulled out like a stick; nothing is shown as sent that was not written down."""
    alice, _ = people
    moved = alice.data_dir.with_name("moved")
    alice.data_dir.rename(moved)
    with suppress(DataReadOnly, StoreFailed):
        await alice.state((await alice.wish("say", to="bob", text="during"))["lid"], "delivered")
    moved.rename(alice.data_dir)
    await alice.quit()
    await alice.start()
    lid = (await alice.wish("say", to="bob", text="after"))["lid"]
    await alice.state(lid, "delivered", timeout_s=AGAIN_S)
