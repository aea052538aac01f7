"""WebSocket framing by hand (RFC 6455), as little as a measurement needs: whole frames, no extensions.

The mask of the client's frames is four zero bytes. It is a legal mask, a server has to apply it like any other, and
it costs the load generator nothing; only the relay, the reference, is clever enough to skip it.
"""

from __future__ import annotations

import base64
import hashlib

HANDSHAKE = (
    b"GET /v1/line HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
HEAD_END = b"\r\n\r\n"
TEXT, CLOSE, NO_MASK, MASKED = 0x81, 0x8, b"\0\0\0\0", 0x80
ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def upgraded(key: bytes) -> bytes:
    """The server's half of the handshake."""
    accept = base64.b64encode(hashlib.sha1(key + ACCEPT_GUID).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        + accept
        + HEAD_END
    )


def framed(payload: bytes, *, masked: bool) -> bytes:
    """One text frame."""
    size, bit = len(payload), MASKED if masked else 0
    if size < 126:
        head = bytes((TEXT, bit | size))
    elif size < 1 << 16:
        head = bytes((TEXT, bit | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((TEXT, bit | 127)) + size.to_bytes(8, "big")
    return head + (NO_MASK if masked else b"") + payload


class Unframer:
    """Bytes in, payloads of text frames out. `closed` is the close frame's payload once it came."""

    def __init__(self) -> None:
        self._rest = b""
        self.closed: bytes | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads that are complete now, in order."""
        data = self._rest + data if self._rest else data
        payloads: list[bytes] = []
        at = 0
        while (span := _span(data, at)) is not None:
            start, end, mask = span
            payload = data[start:end]
            if mask != NO_MASK:
                payload = bytes(byte ^ mask[place & 3] for place, byte in enumerate(payload))
            if data[at] & 0xF == CLOSE:
                self.closed = payload
            else:
                payloads.append(payload)
            at = end
        self._rest = data[at:]
        return payloads


def _span(data: bytes, at: int) -> tuple[int, int, bytes] | None:
    """Where the payload of the frame at `at` begins and ends, and its mask; None if it is not whole yet."""
    room = len(data) - at
    if room < 2:
        return None
    size, head = data[at + 1] & 0x7F, 2
    if size >= 126:
        head += 2 if size == 126 else 8
        if room < head:
            return None
        size = int.from_bytes(data[at + 2 : at + head], "big")
    mask = NO_MASK
    if data[at + 1] & MASKED:
        mask, head = data[at + head : at + head + 4], head + 4
    return (at + head, at + head + size, mask) if room >= head + size else None
