"""How much of files is taken: a file's size, a device's pace, a person's share, the disk's rest (SEC-24, SEC-25)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from protocol.limits import BUSY_RETRY_MS, MIB
from protocol.problems import (
    DiskFull,
    MediaEmpty,
    MediaTooLarge,
    PersonFull,
    RateLimited,
    UploadsMany,
    UploadsToday,
)
from protocol.values import Did
from server.core.rates import UploadAllowances
from server.core.rules import UploadRules
from server.ports import Blobs, Clock, Identity, Uploads


class Room:
    """Asked before anything is promised, so that what is promised can be kept."""

    def __init__(self, uploads: Uploads, blobs: Blobs, clock: Clock, rules: UploadRules) -> None:
        self._uploads, self._blobs, self._clock = uploads, blobs, clock
        self.rules = rules
        self._allowances = UploadAllowances(rules)
        self._bringing: Counter[Did] = Counter()

    def check_size(self, size_bytes: int) -> None:
        """Whether a file of this size is taken at all. Raises: MediaEmpty, MediaTooLarge."""
        if size_bytes == 0:
            raise MediaEmpty()
        if size_bytes > self.rules.file_max_bytes:
            raise too_large(size_bytes, self.rules.file_max_bytes)

    async def check(self, who: Identity, size_bytes: int) -> None:
        """Whether one more fits. Raises: RateLimited, UploadsToday, PersonFull, DiskFull."""
        await self._check_pace(who.did, size_bytes)
        limit = self.rules.person_max_bytes
        if limit and await self._uploads.used_bytes(who.uid) + size_bytes > limit:
            raise PersonFull(limit_mb=limit // MIB)
        free_bytes = await self._blobs.free_bytes() - await self._uploads.pending_bytes()
        if free_bytes - size_bytes < self.rules.keep_free(await self._blobs.total_bytes()):
            raise DiskFull()

    def promised(self, did: Did) -> None:
        """A device promised a file."""
        now_s = self._clock.now_s()
        self._allowances.of(did, now_s).files.take(now_s)

    def came(self, did: Did, size_bytes: int) -> None:
        """Bytes of a device came."""
        now_s = self._clock.now_s()
        self._allowances.of(did, now_s).day.spend(now_s, size_bytes)

    @contextmanager
    def bringing(self, did: Did) -> Iterator[None]:
        """One device brings a bounded number of files at the same moment. Raises: UploadsMany."""
        if self._bringing[did] >= self.rules.open_max:
            raise UploadsMany(retry_ms=BUSY_RETRY_MS)
        self._bringing[did] += 1
        try:
            yield
        finally:
            self._bringing[did] -= 1
            if not self._bringing[did]:
                del self._bringing[did]

    async def _check_pace(self, did: Did, size_bytes: int) -> None:
        """Not too many files, and not too much in a day; what was promised and has not come counts as if it had.

        A file that is larger than a day's share is let in when the whole share is there.
        """
        now_s = self._clock.now_s()
        allowance = self._allowances.of(did, now_s)
        if allowance.files.dry(now_s):
            raise RateLimited(retry_ms=allowance.files.wait_ms())
        wanted_bytes = min(size_bytes, self.rules.day_bytes) + await self._uploads.pending_bytes(did)
        if allowance.day.dry(now_s, wanted_bytes):
            raise UploadsToday(retry_ms=allowance.day.wait_ms(wanted_bytes))


def too_large(size_bytes: int, limit_bytes: int) -> MediaTooLarge:
    """What is said about a file of this size."""
    return MediaTooLarge(size_mb=-(-size_bytes // MIB), limit_mb=limit_bytes // MIB)
