"""What front ends are told: changes gathered for one frame, and the running try laid over a stored bubble."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import TypeAlias

from client.app.changes import (
    BubblesChanged,
    Change,
    ChatsChanged,
    LineChanged,
    PeopleChanged,
    Progressed,
)
from client.core.model import Bubble, State
from protocol.values import ConvId, Lid, replace

log = logging.getLogger(__name__)

Listener: TypeAlias = Callable[[Change], None]

TRIED = (State.QUEUED, State.SENDING, State.CANCELLING, State.ACCEPTED)
"""States in which a try may be running."""
KEPT_MAX = 4096
"""Bubbles that are remembered, so that a packet seen about them needs no look into the database."""


class Publisher:
    """Tells listeners, on the loop's thread, at most once in `batch_s` seconds; 0 is the loop's next turn."""

    def __init__(self, batch_s: float) -> None:
        self.receipts = True
        self._batch_s = batch_s
        self._listeners: list[Listener] = []
        self._waiting: list[Change] = []
        self._bubbles: dict[Lid, Bubble] = {}
        self._chats: dict[ConvId, None] = {}
        self._flushing = False
        self._climbs: dict[Lid, tuple[int, float]] = {}
        self._kept: dict[Lid, Bubble] = {}
        self._changes: dict[Lid, Lid] = {}
        self._at: dict[tuple[ConvId, int], Lid] = {}
        self._done_bytes: dict[Lid, int] = {}

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every change from now on, until the returned function is called."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def tell(self, change: Change) -> None:
        """Pass a change on with the next frame."""
        self._waiting.append(change)
        self._flush_soon()

    def show(self, bubbles: Iterable[Bubble]) -> None:
        """These bubbles were stored and look different now."""
        for bubble in bubbles:
            if bubble.state not in TRIED:
                self._climbs.pop(bubble.lid, None)
            if not _moves(bubble):
                self._done_bytes.pop(bubble.lid, None)
            before = self._kept.get(bubble.lid)
            if before is not None and before.change_lid != bubble.change_lid:
                self._climbs.pop(before.change_lid, None)
                self._changes.pop(before.change_lid, None)
            self._keep(bubble)
            self._bubbles[bubble.lid] = self.dress(bubble)
            self._chats[bubble.conv] = None
            self._flush_soon()

    def touch(self, conv: ConvId) -> None:
        """The chat list has another row for this conversation."""
        self._chats[conv] = None
        self._flush_soon()

    def tried(self, lid: Lid, tries: int, due_s: float) -> bool:
        """A try left (or, with 0, the note is taken back). Returns whether the bubble is known here."""
        if tries:
            self._climbs[lid] = (tries, due_s)
        else:
            self._climbs.pop(lid, None)
        kept = self._kept.get(self._changes.get(lid, lid))
        if kept is not None:
            self._bubbles[kept.lid] = self.dress(kept)
            self._flush_soon()
        return kept is not None

    def moved(self, lid: Lid, done_bytes: int) -> None:
        """So much of its file has gone or come."""
        self._done_bytes[lid] = done_bytes

    def done_bytes(self, lid: Lid) -> int:
        """How much of its file has gone or come, as far as it was heard."""
        return self._done_bytes.get(lid, 0)

    def dress(self, bubble: Bubble) -> Bubble:
        """The bubble with its running try: a queued message with a try out is *sending*.

        Who does not tell what they have read is not shown what others have (P-73).
        """
        if _moves(bubble) and bubble.lid in self._done_bytes:
            bubble = replace(bubble, here_bytes=self._done_bytes[bubble.lid])
        if bubble.state is State.READ and not self.receipts:
            return replace(bubble, state=State.DELIVERED, read_by=0, read_ms=0)
        if bubble.change is State.QUEUED and bubble.change_lid in self._climbs:
            bubble = replace(bubble, change=State.SENDING)
        climb = self._climbs.get(bubble.lid)
        if climb is None or bubble.state not in TRIED:
            return bubble
        state = State.SENDING if bubble.state is State.QUEUED else bubble.state
        return replace(bubble, state=state, tries=climb[0], due_s=climb[1])

    def kept(self, lid: Lid) -> Bubble | None:
        """The bubble as last stored, if it was seen lately."""
        return self._kept.get(lid)

    def kept_at(self, conv: ConvId, pos: int) -> Bubble | None:
        """The same by its place in the conversation."""
        lid = self._at.get((conv, pos))
        return None if lid is None else self._kept.get(lid)

    def forget_tries(self) -> None:
        """The core was thrown away: no try runs."""
        lids = list(self._climbs)
        self._climbs.clear()
        shown = [self._changes.get(lid, lid) for lid in lids]
        self._bubbles.update({lid: self._kept[lid] for lid in shown if lid in self._kept})
        if lids:
            self._flush_soon()

    # ------------------------------------------------------------------------------------- gathering

    def _keep(self, bubble: Bubble) -> None:
        self._kept.pop(bubble.lid, None)
        self._kept[bubble.lid] = bubble
        if bubble.change_lid:
            self._changes[bubble.change_lid] = bubble.lid
        if bubble.pos:
            self._at[bubble.conv, bubble.pos] = bubble.lid
        while len(self._kept) > KEPT_MAX:
            lid = next(iter(self._kept))
            old = self._kept.pop(lid)
            self._at.pop((old.conv, old.pos), None)
            self._changes.pop(old.change_lid, None)

    def _flush_soon(self) -> None:
        if self._flushing:
            return
        self._flushing = True
        loop = asyncio.get_running_loop()
        if self._batch_s > 0:
            loop.call_later(self._batch_s, self.flush)
        else:
            loop.call_soon(self.flush)

    def flush(self) -> None:
        """Tell everybody what has gathered, newest value of each thing only."""
        self._flushing = False
        changes = _newest(self._waiting)
        if self._bubbles:
            changes.append(BubblesChanged(tuple(self._bubbles.values())))
        if self._chats:
            changes.append(ChatsChanged(tuple(self._chats)))
        self._waiting, self._bubbles, self._chats = [], {}, {}
        for change in changes:
            for listener in tuple(self._listeners):
                self._call(listener, change)

    @staticmethod
    def _call(listener: Listener, change: Change) -> None:
        try:
            listener(change)
        except Exception:
            log.exception("! a listener failed at %s", type(change).__name__)


def _moves(bubble: Bubble) -> bool:
    """Whether a file of it is on its way, or was stopped there."""
    return bubble.fetching or bubble.state is State.UPLOADING


def _newest(changes: list[Change]) -> list[Change]:
    """Drop what a later change of the same thing overtook; keep the order of what remains."""
    newest: dict[object, Change] = {}
    for place, change in enumerate(changes):
        match change:
            case Progressed(progress):
                key: object = (Progressed, progress.lid, progress.way)
            case LineChanged() | PeopleChanged():
                key = type(change)
            case _:
                key = place
        newest.pop(key, None)
        newest[key] = change
    return list(newest.values())
