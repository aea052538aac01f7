"""T3: cursors of devices and marks of people, which only climb; many in one go (P-44, P-49).

Plain functions over a connection inside a transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from protocol.packets import Mark
from protocol.values import ConvId, Did, Uid
from server.core.moves import Marks, Move, Moved
from server.core.rights import Action, may
from server.stores.sqlite_rooms import Room, marks_above, rev_of

_STATE = """select (select upto from cursor where conv = :conv and did = :did), m.delivered, m.read
    from (select 1) left join mark m on m.conv = :conv and m.uid = :uid"""
_SET_CURSOR = """insert into cursor values (?, ?, ?)
    on conflict (conv, did) do update set upto = max(upto, excluded.upto)"""
_SET_MARK = """insert into mark values (?, ?, ?, ?, ?) on conflict (conv, uid) do update set
    delivered = max(delivered, excluded.delivered), read = max(read, excluded.read), rev = excluded.rev"""
_SET_REV = "insert into crev values (?, ?) on conflict (conv) do update set rev = max(rev, excluded.rev)"


def move_all(db: sqlite3.Connection, moves: Sequence[Move]) -> list[Moved]:
    """Raise cursors and marks; answers in order. A mark that climbs raises the conversation's rev (P-49)."""
    batch = _Batch(db)
    answers = [batch.move(move) for move in moves]
    batch.write()
    return answers


def marks_since(db: sqlite3.Connection, uid: Uid, conv: ConvId, rev: int) -> Marks:
    """All marks that changed after `rev`; none for a stranger (P-50, P-52)."""
    if may(Action.PULL, Room(db, conv).standing(uid)):
        return Marks(conv, rev, rev, ())
    return Marks(conv, rev, rev_of(db, conv), marks_above(db, conv, rev))


class _Batch:
    """What one transaction knows of cursors and marks, and is going to write."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._rooms: dict[ConvId, Room] = {}
        self._revs: dict[ConvId, int] = {}
        self._cursors: dict[tuple[ConvId, Did], int] = {}
        self._marks: dict[tuple[ConvId, Uid], Mark] = {}
        self._new_cursors: dict[tuple[ConvId, Did], int] = {}
        self._new_marks: dict[tuple[ConvId, Uid], int] = {}

    def move(self, move: Move) -> Moved:
        room = self._room(move.conv)
        standing = room.standing(move.who.uid)
        code = may(Action.ACKNOWLEDGE, standing)
        if not code and move.upto > standing.head(room.head):
            code = "misuse"
        if code:
            return Moved(move, code=code)
        key = (move.conv, move.who.did)
        self._read(move)
        cursor = self._cursors[key]
        if not move.read and move.upto > cursor:
            cursor = self._cursors[key] = self._new_cursors[key] = move.upto
        return self._climb(move, cursor, room)

    def _climb(self, move: Move, cursor: int, room: Room) -> Moved:
        key = (move.conv, move.who.uid)
        old = self._marks[key]
        read = max(old.read, min(move.upto, old.delivered)) if move.read else old.read  # never above delivered
        new = Mark(move.who.uid, max(old.delivered, cursor), read)
        if new == old:
            return Moved(move, cursor)
        self._marks[key] = new
        rev = self._revs[move.conv] = self._rev(move.conv) + 1
        self._new_marks[key] = rev
        return Moved(move, cursor, new, rev, room.members)

    def write(self) -> None:
        db = self._db
        db.executemany(_SET_CURSOR, [(conv, int(did), upto) for (conv, did), upto in self._new_cursors.items()])
        rows = [(*key, self._marks[key].delivered, self._marks[key].read, rev) for key, rev in self._new_marks.items()]
        db.executemany(_SET_MARK, rows)
        changed = {conv for conv, _ in self._new_marks}
        db.executemany(_SET_REV, [(conv, self._revs[conv]) for conv in changed])

    # --- read once per batch

    def _room(self, conv: ConvId) -> Room:
        room = self._rooms.get(conv)
        if room is None:
            room = self._rooms[conv] = Room(self._db, conv)
        return room

    def _rev(self, conv: ConvId) -> int:
        rev = self._revs.get(conv)
        return rev_of(self._db, conv) if rev is None else rev

    def _read(self, move: Move) -> None:
        """Cursor and mark as they stand, in one go."""
        device, person = (move.conv, move.who.did), (move.conv, move.who.uid)
        if device in self._cursors and person in self._marks:
            return
        wanted = {"conv": move.conv, "did": int(move.who.did), "uid": move.who.uid}
        upto, delivered, read = self._db.execute(_STATE, wanted).fetchone()
        self._cursors.setdefault(device, upto or 0)
        self._marks.setdefault(person, Mark(move.who.uid, delivered or 0, read or 0))
