"""T1 and T1': taking messages into the log, many offers of many lanes in one go (section 6, P-35, P-36).

Plain functions over a connection inside a transaction. One read per lane and conversation and batch; `last`, `ld`
and positions are always read from the rows, never kept between batches (P-36).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, TypeAlias

from protocol.codec import from_text, to_text
from protocol.lanes import NO_DIGEST
from protocol.packets import Event, MsgR
from protocol.values import NUMBER_MAX, ConvId, Did, Digest, MediaId, Uid
from server.core.acceptance import (
    ALIAS,
    MESSAGE,
    Answer,
    Fill,
    Found,
    Gone,
    Offer,
    Removed,
    Repeat,
    Settled,
    Slot,
    Take,
    Taken,
    Turn,
    Turned,
    decide,
)
from server.core.rights import Action, Target, may, may_relate
from server.stores.sqlite_many import insert, select
from server.stores.sqlite_rooms import Room, rooms, told

_LASTS = """select w.column1, w.column2, s.n, s.dg from {} w join slot s on s.conv = w.column1
    and s.did = w.column2 and s.n = (select max(n) from slot where conv = w.column1 and did = w.column2)"""
_SLOT = "select dg, kind, pos, code from slot where conv = ? and did = ? and n = ?"
_TWINS = (
    "select dg, kind, pos, code from slot indexed by slot_dg where conv = ? and did = ? and kind <> 3 and dg in ({})"
)
_ADD_LOG = "insert into log"
_ADD_SLOT = "insert into slot"
_ADD_PIN = "insert into pin (conv, pos, media, place)"
_RAISE = "update conv set head = ?, ts = ? where conv = ?"
_MEDIA = "select 1 from upload where media = ? and conv = ? and did = ? and done = 1"
_TARGET = "select uid, ts, did, rel from log where conv = ? and pos = ?"
_EDITS = "select count(*) from log where conv = ? and rel = ?"
_TIME = "select ts from log where conv = ? and pos = ?"
_ERASE = "update log set content = x'', rel = 'erased' where conv = ? and pos = ?"
_ERASE_EDITS = "update log set content = x'' where conv = ? and rel = ?"
_UNPIN = "delete from pin where conv = ? and pos = ?"
_UNPIN_EDITS = "delete from pin where conv = :conv and pos in (select pos from log where conv = :conv and rel = :rel)"


def accept_all(db: sqlite3.Connection, offers: Sequence[Offer], now_ms: int) -> list[Answer]:
    """Decide about offers one after another and write what was decided (T1, T1'); answers in order.

    A digest that its lane has already is rare and shows itself by the unique index; only then all is undone, and
    done again with every digest looked up first (P-32).
    """
    db.execute("savepoint hopeful")
    try:
        return _decide_all(db, _Batch(db, offers, now_ms, careful=False), offers)
    except sqlite3.IntegrityError:
        db.execute("rollback to hopeful")
        return _decide_all(db, _Batch(db, offers, now_ms, careful=True), offers)
    finally:
        if db.in_transaction:
            db.execute("release hopeful")


def _decide_all(db: sqlite3.Connection, batch: _Batch, offers: Sequence[Offer]) -> list[Answer]:
    answers = [batch.answer(offer) for offer in offers]
    batch.write()
    return answers


_LaneKey: TypeAlias = tuple[ConvId, Did]


class _Lane:
    """A lane inside a batch: its highest number, and the slots that the batch's digests have already."""

    __slots__ = ("did", "last", "ld", "twins")

    def __init__(self, did: int) -> None:
        self.did, self.last, self.ld = did, 0, NO_DIGEST
        self.twins: dict[Digest, Slot] = {}


def _lanes(db: sqlite3.Connection, offers: Sequence[Offer], *, careful: bool) -> dict[_LaneKey, _Lane]:
    """The lanes of a batch as they stand; with care, also which of its digests they have already."""
    digests: dict[_LaneKey, list[Digest]] = {}
    for offer in offers:
        digests.setdefault((offer.packet.conv, offer.who.did), []).append(offer.packet.dg)
    lanes = {(conv, did): _Lane(int(did)) for conv, did in digests}
    for conv, number, last, ld in select(db, _LASTS, [(conv, lane.did) for (conv, _), lane in lanes.items()]):
        lane = lanes[conv, Did(str(number))]
        lane.last, lane.ld = last, Digest(to_text(ld))
        if careful:
            lane.twins = _twins(db, conv, number, digests[conv, Did(str(number))])
    return lanes


def _twins(db: sqlite3.Connection, conv: ConvId, did: int, digests: list[Digest]) -> dict[Digest, Slot]:
    places = 1 << (len(digests) - 1).bit_length()  # few different statements, so that they stay prepared
    sql = _TWINS.format(",".join("?" * places))
    wanted = [from_text(dg) for dg in digests] + [None] * (places - len(digests))
    return {slot.dg: slot for slot in map(_slot, db.execute(sql, (conv, did, *wanted)))}


def _slot(row: tuple[bytes, int, int, str]) -> Slot:
    return Slot(Digest(to_text(row[0])), row[1], row[2], row[3])


class _Batch:
    """What one transaction knows and is going to write."""

    def __init__(self, db: sqlite3.Connection, offers: Sequence[Offer], now_ms: int, *, careful: bool) -> None:
        self._db, self._now_ms = db, now_ms
        self._lanes = _lanes(db, offers, careful=careful)
        self._rooms = rooms(db, {conv for conv, _ in self._lanes})
        self._raised: set[ConvId] = set()
        self._log: list[tuple[Any, ...]] = []
        self._slots: list[tuple[Any, ...]] = []
        self._pins: list[tuple[ConvId, int, MediaId, int]] = []

    def answer(self, offer: Offer) -> Answer:
        packet = offer.packet
        room, lane = self._rooms[packet.conv], self._lanes[packet.conv, offer.who.did]
        found = Found(
            lane.last,
            lane.ld,
            self._old_slot(packet.conv, lane, packet.n) if packet.n <= lane.last else None,
            lane.twins.get(packet.dg),
            self._refusal(room, offer) if isinstance(packet, MsgR) and packet.n == lane.last + 1 else "",
        )
        match decide(offer, found):
            case Take():
                return self._take(room, lane, offer)
            case Fill(slot, shown):
                self._fill(packet.conv, lane, packet.n, slot)
                return self._settled(room, lane, offer, shown)
            case Repeat(shown):
                return self._settled(room, lane, offer, shown)
            case Gone():
                return Removed(offer, lane.last, lane.ld)
            case Turn(code):
                return Turned(offer, code, lane.last, lane.ld)

    def write(self) -> None:
        """Write what was decided; called once more whenever a later decision must see it."""
        db = self._db
        insert(db, _ADD_LOG, self._log)
        insert(db, _ADD_SLOT, self._slots)
        insert(db, _ADD_PIN, self._pins)
        rooms = [self._rooms[conv] for conv in self._raised]
        db.executemany(_RAISE, [(room.head, room.ts, room.conv) for room in rooms])
        for rows in (self._log, self._slots, self._pins):
            rows.clear()
        self._raised.clear()

    def _take(self, room: Room, lane: _Lane, offer: Offer) -> Taken:
        packet, who = offer.packet, offer.who
        assert isinstance(packet, MsgR)
        pos, ts = room.head + 1, max(self._now_ms, room.ts + 1)
        event = Event(
            pos,
            ts,
            who.uid,
            who.did,
            packet.n,
            packet.dg,
            packet.suite,
            packet.content,
            packet.media,
            packet.rel,
        )
        room.head, room.ts = pos, ts
        self._raised.add(room.conv)
        self._fill(room.conv, lane, packet.n, Slot(packet.dg, MESSAGE, pos))
        rel = packet.rel and f"{packet.rel.kind}:{packet.rel.pos}"
        dg = self._slots[-1][3]
        self._log.append((room.conv, pos, lane.did, packet.n, who.uid, ts, dg, packet.suite, offer.content, rel))
        self._pins.extend((room.conv, pos, media, place) for place, media in enumerate(packet.media))
        if packet.rel is not None and packet.rel.kind == "recall":
            self._erase(room.conv, packet.rel.pos)
        return Taken(offer, event, room.members)

    def _fill(self, conv: ConvId, lane: _Lane, n: int, slot: Slot) -> None:
        """Bind the next number of the lane for ever (P-36)."""
        assert n == lane.last + 1, (n, lane.last)
        self._slots.append((conv, lane.did, n, from_text(slot.dg), slot.kind, slot.pos, slot.code))
        lane.last, lane.ld = n, slot.dg
        if slot.kind != ALIAS:
            lane.twins[slot.dg] = slot

    def _old_slot(self, conv: ConvId, lane: _Lane, n: int) -> Slot | None:
        """What a number was given to; for an alias, what its target was given to."""
        self.write()
        row = self._db.execute(_SLOT, (conv, lane.did, n)).fetchone()
        if row is None or row[1] != ALIAS:
            return None if row is None else _slot(row)
        dg = Digest(to_text(row[0]))
        return _twins(self._db, conv, lane.did, [dg]).get(dg)

    def _settled(self, room: Room, lane: _Lane, offer: Offer, shown: Slot) -> Settled:
        if shown.kind != MESSAGE:
            return Settled(offer, shown, lane.last, lane.ld)
        self.write()
        row = self._db.execute(_TIME, (room.conv, shown.pos)).fetchone()
        ts = row[0] if row else 0
        age_ms = max(0, self._now_ms - ts)
        known = told(self._db, room, offer.who.uid, 0)
        return Settled(offer, shown, lane.last, lane.ld, ts, age_ms, known, room.members)

    # --- what may stand against a message (P-34)

    def _refusal(self, room: Room, offer: Offer) -> str:
        packet, uid = offer.packet, offer.who.uid
        assert isinstance(packet, MsgR)
        if room.head >= NUMBER_MAX:  # no packet could name the next position (P-11)
            return "not_possible_now"
        refusal = may(Action.SEND, room.standing(uid))
        if not refusal and packet.media and not self._has_all(packet, int(offer.who.did)):
            refusal = "media_missing"
        if not refusal and packet.rel is not None:
            target = self._target(room, uid, packet.rel.pos)
            refusal = may_relate(packet.rel, uid, room.standing(uid), target)
        return refusal

    def _has_all(self, packet: MsgR, did: int) -> bool:
        """Whether every file is complete, of this conversation and this device's own (S11)."""
        found = (self._db.execute(_MEDIA, (media, packet.conv, did)).fetchone() for media in packet.media)
        return len(set(packet.media)) == len(packet.media) and all(found)

    def _target(self, room: Room, uid: Uid, pos: int) -> Target | None:
        self.write()
        row = self._db.execute(_TARGET, (room.conv, pos)).fetchone()
        if row is None or not row[2]:  # what the server said is nobody's to change
            return None
        edits = self._db.execute(_EDITS, (room.conv, f"edit:{pos}")).fetchone()[0]
        return Target(row[0], self._now_ms - row[1], edits, room.standing(uid).sees(pos), plain=row[3] is None)

    def _erase(self, conv: ConvId, pos: int) -> None:
        """A recall takes content and files away, also what edits made of them; the positions stay (P-74)."""
        self.write()
        edits = f"edit:{pos}"
        self._db.execute(_ERASE, (conv, pos))
        self._db.execute(_UNPIN, (conv, pos))
        self._db.execute(_UNPIN_EDITS, {"conv": conv, "rel": edits})
        self._db.execute(_ERASE_EDITS, (conv, edits))
