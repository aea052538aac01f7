"""The boxes of an MP4 or QuickTime file: its tracks, its length, and where it hides a place.

Only lengths and names are read, in bounded steps; no picture and no sound is touched.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from client.worker.source import Source, Undecodable, Unsafe

BOXES_MAX = 20_000
TELLING_BYTES_MAX = 4 * 1024 * 1024
CONTAINERS = frozenset((b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl"))
ELSEWHERE = frozenset((b"rmra", b"rdrf"))  # a QuickTime film that is only the address of another
REFERENCES_MAX = 64
DATA_IS_HERE = 0x01
DATA_HANDLER = b"dhlr"  # QuickTime names one per track; it says where the data is, not what
TELLING = frozenset((b"udta", b"meta", b"uuid"))
PLACE_SIGNS = (b"\xa9xyz", b"loci", b"location", b"GPSLatitude", b"exif:GPS", b"<x:xmpmeta")
MAKER_SIGNS = (
    b"\xa9mak", b"\xa9mod", b"\xa9nam", b"\xa9ART", b"\xa9aut", b"\xa9cmt", b"\xa9day", b"\xa9alb", b"\xa9wrt", b"aART",
    b"covr", b"desc", b"quicktime.make", b"quicktime.model", b"quicktime.author", b"creationdate", b"com.android.",
    b"manufacturer",
)  # fmt: skip
"""Person, device and day, as cameras, telephones and shops write them."""
SAMPLE_ENTRY_NAME_PLACE = 8 + 4  # version and count, length of the entry
SAMPLE_ENTRY_SIZE_PLACE = 8 + 8 + 24  # version and count, box header, fields before width and height


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its name, where its header starts, where its body starts and where it ends."""

    name: bytes
    start: int
    body: int
    end: int


@dataclass(frozen=True, slots=True)
class Movie:
    """What the boxes say: length in milliseconds, size of each picture track, number of sound tracks, codecs."""

    duration_ms: int
    sizes: tuple[tuple[int, int], ...]
    sounds: int
    codecs: tuple[bytes, ...] = ()


def boxes(source: Source) -> Iterator[Box]:
    """Yield the boxes of the file, and those inside the containers that matter, outer ones first.

    Raises:
        Undecodable: a box longer than what holds it, or more boxes than any honest file has.
    """
    open_ends = [(0, source.size_bytes)]
    for _ in range(BOXES_MAX):
        while open_ends and open_ends[-1][0] + 8 > open_ends[-1][1]:
            open_ends.pop()
        if not open_ends:
            return
        place, end = open_ends.pop()
        box = _box(source, place, end)
        open_ends.append((box.end, end))
        if box.name in CONTAINERS:
            open_ends.append((box.body, box.end))
        yield box
    raise Undecodable("too many boxes")


def _box(source: Source, place: int, end: int) -> Box:
    length, name = struct.unpack(">I4s", source.at(place, 8))
    body = place + 8
    if length == 1:
        (length,) = struct.unpack(">Q", source.at(body, 8))
        body += 8
    elif length == 0:
        length = end - place
    if place + length < body or place + length > end:
        if name != b"mdat":
            raise Undecodable("a box is longer than what holds it")
        length = end - place  # a cut file: its data ends early, what came before still holds
    return Box(name, place, body, place + length)


def movie(source: Source) -> Movie:
    """Read what the boxes say of the tracks.

    Raises:
        Undecodable: not a sequence of boxes, or none that says what is in it.
        Unsafe: its pictures or sounds are in another file, or at an address.
    """
    duration_ms, handler, is_indexed = 0, b"", False
    sizes, handlers, codecs = [], [], []
    try:
        for box in boxes(source):
            if box.name in ELSEWHERE or (box.name == b"dref" and _points_away(source, box)):
                raise Unsafe("its data is elsewhere")
            if box.name == b"moov":
                is_indexed = True
            elif box.name == b"mvhd":
                duration_ms = _duration_ms(source.at(box.body, 32))
            elif box.name == b"hdlr" and source.at(box.body + 4, 4) != DATA_HANDLER:
                handler = source.at(box.body + 8, 4)
                handlers.append(handler)
            elif box.name == b"stsd" and handler in (b"vide", b"soun"):
                codecs.append(source.at(box.body + SAMPLE_ENTRY_NAME_PLACE, 4))
            if box.name == b"stsd" and handler == b"vide":
                sizes.append(struct.unpack(">HH", source.at(box.body + SAMPLE_ENTRY_SIZE_PLACE, 4)))
    except (struct.error, ZeroDivisionError) as problem:
        raise Undecodable("a box ends early") from problem
    if not is_indexed:
        raise Undecodable("no index")
    return Movie(duration_ms, tuple(sizes), handlers.count(b"soun"), tuple(codecs))


def _duration_ms(body: bytes) -> int:
    if body[0] == 1:
        scale, length = struct.unpack(">IQ", body[20:32])
    else:
        scale, length = struct.unpack(">II", body[12:20])
    return round(int(length) * 1000 / int(scale))


def _points_away(source: Source, references: Box) -> bool:
    """Whether a data reference names anything but the file that it is in."""
    (count,) = struct.unpack(">I", source.at(references.body + 4, 4))
    place = references.body + 8
    for _ in range(min(count, REFERENCES_MAX)):
        length, _name, version_and_flags = struct.unpack(">I4sI", source.at(place, 12))
        if not version_and_flags & DATA_IS_HERE:
            return True
        place += max(12, length)
    return count > REFERENCES_MAX


def telling(source: Source) -> list[Box]:
    """Return the boxes of free remarks that name a place on earth, a person, a device or a day."""
    found = []
    for box in boxes(source):
        if box.name in TELLING:
            body = source.at(box.body, min(box.end - box.body, TELLING_BYTES_MAX))
            if any(sign in body for sign in (*PLACE_SIGNS, *MAKER_SIGNS)):
                found.append(box)
    return found
