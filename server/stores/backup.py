"""A copy of the data while it is in use, and putting one to use as a new generation (P-9, P-68).

A backup is marked inside: a server refuses to serve it as it is, since its clients would not learn that time went back.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from protocol.problems import DataAbsent, DataCorrupt, DataIsBackup, DataNewer, DataPresent
from protocol.values import MediaId
from server.stores.schema import Schema
from server.stores.writer import APPLICATION_ID, translated

DRAFT = ".new"
_MARKED = "select 1 from meta where key = 'backup'"
_MARK = "insert into meta values ('backup', ?) on conflict do update set value = excluded.value"
_UNMARK = "delete from meta where key = 'backup'"
_WHOLE = "select media from upload where done = 1"
_LOST = "delete from upload where media = ?"
_GENERATION = "select value from meta where key = 'gen'"
_RAISE = "insert into meta values ('gen', ?) on conflict do update set value = excluded.value"
_BASE = "update conv set base = min(coalesce(base, head), head)"
_VOID = "delete from invite where used_by is null"  # it may have been used since


def copy_data(source: Path, target: Path, now_ms: int) -> tuple[MediaId, ...]:
    """Copy the data file as it stands now into a draft beside `target`; returns the files it names.

    A server may be writing meanwhile: the copy is one state between two of its transactions.
    Raises: DataAbsent, DataPresent, DiskFull, DataReadOnly, DataCorrupt.
    """
    if not _there(source):
        raise DataAbsent()
    if target.exists():
        raise DataPresent()
    draft = _draft(target)
    with _translated(), closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as db:
        _copy(db, draft)
    with _translated(), closing(_opened(draft)) as db:
        db.execute(_MARK, (str(now_ms),))
        return tuple(MediaId(row[0]) for row in db.execute(_WHOLE))


def seal(target: Path, lost: Collection[MediaId]) -> None:
    """The files are there, but for some that nothing had named any more; give the draft its name. Raises as above."""
    draft = _draft(target)
    with _translated(), closing(_opened(draft)) as db:
        db.executemany(_LOST, [(media,) for media in lost])
    _name(draft, target)


def refuse_backup(path: Path) -> None:
    """Raises: DataIsBackup, if the file at `path` is a backup that nobody put to use."""
    if not _there(path):
        return
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db, suppress(sqlite3.Error):
        if db.execute(_MARKED).fetchone():
            raise DataIsBackup()


def check_backup(path: Path, schema: Schema) -> tuple[MediaId, ...]:
    """Look at a backup; returns the files it names. Raises: DataAbsent, DataNewer, DataCorrupt."""
    if not _there(path):
        raise DataAbsent()
    with _translated(), closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        if db.execute("pragma quick_check(1)").fetchone() != ("ok",):
            raise DataCorrupt()
        if db.execute("pragma application_id").fetchone()[0] != APPLICATION_ID or not db.execute(_MARKED).fetchone():
            raise DataAbsent()
        if db.execute("pragma user_version").fetchone()[0] > schema.version:
            raise DataNewer()
        return tuple(MediaId(row[0]) for row in db.execute(_WHOLE))


def restore_data(source: Path, target: Path, now_ms: int, random: bytes) -> str:
    """Put a checked backup to use as `target`, in one step; returns the new generation.

    The generation is raised, and below what the backup has every conversation has its base (P-68). The number of the
    generation grows with the clock too, so that a second backup restored after a first one is newer than that.
    Raises: DataPresent, DiskFull, DataReadOnly.
    """
    if _there(target):
        raise DataPresent()
    draft = _draft(target)
    with _translated(), closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as db:
        _copy(db, draft)
    with _translated(), closing(_opened(draft)) as db:
        db.execute("begin immediate")
        row = db.execute(_GENERATION).fetchone()
        number = max(int(row[0].partition(".")[0]) + 1 if row else 1, now_ms // 1000)
        fresh = f"{number}.{random.hex()}"
        db.execute(_RAISE, (fresh,))
        db.execute(_BASE)
        db.execute(_VOID)
        db.execute(_UNMARK)
        db.execute("commit")
    _name(draft, target)
    return fresh


def _copy(db: sqlite3.Connection, draft: Path) -> None:
    """All pages in one go: a reader never waits for a writer here, nor a writer for a reader."""
    draft.unlink(missing_ok=True)
    with closing(sqlite3.connect(draft)) as copy:
        db.backup(copy)
    with closing(_opened(draft)) as copy:
        copy.execute("pragma journal_mode = delete")  # one file, whatever the original has beside it


def _opened(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("pragma synchronous = full")
    return db


def _there(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _draft(target: Path) -> Path:
    return target.with_name(target.name + DRAFT)


def _name(draft: Path, target: Path) -> None:
    """Content before name, name before anybody is told."""
    with open(draft, "rb+") as file:
        os.fsync(file.fileno())
    draft.replace(target)
    if os.name == "posix":
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise translated(error) from error
