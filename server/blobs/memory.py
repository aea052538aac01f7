"""Uploaded files in memory: the same promises as files on a disk, for tests and for throw-away servers."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from protocol.limits import GIB
from protocol.problems import MediaDamaged, MediaOffset, MediaUnknown, TransferInterrupted, UploadChecksum
from protocol.values import MediaId
from server.ports import Held, Piece, Shelved


class MemoryBlobs:
    """Keeps everything until the process ends; `capacity_bytes` lets a test fill it."""

    def __init__(self, now_ms: Callable[[], int], capacity_bytes: int = GIB) -> None:
        self._now_ms, self._capacity_bytes = now_ms, capacity_bytes
        self._parts: dict[MediaId, bytearray] = {}
        self._whole: dict[MediaId, bytes] = {}
        self._touched_ms: dict[MediaId, int] = {}
        self._trials: dict[MediaId, tuple[int, str]] = {}

    async def begin(self, media: MediaId, recorded: int) -> int:
        """Open the part and return where it stands, as every shelf does."""
        if (whole := self._whole.get(media)) is not None:
            return len(whole)
        self._touched_ms.setdefault(media, self._now_ms())
        self._parts.setdefault(media, bytearray())
        return self._sure(media)

    async def append(self, media: MediaId, offset: int, piece: Piece) -> int:
        """Add a piece exactly at the end."""
        part = self._part(media)
        if offset != len(part):
            raise MediaOffset(offset=len(part))
        part += piece
        self._touched_ms[media] = self._now_ms()
        return len(part)

    async def settle(self, media: MediaId) -> int:
        """Memory is as durable as it will ever be."""
        if (whole := self._whole.get(media)) is not None:
            return len(whole)
        if media not in self._parts:
            raise MediaUnknown()
        return self._sure(media)

    async def hold(self, media: MediaId, algorithm: str) -> None:
        """What comes is on trial."""
        part = self._part(media)
        if media in self._trials:
            raise TransferInterrupted()
        self._trials[media] = (len(part), algorithm)

    async def accept(self, media: MediaId, digest: bytes) -> None:
        """It was what was meant, or is gone."""
        if media not in self._trials:
            raise TransferInterrupted()
        start, algorithm = self._trials[media]
        if hashlib.new(algorithm, self._parts[media][start:]).digest() != digest:
            await self.drop(media)
            raise UploadChecksum()
        del self._trials[media]

    async def drop(self, media: MediaId) -> None:
        """What is on trial is gone."""
        if media in self._trials:
            start, _ = self._trials.pop(media)
            del self._parts[media][start:]

    async def finish(self, media: MediaId, size_bytes: int, sha256: bytes) -> bytes:
        """Accept the whole file, or throw it away."""
        if media in self._whole:
            return hashlib.sha256(self._whole[media]).digest()
        await self.drop(media)
        part = bytes(self._parts.pop(media, b""))
        digest = hashlib.sha256(part).digest()
        if len(part) != size_bytes or (sha256 and digest != sha256):
            self._touched_ms.pop(media, None)
            raise MediaDamaged()
        self._whole[media] = part
        return digest

    async def share(self, source: MediaId, media: MediaId) -> None:
        """The same bytes under another id as well."""
        if media in self._whole:
            return
        if source not in self._whole:
            raise MediaUnknown()
        for kept in (self._parts, self._trials):
            kept.pop(media, None)
        self._whole[media] = self._whole[source]
        self._touched_ms[media] = self._now_ms()

    async def open_from(self, media: MediaId, start: int) -> Held:
        """The bytes from `start` on."""
        if media not in self._whole:
            raise MediaUnknown()
        return Held(self._whole[media][start:])

    async def remove(self, media: MediaId) -> None:
        """Forget it, whole or part."""
        for kept in (self._parts, self._whole, self._touched_ms, self._trials):
            kept.pop(media, None)

    async def shelved(self) -> list[Shelved]:
        """Everything that is kept, whole or part."""
        return [Shelved(media, touched_ms) for media, touched_ms in self._touched_ms.items()]

    async def free_bytes(self) -> int:
        """What fits beside what is kept."""
        used = sum(map(len, self._parts.values())) + sum(map(len, self._whole.values()))
        return max(0, self._capacity_bytes - used)

    async def total_bytes(self) -> int:
        """What fits altogether."""
        return self._capacity_bytes

    def _sure(self, media: MediaId) -> int:
        """Where the part stands without what is on trial."""
        return self._trials[media][0] if media in self._trials else len(self._parts[media])

    def _part(self, media: MediaId) -> bytearray:
        if media not in self._parts:
            raise TransferInterrupted()
        return self._parts[media]


@asynccontextmanager
async def open_blobs(url: str, now_ms: Callable[[], int]) -> AsyncIterator[MemoryBlobs]:
    """The part behind `memory:`."""
    yield MemoryBlobs(now_ms)
