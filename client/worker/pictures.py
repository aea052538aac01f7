"""Pictures: what a message shows of one before anybody downloads it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from client.worker import limits, sniff
from client.worker.sniff import Format
from client.worker.source import Source, TooBig, Undecodable

PREVIEW_SIDE_PX = 320
PREVIEW_BYTES_MAX = 12 * 1024
SIDES_PX = (320, 288, 256, 224, 192, 160, 128, 96, 64)
JPEG_QUALITIES = (60, 92)
"""Below 60 a JPEG shows its blocks, and a WebP of the same size does not."""
WEBP_QUALITIES = (30, 90)
BACKGROUND = 255  # what shows through a transparent picture: paper
CV2_TRACES = ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR", "LD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class Preview:
    """A small encoded picture and its type."""

    data: bytes
    type: str


@dataclass(frozen=True, slots=True)
class Look:
    """How a picture or film looks: width and height in pixels as they are seen, and its preview."""

    width: int
    height: int
    preview: Preview


def load_cv2() -> Any:
    """Import OpenCV on first use, on one thread, and undo what its import does to the environment."""
    before = {name: os.environ.get(name) for name in CV2_TRACES}
    import cv2

    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    cv2.setNumThreads(1)
    return cv2


def look(source: Source, what: Format) -> Look:
    """Decode a picture, the right way up.

    Raises:
        Undecodable: no picture, a broken one.
        TooBig: one that is larger than we decode (SEC-34).
    """
    size = sniff.picture_size(source, what)
    if not limits.fits(size.width, size.height) or source.size_bytes > limits.PICTURE_BYTES_MAX:
        raise TooBig(f"{size.width}x{size.height}")
    small = plain(shrink(decode(source, what, size, PREVIEW_SIDE_PX), PREVIEW_SIDE_PX))
    small = upright(small, size.orientation)
    width, height = size.seen()
    return Look(width, height, preview(small))


def decode(source: Source, what: Format, size: sniff.Size, side_px: int) -> Any:
    """Decode as stored, and no more than `side_px` need: a JPEG can be read at a half, a quarter or an eighth.

    Raises:
        Undecodable: a broken picture.
    """
    cv2 = load_cv2()
    import numpy

    flags = cv2.IMREAD_UNCHANGED
    if what is sniff.JPEG:
        spare = max(size.width, size.height) // side_px
        reduced = {
            8: cv2.IMREAD_REDUCED_COLOR_8,
            4: cv2.IMREAD_REDUCED_COLOR_4,
            2: cv2.IMREAD_REDUCED_COLOR_2,
        }
        flags = next((reduced[by] for by in reduced if by <= spare), cv2.IMREAD_COLOR)
        flags |= cv2.IMREAD_IGNORE_ORIENTATION
    # A cut JPEG has no end marker, and is refused without one; with one, what there is of it is shown.
    tail = b"\xff\xd9" if what is sniff.JPEG else b""
    encoded = numpy.frombuffer(source.at(0, source.size_bytes) + tail, numpy.uint8)
    try:
        picture = cv2.imdecode(encoded, flags)
    except (cv2.error, MemoryError) as problem:
        raise Undecodable("broken picture") from problem
    if picture is None or picture.size == 0:
        raise Undecodable("broken picture")
    return picture


def plain(picture: Any) -> Any:
    """Whatever the channels and their depth: three channels of 8 bits, transparency laid on paper."""
    cv2 = load_cv2()
    import numpy

    if picture.dtype == numpy.uint16:
        picture = (picture >> 8).astype(numpy.uint8)
    elif picture.dtype != numpy.uint8:
        picture = numpy.clip(picture * 255.0, 0, 255).astype(numpy.uint8)
    if picture.ndim == 2:
        return cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    if picture.shape[2] == 4:
        cover = picture[:, :, 3:].astype(numpy.float32) / 255.0
        return (picture[:, :, :3] * cover + BACKGROUND * (1.0 - cover)).astype(numpy.uint8)
    return picture


def upright(picture: Any, orientation: int) -> Any:
    """Apply the EXIF orientation: 2 and 4 mirror, 3 turns half, 5 and 7 mirror and turn, 6 and 8 turn."""
    cv2 = load_cv2()
    turns = {3: cv2.ROTATE_180, 6: cv2.ROTATE_90_CLOCKWISE, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}
    if orientation in turns:
        return cv2.rotate(picture, turns[orientation])
    if orientation in (2, 4):
        return cv2.flip(picture, 1 if orientation == 2 else 0)
    if orientation in (5, 7):
        turned = cv2.transpose(picture)
        return turned if orientation == 5 else cv2.flip(turned, -1)
    return picture


def shrink(picture: Any, side_px: int) -> Any:
    """Fit a picture into a square; never enlarge it, never lose a side altogether."""
    cv2 = load_cv2()
    height, width = picture.shape[:2]
    scale = side_px / max(width, height)
    if scale >= 1.0:
        return picture
    wanted = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(picture, wanted, interpolation=cv2.INTER_AREA)


def preview(picture: Any) -> Preview:
    """Encode a picture as well as 12 KB allow: as JPEG if that looks well, else as WebP, else smaller."""
    cv2 = load_cv2()
    jpeg, webp = (".jpg", cv2.IMWRITE_JPEG_QUALITY), (".webp", cv2.IMWRITE_WEBP_QUALITY)
    ladder = [(jpeg, JPEG_QUALITIES), (webp, WEBP_QUALITIES)]
    for side_px in SIDES_PX:
        small = shrink(picture, side_px)
        for (suffix, setting), qualities in ladder:
            data = _best(small, suffix, setting, qualities)
            if data is not None:
                return Preview(data, "image/jpeg" if suffix == ".jpg" else "image/webp")
    raise Undecodable("no preview fits")


def _best(picture: Any, suffix: str, setting: int, qualities: tuple[int, int]) -> bytes | None:
    """Search the highest quality between the two whose encoding fits; None if even the lowest does not."""
    lowest, highest = qualities
    best = None
    while lowest <= highest:
        middle = (lowest + highest) // 2 if best is not None else lowest
        data = encode(picture, suffix, setting, middle)
        if len(data) <= PREVIEW_BYTES_MAX:
            best, lowest = data, middle + 1
        else:
            highest = middle - 1
    return best


def encode(picture: Any, suffix: str, setting: int, quality: int) -> bytes:
    done, encoded = load_cv2().imencode(suffix, picture, [setting, quality])
    if not done:
        raise Undecodable("the picture cannot be encoded")
    return bytes(encoded)
