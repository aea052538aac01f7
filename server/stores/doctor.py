"""Looking at a data folder without touching it: versions, integrity, counts, room."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from protocol.problems import DataNewer
from server.stores.schema import Schema

SQLITE_VERSION = sqlite3.sqlite_version
COUNTS = {
    "people": "select count(*) from account",
    "devices": "select count(*) from device where ended = 0",
    "conversations": "select count(*) from conv",
    "messages": "select count(*) from log where did <> 0",
    "invites": "select count(*) from invite where used_by is null",
    "files": "select count(*) from upload where done = 1",
    "uploads": "select count(*) from upload where done = 0",
    "file_bytes": "select coalesce(sum(size), 0) from upload where done = 1",
}


def examine(path: Path, schema: Schema) -> dict[str, Any]:
    """What is known about the data file and its disk, also while a server uses it.

    `integrity` is "ok", or what SQLite found; `data` is "none" if there is no file yet. Raises: DataNewer.
    """
    findings: dict[str, Any] = {"sqlite": SQLITE_VERSION, "free_bytes": _free_bytes(path.parent)}
    if not path.exists() or not path.stat().st_size:
        return findings | {"data": "none"}
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
            return findings | {"data": "present", "data_bytes": path.stat().st_size} | _read(db, schema)
    except sqlite3.DatabaseError as damage:
        return findings | {"data": "present", "integrity": str(damage)}


def _read(db: sqlite3.Connection, schema: Schema) -> dict[str, Any]:
    version = int(db.execute("pragma user_version").fetchone()[0])
    if version > schema.version:
        raise DataNewer()
    found = "; ".join(row[0] for row in db.execute("pragma integrity_check(10)"))
    counts = {name: int(db.execute(sql).fetchone()[0]) for name, sql in COUNTS.items()}
    return {"version": version, "integrity": found, **counts}


def _free_bytes(folder: Path) -> int:
    """Of the disk the folder is on, or will be on."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    return shutil.disk_usage(there).free
