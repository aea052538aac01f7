"""How far a large conversation has got: counts instead of marks, made once for all who are told (P-52)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from protocol.limits import CROWD_STEPS_MAX, MARKS_MEMBERS_MAX
from protocol.packets import Crowd, Mark, Step
from protocol.values import ConvId, Uid, Value
from server.core.moves import Told


def crowded(members: int) -> bool:
    """Whether a conversation of so many is told counts instead of marks."""
    return members > MARKS_MEMBERS_MAX


class Tally(Value, frozen=True):
    """The marks of all current members at `rev`, and the stairs that they make; who is `silent` counts in no read."""

    rev: int
    of: int
    marks: Mapping[Uid, Mark]
    silent: frozenset[Uid]
    delivered: tuple[Step, ...]
    read: tuple[Step, ...]

    def told(self, uid: Uid) -> Told:
        """What one member is told: the counts of the others, and the own mark (P-53, P-73)."""
        own = self.marks.get(uid, Mark(uid, 0, 0))
        read = () if uid in self.silent else _without(self.read, own.read)
        crowd = Crowd(self.of - 1, _without(self.delivered, own.delivered), read)
        return Told(self.rev, (own,) if own.delivered else (), crowd)


class CrowdBell(Value, frozen=True):
    """A doorbell: the counts of a large conversation have changed."""

    conv: ConvId
    tally: Tally
    members: tuple[Uid, ...]


def tally(rev: int, members: Iterable[Uid], marks: Mapping[Uid, Mark], silent: frozenset[Uid]) -> Tally:
    """Count the marks of the members; those of others are left out (P-53)."""
    here = tuple(members)
    counted = {uid: marks[uid] for uid in here if uid in marks}
    delivered = stairs(mark.delivered for mark in counted.values())
    read = stairs(mark.read for uid, mark in counted.items() if uid not in silent)
    return Tally(rev, len(here), counted, silent, delivered, read)


def stairs(positions: Iterable[int]) -> tuple[Step, ...]:
    """How many stand at each position or above, at most 64 steps; what lies between is rounded down."""
    steps: list[Step] = []
    for count, pos in enumerate(sorted(filter(None, positions), reverse=True), 1):
        if steps and steps[-1].pos == pos:
            steps.pop()
        steps.append(Step(pos, count))
    steps.reverse()
    last = len(steps) - 1
    if last < CROWD_STEPS_MAX:
        return tuple(steps)
    return tuple(steps[place * last // (CROWD_STEPS_MAX - 1)] for place in range(CROWD_STEPS_MAX))


def _without(steps: tuple[Step, ...], own: int) -> tuple[Step, ...]:
    """The same stairs without one who stands at `own`; a step that is no step any more falls away."""
    fewer: list[Step] = []
    for step in steps:
        count = step.count - (own >= step.pos)
        if fewer and fewer[-1].count == count:
            fewer.pop()
        if count:
            fewer.append(Step(step.pos, count))
    return tuple(fewer)
