"""The six packets of a message as six lines: which were seen, when, at which try, and how long each took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from client.core.journey import PACKETS, is_forged, stands_for
from client.core.model import Bubble, Seen, State


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One packet. `seen` here; `known` means that it must have happened, although this device did not see it."""

    packet: str
    seen: bool = False
    known: bool = False
    at_ms: int = 0
    after_ms: int = 0
    tries: int = 0
    note: str = ""

    @property
    def solid(self) -> bool:
        """Whether its line is drawn whole."""
        return self.seen or self.known


def trace_lines(bubble: Bubble, seen: Sequence[Seen]) -> tuple[TraceLine, ...]:
    """Six lines from the bottom up, out of what was noted (oldest first)."""
    began_ms = min((note.at_ms for note in seen), default=0)
    true = {stands_for(note.packet): note for note in reversed(seen) if not _forged(note)}
    reached = _reached(bubble)
    lines = []
    for packet in PACKETS:
        note = true.get(packet)
        if note is not None:
            tries = max(each.tries for each in seen if stands_for(each.packet) == packet)
            lines.append(TraceLine(packet, True, True, note.at_ms, note.at_ms - began_ms, tries, note.note))
        else:
            lines.append(TraceLine(packet, known=packet in reached))
    return tuple(lines)


def forged_at_ms(seen: Sequence[Seen]) -> int:
    """When the server said that it keeps the message; 0 if it did not."""
    return next((note.at_ms for note in seen if _forged(note)), 0)


def _forged(note: Seen) -> bool:
    return is_forged(note.packet, note.note)


def _reached(bubble: Bubble) -> tuple[str, ...]:
    """Which packets must have happened for the message to stand where it stands."""
    if not bubble.mine:
        return ("msg:R", "msg:A", "msg:N")
    if bubble.state in (State.DELIVERED, State.READ):
        return PACKETS
    if bubble.state in (State.ACCEPTED, State.STORED):
        return ("msg:R", "msg:A")
    return ()
