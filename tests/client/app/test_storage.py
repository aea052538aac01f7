"""The folder of downloads: sizes by kind, a limit, and what never goes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from client.adapters.http_cache import Cache
from client.app.changes import BubblesChanged, PeopleChanged
from client.app.storage import Storage
from client.app.tasks import Tasks
from client.core.model import Bubble, State
from client.core.spending import CachedFile, CacheKind, Stored
from protocol.content import Text
from protocol.limits import MIB
from protocol.problems import DataReadOnly, DiskFull
from protocol.values import ConvId, Lid, Uid

HOUR_NS = 3600 * 1_000_000_000
NOW_NS = 500_000 * HOUR_NS


class Clock:
    def now_s(self) -> float:
        return 0.0

    def wall_ms(self) -> int:
        return NOW_NS // 1_000_000


class World:
    """The disk as it is; which bubbles show what, as the test says."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.shown, self.wanted = folder, dict[str, CachedFile](), set[str]()
        self.forgotten: list[int] = []
        self.limit_mib = 0
        self.full = self.locked = False
        self.tasks = Tasks()
        self._cache = Cache(folder)
        self.storage = Storage(
            self,  # type: ignore[arg-type]
            self,  # type: ignore[arg-type]
            Clock(),
            self.tasks,
            lambda: self.limit_mib,
            self.forget,
        )

    def file(
        self, name: str, size_mib: int, hours: int, kind: CacheKind | None = "picture", lids: Sequence[int] = (1,),
        busy: bool = False,
    ) -> str:  # fmt: skip
        """A file that was used so many hours ago; without a kind no bubble shows it."""
        sha256, extension = name[0].ljust(64, "0"), name[1:]
        path = self.folder / sha256[:2] / (sha256 + extension)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.truncate(size_mib * MIB)
        at_ns = NOW_NS - hours * HOUR_NS
        os.utime(path, ns=(at_ns, at_ns))
        if kind is not None:
            self.shown[str(path)] = CachedFile(str(path), kind, tuple(map(Lid, lids)), busy)
        return str(path)

    def names(self) -> set[str]:
        return {path.name[0] for path in self.folder.rglob("*") if path.is_file()}

    async def forget(self, lid: Lid) -> None:
        if self.full:
            raise DiskFull()
        self.forgotten.append(lid)
        self.shown = {path: file for path, file in self.shown.items() if lid not in file.lids}

    async def shown_files(self) -> list[CachedFile]:
        return list(self.shown.values())

    async def wanted_files(self) -> set[str]:
        return self.wanted

    async def stored(self) -> list[Stored]:
        if self.locked:
            raise DataReadOnly()
        return self._cache.stored()

    async def remove(self, path: str) -> bool:
        return self._cache.remove(path)

    async def used(self, path: str, at_ms: int) -> None:
        self._cache.used(path, at_ms)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path / "media")
    yield made
    await made.tasks.close()


async def test_sizes_are_told_by_kind(world: World) -> None:
    world.file("a.png", 1, 1)
    world.file("b.png", 2, 1)
    world.file("c.ogg", 4, 1, "voice")
    world.file("d.mp4", 8, 1, "video")
    world.file("e.pdf", 16, 1, "file")
    world.file("f.png", 32, 1, None)
    world.file("1.part", 64, 1, None)

    sizes = await world.storage.sizes()
    assert {kind: size // MIB for kind, size in sizes.items()} == {"picture": 3, "voice": 4, "video": 8, "file": 112}


async def test_a_profile_that_has_downloaded_nothing(world: World) -> None:
    assert set((await world.storage.sizes()).values()) == {0}
    assert await world.storage.clear() == 0


async def test_what_nobody_looked_at_for_longest_goes_first(world: World) -> None:
    for name, hours in (("a.png", 5), ("b.png", 9), ("c.png", 7)):
        world.file(name, 4, hours, lids=(hours,))
    world.limit_mib = 8

    assert await world.storage.trim() == 4 * MIB
    assert (world.names(), world.forgotten) == ({"a", "c"}, [9])
    assert await world.storage.trim() == 0


async def test_looking_at_a_file_keeps_it(world: World) -> None:
    old = world.file("a.png", 4, 9, lids=(1,))
    world.file("b.png", 4, 5, lids=(2,))
    written_ns = os.stat(old).st_mtime_ns
    await world.storage.used(old)
    world.limit_mib = 4

    await world.storage.trim()
    assert world.names() == {"a"}
    assert os.stat(old).st_mtime_ns == written_ns


async def test_without_a_limit_everything_stays(world: World) -> None:
    world.file("a.png", 4, 9)
    assert await world.storage.trim() == 0


async def test_what_is_sent_shown_or_just_came_never_goes(world: World) -> None:
    world.file("a.png", 4, 9, busy=True)
    world.file("b.ogg", 4, 8, "voice", (2, 9))
    world.file("c.png", 4, 0, lids=(3,))
    world.wanted.add("d".ljust(64, "0"))
    world.file("d.part", 4, 7, None)
    world.file("e.part", 4, 7, None)
    world.storage.keep_while(lambda: {Lid(9)})
    world.limit_mib = 1

    assert await world.storage.trim() == 4 * MIB
    assert world.names() == {"a", "b", "c", "d"}
    assert world.forgotten == []


async def test_clearing_a_kind_leaves_the_others(world: World) -> None:
    world.file("a.png", 1, 0)
    world.file("b.ogg", 2, 9, "voice", (2, 3))
    world.file("c.pdf", 4, 9, "file", (4,))
    world.file("d.pdf", 8, 9, None)

    assert await world.storage.clear("voice") == 2 * MIB
    assert (world.names(), world.forgotten) == ({"a", "c", "d"}, [2, 3])
    assert await world.storage.clear("file") == 12 * MIB
    assert await world.storage.clear() == MIB
    assert world.names() == set()
    assert world.forgotten == [2, 3, 4, 1]


async def test_a_person_may_clear_what_was_looked_at_a_moment_ago_but_not_what_plays(world: World) -> None:
    world.file("a.mp4", 1, 0, "video", (9,))
    world.file("b.mp4", 1, 0, "video", (2,))
    world.storage.keep_while(lambda: {Lid(9)})

    assert await world.storage.clear("video") == MIB
    assert world.names() == {"a"}


async def test_a_bubble_that_cannot_forget_keeps_its_file(world: World) -> None:
    world.file("a.png", 1, 9)
    world.full = True

    assert await world.storage.clear() == 0
    assert world.names() == {"a"}


async def test_a_folder_that_cannot_be_read_costs_only_the_room(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.limit_mib, world.locked = 1, True
    await world.storage.make_room()
    assert "data_read_only" in caplog.text


async def test_a_download_that_came_makes_room(world: World) -> None:
    world.file("a.png", 4, 9)
    world.limit_mib = 2
    world.storage.hear(PeopleChanged(()))
    bubble = Bubble(Lid(5), ConvId("c"), Uid("u"), False, State.RECEIVED, 0, Text(""), path="/x", fetched_ms=7)
    world.storage.hear(BubblesChanged((bubble,)))
    while world.names():  # noqa: ASYNC110 - tasks of the storage run, nothing is told
        await asyncio.sleep(0)

    assert world.forgotten == [1]
    world.file("b.png", 4, 9)
    world.storage.hear(BubblesChanged((bubble,)))  # drawn again: nothing came
    await asyncio.sleep(0)
    assert world.names() == {"b"}
