"""How far everybody has, and has read, a conversation, and what own bubbles gain by it (P-67)."""

from __future__ import annotations

import msgspec

from client.adapters.sqlite_pen import GROUP_REDRAWN_MAX, Pen
from client.adapters.sqlite_rows import crowd_of, same_upto
from client.core.effects import SaveMarks
from client.core.model import NOWHERE, State
from protocol.packets import Crowd, Mark
from protocol.values import ConvId, Uid

HAVE, READ = 0, 1
"""What a row of `reading` is about."""
RAISE_MARK = """insert into mark (conv, uid, delivered, read, delivered_ms, read_ms) values (?, ?, ?, ?, ?, ?)
    on conflict (conv, uid) do update set
    delivered_ms = iif(excluded.delivered > delivered or (excluded.delivered = delivered and delivered_ms = 0),
        excluded.delivered_ms, delivered_ms),
    read_ms = iif(excluded.read > read or (excluded.read = read and read_ms = 0), excluded.read_ms, read_ms),
    delivered = max(delivered, excluded.delivered), read = max(read, excluded.read)"""
NOTE_READING = f"""insert or ignore into reading (conv, uid, what, upto, at_ms)
    select :conv, :uid, :what, :upto, :at_ms where
    exists (select 1 from bubble where conv = :conv and pos > :old and pos <= :upto and pos < {NOWHERE}
        and mine = 1 and lost = 0)
    or exists (select 1 from bubble where conv = :conv and mine = 1 and state in (0, 1, 2, 7, 8))"""
"""Only what an own message can show: one below the mark, or one whose position is not known here yet."""
COUNTED = """select lid from bubble where conv = ? and pos > ? and pos <= ? and mine = 1 and state in (3, 4, 5)
    order by pos desc limit ?"""
CLIMB = """update bubble set state = ? where conv = ? and pos > ? and pos <= ? and mine = 1 and lost = 0
    and state in (3, 4, 5) and state < ? returning lid"""


class MarksPen(Pen):
    """Raises marks; they never fall."""

    def _marks(self, save: SaveMarks) -> None:
        sql = "select form, they_have, they_read from chat where conv = ?"
        form, they_have, they_read = self._db.execute(sql, (save.conv,)).fetchone() or ("", 0, 0)
        for mark in save.marks:
            was = self._mark(save.conv, mark.by)
            if form == "group":
                self._touch_counted(save.conv, mark, was)
            self._note_reading(save.conv, mark, was)
            self._db.execute(RAISE_MARK, (save.conv, *msgspec.structs.astuple(mark)))
        if save.crowd is not None:
            self._count(save.conv, save.crowd)
        self._db.execute(
            """insert into chat (conv, rev, they_have, they_read) values (?, ?, ?, ?)
            on conflict (conv) do update set rev = max(rev, excluded.rev),
            they_have = max(they_have, excluded.they_have), they_read = max(they_read, excluded.they_read)""",
            (save.conv, save.rev, save.delivered_upto, save.read_upto),
        )
        self._climb(save.conv, they_read, save.read_upto, State.READ)
        self._climb(save.conv, they_have, save.delivered_upto, State.DELIVERED)

    def _climb(self, conv: ConvId, old: int, upto: int, state: State) -> None:
        """What stands at or below `old` has climbed already, or does so when it settles."""
        if upto > old:
            self._touch_all(self._db.execute(CLIMB, (state, conv, old, upto, state)))

    def _mark(self, conv: ConvId, uid: Uid) -> tuple[int, int]:
        """How far somebody has, and has read, a conversation."""
        sql = "select delivered, read from mark where conv = ? and uid = ?"
        return self._db.execute(sql, (conv, uid)).fetchone() or (0, 0)

    def _note_reading(self, conv: ConvId, mark: Mark, was: tuple[int, int]) -> None:
        """Since when, at the latest, own messages below this mark were there and were read."""
        if self.me is not None and mark.by == self.me.uid:
            return
        climbs = ((HAVE, mark.delivered, mark.delivered_ms), (READ, mark.read, mark.read_ms))
        for (what, upto, at_ms), old in zip(climbs, was, strict=True):
            if upto > old:
                self._db.execute(
                    NOTE_READING, {"conv": conv, "uid": mark.by, "what": what, "old": old, "upto": upto, "at_ms": at_ms}
                )

    def _count(self, conv: ConvId, crowd: Crowd) -> None:
        """The stairs of a large conversation; own bubbles whose counts they change look different."""
        row = self._db.execute("select crowd from chat where conv = ?", (conv,)).fetchone()
        unchanged = same_upto(crowd_of(row[0] if row else "") or Crowd(0), crowd)
        text = msgspec.json.encode(crowd).decode() if crowd.of else ""
        self._db.execute(
            "insert into chat (conv, crowd) values (?, ?) on conflict (conv) do update set crowd = excluded.crowd",
            (conv, text),
        )
        self._touch_all(
            self._db.execute(
                """select lid from bubble where conv = ? and pos > ? and mine = 1 and state in (3, 4, 5) and lost = 0
                order by pos desc limit ?""",
                (conv, unchanged, GROUP_REDRAWN_MAX),
            )
        )

    def _touch_counted(self, conv: ConvId, mark: Mark, was: tuple[int, int]) -> None:
        """Own bubbles whose *k of m* grows by this mark."""
        for old, new in zip(was, (mark.delivered, mark.read), strict=True):
            if new > old:
                self._touch_all(self._db.execute(COUNTED, (conv, old, new, GROUP_REDRAWN_MAX)))
