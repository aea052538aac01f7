"""What an operator does not want to keep goes from the bottom of each log, in small steps (P-83, P-84).

A step is one transaction and may be asked for again; whatever a crash leaves half done, the next run does (S11).
"""

from __future__ import annotations

import sqlite3
from typing import TypeAlias

from protocol.values import ConvId
from server.core.acceptance import MESSAGE
from server.stores.sqlite_store import Scheduler

ROWS_A_STEP = 256  # of a log, or of a lane: nobody who writes waits longer for it than for a full window
Lane: TypeAlias = tuple[ConvId, int, int]

# Times grow with positions (P-35), so the lowest row tells whether there is something to do.
_OLD = """select c.conv from conv c join log l on l.conv = c.conv and l.pos = c.floor + 1
    where l.ts < :before or (:most > 0 and c.head - c.floor > :most) limit 1"""
_UPTO = """select max(
        coalesce((select max(pos) from (select pos, ts from log where conv = :conv and pos > c.floor
            order by pos limit :step) where ts < :before), 0),
        iif(:most > 0, min(c.head - :most, c.floor + :step), 0))
    from conv c where c.conv = :conv"""
_RAISE = "update conv set floor = max(floor, :upto) where conv = :conv"
_UNPIN = "delete from pin where conv = :conv and pos <= :upto"
_REMOVE = "delete from log where conv = :conv and pos <= :upto"
# The highest message of a lane that was removed; what lies below it may go, itself not (P-84).
_LANES = """select conv, did, kept from (
        select s.conv, s.did, max(s.n) as kept from conv c join slot s on s.conv = c.conv
        where c.floor > 0 and s.kind = :message and s.pos <= c.floor group by s.conv, s.did) lane
    where exists (select 1 from slot s where s.conv = lane.conv and s.did = lane.did and s.n < lane.kept)"""
_TRIM = """delete from slot where conv = :conv and did = :did and n in
    (select n from slot where conv = :conv and did = :did and n < :kept order by n limit :step)"""


class SqliteRetention:
    """Removes rows over one writer; files follow when nothing names them any more (P-75)."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._do = scheduler

    async def expire(self, before_ms: int, most: int) -> int:
        """One step: rows older than `before_ms`, or beyond the `most` latest of their conversation (0: all stay).

        Returns how many rows went; 0 when there is nothing left to do.
        """
        row = await self._do.read(lambda db: db.execute(_OLD, {"before": before_ms, "most": most}).fetchone())
        if row is None:
            return 0
        return await self._do.run(lambda db: expire(db, row[0], before_ms, most))

    async def trim(self) -> int:
        """Forget the numbers of removed messages, but never what a lane goes on from; returns how many went."""
        lanes = await self._do.read(lambda db: db.execute(_LANES, {"message": MESSAGE}).fetchall())
        gone = 0
        for lane in lanes:
            while some := await self._do.run(lambda db, lane=lane: trim(db, lane)):  # type: ignore[misc]
                gone += some
        return gone


def expire(db: sqlite3.Connection, conv: ConvId, before_ms: int, most: int) -> int:
    """Raise the floor by one step; rows and pins below it go in the same transaction."""
    facts = {"conv": conv, "before": before_ms, "most": most, "step": ROWS_A_STEP}
    facts["upto"] = db.execute(_UPTO, facts).fetchone()[0]
    db.execute(_RAISE, facts)
    db.execute(_UNPIN, facts)
    return db.execute(_REMOVE, facts).rowcount


def trim(db: sqlite3.Connection, lane: Lane) -> int:
    """The lowest numbers of a lane, in their order."""
    conv, did, kept = lane
    return db.execute(_TRIM, {"conv": conv, "did": did, "kept": kept, "step": ROWS_A_STEP}).rowcount
