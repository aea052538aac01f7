"""Who is writing, recording or sending something: said seldom, believed for a moment, kept nowhere (section 24)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from client.core.effects import Acting, Output, Send
from client.core.events import Act, Compose, Event, Internal, Said, SessionDown, SessionUp, Tick
from protocol.limits import TYPING_HOLD_S, TYPING_SAY_S
from protocol.packets import Doing, MsgN, OfflineA, Packet, TypingN, TypingR
from protocol.values import ConvId, Uid


@dataclass(slots=True, eq=False)
class _Own:
    """What this person does in one conversation: `said` to the server at `said_s`, and `now` if it is otherwise."""

    said: Doing
    said_s: float
    now: Doing | None = None


class Typists:
    """The machine of typing notices, of this person's and of others'."""

    def __init__(self) -> None:
        self._wire: int | None = None
        self._own: dict[ConvId, _Own] = {}
        self._others: dict[tuple[ConvId, Uid], tuple[Doing, float]] = {}

    def handle(self, event: Event | Internal, now_s: float) -> list[Output]:
        match event:
            case Act(conv, doing) if self._wire is not None:
                return self._act(self._wire, conv, doing, now_s)
            case Compose(conv=conv):
                self._own.pop(conv, None)  # who reads the message knows
            case Said(packets):
                return [output for packet in packets for output in self._hear(packet, now_s)]
            case SessionUp(wire):
                self._wire = wire
                self._own.clear()
            case SessionDown():
                self._wire = None
                self._own.clear()
                return self._end(list(self._others))
            case Tick():
                return [*self._say_due(now_s), *self._end(self._over(now_s))]
        return []

    def next_wakeup_s(self) -> float | None:
        """When something else may be said, or what others said is over."""
        due = [own.said_s + TYPING_SAY_S for own in self._own.values() if own.now is not None]
        due += [over_s for _, over_s in self._others.values()]
        return min(due, default=None)

    # ----------------------------------------------------------------------------------- of this person

    def _act(self, wire: int, conv: ConvId, doing: Doing, now_s: float) -> list[Output]:
        """At most every 3 s; what changes in between is said later, and the end at once."""
        own = self._own.get(conv)
        if not doing:
            self._own.pop(conv, None)
            return [Send(wire, (TypingR(conv=conv, doing=""),))] if own else []
        if own is None or now_s - own.said_s >= TYPING_SAY_S:
            self._own[conv] = _Own(doing, now_s)
            return [Send(wire, (TypingR(conv=conv, doing=doing),))]
        own.now = doing if doing != own.said else None
        return []

    def _say_due(self, now_s: float) -> list[Output]:
        packets: list[Packet] = []
        for conv, own in self._own.items():
            if own.now is not None and now_s - own.said_s >= TYPING_SAY_S:
                packets.append(TypingR(conv=conv, doing=own.now))
                own.said, own.said_s, own.now = own.now, now_s, None
        return [Send(self._wire, tuple(packets))] if packets and self._wire is not None else []

    # ---------------------------------------------------------------------------------- of other people

    def _hear(self, packet: object, now_s: float) -> list[Output]:
        match packet:
            case TypingN(conv, uid, ""):
                return self._end([(conv, uid)])
            case TypingN(conv, uid, doing):
                return self._begin((conv, uid), doing, now_s)
            case MsgN(conv, events=events) | OfflineA(conv, events=events, history=False):
                return self._end([(conv, event.uid) for event in events])
        return []

    def _begin(self, who: tuple[ConvId, Uid], doing: Doing, now_s: float) -> list[Output]:
        before = self._others.get(who)
        self._others[who] = (doing, now_s + TYPING_HOLD_S)
        return [] if before is not None and before[0] == doing else [Acting(*who, doing)]

    def _over(self, now_s: float) -> list[tuple[ConvId, Uid]]:
        return [who for who, (_, over_s) in self._others.items() if over_s <= now_s]

    def _end(self, whose: Iterable[tuple[ConvId, Uid]]) -> list[Output]:
        return [Acting(*who, "") for who in whose if self._others.pop(who, None) is not None]
