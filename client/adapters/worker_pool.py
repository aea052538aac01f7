"""The near end of the media worker: starts its process when there is a file to look at, outlives its deaths.

No decoder is loaded here (SEC-32). One job at a time; a job that hangs or crashes costs the process, and its
file is then measured by a fresh one without any decoder and sent as a plain file.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from client.core.model import Inspected, Looked
from protocol.problems import BY_CODE, MediaUnsafe, Problem, WorkerFailed, problem

Kind = Literal["auto", "picture", "voice", "video", "file"]
Claimed = Literal["picture", "voice", "video", "file"]
Quality = Literal["small", "original"]

UNKNOWN_TYPE = "application/octet-stream"

ANSWER_BYTES_MAX = 1024 * 1024
START_WITHIN_S = 30.0  # a cold disk and a scanner that reads every library
CLOSE_WITHIN_S = 0.5
SLOWEST_READING_BYTES_PER_S = 10_000_000  # on top of the wall time: a large file is read twice
TRANSCODE_WITHIN_S = 630.0
JOBS_PER_PROCESS = 200  # what a decoder leaks is given back
ENVIRONMENT_KEPT = (
    "PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "SYSTEMROOT", "WINDIR",
    "TMPDIR", "TEMP", "TMP", "LANG", "LC_ALL",
)  # fmt: skip


SHOWN = ("kind", "type", "width", "height", "duration_ms", "preview_type", "why")


class _WorkerLost(Exception):
    """The process died, hung or spoke nonsense; the job has no answer."""


class WorkerPool:
    """Asks the worker; the port `Worker`.

    Args:
        command: how to start the worker, e.g. `python -m client.worker`.
        out_dir: where it puts copies without place and device; they are the caller's to delete.
        wall_timeout_s: how long one job may take by the clock on the wall, plus time to read a large file.
        strip_location: take place and device out of pictures and films (SEC-31).
    """

    def __init__(
        self,
        command: Sequence[str],
        out_dir: Path,
        wall_timeout_s: float = 15.0,
        jobs_per_process: int = JOBS_PER_PROCESS,
        strip_location: bool = True,
    ) -> None:
        self._command, self._out_dir, self._wall_timeout_s = tuple(command), out_dir, wall_timeout_s
        self._jobs_per_process, self._strip_location = jobs_per_process, strip_location
        self._turn = asyncio.Lock()
        self._process: Process | None = None
        self._jobs_done = self._last_id = 0
        self._closed = False
        self.ready: Mapping[str, Any] = {}
        """What the last process said of itself: layers, skipped layers, tools."""

    @property
    def pid(self) -> int | None:
        """The number of the process, while there is one."""
        return None if self._process is None else self._process.pid

    async def inspect(self, path: str, name: str, kind: Kind, quality: Quality = "original") -> Inspected:
        """Look into a file that is to be sent; what is not understood is a plain file.

        Raises:
            Problem: media_vanished, media_unreadable, media_is_folder, media_empty, media_too_large; and
                worker_failed if not even measuring it was possible.
        """
        wish = {"path": path, "kind": kind, "strip_location": self._strip_location, "quality": quality}
        within_s = self._wall_timeout_s + _reading_s(path)
        async with self._turn:
            try:
                found = await self._ask({"do": "inspect", **wish}, name, within_s)
            except _WorkerLost:
                found = await self._measure(wish, name, within_s)
        return _inspected(found, name)

    async def look(self, path: str, claimed: Claimed, name: str = "") -> Looked:
        """Look into a file that arrived; it is shown as what it was said to be, or is a plain file with a reason.

        Raises:
            Problem: media_vanished, media_unreadable, media_is_folder, media_empty, media_too_large.
        """
        async with self._turn:
            try:
                found = await self._ask({"do": "look", "path": path, "kind": claimed}, name, self._wall_timeout_s)
            except _WorkerLost:
                return Looked("file", UNKNOWN_TYPE, why=MediaUnsafe.code)
        return _looked(found)

    async def transcode(self, path: str, kind: Literal["voice", "video"]) -> Path | None:
        """Have a smaller copy made for sending; None where there is no way (say, no ffmpeg)."""
        async with self._turn:
            try:
                made = await self._ask({"do": "transcode", "path": path, "kind": kind}, "", TRANSCODE_WITHIN_S)
            except (_WorkerLost, Problem):
                return None
        return Path(made["file"])

    async def close(self) -> None:
        """End the process within a second, whatever it is doing. A job that waits fails."""
        self._closed = True
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        if not self._turn.locked():
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_WITHIN_S):
                    await process.wait()
        await _kill(process)

    async def _measure(self, wish: Mapping[str, Any], name: str, within_s: float) -> dict[str, Any]:
        try:
            return await self._ask({"do": "measure", **wish}, name, within_s)
        except _WorkerLost as lost:
            raise WorkerFailed(name=name) from lost

    async def _ask(self, request: Mapping[str, Any], name: str, within_s: float) -> dict[str, Any]:
        """One question, one answer. Whatever goes wrong on the way, the process is gone afterwards."""
        process = await self._running()
        self._last_id += 1
        line = json.dumps({"id": self._last_id, "out_dir": str(self._out_dir), **request}).encode("ascii")
        try:
            async with asyncio.timeout(within_s):
                said = await self._exchange(process, line + b"\n")
            answer = _answer(said, self._last_id)
        except (OSError, ValueError, TimeoutError) as lost:
            await self._drop(process)
            raise _WorkerLost(type(lost).__name__) from lost
        except asyncio.CancelledError:
            await self._drop(process)  # or the next job would read this one's answer
            raise
        self._jobs_done += 1
        if "ok" not in answer:
            raise _problem(answer, name)
        return dict(answer["ok"])

    async def _exchange(self, process: Process, line: bytes) -> bytes:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(line)
        await process.stdin.drain()
        return await process.stdout.readline()

    async def _running(self) -> Process:
        """The process, started or started anew where that is due."""
        process = self._process
        if process is not None and (process.returncode is not None or self._jobs_done >= self._jobs_per_process):
            await self._drop(process)
        if self._process is None:
            self._process = await self._start()
        return self._process

    async def _start(self) -> Process:
        if self._closed:
            raise _WorkerLost("closed")
        self._jobs_done = 0
        process = None
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, limit=ANSWER_BYTES_MAX,
                env=_environment(), start_new_session=True,
            )  # fmt: skip
            assert process.stdout is not None
            async with asyncio.timeout(START_WITHIN_S):
                self.ready = json.loads(await process.stdout.readline())["ready"]
        except BaseException as lost:
            if process is not None:
                await _kill(process)
            if isinstance(lost, (OSError, ValueError, KeyError, TypeError, TimeoutError)):
                raise _WorkerLost(type(lost).__name__) from lost
            raise
        return process

    async def _drop(self, process: Process) -> None:
        if self._process is process:
            self._process = None
        await _kill(process)


async def _kill(process: Process) -> None:
    """End the process and whatever it started, and wait until the system has let go of it."""
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            if os.name == "posix":
                os.killpg(process.pid, signal.SIGKILL)  # its own session: ffmpeg goes too
            else:
                process.kill()
    if process.stdin is not None:
        process.stdin.close()
    await process.wait()


def _environment() -> dict[str, str]:
    """What the worker is told of our environment: enough to start, no token and no address."""
    kept = {name: os.environ[name] for name in ENVIRONMENT_KEPT if name in os.environ}
    here = str(Path(__file__).resolve().parents[2])
    return kept | {
        "PYTHONPATH": os.pathsep.join(filter(None, (here, kept.get("PYTHONPATH")))),
        "PYTHONUTF8": "1",
    }


def _reading_s(path: str) -> float:
    try:
        return os.stat(path).st_size / SLOWEST_READING_BYTES_PER_S
    except (OSError, ValueError):
        return 0.0


def _answer(line: bytes, number: int) -> dict[str, Any]:
    """Raises ValueError for what is not the answer to this question; an ended pipe gives an empty line."""
    answer = json.loads(line)
    if not isinstance(answer, dict) or answer.get("id") != number:
        raise ValueError("not the answer to this question")
    return answer


def _problem(answer: Mapping[str, Any], name: str) -> Problem:
    """The problem as the person knows it: with the name under which the file is sent."""
    code = str(answer.get("problem"))
    facts = dict(answer.get("facts") or {})
    return problem(code if code in BY_CODE else WorkerFailed.code, **facts | {"name": name})


def _inspected(found: Mapping[str, Any], name: str) -> Inspected:
    return Inspected(
        name=name or found["name"],
        size_bytes=found["size_bytes"],
        sha256=found["sha256"],
        path=found["file"],
        large=found["large"],
        **_shown(found),
    )


def _looked(found: Mapping[str, Any]) -> Looked:
    return Looked(**_shown(found))


def _shown(found: Mapping[str, Any]) -> dict[str, Any]:
    """What both kinds of looking tell."""
    shown = {name: found[name] for name in SHOWN}
    return shown | {name: base64.b64decode(found[name]) for name in ("preview", "waveform")}
