"""A recording on the disk while it grows, so that a crash costs at most the last moment of it.

Each recording is a folder. What is said goes into it as bare samples and what is seen as single pictures, in segments
of at most 2 s that are made durable one after the other; nothing has to be finished for it to be readable. A manifest
says whose it is. What is made of it in the end is the business of others.

    manifest.json   conversation, kind, when it began
    000001.pcm      16 bits, one channel, 48,000 a second
    000001.pics     pictures: milliseconds, length, JPEG
    levels          one byte for each 100 ms: the loudest sample
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import struct
import wave
from array import array
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

from protocol.content import pack_bins
from protocol.limits import WAVEFORM_BINS, WAVEFORM_BITS
from protocol.values import ConvId

RATE_HZ, SAMPLE_BYTES, BLOCK_MS = 48_000, 2, 100
SEGMENT_MS = 2000
BYTES_PER_MS = RATE_HZ * SAMPLE_BYTES // 1000
BLOCK_BYTES = BLOCK_MS * BYTES_PER_MS
SEGMENT_BYTES = SEGMENT_MS * BYTES_PER_MS
NEARLY_FULL_BYTES = 200_000_000
MANIFEST, LEVELS, CUT, LISTEN = "manifest.json", "levels", "cut", "listen.wav"
VERSION = 1
PICTURE_HEAD = struct.Struct("<II")
PICTURE_BYTES_MAX = 4 * 1024 * 1024
Kind = Literal["voice", "video"]


class Span(NamedTuple):
    """From where to where, in milliseconds."""

    first_ms: int
    last_ms: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A recording that was not sent: where it lies, in which conversation, and what there is of it."""

    folder: Path
    conv: ConvId
    kind: Kind
    began_ms: int
    duration_ms: int
    levels: bytes

    @property
    def span(self) -> Span:
        """All of it."""
        return Span(0, self.duration_ms)


class Tape:
    """Writes one recording. Everything is written in order on a thread of its own, so that a slow disk holds up nobody.

    `trouble` is the code of a Problem once something could not be written; what was written until then is there.
    """

    def __init__(self, folder: Path, conv: ConvId, kind: Kind, began_ms: int) -> None:
        """Raises OSError when not even the manifest can be written."""
        self.folder, self.conv, self.kind, self.began_ms = folder, conv, kind, began_ms
        self.trouble = ""
        self.size_bytes = 0
        self.levels = bytearray()
        self._number, self._segment_bytes = 0, SEGMENT_BYTES
        self._sound: BinaryIO | None = None
        self._pictures: BinaryIO | None = None
        self._level_file: BinaryIO | None = None
        _begin(folder, conv, kind, began_ms)
        self._hand = ThreadPoolExecutor(1, "recording")

    @property
    def duration_ms(self) -> int:
        """How much has been said."""
        return self.size_bytes // BYTES_PER_MS

    def add_sound(self, samples: bytes, level: float) -> None:
        """The next block of sound, and how loud it is, 0…1."""
        self.size_bytes += len(samples)
        self.levels.append(_byte(level))
        self._hand.submit(self._write_sound, samples, _byte(level))

    def add_picture(self, at_ms: int, encode: Callable[[], bytes]) -> None:
        """A picture that belongs to this moment; it is encoded on the writing thread."""
        self._hand.submit(self._write_picture, at_ms, encode)

    def sync(self) -> None:
        """Wait until what was added is durable: somebody reads it now."""
        self._hand.submit(self._settle).result()

    def close(self) -> None:
        """The last block is in the file when this returns."""
        self._hand.submit(self._end).result()
        self._hand.shutdown()

    def draft(self) -> Draft:
        """What there is of it by now."""
        return Draft(self.folder, self.conv, self.kind, self.began_ms, self.duration_ms, bytes(self.levels))

    # --- on the thread

    def _write_sound(self, samples: bytes, level: int) -> None:
        if self.trouble:
            return  # what came behind a hole would be heard at the wrong moment
        with _noting(self):
            place = 0
            while place < len(samples):
                if self._segment_bytes >= SEGMENT_BYTES:
                    self._turn_over()
                assert self._sound is not None
                piece = samples[place : place + SEGMENT_BYTES - self._segment_bytes]
                _write(self._sound, piece)
                self._segment_bytes += len(piece)
                place += len(piece)
            assert self._level_file is not None
            _write(self._level_file, bytes((level,)))

    def _write_picture(self, at_ms: int, encode: Callable[[], bytes]) -> None:
        if self.trouble:
            return
        with _noting(self):
            if self._pictures is None:
                if self._number == 0:
                    self._turn_over()
                self._pictures = _open(self.folder / f"{self._number:06}.pics")
            data = encode()
            _write(self._pictures, PICTURE_HEAD.pack(at_ms, len(data)) + data)

    def _turn_over(self) -> None:
        """The segment is durable before the next one begins."""
        self._settle()
        self._let_go()
        self._number += 1
        self._segment_bytes = 0
        self._sound = _open(self.folder / f"{self._number:06}.pcm")
        if self._level_file is None:
            self._level_file = _open(self.folder / LEVELS)
        _settle_folder(self.folder)

    def _settle(self) -> None:
        with _noting(self):
            for file in (self._sound, self._pictures, self._level_file):
                if file is not None:
                    os.fsync(file.fileno())

    def _let_go(self) -> None:
        for file in (self._sound, self._pictures):
            if file is not None:
                file.close()
        self._sound = self._pictures = None

    def _end(self) -> None:
        self._settle()
        self._let_go()
        if self._level_file is not None:
            self._level_file.close()
            self._level_file = None


class _noting:
    """What the disk refuses ends the recording, and is said; the first word counts."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, OSError):
            return False
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        self._tape.trouble = self._tape.trouble or ("disk_full" if full else "store_failed")
        return True


def _begin(folder: Path, conv: ConvId, kind: Kind, began_ms: int) -> None:
    folder.mkdir(mode=0o700, parents=True)
    said = {"v": VERSION, "conv": conv, "kind": kind, "began_ms": began_ms, "rate_hz": RATE_HZ}
    with _open(folder / MANIFEST) as file:
        _write(file, json.dumps(said).encode())
        os.fsync(file.fileno())
    _settle_folder(folder)
    _settle_folder(folder.parent)


def _open(path: Path) -> BinaryIO:
    """A new file for this person alone, written without a buffer of ours: what was written outlives this process."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags, 0o600), "wb", buffering=0)  # type: ignore[return-value]


def _write(file: BinaryIO, data: bytes) -> None:
    """All of it: a disk that is nearly full takes a part and says so, and refuses only the next one."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


def _settle_folder(folder: Path) -> None:
    if os.name != "posix":
        return  # there a folder cannot be opened, and names are durable with their file
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _byte(level: float) -> int:
    return max(0, min(255, round(level * 255)))


# --- reading


def read_draft(folder: Path) -> Draft | None:
    """What lies in a folder of recordings; None if it is none, or nothing was recorded."""
    try:
        said = json.loads((folder / MANIFEST).read_bytes())
        kind, conv, began_ms = said["kind"], said["conv"], said["began_ms"]
        if kind not in ("voice", "video") or not isinstance(conv, str) or not isinstance(began_ms, int):
            return None
        duration_ms = sum(_whole(path) for path in _segments(folder)) // BYTES_PER_MS
        return Draft(folder, ConvId(conv), kind, began_ms, duration_ms, _levels(folder)) if duration_ms else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_empty(folder: Path) -> bool:
    """Whether somebody began to record here, and nothing was said. A folder that is no recording is none of ours."""
    try:
        return (folder / MANIFEST).exists() and not any(_whole(path) for path in _segments(folder))
    except OSError:
        return False


def _segments(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("[0-9]*.pcm") if path.stem.isdigit() and len(path.stem) == 6)


def _whole(path: Path) -> int:
    """Its bytes, without half a sample at the end."""
    return path.stat().st_size // SAMPLE_BYTES * SAMPLE_BYTES


def _levels(folder: Path) -> bytes:
    """What was written, and the rest from the samples: levels are written after the sound they belong to."""
    path = folder / LEVELS
    known = path.read_bytes() if path.exists() else b""
    left = (sum(_whole(each) for each in _segments(folder)) + BLOCK_BYTES - 1) // BLOCK_BYTES - len(known)
    if left <= 0:
        return known
    rest = b"".join(sound(folder, Span(len(known) * BLOCK_MS, 1 << 40)))
    blocks = (rest[place : place + BLOCK_BYTES] for place in range(0, len(rest), BLOCK_BYTES))
    return known + bytes(_byte(loudest(block)) for block in blocks)


def loudest(samples: bytes) -> float:
    """The loudest sample, as 0…1."""
    numbers = array("h", samples[: len(samples) // SAMPLE_BYTES * SAMPLE_BYTES])
    return max(max(numbers, default=0), -min(numbers, default=0)) / 32768


def sound(folder: Path, span: Span) -> Iterator[bytes]:
    """The samples of this part, in blocks."""
    first, last = span.first_ms * BYTES_PER_MS, span.last_ms * BYTES_PER_MS
    here = 0
    for path in _segments(folder):
        size = _whole(path)
        begin, end = max(first - here, 0), min(last - here, size)
        here += size
        if begin >= end:
            continue
        with path.open("rb") as file:
            file.seek(begin)
            while begin < end and (block := file.read(min(BLOCK_BYTES, end - begin))):
                begin += len(block)
                yield block


def pictures(folder: Path, span: Span) -> Iterator[tuple[int, bytes]]:
    """The pictures of this part, each with its moment counted from its start; a torn last one is left out."""
    for path in sorted(folder.glob("[0-9]*.pics")):
        with path.open("rb") as file:
            while len(head := file.read(PICTURE_HEAD.size)) == PICTURE_HEAD.size:
                at_ms, size = PICTURE_HEAD.unpack(head)
                data = file.read(size) if size <= PICTURE_BYTES_MAX else b""
                if len(data) != size or not size:
                    break
                if span.first_ms <= at_ms < span.last_ms:
                    yield at_ms - span.first_ms, data


def write_wav(folder: Path, span: Span, path: Path) -> None:
    """The sound of this part as a WAV: to be listened to."""
    with path.open("wb") as raw, wave.open(raw, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(SAMPLE_BYTES)
        out.setframerate(RATE_HZ)
        for block in sound(folder, span):
            out.writeframesraw(block)


def cut(draft: Draft, span: Span) -> Path:
    """A folder with segments that hold this part and nothing else; the recording itself if it is all of it."""
    if span.first_ms <= 0 and span.last_ms >= draft.duration_ms:
        return draft.folder
    folder = draft.folder / CUT
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    with _open(folder / "000001.pcm") as out:
        for block in sound(draft.folder, span):
            _write(out, block)
    return folder


def levels_of(draft: Draft, span: Span) -> bytes:
    """The levels of this part."""
    return draft.levels[span.first_ms // BLOCK_MS : -(-span.last_ms // BLOCK_MS)]


def bins_of(levels: Sequence[int]) -> bytes:
    """The waveform that goes into the message: 100 bins, the loudest moment of each, the loudest of all at the top."""
    loud, top = max(levels, default=0), (1 << WAVEFORM_BITS) - 1
    count = len(levels)
    if not loud:
        return pack_bins((0,) * WAVEFORM_BINS)
    starts = [place * count // WAVEFORM_BINS for place in range(WAVEFORM_BINS + 1)]
    folded = (max(levels[first : max(first + 1, last)]) for first, last in zip(starts, starts[1:], strict=False))
    return pack_bins(tuple(round(top * (level / loud) ** 0.5) for level in folded))
