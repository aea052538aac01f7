"""What the files of the conversations take on this disk: how much of each kind, the limit, and making room.

A file that goes is forgotten by its bubbles first: their messages stay, and offer the download again. What is being
sent, shown or played, and what was looked at a moment ago, does not go.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Final, get_args

from client.app.changes import BubblesChanged, Change
from client.app.tasks import Tasks
from client.core.spending import CachedFile, CacheKind, Stored
from client.ports import Clock, Media, Messages
from protocol.limits import MIB
from protocol.problems import Problem
from protocol.values import Lid, Value

log = logging.getLogger(__name__)

KINDS: Final[tuple[CacheKind, ...]] = get_args(CacheKind)
JUST_USED_NS: Final = 600 * 1_000_000_000
"""Looked at so recently, a file may still be open somewhere: to make room others go."""
MS_NS: Final = 1_000_000

InUse = Callable[[], Collection[Lid]]


class _Kept(Value, frozen=True):
    """A file in the folder, with what is shown of it."""

    file: Stored
    kind: CacheKind
    lids: tuple[Lid, ...]
    fixed: bool
    """Whether it may not go at all now."""


class Storage:
    """The folder of downloads of one profile.

    Args:
        limit_mib: how much may lie there; 0: as much as the disk holds.
        forget: has a bubble forget its file, durably.
    """

    def __init__(
        self,
        messages: Messages,
        media: Media,
        clock: Clock,
        tasks: Tasks,
        limit_mib: Callable[[], int],
        forget: Callable[[Lid], Awaitable[None]],
    ) -> None:
        self._messages, self._media, self._clock, self._tasks = messages, media, clock, tasks
        self._limit_mib, self._forget = limit_mib, forget
        self._in_use: list[InUse] = []
        self._turn = asyncio.Lock()
        self._newest_ms = 0

    def keep_while(self, in_use: InUse) -> None:
        """The files of these bubbles are shown or played at the moment: asked whenever something is to go."""
        self._in_use.append(in_use)

    def hear(self, change: Change) -> None:
        """A download has come: perhaps an older file has to make room."""
        if isinstance(change, BubblesChanged):
            newest_ms = max((bubble.fetched_ms for bubble in change.bubbles if bubble.path), default=0)
            if newest_ms > self._newest_ms:
                self._newest_ms = newest_ms
                self._tasks.start(self.make_room(), "make room for downloads")

    async def used(self, path: str) -> None:
        """The person looks at this file now."""
        await self._media.used(path, self._clock.wall_ms())

    async def sizes(self) -> dict[CacheKind, int]:
        """Bytes of each kind; "file" has also what no bubble shows, and what has not come to its end."""
        sizes: dict[CacheKind, int] = dict.fromkeys(KINDS, 0)
        for kept in await self._look():
            sizes[kept.kind] += kept.file.size_bytes
        return sizes

    async def clear(self, kind: CacheKind | None = None) -> int:
        """Let everything of a kind go, or of all kinds; return how many bytes there are fewer."""
        async with self._turn:
            return await self._let_go(kept for kept in await self._look() if kind in (None, kept.kind))

    async def trim(self) -> int:
        """Let the files go that nobody looked at for the longest time, until the rest fits; return their bytes."""
        async with self._turn:
            limit_bytes = self._limit_mib() * MIB
            all_kept = sorted(await self._look(), key=lambda kept: kept.file.used_ns)
            over_bytes = sum(kept.file.size_bytes for kept in all_kept) - limit_bytes
            if not limit_bytes or over_bytes <= 0:
                return 0
            long_ago_ns = self._clock.wall_ms() * MS_NS - JUST_USED_NS
            old = (kept for kept in all_kept if kept.file.used_ns < long_ago_ns)
            return await self._let_go(old, over_bytes)

    async def make_room(self) -> None:
        """Trim, beside what else goes on."""
        try:
            freed_bytes = await self.trim()
        except Problem as problem:
            log.warning("! downloads were not looked through: %s", problem.code)
        else:
            log.info("- %d bytes of downloads made room", freed_bytes)

    async def _let_go(self, files: Iterable[_Kept], enough_bytes: int | None = None) -> int:
        gone_bytes = 0
        for kept in files:
            if enough_bytes is not None and gone_bytes >= enough_bytes:
                break
            if not kept.fixed and self._used_now().isdisjoint(kept.lids) and await self._remove(kept):
                gone_bytes += kept.file.size_bytes
        return gone_bytes

    async def _remove(self, kept: _Kept) -> bool:
        """First the bubbles, then the file: after a crash in between there is a file that nobody shows."""
        try:
            for lid in kept.lids:
                await self._forget(lid)
        except Problem as problem:
            log.warning("! a file stays: %s", problem.code)
            return False
        return await self._media.remove(kept.file.path)

    async def _look(self) -> list[_Kept]:
        shown = {file.path: file for file in await self._messages.shown_files()}
        wanted = await self._messages.wanted_files()
        return [_kept(file, shown.get(file.path), wanted) for file in await self._media.stored()]

    def _used_now(self) -> set[Lid]:
        return {lid for in_use in self._in_use for lid in in_use()}


def _kept(file: Stored, shown: CachedFile | None, wanted: Collection[str]) -> _Kept:
    if shown is not None:
        return _Kept(file, shown.kind, shown.lids, shown.busy)
    return _Kept(file, "file", (), file.part_of in wanted)
