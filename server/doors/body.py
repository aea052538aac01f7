"""The bytes of a request in pieces of bounded size: the next one gathers while the disk still has the last.

Pieces lie in buffers that are used again and again: fresh memory for each costs as much as everything else that
is done with its bytes, but hashing (measured).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from aiohttp import web
from aiohttp.streams import StreamReader

from protocol.limits import KIB
from protocol.problems import TransferInterrupted
from server.app.tasks import Tasks

PIECE_BYTES = 512 * KIB  # gathered before the disk is asked: fewer hops between threads
BUFFERS_KEPT = 8  # at rest, for all uploads together
SILENCE_MAX_S = 30.0  # an upload that says nothing for so long is let go; its part stays


class Buffers:
    """Memory for pieces. What is given back is given out again."""

    def __init__(self) -> None:
        self._at_rest: list[memoryview] = []

    def take(self) -> memoryview:
        """One that nobody uses."""
        return self._at_rest.pop() if self._at_rest else memoryview(bytearray(PIECE_BYTES))

    def give_back(self, *buffers: memoryview) -> None:
        """Nobody uses these any more."""
        self._at_rest += buffers[: BUFFERS_KEPT - len(self._at_rest)]


class Body:
    """Gathers at most a piece and what one read of the socket gives; then the sender waits."""

    def __init__(self, content: StreamReader, buffers: Buffers) -> None:
        self._content, self._buffers = content, buffers
        self._filling = self._taken = memoryview(b"")
        self._size_bytes = 0
        self._ended = False
        self._stop: Exception | None = None
        self._ready, self._room = asyncio.Event(), asyncio.Event()

    async def pieces(self) -> AsyncGenerator[memoryview]:
        """Each is good until the next is asked for. What came before an interruption is handed on first.

        Raises: TransferInterrupted, and what the library says of a body that is none.
        """
        self._filling, self._taken = self._buffers.take(), self._buffers.take()
        gathering = Tasks()
        gathering.start(self._gather())
        try:
            while piece := await self._next():
                yield piece
        finally:
            await gathering.cancel()
            self._buffers.give_back(self._filling, self._taken)
        if self._stop is not None:
            raise self._stop

    async def _next(self) -> memoryview:
        """A piece, smaller only at the end; nothing after it."""
        await self._ready.wait()
        piece = self._filling[: self._size_bytes]
        self._filling, self._taken, self._size_bytes = self._taken, self._filling, 0
        self._room.set()
        if not self._ended:
            self._ready.clear()
        return piece

    async def _gather(self) -> None:
        try:
            while chunk := await self._chunk():
                await self._put(memoryview(chunk))
        except Exception as stop:
            self._stop = stop  # raised where the pieces are read, after the last of them
        finally:
            self._ended = True
            self._ready.set()

    async def _put(self, rest: memoryview) -> None:
        while rest:
            start, count = self._size_bytes, min(len(rest), PIECE_BYTES - self._size_bytes)
            self._filling[start : start + count] = rest[:count]
            self._size_bytes, rest = start + count, rest[count:]
            if self._size_bytes == PIECE_BYTES:
                self._room.clear()
                self._ready.set()
                await self._room.wait()

    async def _chunk(self) -> bytes:
        """What has come, or nothing at the end. Raises: TransferInterrupted."""
        try:
            async with asyncio.timeout(SILENCE_MAX_S):
                return await self._content.readany()
        except (TimeoutError, ConnectionError, web.PayloadAccessError) as stop:
            raise TransferInterrupted() from stop
