"""T3: cursors of devices and marks of people, which only climb; many in one go (P-44, P-49).

Plain functions over a connection inside a transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence

from protocol.packets import Mark
from protocol.values import ConvId, Did, Uid
from server.core.moves import Marks, Move, Moved, Told
from server.core.rights import Action, may
from server.stores.sqlite_many import insert, select
from server.stores.sqlite_rooms import Room, room_of, rooms, told

_STATES = """select w.column1, w.column2, w.column3, c.upto, m.delivered, m.read, m.delivered_ms, m.read_ms, r.rev
    from {} w
    left join cursor c on c.conv = w.column1 and c.did = w.column2
    left join mark m on m.conv = w.column1 and m.uid = w.column3 left join crev r on r.conv = w.column1"""
_CURSOR_CLIMBS = "on conflict (conv, did) do update set upto = max(upto, excluded.upto)"
_ADD_MARKS = "insert into mark (conv, uid, delivered, read, rev, delivered_ms, read_ms)"
_MARK_CLIMBS = """on conflict (conv, uid) do update set
    delivered = max(delivered, excluded.delivered), read = max(read, excluded.read), rev = excluded.rev,
    delivered_ms = excluded.delivered_ms, read_ms = excluded.read_ms"""
_REV_CLIMBS = "on conflict (conv) do update set rev = max(rev, excluded.rev)"


def move_all(db: sqlite3.Connection, moves: Sequence[Move], now_ms: int) -> list[Moved]:
    """Raise cursors and marks; answers in order. A mark that climbs raises the conversation's rev (P-49)."""
    batch = _Batch(db, moves, now_ms)
    answers = [batch.move(move) for move in moves]
    batch.write()
    return answers


def marks_since(db: sqlite3.Connection, uid: Uid, conv: ConvId, rev: int) -> Marks:
    """All marks that changed after `rev`; none for a stranger or who left (P-50, P-52)."""
    room = room_of(db, conv)
    if may(Action.PULL, room.standing(uid)):
        return Marks(conv, rev, Told(rev))
    return Marks(conv, rev, told(db, room, uid, rev))


class _Batch:
    """What one transaction knows of cursors and marks, and is going to write."""

    def __init__(self, db: sqlite3.Connection, moves: Sequence[Move], now_ms: int) -> None:
        self._db, self._now_ms = db, now_ms
        self._rooms: dict[ConvId, Room] = rooms(db, {move.conv for move in moves})
        self._revs: dict[ConvId, int] = {}
        self._cursors: dict[tuple[ConvId, Did], int] = {}
        self._marks: dict[tuple[ConvId, Uid], Mark] = {}
        self._new_cursors: dict[tuple[ConvId, Did], int] = {}
        self._new_marks: dict[tuple[ConvId, Uid], int] = {}
        self._read({(move.conv, int(move.who.did), move.who.uid) for move in moves})

    def move(self, move: Move) -> Moved:
        room = self._rooms[move.conv]
        standing = room.standing(move.who.uid)
        code = may(Action.ACKNOWLEDGE, standing)
        if not code and move.upto > standing.head(room.head):
            code = "misuse"
        if code:
            return Moved(move, code=code)
        key = (move.conv, move.who.did)
        cursor = self._cursors[key]
        if not move.read and move.upto > cursor:
            cursor = self._cursors[key] = self._new_cursors[key] = move.upto
        return self._climb(move, cursor, room)

    def _climb(self, move: Move, cursor: int, room: Room) -> Moved:
        key = (move.conv, move.who.uid)
        old = self._marks[key]
        read = max(old.read, min(move.upto, old.delivered)) if move.read else old.read  # never above delivered
        delivered = max(old.delivered, cursor)
        if (delivered, read) == (old.delivered, old.read):
            return Moved(move, cursor)
        delivered_ms = self._now_ms if delivered > old.delivered else old.delivered_ms
        read_ms = self._now_ms if read > old.read else old.read_ms
        new = Mark(move.who.uid, delivered, read, delivered_ms, read_ms)
        self._marks[key] = new
        rev = self._revs[move.conv] = self._revs[move.conv] + 1
        self._new_marks[key] = rev
        return Moved(move, cursor, new, rev, room.members, tells=room.standing(move.who.uid).tells)

    def write(self) -> None:
        """Write what climbed; what is in the table already never falls."""
        cursors = [(conv, int(did), upto) for (conv, did), upto in self._new_cursors.items()]
        marks = [(self._marks[key], key, rev) for key, rev in self._new_marks.items()]
        revs = [(conv, self._revs[conv]) for conv in {conv for conv, _ in self._new_marks}]
        insert(self._db, "insert into cursor (conv, did, upto)", cursors, _CURSOR_CLIMBS)
        rows = [(*key, mark.delivered, mark.read, rev, mark.delivered_ms, mark.read_ms) for mark, key, rev in marks]
        insert(self._db, _ADD_MARKS, rows, _MARK_CLIMBS)
        insert(self._db, "insert into crev", revs, _REV_CLIMBS)

    def _read(self, wanted: Collection[tuple[ConvId, int, Uid]]) -> None:
        """Cursors, marks and revs as they stand, in one go."""
        for conv, did, uid, upto, *mark, rev in select(self._db, _STATES, list(wanted)):
            self._cursors[conv, Did(str(did))] = upto or 0
            self._marks[conv, uid] = Mark(uid, *(number or 0 for number in mark))
            self._revs[conv] = rev or 0
