"""The bytes of a request in pieces of bounded size: the next one gathers while the disk still has the last."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from aiohttp import web
from aiohttp.streams import StreamReader

from protocol.limits import KIB
from protocol.problems import TransferInterrupted
from server.app.tasks import Tasks

PIECE_BYTES = 512 * KIB  # gathered before the disk is asked: fewer hops between threads
SILENCE_MAX_S = 30.0  # an upload that says nothing for so long is let go; its part stays


class Body:
    """Gathers at most a piece and what one read of the socket gives; then the sender waits."""

    def __init__(self, content: StreamReader) -> None:
        self._content = content
        self._chunks: list[bytes] = []
        self._size_bytes = 0
        self._ended = False
        self._stop: Exception | None = None
        self._ready, self._room = asyncio.Event(), asyncio.Event()
        self._room.set()

    async def pieces(self) -> AsyncGenerator[bytes]:
        """What came before an interruption is handed on first.

        Raises: TransferInterrupted, and what the library says of a body that is none.
        """
        gathering = Tasks()
        gathering.start(self._gather())
        try:
            while piece := await self._next():
                yield piece
        finally:
            await gathering.cancel()
        if self._stop is not None:
            raise self._stop

    async def _next(self) -> bytes:
        """A piece, smaller only at the end; nothing after it."""
        await self._ready.wait()
        piece = b"".join(self._chunks)
        self._chunks.clear()
        self._size_bytes = 0
        self._room.set()
        if not self._ended:
            self._ready.clear()
        return piece

    async def _gather(self) -> None:
        try:
            while chunk := await self._chunk():
                self._chunks.append(chunk)
                self._size_bytes += len(chunk)
                if self._size_bytes >= PIECE_BYTES:
                    self._room.clear()
                    self._ready.set()
                    await self._room.wait()
        except Exception as stop:
            self._stop = stop  # raised where the pieces are read, after the last of them
        finally:
            self._ended = True
            self._ready.set()

    async def _chunk(self) -> bytes:
        """What has come, or nothing at the end. Raises: TransferInterrupted."""
        try:
            async with asyncio.timeout(SILENCE_MAX_S):
                return await self._content.readany()
        except (TimeoutError, ConnectionError, web.PayloadAccessError) as stop:
            raise TransferInterrupted() from stop
