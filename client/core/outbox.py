"""The sender: numbers, ladders and fates of what this device writes (sections 5, 7 and 10 of the contract).

A row is written down before it leaves (T0). Rows of a lane leave in order; the first unsettled one is the head, and
the ladder is the head's. An answer settles the row with its digest; only proof that the head can never be taken
under its number makes the lane renumber. Nothing here knows whether the line is alive: that is another clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from client.core.adrift import Adrift, loose, moored
from client.core.effects import (
    Output,
    SaveAdrift,
    SaveComposed,
    SaveDropped,
    SaveMoored,
    SaveRenumbered,
    SaveRequeued,
    SaveRewrite,
    SaveSeenLast,
    SaveSettled,
    SaveState,
    Send,
    Told,
    Traced,
    Tried,
)
from client.core.events import (
    Cancel,
    Compose,
    Drop,
    Event,
    Internal,
    Placed,
    Resend,
    Reword,
    Rewound,
    Said,
    SessionDown,
    SessionUp,
)
from client.core.lane import LaneQueue, Waiting
from client.core.model import Accepted, Memory, Rewrite, Row, State
from client.core.probes import Probes
from protocol.codec import to_text
from protocol.ladder import Climb, Ladder, bottom
from protocol.limits import BUSY_RETRY_MS, OUTBOX_MAX_ROWS, SILENT_MAX_S, UNANSWERED_MAX, UNANSWERED_MAX_BYTES
from protocol.packets import Event as LogEvent
from protocol.packets import MsgA, MsgR, Nack, Packet, Relation, Status, StatusA, StatusKey, VoidA, VoidR
from protocol.problems import TargetGone
from protocol.values import ConvId, Digest, Lid, Value, replace

AGAIN_CODES = frozenset({"order", "fork", "unknown"})
"""Refusals after which the lane goes back to its head (P-25, P-29…P-31); any other asks for a pause (P-26)."""


class _Proof(Value, frozen=True):
    """What an answer says about a lane: the highest number resolved and its digest (P-22).

    `n` and `dg`: this number was given to this digest for ever; 0 if the answer does not say.
    """

    last: int
    ld: Digest
    n: int = 0
    dg: Digest = Digest("")


class _Fate(Value, frozen=True):
    """What became of a row, and which packet says so."""

    state: State
    packet: str
    pos: int = 0
    ts: int = 0
    code: str = ""


class Outbox:
    """The machine of sending.

    Args:
        memory: what was written down; `memory.me` is known.
        ladder: the schedule of tries.
        now_ms: the wall clock at the start; it only finds what waited for seven days (P-58).
    """

    def __init__(self, memory: Memory, ladder: Ladder, now_ms: int) -> None:
        assert memory.me is not None
        self._did, self._ladder = memory.me.did, ladder
        self._wire: int | None = None
        self._now_s = 0.0
        self._lanes = {room.conv: LaneQueue(room.conv, room.lane) for room in memory.rooms}
        self._conv_of: dict[Lid, ConvId] = {}
        self._flying: dict[Lid, Waiting] = {}
        self._flying_bytes = 0
        self._adrift = Adrift()
        self._rewrites = dict(memory.rewrites)
        self._probes = Probes(memory.me.uid, ladder, memory.accepted, memory.rooms)
        self._told_first = self._wake(memory.rows, now_ms)

    def handle(self, event: Event | Internal, now_s: float) -> list[Output]:
        self._now_s = now_s
        outputs, self._told_first = self._told_first, []
        outputs += self._react(event, now_s)
        if self._wire is not None:
            return outputs + self._park_unanswered(now_s) + self._send_due(self._wire, now_s)
        if self._ladder.literal:
            self._climb_without_line(now_s)
            return outputs + self._park_unanswered(now_s)
        return outputs

    def next_wakeup_s(self) -> float | None:
        """When the next step of a ladder is due; the clock stands still without a session (P-55)."""
        if self._wire is None and not self._ladder.literal:
            return None
        due = [due_s for lane in self._lanes.values() for due_s in self._due_of(lane)]
        if self._wire is not None and (probe_s := self._probes.next_wakeup_s()) is not None:
            due.append(probe_s)
        return min(due, default=None)

    def unanswered_since_s(self) -> float | None:
        """Since when the oldest flying row waits for its answer (P-15)."""
        return min((waiting.sent_s for waiting in self._flying.values()), default=None)

    def waits(self, lid: Lid) -> bool:
        """Whether this bubble has an unsettled row."""
        return lid in self._conv_of

    def key_of(self, lid: Lid) -> StatusKey | None:
        """What to ask the server about this bubble; None if it does not wait here any more (P-57)."""
        if lid in self._conv_of and lid not in self._adrift:
            row = self._lanes[self._conv_of[lid]].by_lid(lid).row
            return StatusKey(row.conv, row.n, row.dg)
        message = self._probes.of(lid)
        return StatusKey(message.conv, message.n, message.dg) if message else None

    def echo(
        self, conv: ConvId, events: Sequence[LogEvent], now_s: float
    ) -> tuple[tuple[tuple[Lid, LogEvent, State], ...], list[Output]]:
        """Own events read from the log settle their rows (P-21) and are evidence of their number (P-22).

        Returns the pairs that belong into the same T4 as the events, and what follows from them.
        """
        lane = self._lane(conv)
        settled: list[tuple[Lid, LogEvent, State]] = []
        outputs: list[Output] = []
        seen_last = lane.end.seen_last
        for event in events:
            if event.did == self._did:
                lane.see(event.n)
                if waiting := lane.by_digest(event.dg):
                    settled.append((waiting.row.lid, event, State.ACCEPTED))
                    outputs += self._accepted(lane, waiting, event.pos, now_s)
            outputs += self._moor(lane, event.dg, event.pos, now_s)
        if lane.end.seen_last > seen_last:
            outputs.append(SaveSeenLast(conv, lane.end.seen_last))
        return tuple(settled), outputs

    # ---------------------------------------------------------------------------------------- starting

    def _wake(self, rows: Iterable[Row], now_ms: int) -> list[Output]:
        """Line the rows up. What waited for seven days is asked about, and what stands behind it waits too (P-58)."""
        outputs: list[Output] = []
        for row in sorted(rows, key=lambda row: (row.n == 0, row.n, row.lid)):
            lane = self._lane(row.conv)
            overdue = row.wish == "send" and 0 < row.first_ms < now_ms - SILENT_MAX_S * 1000
            self._conv_of[row.lid] = row.conv
            if not row.n:
                self._adrift.keep(row)
                outputs += self._strand(lane, row.target) if overdue and not lane.by_digest(row.target) else []
                continue
            parked = row.parked or overdue or lane.parked
            waiting = Waiting(row, bottom(0.0), overdue=overdue)
            lane.rows.append(waiting)
            if parked and not row.parked:
                outputs.append(self._park(waiting))
        return outputs

    def convs(self) -> list[ConvId]:
        """Where this device has said something, or may."""
        return list(self._lanes)

    def _lane(self, conv: ConvId) -> LaneQueue:
        return self._lanes.setdefault(conv, LaneQueue(conv))

    # ------------------------------------------------------------------------------------------ events

    def _react(self, event: Event | Internal, now_s: float) -> list[Output]:
        match event:
            case Compose():
                return self._compose(event, now_s)
            case Resend(lid) if lid in self._conv_of:
                return self._resume(self._lanes[self._conv_of[lid]], now_s)
            case Cancel(lid) if lid in self._conv_of:
                return [*self._keep_words(lid), *self._cancel(self._lanes[self._conv_of[lid]], lid, now_s)]
            case Reword(lid, rewrite):
                return self._reword(lid, rewrite, now_s)
            case Drop(lid, conv) if lid not in self._conv_of:
                return [SaveDropped(lid, conv)]
            case Said(packets):
                return [output for packet in packets for output in self._hear(packet, now_s)]
            case SessionUp(wire):
                return self._begin(wire, now_s)
            case SessionDown():
                return self._end()
            case Rewound():
                return self._rewind(event, now_s)
        return []

    def _compose(self, wish: Compose, now_s: float) -> list[Output]:
        """T0 (P-19)."""
        if wish.lid in self._conv_of:
            return []
        if len(self._conv_of) >= OUTBOX_MAX_ROWS:
            return [Told("outbox_full", wish.lid)]
        lane = self._lane(wish.conv)
        row = self._append(lane, _row_of(wish), now_s)
        saved = SaveComposed(
            row.lid, row.conv, row.n, row.pd, row.dg, row.content, row.media, wish.at_ms, lane.end, row.rel, row.target
        )
        return [saved, *_say_parked(row)]

    def _append(self, lane: LaneQueue, row: Row, now_s: float, base: int | None = None) -> Row:
        """At the end of the lane; or adrift, if it is about a message without a position, or with one above `base`."""
        self._conv_of[row.lid] = lane.conv
        if row.rel is not None and (not row.rel.pos or (base is not None and row.rel.pos > base)):
            return self._adrift.keep(row)
        return lane.append(row, now_s)

    def _reword(self, lid: Lid, rewrite: Rewrite, now_s: float) -> list[Output]:
        """It is cancelled, and what the answer makes of the new words is decided then: nothing is said twice."""
        if lid not in self._conv_of or lid in self._adrift:
            return [Told("not_possible_now", lid)]
        self._rewrites[lid] = rewrite
        return [SaveRewrite(lid, rewrite), *self._cancel(self._lanes[self._conv_of[lid]], lid, now_s)]

    def _keep_words(self, lid: Lid) -> list[Output]:
        """The person takes all of it back."""
        return [] if self._rewrites.pop(lid, None) is None else [SaveRewrite(lid, None)]

    def _resume(self, lane: LaneQueue, now_s: float) -> list[Output]:
        """The person wants it sent: the lane starts again as a whole, at try 1, with the same keys (P-20, P-57).

        A first try that is under way is not repeated: who answers for a thousand messages says each of them once.
        """
        if not lane.parked and lane.head is not None and lane.head.climb.tries <= 1:
            return []
        outputs: list[Output] = []
        lane.alone = lane.returned = False
        for waiting in lane.rows:
            waiting.overdue = False
            outputs += self._ground(waiting)
            outputs += self._release(waiting)
            waiting.climb = bottom(now_s)
        return outputs

    def _cancel(self, lane: LaneQueue, lid: Lid, now_s: float) -> list[Output]:
        """From now on its tries are void:R; only the answer says which of the two won (P-40)."""
        moored_now = self._moor_row(lane, self._adrift.take(lid), 0, now_s) if lid in self._adrift else []
        waiting = lane.by_lid(lid)
        self._land(waiting)
        waiting.row = replace(waiting.row, wish="cancel")
        waiting.climb, waiting.overdue = bottom(now_s), False
        return [
            *moored_now,
            SaveState(lid, State.CANCELLING, "cancel", waiting.row.parked),
            *self._release_cancelled(lane, now_s),
        ]

    def _begin(self, wire: int, now_s: float) -> list[Output]:
        """Every row that is not parked starts at try 1, at once (P-55)."""
        outputs = self._end()
        self._wire = wire
        if not self._ladder.literal:
            for lane in self._lanes.values():
                for waiting in lane.rows:
                    waiting.climb = bottom(now_s)
        self._probes.restart(now_s)
        return outputs

    def _end(self) -> list[Output]:
        self._wire = None
        outputs = [note for waiting in list(self._flying.values()) for note in self._ground(waiting)]
        for lane in self._lanes.values():
            lane.alone = lane.returned = False
        return outputs

    def _rewind(self, event: Rewound, now_s: float) -> list[Output]:
        """A restored server: what it has forgotten is offered again; evidence of before is void (P-69)."""
        outputs: list[Output] = []
        for lane in self._lanes.values():
            lane.end = replace(lane.end, seen_last=0)
            outputs += self._cut_loose(lane, event.bases.get(lane.conv, 0))
        self._probes.rewind(event.bases)
        for own in event.own:
            if own.lid in self._conv_of:
                continue
            lane = self._lane(own.conv)
            row = Row(
                own.lid, own.conv, 0, Digest(""), own.dg, own.content, own.media,
                first_ms=own.first_ms, rel=own.rel, target=own.target,
            )  # fmt: skip
            row = self._append(lane, row, now_s, event.bases.get(own.conv, 0))
            outputs += [SaveRequeued(row.lid, row.conv, row.n, row.pd, lane.end), *_say_parked(row)]
        return outputs

    # ------------------------------------------------------------------------- changes without a place

    def _cut_loose(self, lane: LaneQueue, base: int) -> list[Output]:
        """What was at a position above the base is not there any more: another message will be (P-69)."""
        outputs: list[Output] = []
        for waiting in loose(lane, base):
            outputs += self._ground(waiting)
            lane.rows.remove(waiting)
            outputs.append(SaveAdrift(self._adrift.keep(waiting.row).lid, lane.conv))
        return outputs

    def _moor(self, lane: LaneQueue, target: Digest, pos: int, now_s: float) -> list[Output]:
        """A message has its place: what is to be done to it may go."""
        rows = self._adrift.about(lane.conv, target)
        return [output for row in rows for output in self._moor_row(lane, row, pos, now_s)]

    def _moor_row(self, lane: LaneQueue, row: Row, pos: int, now_s: float) -> list[Output]:
        row = lane.append(moored(row, pos), now_s)
        return [SaveMoored(row.lid, row.conv, row.n, row.pd, pos, lane.end), *_say_parked(row)]

    def _strand(self, lane: LaneQueue, target: Digest) -> list[Output]:
        """A message will never have a place: nothing can be done to it."""
        outputs: list[Output] = []
        for row in self._adrift.about(lane.conv, target):
            del self._conv_of[row.lid]
            seen_last = lane.end.seen_last
            outputs.append(SaveSettled(row.lid, row.conv, State.REFUSED, 0, 0, seen_last, TargetGone.code))
        return outputs

    # ----------------------------------------------------------------------------------------- answers

    def _hear(self, packet: object, now_s: float) -> list[Output]:
        match packet:
            case MsgA(gone=True):
                return self._hear_gone(packet.conv, packet.n, packet.dg, _Proof(packet.last, packet.ld), now_s)
            case MsgA(conv, n, pos, dg, ts, last, ld):
                fate = _Fate(State.ACCEPTED, "msg:A", pos, ts)
                return self._conclude(conv, dg, fate, _Proof(last, ld, n, dg), now_s)
            case VoidA(conv, n, dg, last, ld):
                return self._conclude(conv, dg, _Fate(State.CANCELLED, "void:A"), _Proof(last, ld, n, dg), now_s)
            case Nack(final=True):
                fate = _Fate(State.REFUSED, "nack", code=packet.code)
                return self._conclude(packet.conv, packet.dg, fate, _proof_of(packet), now_s)
            case Nack():
                return self._hear_turned_away(packet, now_s)
            case StatusA(states):
                return [output for status in states for output in self._hear_status(status, now_s)]
        return self._probes.hear(packet)

    def _hear_gone(self, conv: ConvId, n: int, dg: Digest, proof: _Proof, now_s: float) -> list[Output]:
        """The number is old and forgotten: it may have been sent long ago (P-24). The server has no digest to say."""
        waiting = self._lane(conv).by_number(n)
        known = waiting.row.dg if waiting and dg in ("", waiting.row.dg) else Digest("")
        return self._conclude(conv, known, _Fate(State.LONG_AGO, "msg:A"), proof, now_s)

    def _hear_status(self, status: Status, now_s: float) -> list[Output]:
        """The answer to a question settles as well (P-21)."""
        proof = _Proof(status.last, status.ld)
        match status.fate:
            case "accepted" | "stored" | "delivered" | "read":
                fate = _Fate(State.ACCEPTED, "status:A", status.pos, status.ts)
                return self._conclude(status.conv, status.dg, fate, proof, now_s)
            case "cancelled":
                return self._conclude(status.conv, status.dg, _Fate(State.CANCELLED, "status:A"), proof, now_s)
            case "refused":
                fate = _Fate(State.REFUSED, "status:A", code=status.code)
                return self._conclude(status.conv, status.dg, fate, proof, now_s)
            case "gone":
                return self._hear_gone(status.conv, status.n, status.dg, proof, now_s)
            case "other":
                proof = replace(proof, n=status.n)
        return self._prove(self._lane(status.conv), proof, now_s)

    def _conclude(self, conv: ConvId, dg: Digest, fate: _Fate, proof: _Proof | None, now_s: float) -> list[Output]:
        """Settle the row with this digest, if one waits (P-21); then look at the head (P-23)."""
        lane = self._lane(conv)
        waiting = lane.by_digest(dg) if dg else None
        if waiting is None:
            return self._prove(lane, proof, now_s)
        seen_last = max(lane.end.seen_last, proof.last if proof else 0)
        lid, tries = waiting.row.lid, max(waiting.climb.tries, 1)
        if fate.state is State.ACCEPTED:
            follows = self._accepted(lane, waiting, fate.pos, now_s)
        else:
            follows = self._ended(lane, waiting, now_s)
        return [
            SaveSettled(lid, conv, fate.state, fate.pos, fate.ts, seen_last, fate.code),
            Traced(lid, fate.packet, "in", tries, fate.code),
            *follows,
            *self._prove(lane, proof, now_s, saved=True),
        ]

    def _accepted(self, lane: LaneQueue, waiting: Waiting, pos: int, now_s: float) -> list[Output]:
        row = waiting.row
        self._probes.take(Accepted(row.lid, row.conv, row.n, row.pd, row.dg, pos), waiting.climb)
        rewrite = self._rewrites.pop(row.lid, None)
        too_late: list[Output] = [Told("cancel_too_late", row.lid)] if waiting.cancelling and not rewrite else []
        outputs = [Placed(row.conv, pos), *too_late, *self._remove(lane, waiting, now_s)]
        if rewrite is not None:
            outputs += [SaveRewrite(row.lid, None), *self._compose(_edit_of(row, rewrite, pos), now_s)]
        return outputs + self._moor(lane, row.dg, pos, now_s)

    def _ended(self, lane: LaneQueue, waiting: Waiting, now_s: float) -> list[Output]:
        """The server will never have it. What it is to say instead takes its place on the screen."""
        row = waiting.row
        outputs = [*self._remove(lane, waiting, now_s), *self._strand(lane, row.dg)]
        if (rewrite := self._rewrites.pop(row.lid, None)) is not None:
            anew = Compose(row.lid, row.conv, rewrite.anew, rewrite.anew_dg, rewrite.at_ms, rewrite.media)
            outputs += [SaveRewrite(row.lid, None), *self._compose(anew, now_s)]
        return outputs

    def _remove(self, lane: LaneQueue, waiting: Waiting, now_s: float) -> list[Output]:
        """The row leaves the lane; a late answer lifts what was parked behind it, without asking (section 10)."""
        self._land(waiting)
        lane.rows.remove(waiting)
        del self._conv_of[waiting.row.lid]
        lane.alone = lane.returned = False
        return self._lift(lane, now_s)

    # ----------------------------------------------------------------------------- proof and renumbering

    def _prove(self, lane: LaneQueue, proof: _Proof | None, now_s: float, *, saved: bool = False) -> list[Output]:
        """Renumber if the head can never be taken under its number; stale news proves nothing (P-22, P-23)."""
        before = lane.end.seen_last
        if proof is None or not lane.see(proof.last):
            return []
        noted: list[Output] = []
        if proof.last > before and not saved:
            noted = [SaveSeenLast(lane.conv, proof.last)]
        if lane.head is None or not _disproves(proof, lane.head.row):
            return noted
        return [*noted, *self._renumber(lane, proof, now_s)]

    def _renumber(self, lane: LaneQueue, proof: _Proof, now_s: float) -> list[Output]:
        """T0: all waiting rows of the lane move behind what the server has (P-23)."""
        notes = [note for waiting in lane.rows for note in self._ground(waiting)]
        moved = tuple(lane.renumber(proof.last, proof.ld, now_s))
        lane.alone = lane.returned = False
        return [SaveRenumbered(lane.conv, moved, lane.end), *notes, *self._lift(lane, now_s)]

    def _hear_turned_away(self, packet: Nack, now_s: float) -> list[Output]:
        """Not taken this time; it costs no try (P-56)."""
        lane = self._lanes.get(packet.conv)
        waiting = lane and (lane.by_digest(packet.dg) or lane.by_number(packet.n))
        if lane is None or not waiting:
            return []
        noted: list[Output] = [Traced(waiting.row.lid, "nack", "in", max(waiting.climb.tries, 1), packet.code)]
        proof = _proof_of(packet)
        place = lane.rows[0].row.n, lane.rows[0].row.pd
        noted += self._prove(lane, proof, now_s)
        if (lane.rows[0].row.n, lane.rows[0].row.pd) != place:
            return noted
        if packet.code not in AGAIN_CODES:
            return noted + self._pause(lane, waiting, now_s + (packet.retry_ms or BUSY_RETRY_MS) / 1000)
        if proof and proof.last + 1 == lane.rows[0].row.n and proof.last >= lane.end.seen_last:
            self._go_back(lane, now_s)
        return noted

    def _pause(self, lane: LaneQueue, refused: Waiting, due_s: float) -> list[Output]:
        """The server is busy: this row and those behind it wait as long as it asks for (P-26)."""
        if not refused.flying:
            return []
        notes: list[Output] = []
        for waiting in lane.from_(refused):
            if waiting.flying:
                notes += self._ground(waiting)
                waiting.take_back(due_s)
        return notes

    def _go_back(self, lane: LaneQueue, now_s: float) -> None:
        """Send on from the head, at most once per round trip (P-25)."""
        if lane.returned or not lane.rows[0].flying:
            return
        lane.returned = True
        for waiting in lane.rows:
            if waiting.flying:
                self._land(waiting)
                waiting.take_back(now_s)

    # --------------------------------------------------------------------------------- parking, lifting

    def _park_unanswered(self, now_s: float) -> list[Output]:
        """A head that ran out of tries: the lane waits for the person as a whole (P-20, P-54)."""
        outputs: list[Output] = []
        for lane in self._lanes.values():
            head = lane.head
            if head is None or head.row.parked or head.climb.due_s > now_s:
                continue
            if head.climb.exhausted(self._ladder):
                lane.alone = lane.returned = False
                for waiting in lane.rows:
                    outputs += self._ground(waiting)
                    if not waiting.row.parked:
                        outputs.append(self._park(waiting))
        return outputs

    def _park(self, waiting: Waiting) -> Output:
        waiting.row = replace(waiting.row, parked=True)
        return SaveState(waiting.row.lid, State.NEEDS_YOU, waiting.row.wish, parked=True)

    def _lift(self, lane: LaneQueue, now_s: float) -> list[Output]:
        """The lane is answered again: go on by itself, but for what is too old to go without a word (P-58)."""
        if not lane.parked:
            return []
        if any(waiting.overdue for waiting in lane.rows):
            return self._release_cancelled(lane, now_s)
        outputs: list[Output] = []
        for waiting in lane.rows:
            if waiting.row.parked:
                outputs += self._release(waiting)
                waiting.climb = bottom(now_s)
        return outputs

    def _release_cancelled(self, lane: LaneQueue, now_s: float) -> list[Output]:
        """Deleting the rows in front needs no further question; what stands behind still waits for the person."""
        outputs: list[Output] = []
        for waiting in lane.rows:
            if not waiting.cancelling:
                break
            if waiting.row.parked:
                outputs += self._release(waiting)
                waiting.climb = bottom(now_s)
        return outputs

    def _release(self, waiting: Waiting) -> list[Output]:
        if not waiting.row.parked:
            return []
        waiting.row = replace(waiting.row, parked=False)
        state = State.CANCELLING if waiting.cancelling else State.QUEUED
        return [SaveState(waiting.row.lid, state, waiting.row.wish)]

    # ----------------------------------------------------------------------------------------- sending

    def _send_due(self, wire: int, now_s: float) -> list[Output]:
        """What is due leaves together: first the heads, so that no lane holds up another (P-20), then the rest."""
        packets: list[Packet] = []
        notes: list[Output] = []
        for lane in self._lanes.values():
            notes += self._send_head(lane, packets, now_s)
        for lane in self._lanes.values():
            notes += self._send_rest(lane, packets, now_s)
        probes, probe_notes = self._probes.due(now_s)
        packets += probes
        return [Send(wire, tuple(packets)), *notes, *probe_notes] if packets else notes

    def _send_head(self, lane: LaneQueue, packets: list[Packet], now_s: float) -> list[Output]:
        head = lane.head
        if head is None or not self._may_go(head, now_s):
            return []
        notes: list[Output] = []
        if head.flying:
            lane.alone, lane.returned = True, False
            notes = [note for waiting in lane.rows[1:] for note in self._hold_back(waiting, now_s)]
        return [*self._fly(head, packets, now_s), *notes]

    def _send_rest(self, lane: LaneQueue, packets: list[Packet], now_s: float) -> list[Output]:
        """Pipelining (P-20, P-79). A head that had to be tried again is tried alone."""
        notes: list[Output] = []
        if lane.alone or lane.head is None or not lane.head.flying:
            return notes
        for waiting in lane.rows:
            if waiting.flying:
                continue
            if not self._may_go(waiting, now_s):
                break
            notes += self._fly(waiting, packets, now_s)
        return notes

    def _may_go(self, waiting: Waiting, now_s: float) -> bool:
        if waiting.row.parked or waiting.climb.due_s > now_s or waiting.climb.exhausted(self._ladder):
            return False
        return waiting.flying or self._room_for(waiting)

    def _room_for(self, waiting: Waiting) -> bool:
        """Whether the window lets one more go (P-79)."""
        size_bytes = self._flying_bytes + len(waiting.row.content)
        return not self._flying or (len(self._flying) < UNANSWERED_MAX and size_bytes <= UNANSWERED_MAX_BYTES)

    def _fly(self, waiting: Waiting, packets: list[Packet], now_s: float) -> list[Output]:
        if not waiting.flying:
            waiting.flying = True
            self._flying[waiting.row.lid] = waiting
            self._flying_bytes += len(waiting.row.content)
        waiting.sent_s = now_s
        waiting.climb = waiting.climb.stepped(self._ladder, now_s)
        packets.append(_packet_of(waiting.row))
        name: Literal["void:R", "msg:R"] = "void:R" if waiting.cancelling else "msg:R"
        return [
            Tried(waiting.row.lid, waiting.climb.tries, waiting.climb.due_s),
            Traced(waiting.row.lid, name, "out", waiting.climb.tries),
        ]

    def _land(self, waiting: Waiting) -> None:
        """It is answered, or its answer is not waited for any more: its place in the window is free."""
        if waiting.flying:
            waiting.flying = False
            del self._flying[waiting.row.lid]
            self._flying_bytes -= len(waiting.row.content)

    def _ground(self, waiting: Waiting) -> list[Output]:
        """Land it, and take the note of its running try back."""
        if not waiting.flying:
            return []
        self._land(waiting)
        return [Tried(waiting.row.lid, 0, 0.0)]

    def _hold_back(self, waiting: Waiting, now_s: float) -> list[Output]:
        """It goes again as soon as the head is answered."""
        if not waiting.flying:
            return []
        if not waiting.climb.exhausted(self._ladder):
            waiting.climb = Climb(waiting.climb.tries, now_s)
        return self._ground(waiting)

    def _climb_without_line(self, now_s: float) -> None:
        """The literal schedule counts time without a session: tries pass unsent (P-55)."""
        for lane in self._lanes.values():
            head = lane.head
            if head and not head.row.parked and head.climb.due_s <= now_s and not head.climb.exhausted(self._ladder):
                head.climb = head.climb.stepped(self._ladder, now_s)

    def _due_of(self, lane: LaneQueue) -> list[float]:
        """When the head steps on, and when the first row that paused goes again."""
        due: list[float] = []
        for waiting in lane.rows[: UNANSWERED_MAX + 1]:
            if waiting.row.parked:
                break
            if (waiting is lane.rows[0] or not waiting.flying) and waiting.climb.due_s > self._now_s:
                due.append(waiting.climb.due_s)
            if not waiting.flying:
                break
        return due


def _disproves(proof: _Proof, head: Row) -> bool:
    """Whether the head can never be taken under its present number (P-23 a, b, c)."""
    if proof.n and proof.n == head.n and proof.dg != head.dg:
        return True
    if head.n == proof.last + 1:
        return head.pd != proof.ld
    return head.n > proof.last + 1


def _proof_of(packet: Nack) -> _Proof | None:
    """A refusal for load says nothing about the lane; only a final one says what became of the number."""
    if packet.last is None:
        return None
    named = packet.final and packet.dg
    return _Proof(packet.last, packet.ld, packet.n if named else 0, packet.dg)


def _packet_of(row: Row) -> Packet:
    """Every try says the same bytes (P-19)."""
    if row.wish == "cancel":
        return VoidR(conv=row.conv, n=row.n, pd=row.pd, dg=row.dg)
    return MsgR(
        conv=row.conv, n=row.n, pd=row.pd, dg=row.dg, content=to_text(row.content), media=row.media, rel=row.rel
    )


def _row_of(wish: Compose) -> Row:
    return Row(
        wish.lid, wish.conv, 0, Digest(""), wish.dg, wish.content, wish.media,
        first_ms=wish.at_ms, rel=wish.rel, target=wish.target,
    )  # fmt: skip


def _edit_of(row: Row, rewrite: Rewrite, pos: int) -> Compose:
    """It was sent after all: the new words follow it."""
    return Compose(
        rewrite.edit_lid, row.conv, rewrite.edit, rewrite.edit_dg, rewrite.at_ms,
        rel=Relation("edit", pos), target=row.dg,
    )  # fmt: skip


def _say_parked(row: Row) -> list[Output]:
    """Text written behind a parked head waits with it, and says so (P-57)."""
    return [SaveState(row.lid, State.NEEDS_YOU, row.wish, parked=True)] if row.parked else []
