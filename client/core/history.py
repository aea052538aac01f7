"""What is older than this device: fetched page by page when the person looks there (P-63).

The frames of a new device begin at its log-in; what lies below is a gap, remembered like any other. A page of it is
asked for once at a time in a conversation, and takes the place of the gap in one transaction: events and gaps
together stay 1…cursor (S4).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from client.core.effects import OlderCame, Output, SaveOlder, Send, Told, TracedAt
from client.core.events import AskOlder, Event, Internal, OlderMissing, Rewound, Said, SessionDown, SessionUp, Tick
from client.core.model import Memory, Span
from protocol.limits import ANSWER_WAIT_S, PAGE_EVENTS
from protocol.packets import Gap, Nack, OfflineA, OfflineR
from protocol.spans import accounts_for
from protocol.values import ConvId

OLDER = "before_device"
"""The reason of a gap that history fills."""
NO_ANSWER = "server_unreachable"


@dataclass(slots=True, eq=False)
class _Ask:
    """Positions `after` + 1…`upto` are wanted; the answer may come in several frames."""

    after: int
    upto: int
    due_s: float


class History:
    """The machine of history."""

    def __init__(self, memory: Memory) -> None:
        self._wire: int | None = None
        self._older: dict[ConvId, tuple[Span, ...]] = {room.conv: room.older for room in memory.rooms if room.older}
        self._asks: dict[ConvId, _Ask] = {}

    def handle(self, event: Event | Internal, now_s: float) -> list[Output]:
        match event:
            case AskOlder(conv, pos, limit):
                return self._ask(conv, pos, limit, now_s)
            case OlderMissing(conv, spans):
                self._older[conv] = (*self._older.get(conv, ()), *spans)
            case Said(packets):
                return [output for packet in packets for output in self._hear(packet, now_s)]
            case SessionUp(wire):
                self._wire = wire
            case SessionDown():
                self._wire = None
                return [self._end(conv, NO_ANSWER) for conv in list(self._asks)]
            case Tick():
                return [self._end(conv, NO_ANSWER) for conv, ask in list(self._asks.items()) if ask.due_s <= now_s]
            case Rewound(_, bases):
                self._rewind(bases)
        return []

    def next_wakeup_s(self) -> float | None:
        """When nobody waits for an answer any more."""
        return min((ask.due_s for ask in self._asks.values()), default=None)

    # ---------------------------------------------------------------------------------------- asking

    def _ask(self, conv: ConvId, pos: int, limit: int, now_s: float) -> list[Output]:
        """The newest part of the highest gap that begins at or below `pos`; who asks meanwhile gets the same."""
        if conv in self._asks:
            return []
        below = [span for span in self._older.get(conv, ()) if span.first <= pos]
        if self._wire is None or not below:
            return [OlderCame(conv, "" if self._wire is not None else NO_ANSWER)]
        span = max(below, key=lambda span: span.first)
        upto = min(span.last, pos)
        after = max(span.first - 1, upto - min(limit, PAGE_EVENTS))
        return self._say(self._wire, conv, after, upto, now_s)

    def _say(self, wire: int, conv: ConvId, after: int, upto: int, now_s: float) -> list[Output]:
        self._asks[conv] = _Ask(after, upto, now_s + ANSWER_WAIT_S)
        return [Send(wire, (OfflineR(conv=conv, after=after, limit=upto - after, history=True),))]

    # --------------------------------------------------------------------------------------- answers

    def _hear(self, packet: object, now_s: float) -> list[Output]:
        match packet:
            case OfflineA(conv, history=True) if conv in self._asks:
                return self._take(packet, self._asks[conv], now_s)
            case Nack(n=0, conv=conv) if conv in self._asks:
                return [self._end(conv, packet.code)]
        return []

    def _take(self, frame: OfflineA, ask: _Ask, now_s: float) -> list[Output]:
        """T4, below the cursor: what was asked for and nothing else; the rest of a long page is asked for again."""
        conv, upto = frame.conv, min(frame.to, ask.upto)
        if not accounts_for(frame.from_, frame.to, frame.events, frame.gaps):
            return [Told("bad_frame"), self._end(conv, "bad_frame")]
        if frame.from_ != ask.after:
            return []  # the answer to a question of before
        if upto == ask.after or any(gap.why == OLDER for gap in frame.gaps):
            return [self._end(conv)]  # the server has nothing more to say about it
        first = ask.after + 1
        gaps = tuple(Gap(gap.first, min(gap.last, upto), gap.why) for gap in frame.gaps if gap.first <= upto)
        events = tuple(event for event in frame.events if event.pos <= upto)
        self._older[conv] = tuple(_without(self._older[conv], first, upto))
        outputs: list[Output] = [
            SaveOlder(conv, first, upto, events, gaps),
            TracedAt(conv, first, upto, "offline:A", "in"),
        ]
        if upto < ask.upto and self._wire is not None:
            return outputs + self._say(self._wire, conv, upto, ask.upto, now_s)
        return [*outputs, self._end(conv)]

    def _end(self, conv: ConvId, code: str = "") -> Output:
        self._asks.pop(conv, None)
        return OlderCame(conv, code)

    def _rewind(self, bases: dict[ConvId, int]) -> None:
        """What a restored server has forgotten is no history either (P-69)."""
        for conv, spans in self._older.items():
            base = bases.get(conv, 0)
            self._older[conv] = tuple(Span(span.first, min(span.last, base)) for span in spans if span.first <= base)


def _without(spans: Iterable[Span], first: int, last: int) -> Iterable[Span]:
    """The spans with first…last taken out."""
    for span in spans:
        if span.first < first:
            yield Span(span.first, min(span.last, first - 1))
        if span.last > last:
            yield Span(max(span.first, last + 1), span.last)
