"""What a sweep removes, and that it never gives up (P-75, P-83, S11)."""

from __future__ import annotations

import asyncio

import pytest

from protocol.problems import DiskFull
from protocol.values import MediaId
from server.app import housekeeping
from server.app.housekeeping import DAY_MS, Housekeeping, Keep, Swept
from server.ports import Shelved, StoreUnknown

NOW_MS = 100 * DAY_MS
OLD, NEW, KNOWN = (MediaId(name) for name in ("old", "new", "known"))


class Rooms:
    """Everything that can be swept; remembers what was asked."""

    def __init__(self) -> None:
        self.removed: list[MediaId] = []
        self.asked: list[tuple[int, int]] = []
        self.steps = [256, 3, 0]
        self.failures: list[Exception] = []

    async def drop_stale(self, before_ms: int) -> list[MediaId]:
        if self.failures:
            raise self.failures.pop()
        return [MediaId("stale")]

    async def known(self, medias: list[MediaId]) -> set[MediaId]:
        return {KNOWN}.intersection(medias)

    async def shelved(self) -> list[Shelved]:
        return [Shelved(OLD, 0), Shelved(KNOWN, 0), Shelved(NEW, NOW_MS)]

    async def remove(self, media: MediaId) -> None:
        self.removed.append(media)

    async def forget_stale(self, now_ms: int) -> int:
        return 2

    async def expire(self, before_ms: int, most: int) -> int:
        self.asked.append((before_ms, most))
        return self.steps[len(self.asked) - 1]

    async def trim(self) -> int:
        return 7


def keeper(rooms: Rooms, keep: Keep | None = None) -> Housekeeping:
    parts = (rooms, rooms, rooms, rooms, lambda: NOW_MS)
    return Housekeeping(*parts, *([keep] if keep else []))  # type: ignore[arg-type]


async def test_rows_go_first_and_files_second() -> None:
    rooms = Rooms()
    assert await keeper(rooms).sweep() == Swept(1, 1, 2)
    assert rooms.removed == ["stale", OLD]
    assert rooms.asked == []


@pytest.mark.parametrize(
    ("keep", "asked"),
    [(Keep(days=30), (NOW_MS - 30 * DAY_MS, 0)), (Keep(messages=99), (0, 99)), (Keep(1, 9), (NOW_MS - DAY_MS, 9))],
)
async def test_what_is_not_kept_goes_step_by_step(keep: Keep, asked: tuple[int, int]) -> None:
    rooms = Rooms()
    assert await keeper(rooms, keep).sweep() == Swept(1, 1, 2, 259, 7)
    assert rooms.asked == [asked] * 3


async def test_it_sweeps_for_ever_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "EVERY_S", 0.0)
    rooms = Rooms()
    rooms.failures = [StoreUnknown(), DiskFull()]
    sweeping = asyncio.get_running_loop().create_task(keeper(rooms).run())
    for _ in range(20):
        await asyncio.sleep(0)
    sweeping.cancel()
    assert rooms.failures == []
    assert rooms.removed[:2] == ["stale", OLD]
