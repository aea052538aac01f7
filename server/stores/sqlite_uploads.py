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

COLUMNS = "media, conv, did, number, size, sha256, offset, done, touched, metadata"
CREATE = """insert into upload (media, conv, did, number, size, sha256, touched, metadata)
            values (?, ?, ?, ?, ?, ?, ?, ?) on conflict (did, number) do nothing"""
FREE_NUMBER = "select min(0, coalesce(min(number), 0)) - 1 from upload where did = ?"  # below every device's own
SAME = f"""select {COLUMNS} from upload where sha256 = ? and size = ? and done = 1
           and did in (select did from device where uid = ?) limit 1"""
# Copies of one file are names of the same bytes for whoever has them (P-75), so they fill the disk once.
USED = """with mine as (select sha256, size, done from upload where did in (select did from device where uid = ?))
          select coalesce((select sum(size) from (select size from mine where done = 1 group by sha256, size)), 0)
               + coalesce((select sum(size) from mine where done = 0), 0)"""
END = "delete from upload where media = ? and not exists (select 1 from pin where pin.media = upload.media)"
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
        return await self._writer.run(lambda db: _create(db, did, wish, media, self._now_ms()))

    async def find(self, did: Did, media: MediaId) -> Upload | None:
        """An upload of this device."""
        return await self._one(f"select {COLUMNS} from upload where media = ? and did = ?", media, int(did))

    async def glance(self, uid: Uid, media: MediaId) -> Glance | None:
        """A complete file, as this person may or may not see it."""
        return await self._writer.read(lambda db: _glance(db, uid, media))

    async def standing(self, uid: Uid, conv: ConvId) -> Standing:
        """How the person stands to the conversation."""
        return await self._writer.read(lambda db: room_of(db, conv).standing(uid))

    async def numbered(self, did: Did, number: int) -> Upload | None:
        """The upload with this device and number."""
        sql = f"select {COLUMNS} from upload where did = ? and number = ?"
        return await self._one(sql, int(did), number)

    async def same(self, uid: Uid, sha256: bytes, size_bytes: int) -> Upload | None:
        """A complete file of these bytes that this person brought, from any device."""
        return await self._one(SAME, sha256, size_bytes, uid)

    async def move(self, media: MediaId, offset: int) -> bool:
        """Record what is durable."""
        sql = "update upload set offset = ?, touched = ? where media = ?"
        return await self._update(sql, offset, self._now_ms(), media) > 0

    async def finish(self, media: MediaId, sha256: bytes) -> bool:
        """The file is whole and true, under its name; what its client called it is forgotten."""
        sql = "update upload set done = 1, offset = size, sha256 = ?, metadata = '', touched = ? where media = ?"
        return await self._update(sql, sha256, self._now_ms(), media) > 0

    async def forget(self, media: MediaId) -> None:
        """Drop the row of a file that was damaged."""
        await self._update("delete from upload where media = ? and done = 0", media)

    async def end(self, media: MediaId) -> bool:
        """Drop an upload, or a file that no message names."""
        return await self._update(END, media) > 0

    async def pending_bytes(self, did: Did | None = None) -> int:
        """What was promised and has not come yet."""
        sql = "select coalesce(sum(size - offset), 0) from upload where done = 0"
        if did is None:
            return await self._sum(sql)
        return await self._sum(f"{sql} and did = ?", int(did))

    async def used_bytes(self, uid: Uid) -> int:
        """How much of the shelf a person fills."""
        return await self._sum(USED, uid)

    async def drop_stale(self, before_ms: int) -> list[MediaId]:
        """Drop what is unfinished, or finished and named by nothing, and was last touched before then."""
        rows = await self._writer.run(lambda db: db.execute(STALE, [before_ms]).fetchall())
        return [MediaId(row[0]) for row in rows]

    async def known(self, medias: list[MediaId]) -> set[MediaId]:
        """Which of these have a row."""
        return await self._writer.read(lambda db: {media for media in medias if _exists(db, media)})

    async def _one(self, sql: str, *facts: object) -> Upload | None:
        row = await self._writer.read(lambda db: db.execute(sql, facts).fetchone())
        return None if row is None else _upload(row)

    async def _sum(self, sql: str, *facts: object) -> int:
        return int(await self._writer.read(lambda db: db.execute(sql, facts).fetchone()[0]))

    async def _update(self, sql: str, *facts: object) -> int:
        return await self._writer.run(lambda db: db.execute(sql, facts).rowcount)


def _create(db: sqlite3.Connection, did: Did, wish: NewUpload, media: MediaId, now_ms: int) -> Upload:
    number = wish.number
    if number is None:
        number = db.execute(FREE_NUMBER, [int(did)]).fetchone()[0]
    db.execute(CREATE, (media, wish.conv, int(did), number, wish.size_bytes, wish.sha256, now_ms, wish.metadata))
    sql = f"select {COLUMNS} from upload where did = ? and number = ?"
    upload = _upload(db.execute(sql, (int(did), number)).fetchone())
    if not wish.fits(upload):
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
    media, conv, did, number, size, sha256, offset, done, touched, metadata = row
    return Upload(
        MediaId(media), ConvId(conv), Did(str(did)), number, size, sha256, offset, bool(done), touched, metadata
    )
