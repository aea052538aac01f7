"""Messages the server has taken and nobody is known to have yet: asked about on the ladder (P-54).

A probe carries no content. Running out of them changes no state: the server owes the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from client.core.effects import Output, SaveState, Traced
from client.core.model import Accepted, Room, State
from protocol.ladder import Climb, Ladder
from protocol.packets import AckN, MsgR, OfflineA, Packet
from protocol.values import ConvId, Lid, Uid


@dataclass(slots=True, eq=False)
class _Probe:
    message: Accepted
    climb: Climb


class Probes:
    """Part of the outbox. `uid` is whose device this is: one's own marks end no ladder (P-53)."""

    def __init__(self, uid: Uid, ladder: Ladder, accepted: Iterable[Accepted], rooms: Iterable[Room]) -> None:
        self._uid, self._ladder = uid, ladder
        self._probes = {message.lid: _Probe(message, Climb(1, 0.0)) for message in accepted}
        self._rest_until_s = 0.0  # nothing is due before: saves looking at thousands again and again
        self._reached = {
            room.conv: max((reach.delivered for uid, reach in room.marks.items() if uid != self._uid), default=0)
            for room in rooms
        }

    def of(self, lid: Lid) -> Accepted | None:
        """The accepted message of this bubble, while it is still asked about."""
        probe = self._probes.get(lid)
        return probe.message if probe else None

    def take(self, message: Accepted, climb: Climb) -> None:
        """The server has it now: the ladder it stood on goes on with probes, unless somebody has it already."""
        if message.pos > self._reached.get(message.conv, 0):
            self._probes[message.lid] = _Probe(message, climb if climb.tries else Climb(1, climb.due_s))
            self._rest_until_s = min(self._rest_until_s, climb.due_s)

    def restart(self, now_s: float) -> None:
        """A session began. Marks come by themselves; only who stays silent is asked about."""
        for probe in self._probes.values():
            probe.climb = Climb(1, now_s + self._ladder.waits_s[0])
        self._rest_until_s = now_s

    def rewind(self, bases: dict[ConvId, int]) -> None:
        """What a restored server has forgotten is not accepted any more, and nobody is known to have it (P-69)."""
        self._reached.clear()
        self._probes = {
            lid: probe for lid, probe in self._probes.items() if probe.message.pos <= bases.get(probe.message.conv, 0)
        }

    def hear(self, packet: object) -> list[Output]:
        """Any `ack:N` about a message ends its ladder (P-54)."""
        match packet:
            case AckN(conv, pos=pos, stored=stored) if stored:
                return self._stored(conv, pos, stored)
            case AckN() | OfflineA():
                if packet.marks:
                    self._reach(packet.conv, [mark.delivered for mark in packet.marks if mark.by != self._uid])
                if packet.crowd is not None:
                    self._reach(packet.conv, [step.pos for step in packet.crowd.delivered])
        return []

    def due(self, now_s: float) -> tuple[list[Packet], list[Output]]:
        """The probes that are due, and what is to be noted about them."""
        packets: list[Packet] = []
        notes: list[Output] = []
        if now_s < self._rest_until_s:
            return packets, notes
        for lid, probe in list(self._probes.items()):
            if probe.climb.due_s > now_s:
                continue
            if probe.climb.exhausted(self._ladder):
                del self._probes[lid]
                continue
            probe.climb = probe.climb.stepped(self._ladder, now_s)
            packets.append(_probe_of(probe.message))
            notes.append(Traced(lid, "msg:R", "out", probe.climb.tries, "probe"))
        self._rest_until_s = min((probe.climb.due_s for probe in self._probes.values()), default=float("inf"))
        return packets, notes

    def next_wakeup_s(self) -> float | None:
        """When the next probe is due, or given up."""
        return min((probe.climb.due_s for probe in self._probes.values()), default=None)

    def _stored(self, conv: ConvId, pos: int, how: str) -> list[Output]:
        """The forged ack:N: the server keeps it, nobody has it (P-51)."""
        for lid, probe in self._probes.items():
            if probe.message.conv == conv and probe.message.pos == pos:
                del self._probes[lid]
                return [SaveState(lid, State.STORED), Traced(lid, "ack:N", "in", note=how)]
        return []

    def _reach(self, conv: ConvId, delivered: list[int]) -> None:
        upto = max(delivered, default=0)
        if upto <= self._reached.get(conv, 0):
            return
        self._reached[conv] = upto
        for lid, probe in list(self._probes.items()):
            if probe.message.conv == conv and probe.message.pos <= upto:
                del self._probes[lid]


def _probe_of(message: Accepted) -> MsgR:
    return MsgR(conv=message.conv, n=message.n, pd=message.pd, dg=message.dg, probe=True)
