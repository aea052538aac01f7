"""The profile's database, the port `Messages`: one thread, one connection, every method one transaction."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from sqlite_utils import Database

from client.adapters.sqlite_ledger import read_shown, read_spending, read_spent, read_wanted, write_spent
from client.adapters.sqlite_media import read_media, read_media_lids
from client.adapters.sqlite_rows import (
    read_bubble,
    read_bubbles,
    read_chats,
    read_gaps,
    read_me,
    read_memory,
    read_older,
    read_own_above,
    read_page,
    read_receipts,
    read_seats,
)
from client.adapters.sqlite_salvage import Salvaged, finish, salvage
from client.adapters.sqlite_saves import Saver
from client.adapters.sqlite_schema import (
    FILE_NAME,
    TRACE_KEPT_ROWS,
    OpenConnection,
    ProfileLock,
    connect,
    keep_private,
    make_safe,
    open_database,
    problem_of,
)
from client.adapters.sqlite_words import languages, versions_of
from client.core.effects import Save
from client.core.model import (
    NOWHERE,
    Bubble,
    ChatEntry,
    Me,
    MediaKind,
    Memory,
    Own,
    Receipt,
    Seen,
    Span,
    State,
    Version,
)
from client.core.spending import CachedFile, Spending, Spent
from client.ports import DraftPart
from protocol.packets import Gap, Person, Seat
from protocol.problems import DataCorrupt, DiskFull, Problem, UnknownMessage
from protocol.values import ConvId, Lid

T = TypeVar("T")

READ_BY = "read_by"
"""Setting: what the program could read that looked at the quarantine last."""

LEFT_OVER = f"""select lid from bubble where mine = 1 and state = {int(State.LONG_AGO)} and code = 'sign_in_again'
    and rel = '' and uid = (select uid from me)"""
"""What still waited here when the device before this one ended (P-64)."""
LIDS_AT = f"""select lid from bubble where conv = ? and pos between ? and ? and pos < {NOWHERE} and lost = 0
    order by pos"""
STILL_WAITING = "select lid from bubble where mine = 1 and state in (0, 1, 2, 7, 8) and rel = ''"


class SqliteMessages:
    """Bubbles, outbox, cursors and marks of one profile. `open` first, `close` last.

    A transaction that fails leaves nothing behind; whether a failed commit came through after all is unknown,
    so the connection is closed and the next call starts on a fresh one, which reads what the disk has.

    Args:
        folder: the profile folder; made if missing, and locked while open (P-14).
        open_connection: makes the connection; tests pass one that fails on purpose.
    """

    salvaged: Salvaged | None = None
    """What `open` made of a profile that was damaged."""
    _damaged = False

    def __init__(self, folder: Path, open_connection: OpenConnection = connect) -> None:
        self._folder, self._open_connection = folder, open_connection
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="messages")
        self._lock: ProfileLock | None = None
        self._db: Database | None = None
        self._saver: Saver | None = None

    async def open(self) -> None:
        """Raises DataInUse, DataReadOnly, DataNewer, DataCorrupt, DiskFull, StoreFailed."""
        await self._on_thread(self._open)

    async def close(self) -> None:
        """Let go of the profile; what was saved is on the disk already."""
        await self._on_thread(self._close)
        self._thread.shutdown()

    async def load(self) -> Memory:
        return await self._read(read_memory)

    async def save(self, saves: Sequence[Save]) -> list[Bubble]:
        def write(db: sqlite3.Connection) -> list[Bubble]:
            assert self._saver is not None
            return read_bubbles(db, self._saver.write(saves))

        return await self._write(write)

    async def kept(self, lid: Lid) -> bool:
        rows = await self._rows("select 1 from bubble where lid = ?", lid)  # what is seen is safe: see `_database`
        return bool(rows)

    async def shows_file(self, path: str) -> bool:
        return bool(await self._rows("select 1 from bubble where path = ? limit 1", path))

    async def own_above(self, bases: Sequence[tuple[ConvId, int]]) -> tuple[Own, ...]:
        """Own messages above these positions that had been accepted, in order of position (P-69)."""

        def find(db: sqlite3.Connection) -> tuple[Own, ...]:
            me = read_me(db)
            found = (read_own_above(db, me.did, conv, base) for conv, base in bases) if me else ()
            return tuple(own for owns in found for own in owns)

        return await self._read(find)

    async def become(self, me: Me) -> None:
        await self._write(lambda db: self._become(db, me))

    async def page(
        self,
        conv: ConvId,
        *,
        before: tuple[int, int] | None = None,
        after: tuple[int, int] | None = None,
        limit: int = 50,
    ) -> list[Bubble]:
        return await self._read(lambda db: read_page(db, conv, before, after, limit))

    async def media(
        self,
        conv: ConvId,
        kinds: Sequence[MediaKind],
        *,
        before: tuple[int, int] | None = None,
        after: tuple[int, int] | None = None,
        limit: int = 50,
    ) -> list[Bubble]:
        return await self._read(lambda db: read_media(db, conv, kinds, before, after, limit))

    async def media_lids(self, conv: ConvId, kinds: Sequence[MediaKind]) -> list[Lid]:
        return await self._read(lambda db: read_media_lids(db, conv, kinds))

    async def bubble(self, lid: Lid) -> Bubble:
        return await self._read(lambda db: read_bubble(db, lid))

    async def chats(self) -> list[ChatEntry]:
        return await self._read(read_chats)

    async def people(self) -> list[Person]:
        rows = await self._rows("select uid, name from person order by name, uid")
        return [Person(uid, name) for uid, name in rows]

    async def versions(self, lid: Lid) -> list[Version]:
        return await self._read(lambda db: versions_of(db, read_bubble(db, lid), lid))

    async def content_of(self, lid: Lid) -> bytes:
        sql = "select content from bubble where lid = ? and mine = 1 and content <> x''"
        rows = await self._rows(sql, lid)
        for (content,) in rows:
            return bytes(content)
        raise UnknownMessage()

    async def members(self, conv: ConvId) -> list[Seat]:
        return await self._read(lambda db: read_seats(db, conv))

    async def receipts(self, lid: Lid) -> list[Receipt]:
        return await self._read(lambda db: read_receipts(db, lid))

    async def older(self, conv: ConvId) -> tuple[Span, ...]:
        return (await self._read(read_older)).get(conv, ())

    async def gaps(self, conv: ConvId) -> tuple[Gap, ...]:
        return await self._read(lambda db: read_gaps(db, conv))

    async def left_over(self, *, ended: bool) -> list[Bubble]:
        def find(db: sqlite3.Connection) -> list[Bubble]:
            lids = [lid for sql in (LEFT_OVER, STILL_WAITING)[: 1 + ended] for (lid,) in db.execute(sql)]
            return sorted(read_bubbles(db, lids), key=lambda bubble: (bubble.at_ms, bubble.lid))

        return await self._read(find)

    async def set_draft(self, conv: ConvId, text: str) -> None:
        sql = """insert into chat (conv, draft) values (?, ?)
            on conflict (conv) do update set draft = excluded.draft"""
        await self._write(lambda db: db.execute(sql, (conv, text)))

    async def draft_parts(self) -> dict[ConvId, list[DraftPart]]:
        found: dict[ConvId, list[DraftPart]] = {}
        for conv, kind, path in await self._rows("select conv, kind, path from staged order by conv, place"):
            found.setdefault(ConvId(conv), []).append(DraftPart(kind, path))
        return found

    async def set_draft_parts(self, conv: ConvId, parts: Sequence[DraftPart]) -> None:
        rows = [(conv, place, part.value, part.kind) for place, part in enumerate(parts)]

        def write(db: sqlite3.Connection) -> None:
            db.execute("delete from staged where conv = ?", (conv,))
            db.executemany("insert into staged (conv, place, path, kind) values (?, ?, ?, ?)", rows)

        await self._write(write)

    async def note(self, seen: Sequence[Seen]) -> None:
        rows = [(s.lid, s.packet, s.way, s.tries, s.at_ms, s.note) for s in seen]
        sql = "insert into trace (lid, packet, way, tries, at_ms, note) values (?, ?, ?, ?, ?, ?)"
        await self._write(lambda db: db.executemany(sql, rows), durable=False)

    async def spend(self, rows: Sequence[Spent], now_ms: int) -> list[int]:
        return await self._write(lambda db: write_spent(db, rows, now_ms), durable=False)

    async def spent(self, since_ms: int, conv: ConvId, limit: int) -> list[Spent]:
        return await self._read(lambda db: read_spent(db, since_ms, conv, limit))

    async def spending(self, since_ms: int) -> list[Spending]:
        return await self._read(lambda db: read_spending(db, since_ms))

    async def shown_files(self) -> list[CachedFile]:
        return await self._read(read_shown)

    async def wanted_files(self) -> set[str]:
        return await self._read(read_wanted)

    async def lids_at(self, conv: ConvId, first: int, last: int) -> list[Lid]:
        rows = await self._rows(LIDS_AT, conv, first, last)
        return [lid for (lid,) in rows]

    async def trace(self, lid: Lid) -> list[Seen]:
        rows = await self._rows("select lid, packet, way, tries, at_ms, note from trace where lid = ? order by id", lid)
        return [Seen(*row) for row in rows]

    async def setting(self, key: str) -> str | None:
        for (value,) in await self._rows("select value from setting where key = ?", key):
            return str(value)
        return None

    async def set_setting(self, key: str, value: str) -> None:
        row = {"key": key, "value": value}
        await self._write(lambda _: self._database.table("setting").upsert(row, pk="key"))

    # ---------------------------------------------------------------------------------- on the thread

    @property
    def _database(self) -> Database:
        """The database; after a failure, a fresh connection to it."""
        if self._db is None:
            assert self._lock is not None, "open() first, and not after close()"
            db = open_database(self._folder / FILE_NAME, self._open_connection)
            try:
                make_safe(db.conn, self._folder / FILE_NAME)
                self._saver = Saver(db.conn)
            except BaseException:
                db.close()
                raise
            self._db = db
        return self._db

    def _open(self) -> None:
        lock = ProfileLock(self._folder)
        try:
            finish(self._folder)
            keep_private(self._folder)
            if lock.had_data and not (self._folder / FILE_NAME).stat().st_size:
                raise DataCorrupt()  # a new one in its place would look as if there had never been anything
            try:
                self._open_file(check=lock.was_killed)
            except DataCorrupt:
                self._drop()
                self.salvaged = salvage(self._folder)
                self._open_file(check=False)
            lock.has_data()
        except BaseException as error:
            self._drop()
            lock.release(orderly=False)
            raise _meaning(error) from error
        self._lock = lock
        with suppress(DiskFull):  # a full disk is read from; both are done at the next start
            self._transact(_trim_trace, durable=False)
            self._transact(self._read_again, durable=True)

    def _read_again(self, db: sqlite3.Connection) -> None:
        """After an update of the program: what the older one kept unread may be known now (P-81)."""
        assert self._saver is not None
        before = db.execute("select value from setting where key = ?", (READ_BY,)).fetchone()
        if before is None or before[0] != languages():
            self._saver.read_again()
            db.execute("insert or replace into setting (key, value) values (?, ?)", (READ_BY, languages()))

    def _open_file(self, *, check: bool) -> None:
        """Raises DataCorrupt also for rows that a start would stumble over."""
        db = self._db = open_database(self._folder / FILE_NAME, self._open_connection, check=check)
        try:
            if check:
                make_safe(db.conn, self._folder / FILE_NAME)
            self._saver = Saver(db.conn)
            read_memory(db.conn)
        except (sqlite3.Error, ValueError, msgspec.MsgspecError) as error:
            raise _unreadable(error) from error

    def _close(self) -> None:
        self._drop()
        if self._lock is not None:
            self._lock.release(orderly=not self._damaged)
            self._lock = None

    def _drop(self) -> None:
        db, self._db, self._saver = self._db, None, None
        if db is not None:
            db.close()

    def _transact(self, work: Callable[[sqlite3.Connection], T], *, durable: bool) -> T:
        try:
            db = self._database.conn
            if not durable:  # fine for the trace: the end of it may be lost, never the middle
                db.execute("pragma synchronous = normal")
            db.execute("begin immediate")
            result = work(db)
            db.execute("commit")
            if not durable:
                db.execute("pragma synchronous = full")
            return result
        except BaseException as error:
            self._drop()  # closing rolls back
            raise _meaning(error) from error

    def _look(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """One reading transaction: what it sees is from one moment."""
        db = self._database.conn
        try:
            db.execute("begin")
            result = work(db)
            db.execute("commit")
            return result
        except Problem:
            db.execute("rollback")
            raise
        except BaseException as error:
            self._drop()
            meaning = _unreadable(error)
            self._damaged |= isinstance(meaning, DataCorrupt)  # the next start looks, and puts it right
            raise meaning from error

    def _become(self, db: sqlite3.Connection, me: Me) -> None:
        """A new device has new lanes; what waited in the old ones may have been sent (P-64)."""
        assert self._saver is not None
        before = self._saver.me
        if before is not None and before.did != me.did:
            db.execute(
                """update bubble set state = ?, code = 'sign_in_again'
                where lid in (select lid from outbox union all select lid from upload)""",
                (State.LONG_AGO,),
            )
            db.execute("delete from outbox")
            db.execute("delete from rewrite")
            db.execute("update chat set lane_n = 0, lane_dg = '', seen_last = 0")
        db.execute("delete from me")
        db.execute(
            "insert into me (one, uid, did, name, token, server, gen) values (1, ?, ?, ?, ?, ?, ?)",
            (me.uid, me.did, me.name, me.token, me.server, me.gen),
        )
        self._saver.me = me

    # ----------------------------------------------------------------------------------- to the thread

    async def _on_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _write(self, work: Callable[[sqlite3.Connection], T], *, durable: bool = True) -> T:
        return await self._on_thread(lambda: self._transact(work, durable=durable))

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._on_thread(lambda: self._look(work))

    async def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        return await self._read(lambda db: db.execute(sql, values).fetchall())


def _meaning(error: BaseException) -> BaseException:
    """What a failure of the database means to the person; anything else stays what it is."""
    return problem_of(error) if isinstance(error, sqlite3.Error) else error


def _unreadable(error: BaseException) -> BaseException:
    """The same for reading, where rows that make no sense are damage: we never write such."""
    if isinstance(error, ValueError | msgspec.MsgspecError):
        return DataCorrupt()
    return _meaning(error)


def _trim_trace(db: sqlite3.Connection) -> None:
    db.execute("delete from trace where id <= (select max(id) from trace) - ?", (TRACE_KEPT_ROWS,))
