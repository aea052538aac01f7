"""What a file is, told by its first bytes and never by its name; and how large a picture claims to be.

Only the formats of the allow list (SEC-29) get a kind; everything else is a plain file. Headers are read
here, in plain Python with bounded steps, so that no decoder sees a picture that is too large (SEC-34).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

from client.worker import exif
from client.worker.source import Source, Undecodable

STEPS_MAX = 200_000
JPEG_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its type, what it may be shown as (best first), and the one demuxer for it."""

    type: str
    kinds: tuple[str, ...] = ()
    demuxer: str = ""
    suffix: str = ""

    def sound_type(self) -> str:
        return self.type.replace("video/", "audio/") if self.demuxer in ("mp4", "matroska") else self.type


@dataclass(frozen=True, slots=True)
class Size:
    """Stored width and height in pixels, and the EXIF orientation (1..8) under which they are to be seen."""

    width: int
    height: int
    orientation: int = 1

    def seen(self) -> tuple[int, int]:
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)


JPEG = Format("image/jpeg", ("picture",), suffix=".jpg")
PNG = Format("image/png", ("picture",), suffix=".png")
WEBP = Format("image/webp", ("picture",), suffix=".webp")
GIF = Format("image/gif", ("picture",), suffix=".gif")
MP4 = Format("video/mp4", ("video", "voice"), "mp4", ".mp4")
MOV = Format("video/quicktime", ("video", "voice"), "mp4", ".mov")
M4A = Format("audio/mp4", ("voice",), "mp4", ".m4a")
WEBM = Format("video/webm", ("video", "voice"), "matroska", ".webm")
MKV = Format("video/x-matroska", ("video", "voice"), "matroska", ".mkv")
OGG = Format("audio/ogg", ("voice",), "ogg", ".ogg")
MP3 = Format("audio/mpeg", ("voice",), "mp3", ".mp3")
WAV = Format("audio/wav", ("voice",), "wav", ".wav")
PDF = Format("application/pdf", suffix=".pdf")
ZIP = Format("application/zip", suffix=".zip")
TEXT = Format("text/plain", suffix=".txt")
UNKNOWN = Format("application/octet-stream")

# Office documents and books are archives: for these alone the name may say which one.
ARCHIVES = {
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odp": "application/vnd.oasis.opendocument.presentation",
    ".epub": "application/epub+zip",
}
ARCHIVE_TAIL_BYTES = 22 + 65_535  # an archive ends with its index, and a remark behind that
PDF_HEAD_BYTES = 1024  # readers look that far for the start
LISTS = (
    b"#extm3u", b"ffconcat", b"file ", b"[playlist]", b"<asx", b"<smil", b"<mpd", b"<?xml", b"v=0\r", b"v=0\n",
    b"rtsptext", b"[reference]", b"<?wpl",
)  # fmt: skip
"""How lists begin that name other files: HLS, concat, PLS, ASX, SMIL, DASH, SDP, RTSP and QuickTime text."""
MOVIE_BRANDS = (
    b"isom",
    b"iso2",
    b"iso4",
    b"iso5",
    b"iso6",
    b"mp41",
    b"mp42",
    b"avc1",
    b"M4V ",
    b"dash",
    b"mmp4",
)
SOUND_BRANDS = (b"M4A ", b"M4B ")


def sniff(source: Source) -> Format:
    """Tell the format of a file."""
    return of(source.head(), source.name)


def of(head: bytes, name: str) -> Format:
    """Tell the format from the first bytes; the name only tells archives apart."""
    if head.startswith(b"PK\x03\x04"):
        suffix = os.path.splitext(name)[1].lower()
        return replace(ZIP, type=ARCHIVES.get(suffix, ZIP.type), suffix=suffix or ZIP.suffix)
    return _media(head) or _other(head)


def _media(head: bytes) -> Format | None:
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    if head.startswith(b"OggS"):
        return OGG
    if head.startswith(b"RIFF"):
        return {b"WEBP": WEBP, b"WAVE": WAV}.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _movie(head[8:12])
    if head.startswith(b"\x1aE\xdf\xa3"):
        return WEBM if b"webm" in head[:64] else MKV if b"matroska" in head[:64] else None
    return MP3 if head.startswith(b"ID3") or _is_mp3_frame(head) else None


def _movie(brand: bytes) -> Format | None:
    if brand == b"qt  ":
        return MOV
    if brand in SOUND_BRANDS:
        return M4A
    return MP4 if brand in MOVIE_BRANDS or brand.startswith(b"3gp") else None


def _is_mp3_frame(head: bytes) -> bool:
    """An MPEG layer 3 header whose fields all have a meaning."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2 or head[1] & 0x18 == 0x08:
        return False
    return head[2] >> 4 not in (0, 15) and head[2] & 0x0C != 0x0C


def _other(head: bytes) -> Format:
    if head.startswith(b"%PDF-"):
        return PDF
    return TEXT if head and _is_text(head) else UNKNOWN


def _is_text(head: bytes) -> bool:
    if any(sign < 32 and sign not in b"\t\n\v\f\r\x1b" for sign in head):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as problem:
        return problem.start > len(head) - 4 and len(head) >= 4  # a letter cut in two by the end of the head
    return True


def is_list(source: Source) -> bool:
    """Whether it is a list of other files or addresses that a player would follow."""
    head = source.head().lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return head.startswith(LISTS)


def is_second_thing(source: Source) -> bool:
    """Whether a picture, sound or film is an archive or a document as well: made to be taken for either."""
    tail = source.at(max(0, source.size_bytes - ARCHIVE_TAIL_BYTES), ARCHIVE_TAIL_BYTES)
    place = tail.rfind(b"PK\x05\x06")
    if place >= 0 and len(tail) >= place + 22:
        (comment_bytes,) = struct.unpack_from("<H", tail, place + 20)
        if place + 22 + comment_bytes == len(tail):
            return True
    return b"%PDF-" in source.head(PDF_HEAD_BYTES)


def picture_size(source: Source, what: Format) -> Size:
    """Read the size a picture claims.

    Raises:
        Undecodable: the header is not one.
    """
    readers = {JPEG.type: _jpeg_size, PNG.type: _png_size, WEBP.type: _webp_size, GIF.type: _gif_size}
    try:
        return readers[what.type](source)
    except (struct.error, IndexError, ValueError) as problem:
        raise Undecodable(f"no {what.type} header") from problem


def _gif_size(source: Source) -> Size:
    return Size(*struct.unpack("<HH", source.at(6, 4)))


def jpeg_segments(source: Source) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, place of the body, length of the body) up to and with the first start of scan."""
    place = 2
    for _ in range(STEPS_MAX):
        lead, marker = struct.unpack(">BB", source.at(place, 2))
        if lead != 0xFF:
            raise ValueError("a segment starts with FF")
        if marker == 0xFF:  # fill byte
            place += 1
            continue
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            place += 2
            continue
        (length,) = struct.unpack(">H", source.at(place + 2, 2))
        if length < 2 or marker == 0xD9:
            raise ValueError("an image ends before it starts")
        yield marker, place + 4, length - 2
        if marker == 0xDA:
            return
        place += 2 + length
    raise ValueError("too many segments")


def _jpeg_size(source: Source) -> Size:
    size, orientation = None, 1
    for marker, place, length in jpeg_segments(source):
        if marker == 0xE1 and orientation == 1 and source.at(place, 6) == exif.JPEG_LEAD:
            orientation = exif.orientation(source.at(place + 6, length - 6))
        if marker in JPEG_FRAME_HEADERS and size is None:
            height, width = struct.unpack(">HH", source.at(place + 1, 4))
            size = Size(width, height)
    if size is None:
        raise ValueError("no frame header")
    return replace(size, orientation=orientation)


def png_chunks(source: Source) -> Iterator[tuple[bytes, int, int]]:
    """Yield (name, place of the body, length of the body), stopping behind IEND or where the file ends."""
    place = 8
    for _ in range(STEPS_MAX):
        lead = source.at(place, 8)
        if len(lead) < 8:
            return
        length, name = struct.unpack(">I4s", lead)
        yield name, place + 8, length
        if name == b"IEND":
            return
        place += 12 + length
    raise ValueError("too many chunks")


def _png_size(source: Source) -> Size:
    size, orientation = None, 1
    for name, place, length in png_chunks(source):
        if name == b"IHDR" and size is None:
            size = Size(*struct.unpack(">II", source.at(place, 8)))
        if name == b"eXIf":
            orientation = exif.orientation(source.at(place, min(length, exif.BYTES_MAX)))
    if size is None:
        raise ValueError("no IHDR")
    return replace(size, orientation=orientation)


def webp_chunks(source: Source) -> Iterator[tuple[bytes, int, int]]:
    """Yield (name, place of the body, length of the body) inside the RIFF frame."""
    (inside,) = struct.unpack("<I", source.at(4, 4))
    place, end = 12, min(source.size_bytes, inside + 8)
    for _ in range(STEPS_MAX):
        if place + 8 > end:
            return
        name, length = struct.unpack("<4sI", source.at(place, 8))
        yield name, place + 8, length
        place += 8 + length + length % 2
    raise ValueError("too many chunks")


def _webp_size(source: Source) -> Size:
    size, orientation = None, 1
    for name, place, length in webp_chunks(source):
        if size is None and name in (b"VP8X", b"VP8L", b"VP8 "):
            size = _webp_chunk_size(name, source.at(place, 10))
        if name == b"EXIF":
            orientation = exif.orientation(source.at(place, min(length, exif.BYTES_MAX)).removeprefix(exif.JPEG_LEAD))
    if size is None:
        raise ValueError("no picture chunk")
    return replace(size, orientation=orientation)


def _webp_chunk_size(name: bytes, body: bytes) -> Size:
    if name == b"VP8X":
        return Size(int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1)
    if name == b"VP8L":
        bits = struct.unpack("<I", body[1:5])[0]
        return Size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    width, height = struct.unpack("<HH", body[6:10])
    return Size(width & 0x3FFF, height & 0x3FFF)
