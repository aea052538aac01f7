"""Who is here, and opening conversations with them (section 24). A question waits for a line, but not for long."""

from __future__ import annotations

from dataclasses import dataclass

from client.core.effects import OpenedAs, Output, PeopleKnown, SavePeople, Send, Told
from client.core.events import AskPeople, Event, Internal, Open, Pull, Said, SessionDown, SessionUp, Tick
from protocol.limits import ANSWER_WAIT_S
from protocol.packets import OpenA, OpenR, Packet, PeopleA, PeopleR


@dataclass(slots=True, eq=False)
class _Question:
    packet: Packet
    due_s: float


PEOPLE = ""
"""The key of the one question that has no `x`."""


class Directory:
    """The machine of people and of opening."""

    def __init__(self) -> None:
        self._wire: int | None = None
        self._questions: dict[str, _Question] = {}

    def handle(self, event: Event | Internal, now_s: float) -> list[Output]:
        match event:
            case Open(x, uids, kind, title):
                return self._ask(x, OpenR(x=x, uids=uids, kind=kind, title=title), now_s)
            case AskPeople():
                return self._ask(PEOPLE, PeopleR(), now_s)
            case Said(packets):
                return [output for packet in packets for output in self._hear(packet)]
            case SessionUp(wire):
                self._wire = wire
                waiting = tuple(question.packet for question in self._questions.values())
                return [Send(wire, waiting)] if waiting else []
            case SessionDown():
                self._wire = None
            case Tick():
                return self._give_up(now_s)
        return []

    def next_wakeup_s(self) -> float | None:
        """When a question has waited long enough."""
        return min((question.due_s for question in self._questions.values()), default=None)

    def _ask(self, key: str, packet: Packet, now_s: float) -> list[Output]:
        self._questions[key] = _Question(packet, now_s + ANSWER_WAIT_S)
        return [] if self._wire is None else [Send(self._wire, (packet,))]

    def _hear(self, packet: object) -> list[Output]:
        match packet:
            case PeopleA(people):
                self._questions.pop(PEOPLE, None)
                return [SavePeople(people), PeopleKnown(people)]
            case OpenA(x, conv, code) if self._questions.pop(x, None):
                return [Told(code, x=x)] if code else [Pull(conv), OpenedAs(x, conv)]
        return []

    def _give_up(self, now_s: float) -> list[Output]:
        """A conversation that nobody waits for any more is not opened behind the person's back."""
        late = [key for key, question in self._questions.items() if question.due_s <= now_s]
        for key in late:
            del self._questions[key]
        return [Told("server_unreachable", x=key) for key in late if key != PEOPLE]
