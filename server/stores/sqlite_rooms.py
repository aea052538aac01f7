"""A conversation as one transaction sees it: its head, and how everybody stands to it. Read once per batch."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import Any

from protocol.packets import Mark
from protocol.values import ConvId, Uid
from server.core.rights import NOBODY, Standing
from server.stores.sqlite_many import select

_ROOMS = """select c.conv, c.head, c.ts, c.floor, m.uid, m.since, m.until, m.role, m.blocked
    from {} w join conv c on c.conv = w.column1 left join member m on m.conv = c.conv
    order by c.conv, m.uid, m.since"""
_REV = "select rev from crev where conv = ?"
_MARKS = """select uid, delivered, read from mark where conv = ? and rev > ? order by rev"""


class Room:
    """What is known of a conversation inside a transaction; a conversation that is not there has head 0, nobody."""

    __slots__ = ("_standings", "conv", "floor", "head", "members", "ts")

    def __init__(self, conv: ConvId, rows: list[tuple[Any, ...]]) -> None:
        self.conv = conv
        place: tuple[int, int, int] = rows[0][1:4] if rows else (0, 0, 0)
        self.head, self.ts, self.floor = place
        self._standings = _standings([row[4:] for row in rows])
        self.members = tuple(uid for uid, standing in self._standings.items() if standing.current)

    def standing(self, uid: Uid) -> Standing:
        """How this person stands here."""
        return self._standings.get(uid, NOBODY)


def rooms(db: sqlite3.Connection, convs: Collection[ConvId]) -> dict[ConvId, Room]:
    """These conversations as they stand."""
    rows: dict[ConvId, list[tuple[Any, ...]]] = {conv: [] for conv in convs}
    for row in select(db, _ROOMS, [(conv,) for conv in convs]):
        rows[row[0]].append(row)
    return {conv: Room(conv, some) for conv, some in rows.items()}


def room_of(db: sqlite3.Connection, conv: ConvId) -> Room:
    """This conversation as it stands."""
    return rooms(db, (conv,))[conv]


def _standings(rows: list[tuple[Any, ...]]) -> dict[Uid, Standing]:
    spans: dict[Uid, tuple[tuple[int, int], ...]] = {}
    roles: dict[Uid, int] = {}
    blockers: set[Uid] = set()
    for uid, since, until, role, blocked in rows:
        spans[uid] = (*spans.get(uid, ()), (since, until or 0))
        roles[uid] = role
        if blocked:
            blockers.add(uid)
    return {uid: Standing(spans[uid], roles[uid], bool(blockers - {uid})) for uid in spans}


def rev_of(db: sqlite3.Connection, conv: ConvId) -> int:
    """How many changes of marks the conversation has seen (P-8)."""
    row = db.execute(_REV, (conv,)).fetchone()
    return int(row[0]) if row else 0


def marks_for(db: sqlite3.Connection, room: Room, uid: Uid, rev: int) -> tuple[Mark, ...]:
    """The marks that changed after `rev`, for a member; who left is not told how the others get on (P-52)."""
    return marks_above(db, room.conv, rev) if room.standing(uid).current else ()


def marks_above(db: sqlite3.Connection, conv: ConvId, rev: int) -> tuple[Mark, ...]:
    """All marks that changed after `rev` (P-50)."""
    return tuple(Mark(*row) for row in db.execute(_MARKS, (conv, rev)))
