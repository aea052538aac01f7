"""The waiting rows of one lane, in order of their number (P-20). Decides nothing; the outbox does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from client.core.effects import Renumbered
from client.core.model import Lane, Row
from protocol.ladder import Climb, bottom
from protocol.lanes import chain
from protocol.values import ConvId, Digest, Lid, replace


@dataclass(slots=True, eq=False)
class Waiting:
    """A row on its ladder.

    `flying`: it left in this session and no answer came. `sent_s` is when it left last. `overdue`: it waited for
    so long that only the person may send it (P-58).
    """

    row: Row
    climb: Climb
    flying: bool = False
    sent_s: float = 0.0
    overdue: bool = False

    @property
    def cancelling(self) -> bool:
        """Whether its tries are void:R (P-40)."""
        return self.row.wish == "cancel"

    def take_back(self, due_s: float) -> None:
        """The last try does not count (P-56); the next one is due at `due_s`."""
        self.climb = Climb(max(self.climb.tries - 1, 0), due_s)


@dataclass(slots=True, eq=False)
class LaneQueue:
    """The unsettled rows of a lane and its end.

    Flying rows stand in front of those that are not; parked rows stand behind those that are not.
    `alone`: the head was not answered in time and is tried without the rows behind it.
    `returned`: the lane went back to its head, and the head's answer is still to come (P-25).
    """

    conv: ConvId
    end: Lane = field(default_factory=Lane)
    rows: list[Waiting] = field(default_factory=list)
    alone: bool = False
    returned: bool = False

    @property
    def head(self) -> Waiting | None:
        """The first unsettled row."""
        return self.rows[0] if self.rows else None

    @property
    def parked(self) -> bool:
        """Whether a row written now would wait for the person too (P-57)."""
        return bool(self.rows) and self.rows[-1].row.parked

    def by_digest(self, dg: Digest) -> Waiting | None:
        """The row that an answer about `dg` settles (P-21)."""
        return next((waiting for waiting in self.rows if waiting.row.dg == dg), None)

    def by_number(self, n: int) -> Waiting | None:
        """The row that waits for this number now."""
        return next((waiting for waiting in self.rows if waiting.row.n == n), None)

    def by_lid(self, lid: Lid) -> Waiting:
        """The row of this bubble, which is known to wait here."""
        return next(waiting for waiting in self.rows if waiting.row.lid == lid)

    def from_(self, first: Waiting) -> list[Waiting]:
        """This row and those behind it."""
        return self.rows[self.rows.index(first) :]

    def append(self, row: Row, now_s: float) -> Row:
        """Give `row` the next number of the lane (P-3, P-6), let it wait at the end, and return it as it stands."""
        (link,) = chain(self.end.n, self.end.dg, [row.dg])
        placed = replace(row, n=link.n, pd=link.pd, parked=self.parked)
        self.end = Lane(link.n, row.dg, self.end.seen_last)
        self.rows.append(Waiting(placed, bottom(now_s)))
        return placed

    def renumber(self, last: int, ld: Digest, now_s: float) -> Iterator[Renumbered]:
        """Put all rows behind `last` in their old order; everything but number and `pd` stays (P-23)."""
        for waiting, link in zip(self.rows, chain(last, ld, [w.row.dg for w in self.rows]), strict=True):
            waiting.row = replace(waiting.row, n=link.n, pd=link.pd)
            waiting.climb = bottom(now_s)
            self.end = Lane(link.n, waiting.row.dg, self.end.seen_last)
            yield Renumbered(waiting.row.lid, link.n, link.pd)

    def see(self, last: int) -> bool:
        """Note the highest number resolved in this lane; False if this is stale news (P-22)."""
        if last < self.end.seen_last:
            return False
        self.end = replace(self.end, seen_last=last)
        return True
