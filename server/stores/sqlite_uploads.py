"""What the server promised to keep of each file, in SQLite; the bytes are on the shelves (P-60, P-75)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from protocol.problems import MediaChanged
from protocol.values import ConvId, Did, MediaId, Uid
from server.core.rights import File, Standing
from server.ports import Glance, NewUpload, Upload
from server.stores.sqlite_rooms import room_of
from server.stores.writer import Writer

COLUMNS = "media, conv, did, number, size, sha256, offset, done"
CREATE = """insert into upload (media, conv, did, number, size, sha256, touched)
            values (?, ?, ?, ?, ?, ?, ?) on conflict (did, number) do nothing"""
OWNER = "select 1 from device where did = ? and uid = ?"
# seen from each join to the following leave, unless recalled: that takes the pin away (P-70, P-74, SEC-21)
SEEN = """select 1 from pin join member on member.conv = pin.conv and pin.pos >= member.since
          where pin.media = :media and member.uid = :uid
          and (coalesce(member.until, 0) = 0 or pin.pos <= member.until)"""
STALE = """delete from upload where touched < ? and
           (done = 0 or not exists (select 1 from pin where pin.media = upload.media)) returning media"""


class SqliteUploads:
    """The table of uploads behind one writer."""

    def __init__(self, writer: Writer, now_ms: Callable[[], int]) -> None:
        self._writer, self._now_ms = writer, now_ms

    async def create(self, did: Did, wish: NewUpload, media: MediaId) -> Upload:
        """The upload with this device and number, made now or earlier."""
        row = (media, wish.conv, int(did), wish.number, wish.size_bytes, wish.sha256, self._now_ms())
        return await self._writer.run(lambda db: _create(db, row, wish))

    async def find(self, did: Did, media: MediaId) -> Upload | None:
        """An upload of this device."""
        sql = f"select {COLUMNS} from upload where media = ? and did = ?"
        row = await self._writer.read(lambda db: db.execute(sql, [media, int(did)]).fetchone())
        return None if row is None else _upload(row)

    async def glance(self, uid: Uid, media: MediaId) -> Glance | None:
        """A complete file, as this person may or may not see it."""
        return await self._writer.read(lambda db: _glance(db, uid, media))

    async def standing(self, uid: Uid, conv: ConvId) -> Standing:
        """How the person stands to the conversation."""
        return await self._writer.read(lambda db: room_of(db, conv).standing(uid))

    async def move(self, media: MediaId, offset: int) -> None:
        """Record what is durable."""
        await self._update("update upload set offset = ?, touched = ? where media = ?", offset, self._now_ms(), media)

    async def finish(self, media: MediaId) -> None:
        """The file is whole and true, under its name."""
        await self._update(
            "update upload set done = 1, offset = size, touched = ? where media = ?", self._now_ms(), media
        )

    async def forget(self, media: MediaId) -> None:
        """Drop the row of a file that was damaged."""
        await self._update("delete from upload where media = ? and done = 0", media)

    async def pending_bytes(self) -> int:
        """What was promised and has not come yet."""
        sql = "select coalesce(sum(size - offset), 0) from upload where done = 0"
        return int(await self._writer.read(lambda db: db.execute(sql).fetchone()[0]))

    async def drop_stale(self, before_ms: int) -> list[MediaId]:
        """Drop what is unfinished, or finished and named by nothing, and was last touched before then."""
        rows = await self._writer.run(lambda db: db.execute(STALE, [before_ms]).fetchall())
        return [MediaId(row[0]) for row in rows]

    async def known(self, medias: list[MediaId]) -> set[MediaId]:
        """Which of these have a row."""
        return await self._writer.read(lambda db: {media for media in medias if _exists(db, media)})

    async def _update(self, sql: str, *facts: object) -> None:
        await self._writer.run(lambda db: db.execute(sql, facts).rowcount)


def _create(db: sqlite3.Connection, row: tuple[Any, ...], wish: NewUpload) -> Upload:
    db.execute(CREATE, row)
    kept = db.execute(f"select {COLUMNS} from upload where did = ? and number = ?", row[2:4]).fetchone()
    upload = _upload(kept)
    if (upload.conv, upload.size_bytes, upload.sha256) != (wish.conv, wish.size_bytes, wish.sha256):
        raise MediaChanged()
    return upload


def _glance(db: sqlite3.Connection, uid: Uid, media: MediaId) -> Glance | None:
    row = db.execute(f"select {COLUMNS} from upload where media = ? and done = 1", [media]).fetchone()
    if row is None:
        return None
    owner = db.execute(OWNER, [row[2], uid]).fetchone() is not None
    seen = db.execute(SEEN, {"media": media, "uid": uid}).fetchone() is not None
    return Glance(_upload(row), File(owner, seen))


def _exists(db: sqlite3.Connection, media: MediaId) -> bool:
    return db.execute("select 1 from upload where media = ?", [media]).fetchone() is not None


def _upload(row: tuple[Any, ...]) -> Upload:
    media, conv, did, number, size, sha256, offset, done = row
    return Upload(MediaId(media), ConvId(conv), Did(str(did)), number, size, sha256, offset, bool(done))
