"""The one tag of EXIF that a picture cannot do without: which way is up. Pure; everything else is ignored."""

from __future__ import annotations

import struct

JPEG_LEAD = b"Exif\0\0"
BYTES_MAX = 65_536
ORIENTATION_TAG = 0x0112
SHORT = 3


def orientation(tiff: bytes) -> int:
    """Return the orientation 1..8 of an EXIF block from its byte order on; 1 if it says nothing sane."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return 1
    try:
        return _in_first_directory(tiff, order)
    except struct.error:
        return 1


def _in_first_directory(tiff: bytes, order: str) -> int:
    (place,) = struct.unpack_from(order + "I", tiff, 4)
    (count,) = struct.unpack_from(order + "H", tiff, place)
    for entry in range(place + 2, place + 2 + 12 * count, 12):
        tag, kind, _count, value = struct.unpack_from(order + "HHIH", tiff, entry)
        if tag == ORIENTATION_TAG and kind == SHORT:
            return value if 1 <= value <= 8 else 1
    return 1


def only_orientation(value: int) -> bytes:
    """The smallest EXIF block that says which way is up, and nothing else."""
    entry = struct.pack(">HHIHH", ORIENTATION_TAG, SHORT, 1, value, 0)
    return b"MM\0*" + struct.pack(">IH", 8, 1) + entry + struct.pack(">I", 0)
