"""The tables of a profile: how they are made, opened safely, moved to a newer version (section 11, P-61)."""

from __future__ import annotations

import errno
import os
import sqlite3
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from sqlite_utils import Database

from client.core.model import NOWHERE
from protocol.problems import DataCorrupt, DataInUse, DataNewer, DataReadOnly, DiskFull, Problem, StoreFailed

FILE_NAME: Final = "messages.db"
LOCK_NAME: Final = "lock"
HEARD_LID: Final = 1 << 40
"""Bubbles that came from the log are numbered from here on: they never meet a `lid` given on this side."""
TRACE_KEPT_ROWS: Final = 200_000
BUSY_TIMEOUT_S: Final = 5.0
HELD, FREE = b"open data", b"free"
"""What the lock file says: whether somebody holds it, and whether there has been a database."""
REWRITTEN_BYTES: Final = 65_536
"""How much of a log is written again at a time."""
FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600

OpenConnection = Callable[[Path], sqlite3.Connection]

TABLES: Final[dict[str, tuple[dict[str, type], tuple[str, ...], dict[str, object]]]] = {
    # name: columns, primary key, defaults; everything is STRICT and NOT NULL
    "me": (
        {"one": int, "uid": str, "did": str, "name": str, "token": str, "server": str, "gen": str},
        ("one",),
        {},
    ),
    "chat": (
        {
            "conv": str, "form": str, "title": str, "cursor": int, "rev": int, "head": int,
            "lane_n": int, "lane_dg": str, "seen_last": int, "draft": str, "read_upto": int,
            "they_have": int, "they_read": int,
        },
        ("conv",),
        {
            "form": "direct", "title": "", "cursor": 0, "rev": 0, "head": 0, "lane_n": 0, "lane_dg": "",
            "seen_last": 0, "draft": "", "read_upto": 0, "they_have": 0, "they_read": 0,
        },
    ),
    "bubble": (
        {
            "lid": int, "conv": str, "pos": int, "uid": str, "did": str, "n": int, "pd": str, "dg": str,
            "ts": int, "at_ms": int, "mine": int, "kind": str, "suite": str, "content": bytes, "media": str,
            "state": int, "code": str, "path": str, "lost": int, "place": int,
        },
        ("lid",),
        {
            "pos": NOWHERE, "did": "", "n": 0, "pd": "", "dg": "", "ts": 0, "at_ms": 0, "mine": 0, "kind": "",
            "suite": "plain1", "media": "[]", "code": "", "path": "", "lost": 0, "place": NOWHERE,
        },
    ),
    "outbox": (
        {
            "lid": int, "conv": str, "n": int, "pd": str, "dg": str, "bytes": bytes, "media": str,
            "wish": str, "parked": int, "first_ms": int,
        },
        ("lid",),
        {"media": "[]", "wish": "send", "parked": 0, "first_ms": 0},
    ),
    "member": ({"conv": str, "uid": str, "name": str, "place": int}, ("conv", "uid"), {}),
    "mark": (
        {"conv": str, "uid": str, "delivered": int, "read": int},
        ("conv", "uid"),
        {"delivered": 0, "read": 0},
    ),
    "gap": ({"conv": str, "a": int, "b": int, "why": str}, ("conv", "a"), {}),
    "raw": ({"lid": int, "conv": str, "pos": int, "bytes": bytes}, ("lid",), {}),
    "upload": ({"lid": int, "conv": str, "data": bytes}, ("lid",), {}),
    "person": ({"uid": str, "name": str}, ("uid",), {}),
    "setting": ({"key": str, "value": str}, ("key",), {}),
    "trace": (
        {"id": int, "lid": int, "packet": str, "way": str, "tries": int, "at_ms": int, "note": str},
        ("id",),
        {},
    ),
}  # fmt: skip

INDEXES: Final = (
    # the order of the screen; then what must be unique while it is at the server (P-43)
    "create index bubble_order on bubble (conv, place, lid)",
    f"create unique index bubble_pos on bubble (conv, pos) where pos < {NOWHERE} and lost = 0",
    # the server may say the same twice: somebody joins, leaves, and joins again
    "create unique index bubble_dg on bubble (conv, did, dg) where dg <> '' and did <> '0'",
    # own messages that still climb, and those that wait: few at any time
    "create index bubble_climbing on bubble (conv, pos) where mine = 1 and state in (3, 4, 5)",
    "create index bubble_waiting on bubble (conv, state) where mine = 1 and state in (0, 1, 2, 7, 8)",
    "create index outbox_lane on outbox (conv, n)",
    "create index trace_lid on trace (lid, id)",
)


def _first_tables(db: Database) -> None:
    for name, (columns, key, defaults) in TABLES.items():
        db.table(name).create(
            columns,
            pk=key if len(key) > 1 else key[0],
            not_null={column for column in columns if column not in key or len(key) > 1},
            defaults=defaults,
            strict=True,
        )
    for index in INDEXES:
        db.execute(index)


GROUPS: Final = (
    # who is here with which role, whether this person still is, and whether the list is whole
    "alter table member add column role integer not null default 0",
    "alter table chat add column away integer not null default 0",
    "alter table chat add column thin integer not null default 0",
    "update chat set thin = 1 where form = 'group'",
    # how far a large conversation has got, as JSON; empty in a small one
    "alter table chat add column crowd text not null default ''",
    "alter table mark add column delivered_ms integer not null default 0",
    "alter table mark add column read_ms integer not null default 0",
    # since when, at the latest, a person had (what 0) or had read (what 1) everything up to a position
    """create table reading (conv text not null, uid text not null, what integer not null, upto integer not null,
    at_ms integer not null, primary key (conv, uid, what, upto)) strict, without rowid""",
    # what was chosen before this could be told to others is told now
    """insert into setting (key, value) select 'prefs_wish', '{"reads":false,"presence":true}' from setting
    where key = 'settings' and json_valid(value) and json_extract(value, '$.receipts') = 0""",
)


CHANGES: Final = (
    # edits, recalls and reactions are rows that are no bubbles: `rel` says what is done, to the message `target`
    "alter table bubble add column rel text not null default ''",
    "alter table bubble add column rel_pos integer not null default 0",
    "alter table bubble add column target text not null default ''",
    "drop index bubble_order",
    "create index bubble_order on bubble (conv, place, lid) where rel = ''",
    "create index bubble_changes on bubble (conv, target) where rel <> ''",
    "create index bubble_named on bubble (conv, dg) where dg <> ''",
    # what a message that waits is to say instead
    "create table rewrite (lid integer primary key, data blob not null) strict",
)


def _groups_and_changes(db: Database) -> None:
    for sql in (*GROUPS, *CHANGES):
        db.execute(sql)


MEDIA: Final = (
    # whether a note was played to its end, when a file was downloaded, and why one is shown as a plain file
    "alter table bubble add column heard integer not null default 0",
    "alter table bubble add column fetched_ms integer not null default 0",
    "alter table bubble add column why text not null default ''",
    """create index bubble_media on bubble (conv, place, lid)
    where rel = '' and kind in ('picture', 'voice', 'video', 'file')""",
    # downloads that were asked for and are not here yet: they go on after a restart (P-76)
    "create table fetch (lid integer primary key, paused integer not null default 0, data blob not null) strict",
    # files that stand in the rail above a draft, in their order
    """create table staged (conv text not null, place integer not null, path text not null, kind text not null,
    data text not null default '', primary key (conv, place)) strict, without rowid""",
    # every request over HTTP, what it cost, and the deed that caused it
    """create table ledger (id integer primary key, at_ms integer not null, lid integer not null default 0,
    conv text not null default '', cause text not null, method text not null, what text not null,
    sent_bytes integer not null, received_bytes integer not null, status integer not null) strict""",
    "create index ledger_at on ledger (at_ms)",
)


def _media(db: Database) -> None:
    for sql in MEDIA:
        db.execute(sql)


STEPS: Final[tuple[Callable[[Database], None], ...]] = (_first_tables, _groups_and_changes, _media)
"""Step k moves the data from version k to k + 1. A released step never changes."""


def connect(path: Path) -> sqlite3.Connection:
    """One connection that leaves transactions to us. Tests pass another one that fails on purpose."""
    return sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=True)


def lids_column(lids: Iterable[int]) -> str:
    """Numbers as one value of a statement, for `json_each`: however many they are, the statement is the same."""
    return f"[{','.join(map(str, lids))}]"


def open_database(path: Path, open_connection: OpenConnection = connect, *, check: bool = False) -> Database:
    """Open the profile's database, made or moved to this version where needed; `check` looks for damage.

    Raises:
        DataNewer: a newer version wrote it; nothing was changed.
        DataCorrupt, DataReadOnly, DiskFull, StoreFailed.
    """
    try:
        try:
            return _opened(path, open_connection, check)
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) not in _NO_INDEX:
                raise
            return _opened(path, open_connection, check, "locking_mode = exclusive")
    except UnicodeDecodeError as error:  # what the check found names something that is no text any more
        raise DataCorrupt() from error
    except (sqlite3.Error, OSError) as error:
        raise problem_of(error) from error


def _opened(path: Path, open_connection: OpenConnection, check: bool, first: str = "user_version") -> Database:
    """`first` is a pragma in front of all else."""
    connection = open_connection(path)
    try:
        connection.execute(f"pragma {first}")
        return _prepared(connection, check)
    except BaseException:
        connection.close()
        raise


def _prepared(connection: sqlite3.Connection, check: bool) -> Database:
    version = int(connection.execute("pragma user_version").fetchone()[0])
    if version > len(STEPS):
        raise DataNewer()
    if check and connection.execute("pragma quick_check(1)").fetchone()[0] != "ok":
        raise DataCorrupt()
    for pragma in ("journal_mode = wal", "synchronous = full", "foreign_keys = on", "mmap_size = 0"):
        connection.execute(f"pragma {pragma}")
    connection.execute("pragma secure_delete = on")  # what was recalled does not lie about in free pages (P-74)
    if sys.platform == "darwin":  # there, an ordinary fsync stops at the drive's cache
        connection.execute("pragma fullfsync = on")
        connection.execute("pragma checkpoint_fullfsync = on")
    db = Database(connection, recursive_triggers=False, execute_plugins=False)
    if version < len(STEPS):
        _move_up(db, version)
    return db


def make_safe(connection: sqlite3.Connection, path: Path) -> None:
    """What a log shows whose sync failed need not be on the disk: move it into the file, and begin a new log (P-37).

    The small commit behind it is what makes the old log void for good. Where there is no room for that, the log is
    made safe where it stands: reading goes on, and only writing fails. Raises DiskFull, and StoreFailed while
    somebody reads.
    """
    try:
        _begin_new_log(connection)
    except sqlite3.Error as error:
        if not isinstance(why := problem_of(error), DiskFull):
            raise why from error
        try:
            _write_again(path.with_name(f"{path.name}-wal"))
        except OSError as second:
            raise problem_of(second) from second


def _begin_new_log(connection: sqlite3.Connection) -> None:
    if connection.execute("pragma wal_checkpoint(truncate)").fetchone()[0]:
        raise StoreFailed()
    version = int(connection.execute("pragma user_version").fetchone()[0])
    connection.execute(f"pragma user_version = {version}")


def _write_again(log: Path) -> None:
    """Every byte onto itself, which needs no room, and sync: after a failed sync the system calls a page clean that
    the disk has not, and only who writes it once more learns from the next sync whether it is there.
    """
    with log.open("r+b") as file:
        while piece := file.read(REWRITTEN_BYTES):
            file.seek(-len(piece), os.SEEK_CUR)
            file.write(piece)
        file.flush()
        if sys.platform == "darwin":  # as above
            fcntl.fcntl(file, fcntl.F_FULLFSYNC)
        else:
            os.fsync(file.fileno())


def _move_up(db: Database, version: int) -> None:
    """All steps in one transaction: a crash in between leaves the old version whole."""
    db.conn.execute("begin immediate")
    try:
        for step in STEPS[version:]:
            step(db)
        db.conn.execute(f"pragma user_version = {len(STEPS)}")
        db.conn.execute("commit")
    except BaseException:
        if db.conn.in_transaction:
            db.conn.execute("rollback")
        raise


_READ_ONLY = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_NO_INDEX = {sqlite3.SQLITE_IOERR_SHMSIZE}  # no room for the index of the log: kept in memory by who is alone
_FULL = {sqlite3.SQLITE_FULL} | _NO_INDEX
_FULL_ERRNOS = {errno.ENOSPC, errno.EDQUOT}


def problem_of(error: sqlite3.Error | OSError) -> Problem:
    """What a failure of the database or its folder means to the person."""
    if isinstance(error, OSError):
        return DiskFull() if error.errno in _FULL_ERRNOS else DataReadOnly()
    primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if primary in _DAMAGED or "UTF-8" in str(error):  # a text that is none, seen by the driver:
        return DataCorrupt()
    if primary in _READ_ONLY:
        return DataReadOnly()
    return DiskFull() if getattr(error, "sqlite_errorcode", 0) in _FULL else StoreFailed()


def is_poison(error: Exception) -> bool:
    """Whether this comes of what was said; what comes of the disk or the machine puts nothing aside (P-81)."""
    values = sqlite3.IntegrityError | sqlite3.DataError | sqlite3.InterfaceError | sqlite3.ProgrammingError
    return isinstance(error, values) or not isinstance(error, sqlite3.Error | OSError | MemoryError | Problem)


def keep_private(folder: Path) -> None:
    """Texts and token are their owner's alone: make the database with tight modes, or tighten them (SEC-46).

    Raises DataReadOnly or DiskFull. Systems without modes have access lists that the folder passes on.
    """
    try:
        os.close(os.open(folder / FILE_NAME, os.O_RDWR | os.O_CREAT | _NO_INHERIT, FILE_MODE))
        if os.name == "posix":
            _tighten(folder, FOLDER_MODE)
            for path in folder.glob(f"{FILE_NAME}*"):
                _tighten(path, FILE_MODE)
    except OSError as error:
        raise problem_of(error) from error


def _tighten(path: Path, mode: int) -> None:
    if path.stat().st_mode & 0o777 & ~mode:
        path.chmod(mode)


class ProfileLock:
    """Keeps a second process out of a profile (P-14). The system lets go of it when the holder dies."""

    def __init__(self, folder: Path) -> None:
        """Raises DataInUse, or DataReadOnly for a folder that cannot be written."""
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
            self._file = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | _NO_INHERIT, FILE_MODE)
        except OSError as error:
            raise problem_of(error) from error
        try:
            _lock(self._file)
        except OSError as error:
            os.close(self._file)
            raise DataInUse() from error
        before = os.read(self._file, len(HELD))
        self.was_killed = before[:4] == HELD[:4]
        """Whether the last holder ended without `release`."""
        self.had_data = before[4:] == HELD[4:]
        """Whether there has been a database here before."""
        self._had = HELD[4:] if self.had_data else b""
        try:
            self._note(HELD[:4])
        except OSError as error:
            os.close(self._file)
            raise problem_of(error) from error

    def has_data(self) -> None:
        """There is a database now: from here on an empty file in its place is a lost one."""
        if not self.had_data:
            self._had = HELD[4:]
            with suppress(OSError):  # a full disk: noted at the next start
                self._note(HELD[:4])

    def release(self, *, orderly: bool = True) -> None:
        """Let others in. After an end that was not orderly the next one looks for damage."""
        if orderly:
            with suppress(OSError):
                self._note(FREE)
        os.close(self._file)

    def _note(self, word: bytes) -> None:
        os.lseek(self._file, 0, os.SEEK_SET)
        os.write(self._file, word + self._had)


_NO_INHERIT = getattr(os, "O_NOINHERIT", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)

if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        # A locked byte cannot be read or written by others: lock one far behind the contents.
        os.lseek(file, 1 << 20, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        os.lseek(file, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
