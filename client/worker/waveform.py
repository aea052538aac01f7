"""The drawing of a voice note: 100 bins of 5 bits, packed into 63 bytes. Pure; no third parties.

The bits follow each other without gaps, the highest bit of the first bin first; the last 4 of the 504 bits
are zero. In base64 that is 84 characters.
"""

from __future__ import annotations

from collections.abc import Sequence

BINS = 100
BITS_PER_BIN = 5
LOUDEST = (1 << BITS_PER_BIN) - 1
PACKED_BYTES = (BINS * BITS_PER_BIN + 7) // 8
SPARE_BITS = PACKED_BYTES * 8 - BINS * BITS_PER_BIN


def pack(bins: Sequence[int]) -> bytes:
    """Pack 100 bins of 0..31 into 63 bytes.

    Raises:
        ValueError: another number of bins, or a bin outside 0..31.
    """
    if len(bins) != BINS or not all(0 <= level <= LOUDEST for level in bins):
        raise ValueError(f"a waveform has {BINS} bins of 0..{LOUDEST}")
    gathered = 0
    for level in bins:
        gathered = gathered << BITS_PER_BIN | level
    return (gathered << SPARE_BITS).to_bytes(PACKED_BYTES, "big")


def unpack(packed: bytes) -> tuple[int, ...]:
    """Return the 100 bins of 63 packed bytes; the inverse of `pack`.

    Raises:
        ValueError: another length, or bits set where there are none to set.
    """
    if len(packed) != PACKED_BYTES:
        raise ValueError(f"a packed waveform has {PACKED_BYTES} bytes")
    gathered = int.from_bytes(packed, "big")
    if gathered & ((1 << SPARE_BITS) - 1):
        raise ValueError("the spare bits of a packed waveform are zero")
    gathered >>= SPARE_BITS
    places = range((BINS - 1) * BITS_PER_BIN, -1, -BITS_PER_BIN)
    return tuple(gathered >> place & LOUDEST for place in places)


def halve(levels: Sequence[int]) -> list[int]:
    """Join neighbours, keeping the louder one: the same sound drawn half as long."""
    return [max(levels[place : place + 2]) for place in range(0, len(levels), 2)]


def draw(levels: Sequence[int]) -> tuple[int, ...]:
    """Turn any number of levels (0 and up, linear) into 100 bins of 0..31.

    The loudest bin is 31, so that a quiet recording is as readable as a loud one; the root lifts what is
    soft, as the ear does. Silence stays flat.
    """
    spread = _spread(levels)
    loudest = max(spread, default=0)
    if loudest <= 0:
        return (0,) * BINS
    return tuple(round(LOUDEST * (level / loudest) ** 0.5) for level in spread)


def _spread(levels: Sequence[int]) -> list[int]:
    """Stretch or fold levels onto the bins; each bin shows the loudest moment that falls into it."""
    count = len(levels)
    if count == 0:
        return [0] * BINS
    starts = [place * count // BINS for place in range(BINS + 1)]
    return [max(levels[first : max(first + 1, last)]) for first, last in zip(starts, starts[1:], strict=False)]
