"""Asking the server what became of a message, for the dialog of P-57: an answer within 3 s, never a guess."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

from client.core.effects import Found, Output, Send
from client.core.events import Ask, Event, Internal, Said, SessionDown, SessionUp, Tick
from client.core.model import Finding
from protocol.limits import STATUS_WAIT_S
from protocol.packets import Fate, Status, StatusA, StatusKey, StatusR
from protocol.values import Lid

Outcome: TypeAlias = Literal["delivered", "on_server", "not_there", "refused", "file_gone", "cancelled", "long_ago"]
OUTCOMES: dict[Fate, Outcome] = {
    "unknown": "not_there",
    "other": "not_there",
    "accepted": "on_server",
    "stored": "on_server",
    "delivered": "delivered",
    "read": "delivered",
    "cancelled": "cancelled",
    "refused": "refused",
    "gone": "long_ago",
}
FILE_CODES = frozenset({"media_missing", "media_unknown"})


class Inquiry:
    """The machine of asking. `key_of` says what to ask about a bubble; None if it does not wait here any more."""

    def __init__(self, key_of: Callable[[Lid], StatusKey | None]) -> None:
        self._key_of = key_of
        self._wire: int | None = None
        self._asked: dict[Lid, tuple[StatusKey, float]] = {}

    def handle(self, event: Event | Internal, now_s: float) -> list[Output]:
        match event:
            case Ask(lid):
                return self._ask(lid, now_s)
            case Said(packets):
                answers = [packet for packet in packets if isinstance(packet, StatusA)]
                return [found for answer in answers for status in answer.states for found in self._hear(status)]
            case SessionUp(wire):
                self._wire = wire
            case SessionDown():
                self._wire = None
                return self._give_up(list(self._asked))
            case Tick():
                return self._give_up([lid for lid, (_, due_s) in self._asked.items() if due_s <= now_s])
        return []

    def next_wakeup_s(self) -> float | None:
        """When the dialog must say that nobody answered."""
        return min((due_s for _, due_s in self._asked.values()), default=None)

    def unanswered_since_s(self) -> float | None:
        """Since when the oldest question waits for its answer (P-15)."""
        due_s = self.next_wakeup_s()
        return None if due_s is None else due_s - STATUS_WAIT_S

    def _ask(self, lid: Lid, now_s: float) -> list[Output]:
        key = self._key_of(lid)
        if key is None or self._wire is None:
            return [Found(Finding(lid, "no_answer"))]
        self._asked[lid] = (key, now_s + STATUS_WAIT_S)
        return [Send(self._wire, (StatusR(keys=(key,)),))]

    def _hear(self, status: Status) -> list[Output]:
        lids = [lid for lid, (key, _) in self._asked.items() if (key.conv, key.dg) == (status.conv, status.dg)]
        for lid in lids:
            del self._asked[lid]
        return [Found(_finding(lid, status)) for lid in lids]

    def _give_up(self, lids: list[Lid]) -> list[Output]:
        for lid in lids:
            del self._asked[lid]
        return [Found(Finding(lid, "no_answer")) for lid in lids]


def _finding(lid: Lid, status: Status) -> Finding:
    if status.fate == "refused" and status.code in FILE_CODES:
        return Finding(lid, "file_gone", status.code, status.ts)
    return Finding(lid, OUTCOMES[status.fate], status.code, status.ts)
