"""WebSocket frames as bytes (RFC 6455, section 5.2): taken apart, looked into, and put together again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

CONTROL = 0x08  # opcodes from here on are the carrier's own: close, ping, pong
TEXT = 0x81
MASK = b"\x5a\x0f\xc3\x99"


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: its bytes as they came, and what they say."""

    first: int
    payload: bytes
    raw: bytes
    masked: bool

    @property
    def is_data(self) -> bool:
        """Whether it carries packets."""
        return self.first & 0x0F < CONTROL

    @property
    def packets(self) -> list[dict[str, Any]]:
        """The packets of a data frame; none if it cannot be read."""
        try:
            packets = json.loads(self.payload) if self.is_data else []
        except ValueError:
            return []
        return [packet for packet in packets if isinstance(packet, dict)] if isinstance(packets, list) else []

    @property
    def types(self) -> list[str]:
        """The packets' names on the wire."""
        return [str(packet.get("t", "")) for packet in self.packets]

    def saying(self, packets: list[dict[str, Any]]) -> Frame:
        """The same frame with other packets."""
        payload = json.dumps(packets, ensure_ascii=False, separators=(",", ":")).encode()
        return Frame(self.first, payload, wrapped(self.first, payload, masked=self.masked), self.masked)


def wrapped(first: int, payload: bytes, *, masked: bool) -> bytes:
    """The bytes of a frame; what a client says is masked."""
    size, flag = len(payload), 0x80 if masked else 0
    if size < 126:
        head = bytes((first, flag | size))
    elif size < 1 << 16:
        head = bytes((first, flag | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, flag | 127)) + size.to_bytes(8, "big")
    return head + MASK + unmasked(payload, MASK) if masked else head + payload


def unmasked(payload: bytes, mask: bytes) -> bytes:
    """Masking is its own reverse."""
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")


def take_frame(buffer: bytearray) -> Frame | None:
    """Take one whole frame from the front of `buffer`, if it is there."""
    if len(buffer) < 2:
        return None
    masked, size, start = bool(buffer[1] & 0x80), buffer[1] & 0x7F, 2
    if size >= 126:
        start += 2 if size == 126 else 8
        if len(buffer) < start:
            return None
        size = int.from_bytes(buffer[2:start], "big")
    body = start + (4 if masked else 0)
    if len(buffer) < body + size:
        return None
    raw = bytes(buffer[: body + size])
    payload = unmasked(raw[body:], raw[start:body]) if masked else raw[body:]
    del buffer[: body + size]
    return Frame(raw[0], payload, raw, masked)
