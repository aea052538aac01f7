"""Many rows in few statements.

Each step of SQLite gives the interpreter's lock away and waits to have it again; beside a busy event loop, that is
what a batch costs most: a statement per row took half as long again (measured).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

ROWS_MAX = 32  # in one statement; smaller powers of two take the rest, so that few statements stay prepared


def chunks(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """The rows in runs of 32, and what is left in runs of 16, 8, 4, 2 and 1."""
    at, size = 0, ROWS_MAX
    while at < len(rows):
        while size > len(rows) - at:
            size //= 2
        yield rows[at : at + size]
        at += size


def insert(db: sqlite3.Connection, head: str, rows: Sequence[tuple[Any, ...]], tail: str = "") -> None:
    """Run `head values (…), (…), … tail` for all rows."""
    for some in chunks(rows):
        row = "(" + ",".join("?" * len(some[0])) + ")"
        db.execute(f"{head} values {','.join([row] * len(some))} {tail}", [value for one in some for value in one])


def select(db: sqlite3.Connection, sql: str, keys: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Run `sql` with `{}` replaced by the rows of keys, `(values (…), (…), …)`; all answers in one list."""
    found: list[tuple[Any, ...]] = []
    for some in chunks(keys):
        row = "(" + ",".join("?" * len(some[0])) + ")"
        wanted = f"(values {','.join([row] * len(some))})"
        found += db.execute(sql.replace("{}", wanted), [value for one in some for value in one]).fetchall()
    return found
