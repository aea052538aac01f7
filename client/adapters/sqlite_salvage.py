"""A damaged profile: set aside as it is, and made anew with what can still be read of it and cannot be had elsewhere.

That is the account, the settings, the drafts, and what waits to be sent; all else comes again from the server (P-65).
Rows are read one by one, and believed only if they hold together: a message that waits carries its own digest (P-5).
The new database is complete before anything is moved, so that a crash at any moment leaves the old one or the new one.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlite_utils import Database

from client.adapters.sqlite_rows import media_of, read_memory, relation_of
from client.adapters.sqlite_saves import Saver
from client.adapters.sqlite_schema import FILE_MODE, FILE_NAME, TABLES, open_database, problem_of
from client.core.effects import SaveComposed, SaveState, SaveUpload
from client.core.model import Lane, State, Upload
from protocol.content import unpack
from protocol.lanes import digest
from protocol.problems import DataCorrupt, Problem
from protocol.values import ConvId, Digest, Lid

BUILDING, READY = "messages.building.db", "messages.rebuilt.db"
ASIDE: Final = "messages.damaged-{}.db"
PROBED_MAX: Final = 20_000
"""Rows between two that can be read which are asked for one by one."""

_upload = msgspec.json.Decoder(Upload)


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What became of a damaged profile. `waiting`: messages that are sent now; `lost`: rows that were not readable."""

    waiting: int
    lost: int


class _Damaged:
    """A database that may fail at any row."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.lost = 0

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Every row of the table that can be read: from below, from above, and one by one in between."""
        found, low, whole = dict[int, dict[str, Any]](), 0, False
        for order in ("", " desc"):
            try:
                for row in self._read(f"select rowid as row_key, * from {table} order by rowid{order}"):
                    found[row["row_key"]] = row
            except (sqlite3.Error, UnicodeDecodeError):
                low = low or max(found, default=0)
            else:
                whole = True
                break
        if not whole:
            self.lost += 1
            high = min((rowid for rowid in found if rowid > low), default=low + PROBED_MAX)
            probed = ((rowid, self.row(table, rowid)) for rowid in range(low + 1, min(high, low + PROBED_MAX)))
            found |= {rowid: row for rowid, row in probed if row is not None}
        return [found[rowid] for rowid in sorted(found)]

    def row(self, table: str, rowid: int) -> dict[str, Any] | None:
        """One row; None if it is not there or cannot be read."""
        try:
            return next(self._read(f"select rowid as row_key, * from {table} where rowid = {rowid}"), None)
        except (sqlite3.Error, UnicodeDecodeError):
            return None

    def _read(self, sql: str) -> Iterator[dict[str, Any]]:
        cursor = self._db.execute(sql)
        names = [column[0] for column in cursor.description]
        for row in cursor:
            yield dict(zip(names, row, strict=True))


def salvage(folder: Path) -> Salvaged:
    """Put the profile of `folder` right. Raises DataCorrupt if not even the account can be read: nothing is changed."""
    path, building = folder / FILE_NAME, folder / BUILDING
    _remove(building)
    beside = [Path(f"{path}{suffix}") for suffix in ("-wal", "-shm") if not Path(f"{path}{suffix}").exists()]
    try:
        os.close(
            os.open(building, os.O_RDWR | os.O_CREAT, FILE_MODE)
        )  # its owner's alone, from the first byte (SEC-46)
        with closing(_open_damaged(path)) as old, closing(open_database(building)) as new:
            done = _carry(_Damaged(old), new)
    except BaseException as error:
        _remove(building)
        for made in beside:
            made.unlink(missing_ok=True)
        if isinstance(error, sqlite3.Error | ValueError | msgspec.MsgspecError):
            raise DataCorrupt() from error
        raise
    os.replace(building, folder / READY)
    finish(folder)
    return done


def finish(folder: Path) -> None:
    """Put a database that was made anew in its place, if there is one; begun again after a crash it goes on."""
    ready, path = folder / READY, folder / FILE_NAME
    if not ready.exists():
        return
    try:
        number = next(k for k in range(1, 10_000) if not (folder / ASIDE.format(k)).exists())
        aside = folder / ASIDE.format(number)
        with suppress(FileNotFoundError):  # a log beside a database that it does not belong to would spoil it
            os.replace(f"{path}-wal", f"{aside}-wal")
        Path(f"{path}-shm").unlink(missing_ok=True)
        if path.exists():
            _keep_beside(path, aside)
        os.replace(ready, path)
        _sync_folder(folder)
    except OSError as error:
        raise problem_of(error) from error


def _open_damaged(path: Path) -> sqlite3.Connection:
    """Only to read; with its log if that can be, else without."""
    for how in ("mode=ro", "immutable=1"):
        db = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, isolation_level=None)
        try:
            db.execute("pragma query_only = on")
            db.execute("select count(*) from sqlite_master").fetchone()
        except sqlite3.Error:
            db.close()
            continue
        return db
    raise DataCorrupt()


def _carry(old: _Damaged, new: Database) -> Salvaged:
    """In one transaction: who this is, what was chosen and typed, what waits."""
    db = new.conn
    db.execute("begin immediate")
    for row in old.rows("me"):
        _insert(db, "me", row)
    saver = Saver(db)
    if saver.me is None:
        raise DataCorrupt()
    for table in ("setting", "person"):
        for row in _readable(old, table):
            _insert(db, table, row)
    for row in _readable(old, "chat"):
        _insert(db, "chat", _chat(row))
    waiting = _each(old, "outbox", lambda row: _compose(db, saver, row, old.row("bubble", row["lid"])))
    waiting += _each(old, "upload", lambda row: saver.write([SaveUpload(_upload.decode(row["data"]))]))
    read_memory(db)
    db.execute("commit")
    return Salvaged(waiting, old.lost)


def _readable(old: _Damaged, table: str) -> list[dict[str, Any]]:
    """None of a table whose very root is gone."""
    try:
        return old.rows(table)
    except sqlite3.Error:
        old.lost += 1
        return []


def _each(old: _Damaged, table: str, carry: Callable[[dict[str, Any]], object]) -> int:
    carried = 0
    for row in _readable(old, table):
        try:
            carry(row)
        except (sqlite3.Error, Problem, ValueError, TypeError, KeyError, msgspec.MsgspecError):
            old.lost += 1
        else:
            carried += 1
    return carried


def _insert(db: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    kept = {name: value for name, value in row.items() if name in _columns(db, table)}
    places = ", ".join("?" * len(kept))
    with suppress(sqlite3.IntegrityError):
        db.execute(f"insert or ignore into {table} ({', '.join(kept)}) values ({places})", tuple(kept.values()))


def _columns(db: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in db.execute(f"pragma table_info({table})")}


def _chat(row: dict[str, Any]) -> dict[str, Any]:
    """What was typed and read here, and where the lane ends; the log is read again from its beginning."""
    kept = ("conv", "form", "title", "draft", "read_upto", "lane_n", "lane_dg", "seen_last")
    assert set(kept) <= set(TABLES["chat"][0])
    return {name: row[name] for name in kept if name in row}


def _compose(db: sqlite3.Connection, saver: Saver, row: dict[str, Any], bubble: dict[str, Any] | None) -> None:
    """One message that waits, if it is the one that was written. Its bubble is made from it.

    Without the old bubble nobody knows whether it changes another message: the person is asked.
    """
    conv, content = ConvId(row["conv"]), bytes(row["bytes"])
    if digest(conv, content) != row["dg"]:
        raise ValueError("these bytes are not what was written")
    assert saver.me is not None
    unpack(content, author=saver.me.uid, conv=conv)
    lane = db.execute("select lane_n, lane_dg, seen_last from chat where conv = ?", (conv,)).fetchone()
    end = Lane(*lane) if lane and lane[0] >= row["n"] else Lane(row["n"], Digest(row["dg"]), lane[2] if lane else 0)
    change = bubble or {}
    rel, target = relation_of(change.get("rel", ""), change.get("rel_pos", 0)), Digest(change.get("target", ""))
    saver.write(
        [
            SaveComposed(
                Lid(row["lid"]), conv, row["n"], Digest(row["pd"]), Digest(row["dg"]), content, media_of(row["media"]),
                row["first_ms"], end, rel, target,
            )
        ]
    )  # fmt: skip
    parked, cancel = bool(row["parked"]) or bubble is None, row["wish"] == "cancel"
    if parked or cancel:
        state = State.NEEDS_YOU if parked else State.CANCELLING
        saver.write([SaveState(Lid(row["lid"]), state, "cancel" if cancel else "send", parked)])


def _keep_beside(path: Path, aside: Path) -> None:
    """A second name for the damaged file; where there are none, a copy."""
    try:
        os.link(path, aside)
    except OSError:
        aside.write_bytes(path.read_bytes())


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    if os.name != "nt":
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
