"""A conversation as one transaction sees it: its head, and how everybody stands to it. Read once per batch."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection
from typing import Any

from protocol.packets import Mark
from protocol.values import ConvId, Name, Uid
from server.core.crowd import Tally, crowded, tally
from server.core.groups import Group
from server.core.marks import shown
from server.core.moves import Told
from server.core.rights import NOBODY, Standing
from server.stores.sqlite_many import select

_ROOMS = """select c.conv, c.head, c.ts, c.floor, c.form, c.title, c.mlv,
    m.uid, m.since, m.until, m.role, m.blocked, m.reads, m.rev
    from {} w join conv c on c.conv = w.column1 left join member m on m.conv = c.conv
    order by c.conv, m.uid, m.since"""
_REV = "select rev from crev where conv = ?"
_RAISE_REV = """insert into crev values (?, 1) on conflict (conv) do update set rev = rev + 1 returning rev"""
_MARKS = "select uid, delivered, read, delivered_ms, read_ms from mark where conv = ? and rev > ? order by rev, uid"


class Room:
    """What is known of a conversation inside a transaction; a conversation that is not there has head 0, nobody."""

    __slots__ = ("conv", "floor", "form", "head", "members", "mlv", "standings", "title", "ts")

    def __init__(self, conv: ConvId, rows: list[tuple[Any, ...]]) -> None:
        self.conv = conv
        place: tuple[int, int, int, str, Name, int] = rows[0][1:7] if rows else (0, 0, 0, "", "", 0)
        self.head, self.ts, self.floor, self.form, self.title, self.mlv = place
        self.standings = _standings([row[7:] for row in rows])
        self.members = tuple(uid for uid, standing in self.standings.items() if standing.current)

    def standing(self, uid: Uid) -> Standing:
        """How this person stands here."""
        return self.standings.get(uid, NOBODY)

    def group(self) -> Group:
        """The same for a wish to change it."""
        return Group(self.form, self.title, self.mlv, self.standings)

    @property
    def silent(self) -> frozenset[Uid]:
        """Those who tell nobody what they read (P-73)."""
        return frozenset(uid for uid, standing in self.standings.items() if not standing.tells)


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
    last: dict[Uid, tuple[int, bool, int | None]] = {}
    blockers: set[Uid] = set()
    for uid, since, until, role, blocked, reads, rev in rows:
        if uid is None:  # nobody was ever here
            continue
        spans[uid] = (*spans.get(uid, ()), (since, until or 0))
        last[uid] = (role, bool(reads), rev)
        if blocked:
            blockers.add(uid)
    return {
        uid: Standing(spans[uid], role, bool(blockers - {uid}), tells, rev) for uid, (role, tells, rev) in last.items()
    }


def rev_of(db: sqlite3.Connection, conv: ConvId) -> int:
    """How many changes of marks the conversation has seen (P-8)."""
    row = db.execute(_REV, (conv,)).fetchone()
    return int(row[0]) if row else 0


def told(db: sqlite3.Connection, room: Room, uid: Uid, rev: int, count: Callable[[Room], Tally] | None = None) -> Told:
    """What a person who knows the marks up to `rev` is told of them: counts in a large conversation (P-50, P-52).

    Who left is not told how the others get on. `count`: who has counted perhaps already.
    """
    standing = room.standing(uid)
    if not standing.current:
        return Told(rev_of(db, room.conv) if standing.rev is None else standing.rev)
    if crowded(len(room.members)):
        return (count(room) if count is not None else tally_of(db, room)).told(uid)
    marks = shown(marks_above(db, room.conv, rev), uid, tells=standing.tells, silent=room.silent)
    return Told(rev_of(db, room.conv), marks)


def tally_of(db: sqlite3.Connection, room: Room) -> Tally:
    """The counts of a large conversation, once for everybody."""
    marks = {mark.by: mark for mark in marks_above(db, room.conv, 0)}
    return tally(rev_of(db, room.conv), room.members, marks, room.silent)


def marks_above(db: sqlite3.Connection, conv: ConvId, rev: int) -> tuple[Mark, ...]:
    """All marks that changed after `rev`, as they are (P-50)."""
    return tuple(Mark(*row) for row in db.execute(_MARKS, (conv, rev)))


def raise_rev(db: sqlite3.Connection, conv: ConvId, *, all_marks: bool) -> int:
    """The next rev of a conversation; with `all_marks` everybody is told every mark again (P-8)."""
    rev: int = db.execute(_RAISE_REV, (conv,)).fetchone()[0]
    if all_marks:
        db.execute("update mark set rev = ? where conv = ?", (rev, conv))
    return rev
