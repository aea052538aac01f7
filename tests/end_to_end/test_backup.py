"""A server is backed up while it serves, loses its disk, and goes on from the backup: nothing is lost that either side
still has (P-9, P-68, P-69)."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from client.harness.puppet import Puppet
from tests.end_to_end.processes import Server, ran
from tests.end_to_end.test_two_people import SAMPLES, said


async def command(name: str, folder: Path, server: Server) -> tuple[int, str, str]:
    """`python -m server backup|restore`: its exit code, and what it said."""
    code, out, err = await ran(
        sys.executable, "-m", "server", name, str(folder), "--data-dir", str(server.folder), "--language", "en",
        stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    return code, out.decode().strip(), err.decode().strip()


async def say(who: Puppet, other: str, text: str) -> None:
    await who.state((await who.wish("say", to=other, text=text))["lid"], "delivered")


async def settles_all(puppet: Puppet, other: str, count: int) -> list[str]:
    """The texts of all bubbles but those no longer at the server, once there are so many; a picture has none."""
    bubbles = await said(puppet, other)
    for _ in range(200):
        if len(bubbles) == count:
            break
        await asyncio.sleep(0.05)
        bubbles = await said(puppet, other)
    return [bubble.get("text", "") for bubble in bubbles]


async def test_nothing_is_lost_that_either_side_has(server: Server, alice: Puppet, bob: Puppet, tmp_path: Path) -> None:
    await say(alice, "bob", "before")
    sent = (await alice.wish("send", to="bob", path=str(SAMPLES / "photo.jpg"), kind="auto"))["lid"]
    await alice.state(sent, "delivered")
    assert await command("backup", tmp_path / "backup", server) == (0, "files: 1", "")

    await say(alice, "bob", "after")
    await say(bob, "alice", "answer")
    await server.kill()
    shutil.rmtree(server.folder)
    code, told, _ = await command("restore", tmp_path / "backup", server)
    assert code == 0
    assert told.startswith("generation: ")

    waiting = (await bob.wish("say", to="alice", text="meanwhile"))["lid"]
    await server.start()
    for each in (alice, bob):
        await each.wish("connect")
    await bob.state(waiting, "delivered")
    for each, other in ((alice, "bob"), (bob, "alice")):
        wanted = ["", "after", "answer", "before", "meanwhile"]
        assert sorted(await settles_all(each, other, len(wanted))) == wanted
    picture = next(bubble for bubble in await said(bob, "alice") if bubble["kind"] == "picture")
    await bob.wish("fetch", lid=picture["lid"])
    here = await bob.until(lambda line: line["event"] == "bubble" and line["lid"] == picture["lid"] and "path" in line)
    assert hashlib.sha256(Path(here["path"]).read_bytes()).hexdigest() == picture["file"]["sha256"]
    await say(alice, "bob", "and on")


async def test_a_backup_is_not_served_as_it_is(server: Server, alice: Puppet, tmp_path: Path) -> None:
    assert (await command("backup", tmp_path / "backup", server))[0] == 0
    await server.kill()
    shutil.rmtree(server.folder)
    shutil.copytree(tmp_path / "backup", server.folder)
    code, told = await server.refusal()
    assert code == 26
    assert "“restore”" in told
    assert alice is not None


async def test_what_is_there_is_not_written_over(server: Server, tmp_path: Path) -> None:
    assert (await command("backup", tmp_path / "backup", server))[0] == 0
    assert (await command("backup", tmp_path / "backup", server))[0] == 27
    assert (await command("restore", tmp_path / "backup", server))[0] == 27
    assert (await command("restore", tmp_path / "nothing", server))[0] == 28
