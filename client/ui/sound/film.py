"""Pictures and sound of a recording in one Matroska file, as they are: nothing is encoded, so nothing can be lost.

Motion JPEG and bare samples: larger than what is sent in the end, and every program that makes films smaller reads it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from client.ui.sound.segments import BLOCK_MS, RATE_HZ, Span, pictures, sound

EBML, DOC_TYPE, SEGMENT, INFO, TICK_NS, MUXER, WRITER = (
    0x1A45DFA3,
    0x4282,
    0x18538067,
    0x1549A966,
    0x2AD7B1,
    0x4D80,
    0x5741,
)
DURATION, TRACKS, TRACK, NUMBER, UID, TYPE, CODEC = 0x4489, 0x1654AE6B, 0xAE, 0xD7, 0x73C5, 0x83, 0x86
VIDEO, WIDTH, HEIGHT, AUDIO, RATE, CHANNELS, DEPTH = 0xE0, 0xB0, 0xBA, 0xE1, 0xB5, 0x9F, 0x6264
CLUSTER, TIME, BLOCK, LACING, FRAME_NS = 0x1F43B675, 0xE7, 0xA3, 0x9C, 0x23E383
PICTURES, SOUND = 1, 2
KEY_FRAME = 0x80
CLUSTER_MS = 1000


def write_film(folder: Path, span: Span, path: Path, size: tuple[int, int]) -> None:
    """Write this part of a recording to `path`; `size` is width and height of every picture."""
    with path.open("wb") as out:
        out.write(_element(EBML, _element(DOC_TYPE, b"matroska")))
        out.write(_name(SEGMENT) + b"\x01" + b"\xff" * 7)  # as long as the file is
        out.write(_element(INFO, _number(TICK_NS, 1_000_000), _real(DURATION, float(span.last_ms - span.first_ms)),
                           _element(MUXER, b"Hexagram"), _element(WRITER, b"Hexagram")))  # fmt: skip
        out.write(_tracks(*size))
        for cluster in _clusters(_moments(folder, span)):
            out.write(cluster)


def _tracks(width: int, height: int) -> bytes:
    film = _element(VIDEO, _number(WIDTH, width), _number(HEIGHT, height))
    heard = _element(AUDIO, _real(RATE, float(RATE_HZ)), _number(CHANNELS, 1), _number(DEPTH, 16))
    return _element(TRACKS, _track(PICTURES, 1, b"V_MJPEG", film), _track(SOUND, 2, b"A_PCM/INT/LIT", heard))


def _track(number: int, kind: int, codec: bytes, about: bytes) -> bytes:
    return _element(
        TRACK, _number(NUMBER, number), _number(UID, number), _number(TYPE, kind), _number(LACING, 0),
        _element(CODEC, codec), about,
    )  # fmt: skip


def _moments(folder: Path, span: Span) -> Iterator[tuple[int, int, bytes]]:
    """Everything in the order of time: when, which track, what."""
    heard = ((place * BLOCK_MS, SOUND, block) for place, block in enumerate(_even(sound(folder, span))))
    seen = ((at_ms, PICTURES, data) for at_ms, data in pictures(folder, span))
    left, right = next(heard, None), next(seen, None)
    while left is not None or right is not None:
        if right is None or (left is not None and left[0] <= right[0]):
            assert left is not None
            yield left
            left = next(heard, None)
        else:
            yield right
            right = next(seen, None)


def _even(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Blocks of exactly 100 ms, however the sound came; the last one is what is left."""
    length, kept = BLOCK_MS * RATE_HZ // 1000 * 2, b""
    for block in blocks:
        kept += block
        while len(kept) >= length:
            yield kept[:length]
            kept = kept[length:]
    if kept:
        yield kept


def _clusters(moments: Iterator[tuple[int, int, bytes]]) -> Iterator[bytes]:
    gathered: list[bytes] = []
    start_ms = 0
    for at_ms, track, data in chain(moments, ((1 << 40, 0, b""),)):
        if gathered and at_ms - start_ms >= CLUSTER_MS:
            yield _element(CLUSTER, _number(TIME, start_ms), *gathered)
            gathered = []
        if not gathered:
            start_ms = at_ms
        if track:
            gathered.append(
                _element(BLOCK, bytes((0x80 | track,)), struct.pack(">hB", at_ms - start_ms, KEY_FRAME), data)
            )


def _element(name: int, *bodies: bytes) -> bytes:
    length = sum(map(len, bodies))
    return _name(name) + (1 << 56 | length).to_bytes(8, "big") + b"".join(bodies)


def _name(name: int) -> bytes:
    return name.to_bytes((name.bit_length() + 7) // 8, "big")


def _number(name: int, value: int) -> bytes:
    return _element(name, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def _real(name: int, value: float) -> bytes:
    return _element(name, struct.pack(">d", value))
