"""An apsw connection that looks like one of the standard library: as much of it as the product's own code uses.

The product's code runs unchanged over it; that is what makes its writes recordable.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import apsw

from tests.disks.recording import Recording

_CLASSES: dict[type[Exception], type[sqlite3.Error]] = {
    apsw.ConstraintError: sqlite3.IntegrityError,
    apsw.CorruptError: sqlite3.DatabaseError,
    apsw.NotADBError: sqlite3.DatabaseError,
}
_CHANGES = re.compile(r"""\s*(insert|update|delete|create)(?: or \w+)?(?: into| from| table)?\s+["\[]?(\w+)""", re.I)


def translated(error: apsw.Error) -> sqlite3.Error:
    """The same error in the standard library's words."""
    told = _CLASSES.get(type(error), sqlite3.OperationalError)(str(error))
    code = int(getattr(error, "extendedresult", 0) or getattr(error, "result", 0))
    told.sqlite_errorcode = code
    names = apsw.mapping_extended_result_codes | apsw.mapping_result_codes
    told.sqlite_errorname = str(cast(Any, names).get(code, "SQLITE_ERROR"))
    return told


class Rows:
    """Like a cursor. All rows are read at once: a statement that has more to say has not ended its transaction."""

    def __init__(self, rows: list[Any], changes: int) -> None:
        self._rows, self.rowcount = iter(rows), changes

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        return list(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows


def _told(work: Callable[..., Any], *words: Any) -> Any:
    try:
        return work(*words)
    except apsw.Error as error:
        raise translated(error) from error


class Face:
    """Like `sqlite3.Connection` with `isolation_level=None`.

    Args:
        recording: where it is written down; None for a plain file.
        sync: what to say instead of `synchronous = full`, for a database that is to lose something.
        checkpoint_pages: how soon the log is moved into the database.
    """

    def __init__(
        self, path: Path, recording: Recording | None, *, sync: str = "full", checkpoint_pages: int = 1000
    ) -> None:
        vfs = recording.name if recording else None
        self._db = _told(lambda: apsw.Connection(str(path), vfs=vfs, statementcachesize=256))
        self._recording, self._sync, self._pages = recording, sync, checkpoint_pages
        self._full = True
        self._touched: set[str] = set()
        self._db.set_busy_timeout(5000)
        self.execute(f"pragma wal_autocheckpoint = {checkpoint_pages}")

    @property
    def in_transaction(self) -> bool:
        return bool(self._db.in_transaction)

    def execute(self, sql: str, values: Any = ()) -> Rows:
        self._touch(sql)
        rows = _told(lambda: self._db.execute(self._heard(sql), values or None).fetchall())
        self._mark()
        return Rows(rows, self._db.changes())

    def executemany(self, sql: str, rows: Any) -> Rows:
        self._touch(sql)
        told = _told(lambda: self._db.executemany(sql, rows).fetchall())
        self._mark()
        return Rows(told, self._db.changes())

    def executescript(self, sql: str) -> None:
        self.execute(sql)

    @property
    def total_changes(self) -> int:
        return int(self._db.total_changes())

    def serialize(self) -> bytes:
        return bytes(self._db.serialize("main"))

    def deserialize(self, data: bytes) -> None:
        """What is to be in the file lies there already."""

    def close(self) -> None:
        with suppress(apsw.Error):  # SQLite closes, whatever the disk says
            self._db.close()
        self._mark(closed=True)

    def _heard(self, sql: str) -> str:
        """What is really said, and whether what follows is to be durable."""
        words = sql.replace("=", " = ").split()
        if words[:2] == ["pragma", "synchronous"]:
            self._full = words[-1] == "full"
            return f"pragma synchronous = {self._sync}" if self._full else sql
        return f"pragma wal_autocheckpoint = {self._pages}" if words[:2] == ["pragma", "wal_autocheckpoint"] else sql

    def _touch(self, sql: str) -> None:
        """Which tables this transaction changes, and how."""
        if (found := _CHANGES.match(sql)) is not None:
            self._touched.add(f"{found[1]} {found[2]}".lower())

    def _mark(self, *, closed: bool = False) -> None:
        if self._recording is not None and (closed or not self._db.in_transaction):
            self._recording.point(durable=self._full, touched=frozenset(self._touched))
            self._touched.clear()


class _Module(ModuleType):
    """The module `sqlite3`, whose `connect` is ours."""

    def __init__(self, connect: Callable[[Path], Face]) -> None:
        super().__init__("sqlite3")
        self._connect = connect

    def connect(self, path: Any, **_: Any) -> Face:
        return self._connect(Path(path))

    def __getattr__(self, name: str) -> Any:
        return getattr(sqlite3, name)


@contextmanager
def instead_of(module: ModuleType, connect: Callable[[Path], Face]) -> Iterator[None]:
    """Let the code of this module open its connections here."""
    before = module.sqlite3
    module.sqlite3 = _Module(connect)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        module.sqlite3 = before  # type: ignore[attr-defined]
