"""A line in the middle that is torn once, after so many bytes towards the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

READ_BYTES = 65_536


class Relay:
    """Counts what goes up; the connection that carries the byte number `tears_after_bytes` is cut, both ways."""

    def __init__(self, port: int, tears_after_bytes: int) -> None:
        self._port, self._left_bytes = port, tears_after_bytes
        self.port = self.up_bytes = self.tears = 0
        self._open: set[asyncio.Task[None]] = set()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, there and back."""
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_carry(there, writer))
                both.create_task(self._up(reader, back))
        except* OSError:
            pass  # one of the two went away
        finally:
            back.transport.abort()
            writer.transport.abort()

    async def close(self) -> None:
        """End what is still open."""
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(READ_BYTES):
            self.up_bytes += len(piece)
            if not self.tears and self.up_bytes >= self._left_bytes:
                self.tears += 1
                raise ConnectionAbortedError
            writer.write(piece)
            await writer.drain()
        writer.write_eof()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(READ_BYTES):
        writer.write(piece)
        await writer.drain()
    writer.write_eof()


@asynccontextmanager
async def relaying(port: int, tears_after_bytes: int) -> AsyncIterator[Relay]:
    """A relay to this port, on a port of its own."""
    relay = Relay(port, tears_after_bytes)
    server = await asyncio.start_server(relay.answer, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    async with server:
        try:
            yield relay
        finally:
            server.close()
            await relay.close()
