"""What each `Save` writes: T0, T4 and T5 as plain SQL (section 12), called inside one transaction."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Sequence
from functools import singledispatchmethod
from itertools import groupby
from typing import NamedTuple, cast

import msgspec

from client.adapters.sqlite_changes import RECALLED, change_columns, erase, erase_recalled, target_of
from client.adapters.sqlite_rows import PREFS_WISH, crowd_of, read_me, same_upto
from client.adapters.sqlite_schema import HEARD_LID, lids_column
from client.adapters.sqlite_words import read_content
from client.core.effects import (
    Save,
    SaveAdrift,
    SaveArrived,
    SaveComposed,
    SaveDropped,
    SaveFetched,
    SaveGeneration,
    SaveMarks,
    SaveMoored,
    SaveOlder,
    SavePeople,
    SavePrefs,
    SaveRead,
    SaveRenumbered,
    SaveRequeued,
    SaveRewrite,
    SaveRoster,
    SaveSeenLast,
    SaveSettled,
    SaveState,
    SaveUpload,
)
from client.core.history import OLDER
from client.core.model import NOWHERE, Lane, Me, Member, State
from protocol.codec import from_text
from protocol.content import PLAIN, Content, unpack
from protocol.packets import Crowd, Event, Gap, Mark, Relation
from protocol.problems import Problem
from protocol.values import SERVER_DID, ConvId, Did, Digest, Lid, MediaId, Uid

log = logging.getLogger(__name__)

GROUP_REDRAWN_MAX = 256
"""How many own bubbles of a group are drawn again when members come or go: those on and near the screen."""

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

STANDS = """select b.lid, b.state, b.pos, b.ts, b.lost, coalesce(c.they_have, 0), coalesce(c.they_read, 0)
    from bubble b left join chat c on c.conv = b.conv where b.lid in (select value from json_each(?))"""
PLACE = f"""update bubble set pos = :pos, place = 2 * :pos, ts = :ts, lost = exists (select 1 from bubble other
    where other.conv = :conv and other.pos = :pos and other.pos < {NOWHERE} and other.lost = 0 and other.lid <> :lid)"""
"""A position is taken once (P-43): who claims one that is taken is kept out of the log's order."""
SETTLE = f"{PLACE}, state = :state, code = '' where lid = :lid"
KNOWN = """select b.did, b.dg, b.lid, b.mine from json_each(:keys) k cross join bubble b on b.conv = :conv
    and b.did = json_extract(k.value, '$[0]') and b.dg = json_extract(k.value, '$[1]') and b.dg <> '' and b.did <> '0'
    """
COUNTED = """select lid from bubble where conv = ? and pos > ? and pos <= ? and mine = 1 and state in (3, 4, 5)
    order by pos desc limit ?"""
CLIMB = """update bubble set state = ? where conv = ? and pos > ? and pos <= ? and mine = 1 and lost = 0
    and state in (3, 4, 5) and state < ? returning lid"""

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


class Saver:
    """Writes saves and remembers which bubbles they touched, in order.

    A busy turn brings many saves of one kind: what can be asked or said once for all of them is.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.me: Me | None = read_me(db)
        self._touched: dict[Lid, None] = {}
        self._placed: list[Lid] = []
        self._here: dict[tuple[Did, Digest], tuple[Lid, int]] = {}
        self._echoes: list[SaveSettled] = []

    def write(self, saves: Sequence[Save]) -> list[Lid]:
        """Write all of them; return the bubbles that look different."""
        self._touched, self._placed = {}, []
        for kind, alike in groupby(saves, key=type):
            if kind is SaveSettled:
                self._settled(cast(list[SaveSettled], list(alike)))
            elif kind is SaveComposed:
                self._composed(cast(list[SaveComposed], list(alike)))
            else:
                for save in alike:
                    self._write(save)
        self._erase_recalled()
        return list(self._touched)

    @singledispatchmethod
    def _write(self, save: Save) -> None:
        raise AssertionError(f"nobody writes {type(save).__name__}")

    # ------------------------------------------------------------------------------------ T0: the author

    def _composed(self, saves: Sequence[SaveComposed]) -> None:
        for save in saves:
            self._compose(save)
        for conv, lane in {save.conv: save.lane for save in saves}.items():
            self._end_lane(conv, lane)

    def _compose(self, save: SaveComposed) -> None:
        assert self.me is not None
        media = _media_column(save.media)
        self._db.execute(
            """insert into bubble (lid, conv, uid, did, n, pd, dg, at_ms, mine, kind, content, media, state,
            rel, rel_pos, target) values (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?)
            on conflict (lid) do update set did = excluded.did, n = excluded.n, pd = excluded.pd,
            dg = excluded.dg, at_ms = excluded.at_ms, kind = excluded.kind, content = excluded.content,
            media = excluded.media, state = excluded.state, code = '', place = excluded.place""",
            (
                save.lid, save.conv, self.me.uid, self.me.did, save.n, save.pd, save.dg, save.at_ms,
                self._kind(save.content, save.conv), save.content, media, State.QUEUED,
                save.rel.kind if save.rel else "", save.rel.pos if save.rel else 0, save.target,
            ),
        )  # fmt: skip
        if save.media:  # it may have waited for its upload
            self._db.execute("delete from upload where lid = ?", (save.lid,))
        self._queue(save.lid, save.conv, save.n, save.pd, save.dg, save.content, media, save.at_ms)
        self._touch(save.lid)

    @_write.register
    def _renumbered(self, save: SaveRenumbered) -> None:
        for row in save.rows:
            for table in ("outbox", "bubble"):
                self._db.execute(f"update {table} set n = ?, pd = ? where lid = ?", (row.n, row.pd, row.lid))
            self._touch(row.lid)
        self._end_lane(save.conv, save.lane)

    @_write.register
    def _adrift(self, save: SaveAdrift) -> None:
        self._db.execute("update outbox set n = 0, pd = '', parked = 0 where lid = ?", (save.lid,))
        self._db.execute("update bubble set n = 0, pd = '', state = ? where lid = ?", (State.QUEUED, save.lid))
        self._touch(save.lid)

    @_write.register
    def _moored(self, save: SaveMoored) -> None:
        self._db.execute("update outbox set n = ?, pd = ? where lid = ?", (save.n, save.pd, save.lid))
        self._db.execute(
            "update bubble set n = ?, pd = ?, rel_pos = ? where lid = ?", (save.n, save.pd, save.pos, save.lid)
        )
        self._end_lane(save.conv, save.lane)
        self._touch(save.lid)

    @_write.register
    def _rewritten(self, save: SaveRewrite) -> None:
        self._db.execute("delete from rewrite where lid = ?", (save.lid,))
        if save.rewrite is not None:
            self._db.execute(
                "insert into rewrite (lid, data) values (?, ?)", (save.lid, msgspec.json.encode(save.rewrite))
            )
        self._touch(save.lid)

    @_write.register
    def _requeued(self, save: SaveRequeued) -> None:
        assert self.me is not None
        self._erase_recalled()
        found = self._db.execute(
            "select dg, content, media, at_ms from bubble where lid = ? and mine = 1", (save.lid,)
        ).fetchone()
        if found is None:
            return
        self._db.execute(
            """update bubble set pos = ?, place = ?, ts = 0, lost = 0, did = ?, n = ?, pd = ?, state = ?, code = ''
            where lid = ?""",
            (NOWHERE, NOWHERE, self.me.did, save.n, save.pd, State.QUEUED, save.lid),
        )
        dg, content, media, at_ms = found
        self._queue(save.lid, save.conv, save.n, save.pd, dg, content, media, at_ms)
        self._end_lane(save.conv, save.lane)
        self._touch(save.lid)

    def _queue(
        self, lid: Lid, conv: ConvId, n: int, pd: str, dg: str, content: bytes, media: str, first_ms: int
    ) -> None:
        self._db.execute(
            """insert or replace into outbox (lid, conv, n, pd, dg, bytes, media, wish, parked, first_ms)
            values (?, ?, ?, ?, ?, ?, ?, 'send', 0, ?)""",
            (lid, conv, n, pd, dg, content, media, first_ms),
        )

    def _end_lane(self, conv: ConvId, lane: Lane) -> None:
        self._db.execute(
            """insert into chat (conv, lane_n, lane_dg, seen_last) values (?, ?, ?, ?)
            on conflict (conv) do update set lane_n = excluded.lane_n, lane_dg = excluded.lane_dg,
            seen_last = max(seen_last, excluded.seen_last)""",
            (conv, lane.n, lane.dg, lane.seen_last),
        )

    # ------------------------------------------------------------------------ T5: what became of a message

    def _settled(self, saves: Sequence[SaveSettled]) -> None:
        self._settle(saves)
        for conv in {save.conv: None for save in saves}:
            last = max(save.seen_last for save in saves if save.conv == conv)
            self._write(SaveSeenLast(conv, last))

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
        lid, state = save.lid, climbed(stand.state, _reached(save.state, save.pos, stand.they_have, stand.they_read))
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

    @_write.register
    def _stands(self, save: SaveState) -> None:
        old = self._state(save.lid)
        if old is None:
            return
        self._db.execute("update outbox set wish = ?, parked = ? where lid = ?", (save.wish, save.parked, save.lid))
        state = climbed(old, save.state)
        if state is save.state:
            self._db.execute("update bubble set state = ?, code = ? where lid = ?", (state, save.code, save.lid))
            self._touch(save.lid)

    @_write.register
    def _seen_last(self, save: SaveSeenLast) -> None:
        self._db.execute(
            """insert into chat (conv, seen_last) values (?, ?)
            on conflict (conv) do update set seen_last = max(seen_last, excluded.seen_last)""",
            (save.conv, save.last),
        )

    @_write.register
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

    def _is_group(self, conv: ConvId) -> bool:
        row = self._db.execute("select form from chat where conv = ?", (conv,)).fetchone()
        return row is not None and row[0] == "group"

    def _touch_counted(self, conv: ConvId, mark: Mark, was: tuple[int, int]) -> None:
        """Own bubbles whose *k of m* grows by this mark."""
        for old, new in zip(was, (mark.delivered, mark.read), strict=True):
            if new > old:
                self._touch_all(self._db.execute(COUNTED, (conv, old, new, GROUP_REDRAWN_MAX)))

    # ---------------------------------------------------------------------------------- T4: what arrived

    @_write.register
    def _arrived(self, save: SaveArrived) -> None:
        self._db.execute(
            """insert into chat (conv, cursor, head) values (?, ?, ?) on conflict (conv) do update set
            cursor = max(cursor, excluded.cursor), head = max(head, excluded.head)""",
            (save.conv, save.cursor, save.head),
        )
        if save.away is not None or save.thin:
            self._db.execute(
                "update chat set away = coalesce(?, away), thin = max(thin, ?) where conv = ?",
                (save.away, save.thin, save.conv),
            )
        if save.members is not None or save.form or save.title is not None:
            self._describe(save)
        own = {(event.did, event.dg) for _, event, _ in save.settled}
        self._settle([_settling(lid, save.conv, event, state) for lid, event, state in save.settled])
        self._keep(save.conv, [event for event in save.events if (event.did, event.dg) not in own])
        self._db.executemany(
            "insert or replace into gap (conv, a, b, why) values (?, ?, ?, ?)",
            _gap_rows(save.conv, save.gaps),
        )

    def _describe(self, save: SaveArrived) -> None:
        self._db.execute(
            "update chat set form = coalesce(nullif(?, ''), form), title = coalesce(?, title) where conv = ?",
            (save.form, save.title, save.conv),
        )
        if save.members is not None:
            self._sit(save.conv, save.members)

    def _sit(self, conv: ConvId, members: Sequence[Member]) -> None:
        self._db.execute("delete from member where conv = ?", (conv,))
        self._db.executemany(
            "insert or replace into member (conv, uid, name, place, role) values (?, ?, ?, ?, ?)",
            [(conv, member.uid, member.name, place, member.role) for place, member in enumerate(members)],
        )
        if self._is_group(conv):
            self._touch_all(
                self._db.execute(
                    """select lid from bubble where conv = ? and pos < ? and mine = 1 and state in (3, 4, 5)
                    order by pos desc limit ?""",
                    (conv, NOWHERE, GROUP_REDRAWN_MAX),
                )
            )

    @_write.register
    def _roster(self, save: SaveRoster) -> None:
        self._db.execute(
            """update chat set away = ?, thin = 0, form = coalesce(nullif(?, ''), form),
            title = coalesce(nullif(?, ''), title) where conv = ?""",
            (save.away, save.form, save.title, save.conv),
        )
        self._sit(save.conv, save.members)

    @_write.register
    def _older(self, save: SaveOlder) -> None:
        """History takes the place of its gap. New bubbles change nothing that is on a screen: a page brings them."""
        first_new = self._db.execute("select max(lid) + 1 from bubble where lid >= ?", (HEARD_LID,)).fetchone()[0]
        place = (save.conv, OLDER, save.last, save.first)
        cut = self._db.execute(
            "delete from gap where conv = ? and why = ? and a <= ? and b >= ? returning a, b", place
        ).fetchall()
        rests = [Gap(a, save.first - 1, OLDER) for a, _ in cut if a < save.first]
        rests += [Gap(save.last + 1, b, OLDER) for _, b in cut if b > save.last]
        self._db.executemany(
            "insert or replace into gap (conv, a, b, why) values (?, ?, ?, ?)",
            _gap_rows(save.conv, (*rests, *save.gaps)),
        )
        self._keep(save.conv, save.events)
        self._erase_recalled()
        for lid in [lid for lid in self._touched if lid >= (first_new or HEARD_LID)]:
            del self._touched[lid]

    def _keep(self, conv: ConvId, events: Sequence[Event]) -> None:
        """All at once. If we stumble, one by one: one goes to quarantine, and what is behind it is kept (P-81)."""
        if not events:
            return
        touched = dict(self._touched)
        self._db.execute("savepoint these")
        try:
            self._events(conv, events)
        except Exception as error:
            if not _is_poison(error):
                raise
            self._db.execute("rollback to these")
            self._touched = touched
            if len(events) == 1:
                log.exception("! position %d of a conversation is kept unread", events[0].pos)
                self._quarantine(conv, events[0])
            else:
                for event in events:
                    self._keep(conv, (event,))
        self._db.execute("release these")

    def _events(self, conv: ConvId, events: Sequence[Event]) -> None:
        keys = msgspec.json.encode([(event.did, event.dg) for event in events]).decode()
        found = self._db.execute(KNOWN, {"conv": conv, "keys": keys})
        self._here, self._echoes = {(did, dg): (lid, mine) for did, dg, lid, mine in found}, []
        for event in events:
            self._event(conv, event)
        self._settle(self._echoes)

    def _quarantine(self, conv: ConvId, event: Event) -> None:
        """The event as it came, and a place on the screen that says so; nothing of it is looked into."""
        row = self._db.execute(
            """insert into bubble (lid, conv, pos, place, uid, did, n, dg, ts, at_ms, kind, suite, content, state)
            select coalesce((select max(lid) + 1 from bubble where lid >= :first), :first), :conv, :pos, 2 * :pos, :uid,
            :did, :n, :dg, :ts, :ts, '', :suite, x'', :state where true on conflict do nothing returning lid""",
            {
                "first": HEARD_LID, "conv": conv, "pos": event.pos, "uid": event.uid, "did": event.did,
                "n": event.n, "dg": event.dg, "ts": event.ts, "suite": event.suite, "state": State.RECEIVED,
            },
        ).fetchone()  # fmt: skip
        if row is not None:
            self._raw(row[0], conv, event)
            self._touch(row[0])

    def _raw(self, lid: Lid, conv: ConvId, event: Event) -> None:
        self._db.execute(
            "insert into raw (lid, conv, pos, bytes) values (?, ?, ?, ?)",
            (lid, conv, event.pos, msgspec.json.encode(event)),
        )

    def _event(self, conv: ConvId, event: Event) -> None:
        """A message, or what the server said. The same digest again takes its new place (P-43, P-69)."""
        known = self._here.get((event.did, event.dg))
        if known is None:
            self._new_bubble(conv, event)
            return
        lid, mine = known
        if event.rel is not None:  # offered again to a restored server, it may point elsewhere
            self._db.execute("update bubble set rel_pos = ? where lid = ? and target <> ''", (event.rel.pos, lid))
        if not event.content:
            erase(self._db, lid)
        if event.rel is not None or not event.content:
            self._touch(lid)
            self._placed.append(lid)
        if mine:
            self._echoes.append(_settling(lid, conv, event, State.ACCEPTED))
        else:
            row = {"lid": lid, "conv": conv, "pos": event.pos, "ts": event.ts}
            self._db.execute(f"{PLACE} where lid = :lid", row)
            self._touch(lid)
            self._placed.append(lid)

    def _new_bubble(self, conv: ConvId, event: Event) -> None:
        mine = self.me is not None and event.uid == self.me.uid and event.did != SERVER_DID
        content = _bytes_of(event.content)
        kind, at_ms, rel, rel_pos, target = self._described(event, content, conv)
        state = _reached(State.ACCEPTED, event.pos, *self._others_reach(conv)) if mine else State.RECEIVED
        row = self._db.execute(
            """insert into bubble (lid, conv, pos, place, uid, did, n, dg, ts, at_ms, mine, kind, suite, content,
            media, state, rel, rel_pos, target)
            select coalesce((select max(lid) + 1 from bubble where lid >= :first), :first),
            :conv, :pos, 2 * :pos, :uid, :did, :n, :dg, :ts, :at_ms, :mine, :kind, :suite, :content, :media, :state,
            :rel, :rel_pos, :target where true on conflict do nothing returning lid""",
            {
                "first": HEARD_LID, "conv": conv, "pos": event.pos, "uid": event.uid, "did": event.did,
                "n": event.n, "dg": event.dg, "ts": event.ts, "at_ms": at_ms, "mine": mine, "kind": kind,
                "suite": event.suite, "content": content, "media": _media_column(event.media), "state": state,
                "rel": rel, "rel_pos": rel_pos, "target": target,
            },
        ).fetchone()  # fmt: skip
        if row is None:
            return
        if not kind:
            self._raw(row[0], conv, event)
        if event.dg and event.did != SERVER_DID:
            self._here[event.did, event.dg] = (row[0], mine)
        self._touch(row[0])
        self._placed.append(row[0])

    def _described(self, event: Event, content: bytes, conv: ConvId) -> tuple[str, int, str, int, str]:
        """The kind of an event, empty for what cannot be read (P-81), its author's clock, and what it is about.

        A message without content was recalled before it came here; its `rel` names its own place, that of an edit of
        it another one (P-74).
        """
        if not event.content and event.did != SERVER_DID:
            stub = event.rel is None or event.rel == Relation("recall", event.pos)
            return RECALLED, event.ts, *change_columns(None if stub else event.rel, None)
        if event.suite != PLAIN:
            said = read_content(event.did, event.suite, content, event.uid, conv)
            return ("notice" if said else ""), event.ts, *change_columns(event.rel, None)
        try:
            inner = unpack(content, author=event.uid, conv=conv)
        except Problem:
            return "", event.ts, *change_columns(event.rel, None)
        return _kind_of(inner), inner.at_ms, *change_columns(event.rel, inner)

    def read_again(self) -> None:
        """What an older version could not read, and this one can, becomes what it is, where it stands (P-81)."""
        for lid, conv, data in self._db.execute("select lid, conv, bytes from raw order by lid").fetchall():
            self._db.execute("savepoint one")
            try:
                self._read_one_again(lid, conv, msgspec.json.decode(data, type=Event))
            except Exception as error:
                if not _is_poison(error):
                    raise
                self._db.execute("rollback to one")
            self._db.execute("release one")
        self._erase_recalled()

    def _read_one_again(self, lid: Lid, conv: ConvId, event: Event) -> None:
        content = _bytes_of(event.content)
        kind, at_ms, rel, rel_pos, target = self._described(event, content, conv)
        if not kind:
            return
        self._db.execute(
            """update bubble set kind = ?, at_ms = ?, content = ?, media = ?, rel = ?, rel_pos = ?, target = ?
            where lid = ?""",
            (kind, at_ms, content, _media_column(event.media), rel, rel_pos, target, lid),
        )
        self._db.execute("delete from raw where lid = ?", (lid,))
        self._placed.append(lid)
        if kind == "notice":  # it may say who is here: the server is asked for the list
            self._db.execute("update chat set thin = 1 where conv = ? and form = 'group'", (conv,))

    def _kind(self, content: bytes, conv: ConvId) -> str:
        assert self.me is not None
        try:
            return _kind_of(unpack(content, author=self.me.uid, conv=conv))
        except Problem:
            return ""

    # --------------------------------------------------------------------------------------- generations

    @_write.register
    def _generation(self, save: SaveGeneration) -> None:
        """P-69: messages above the new cursor keep their place on the screen and give up their claim to it.

        Whoever had them has to get them again: their ticks are gone, also for when they come back by another device,
        and nobody has read yet what will stand there.
        What the server itself had said there, it has not said any more: who is in such a group must be asked.
        """
        self._erase_recalled()
        self._db.execute("update me set gen = ?", (save.gen,))
        for conv, cursor in save.cursors:
            self._db.execute(
                "update chat set thin = 1, away = 0 where conv = ? and form = 'group' and cursor > ?", (conv, cursor)
            )
            self._db.execute(
                """update chat set cursor = min(cursor, :cursor), head = min(head, :cursor), rev = 0,
                read_upto = min(read_upto, :cursor), they_have = 0, they_read = 0, seen_last = 0, crowd = ''
                where conv = :conv""",
                {"conv": conv, "cursor": cursor},
            )
            self._db.execute("delete from mark where conv = ?", (conv,))
            self._db.execute("delete from reading where conv = ? and upto > ?", (conv, cursor))
            above = "conv = ? and pos > ? and pos < ?"
            place = (conv, cursor, NOWHERE)
            self._db.execute(f"delete from bubble where {above} and did = '{SERVER_DID}'", place)
            self._db.execute(f"update bubble set lost = 1 where {above}", place)
            ticks = f"state in ({State.STORED:d}, {State.DELIVERED:d}, {State.READ:d})"
            self._db.execute(
                f"update bubble set state = {State.ACCEPTED:d} where {above} and mine = 1 and {ticks}", place
            )
            self._db.execute("delete from gap where conv = ? and a > ?", (conv, cursor))
            self._db.execute("update gap set b = min(b, ?) where conv = ?", (cursor, conv))

    # --------------------------------------------------------------------------------------- the rest

    @_write.register
    def _read(self, save: SaveRead) -> None:
        self._db.execute(
            """insert into chat (conv, read_upto) values (?, ?)
            on conflict (conv) do update set read_upto = max(read_upto, excluded.read_upto)""",
            (save.conv, save.upto),
        )

    @_write.register
    def _upload(self, save: SaveUpload) -> None:
        assert self.me is not None
        upload = save.upload
        kind = upload.inspected.kind if upload.inspected else upload.kind
        self._db.execute(
            "insert or replace into upload (lid, conv, data) values (?, ?, ?)",
            (upload.lid, upload.conv, msgspec.json.encode(upload)),
        )
        self._db.execute(
            """insert into bubble (lid, conv, uid, did, at_ms, mine, kind, content, state, path)
            values (?, ?, ?, ?, ?, 1, ?, x'', ?, ?) on conflict (lid) do update set kind = excluded.kind,
            n = iif(state = 11, 0, n), dg = iif(state = 11, '', dg), content = iif(state = 11, x'', content),
            code = iif(state = 11, '', code), state = iif(state = 11, excluded.state, state)""",
            (
                upload.lid, upload.conv, self.me.uid, self.me.did, upload.at_ms, kind, State.UPLOADING,
                upload.path,
            ),
        )  # fmt: skip
        self._touch(upload.lid)

    @_write.register
    def _fetched(self, save: SaveFetched) -> None:
        self._db.execute("update bubble set path = ?, code = ? where lid = ?", (save.path, save.code, save.lid))
        self._touch(save.lid)

    @_write.register
    def _dropped(self, save: SaveDropped) -> None:
        if (target := target_of(self._db, save.lid)) is not None:
            self._touch(target)
        for table in ("bubble", "upload", "outbox", "trace", "rewrite"):
            self._db.execute(f"delete from {table} where lid = ?", (save.lid,))
        self._touched.pop(save.lid, None)

    @_write.register
    def _people(self, save: SavePeople) -> None:
        self._db.execute("delete from person")
        self._db.executemany(
            "insert or replace into person (uid, name) values (?, ?)",
            [(person.uid, person.name) for person in save.people],
        )

    @_write.register
    def _prefs(self, save: SavePrefs) -> None:
        self._db.execute("delete from setting where key = ?", (PREFS_WISH,))
        if save.wish is not None:
            text = msgspec.json.encode(save.wish).decode()
            self._db.execute("insert into setting (key, value) values (?, ?)", (PREFS_WISH, text))

    def _erase_recalled(self) -> None:
        """Of all that has got a place since the last time."""
        placed, self._placed = self._placed, []
        for target in erase_recalled(self._db, placed) if placed else ():
            self._touch(target)

    def _touch(self, lid: Lid) -> None:
        self._touched[lid] = None

    def _touch_all(self, rows: Iterable[tuple[Lid]]) -> None:
        for (lid,) in list(rows):
            self._touch(lid)


def _is_poison(error: Exception) -> bool:
    """Whether this comes of what was to be stored; what comes of the disk or the machine withholds the ack (P-81)."""
    values = sqlite3.IntegrityError | sqlite3.DataError | sqlite3.InterfaceError | sqlite3.ProgrammingError
    return isinstance(error, values) or not isinstance(error, sqlite3.Error | OSError | MemoryError | Problem)


def _settling(lid: Lid, conv: ConvId, event: Event, state: State) -> SaveSettled:
    """What an own event in the log says about the bubble that waited for it."""
    return SaveSettled(lid, conv, state, event.pos, event.ts, 0)


def _reached(said: State, pos: int, they_have: int, they_read: int) -> State:
    """An accepted message at a position that others are known to have is delivered already."""
    if said not in _SETTLED_UP or not pos:
        return said
    known = State.READ if pos <= they_read else State.DELIVERED if pos <= they_have else said
    return max(said, known)


def _kind_of(content: Content) -> str:
    return str(type(content.body).__struct_config__.tag)


def _media_column(media: Sequence[MediaId]) -> str:
    return msgspec.json.encode(media).decode()


def _bytes_of(text: str) -> bytes:
    """The content bytes; none for what is not base64url, whose event is kept raw."""
    try:
        return from_text(text)
    except ValueError:
        return b""


def _gap_rows(conv: ConvId, gaps: Iterable[Gap]) -> list[tuple[ConvId, int, int, str]]:
    return [(conv, gap.first, gap.last, gap.why) for gap in gaps]
