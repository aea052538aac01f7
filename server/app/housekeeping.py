"""What is swept away: uploads nobody finished or named, files without a row, spent invites (P-75, S9)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from protocol.limits import UPLOAD_KEEP_S
from protocol.problems import Problem
from protocol.values import MediaId, Value
from server.app.crash_points import crash_point
from server.ports import Accounts, Blobs, Retention, StoreUnknown, Uploads

log = logging.getLogger(__name__)

EVERY_S = 3600.0  # between two sweeps; nothing is urgent here
KEEP_MS = int(UPLOAD_KEEP_S * 1000)
DAY_MS = 24 * 3600 * 1000


class Swept(Value, frozen=True):
    """How much one sweep removed."""

    uploads: int
    orphans: int
    invites: int
    messages: int = 0
    numbers: int = 0


class Keep(Value, frozen=True):
    """How long messages are kept, and how many of a conversation; 0: for ever, and all (P-83)."""

    days: int = 0
    messages: int = 0


FOR_EVER = Keep()


class Housekeeping:
    """Removes rows first and files second: a crash between leaves only a file, which the next sweep finds."""

    def __init__(
        self,
        uploads: Uploads,
        blobs: Blobs,
        accounts: Accounts,
        retention: Retention,
        now_ms: Callable[[], int],
        keep: Keep = FOR_EVER,
    ) -> None:
        self._uploads, self._blobs, self._accounts, self._retention = uploads, blobs, accounts, retention
        self._now_ms, self._keep = now_ms, keep

    async def sweep(self) -> Swept:
        """One sweep. Raises a Problem if disk or store refuse; the next sweep does the rest."""
        messages, numbers = await self._expire()
        before_ms = self._now_ms() - KEEP_MS
        stale = await self._uploads.drop_stale(before_ms)
        crash_point("S11")
        await self._remove(stale)
        orphans = await self._orphans(before_ms)
        await self._remove(orphans)
        invites = await self._accounts.forget_stale(self._now_ms())
        return Swept(len(stale), len(orphans), invites, messages, numbers)

    async def run(self) -> None:
        """Sweep now and then every hour, for ever."""
        while True:
            try:
                swept = await self.sweep()
                if swept != Swept(0, 0, 0):
                    log.info("- swept %r", swept)
            except Problem as problem:
                log.warning("the sweep was put off: %s", problem.code)
            except StoreUnknown:
                log.warning("the sweep was put off: nobody knows what of it was stored")
            await asyncio.sleep(EVERY_S)

    async def _expire(self) -> tuple[int, int]:
        """Step by step, so that whoever writes never waits for long; messages first, then their numbers (P-84)."""
        if self._keep == FOR_EVER:
            return 0, 0
        before_ms = self._now_ms() - self._keep.days * DAY_MS if self._keep.days else 0
        messages = 0
        while some := await self._retention.expire(before_ms, self._keep.messages):
            messages += some
        return messages, await self._retention.trim()

    async def _orphans(self, before_ms: int) -> list[MediaId]:
        """Old files that no row names."""
        old = [each.media for each in await self._blobs.shelved() if each.touched_ms < before_ms]
        known = await self._uploads.known(old)
        return [media for media in old if media not in known]

    async def _remove(self, medias: list[MediaId]) -> None:
        for media in medias:
            await self._blobs.remove(media)
