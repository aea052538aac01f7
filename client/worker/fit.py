"""Pictures made to fit a message: at most 2,048 px a side, upright, and never larger than the original.

What moves and what is drawn in few colours stays as it is: a photograph's codec would only spoil it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.worker import limits, pictures, sniff
from client.worker.sniff import Format
from client.worker.source import Source, Undecodable
from client.worker.strip import write

SIDE_PX = 2048
JPEG_QUALITY, WEBP_QUALITY = 85, 82
COLOURS_FEW = 256
SAMPLE_STEP_PX, SAMPLE_SIDE = 3, 600
PALETTE = 3
WEBP_MOVES_FLAG = 0x02
OPAQUE = 255
ICC_LEAD, ICC_SPACE_PLACE = b"ICC_PROFILE\0", 14 + 16


@dataclass(frozen=True, slots=True)
class Fitted:
    """The copy that is sent instead: where it is, its type, its size in pixels."""

    path: Path
    type: str
    width: int
    height: int


def fit(source: Source, what: Format, out_dir: Path, size_bytes: int) -> Fitted | None:
    """Write a copy that fits; None if the picture, which would take `size_bytes` otherwise, is best left alone."""
    try:
        return _fit(source, what, out_dir, size_bytes)
    except (Undecodable, MemoryError, struct.error, ValueError):
        return None


def _fit(source: Source, what: Format, out_dir: Path, size_bytes: int) -> Fitted | None:
    size = sniff.picture_size(source, what)
    fits_already = what is not sniff.PNG and max(size.width, size.height) <= SIDE_PX
    if what is sniff.GIF or fits_already or not limits.fits(size.width, size.height) or _is_drawn(source, what):
        return None
    decoded = pictures.decode(source, what, size, SIDE_PX)
    if what is sniff.PNG and _has_few_colours(decoded):
        return None
    small = pictures.upright(pictures.shrink(decoded, SIDE_PX), size.orientation)
    made, data = _encoded(source, what, small)
    if len(data) >= size_bytes:
        return None
    path = write(out_dir, made, lambda copy: copy.write(data))
    return Fitted(path, made.type, small.shape[1], small.shape[0])


def _is_drawn(source: Source, what: Format) -> bool:
    """Whether the header says already that it moves, or that it has a palette."""
    if what is sniff.WEBP:
        flags = source.at(20, 1) if source.at(12, 4) == b"VP8X" else b"\0"
        return bool(flags[0] & WEBP_MOVES_FLAG)
    if what is not sniff.PNG:
        return False
    names = {name for name, _place, _length in sniff.png_chunks(source)}
    return b"acTL" in names or source.at(25, 1)[0] == PALETTE


def _has_few_colours(picture: Any) -> bool:
    """Count the colours of every third pixel of every third row, of a large picture those of fewer."""
    import numpy

    step = max(SAMPLE_STEP_PX, max(picture.shape[:2]) // SAMPLE_SIDE)
    sample = picture[::step, ::step]
    if sample.ndim == 2:
        return len(numpy.unique(sample)) < COLOURS_FEW // 4
    colours = sample.reshape(-1, sample.shape[2]).astype(numpy.uint64)
    weights = numpy.array([1 << (16 * place) for place in range(sample.shape[2])], numpy.uint64)
    return len(numpy.unique((colours * weights).sum(axis=1))) <= COLOURS_FEW


def _encoded(source: Source, what: Format, picture: Any) -> tuple[Format, bytes]:
    """JPEG for what is opaque, WebP for what is not and for what was WebP."""
    cv2 = pictures.load_cv2()
    shines_through = picture.ndim == 3 and picture.shape[2] == 4 and bool((picture[:, :, 3] < OPAQUE).any())
    if what is sniff.WEBP or shines_through:
        plain = picture if shines_through and picture.dtype == "uint8" else pictures.plain(picture)
        return sniff.WEBP, pictures.encode(plain, ".webp", cv2.IMWRITE_WEBP_QUALITY, WEBP_QUALITY)
    data = pictures.encode(pictures.plain(picture), ".jpg", cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY)
    return sniff.JPEG, data[:2] + _colour_profile(source, what) + data[2:]


def _colour_profile(source: Source, what: Format) -> bytes:
    """What a JPEG says of its colours, if they are still those after decoding."""
    if what is not sniff.JPEG:
        return b""
    kept: list[bytes] = []
    for marker, place, length in sniff.jpeg_segments(source):
        body = source.at(place, length)
        if marker == 0xE2 and body.startswith(ICC_LEAD):
            if not kept and body[ICC_SPACE_PLACE : ICC_SPACE_PLACE + 4] != b"RGB ":
                return b""
            kept.append(struct.pack(">BBH", 0xFF, marker, length + 2) + body)
    return b"".join(kept)
