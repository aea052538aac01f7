"""The WebSocket door: frames in, frames out, one write per connection and turn of the loop (P-10, P-18)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import WSCloseCode, WSMsgType, web

from protocol.codec import frames, from_client
from protocol.limits import FRAME_MAX_BYTES, PROGRESS_EVERY_S
from protocol.packets import Close, FromServer
from protocol.problems import BadFrame
from server.ports import Hub, Line

CLOSE_WAIT_S = 5.0  # for the other side to take the last bytes and to close, ours
TEXT, CLOSE, PONG = 0x81, 0x88, 0x8A  # first byte of an unfragmented frame (RFC 6455)


def wrapped(first: int, payload: bytes) -> bytes:
    """A WebSocket frame from the server: not masked, not compressed (RFC 6455, section 5.2)."""
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 1 << 16:
        return bytes((first, 126)) + size.to_bytes(2, "big") + payload
    return bytes((first, 127)) + size.to_bytes(8, "big") + payload


class SocketCarrier:
    """Writes to the transport itself: nothing waits, and what one turn gathered is one write."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._abort: asyncio.TimerHandle | None = None
        self.closing = False

    def send(self, packets: Sequence[FromServer]) -> None:
        if not self.closing and not self._transport.is_closing():
            self._transport.write(b"".join([wrapped(TEXT, frame) for frame in frames(packets)]))

    def close(self, code: int, reason: str) -> None:
        """Say why; a side that does not answer is cut off."""
        if self.closing or self._transport.is_closing():
            return
        self._transport.write(wrapped(CLOSE, code.to_bytes(2, "big") + reason.encode()[:100]))
        self.closing = True
        self._abort = asyncio.get_running_loop().call_later(CLOSE_WAIT_S, self._transport.abort)

    def still_here(self) -> None:
        """A pong that nobody asked for, to who sends us a frame that takes its time (RFC 6455, section 5.5.3)."""
        if not self.closing and not self._transport.is_closing():
            self._transport.write(wrapped(PONG, b""))

    def unsent_bytes(self) -> int:
        return self._transport.get_write_buffer_size()

    def ended(self) -> None:
        """The connection is gone."""
        if self._abort is not None:
            self._abort.cancel()


class _Tap(asyncio.Protocol):
    """Stands before the library's protocol, and notices bytes below the level of frames.

    A frame of 256 KiB takes minutes on a slow line. While it comes, both sides are told that the line lives (P-15).
    """

    def __init__(self, inner: asyncio.Protocol, line: Line, carrier: SocketCarrier) -> None:
        self._inner, self._line, self._carrier = inner, line, carrier
        self._now_s = asyncio.get_running_loop().time
        self._since_s: float | None = None

    def data_received(self, data: bytes) -> None:
        self._inner.data_received(data)
        now_s = self._now_s()
        if self._since_s is None:
            self._since_s = now_s
        elif now_s - self._since_s >= PROGRESS_EVERY_S:
            self._since_s = now_s
            self._line.heard()
            self._carrier.still_here()

    def frame_is_whole(self) -> None:
        """What comes now belongs to another frame."""
        self._since_s = None

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()


class _Socket(web.WebSocketResponse):
    """Says in the contract's words why it closes (P-18)."""

    async def close(self, *, code: int = WSCloseCode.OK, message: bytes = b"", drain: bool = True) -> bool:
        if code == WSCloseCode.MESSAGE_TOO_BIG:  # the library's own, when it stops reading a frame that is too long
            code, message = Close.MISUSE, b"bad_frame"
        return await super().close(code=code, message=message, drain=drain)


class ImSocket:
    """Brings WebSocket connections to the hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection until it ends. A request from a browser page is refused (SEC-18)."""
        if "Origin" in request.headers:
            return web.json_response({"code": "origin_refused"}, status=403)
        socket = _Socket(
            autoping=False, compress=False, max_msg_size=FRAME_MAX_BYTES + 1, timeout=CLOSE_WAIT_S, decode_text=False
        )
        try:
            await socket.prepare(request)
        except ValueError:  # the library reads a key that is no ASCII without expecting that
            raise BadFrame() from None
        if request.transport is None:  # gone already
            return socket
        carrier = SocketCarrier(request.transport)
        line = self._hub.connect(carrier)
        tap = _Tap(request.protocol, line, carrier)
        request.transport.set_protocol(tap)
        answered = False
        try:
            while True:
                message = await socket.receive()
                tap.frame_is_whole()
                if message.type is WSMsgType.TEXT or message.type is WSMsgType.BINARY:
                    if not carrier.closing:
                        line.received(from_client.read(message.data))
                elif message.type is WSMsgType.PING:
                    await socket.pong(message.data)
                elif message.type is not WSMsgType.PONG:
                    answered = carrier.closing and message.type is WSMsgType.CLOSE
                    return socket
        finally:
            line.ended(answered=answered)
            carrier.ended()
