"""The programs ffmpeg and ffprobe: found or not, and started so that they open the one file and nothing else.

The demuxer is fixed by the magic bytes, the only protocol is `file`, nothing is asked from a terminal, one
thread (SEC-35). A child inherits the limits of the worker.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import IO, Any

from client.worker import limits
from client.worker.source import OWN_HANDLES, Source, Undecodable

ENVIRONMENT_KEPT = ("PATH", "SYSTEMROOT", "WINDIR", "TMPDIR", "TEMP", "TMP", "LANG")
PROBE_WITHIN_S = 4.0


@dataclass(frozen=True, slots=True)
class Probe:
    """What ffprobe reads: duration in milliseconds (0: unknown), streams of each kind, sizes in pixels."""

    duration_ms: int
    videos: int
    sounds: int
    sizes: tuple[tuple[int, int], ...]


def find(program: str) -> str | None:
    """Where the program is, or None."""
    return shutil.which(program)


def read_options(source: Source, demuxer: str) -> list[str]:
    """The options that open the source, and nothing but the source."""
    return [
        "-protocol_whitelist",
        "file",
        "-threads",
        "1",
        "-f",
        demuxer,
        "-i",
        f"file:{source.decoder_name}",
    ]


def probe(source: Source, demuxer: str) -> Probe | None:
    """Ask ffprobe; None if it is not there.

    Raises:
        Undecodable: it is there and makes nothing of the file, or takes too long.
    """
    program = find("ffprobe")
    if program is None:
        return None
    wanted = ["-show_entries", "format=duration:stream=codec_type,width,height", "-of", "json"]
    try:
        done = subprocess.run(
            [program, "-v", "error", *wanted, *read_options(source, demuxer)],
            capture_output=True, timeout=PROBE_WITHIN_S, check=True, **_child(source.handle.fileno()),
        )  # fmt: skip
        return _probe(json.loads(done.stdout))
    except (subprocess.SubprocessError, ValueError, TypeError, OSError) as problem:
        raise Undecodable("not readable as " + demuxer) from problem


def _probe(said: dict[str, Any]) -> Probe:
    streams = said.get("streams", [])
    videos = [stream for stream in streams if stream.get("codec_type") == "video"]
    seconds = float(said.get("format", {}).get("duration", 0) or 0)
    return Probe(
        duration_ms=max(0, round(seconds * 1000)),
        videos=len(videos),
        sounds=sum(stream.get("codec_type") == "audio" for stream in streams),
        sizes=tuple((int(stream.get("width", 0)), int(stream.get("height", 0))) for stream in videos),
    )


@contextmanager
def stream(
    source: Source, demuxer: str, before: Sequence[str], after: Sequence[str], within_s: float
) -> Iterator[IO[bytes]]:
    """Run ffmpeg on the source and give what it writes; it ends with the block, or after `within_s`."""
    options = [*before, *read_options(source, demuxer), *after]
    try:
        with _started(options, within_s, _child(source.handle.fileno())) as process:
            assert process.stdout is not None
            yield process.stdout
    except OSError as problem:
        raise Undecodable("ffmpeg cannot be started") from problem


def convert(
    source: Source, demuxer: str, options: Sequence[str], out: str, within_s: float, progress: Callable[[int], None]
) -> bool:
    """Let ffmpeg write the file `out`; whether it did. `progress` hears how many milliseconds are done."""
    command = [*read_options(source, demuxer), *options, "-progress", "pipe:1", "-nostats", "-y", f"file:{out}"]
    settings = _child(source.handle.fileno())
    with suppress(OSError), _started(command, within_s, settings) as process:
        assert process.stdout is not None
        for line in process.stdout:
            name, _, value = line.strip().partition(b"=")
            if name == b"out_time_us" and value.isdigit():
                progress(int(value) // 1000)
        return process.wait() == 0
    return False


def encode(pieces: Iterable[bytes], before: Sequence[str], options: Sequence[str], out: str, within_s: float) -> bool:
    """Let ffmpeg write the file `out` from what it is given piece by piece; whether it did."""
    command = ["-protocol_whitelist", "pipe,file", *before, *options, "-y", f"file:{out}"]
    settings = _child() | {"stdin": subprocess.PIPE}
    with suppress(OSError), _started(command, within_s, settings) as process:
        assert process.stdin is not None
        for piece in pieces:
            process.stdin.write(piece)
        process.stdin.close()
        return process.wait() == 0
    return False


def concat(folder: Path, names: Sequence[str], options: Sequence[str], out: str, within_s: float) -> bool:
    """Let ffmpeg put films of one folder, by the names that we gave them, behind each other into the file `out`."""
    inside = str(folder).replace("'", "'\\''")
    listed = "ffconcat version 1.0\n" + "".join(f"file 'file:{inside}/{name}'\n" for name in names)
    reading = ["-protocol_whitelist", "pipe,file", "-f", "concat", "-safe", "0", "-i", "pipe:0"]
    handle = folder.name if folder.parent == Path(OWN_HANDLES) else ""
    settings = _child(*([int(handle)] if handle else [])) | {"stdin": subprocess.PIPE}
    with suppress(OSError), _started([*reading, *options, "-y", f"file:{out}"], within_s, settings) as process:
        process.communicate(listed.encode("utf-8", "surrogateescape"))
        return process.returncode == 0
    return False


@contextmanager
def _started(options: Sequence[str], within_s: float, settings: Mapping[str, Any]) -> Iterator[subprocess.Popen[bytes]]:
    """Run ffmpeg; it ends with the block, or after `within_s`. Raises FileNotFoundError if it is not there."""
    program = find("ffmpeg")
    if program is None:
        raise FileNotFoundError("ffmpeg")
    command = [program, "-nostdin", "-v", "quiet", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **settings) as process:
        ending = Timer(within_s, process.kill)
        ending.start()
        try:
            yield process
        finally:
            ending.cancel()
            process.kill()


def _child(*handles: int) -> dict[str, Any]:
    """The one handle and a bare environment: a bundle's library folder would mislead a foreign program."""
    kept = {name: os.environ[name] for name in ENVIRONMENT_KEPT if name in os.environ}
    settings: dict[str, Any] = {"env": kept, "stdin": subprocess.DEVNULL}
    if os.name == "posix":
        settings["pass_fds"] = handles
    if sys.platform == "linux":
        settings["preexec_fn"] = limits.die_with_parent
    return settings
