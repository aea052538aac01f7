"""Reading: pages of the log, heads, and what became of a message. Plain functions over a connection, no writing."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Literal

from protocol.codec import from_text, to_text
from protocol.limits import FRAME_MAX_BYTES, KIB, STORED_AFTER_S
from protocol.packets import Event, Fate, Gap, Head, Mark, Relation, Status, StatusKey
from protocol.values import ConvId, Did, Digest, MediaId, Uid
from server.core.acceptance import ALIAS, CANCELLED, MESSAGE
from server.core.crowd import Tally
from server.core.marks import shown
from server.core.moves import Ask, Page, Told
from server.core.rights import Action, Standing, may
from server.core.values import Identity
from server.stores.sqlite_rooms import Room, marks_above, room_of, tally_of, told

PAGE_MAX_BYTES = FRAME_MAX_BYTES - 96 * KIB  # what a page may hold before its last event; one event fits behind it
EVENT_OVERHEAD_BYTES = 256  # names and numbers around the content

ERASED = "erased"  # rel of a recalled row; its position stays as a stub (P-74)
_KINDS: Mapping[str, Literal["edit", "recall", "react"]] = {"edit": "edit", "recall": "recall", "react": "react"}
_CURSOR = "select upto, born from cursor where conv = ? and did = ?"
_ROWS = """select pos, ts, uid, did, n, dg, suite, content, rel from log
    where conv = ? and pos > ? and pos <= ? order by pos limit ?"""
_PINS = "select pos, media from pin where conv = ? and pos > ? and pos <= ? order by pos, place"
_HEADS = """select l.conv, c.head, coalesce(m.rev, r.rev, 0), coalesce(c.base, 0), m.until
    from listing l join conv c on c.conv = l.conv left join crev r on r.conv = l.conv
    join member m on m.conv = l.conv and m.uid = l.uid
        and m.since = (select max(since) from member where conv = l.conv and uid = l.uid)
    where l.uid = ? order by l.conv"""
_LAST = "select n, dg from slot where conv = ? and did = ? order by n desc limit 1"
_BY_DIGEST = """select dg, kind, pos, code from slot indexed by slot_dg
    where conv = ? and did = ? and dg = ? and kind <> 3"""
_BY_NUMBER = "select dg, kind, pos, code from slot where conv = ? and did = ? and n = ?"
_TIME = "select ts from log where conv = ? and pos = ?"


def pages(db: sqlite3.Connection, asked: Sequence[tuple[Identity, Ask]]) -> list[Page]:
    """All of these on one snapshot. What many ask for, as when a large group comes back at once, is read once."""
    shelf = _Shelf(db)
    return [page(db, who, ask, shelf) for who, ask in asked]


class _Shelf:
    """What one snapshot has shown: conversations, runs of their logs, and counts."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._rooms: dict[ConvId, Room] = {}
        self._tallies: dict[ConvId, Tally] = {}
        self._runs: dict[tuple[ConvId, int, int, int, int], list[Event]] = {}

    def room(self, conv: ConvId) -> Room:
        """The conversation as it stands."""
        if conv not in self._rooms:
            self._rooms[conv] = room_of(self._db, conv)
        return self._rooms[conv]

    def tally(self, room: Room) -> Tally:
        """How far it has got."""
        if room.conv not in self._tallies:
            self._tallies[room.conv] = tally_of(self._db, room)
        return self._tallies[room.conv]

    def run(self, conv: ConvId, first: int, last: int, limit: int, room_bytes: int) -> list[Event]:
        """Events behind `first`, up to `last`: at most `limit`, until there is no room; never none."""
        key = (conv, first, last, limit, room_bytes)
        if key not in self._runs:
            self._runs[key] = _run(self._db, *key)
        return self._runs[key]


def page(db: sqlite3.Connection, who: Identity, ask: Ask, shelf: _Shelf | None = None) -> Page:
    """Positions above `ask.after` as this person may see them, at most `ask.limit`, within one frame (P-42, P-45)."""
    shelf = shelf or _Shelf(db)
    room = shelf.room(ask.conv)
    standing = room.standing(who.uid)
    if code := may(Action.PULL, standing):
        return Page(ask, code=code)
    row = db.execute(_CURSOR, (ask.conv, int(who.did))).fetchone()
    cursor, born = row or (0, 0)
    after = cursor if ask.after is None else ask.after
    walk = _Walk(shelf, room, standing, after, 0 if ask.history else born)
    walk.go(ask.limit)
    marks = told(db, room, who.uid, ask.rev, shelf.tally) if ask.pull and not ask.history else Told()
    return Page(ask, after, walk.at, walk.head, cursor, tuple(walk.events), tuple(walk.gaps), marks)


class _Walk:
    """Goes up the log from a position; what it leaves behind is an event or lies in a gap.

    What the device's person had when the device was `born` is its history (P-63).
    """

    def __init__(self, shelf: _Shelf, room: Room, standing: Standing, after: int, born: int) -> None:
        self._shelf, self._room, self._standing, self._born = shelf, room, standing, born
        self.at, self.head = after, standing.head(room.head)
        self.events: list[Event] = []
        self.gaps: list[Gap] = []
        self._room_bytes = PAGE_MAX_BYTES

    def go(self, limit: int) -> None:
        while self.at < self.head and len(self.events) < limit and self._room_bytes > 0:
            if not self._jump():
                self._read(self._span_end(), limit - len(self.events))

    def _jump(self) -> bool:
        """Pass over what this person does not see, or what has expired, as one gap."""
        next_pos = self.at + 1
        if not self._standing.sees(next_pos):
            joins = [since for since, _ in self._standing.spans if since > next_pos]
            before = next_pos < self._standing.spans[0][0]
            self._gap(min([self.head, *(since - 1 for since in joins)]), "before_join" if before else "not_member")
            return True
        if next_pos <= self._room.floor:
            self._gap(min(self._room.floor, self._span_end()), "expired")
            return True
        if next_pos <= self._born:
            self._gap(min(self._born, self._span_end()), "before_device")
            return True
        return False

    def _span_end(self) -> int:
        ends = [until or self.head for since, until in self._standing.spans if since <= self.at + 1]
        return min(end for end in ends if end > self.at)

    def _gap(self, last: int, why: str) -> None:
        self.gaps.append(Gap(self.at + 1, last, why))
        self.at = last

    def _read(self, last: int, limit: int) -> None:
        events = self._shelf.run(self._room.conv, self.at, last, limit, self._room_bytes)
        self.events += events
        self.at = events[-1].pos
        self._room_bytes -= sum([len(event.content) + EVENT_OVERHEAD_BYTES for event in events])


def _run(db: sqlite3.Connection, conv: ConvId, first: int, last: int, limit: int, room_bytes: int) -> list[Event]:
    events: list[Event] = []
    pins: dict[int, list[MediaId]] | None = None
    for at, row in enumerate(db.execute(_ROWS, (conv, first, last, limit)).fetchall(), first):
        assert row[0] == at + 1, (conv, row[0], at)  # no holes above the floor (P-7)
        pins = pins if pins is not None else _pins(db, conv, first, last)
        events.append(event_of(row, tuple(pins.get(row[0], ()))))
        room_bytes -= len(events[-1].content) + EVENT_OVERHEAD_BYTES
        if room_bytes <= 0:
            break
    assert events, (conv, first, last)
    return events


def _pins(db: sqlite3.Connection, conv: ConvId, first: int, last: int) -> dict[int, list[MediaId]]:
    pins: dict[int, list[MediaId]] = {}
    for pos, media in db.execute(_PINS, (conv, first, last)):
        pins.setdefault(pos, []).append(media)
    return pins


def event_of(row: tuple[int, int, Uid, int, int, bytes, str, bytes, str | None], media: tuple[MediaId, ...]) -> Event:
    """A row of the log as everybody sees it."""
    pos, ts, uid, did, n, dg, suite, content, rel = row
    relation = None if rel is None else Relation("recall", pos) if rel == ERASED else _relation(rel)
    return Event(pos, ts, uid, Did(str(did)), n, Digest(to_text(dg)), suite, to_text(content), media, relation)


def _relation(rel: str) -> Relation:
    kind, _, target = rel.partition(":")
    return Relation(_KINDS[kind], int(target))


def heads(db: sqlite3.Connection, uid: Uid) -> tuple[Head, ...]:
    """Where every conversation of this person stands, as the person may see it (P-46)."""
    return tuple(Head(conv, until or head, rev, base) for conv, head, rev, base, until in db.execute(_HEADS, (uid,)))


def states(db: sqlite3.Connection, who: Identity, keys: Sequence[StatusKey], now_ms: int) -> tuple[Status, ...]:
    """What became of these messages of this device: first by digest, then by number (section 3, `is`)."""
    return tuple(_state(db, who, key, now_ms) for key in keys)


def _state(db: sqlite3.Connection, who: Identity, key: StatusKey, now_ms: int) -> Status:
    did = int(who.did)
    row = db.execute(_LAST, (key.conv, did)).fetchone()
    last, ld = (int(row[0]), Digest(to_text(row[1]))) if row else (0, Digest(""))
    slot = _slot_by_digest(db, key, did)
    if slot is None:
        taken = db.execute(_BY_NUMBER, (key.conv, did, key.n)).fetchone() is not None
        fate: Fate = "other" if taken else "gone" if key.n <= last else "unknown"
        return Status(key.conv, key.n, key.dg, fate, last, ld)
    _, kind, pos, code = slot
    if kind != MESSAGE:
        return Status(key.conv, key.n, key.dg, "cancelled" if kind == CANCELLED else "refused", last, ld, code=code)
    return _accepted(db, who, key, last, ld, pos, now_ms)


def _slot_by_digest(db: sqlite3.Connection, key: StatusKey, did: int) -> tuple[bytes, int, int, str] | None:
    try:
        dg = from_text(key.dg)
    except ValueError:
        return None
    row: tuple[bytes, int, int, str] | None = db.execute(_BY_DIGEST, (key.conv, did, dg)).fetchone()
    assert row is None or row[1] != ALIAS
    return row


def _accepted(
    db: sqlite3.Connection, who: Identity, key: StatusKey, last: int, ld: Digest, pos: int, now_ms: int
) -> Status:
    """A message in the log: how many other members have it, and have read it (P-53)."""
    room = room_of(db, key.conv)
    standing = room.standing(who.uid)
    others = set(room.members) - {who.uid}
    every = marks_above(db, key.conv, 0) if standing.current else ()
    marks = [mark for mark in shown(every, who.uid, tells=standing.tells, silent=room.silent) if mark.by in others]
    delivered, read = _at_least(pos, marks, "delivered"), _at_least(pos, marks, "read")
    row = db.execute(_TIME, (key.conv, pos)).fetchone()
    ts: int = row[0] if row else 0
    fate: Fate = "stored" if not delivered and now_ms - ts >= STORED_AFTER_S * 1000 else "accepted"
    if others and delivered == len(others):
        fate = "read" if read == len(others) else "delivered"
    return Status(key.conv, key.n, key.dg, fate, last, ld, pos, ts, delivered, read)


def _at_least(pos: int, marks: Sequence[Mark], what: Literal["delivered", "read"]) -> int:
    return sum(getattr(mark, what) >= pos for mark in marks)
