"""Files up and down, apart from HTTP: who may, how much, and what becomes durable when (P-60, P-75).

Data is synced before its offset is recorded, a file has its name before its row says so, and each comes
before its answer. Whatever was interrupted goes on from the offset that survived.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from protocol.limits import UPLOAD_KEEP_S, UPLOAD_PART_BYTES
from protocol.problems import (
    CancelTooLate,
    MediaChanged,
    MediaDamaged,
    MediaOffset,
    MediaUnknown,
    Problem,
    UploadExpired,
    problem,
)
from protocol.values import MediaId, Value, replace
from server.app.crash_points import crash_point
from server.app.logs import short
from server.app.room import Room, too_large
from server.core.codes import ID_BYTES, id_text
from server.core.rights import Action, OnItsWay, may
from server.core.rules import UploadRules
from server.ports import Blobs, Clock, Found, Identity, NewUpload, Piece, Upload, Uploads

log = logging.getLogger(__name__)

KEEP_MS = int(UPLOAD_KEEP_S * 1000)
DEFAULT = UploadRules()


class Checksum(Value, frozen=True):
    """What the bytes of one request must be: their digest, by an algorithm that `hashlib` knows."""

    algorithm: str
    digest: bytes


class Media:
    """The shelf and its list, kept in step."""

    def __init__(
        self,
        uploads: Uploads,
        blobs: Blobs,
        dice: Callable[[int], bytes],
        clock: Clock,
        rules: UploadRules = DEFAULT,
    ) -> None:
        self._uploads, self._blobs, self._dice, self._clock = uploads, blobs, dice, clock
        self._room = Room(uploads, blobs, clock, rules)
        self._door = asyncio.Lock()  # room is counted and promised in one step

    @property
    def file_max_bytes(self) -> int:
        """How large a file may be here."""
        return self._room.rules.file_max_bytes

    async def create(self, who: Identity, wish: NewUpload) -> Upload:
        """Promise room for a file; the same device and number get the same upload again.

        A file that is here from this person already is not sent again: it is whole at once.
        Raises: MediaEmpty, MediaTooLarge, UnknownConversation, NotMember, Blocked, MediaChanged, RateLimited,
        UploadsToday, PersonFull, DiskFull; MediaUnknown, for a source that is not the file that was promised.
        """
        self._room.check_size(wish.size_bytes)
        if code := may(Action.UPLOAD, await self._uploads.standing(who.uid, wish.conv)):
            raise problem(code)
        async with self._door:
            upload = await self._again(who, wish)
            if (upload is None or not upload.done) and (source := await self._source(who, wish)):
                with suppress(MediaUnknown):
                    return await self._share(who, wish, source)
                if wish.source:
                    raise MediaUnknown()
            if upload is None:
                upload = await self._promise(who, wish)
        return await self._settled(upload)

    async def _again(self, who: Identity, wish: NewUpload) -> Upload | None:
        """The upload that was promised under this number before. Raises: MediaChanged."""
        if wish.number is None or (upload := await self._uploads.numbered(who.did, wish.number)) is None:
            return None
        if self._expired(upload):
            await self._end(upload)
            return None
        if not wish.fits(upload):
            raise MediaChanged()
        return upload

    async def _source(self, who: Identity, wish: NewUpload) -> Upload | None:
        """A file of the same bytes that is here: the one that was named, or one that this person brought (P-75).

        Raises: MediaUnknown, also for what is not the file that was promised.
        """
        if not wish.source:
            return await self._uploads.same(who.uid, wish.sha256, wish.size_bytes) if wish.sha256 else None
        source = await self.look(who, wish.source)
        if source.size_bytes != wish.size_bytes or wish.sha256 not in (b"", source.sha256):
            raise MediaUnknown()
        return source

    async def _share(self, who: Identity, wish: NewUpload, source: Upload) -> Upload:
        """A new row on bytes that are here. Raises: MediaUnknown, if they are not; MediaChanged, DiskFull."""
        media = self._new_id()
        upload = await self._uploads.create(who.did, wish, media)
        try:
            await self._blobs.share(source.media, upload.media)
        except Problem:
            if upload.media == media:
                await self._uploads.forget(media)
            raise
        await self._uploads.finish(upload.media, source.sha256)
        log.info("= media %s, shared with %s", short(upload.media), short(source.media))
        return replace(upload, offset=upload.size_bytes, done=True, sha256=source.sha256)

    async def _promise(self, who: Identity, wish: NewUpload) -> Upload:
        """A new row, if everything that is promised fits (SEC-24, SEC-25)."""
        await self._room.check(who, wish.size_bytes)
        upload = await self._uploads.create(who.did, wish, self._new_id())
        self._room.promised(who.did)
        log.info("+ media %s, %d bytes promised", short(upload.media), wish.size_bytes)
        return upload

    async def where(self, who: Identity, media: MediaId) -> Upload:
        """How far an upload of this device has got, durably. Raises: MediaUnknown, UploadExpired, MediaDamaged."""
        upload = await self._mine(who, media, Action.CONTINUE)
        if not upload.done:
            await self._blobs.begin(media, upload.offset)
        return await self._settled(upload)

    async def append(
        self,
        who: Identity,
        media: MediaId,
        offset: int,
        pieces: AsyncIterator[Piece],
        checksum: Checksum | None = None,
    ) -> Upload:
        """Take pieces from `offset` on; whatever was taken is durable when this returns or raises.

        With a checksum all of the pieces are taken, or none.
        Raises: MediaUnknown, UploadExpired, UploadsMany, MediaOffset (with the right one), MediaTooLarge,
        UploadChecksum, MediaDamaged, DiskFull, StoreFailed, TransferInterrupted.
        """
        upload = await self._mine(who, media, Action.CONTINUE)
        with self._room.bringing(who.did):
            stands = upload.size_bytes if upload.done else await self._blobs.begin(media, upload.offset)
            try:
                if stands != offset:
                    raise MediaOffset(offset=stands)
                if checksum is None:
                    upload = await self._pour(upload, offset, pieces)
                else:
                    await self._pour_all(upload, offset, pieces, checksum)
            except BaseException as stop:
                await self._keep_what_came(upload, stop)
                raise
            return await self._settled(upload)

    async def terminate(self, who: Identity, media: MediaId) -> None:
        """Let go of an upload, or of a file that no message names yet; the room it had is free at once.

        Raises: MediaUnknown; CancelTooLate, once a message names it.
        """
        upload = await self._mine(who, media, Action.END)
        if not await self._end(upload):
            raise CancelTooLate() if await self._uploads.find(who.did, media) else MediaUnknown()
        log.info("- media %s, ended", short(media))

    async def _end(self, upload: Upload) -> bool:
        """The row first: nobody names it any more, and then its bytes go."""
        if not await self._uploads.end(upload.media):
            return False
        crash_point("S11")
        await self._blobs.remove(upload.media)
        return True

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

    def expires_ms(self, upload: Upload) -> int | None:
        """When an upload that nobody goes on with is let go (P-75); a whole file stays as long as it is named."""
        return None if upload.done else upload.touched_ms + KEEP_MS

    def _expired(self, upload: Upload) -> bool:
        expires_ms = self.expires_ms(upload)
        return expires_ms is not None and expires_ms < self._clock.now_ms()

    async def _mine(self, who: Identity, media: MediaId, action: Action) -> Upload:
        upload = await self._uploads.find(who.did, media)
        if (code := may(action, OnItsWay(mine=upload is not None))) or upload is None:
            raise problem(code or MediaUnknown.code)
        if action is not Action.END and self._expired(upload):
            await self._end(upload)  # its room is free, and whoever asks again hears that it is not there
            raise UploadExpired()
        return upload

    async def _pour(self, upload: Upload, offset: int, pieces: AsyncIterator[Piece], settling: bool = True) -> Upload:
        """Take all of them, and record what is durable now and then; returns the upload as it was recorded last."""
        async for piece in pieces:
            if offset + len(piece) > upload.size_bytes:
                raise too_large(offset + len(piece), upload.size_bytes)
            self._room.came(upload.did, len(piece))
            offset = await self._blobs.append(upload.media, offset, piece)
            if settling and offset - upload.offset >= UPLOAD_PART_BYTES and offset < upload.size_bytes:
                upload = await self._settle(upload)
        return upload

    async def _pour_all(self, upload: Upload, offset: int, pieces: AsyncIterator[Piece], checksum: Checksum) -> None:
        """All or nothing; nothing of it is recorded before it was checked."""
        await self._blobs.hold(upload.media, checksum.algorithm)
        try:
            await self._pour(upload, offset, pieces, settling=False)
            await self._blobs.accept(upload.media, checksum.digest)
        except BaseException:
            with suppress(Problem):
                await self._blobs.drop(upload.media)
            raise

    async def _keep_what_came(self, upload: Upload, stop: BaseException) -> None:
        """Record what was taken before the interruption; the answer tells the offset that is durable now."""
        if not upload.done:
            with suppress(Problem):
                settled = await self._settle(upload)
                if isinstance(stop, MediaOffset):
                    stop.facts["offset"] = settled.offset

    async def _settle(self, upload: Upload) -> Upload:
        """Data first, then its offset (P-60). Raises: MediaUnknown, if the upload was ended meanwhile."""
        offset = await self._blobs.settle(upload.media)
        crash_point("S8")
        if not await self._uploads.move(upload.media, offset):
            await self._blobs.remove(upload.media)
            raise MediaUnknown()
        return replace(upload, offset=offset, touched_ms=self._clock.now_ms())

    async def _settled(self, upload: Upload) -> Upload:
        """The upload as it durably is; the last byte also makes it a file."""
        if upload.done:
            return replace(upload, offset=upload.size_bytes)
        stands = await self._blobs.begin(upload.media, upload.offset)
        if stands != upload.offset:  # else what stands there was recorded when it was durable
            upload = await self._settle(upload)
        if upload.offset < upload.size_bytes:
            return upload
        return await self._finished(upload)

    async def _finished(self, upload: Upload) -> Upload:
        try:
            sha256 = await self._blobs.finish(upload.media, upload.size_bytes, upload.sha256)
        except MediaDamaged:
            await self._uploads.forget(upload.media)
            log.info("- media %s, damaged", short(upload.media))
            raise
        crash_point("S9")
        if not await self._uploads.finish(upload.media, sha256):
            await self._blobs.remove(upload.media)
            raise MediaUnknown()
        log.info("= media %s, whole", short(upload.media))
        return replace(upload, offset=upload.size_bytes, done=True, sha256=sha256)

    def _new_id(self) -> MediaId:
        return MediaId(id_text(self._dice(ID_BYTES)))
