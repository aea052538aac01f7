"""The true `ack:N`: marks of people as they climb, joined per conversation and spread in time (P-50, P-52)."""

from __future__ import annotations

from collections.abc import Iterable

from protocol.packets import AckN, Mark
from protocol.values import ConvId, Uid, replace
from server.core.moves import Marks, MarksBell, Told


def shown(marks: Iterable[Mark], to: Uid, *, tells: bool, silent: frozenset[Uid]) -> tuple[Mark, ...]:
    """The marks as one person is told them: what was read only by and to those who tell it, and one's own (P-73)."""
    return tuple(
        mark if mark.by == to or (tells and mark.by not in silent) else replace(mark, read=0, read_ms=0)
        for mark in marks
    )


class MarksFeed:
    """The marks of one conversation on their way to one device. After a missed doorbell they are read instead."""

    __slots__ = ("_conv", "_due_s", "_known", "_reading", "_sent", "_torn", "_upto")

    def __init__(self, conv: ConvId) -> None:
        self._conv = conv
        self._sent: int | None = None
        self._upto = 0
        self._known: dict[Uid, Mark] = {}
        self._due_s = float("inf")
        self._torn = self._reading = False

    def ring(self, bell: MarksBell, due_s: float) -> None:
        """Marks climbed; they go out at `due_s`, or earlier if others wait already."""
        if self._sent is None:
            self._sent = self._upto = bell.from_
        if bell.to <= self._upto:
            return
        self._torn = self._torn or bell.from_ > self._upto
        self._upto = bell.to
        self._known.update((mark.by, mark) for mark in bell.marks)
        self._due_s = min(self._due_s, due_s)

    def told(self, rev: int) -> None:
        """The device was given all marks up to `rev` in another packet."""
        if self._sent is None or rev >= self._upto:
            self._sent, self._upto = rev, rev
            self._known.clear()
            self._torn, self._due_s = False, float("inf")

    def due(self, now_s: float) -> AckN | int | None:
        """At the time: the packet, or the rev above which the marks must be read first."""
        if self._reading or now_s < self._due_s or self._sent is None:
            return None
        if self._torn:
            self._reading = True
            return self._sent
        packet = AckN(self._conv, self._sent, self._upto, tuple(self._known.values()))
        self.told(self._upto)
        return packet

    def read(self, marks: Marks) -> AckN:
        """The marks that had to be read have come; a doorbell that is newer still is left to the next poll."""
        self._reading = False
        told = marks.told
        self._upto = told.rev
        self.told(told.rev)
        return acked(self._conv, marks.from_, told)

    def failed(self, again_s: float) -> None:
        """The marks could not be read; they are asked for again at `again_s`."""
        self._reading, self._due_s = False, again_s

    def due_s(self) -> float:
        """When `due` has something."""
        return float("inf") if self._reading else self._due_s


def acked(conv: ConvId, from_: int, told: Told) -> AckN:
    """The true `ack:N`; counts are whole, so that they follow whatever was known (P-52)."""
    return AckN(conv, from_ if told.crowd is None else 0, told.rev, told.marks, crowd=told.crowd)
