"""What a sound says about who made it, when, where and with what: the pieces of a copy that says none of it (SEC-31).

MP3: the tags before and behind the frames go. WAV: the chunks that only talk go. Ogg: each remark becomes spaces of the
same length, and the sums of the pages that held them are made anew; no sample moves.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from client.worker.source import Source, Undecodable

Piece = bytes | tuple[int, int]

STEPS_MAX = 200_000
ID3_LEAD_BYTES, ID3_FOOTER_FLAG, ID3_OLD_BYTES = 10, 0x10, 128
APE_SIGN, APE_FOOTER_BYTES, APE_HAS_HEADER = b"APETAGEX", 32, 0x80000000
WAV_KEPT = frozenset((b"fmt ", b"data", b"fact"))
PAGE_LEAD_BYTES, PAGE_SUM_PLACE, WHOLE_SEGMENT = 27, 22, 255
REMARKS_BYTES_MAX = 8 * 1024 * 1024
REMARK_SIGNS = (b"OpusTags", b"\x03vorbis")
HARMLESS_REMARKS = (b"encoder=",)
SUM_POLYNOMIAL = 0x04C11DB7


def mp3_pieces(source: Source) -> list[Piece]:
    """The frames alone."""
    place, end = 0, source.size_bytes
    while (lead := source.at(place, ID3_LEAD_BYTES)).startswith(b"ID3") and len(lead) == ID3_LEAD_BYTES:
        length = sum((byte & 0x7F) << 7 * (3 - at) for at, byte in enumerate(lead[6:]))
        place += ID3_LEAD_BYTES + length + (ID3_LEAD_BYTES if lead[5] & ID3_FOOTER_FLAG else 0)
    if source.at(end - ID3_OLD_BYTES, 3) == b"TAG":
        end -= ID3_OLD_BYTES
    foot = source.at(end - APE_FOOTER_BYTES, APE_FOOTER_BYTES)
    if foot.startswith(APE_SIGN):
        length, _count, flags = struct.unpack_from("<III", foot, 12)
        end -= length + (APE_FOOTER_BYTES if flags & APE_HAS_HEADER else 0)
    if not 0 <= place < end <= source.size_bytes:
        raise Undecodable("nothing but tags")
    return [(place, end - place)]


def wav_pieces(source: Source) -> list[Piece]:
    """The format and the samples. A chunk that is longer than the file is cut with it."""
    kept: list[Piece] = []
    place = 12
    for _ in range(STEPS_MAX):
        lead = source.at(place, 8)
        if len(lead) < 8:
            break
        name, length = struct.unpack("<4sI", lead)
        whole = min(8 + length + length % 2, source.size_bytes - place)
        if name in WAV_KEPT:
            kept.append((place, whole))
        place += 8 + length + length % 2
    size_bytes = 4 + sum(piece[1] for piece in kept if isinstance(piece, tuple))
    is_whole = size_bytes + 8 == source.size_bytes  # then it may say of its length what it likes
    return [b"RIFF" + (source.at(4, 4) if is_whole else struct.pack("<I", size_bytes)) + b"WAVE", *kept]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of an Ogg: where it starts, its lead with the table of segments, and where its body ends."""

    start: int
    lead: bytes
    end: int

    @property
    def body(self) -> int:
        return self.start + len(self.lead)

    def packet_ends(self) -> list[int]:
        """Where packets end in it, as offsets in the file."""
        ends, place = [], self.body
        for length in self.lead[PAGE_LEAD_BYTES:]:
            place += length
            if length < WHOLE_SEGMENT:
                ends.append(place)
        return ends


def ogg_pieces(source: Source) -> list[Piece] | None:
    """The same pages, the remarks in them turned into spaces; None if there are none that say anything."""
    pages = _remark_pages(source)
    if not pages:
        return None
    body = b"".join(source.at(page.body, page.end - page.body) for page in pages)
    packet = body[: _packet_length(pages)]
    blank = _blanked(packet)
    if blank == packet:
        return None
    body = blank + body[len(blank) :]
    return [(0, pages[0].start), *_written(pages, body), (pages[-1].end, source.size_bytes - pages[-1].end)]


def _remark_pages(source: Source) -> list[Page]:
    """The pages over which the second packet of the first stream goes: there the remarks are."""
    pages: list[Page] = []
    for page in _pages(source):
        if pages or source.at(page.body, 8).startswith(REMARK_SIGNS):
            pages.append(page)
            if page.packet_ends():
                return pages
        if page.end > REMARKS_BYTES_MAX:
            break
    return []


def _pages(source: Source) -> Iterator[Page]:
    place = 0
    for _ in range(STEPS_MAX):
        lead = source.at(place, PAGE_LEAD_BYTES)
        if len(lead) < PAGE_LEAD_BYTES or not lead.startswith(b"OggS"):
            return
        table = source.at(place + PAGE_LEAD_BYTES, lead[26])
        end = place + PAGE_LEAD_BYTES + len(table) + sum(table)
        if end > source.size_bytes:
            return
        yield Page(place, lead + table, end)
        place = end


def _packet_length(pages: list[Page]) -> int:
    before = sum(page.end - page.body for page in pages[:-1])
    return before + pages[-1].packet_ends()[0] - pages[-1].body


def _blanked(packet: bytes) -> bytes:
    """Each remark as spaces of the same length. Raises struct.error for a packet that ends early."""
    blank = bytearray(packet)
    place = next(len(sign) for sign in (b"OpusTags", b"\x03vorbis") if packet.startswith(sign))
    (length,) = struct.unpack_from("<I", packet, place)
    place += 4 + length
    (count,) = struct.unpack_from("<I", packet, place)
    place += 4
    for _ in range(min(count, STEPS_MAX)):
        (length,) = struct.unpack_from("<I", packet, place)
        place += 4
        if length > len(packet) - place:
            raise Undecodable("a remark is longer than its packet")
        if not packet[place : place + length].lower().startswith(HARMLESS_REMARKS):
            blank[place : place + length] = (b"x=" + b" " * length)[:length]
        place += length
    return bytes(blank)


def _written(pages: list[Page], body: bytes) -> Iterator[Piece]:
    """The pages with this body, and the sums that belong to it."""
    for page in pages:
        length = page.end - page.body
        lead = page.lead[:PAGE_SUM_PLACE] + bytes(4) + page.lead[PAGE_SUM_PLACE + 4 :]
        whole = lead + body[:length]
        yield whole[:PAGE_SUM_PLACE] + struct.pack("<I", page_sum(whole)) + whole[PAGE_SUM_PLACE + 4 :]
        body = body[length:]


def _sum_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        register = byte << 24
        for _ in range(8):
            register = (register << 1 ^ (SUM_POLYNOMIAL if register & 0x80000000 else 0)) & 0xFFFFFFFF
        table.append(register)
    return tuple(table)


SUMS = _sum_table()


def page_sum(page: bytes) -> int:
    """The sum of a page whose own sum is zero."""
    register = 0
    for byte in page:
        register = (register << 8 & 0xFFFFFFFF) ^ SUMS[register >> 24 ^ byte]
    return register
