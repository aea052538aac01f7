"""What to push to whom, and when an `ack:N` may be forged (P-45, P-51). One feed per conversation and session.

Push positions live in memory only: what a session forgets, the cursor and the next pull repair.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from protocol.limits import (
    FRAME_MAX_BYTES,
    KIB,
    PAGE_EVENTS,
    PUSH_MAX_BYTES,
    PUSH_MAX_EVENTS,
    STORED_AFTER_S,
)
from protocol.packets import AckN, Event, MsgN
from protocol.values import ConvId, Did, Uid
from server.core.acceptance import Answer, Taken
from server.core.crowd import crowded
from server.core.moves import Ask, Bell, MarksBell, Moved, Page, Told

PULL_GRACE_S = 5.0  # a device that pulls is not pushed to for so long, or it would get everything twice; ours
RUN_MAX_BYTES = FRAME_MAX_BYTES - 96 * KIB  # events of one push before the last; one more fits behind
OVERHEAD_BYTES = 256  # names and numbers around an event's content

Push: TypeAlias = MsgN | Ask


def bells(answers: Iterable[Answer]) -> list[Bell]:
    """One doorbell per conversation for what was just committed; its events follow one another in the log."""
    taken: dict[ConvId, list[Taken]] = {}
    for answer in answers:
        if isinstance(answer, Taken):
            taken.setdefault(answer.offer.packet.conv, []).append(answer)
    return [
        Bell(conv, some[-1].event.pos, tuple([one.event for one in some]), some[-1].members)
        for conv, some in taken.items()
    ]


def marks_bells(moved: Iterable[Moved]) -> list[MarksBell]:
    """One doorbell per conversation for the marks that climbed in one commit; large ones are counted instead."""
    climbed: dict[ConvId, list[Moved]] = {}
    for one in moved:
        if one.climbed is not None and not crowded(len(one.members)):
            climbed.setdefault(one.move.conv, []).append(one)
    return [_marks_bell(conv, some) for conv, some in climbed.items()]


def _marks_bell(conv: ConvId, some: Sequence[Moved]) -> MarksBell:
    latest = {one.climbed.by: one.climbed for one in some if one.climbed is not None}
    silent = frozenset(one.move.who.uid for one in some if not one.tells)
    return MarksBell(conv, some[0].rev - 1, some[-1].rev, tuple(latest.values()), some[-1].members, silent)


def recounted(moved: Iterable[Moved]) -> tuple[ConvId, ...]:
    """The large conversations whose counts have changed in one commit (P-52)."""
    large = (one.move.conv for one in moved if one.climbed is not None and crowded(len(one.members)))
    return tuple(dict.fromkeys(large))


class Feed:
    """Pushes one conversation to one device: behind the last pushed position, within the window (P-45).

    `pushed` is None until the device's cursor is known. `tail` are the events right behind `pushed`, as the
    doorbells brought them; whatever is missing there is read from the log.
    """

    __slots__ = (
        "_acked",
        "_conv",
        "_did",
        "_echo_due_s",
        "_echo_join_s",
        "_flights",
        "_flying_bytes",
        "_head",
        "_pull_until_s",
        "_pushed",
        "_reading",
        "_tail",
    )

    def __init__(self, conv: ConvId, did: Did, echo_join_s: float) -> None:
        self._conv, self._did, self._echo_join_s = conv, did, echo_join_s
        self._pushed: int | None = None
        self._acked = self._head = 0
        self._tail: list[Event] = []
        self._reading = False
        self._pull_until_s = 0.0
        self._echo_due_s: float | None = None
        self._flights: deque[tuple[int, int]] = deque()
        self._flying_bytes = 0

    def ring(self, bell: Bell) -> None:
        """There is news. Its events are kept if they join what is known."""
        self._head = max(self._head, bell.head)
        if self._pushed is None or not bell.events:
            return
        expected = self._pushed + len(self._tail) + 1
        if bell.events[0].pos == expected and bell.events[-1].pos <= self._acked + PUSH_MAX_EVENTS:
            self._tail.extend(bell.events)

    def acknowledged(self, cursor: int) -> None:
        """The device stands at `cursor` (T3 is committed); it may know more than was pushed here."""
        self._acked = max(self._acked, cursor)
        while self._flights and self._flights[0][0] <= self._acked:
            self._flying_bytes -= self._flights.popleft()[1]
        if self._pushed is None or self._pushed < self._acked:
            self._go_to(self._acked)

    def pulled(self, page: Page, now_s: float) -> None:
        """The device was given a page it asked for; pushing goes on behind it (P-45, P-46).

        A device that asks for what it acknowledged long ago looks at its history; that moves nothing.
        """
        self._acked = max(self._acked, page.cursor)
        self._head = max(self._head, page.head)
        if page.to >= self._acked:
            self._go_to(page.to)
            self._pull_until_s = now_s + PULL_GRACE_S if page.to < page.head else 0.0

    def page(self, page: Page) -> MsgN | None:
        """A page that this feed asked for has come. None if the device went elsewhere meanwhile, or at the end."""
        self._reading = False
        if self._pushed is None:
            self._pushed = self._acked = max(page.from_, self._acked)
        if page.from_ != self._pushed:
            return None
        self._head = max(page.head, page.to) if page.to > page.from_ else page.to
        if page.to == page.from_:
            return None
        self._go_to(page.to)
        self._fly(page.to, page.events)
        return MsgN(self._conv, page.from_, page.to, self._head, page.events, page.gaps)

    def failed(self, again_s: float) -> None:
        """A page that this feed asked for could not be read; it is asked for again at `again_s`."""
        self._reading, self._pull_until_s = False, max(self._pull_until_s, again_s)

    def next(self, now_s: float) -> Push | None:
        """A frame to push, a page to read first, or nothing now; asked again until it is nothing."""
        if self._reading or now_s < self._pull_until_s:
            return None
        self._pull_until_s = 0.0
        if self._pushed is None:
            return self._read(PAGE_EVENTS) if self._head else None
        room = PUSH_MAX_EVENTS - max(0, self._pushed - self._acked)
        if self._pushed >= self._head or room <= 0 or self._flying_bytes >= PUSH_MAX_BYTES:
            return None
        if not self._tail:
            return self._read(min(room, PAGE_EVENTS))
        return None if self._only_echo(now_s) else self._run()

    def due_s(self) -> float:
        """When `next` may have something that it has not now. While a page is read, only that page matters."""
        if self._reading:
            return float("inf")
        pull_s = self._pull_until_s if self._pull_until_s else float("inf")
        return min(pull_s, float("inf") if self._echo_due_s is None else self._echo_due_s)

    def _only_echo(self, now_s: float) -> bool:
        """The device's own messages need no hurry: their answers say all; they are joined for a moment (P-47)."""
        if any(event.did != self._did for event in self._tail):
            self._echo_due_s = None
            return False
        if self._echo_due_s is None:
            self._echo_due_s = now_s + self._echo_join_s
        if now_s < self._echo_due_s:
            return True
        self._echo_due_s = None
        return False

    def _read(self, limit: int) -> Ask:
        self._reading = True
        return Ask(self._conv, self._pushed, limit)

    def _run(self) -> MsgN:
        """From the tail, which never reaches beyond the window."""
        assert self._pushed is not None
        run = tuple(within_bytes(self._tail))
        first, self._pushed = self._pushed, run[-1].pos
        self._fly(self._pushed, run)
        del self._tail[: len(run)]
        return MsgN(self._conv, first, self._pushed, self._head, run)

    def _fly(self, to: int, events: Sequence[Event]) -> None:
        size_bytes = sum([len(event.content) + OVERHEAD_BYTES for event in events])
        self._flights.append((to, size_bytes))
        self._flying_bytes += size_bytes

    def _go_to(self, pos: int) -> None:
        """Set the push position; the tail is kept only if it goes on right behind it."""
        self._tail = [event for event in self._tail if event.pos > pos]
        if self._tail and self._tail[0].pos != pos + 1:
            self._tail.clear()
        self._pushed, self._echo_due_s = pos, None


def within_bytes(events: list[Event]) -> list[Event]:
    """As many of these as fit into one frame; always the first (P-10)."""
    size_bytes = 0
    for place, event in enumerate(events):
        size_bytes += len(event.content) + OVERHEAD_BYTES
        if size_bytes > RUN_MAX_BYTES:
            return events[: place + 1]
    return events


class Promises:
    """The messages of one lane that nobody has yet; after 5 s their author hears that the server keeps them.

    This is the forged `ack:N`: in memory only, and never a word about delivery (P-51).
    """

    __slots__ = ("_conv", "_waiting")

    def __init__(self, conv: ConvId) -> None:
        self._conv = conv
        self._waiting: deque[tuple[float, int, int]] = deque()

    def accepted(self, n: int, pos: int, now_s: float, *, home: bool, age_s: float = 0.0) -> AckN | None:
        """A message was taken `age_s` ago; with nobody at home, or after 5 s, its author hears at once."""
        if not home:
            return AckN(self._conv, n=n, pos=pos, stored="offline")
        if age_s >= STORED_AFTER_S:
            return AckN(self._conv, n=n, pos=pos, stored="slow")
        if not self._waiting or self._waiting[-1][2] < pos:
            self._waiting.append((now_s + STORED_AFTER_S - age_s, n, pos))
        return None

    def delivered(self, me: Uid, told: Told) -> None:
        """Another person has it: the truth is on its way, nothing is forged any more (P-53)."""
        while self._waiting and told.reached(self._waiting[0][2], but=me):
            self._waiting.popleft()

    def overdue(self, now_s: float) -> list[AckN]:
        """What nobody has after 5 s."""
        late: list[AckN] = []
        while self._waiting and self._waiting[0][0] <= now_s:
            _, n, pos = self._waiting.popleft()
            late.append(AckN(self._conv, n=n, pos=pos, stored="slow"))
        return late

    def due_s(self) -> float:
        """When the next one is overdue."""
        return self._waiting[0][0] if self._waiting else float("inf")
