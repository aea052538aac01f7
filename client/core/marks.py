"""Ticks: how far other people have got, and how far this person has read and what they have heard (section 9).

Marks are merged by maximum and never fall. One `rev` a conversation says how many changes of marks are known; a hole
in it is pulled, so that a lost `ack:N` costs nothing (P-50).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from client.core.effects import Output, SaveHeard, SaveMarks, SaveRead, Send, TracedAt
from client.core.events import (
    AskRoster,
    Event,
    Internal,
    MembersNow,
    Placed,
    Played,
    Pull,
    Quit,
    ReadUpto,
    Rewound,
    Said,
    SessionDown,
    SessionUp,
)
from client.core.model import Member, Memory, Reach, Room
from protocol.limits import ANSWER_WAIT_S, READ_JOIN_S
from protocol.packets import AckN, Crowd, Mark, MembersA, OfflineA, Packet, ReadR, Seat, Step
from protocol.values import ConvId, Uid


@dataclass(slots=True, eq=False)
class _Standing:
    """Marks of one conversation. Everybody else there has `delivered` and has read `read` (P-53).

    `members` are empty while somebody may be missing in them, and may lack who came behind `known_to`, which is None
    where nobody can come; `others` are they without this person, who have all got further if they are `held_back`.
    `crowd` counts for them in a large conversation, as the server knows them.
    `own_read` is how far this person has read here; `told_read` what the server is known to know of it.
    """

    conv: ConvId
    rev: int = 0
    reach: dict[Uid, Reach] = field(default_factory=dict)
    members: tuple[Member, ...] = ()
    known_to: int | None = None
    held_back: bool = False
    others: tuple[Uid, ...] = ()
    delivered: int = 0
    read: int = 0
    own_read: int = 0
    told_read: int = 0
    read_due_s: float | None = None
    crowd: Crowd | None = None


class Marks:
    """The machine of marks."""

    def __init__(self, memory: Memory) -> None:
        assert memory.me is not None
        self._uid = memory.me.uid
        self._wire: int | None = None
        self._standings = {room.conv: self._standing_of(room) for room in memory.rooms}

    def handle(self, event: Event | Internal, now_s: float) -> list[Output]:
        outputs = self._react(event, now_s)
        if self._wire is not None:
            outputs += self._say_due(self._wire, now_s)
        return outputs

    def next_wakeup_s(self) -> float | None:
        """When a joined read:R is due."""
        if self._wire is None:
            return None
        due = [standing.read_due_s for standing in self._standings.values()]
        return min((due_s for due_s in due if due_s is not None), default=None)

    def rev_of(self, conv: ConvId) -> int:
        """How far the marks of this conversation are known (P-8)."""
        return self._standings[conv].rev if conv in self._standings else 0

    def _react(self, event: Event | Internal, now_s: float) -> list[Output]:
        match event:
            case Said(packets):
                return [output for packet in packets for output in self._hear(packet)]
            case MembersNow(conv, members, upto, thin):
                return self._seat(self._standing(conv), () if thin else members, upto)
            case Placed(conv, first):
                standing = self._standing(conv)
                return [self._save(standing)] if first <= standing.delivered else []
            case ReadUpto(conv, pos):
                return self._read(self._standing(conv), pos, now_s)
            case Played(lid):
                return [SaveHeard(lid)]
            case SessionUp(wire):
                self._wire = wire
                self._plan_reads(now_s)
            case SessionDown():
                self._wire = None
            case Quit():
                self._plan_reads(now_s)
            case Rewound(_, bases):
                self._rewind(bases)
        return []

    # -------------------------------------------------------------------------------- of other people

    def _hear(self, packet: object) -> list[Output]:
        match packet:
            case AckN(conv, from_, to, marks) if not packet.forged:
                standing = self._standing(conv)
                hole: list[Output] = [Pull(conv)] if from_ > standing.rev else []
                return [*self._merge(standing, from_, to, marks, packet.crowd), *hole]
            case OfflineA(conv, history=False) if packet.marks or packet.rev_to or packet.crowd is not None:
                return self._merge(self._standing(conv), packet.rev_from, packet.rev_to, packet.marks, packet.crowd)
            case MembersA(conv, members):
                standing = self._standing(conv)
                return self._merge(standing, standing.rev, standing.rev, _marks_of(members), standing.crowd)
        return []

    def _seat(self, standing: _Standing, members: tuple[Member, ...], upto: int | None) -> list[Output]:
        """Who is here, and up to where that is known. With every frame of a group: mostly there is nothing to do."""
        standing.known_to = upto
        if members == standing.members and not standing.held_back:
            return []
        standing.members, standing.others = members, self._others_of(members)
        return [self._save(standing)] if _climb(standing) else []

    def _merge(
        self, standing: _Standing, from_: int, to: int, marks: Sequence[Mark], crowd: Crowd | None
    ) -> list[Output]:
        """T5: by maximum always; `rev` moves only if nothing is missing before (P-50)."""
        before = (standing.rev, standing.delivered, standing.crowd)
        risen = [mark for mark in marks if _raise(standing, mark)]
        outputs = self._count(standing, to, marks, crowd)
        if from_ <= standing.rev:
            standing.rev = max(standing.rev, to)
        climbed = _climb(standing)
        counted = standing.crowd != before[2]
        if risen or climbed or counted or standing.rev > before[0]:
            outputs.append(self._save(standing, risen, (standing.crowd or Crowd(0)) if counted else None))
        reached = [mark.delivered for mark in risen if mark.by != self._uid]
        reached += [step.pos for step in standing.crowd.delivered] if counted and standing.crowd else []
        if max(reached, default=0) > before[1]:
            outputs.append(TracedAt(standing.conv, before[1] + 1, max(reached), "ack:N", "in"))
        return outputs + self._heed_own(standing)

    def _count(self, standing: _Standing, to: int, marks: Sequence[Mark], crowd: Crowd | None) -> list[Output]:
        """Stairs are whole every time, so that the newest count; who is told marks again lacks what came before."""
        if crowd is not None:
            standing.crowd = crowd if to >= standing.rev else standing.crowd
        elif standing.crowd is not None and any(mark.by != self._uid for mark in marks):
            standing.crowd = None
            return [AskRoster(standing.conv)]
        return []

    def _heed_own(self, standing: _Standing) -> list[Output]:
        """What this person has read on another device, or the server's word that it knows."""
        known = standing.reach.get(self._uid, Reach()).read
        standing.told_read = max(standing.told_read, known)
        if standing.told_read >= standing.own_read:
            standing.read_due_s = None
        if known <= standing.own_read:
            return []
        standing.own_read = known
        return [SaveRead(standing.conv, known)]

    def _save(self, standing: _Standing, marks: Sequence[Mark] = (), crowd: Crowd | None = None) -> Output:
        return SaveMarks(standing.conv, tuple(marks), standing.rev, standing.delivered, standing.read, crowd)

    # ------------------------------------------------------------------------------------ of this person

    def _read(self, standing: _Standing, pos: int, now_s: float) -> list[Output]:
        """Kept at once, told joined for 1 s (P-73)."""
        if pos <= standing.own_read:
            return []
        standing.own_read = pos
        if standing.read_due_s is None:
            standing.read_due_s = now_s + READ_JOIN_S
        return [SaveRead(standing.conv, pos)]

    def _plan_reads(self, now_s: float) -> None:
        """Say at once whatever the server may not know."""
        for standing in self._standings.values():
            if standing.own_read > standing.told_read:
                standing.read_due_s = now_s

    def _say_due(self, wire: int, now_s: float) -> list[Output]:
        """Again until the server's own word about this person's mark shows that it knows."""
        packets: list[Packet] = []
        for standing in self._standings.values():
            if standing.read_due_s is None or standing.read_due_s > now_s:
                continue
            standing.read_due_s = now_s + ANSWER_WAIT_S
            packets.append(ReadR(conv=standing.conv, upto=standing.own_read))
        return [Send(wire, tuple(packets))] if packets else []

    # ------------------------------------------------------------------------------------------ standings

    def _rewind(self, bases: dict[ConvId, int]) -> None:
        """Marks of another generation mean nothing; they are pulled again (P-69)."""
        for standing in self._standings.values():
            standing.rev = standing.delivered = standing.read = standing.told_read = 0
            standing.own_read = min(standing.own_read, bases.get(standing.conv, 0))
            standing.reach.clear()
            standing.crowd = None

    def _standing(self, conv: ConvId) -> _Standing:
        return self._standings.setdefault(conv, _Standing(conv))

    def _standing_of(self, room: Room) -> _Standing:
        told = room.marks.get(self._uid, Reach()).read
        standing = _Standing(room.conv, room.rev, dict(room.marks), told_read=told)
        standing.members = () if room.thin else room.members
        standing.others = self._others_of(standing.members)
        standing.known_to = room.cursor if room.form == "group" else None
        standing.crowd = room.crowd
        standing.own_read = max(room.read_upto, told)
        _climb(standing)
        return standing

    def _others_of(self, members: Sequence[Member]) -> tuple[Uid, ...]:
        return tuple(member.uid for member in members if member.uid != self._uid)


def _marks_of(seats: Sequence[Seat]) -> list[Mark]:
    return [Mark(seat.uid, seat.delivered, seat.read, seat.delivered_ms, seat.read_ms) for seat in seats]


def _raise(standing: _Standing, mark: Mark) -> bool:
    """Merge one mark by maximum; whether it rose. Its times are those of what rose, or were not known before."""
    old = standing.reach.get(mark.by, Reach())
    delivered_ms, read_ms = old.delivered_ms, old.read_ms
    if mark.delivered > old.delivered or (mark.delivered == old.delivered and not delivered_ms):
        delivered_ms = mark.delivered_ms
    if mark.read > old.read or (mark.read == old.read and not read_ms):
        read_ms = mark.read_ms
    new = Reach(max(old.delivered, mark.delivered), max(old.read, mark.read), delivered_ms, read_ms)
    standing.reach[mark.by] = new
    return new != old


def _climb(standing: _Standing) -> bool:
    """Delivered is what all current others have, read what all have read; neither ever falls (P-53, S14).

    Nobody is everybody behind `known_to`: somebody may have come there who has not got it (S6).
    """
    before = (standing.delivered, standing.read)
    reaches = [standing.reach.get(uid, Reach()) for uid in standing.others]
    have = min((reach.delivered for reach in reaches), default=0)
    known_to = have if standing.known_to is None else standing.known_to
    standing.held_back = have > known_to
    standing.delivered = max(standing.delivered, min(have, known_to))
    standing.read = max(standing.read, min(known_to, min((reach.read for reach in reaches), default=0)))
    if standing.crowd is not None:
        standing.delivered = max(standing.delivered, _all_have(standing.crowd.of, standing.crowd.delivered))
        standing.read = max(standing.read, _all_have(standing.crowd.of, standing.crowd.read))
    return (standing.delivered, standing.read) != before


def _all_have(of: int, stairs: Sequence[Step]) -> int:
    """How far all `of` others have got: the first step is the highest count, and belongs to the lowest positions."""
    return stairs[0].pos if stairs and of and stairs[0].count >= of else 0
