"""The elements of a Matroska or WebM file: its tracks, its length, and what it says about who made it.

Only identifiers, lengths and a few numbers are read, in bounded steps; no picture and no sound is touched.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from client.worker.boxes import Movie
from client.worker.source import Source, Undecodable

ELEMENTS_MAX = 20_000
SEGMENT, INFO, TRACKS, TRACK, VIDEO, CLUSTER = 0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0, 0x1F43B675
TICK_NS, DURATION, TRACK_TYPE, CODEC, WIDTH, HEIGHT = 0x2AD7B1, 0x4489, 0x83, 0x86, 0xB0, 0xBA
TAGS, TAG, SIMPLE_TAG, TAG_NAME, ATTACHMENTS = 0x1254C367, 0x7373, 0x67C8, 0x45A3, 0x1941A469
TITLE, DATE, CHECKSUM, VOID = 0x7BA9, 0x4461, 0xBF, 0xEC
CONTAINERS = frozenset((SEGMENT, INFO, TRACKS, TRACK, VIDEO, TAGS, TAG, SIMPLE_TAG))
A_FILM, A_SOUND = 1, 2
NUMBER_BYTES_MAX, TEXT_BYTES_MAX = 8, 64
TICK_NS_USUAL = 1_000_000
UNKNOWN = -1
HARMLESS = frozenset(
    (b"ENCODER", b"DURATION", b"BPS", b"NUMBER_OF_FRAMES", b"NUMBER_OF_BYTES", b"HANDLER_NAME", b"VENDOR_ID")
)
STATISTICS = b"_STATISTICS_"


@dataclass(frozen=True, slots=True)
class Element:
    """An element: its identifier, where its header starts, where its body starts and where it ends."""

    name: int
    start: int
    body: int
    end: int


def elements(source: Source) -> Iterator[Element]:
    """Yield the elements of the file and those inside the containers that matter, outer ones first.

    It ends where the file does, and at a cluster that does not say how long it is: what is live has its head in front.

    Raises:
        Undecodable: no such file, or more elements than any honest file has.
    """
    open_ends = [(0, source.size_bytes)]
    for _ in range(ELEMENTS_MAX):
        while open_ends and open_ends[-1][0] >= open_ends[-1][1]:
            open_ends.pop()
        if not open_ends:
            return
        place, end = open_ends.pop()
        found = _element(source, place, end)
        if found is None:
            return
        open_ends.append((found.end, end))
        if found.name in CONTAINERS:
            open_ends.append((found.body, found.end))
        yield found
    raise Undecodable("too many elements")


def _element(source: Source, place: int, end: int) -> Element | None:
    lead = source.at(place, 12)
    name, name_bytes = _number(lead, keeps_mark=True)
    length, length_bytes = _number(lead[name_bytes:], keeps_mark=False)
    body = place + name_bytes + length_bytes
    if length == UNKNOWN:
        return Element(name, place, body, end) if name == SEGMENT else None
    return Element(name, place, body, min(end, body + length))  # a cut file: what came before still holds


def _number(lead: bytes, *, keeps_mark: bool) -> tuple[int, int]:
    """A number whose length is told by how many bits are zero in front; returns it and how many bytes it takes."""
    if not lead or lead[0] == 0:
        raise Undecodable("no element")
    length = 9 - lead[0].bit_length()
    if len(lead) < length:
        raise Undecodable("an element ends early")
    number = int.from_bytes(lead[:length], "big")
    if keeps_mark:
        return number, length
    number &= (1 << 7 * length) - 1
    return (UNKNOWN if number == (1 << 7 * length) - 1 else number), length


def movie(source: Source) -> Movie:
    """Read what the elements say of the tracks.

    Raises:
        Undecodable: not a sequence of elements.
    """
    tick_ns, ticks, kinds = TICK_NS_USUAL, 0.0, list[int]()
    sides: dict[int, list[int]] = {WIDTH: [], HEIGHT: []}
    codecs: list[bytes] = []
    for element in elements(source):
        if element.name == CLUSTER:
            break
        if element.name == TICK_NS:
            tick_ns = _whole(source, element)
        elif element.name == DURATION:
            ticks = _float(source, element)
        elif element.name == TRACK_TYPE:
            kinds.append(_whole(source, element))
        elif element.name == CODEC:
            codecs.append(source.at(element.body, min(element.end - element.body, TEXT_BYTES_MAX)))
        elif element.name in sides:
            sides[element.name].append(_whole(source, element))
    sizes = tuple(zip(sides[WIDTH], sides[HEIGHT], strict=False)) + ((0, 0),) * (
        kinds.count(A_FILM) - len(sides[WIDTH])
    )
    duration_ms = ticks * tick_ns / 1_000_000
    is_told = 0 < duration_ms < 1e15
    return Movie(round(duration_ms) if is_told else 0, sizes, kinds.count(A_SOUND), tuple(codecs))


def _whole(source: Source, element: Element) -> int:
    length = element.end - element.body
    if length > NUMBER_BYTES_MAX:
        raise Undecodable("a number is too long")
    return int.from_bytes(source.at(element.body, length), "big")


def _float(source: Source, element: Element) -> float:
    body = source.at(element.body, min(element.end - element.body, NUMBER_BYTES_MAX))
    form = {4: ">f", 8: ">d"}.get(len(body))
    if form is None:
        return 0.0
    (number,) = struct.unpack(form, body)
    return float(number) if number == number else 0.0


def telling(source: Source) -> list[Element]:
    """Return the elements that say who made it, when, where and with what; what is attached counts as that."""
    found, tags, is_info_touched = [], None, False
    checksums, infos = list[Element](), list[Element]()
    for element in elements(source):
        if element.name in (ATTACHMENTS, TITLE, DATE):
            found.append(element)
            is_info_touched = is_info_touched or element.name != ATTACHMENTS
        elif element.name == TAGS:
            tags = element
        elif element.name == INFO:
            infos.append(element)
        elif element.name == CHECKSUM:
            checksums.append(element)
        elif element.name == TAG_NAME and tags is not None and not _is_harmless(source, element):
            found.append(tags)
            tags = None
    if is_info_touched:  # their sum would no longer be right
        found += [sum_ for sum_ in checksums if any(info.body <= sum_.start < info.end for info in infos)]
    return found


def _is_harmless(source: Source, element: Element) -> bool:
    name = source.at(element.body, min(element.end - element.body, TEXT_BYTES_MAX)).rstrip(b"\0").upper()
    return name in HARMLESS or name.startswith(STATISTICS)


def void(element: Element) -> bytes:
    """The lead of an element of nothing that is exactly as long; what follows it is to be zeros."""
    length = element.end - element.start
    if length - 2 < 0x7F:
        return bytes((VOID, 0x80 | (length - 2)))
    return bytes((VOID, 0x01)) + (length - 9).to_bytes(7, "big")
