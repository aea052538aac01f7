"""Contiguous positions and the gaps between them (P-42, P-43)."""

from __future__ import annotations

from collections.abc import Sequence

from protocol.packets import Event, Gap


def accounts_for(first: int, last: int, events: Sequence[Event], gaps: Sequence[Gap]) -> bool:
    """Whether every position p with first < p <= last occurs exactly once, as an event or inside a gap (P-42)."""
    covered = sorted([(event.pos, event.pos) for event in events] + [(gap.first, gap.last) for gap in gaps])
    reached = first
    for start, end in covered:
        if start != reached + 1 or end < start:
            return False
        reached = end
    return reached == last


def above(cursor: int, events: Sequence[Event]) -> list[Event]:
    """The events a device at `cursor` does not have yet, in order of position (P-43)."""
    return sorted((event for event in events if event.pos > cursor), key=lambda event: event.pos)


def gaps_above(cursor: int, gaps: Sequence[Gap]) -> list[Gap]:
    """The gaps that reach above `cursor`, cut off at it."""
    return [gap if gap.first > cursor else Gap(cursor + 1, gap.last, gap.why) for gap in gaps if gap.last > cursor]
