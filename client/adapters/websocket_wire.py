"""The WebSocket to the server, the port `Wire`: frames out, frames in, and the news of its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.protocol import OPEN

from client.ports import WireListener
from protocol.codec import frames, from_server
from protocol.limits import FRAME_MAX_BYTES, KIB, PROGRESS_EVERY_S
from protocol.packets import Close, Packet

PATH: Final = "/v1/line"
OPEN_WITHIN_S: Final = 10.0
CLOSE_WITHIN_S: Final = 1.0
SLACK_BYTES: Final = 4 * KIB
"""Above the limit of a frame: one that is a little too large is answered as such, not by a torn line."""
RETRY_MAX_MS: Final = 3_600_000
End: TypeAlias = tuple[int, int, str]
"""How a connection ended: close code, wish to wait in ms, and what was said about it."""
NO_END: Final[End] = (0, 0, "")

# The library would write whole frames to the log at its lowest level; nothing of a message belongs there.
_log = logging.getLogger("client.adapters.websocket_wire.library")
_log.setLevel(logging.WARNING)


class WebsocketWire:
    """Holds the newest connection; an older one may still be saying goodbye, under its own number.

    Works on any asyncio loop. Keep-alive is the core's (P-15), so the library sends no pings of its own.

    Args:
        listener: hears `up` at most once and `down` exactly once for every number connected, on the loop's thread.
        token: the device token of the moment; empty for none.
    """

    def __init__(self, listener: WireListener, token: Callable[[], str]) -> None:
        self._listener, self._token = listener, token
        self._lines: dict[int, _Line] = {}

    def connect(self, wire: int, url: str) -> None:
        """`url` is the server's address, http(s) or ws(s); whatever was connected before is hung up."""
        for number in self._lines:
            self.hang_up(number, 1000)
        line = self._lines[wire] = _Line(wire, line_url(url), self._token(), self._listener)
        line.task.add_done_callback(lambda task: self._ended(wire, task))

    def send(self, wire: int, packets: Sequence[Packet]) -> None:
        """What is sent to a connection that is gone goes nowhere, like what is lost on the way."""
        if line := self._lines.get(wire):
            line.send(packets)

    def hang_up(self, wire: int, close: int) -> None:
        """What was sent before leaves first, unless the other side does not take it within a second."""
        if line := self._lines.get(wire):
            line.hang_up(close)

    async def close(self) -> None:
        """Hang up everything and wait until it is gone; the listener hears the last `down`."""
        tasks = [line.task for line in self._lines.values()]
        for wire in list(self._lines):
            self.hang_up(wire, 1000)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, wire: int, task: asyncio.Task[End]) -> None:
        self._lines.pop(wire, None)
        close, retry_ms, why = NO_END if task.cancelled() or task.exception() else task.result()
        self._listener.down(wire, close, retry_ms, why)
        if not task.cancelled() and (mistake := task.exception()):
            facts = {"message": "a connection ended by a mistake of ours", "exception": mistake, "task": task}
            task.get_loop().call_exception_handler(facts)


class _Line:
    """One connection from dialling to its end."""

    def __init__(self, wire: int, url: str, token: str, listener: WireListener) -> None:
        self._wire, self._url, self._token, self._listener = wire, url, token, listener
        self._unsent: list[Packet] = []
        self._to_do = asyncio.Event()
        self._close: int | None = None
        self._socket: _Socket | None = None
        self.task = asyncio.get_running_loop().create_task(self._live(), name=f"wire {wire}")

    def send(self, packets: Sequence[Packet]) -> None:
        self._unsent.extend(packets)
        self._to_do.set()

    def hang_up(self, close: int) -> None:
        if self._close is not None:
            return
        self._close = close
        self._to_do.set()
        if self._socket is None:
            self.task.cancel()
        else:  # the other side may not be reading any more
            self.task.get_loop().call_later(CLOSE_WITHIN_S, self._socket.transport.abort)

    async def _live(self) -> End:
        """Dial, talk, and return how it ended."""
        try:
            socket = await self._dial()
        except InvalidStatus as refused:
            return 0, _seconds(refused.response.headers.get("Retry-After", "")) * 1_000, ""
        except (OSError, WebSocketException, ValueError):  # TimeoutError is an OSError
            return NO_END
        self._socket = socket
        socket.progressed = lambda: self._listener.progressed(self._wire)
        try:
            self._listener.up(self._wire)
            await self._talk(socket)
        finally:
            socket.transport.abort()  # whatever happened, nothing stays open
        return _end(socket)

    async def _dial(self) -> _Socket:
        socket = await _Dial(
            self._url,
            create_connection=_Socket,
            additional_headers={"Authorization": f"Bearer {self._token}"} if self._token else {},
            compression=None,
            open_timeout=OPEN_WITHIN_S,
            close_timeout=CLOSE_WITHIN_S,
            ping_interval=None,
            proxy=None,
            max_size=FRAME_MAX_BYTES + SLACK_BYTES,
            user_agent_header=None,
            logger=_log,
        )
        assert isinstance(socket, _Socket)
        return socket

    async def _talk(self, socket: _Socket) -> None:
        """Until the connection ends; then, or when it fails, the writer ends too."""
        writer = asyncio.get_running_loop().create_task(self._write(socket), name=f"wire {self._wire} out")
        try:
            with suppress(ConnectionClosed):
                while True:
                    frame = await socket.recv(decode=False)
                    socket.frame_is_whole()
                    self._listener.received(self._wire, from_server.read(frame))
        finally:
            writer.cancel()
            with suppress(asyncio.CancelledError):
                await writer

    async def _write(self, socket: ClientConnection) -> None:
        """All that was queued since the last time leaves together: a turn of the loop fills few frames."""
        try:
            with suppress(ConnectionClosed):
                while True:
                    await self._to_do.wait()
                    self._to_do.clear()
                    await self._flush(socket)
                    if self._close is not None:
                        await socket.close(self._close)
                        return
        finally:
            socket.transport.abort()  # ends the reader too

    async def _flush(self, socket: ClientConnection) -> None:
        packets, self._unsent = self._unsent, []
        for frame in frames(packets):
            await socket.send(frame, text=True)


class _Socket(ClientConnection):
    """Notices bytes below the level of frames: one of 256 KiB takes minutes on a slow line (P-15).

    While it comes, `progressed` is called now and then, and the other side is told by a pong that nobody asked for
    (RFC 6455, section 5.5.3), so that neither takes the line for dead.
    """

    progressed: Callable[[], None] | None = None
    _since_s: float | None = None

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        now_s = self.loop.time()
        if self._since_s is None:
            self._since_s = now_s
        elif now_s - self._since_s >= PROGRESS_EVERY_S and self.progressed and self.protocol.state is OPEN:
            self._since_s = now_s
            self.progressed()
            self.protocol.send_pong(b"")
            self.send_data()

    def frame_is_whole(self) -> None:
        """What comes now belongs to another frame."""
        self._since_s = None


class _Dial(connect):
    """A server that sends us elsewhere is not followed: the token is for this one."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


def line_url(server: str) -> str:
    """The address of the WebSocket for a server's address."""
    parts = urlsplit(server)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    path = parts.path if parts.path.endswith(PATH) else parts.path.rstrip("/") + PATH
    return urlunsplit((scheme, parts.netloc, path, "", ""))


def _end(socket: ClientConnection) -> End:
    """What the other side said when it closed. A busy server says in the reason how many milliseconds to wait."""
    said = socket.protocol.close_rcvd
    if said is None:
        return NO_END
    if said.code == Close.BUSY and said.reason.isascii() and said.reason.isdigit():
        return said.code, min(int(said.reason), RETRY_MAX_MS), ""
    return said.code, 0, said.reason


def _seconds(header: str) -> int:
    return min(int(header), RETRY_MAX_MS // 1_000) if header.isascii() and header.isdigit() else 0
