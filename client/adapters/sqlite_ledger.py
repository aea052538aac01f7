"""The ledger of bytes in the profile's database, and which of the files here are shown by which bubbles."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from client.core.model import State
from client.core.spending import Because, CachedFile, CacheKind, Spending, Spent
from protocol.values import ConvId, Lid

KEPT_DAYS: Final = 90
DAY_MS: Final = 24 * 60 * 60 * 1000

PUT: Final = """insert or replace into ledger
    (id, at_ms, lid, conv, cause, method, what, sent_bytes, received_bytes, status)
    values (?, ?, ?, coalesce(nullif(?, ''), (select conv from bubble where lid = ?), ''), ?, ?, ?, ?, ?, ?)"""
ROWS: Final = """select at_ms, cause, lid, conv, method, what, sent_bytes, received_bytes, status, id from ledger
    where at_ms >= ? and (? = '' or conv = ?) order by at_ms desc, id desc limit ?"""
SUMS: Final = """select date(at_ms / 1000, 'unixepoch', 'localtime') as day, conv, count(*), sum(sent_bytes),
    sum(received_bytes) from ledger where at_ms >= ? group by day, conv
    order by day desc, sum(sent_bytes) + sum(received_bytes) desc, conv"""
SHOWN: Final = """select path, lid, kind, mine, state, media from bubble
    where path <> '' and kind in ('picture', 'voice', 'video', 'file') order by lid"""

_WAITING: Final = tuple(state for state in State if state is State.UPLOADING or state.unsettled)


def write_spent(db: sqlite3.Connection, rows: Sequence[Spent], now_ms: int) -> list[int]:
    """Put these in, each under its id if it has one, and let go of what is too old; return the ids."""
    ids = [_put(db, row) for row in rows]
    db.execute("delete from ledger where at_ms < ?", (now_ms - KEPT_DAYS * DAY_MS,))
    return ids


def _put(db: sqlite3.Connection, row: Spent) -> int:
    why = row.because
    values = (
        row.id or None, row.at_ms, why.lid, why.conv, why.lid, why.cause, row.method, row.what,
        row.sent_bytes, row.received_bytes, row.status,
    )  # fmt: skip
    return int(db.execute(PUT, values).lastrowid or 0)


def read_spent(db: sqlite3.Connection, since_ms: int, conv: ConvId, limit: int) -> list[Spent]:
    """Requests, newest first; of one conversation, or of all if `conv` is empty."""
    return [
        Spent(at_ms, Because(cause, Lid(lid), ConvId(of)), *rest)
        for at_ms, cause, lid, of, *rest in db.execute(ROWS, (since_ms, conv, conv, limit))
    ]


def read_spending(db: sqlite3.Connection, since_ms: int) -> list[Spending]:
    """What each day cost in each conversation, newest day first, then by bytes."""
    return [Spending(*row) for row in db.execute(SUMS, (since_ms,))]


def read_shown(db: sqlite3.Connection) -> list[CachedFile]:
    """Files that bubbles show, by path."""
    lids: dict[str, list[Lid]] = {}
    kinds: dict[str, CacheKind] = {}
    busy: set[str] = set()
    for path, lid, kind, mine, state, media in db.execute(SHOWN):
        lids.setdefault(path, []).append(Lid(lid))
        kinds[path] = kind
        if (mine and state in _WAITING) or media == "[]":
            busy.add(path)
    return [CachedFile(path, kinds[path], tuple(of), path in busy) for path, of in lids.items()]


def read_wanted(db: sqlite3.Connection) -> set[str]:
    """The hashes of files that are on their way down, or paused there."""
    sql = "select json_extract(cast(data as text), '$.sha256') from fetch"
    return {sha256 for (sha256,) in db.execute(sql)}
