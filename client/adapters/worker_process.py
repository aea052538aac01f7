"""One process of the media worker, seen from here: started when there is work, ended when it hangs, started anew.

On Linux the requests go through a socket, and with each goes the open file that it is about: the process needs no
right to open anything of the person's (SEC-32).
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from protocol.problems import MediaUnreadable, MediaVanished

log = logging.getLogger(__name__)

ANSWER_BYTES_MAX = 1024 * 1024
START_WITHIN_S = 30.0  # a cold disk and a scanner that reads every library
CLOSE_WITHIN_S = 0.5
ENVIRONMENT_KEPT = (
    "PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "SYSTEMROOT", "WINDIR",
    "TMPDIR", "TEMP", "TMP", "LANG", "LC_ALL",
)  # fmt: skip
PASSES_HANDLES = sys.platform == "linux"
SAID_ALREADY = set[str]()
"""Layers whose absence is in the log of this run: once is enough."""


class WorkerLost(Exception):
    """The process died, hung or spoke nonsense; the job has no answer."""


class WorkerProcess:
    """Asks one process, one question at a time.

    Args:
        command: how to start it, e.g. `python -m client.worker`.
        jobs_most: after so many jobs it is replaced: what a decoder leaks is given back.
    """

    def __init__(self, command: Sequence[str], jobs_most: int) -> None:
        self._command, self._jobs_most = tuple(command), jobs_most
        self._process: Process | None = None
        self._line: socket.socket | None = None
        self._jobs_done = self._last_id = 0
        self._closed = False
        self.ready: Mapping[str, Any] = {}
        """What the last process said of itself: layers, skipped layers, tools."""
        self.peak_mib = 0
        """The most memory that any job took, with the programs that it started."""

    @property
    def pid(self) -> int | None:
        """The number of the process, while there is one."""
        return None if self._process is None else self._process.pid

    async def ask(
        self, request: Mapping[str, Any], path: str, within_s: float, progress: Callable[[int, int], None] | None = None
    ) -> dict[str, Any]:
        """One question about a file, its last answer. If anything goes wrong on the way the process is ended.

        Raises:
            WorkerLost: there is no answer.
            Problem: media_vanished or media_unreadable.
        """
        process = await self._running()
        self._last_id += 1
        try:
            async with asyncio.timeout(within_s):
                await self._send(process, {"id": self._last_id, **request}, path)
                answer = await self._answer(process, progress)
        except (OSError, ValueError, TypeError, RecursionError, TimeoutError) as lost:
            await self.drop()
            raise WorkerLost(type(lost).__name__) from lost
        except asyncio.CancelledError:
            await self.drop()  # or the next job would read this one's answer
            raise
        self._jobs_done += 1
        self.peak_mib = max(self.peak_mib, int(answer.get("peak_mib") or 0))
        if "lost" in answer:
            raise WorkerLost(str(answer["lost"]))
        return answer

    async def close(self, *, is_idle: bool) -> None:
        """End the process within a second, whatever it is doing, and start no other."""
        self._closed = True
        process = self._process
        if process is not None and process.returncode is None:
            self._end_input(process)
            if is_idle:
                with suppress(TimeoutError):
                    async with asyncio.timeout(CLOSE_WITHIN_S):
                        await process.wait()
        await self.drop()

    async def drop(self) -> None:
        """End the process at once, with everything that it started."""
        process, self._process = self._process, None
        if process is not None:
            self._end_input(process)
            await _kill(process)

    async def _send(self, process: Process, request: Mapping[str, Any], path: str) -> None:
        if self._line is None:
            assert process.stdin is not None
            process.stdin.write(_line({**request, "path": path}))
            await process.stdin.drain()
            return
        handle = _opened(path, str(request.get("name", "")))
        try:
            socket.send_fds(self._line, [_line(request)], [handle])
        finally:
            os.close(handle)

    async def _answer(self, process: Process, progress: Callable[[int, int], None] | None) -> dict[str, Any]:
        """Raises ValueError for what is no answer to this question; an ended pipe gives an empty line."""
        assert process.stdout is not None
        while True:
            said = json.loads(await process.stdout.readline())
            if not isinstance(said, dict) or said.get("id") != self._last_id:
                raise ValueError("not the answer to this question")
            if "progress" not in said:
                return said
            if progress is not None:
                done, whole = said["progress"]
                progress(int(done), int(whole))

    async def _running(self) -> Process:
        """The process, started or started anew where that is due."""
        if self._process is not None and (self._process.returncode is not None or self._jobs_done >= self._jobs_most):
            await self.drop()
        if self._process is None:
            self._process = await self._start()
        return self._process

    async def _start(self) -> Process:
        if self._closed:
            raise WorkerLost("closed")
        self._jobs_done = 0
        process = None
        try:
            process = await self._spawned()
            assert process.stdout is not None
            async with asyncio.timeout(START_WITHIN_S):
                self.ready = dict(json.loads(await process.stdout.readline())["ready"])
        except BaseException as lost:
            if process is not None:
                self._end_input(process)
                await _kill(process)
            if isinstance(lost, (OSError, ValueError, KeyError, TypeError, TimeoutError)):
                raise WorkerLost(type(lost).__name__) from lost
            raise
        _name_missing(self.ready)
        return process

    async def _spawned(self) -> Process:
        ours, theirs = socket.socketpair() if PASSES_HANDLES else (None, None)
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE if theirs is None else theirs.fileno(), stdout=PIPE, stderr=DEVNULL,
                limit=ANSWER_BYTES_MAX, env=_environment(), start_new_session=True,
            )  # fmt: skip
        except BaseException:
            if ours is not None:
                ours.close()
            raise
        finally:
            if theirs is not None:
                theirs.close()
        self._line = ours
        return process

    def _end_input(self, process: Process) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None
        if process.stdin is not None:
            process.stdin.close()


def _line(request: Mapping[str, Any]) -> bytes:
    return json.dumps(request).encode("ascii") + b"\n"


def _opened(path: str, name: str) -> int:
    """Open a file for the worker; what is in it is none of our business here."""
    try:
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError) as gone:
        raise MediaVanished(name=name) from gone
    except (OSError, ValueError) as problem:
        raise MediaUnreadable(name=name) from problem


def _name_missing(ready: Mapping[str, Any]) -> None:
    """Write down once what this system does not offer (SEC-33: never silent)."""
    for name, why in dict(ready.get("skipped") or {}).items():
        if name not in SAID_ALREADY:
            SAID_ALREADY.add(name)
            log.warning("! the media worker runs without the layer %s: %s", name, why)


async def _kill(process: Process) -> None:
    """End the process and whatever it started, and wait until the system has let go of it."""
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            if os.name == "posix":
                os.killpg(process.pid, signal.SIGKILL)  # its own session: ffmpeg goes too
            else:
                process.kill()
    await process.wait()


def _environment() -> dict[str, str]:
    """What the worker is told of our environment: enough to start, no token and no address."""
    kept = {name: os.environ[name] for name in ENVIRONMENT_KEPT if name in os.environ}
    here = str(Path(__file__).resolve().parents[2])
    return kept | {
        "PYTHONPATH": os.pathsep.join(filter(None, (here, kept.get("PYTHONPATH")))),
        "PYTHONUTF8": "1",
    }
