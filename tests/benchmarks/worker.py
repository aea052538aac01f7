"""How long the media worker takes for a picture, a film and a voice note, beside ffmpeg on the same file.

Through the near end, as the application asks: the handle goes over, a process is forked and walled in, the answer comes
back. ffmpeg does the least that is comparable (decode, make small, throw away) in a process of its own; what disturbs
one disturbs its neighbour, so the ratio holds where the milliseconds do not.
"""

from __future__ import annotations

import asyncio
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from client.adapters.worker_pool import WorkerPool
from tests.benchmarks.processes import ROOT

TURNS = 15
WORKER = (sys.executable, "-m", "client.worker")
SAMPLES = ROOT / "resources" / "samples"
QUIET = ("ffmpeg", "-nostdin", "-v", "error", "-y")
LESS = ("-threads", "1")
AIMS_MS = {"picture_12_megapixels": 100, "film_first_frame": 50, "voice_60_s": 300}


def worker() -> dict[str, Any]:
    """Medians in milliseconds and the ratio to ffmpeg; {} where there is no ffmpeg."""
    if shutil.which("ffmpeg") is None:
        return {}
    with tempfile.TemporaryDirectory(prefix="hexagram-bench-") as folder:
        return asyncio.run(_measured(Path(folder)))


async def _measured(folder: Path) -> dict[str, Any]:
    pool = WorkerPool(WORKER, folder / "out")
    result: dict[str, Any] = {}
    try:
        for name, kind, path, options in _files(folder):
            looks = await _in_turns(partial(pool.look, path, kind), [*QUIET, *LESS, "-i", path, *options])
            sends = await _in_turns(partial(pool.inspect, path, "x", kind), [])
            result[name] = looks | {"inspect_ms": sends["look_ms"], "aim_ms": AIMS_MS[name]}
        result["peak_mib"] = pool.peak_mib
    finally:
        await pool.close()
    return result


def _files(folder: Path) -> list[tuple[str, Any, str, tuple[str, ...]]]:
    """A name, what the file is, where it is, and what ffmpeg does with it."""
    photo, film, note = (str(folder / name) for name in ("photo.jpg", "film.mp4", "note.ogg"))
    _make("-i", SAMPLES / "photo.jpg", "-vf", "scale=4000:3000,noise=alls=8", "-q:v", "3", photo)
    _make("-f", "lavfi", "-i", "testsrc2=s=1280x720:r=30:d=10", "-c:v", "libx264", "-pix_fmt", "yuv420p", film)
    _make("-stream_loop", "9", "-i", SAMPLES / "voice.ogg", "-t", "60", "-c:a", "libopus", "-b:a", "24k", note)
    nothing = ("-f", "null", "-")
    return [
        ("picture_12_megapixels", "picture", photo, ("-vf", "scale=320:-1", *nothing)),
        ("film_first_frame", "video", film, ("-frames:v", "1", "-vf", "scale=320:-1", *nothing)),
        ("voice_60_s", "voice", note, ("-ac", "1", "-ar", "8000", *nothing)),
    ]


def _make(*words: str | Path) -> None:
    subprocess.run([*QUIET, *map(str, words)], check=True)


async def _in_turns(ask: Callable[[], Awaitable[object]], beside: list[str]) -> dict[str, Any]:
    """Ours, theirs, ours, theirs …; the first turn, which loads the decoders, is not counted."""
    ours, theirs = [], []
    for _ in range(TURNS + 1):
        began_s = time.perf_counter()
        await ask()
        ours.append(time.perf_counter() - began_s)
        if beside:
            began_s = time.perf_counter()
            await asyncio.to_thread(subprocess.run, beside, check=True)
            theirs.append(time.perf_counter() - began_s)
    found = {"look_ms": _median_ms(ours)}
    if theirs:
        ratio = statistics.median(mine / other for mine, other in zip(ours[1:], theirs[1:], strict=True))
        found |= {"ffmpeg_ms": _median_ms(theirs), "ratio": round(ratio, 2)}
    return found


def _median_ms(took_s: list[float]) -> float:
    return round(statistics.median(took_s[1:]) * 1000, 1)
