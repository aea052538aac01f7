"""The segments of a recording, put together into one file. They are the person's own and stay where they are.

A voice is recorded as bare samples (16 bits, one channel, 48,000 a second), so that a segment that was cut off by a
power failure is as good as a whole one; ffmpeg makes Opus of them, or AAC, and without it they become a WAV. A film is
recorded in short films, which ffmpeg joins without touching a picture.
"""

from __future__ import annotations

import os
import re
import uuid
import wave
from collections.abc import Iterator
from pathlib import Path

from client.worker import boxes, ffmpeg, sniff, transcode
from client.worker.source import Refusal, Undecodable, taken

RATE_HZ, SAMPLE_BYTES = 48_000, 2
SAMPLES = re.compile(r"[0-9]{6}\.pcm")
FILMS = re.compile(r"[0-9]{6}\.(mp4|mkv|webm)")
SEGMENT_BYTES_MAX = 64 * 1024 * 1024
BLOCK_BYTES = 256 * 1024
WITHIN_S = 300.0
RAW = ["-f", "s16le", "-ar", str(RATE_HZ), "-ac", "1", "-i", "pipe:0"]


def join(folder: Path, kind: str, out_dir: Path) -> Path:
    """Write one file into `out_dir`; `folder` is the folder with the segments.

    Raises:
        Refusal: cannot_join, with the reason empty, broken or no_ffmpeg.
    """
    if kind == "voice":
        return _voice(folder, out_dir)
    return _film(folder, out_dir)


def _named(folder: Path, like: re.Pattern[str]) -> list[str]:
    names = sorted(name for name in os.listdir(folder) if like.fullmatch(name))
    if not names:
        raise Refusal("cannot_join", reason="empty")
    return names


def _opened(folder: Path, name: str) -> int:
    """Open a segment inside the folder; a link that leads out of it is not followed."""
    careful = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    return os.open(folder / name, os.O_RDONLY | careful)


def _voice(folder: Path, out_dir: Path) -> Path:
    names = _named(folder, SAMPLES)
    if not any(_samples(folder, names)):
        raise Refusal("cannot_join", reason="empty")
    for made, options in transcode.VOICES:
        path = out_dir / f"{uuid.uuid4().hex}{made.suffix}"
        if ffmpeg.encode(_samples(folder, names), RAW, [*transcode.BARE, *options], str(path), WITHIN_S):
            return path
        path.unlink(missing_ok=True)
    return _wav(folder, names, out_dir / f"{uuid.uuid4().hex}.wav")


def _samples(folder: Path, names: list[str]) -> Iterator[bytes]:
    """All samples, one segment after another; half a sample at the end of one is left out."""
    for name in names:
        with os.fdopen(_opened(folder, name), "rb") as segment:
            left = os.fstat(segment.fileno()).st_size // SAMPLE_BYTES * SAMPLE_BYTES
            while left > 0 and (block := segment.read(min(left, BLOCK_BYTES))):
                left -= len(block)
                yield block


def _wav(folder: Path, names: list[str], path: Path) -> Path:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(SAMPLE_BYTES)
        out.setframerate(RATE_HZ)
        for block in _samples(folder, names):
            out.writeframesraw(block)
    return path


def _film(folder: Path, out_dir: Path) -> Path:
    whole = [name for name in _named(folder, FILMS) if _is_whole(folder, name)]
    if not whole:
        raise Refusal("cannot_join", reason="broken")
    suffix = os.path.splitext(whole[0])[1]
    path = out_dir / f"{uuid.uuid4().hex}{suffix}"
    if len(whole) == 1:
        _copy(folder, whole[0], path)
    elif ffmpeg.find("ffmpeg") is None:
        raise Refusal("cannot_join", reason="no_ffmpeg")
    elif not ffmpeg.concat(folder, whole, ["-c", "copy", *transcode.BARE], str(path), WITHIN_S):
        path.unlink(missing_ok=True)
        raise Refusal("cannot_join", reason="broken")
    return path


def _is_whole(folder: Path, name: str) -> bool:
    """Whether a segment can be played: the last one was perhaps never finished."""
    try:
        with taken(_opened(folder, name), name, SEGMENT_BYTES_MAX) as source:
            if name.endswith(".mp4"):
                return bool(boxes.movie(source).sizes)
            return "video" in sniff.sniff(source).kinds
    except (Refusal, Undecodable, OSError):
        return False


def _copy(folder: Path, name: str, path: Path) -> None:
    with os.fdopen(_opened(folder, name), "rb") as segment, path.open("xb") as copy:
        while block := segment.read(BLOCK_BYTES):
            copy.write(block)
