"""Whose page is read next: one at a time for each connection, few for all, none for who has enough unread (P-80).

Without it, five hundred people who come back at once would have five hundred pages in memory, and who asks for a
thousand pages and reads none would have them all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from protocol.limits import BACKLOG_MAX_BYTES, PAGES_ASKED_MAX, PAGES_AT_ONCE, UNSENT_MAX_BYTES

LOOK_S = 0.1  # how often a connection with enough unread is looked at


class Reader(Protocol):
    """A connection that pages go to."""

    def gone(self) -> bool:
        """Whether nobody waits for pages any more."""

    def unsent_bytes(self) -> int:
        """What it was sent and the system has not taken yet."""


class Line:
    """The asks of one connection, in order."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.asked = 0
        self.turn = asyncio.Lock()


class Pages:
    """The gate that all of them go through."""

    def __init__(self) -> None:
        self._gate = asyncio.Semaphore(PAGES_AT_ONCE)

    def asks(self, line: Line, *, pulls: bool) -> bool:
        """It asks for one more, and `turn` must follow; False if that is too many. A push is one for a conversation."""
        if pulls and line.asked >= PAGES_ASKED_MAX:
            return False
        line.asked += 1
        return True

    @asynccontextmanager
    async def turn(self, line: Line, readers: int) -> AsyncIterator[bool]:
        """Wait for it; False if the connection went away meanwhile. `readers`: connections, which share the memory."""
        try:
            async with line.turn:
                # the system does not tell when it took bytes
                while not line.reader.gone() and line.reader.unsent_bytes() > unread_max_bytes(readers):  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_S)
                async with self._gate:
                    yield not line.reader.gone()
        finally:
            line.asked -= 1


def unread_max_bytes(readers: int) -> int:
    """What each of so many connections may leave unread, and still be given a page."""
    return min(UNSENT_MAX_BYTES, BACKLOG_MAX_BYTES // max(1, readers))
