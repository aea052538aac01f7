"""Mutated media: through the readers of heads in this process, and through the whole worker in its own.

    python -m tests.fuzz.media [--runs N] [--seed N]

The worker must answer every file in its time with a kind that it may have, a preview that is one, and a code that has a
sentence; and it must be the same worker at the end. How often a decoder died behind its walls is counted, not feared.
"""

from __future__ import annotations

import argparse
import asyncio
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from functools import cache
from io import BytesIO
from pathlib import Path

from client.adapters.worker_pool import WorkerPool
from client.worker import boxes, matroska, sniff, strip
from client.worker.source import Source, Undecodable
from protocol.problems import BY_CODE, MediaEmpty
from tests.fuzz.mutate import Mutator

WORKER = (sys.executable, "-m", "client.worker")
WITHIN_S = 20.0
MAX_BYTES = 48 * 1024
CLAIMS = ("picture", "video", "voice")
PICTURE = ("-f", "lavfi", "-i", "testsrc=s=48x32:r=5", "-frames:v", "1")
FILM = ("-f", "lavfi", "-i", "testsrc=s=48x32:r=5:d=1", "-f", "lavfi", "-i", "sine=d=1", "-pix_fmt", "yuv420p")
SOUND = ("-f", "lavfi", "-i", "sine=d=1", "-metadata", "title=words")
SEEDS: dict[str, tuple[str, ...]] = {
    "x.jpg": PICTURE, "x.png": PICTURE, "x.webp": PICTURE, "x.gif": ("-f", "lavfi", "-i", "testsrc=s=48x32:r=5:d=1"),
    "x.mp4": FILM, "x.mov": (*FILM, "-metadata", "location=+35+103/"), "x.mkv": (*FILM, "-metadata", "title=words"),
    "x.webm": (*FILM, "-c:v", "libvpx", "-c:a", "libopus"), "x.ogg": (*SOUND, "-c:a", "libopus"),
    "v.ogg": (*SOUND, "-c:a", "libvorbis"), "x.mp3": (*SOUND, "-b:a", "32k"), "x.m4a": (*SOUND, "-b:a", "32k"),
    "x.wav": (*SOUND, "-ar", "8000"),
}  # fmt: skip


class Evenly(Mutator):
    """Takes each format as often as the next, however long its file is."""

    def _pick(self) -> bytes:
        return self._dice.choice(self._short + self._long)


@cache
def seeds() -> list[bytes]:
    """A small file of each format."""
    with tempfile.TemporaryDirectory(prefix="hexagram-fuzz-") as folder:
        for name, words in SEEDS.items():
            subprocess.run(["ffmpeg", "-nostdin", "-v", "error", *words, str(Path(folder, name))], check=True)
        return [Path(folder, name).read_bytes() for name in SEEDS]


def read_media(data: bytes) -> None:
    """Whatever is read of a file in plain Python: formats, sizes, tracks, lists, and what tells of its maker."""
    source = Source(BytesIO(data), len(data), "name.docx")
    what = sniff.sniff(source)
    sniff.is_list(source)
    sniff.is_second_thing(source)
    try:
        if "picture" in what.kinds:
            size = sniff.picture_size(source, what)
            assert min(size.width, size.height) >= 0
        elif what.demuxer in ("mp4", "matroska"):
            movie = (boxes if what.demuxer == "mp4" else matroska).movie(source)
            assert movie.duration_ms >= 0
    except Undecodable:
        pass
    with suppress(struct.error, ValueError, IndexError, Undecodable):  # as `strip` does
        if what.demuxer in strip.TELLING:
            assert all(0 <= one.start < one.end <= len(data) for one in strip.TELLING[what.demuxer](source))
        elif what.type in strip.PIECES:
            pieces = strip.PIECES[what.type](source) or []
            length = sum(len(piece) if isinstance(piece, bytes) else piece[1] for piece in pieces)
            assert length <= len(data) + 64


async def through_worker(runs: int, seed: int) -> Counter[str]:
    """Mutations through the real worker; returns how often it answered what. Raises AssertionError."""
    mutator, answers = Evenly(seeds(), seed, MAX_BYTES), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="hexagram-fuzz-") as folder:
        pool, path = WorkerPool(WORKER, Path(folder, "out"), jobs_per_process=runs * 4 + 9), Path(folder, "file")
        try:
            first = None
            for number in range(runs):
                answers[await _one(pool, path, _next(path, mutator, number))] += 1
                first = first or pool.pid
            assert pool.pid == first, "the worker itself never falls"
            answers["peak MiB"] = pool.peak_mib
        finally:
            await pool.close()
    return answers


def _next(path: Path, mutator: Mutator, number: int) -> str:
    """Write the next file; returns what it may be taken for."""
    data = mutator.one()
    path.write_bytes(data)
    kinds = sniff.of(data, "").kinds or CLAIMS
    return kinds[number % len(kinds)]


async def _one(pool: WorkerPool, path: Path, claimed: str) -> str:
    began_s = time.monotonic()
    try:
        shown = await pool.look(str(path), claimed)  # type: ignore[arg-type]
        found = await pool.inspect(str(path), "x", "auto", "small")
    except MediaEmpty:
        return "empty"
    assert time.monotonic() - began_s < WITHIN_S, "a file of the seed takes too long"
    assert shown.kind in ("file", claimed)
    assert shown.why in ("", *BY_CODE)
    assert (shown.kind == "file") == bool(shown.why)
    assert len(shown.preview) <= 12 * 1024
    assert len(found.sha256) == 64
    return f"{shown.kind} {shown.why}".strip()


def main() -> int:
    """The long run."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.media", description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    for what, count in asyncio.run(through_worker(asked.runs, asked.seed)).most_common():
        print(f"{count:8} {what}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
