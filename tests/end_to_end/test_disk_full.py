"""A full disk, a real one: it is said, nothing is lost, and all goes on by itself when there is room again."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from client.harness.puppet import Puppet
from protocol.problems import DiskFull, Problem
from tests.end_to_end.processes import Server
from tests.end_to_end.test_two_people import said

AGAIN_S = 60.0  # calls are spread over up to some seconds, saves are tried again after 5 s, 10 s …
MIB = 1024 * 1024


class SmallDisk:
    """A disk of a few MiB in memory, mounted at a folder."""

    def __init__(self, folder: Path, size_mib: int) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m,mode=700", "hexagram-test", str(folder)],
            capture_output=True,
            check=False,
        )
        if done.returncode:
            pytest.skip("a small disk cannot be mounted here: mounting a tmpfs needs root on Linux")

    def fill(self) -> None:
        """Until not one more block fits."""
        with (self.folder / "filler").open("wb", buffering=0) as file:
            for piece in (b"x" * 65536, b"x" * 512):
                try:
                    while True:
                        file.write(piece)
                except OSError:
                    pass

    def free(self) -> None:
        """Make room again."""
        (self.folder / "filler").unlink()

    def grow(self, size_mib: int) -> None:
        self._remount(f"size={size_mib}m")

    def write_protect(self) -> None:
        self._remount("ro")

    def allow_writing(self) -> None:
        self._remount("rw")

    def take_away(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)

    def _remount(self, option: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{option}", str(self.folder)], check=True)


@pytest.fixture
def small_disk() -> Iterator[Callable[[Path, int], SmallDisk]]:
    disks: list[SmallDisk] = []

    def make(folder: Path, size_mib: int) -> SmallDisk:
        disks.append(SmallDisk(folder, size_mib))
        return disks[-1]

    yield make
    for disk in disks:
        disk.take_away()


@pytest.fixture
async def others() -> AsyncIterator[Callable[[Server | Puppet], None]]:
    """Processes that are ended before their disks are taken away."""
    running: list[Server | Puppet] = []
    yield running.append
    for process in reversed(running):
        await process.kill()


async def two_people(server: Server, folder: Path, keep: Callable[[Server | Puppet], None]) -> tuple[Puppet, Puppet]:
    people = []
    for name in ("alice", "bob"):
        person = Puppet(name, folder / name, server.url)
        keep(person)
        await person.start(invite=await server.invite())
        people.append(person)
    first = await people[0].wish("say", to="bob", text="before")
    await people[0].state(first["lid"], "delivered")
    return people[0], people[1]


async def all_arrived(alice: Puppet, bob: Puppet, lids: list[int], texts: list[str]) -> None:
    for lid in lids:
        await alice.state(lid, "delivered", timeout_s=AGAIN_S)
    assert [bubble["text"] for bubble in await said(bob, "alice")] == texts


async def as_soon_as_it_can_be_kept(person: Puppet, **words: str) -> int:
    """Say it; while it is refused because the disk was full, wait for the line that comes by itself. Its lid."""
    while True:
        seen = len(person.heard)
        try:
            return int((await person.wish("say", **words))["lid"])
        except DiskFull:
            await person.until(
                lambda line: line["event"] == "line" and line["state"] == "ready", since=seen, timeout_s=AGAIN_S
            )


async def test_the_server_s_disk(
    small_disk: Callable[[Path, int], SmallDisk], others: Callable[[Server | Puppet], None], tmp_path: Path
) -> None:
    disk = small_disk(tmp_path / "server", 8)
    server = Server(tmp_path / "server")
    others(server)
    await server.start()
    alice, bob = await two_people(server, tmp_path, others)

    disk.fill()
    since = len(alice.heard)
    texts = [f"{number} " + "x" * 5000 for number in range(20)]
    lids = [(await alice.wish("say", to="bob", text=text))["lid"] for text in texts]
    await alice.until(lambda line: line["event"] == "line" and line.get("code") == "server_full", since=since)
    assert not [line for line in alice.heard[since:] if line.get("state") in ("accepted", "stored", "delivered")]

    disk.free()
    await all_arrived(alice, bob, lids, ["before", *texts])


async def test_an_upload_that_the_server_has_no_room_for(
    small_disk: Callable[[Path, int], SmallDisk], others: Callable[[Server | Puppet], None], tmp_path: Path
) -> None:
    """It keeps 256 MiB free: a file waits, words go on."""
    disk = small_disk(tmp_path / "server", 64)
    server = Server(tmp_path / "server")
    others(server)
    await server.start()
    alice, bob = await two_people(server, tmp_path, others)
    file = tmp_path / "notes.txt"
    file.write_text("some notes", "utf-8")

    lid = (await alice.wish("send", to="bob", path=str(file)))["lid"]
    words = (await alice.wish("say", to="bob", text="words"))["lid"]
    await alice.state(words, "delivered")
    disk.grow(600)
    await alice.state(lid, "delivered", timeout_s=AGAIN_S)
    assert (await said(bob, "alice"))[-1]["file"]["size_bytes"] == 10


async def test_the_writer_s_disk(
    small_disk: Callable[[Path, int], SmallDisk],
    others: Callable[[Server | Puppet], None],
    server: Server,
    tmp_path: Path,
) -> None:
    disk = small_disk(tmp_path / "alice", 8)
    alice, bob = await two_people(server, tmp_path, others)

    disk.fill()
    since = len(alice.heard)
    with pytest.raises(Problem) as refusal:
        await asyncio.gather(*(alice.wish("say", to="bob", text=f"{number} " + "x" * 7000) for number in range(100)))
    assert refusal.value.code == "disk_full"
    kept = [line["lid"] for line in alice.heard[since:] if line["event"] == "done"]
    assert [bubble["text"] for bubble in await said(alice, "bob")][:1] == ["before"], "reading goes on"

    disk.free()
    kept.append(await as_soon_as_it_can_be_kept(alice, to="bob", text="after"))
    for lid in kept:
        await alice.state(lid, "delivered", timeout_s=AGAIN_S)
    assert len(await said(bob, "alice")) == 1 + len(kept)


async def test_the_reader_s_disk(
    small_disk: Callable[[Path, int], SmallDisk],
    others: Callable[[Server | Puppet], None],
    server: Server,
    tmp_path: Path,
) -> None:
    """Nothing is acknowledged before it is kept, so nothing counts as delivered."""
    disk = small_disk(tmp_path / "bob", 8)
    alice, bob = await two_people(server, tmp_path, others)

    disk.fill()
    texts = [f"{number} " + "x" * 5000 for number in range(40)]
    lids = [(await alice.wish("say", to="bob", text=text))["lid"] for text in texts]
    await bob.until(lambda line: line["event"] == "problem" and line["code"] == "disk_full")
    disk.free()
    await all_arrived(alice, bob, lids, ["before", *texts])


async def test_a_download(
    small_disk: Callable[[Path, int], SmallDisk],
    others: Callable[[Server | Puppet], None],
    server: Server,
    tmp_path: Path,
) -> None:
    disk = small_disk(tmp_path / "bob", 6)
    alice, bob = await two_people(server, tmp_path, others)
    file = tmp_path / "large.bin"
    file.write_bytes(bytes(range(256)) * (8 * MIB // 256))
    await alice.state((await alice.wish("send", to="bob", path=str(file)))["lid"], "delivered")

    bubble = (await said(bob, "alice"))[-1]
    await bob.wish("fetch", lid=bubble["lid"])
    await bob.until(lambda line: line["event"] == "problem" and line.get("lid") == bubble["lid"])
    assert [line["code"] for line in bob.heard if line.get("lid") == bubble["lid"] and "code" in line] == ["disk_full"]
    await alice.state((await alice.wish("say", to="bob", text="words go on"))["lid"], "delivered")

    disk.grow(32)
    told = await bob.until(lambda line: line["event"] == "bubble" and line.get("path", "") != "", timeout_s=AGAIN_S)
    assert Path(told["path"]).read_bytes() == file.read_bytes()


async def test_a_folder_that_became_read_only(
    small_disk: Callable[[Path, int], SmallDisk], others: Callable[[Server | Puppet], None], tmp_path: Path
) -> None:
    server_disk, alice_disk = small_disk(tmp_path / "server", 8), small_disk(tmp_path / "alice", 8)
    server = Server(tmp_path / "server")
    others(server)
    await server.start()
    alice, bob = await two_people(server, tmp_path, others)
    assert await alice.quit() == 0
    alice_disk.write_protect()
    with pytest.raises(Problem) as refusal:
        await alice.start()
    assert refusal.value.code == "data_read_only"
    alice_disk.allow_writing()

    await server.stop()
    server_disk.write_protect()
    code, sentence = await server.refusal()
    assert (code, sentence.partition(".")[0]) == (20, "The data folder cannot be written to")
    server_disk.allow_writing()

    await server.start()
    await alice.start()
    await alice.state((await alice.wish("say", to="bob", text="after"))["lid"], "delivered", timeout_s=AGAIN_S)
    assert [bubble["text"] for bubble in await said(bob, "alice")] == ["before", "after"]


async def test_a_start_on_a_full_disk_reads_and_goes_on_by_itself(
    small_disk: Callable[[Path, int], SmallDisk],
    others: Callable[[Server | Puppet], None],
    server: Server,
    tmp_path: Path,
) -> None:
    disk = small_disk(tmp_path / "alice", 8)
    alice, bob = await two_people(server, tmp_path, others)
    await alice.quit()
    disk.fill()
    await alice.start()
    assert [bubble["text"] for bubble in await said(alice, "bob")] == ["before"]
    with pytest.raises(DiskFull):
        await asyncio.gather(*(alice.wish("say", to="bob", text=f"{number} " + "x" * 7000) for number in range(100)))
    kept = [bubble["lid"] for bubble in await said(alice, "bob")]

    disk.free()
    kept.append(await as_soon_as_it_can_be_kept(alice, to="bob", text="after"))
    for lid in kept:
        await alice.state(lid, "delivered", timeout_s=AGAIN_S)
    assert len(await said(bob, "alice")) == len(kept)


async def test_a_server_does_not_start_on_a_full_disk(
    small_disk: Callable[[Path, int], SmallDisk], others: Callable[[Server | Puppet], None], tmp_path: Path
) -> None:
    disk = small_disk(tmp_path / "server", 8)
    server = Server(tmp_path / "server")
    others(server)
    await server.start()
    alice, bob = await two_people(server, tmp_path, others)
    await server.stop()
    disk.fill()
    code, sentence = await server.refusal()
    assert (code, sentence.partition(".")[0]) == (24, "The disk is full")
    disk.free()
    await server.start()
    await all_arrived(alice, bob, [(await alice.wish("say", to="bob", text="after"))["lid"]], ["before", "after"])
