"""Changing groups, and the member table (P-52, P-59, P-70). A change waits for a line, but not for long."""

from __future__ import annotations

from dataclasses import dataclass

from client.core.effects import GroupChanged, MembersKnown, Output, Send, Told
from client.core.events import (
    AskMembers,
    AskRoster,
    ChangeGroup,
    Event,
    Internal,
    Said,
    SessionDown,
    SessionUp,
    Tick,
)
from client.core.model import Memory
from protocol.limits import ANSWER_WAIT_S, PULLS_AT_ONCE
from protocol.packets import GroupA, GroupR, MembersA, MembersR, Packet
from protocol.values import ConvId

NO_ANSWER = "server_unreachable"
NOT_OURS = frozenset({"not_member", "unknown_conversation"})


@dataclass(slots=True, eq=False)
class _Change:
    packet: GroupR
    due_s: float


@dataclass(slots=True, eq=False)
class _Table:
    """A member table that is wanted: by the person until `person_s`, or until it is here because we need it.

    `asked_s` is when it was asked for last in this session. `anew`: the one that comes is too old.
    """

    needed: bool = False
    anew: bool = False
    person_s: float | None = None
    asked_s: float | None = None


class Groups:
    """The machine of changes of groups, and of asking who is in them. What the answers mean, inbox and marks know."""

    def __init__(self, memory: Memory) -> None:
        self._wire: int | None = None
        self._changes: dict[str, _Change] = {}
        self._tables = {room.conv: _Table(needed=True) for room in memory.rooms if room.thin}

    def handle(self, event: Event | Internal, now_s: float) -> list[Output]:
        outputs = self._react(event, now_s)
        if self._wire is not None:
            outputs += self._ask_due(self._wire, now_s)
        return outputs

    def next_wakeup_s(self) -> float | None:
        """When somebody has waited long enough, or a table is asked for again."""
        due = [change.due_s for change in self._changes.values()]
        for table in self._tables.values():
            due += [table.person_s] if table.person_s is not None else []
            due += [table.asked_s + ANSWER_WAIT_S] if table.asked_s is not None else []
        return min(due, default=None)

    def _react(self, event: Event | Internal, now_s: float) -> list[Output]:
        match event:
            case ChangeGroup():
                return self._change(event, now_s)
            case AskMembers(conv) if self._wire is None:
                return [MembersKnown(conv, NO_ANSWER)]
            case AskMembers(conv):
                self._table(conv).person_s = now_s + ANSWER_WAIT_S
            case AskRoster(conv, anew):
                table = self._table(conv)
                table.needed, table.anew = True, table.anew or anew
            case Said(packets):
                return [output for packet in packets for output in self._hear(packet)]
            case SessionUp(wire):
                return self._begin(wire)
            case SessionDown():
                return self._end()
            case Tick():
                return self._give_up(now_s)
        return []

    # ---------------------------------------------------------------------------------------- changes

    def _change(self, wish: ChangeGroup, now_s: float) -> list[Output]:
        packet = GroupR(x=wish.x, conv=wish.conv, do=wish.do, uids=wish.uids, title=wish.title, role=wish.role)
        self._changes[wish.x] = _Change(packet, now_s + ANSWER_WAIT_S)
        return [] if self._wire is None else [Send(self._wire, (packet,))]

    def _hear(self, packet: object) -> list[Output]:
        match packet:
            case GroupA(x, _, code) if self._changes.pop(x, None):
                return [Told(code, x=x)] if code else [GroupChanged(x)]
            case MembersA(conv, code=code) if conv in self._tables:
                return self._heard_table(conv, code)
        return []

    # ----------------------------------------------------------------------------------------- tables

    def _heard_table(self, conv: ConvId, code: str) -> list[Output]:
        """A table that we need is asked for again: at once if this one is too old, later if the server is busy."""
        table = self._tables[conv]
        asked, table.person_s = table.person_s is not None, None
        if table.anew:
            table.anew, table.asked_s = False, None
        elif not code or code in NOT_OURS or not table.needed:
            del self._tables[conv]
        return [MembersKnown(conv, code)] if asked else []

    def _ask_due(self, wire: int, now_s: float) -> list[Output]:
        """As many as may wait for an answer at once; one that got none is said again."""
        for table in self._tables.values():
            if table.asked_s is not None and table.asked_s + ANSWER_WAIT_S <= now_s:
                table.asked_s = None
        free = PULLS_AT_ONCE - sum(table.asked_s is not None for table in self._tables.values())
        packets: list[Packet] = []
        for conv, table in self._tables.items():
            if table.asked_s is None and len(packets) < free:
                table.asked_s = now_s
                packets.append(MembersR(conv=conv))
        return [Send(wire, tuple(packets))] if packets else []

    def _table(self, conv: ConvId) -> _Table:
        return self._tables.setdefault(conv, _Table())

    # ---------------------------------------------------------------------------------- line and time

    def _begin(self, wire: int) -> list[Output]:
        self._end()
        self._wire = wire
        waiting = tuple(change.packet for change in self._changes.values())
        return [Send(wire, waiting)] if waiting else []

    def _end(self) -> list[Output]:
        self._wire = None
        for table in self._tables.values():
            table.asked_s = None
        return self._disappoint([conv for conv, table in self._tables.items() if table.person_s is not None])

    def _give_up(self, now_s: float) -> list[Output]:
        """A change that nobody waits for any more is not made behind the person's back by us again."""
        late = [x for x, change in self._changes.items() if change.due_s <= now_s]
        for x in late:
            del self._changes[x]
        tables = self._tables.items()
        waited = [conv for conv, table in tables if table.person_s is not None and table.person_s <= now_s]
        return [*(Told(NO_ANSWER, x=x) for x in late), *self._disappoint(waited)]

    def _disappoint(self, convs: list[ConvId]) -> list[Output]:
        for conv in convs:
            self._tables[conv].person_s = None
            if not self._tables[conv].needed:
                del self._tables[conv]
        return [MembersKnown(conv, NO_ANSWER) for conv in convs]
