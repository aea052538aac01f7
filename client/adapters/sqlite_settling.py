"""What became of own messages: T5, and how a bubble climbs whatever is said first (section 10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from client.adapters.sqlite_pen import Pen
from client.adapters.sqlite_schema import lids_column
from client.core.effects import SaveSeenLast, SaveSettled, SaveState
from client.core.model import NOWHERE, State
from protocol.values import ConvId, Lid

STANDS = """select b.lid, b.state, b.pos, b.ts, b.lost, coalesce(c.they_have, 0), coalesce(c.they_read, 0)
    from bubble b left join chat c on c.conv = b.conv where b.lid in (select value from json_each(?))"""
PLACE = f"""update bubble set pos = :pos, place = 2 * :pos, ts = :ts, lost = exists (select 1 from bubble other
    where other.conv = :conv and other.pos = :pos and other.pos < {NOWHERE} and other.lost = 0 and other.lid <> :lid)"""
"""A position is taken once (P-43): who claims one that is taken is kept out of the log's order."""
SETTLE = f"{PLACE}, state = :state, code = '' where lid = :lid"

_SETTLED_UP = range(State.ACCEPTED, State.READ + 1)
_OVER = (State.REFUSED, State.CANCELLED, State.LONG_AGO)


def climbed(old: State, new: State) -> State:
    """The state after both were said, whichever came first (section 10, S9, S14).

    What the server has taken only climbs. What is over stays over, unless the server has it after all, or
    the file of a refused upload is tried again. Before that the ladder climbs, and side states take turns.
    """
    if old in _SETTLED_UP:
        return new if new in _SETTLED_UP and new > old else old
    if old in _OVER:
        again = old is State.REFUSED and new is State.UPLOADING
        return new if new in _SETTLED_UP or again else old
    if old >= State.RECEIVED:
        return old
    return max(old, new) if old.on_ladder and new.on_ladder else new


class _Stand(NamedTuple):
    """How an own bubble stands before it settles, and how far others are in its conversation."""

    state: State
    pos: int
    ts: int
    lost: bool
    they_have: int
    they_read: int


class SettlingPen(Pen):
    """Settles own bubbles: their rows leave the outbox, and they take the place the log gave them."""

    def _settled(self, saves: Sequence[SaveSettled]) -> None:
        self._settle(saves)
        for conv in {save.conv: None for save in saves}:
            last = max(save.seen_last for save in saves if save.conv == conv)
            self._seen_last(SaveSeenLast(conv, last))

    def _settle(self, saves: Sequence[SaveSettled]) -> None:
        """The rows leave the outbox; the bubbles climb, if they are here."""
        if not saves:
            return
        lids = lids_column(save.lid for save in saves)
        self._db.execute("delete from outbox where lid in (select value from json_each(?))", (lids,))
        stands = {row[0]: _Stand(State(row[1]), *row[2:]) for row in self._db.execute(STANDS, (lids,))}
        for save in saves:
            if (stand := stands.get(save.lid)) is not None:
                state = self._settle_one(save, stand)
                stands[save.lid] = stand._replace(state=state, pos=save.pos or stand.pos, lost=True)

    def _settle_one(self, save: SaveSettled, stand: _Stand) -> State:
        """Returns its new state. What is said once more, as the log does with all that was accepted, is done."""
        lid, state = save.lid, climbed(stand.state, reached(save.state, save.pos, stand.they_have, stand.they_read))
        if save.pos and state in _SETTLED_UP:
            if (state, save.pos, save.ts, False) == (stand.state, stand.pos, stand.ts, bool(stand.lost)):
                return state
            row = {"lid": lid, "conv": save.conv, "pos": save.pos, "ts": save.ts, "state": state}
            self._db.execute(SETTLE, row)
            self._placed.append(lid)
        else:
            if state in _OVER:
                self._lay_aside(lid, save.conv)
            kept = save.code if state is save.state and state not in _SETTLED_UP else ""
            self._db.execute("update bubble set state = ?, code = ? where lid = ?", (state, kept, lid))
        self._touch(lid)
        return state

    def _lay_aside(self, lid: Lid, conv: ConvId) -> None:
        """It will never have a position: it stays where the conversation stood, and what comes later goes below."""
        self._db.execute(
            """update bubble set place = 1 + coalesce((select max(other.place / 2 * 2) from bubble other
            where other.conv = ? and other.place < ?), 0) where lid = ?""",
            (conv, NOWHERE, lid),
        )

    def _others_reach(self, conv: ConvId) -> tuple[int, int]:
        """How far others have, and have read, a conversation."""
        row = self._db.execute("select they_have, they_read from chat where conv = ?", (conv,)).fetchone()
        return row or (0, 0)

    def _state(self, lid: Lid) -> State | None:
        row = self._db.execute("select state from bubble where lid = ?", (lid,)).fetchone()
        return State(row[0]) if row else None

    def _stands(self, save: SaveState) -> None:
        old = self._state(save.lid)
        if old is None:
            return
        self._db.execute("update outbox set wish = ?, parked = ? where lid = ?", (save.wish, save.parked, save.lid))
        state = climbed(old, save.state)
        if state is save.state:
            self._db.execute("update bubble set state = ?, code = ? where lid = ?", (state, save.code, save.lid))
            self._touch(save.lid)

    def _seen_last(self, save: SaveSeenLast) -> None:
        self._db.execute(
            """insert into chat (conv, seen_last) values (?, ?)
            on conflict (conv) do update set seen_last = max(seen_last, excluded.seen_last)""",
            (save.conv, save.last),
        )


def reached(said: State, pos: int, they_have: int, they_read: int) -> State:
    """An accepted message at a position that others are known to have is delivered already."""
    if said not in _SETTLED_UP or not pos:
        return said
    known = State.READ if pos <= they_read else State.DELIVERED if pos <= they_have else said
    return max(said, known)
