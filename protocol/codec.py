"""Frame <-> packets (P-10, P-11): a frame is a JSON array of 1…64 packets, at most 256 KiB.

The fast way reads a frame straight into packets and writes them again: if the bytes come out equal, the frame
had no duplicate key, no unknown field, no odd number, and there is nothing left to check. Anything else takes
the slow way, packet by packet, so that one bad packet does not spoil its neighbours.
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Sequence
from typing import Generic, Literal, NoReturn, TypeVar

import msgspec

from protocol.limits import DEPTH_MAX, FRAME_MAX_BYTES, PACKETS_PER_FRAME_MAX
from protocol.packets import FromClient, FromServer, Packet
from protocol.values import Value

P = TypeVar("P")


class Garbled(Value, frozen=True):
    """What could not be read: `frame` is broken as a whole, `packet` has a bad field, `unknown_type` is new to us."""

    code: Literal["frame", "packet", "unknown_type"]
    type: str
    why: str


class Codec(Generic[P]):
    """Reads the packets of one direction."""

    def __init__(self, packets: object) -> None:
        self._many: msgspec.json.Decoder[list[P]] = msgspec.json.Decoder(list[packets])  # type: ignore[valid-type]
        self._one: msgspec.json.Decoder[P] = msgspec.json.Decoder(packets)
        self._types = {kind.__struct_config__.tag for kind in packets.__args__}  # type: ignore[attr-defined]

    def read(self, frame: bytes | str) -> list[P | Garbled]:
        """Return the packets of a frame in order; what cannot be read stands in its place as `Garbled`."""
        data = frame.encode() if isinstance(frame, str) else frame
        if len(data) > FRAME_MAX_BYTES:
            return [Garbled("frame", "", f"{len(data)} bytes in a frame, at most {FRAME_MAX_BYTES}")]
        try:
            packets = self._many.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._read_slowly(data)
        if 1 <= len(packets) <= PACKETS_PER_FRAME_MAX and _encode(packets) == data:
            return list(packets)
        return self._read_slowly(data)

    def _read_slowly(self, data: bytes) -> list[P | Garbled]:
        try:
            items = json.loads(data, object_pairs_hook=_unique, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            return [Garbled("frame", "", str(error)[:200])]
        if not isinstance(items, list) or not 1 <= len(items) <= PACKETS_PER_FRAME_MAX:
            return [Garbled("frame", "", f"a frame is a JSON array of 1 to {PACKETS_PER_FRAME_MAX} packets")]
        if _deeper(items, DEPTH_MAX):
            return [Garbled("frame", "", f"nested deeper than {DEPTH_MAX}")]
        return [self._read_one(item) for item in items]

    def _read_one(self, item: object) -> P | Garbled:
        kind = item.get("t") if isinstance(item, dict) else None
        if not isinstance(kind, str):
            return Garbled("packet", "", "a packet is an object with its type in t")
        if kind not in self._types:
            return Garbled("unknown_type", kind[:40], "this version does not know it")
        try:
            return self._one.decode(msgspec.json.encode(item))
        except (msgspec.MsgspecError, UnicodeEncodeError) as error:
            return Garbled("packet", kind, str(error)[:200])


from_client: Codec[FromClient] = Codec(FromClient)
from_server: Codec[FromServer] = Codec(FromServer)
_encode = msgspec.json.Encoder().encode


def write(packets: Sequence[Packet]) -> bytes:
    """Return one frame. The caller keeps to 64 packets and 256 KiB; `frames` does it for any number."""
    assert 1 <= len(packets) <= PACKETS_PER_FRAME_MAX, len(packets)
    return _encode(packets)


def frames(packets: Sequence[Packet]) -> list[bytes]:
    """Return the fewest frames, in order, that carry `packets` within the limits of P-10."""
    out: list[bytes] = []
    batch: list[bytes] = []
    size_bytes = 2
    for packet in packets:
        data = _encode(packet)
        if batch and (size_bytes + len(data) + 1 > FRAME_MAX_BYTES or len(batch) == PACKETS_PER_FRAME_MAX):
            out.append(b"[" + b",".join(batch) + b"]")
            batch, size_bytes = [], 2
        batch.append(data)
        size_bytes += len(data) + 1
    if batch:
        out.append(b"[" + b",".join(batch) + b"]")
    return out


def to_text(data: bytes) -> str:
    """Bytes as base64url without padding (P-11)."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=").decode("ascii")


def from_text(text: str) -> bytes:
    """The bytes of a base64url text without padding. Raises ValueError for anything else, also for two spellings."""
    try:
        padded = text.encode("ascii").translate(_FROM_URL) + b"=" * (-len(text) % 4)
        data = binascii.a2b_base64(padded, strict_mode=True)
    except UnicodeEncodeError:
        raise ValueError("base64url is plain ASCII") from None
    tail = len(data) % 3  # only the last bytes of an odd length can be spelled in more than one way
    if tail and to_text(data[-tail:]) != text[-tail - 1 :]:
        raise ValueError("not canonical base64url")
    return data


_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_+/=", b"+/   ")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key occurs twice in one object")
    return made


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number on this wire")


def _deeper(item: object, levels: int) -> bool:
    if not isinstance(item, (dict, list)):
        return False
    if levels == 0:
        return True
    return any(_deeper(part, levels - 1) for part in (item.values() if isinstance(item, dict) else item))
