"""Take the place and the device out of a picture, sound or film without touching a single sample (SEC-31).

JPEG segments, PNG and WebP chunks and GIF blocks that only talk about the picture are left out of the copy; the one
thing that is kept is which way is up. What follows the end of the picture (a second picture, a hidden film) goes too.
In films the boxes and elements that name a place or a device become free space of the same length, so that nothing
moves.
"""

from __future__ import annotations

import re
import shutil
import struct
import uuid
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from client.worker import boxes, exif, limits, matroska, sniff, strip_sounds
from client.worker.sniff import Format
from client.worker.source import Source, Undecodable

Piece = bytes | tuple[int, int]
"""New bytes, or (place, length) of bytes of the original."""

PNG_KEPT = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD hIST pHYs sPLT acTL fcTL fdAT".split()
)
WEBP_TELLING = frozenset((b"EXIF", b"XMP "))
WEBP_EXIF_FLAG, WEBP_XMP_FLAG = 0x08, 0x04
NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
SCAN_BYTES = 1024 * 1024
GIF_TABLE_FLAG, GIF_PICTURE, GIF_EXTENSION, GIF_END = 0x80, 0x2C, 0x21, 0x3B
GIF_KEPT = frozenset((0xF9, 0x01))  # how long a picture stands, and text that is drawn
GIF_APPLICATIONS_KEPT = (b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012")


def strip(source: Source, what: Format, out_dir: Path) -> Path | None:
    """Write a copy without place and device into `out_dir`; None if there is nothing to take out.

    A picture that cannot be read to its end is copied as far as it can be understood, or left alone.
    """
    try:
        if what.demuxer in TELLING:
            return _freed(source, what, TELLING[what.demuxer](source), out_dir)
        pieces = PIECES[what.type](source) if what.type in PIECES else None
    except (struct.error, ValueError, IndexError, Undecodable):
        return None
    if pieces is None or not _differ(source, pieces):
        return None
    return write(out_dir, what, lambda copy: _copy_pieces(source, pieces, copy))


def _kept(source: Source, place: int, length: int) -> Piece:
    """A stretch of the original, as far as the file goes."""
    return (place, max(0, min(length, source.size_bytes - place)))


def _differ(source: Source, pieces: list[Piece]) -> bool:
    """Whether the pieces, one after another, are anything else than the file itself."""
    place = 0
    for piece in pieces:
        if isinstance(piece, bytes):
            if source.at(place, len(piece)) != piece:
                return True
            place += len(piece)
        elif piece[0] != place:
            return True
        else:
            place += piece[1]
    return place != source.size_bytes


def write(out_dir: Path, what: Format, fill: Callable[[BinaryIO], object]) -> Path:
    """A new file in `out_dir` with what `fill` puts into it; nothing is left if that fails."""
    out_dir.mkdir(parents=True, exist_ok=True)
    path = out_dir / f"{uuid.uuid4().hex}{what.suffix}"
    try:
        with path.open("xb") as copy:
            fill(copy)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _copy_pieces(source: Source, pieces: list[Piece], copy: BinaryIO) -> None:
    for piece in pieces:
        if isinstance(piece, bytes):
            copy.write(piece)
            continue
        place, length = piece
        source.handle.seek(place)
        while length > 0 and (block := source.handle.read(min(length, SCAN_BYTES))):
            copy.write(block)
            length -= len(block)


def _jpeg_pieces(source: Source) -> list[Piece]:
    """JFIF, colour and coding segments, a minimal EXIF if the picture is turned, and the scans."""
    up = sniff.picture_size(source, sniff.JPEG).orientation
    pieces: list[Piece] = [(0, 2)]
    if up != 1:
        body = exif.JPEG_LEAD + exif.only_orientation(up)
        pieces.append(b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body)
    for marker, place, length in sniff.jpeg_segments(source):
        if _jpeg_keeps(marker, source.at(place, min(length, 16))):
            pieces.append(_kept(source, place - 4, length + 4))
        if marker == 0xDA:
            end = _jpeg_scans_end(source, place + length)
            pieces.append(_kept(source, place + length, end - place - length))
    return pieces


def _jpeg_keeps(marker: int, lead: bytes) -> bool:
    if marker == 0xE2:
        return lead.startswith(b"ICC_PROFILE\0")
    if marker == 0xE0:
        return lead.startswith(b"JFIF\0")
    return marker == 0xEE or not (0xE0 <= marker <= 0xEF or marker == 0xFE)


def _jpeg_scans_end(source: Source, place: int) -> int:
    """Return where the picture ends: behind its end marker, or where the file does."""
    while (marker_place := _next_marker(source, place)) is not None:
        marker = source.at(marker_place + 1, 1)[0]
        if marker == 0xD9:
            return marker_place + 2
        length = source.at(marker_place + 2, 2)
        place = marker_place + 2 + (int.from_bytes(length, "big") if marker != 0x01 else 0)
    return source.size_bytes


def _next_marker(source: Source, place: int) -> int | None:
    while len(block := source.at(place, SCAN_BYTES)) >= 2:
        if found := NEXT_MARKER.search(block):
            return place + found.start()
        place += len(block) - 1
    return None


def _png_pieces(source: Source) -> list[Piece]:
    up = sniff.picture_size(source, sniff.PNG).orientation
    pieces: list[Piece] = [(0, 8)]
    for name, place, length in sniff.png_chunks(source):
        is_critical = not name[0] & 0x20
        if name in PNG_KEPT or is_critical:
            pieces.append(_kept(source, place - 8, length + 12))
        if name == b"IHDR" and up != 1:
            body = b"eXIf" + exif.only_orientation(up)
            pieces.append(struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)))
    return pieces


def _webp_pieces(source: Source) -> list[Piece]:
    up = sniff.picture_size(source, sniff.WEBP).orientation
    inside: list[Piece] = [_webp_piece(source, *chunk, up) for chunk in _webp_kept(source)]
    if up != 1:
        body = exif.only_orientation(up)
        inside.append(b"EXIF" + struct.pack("<I", len(body)) + body)
    length = 4 + sum(len(piece) if isinstance(piece, bytes) else piece[1] for piece in inside)
    return [b"RIFF" + struct.pack("<I", length) + b"WEBP", *inside]


def _webp_kept(source: Source) -> Iterator[tuple[bytes, int, int]]:
    return (chunk for chunk in sniff.webp_chunks(source) if chunk[0] not in WEBP_TELLING)


def _webp_piece(source: Source, name: bytes, place: int, length: int, up: int) -> Piece:
    """The chunk as it is; only the header chunk says anew whether EXIF and XMP follow."""
    if name != b"VP8X":
        return _kept(source, place - 8, 8 + length + length % 2)
    body = bytearray(source.at(place, length))
    body[0] = body[0] & ~(WEBP_EXIF_FLAG | WEBP_XMP_FLAG) | (WEBP_EXIF_FLAG if up != 1 else 0)
    return name + struct.pack("<I", length) + bytes(body)


def _gif_pieces(source: Source) -> list[Piece]:
    """The pictures, their timing and how often they repeat."""
    flags = source.at(10, 1)[0]
    place = 13 + (3 << (flags & 7) + 1 if flags & GIF_TABLE_FLAG else 0)
    pieces: list[Piece] = [_kept(source, 0, place)]
    for _ in range(sniff.STEPS_MAX):
        lead = source.at(place, 19)
        if not lead or lead[0] == GIF_END:
            return [*pieces, lead[:1]]
        if lead[0] == GIF_PICTURE:
            body = place + 10 + (3 << (lead[9] & 7) + 1 if lead[9] & GIF_TABLE_FLAG else 0) + 1
        elif lead[0] == GIF_EXTENSION:
            body = place + 2
        else:
            raise Undecodable("no block")
        end = _gif_blocks_end(source, body)
        if lead[0] == GIF_PICTURE or lead[1] in GIF_KEPT or lead[3:14] in GIF_APPLICATIONS_KEPT:
            pieces.append(_kept(source, place, end - place))
        place = end
    raise Undecodable("too many blocks")


def _gif_blocks_end(source: Source, place: int) -> int:
    """Return where a row of data blocks ends: behind its empty one, or where the file does."""
    while block := source.at(place, SCAN_BYTES):
        at = 0
        while at < len(block):
            length = block[at]
            at += 1 + length
            if length == 0:
                return place + at
        place += at
    return source.size_bytes


PIECES: dict[str, Callable[[Source], list[Piece] | None]] = {
    sniff.JPEG.type: _jpeg_pieces,
    sniff.PNG.type: _png_pieces,
    sniff.WEBP.type: _webp_pieces,
    sniff.GIF.type: _gif_pieces,
    sniff.MP3.type: strip_sounds.mp3_pieces,
    sniff.WAV.type: strip_sounds.wav_pieces,
    sniff.OGG.type: strip_sounds.ogg_pieces,
}


@dataclass(frozen=True, slots=True)
class Freed:
    """A stretch of a film that is to say nothing: where, the lead of the free space, and where that ends."""

    start: int
    lead: bytes
    end: int


def _of_boxes(source: Source) -> list[Freed]:
    """The lead stays with its length, and gets another name."""

    def lead(box: boxes.Box) -> bytes:
        return source.at(box.start, 4) + b"free" + source.at(box.start + 8, box.body - box.start - 8)

    return [Freed(box.start, lead(box), box.end) for box in boxes.telling(source)]


def _of_elements(source: Source) -> list[Freed]:
    return [Freed(found.start, matroska.void(found), found.end) for found in matroska.telling(source)]


TELLING: dict[str, Callable[[Source], list[Freed]]] = {"mp4": _of_boxes, "matroska": _of_elements}


def _freed(source: Source, what: Format, telling: list[Freed], out_dir: Path) -> Path | None:
    """Copy the film, and turn what tells into free space filled with zeros."""
    if not telling or source.size_bytes > limits.FILE_SIZE_BYTES:
        return None

    def fill(copy: BinaryIO) -> None:
        source.handle.seek(0)
        shutil.copyfileobj(source.handle, copy, SCAN_BYTES)
        for stretch in telling:
            copy.seek(stretch.start)
            copy.write(stretch.lead + bytes(stretch.end - stretch.start - len(stretch.lead)))

    return write(out_dir, what, fill)
