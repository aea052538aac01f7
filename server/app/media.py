"""Files up and down, apart from HTTP: who may, how much, and what becomes durable when (P-60, P-75).

Data is synced before its offset is recorded, a file has its name before its row says so, and each comes
before its answer. Whatever was interrupted goes on from the offset that survived.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from protocol.limits import DISK_KEEP_FREE_BYTES, FILE_MAX_BYTES, MIB, UPLOAD_PART_BYTES
from protocol.problems import (
    DiskFull,
    MediaDamaged,
    MediaEmpty,
    MediaOffset,
    MediaTooLarge,
    MediaUnknown,
    Problem,
    problem,
)
from protocol.values import MediaId, replace
from server.app.crash_points import crash_point
from server.app.logs import short
from server.core.codes import ID_BYTES, id_text
from server.core.rights import Action, may
from server.ports import Blobs, Found, Identity, NewUpload, Upload, Uploads

log = logging.getLogger(__name__)


class Media:
    """The shelf and its list, kept in step."""

    def __init__(self, uploads: Uploads, blobs: Blobs, dice: Callable[[int], bytes]) -> None:
        self._uploads, self._blobs, self._dice = uploads, blobs, dice

    async def create(self, who: Identity, wish: NewUpload) -> Upload:
        """Promise room for a file; the same device and number get the same upload again.

        Raises: MediaEmpty, MediaTooLarge, UnknownConversation, NotMember, Blocked, DiskFull, MediaChanged.
        """
        _check_size(wish.size_bytes)
        if code := may(Action.UPLOAD, await self._uploads.standing(who.uid, wish.conv)):
            raise problem(code)
        if wish.source:
            return await self._share(who, wish)
        media = MediaId(id_text(self._dice(ID_BYTES)))
        upload = await self._uploads.create(who.did, wish, media)
        if upload.media == media:
            await self._check_room(upload)
            log.info("+ media %s, %d bytes promised", short(media), wish.size_bytes)
        return await self._settled(upload)

    async def _share(self, who: Identity, wish: NewUpload) -> Upload:
        """Pass a file on: a new row on bytes that are here, for who may see them (P-75).

        Raises: MediaUnknown, also for what is not the file that was promised; MediaChanged, DiskFull.
        """
        source = await self.look(who, wish.source)
        if (source.size_bytes, source.sha256) != (wish.size_bytes, wish.sha256):
            raise MediaUnknown()
        upload = await self._uploads.create(who.did, wish, MediaId(id_text(self._dice(ID_BYTES))))
        if not upload.done:
            await self._blobs.share(source.media, upload.media)
            await self._uploads.finish(upload.media)
            log.info("= media %s, shared with %s", short(upload.media), short(source.media))
        return replace(upload, offset=upload.size_bytes, done=True)

    async def where(self, who: Identity, media: MediaId) -> Upload:
        """How far an upload of this device has got, durably. Raises: MediaUnknown, MediaDamaged."""
        upload = await self._mine(who, media)
        if not upload.done:
            await self._blobs.begin(media, upload.offset)
        return await self._settled(upload)

    async def append(self, who: Identity, media: MediaId, offset: int, pieces: AsyncIterator[bytes]) -> Upload:
        """Take pieces from `offset` on; whatever was taken is durable when this returns or raises.

        Raises: MediaUnknown, MediaOffset (with the right one), MediaTooLarge, MediaDamaged, DiskFull,
        StoreFailed.
        """
        upload = await self._mine(who, media)
        stands = upload.size_bytes if upload.done else await self._blobs.begin(media, upload.offset)
        try:
            if stands != offset:
                raise MediaOffset(offset=stands)
            await self._pour(upload, offset, pieces)
        except BaseException as stop:
            await self._keep_what_came(upload, stop)
            raise
        return await self._settled(upload)

    async def look(self, who: Identity, media: MediaId) -> Upload:
        """A whole file, for its owner and for those who see a message that names it.

        Raises: MediaUnknown, for what does not exist and for what this person may not see (SEC-21).
        """
        glance = await self._uploads.glance(who.uid, media)
        if glance is None:
            raise MediaUnknown()
        if code := may(Action.FETCH, glance.file):
            raise problem(code)
        return glance.upload

    async def read(self, upload: Upload, start: int) -> Found:
        """The bytes of a file that was looked at, from `start` on. Raises: MediaUnknown."""
        return await self._blobs.open_from(upload.media, start)

    async def _mine(self, who: Identity, media: MediaId) -> Upload:
        if (upload := await self._uploads.find(who.did, media)) is None:
            raise MediaUnknown()
        return upload

    async def _check_room(self, upload: Upload) -> None:
        """Every open promise counts, this one included; one without room is taken back (SEC-25)."""
        free_bytes = await self._blobs.free_bytes() - await self._uploads.pending_bytes()
        if free_bytes < DISK_KEEP_FREE_BYTES:
            await self._uploads.forget(upload.media)
            raise DiskFull()

    async def _pour(self, upload: Upload, offset: int, pieces: AsyncIterator[bytes]) -> None:
        recorded = offset
        async for piece in pieces:
            if offset + len(piece) > upload.size_bytes:
                raise _too_large(offset + len(piece), upload.size_bytes)
            offset = await self._blobs.append(upload.media, offset, piece)
            if offset - recorded >= UPLOAD_PART_BYTES and offset < upload.size_bytes:
                recorded = await self._settle(upload)

    async def _keep_what_came(self, upload: Upload, stop: BaseException) -> None:
        """Record what was taken before the interruption; the answer tells the offset that is durable now."""
        if not upload.done:
            with suppress(Problem):
                settled = await self._settle(upload)
                if isinstance(stop, MediaOffset):
                    stop.facts["offset"] = settled

    async def _settle(self, upload: Upload) -> int:
        """Data first, then its offset (P-60)."""
        offset = await self._blobs.settle(upload.media)
        crash_point("S8")
        await self._uploads.move(upload.media, offset)
        return offset

    async def _settled(self, upload: Upload) -> Upload:
        """The upload as it durably is; the last byte also makes it a file."""
        if upload.done:
            return replace(upload, offset=upload.size_bytes)
        stands = await self._blobs.begin(upload.media, upload.offset)
        if stands:
            stands = await self._settle(upload)
        if stands < upload.size_bytes:
            return replace(upload, offset=stands)
        return await self._finished(upload)

    async def _finished(self, upload: Upload) -> Upload:
        try:
            await self._blobs.finish(upload.media, upload.size_bytes, upload.sha256)
        except MediaDamaged:
            await self._uploads.forget(upload.media)
            log.info("- media %s, damaged", short(upload.media))
            raise
        crash_point("S9")
        await self._uploads.finish(upload.media)
        log.info("= media %s, whole", short(upload.media))
        return replace(upload, offset=upload.size_bytes, done=True)


def _check_size(size_bytes: int) -> None:
    if size_bytes == 0:
        raise MediaEmpty()
    if size_bytes > FILE_MAX_BYTES:
        raise _too_large(size_bytes, FILE_MAX_BYTES)


def _too_large(size_bytes: int, limit_bytes: int) -> MediaTooLarge:
    return MediaTooLarge(size_mb=-(-size_bytes // MIB), limit_mb=limit_bytes // MIB)
