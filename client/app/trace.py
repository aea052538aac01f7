"""The packets seen about each message: stamped here, written a little later, told at once after that."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from client.app.changes import PacketSeen
from client.app.publisher import Publisher
from client.app.tasks import Tasks
from client.core.effects import Traced, TracedAt
from client.core.model import Bubble, Seen
from client.ports import Clock, Messages
from protocol.problems import Problem
from protocol.values import Lid

log = logging.getLogger(__name__)

WRITE_EVERY_S = 0.2  # a crash may lose so much of the trace, and nothing else
OWN_ONLY = "ack:N"
"""The one packet about positions that concerns what we sent; the others concern what we received. The
author's own device reads its messages back from the log as well (P-47); that echo is no part of the journey."""


@dataclass(frozen=True, slots=True)
class _Note:
    saw: Traced | TracedAt
    at_ms: int


class Tracer:
    """Gathers notes and writes them in one go."""

    def __init__(self, messages: Messages, clock: Clock, tasks: Tasks, publisher: Publisher) -> None:
        self._messages, self._clock, self._tasks, self._publisher = messages, clock, tasks, publisher
        self._notes: list[_Note] = []
        self._writing = False
        self._lock = asyncio.Lock()

    def saw(self, seen: Traced | TracedAt) -> None:
        """A packet came or went just now."""
        self._notes.append(_Note(seen, self._clock.wall_ms()))
        if not self._writing:
            self._writing = True
            self._tasks.start(self._write_soon(), "trace")

    async def flush(self) -> None:
        """Write what has gathered. A failing disk costs the trace, never a message."""
        async with self._lock:
            notes, self._notes = self._notes, []
            found = [pair for note in notes for pair in await self._find(note)]
            if not found:
                return
            try:
                await self._messages.note([seen for seen, _ in found])
            except Problem as problem:
                log.warning("! the trace was not written: %s", problem.code)
            for seen, bubble in found:
                self._publisher.tell(PacketSeen(seen, bubble.conv))

    async def _write_soon(self) -> None:
        await asyncio.sleep(WRITE_EVERY_S)
        self._writing = False
        await self.flush()

    async def _find(self, note: _Note) -> list[tuple[Seen, Bubble]]:
        """The note once for each bubble it is about."""
        try:
            if isinstance(note.saw, Traced):
                bubbles = [await self._bubble(note.saw.lid)]
            else:
                bubbles = await self._bubbles_at(note.saw)
        except Problem as problem:
            log.warning("! a packet about an unknown bubble: %s", problem.code)
            return []
        return [(self._stamp(note, bubble), bubble) for bubble in bubbles]

    async def _bubbles_at(self, saw: TracedAt) -> list[Bubble]:
        at = [self._publisher.kept_at(saw.conv, pos) for pos in range(saw.first, saw.last + 1)]
        known = [bubble for bubble in at if bubble is not None]
        if len(known) < len(at):
            lids = await self._messages.lids_at(saw.conv, saw.first, saw.last)
            known = [await self._bubble(lid) for lid in lids]
        return [bubble for bubble in known if bubble.mine == (saw.packet == OWN_ONLY)]

    async def _bubble(self, lid: Lid) -> Bubble:
        return self._publisher.kept(lid) or await self._messages.bubble(lid)

    @staticmethod
    def _stamp(note: _Note, bubble: Bubble) -> Seen:
        tries = note.saw.tries if isinstance(note.saw, Traced) else 1
        return Seen(bubble.lid, note.saw.packet, note.saw.way, tries, note.at_ms, note.saw.note)
