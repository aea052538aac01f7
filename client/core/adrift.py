"""Changes of this device whose message has no position: none yet, or not any more (P-69). Decides nothing.

A position means another message once a server was restored. A change is therefore never sent to a place it does not
know: it waits outside its lane, which goes on without it, until the message with the digest it names has its place.
"""

from __future__ import annotations

from client.core.lane import LaneQueue, Waiting
from client.core.model import Row
from protocol.packets import Relation
from protocol.values import ConvId, Digest, Lid, replace


class Adrift:
    """The rows that wait for a place, in the order they were written."""

    def __init__(self) -> None:
        self._rows: dict[Lid, Row] = {}

    def __contains__(self, lid: Lid) -> bool:
        return lid in self._rows

    def keep(self, row: Row) -> Row:
        """Let `row` wait, and return it as it stands: without a number, and not parked."""
        kept = self._rows[row.lid] = replace(row, n=0, pd=Digest(""), parked=False)
        return kept

    def take(self, lid: Lid) -> Row:
        """The row of this bubble, which is known to wait here, waits here no longer."""
        return self._rows.pop(lid)

    def about(self, conv: ConvId, target: Digest) -> list[Row]:
        """What waits for this message, in order; it waits here no longer."""
        found = [row for row in self._rows.values() if row.conv == conv and row.target == target]
        return [self._rows.pop(row.lid) for row in found]


def loose(lane: LaneQueue, base: int) -> list[Waiting]:
    """The rows of a lane whose message stood above `base`. One that is cancelled needs no place: void:R names none."""
    return [
        waiting
        for waiting in lane.rows
        if waiting.row.rel is not None and waiting.row.rel.pos > base and not waiting.cancelling
    ]


def moored(row: Row, pos: int) -> Row:
    """The row, pointing at this position."""
    assert row.rel is not None
    return replace(row, rel=Relation(row.rel.kind, pos))
