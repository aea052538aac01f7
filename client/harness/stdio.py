"""Standard input and output of the harness: lines in from a thread, lines out in batches."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec

READ_BYTES = 64 * 1024
BATCHES_MAX = 8  # read ahead; then who writes to us has to wait


class LinesIn:
    """The lines of standard input. A thread reads them, since no system offers this in the same way to a loop."""

    def __init__(self, fd: int = 0) -> None:
        self._fd = fd
        self._batches: asyncio.Queue[list[bytes] | None] = asyncio.Queue(BATCHES_MAX)

    async def batches(self) -> AsyncIterator[list[bytes]]:
        """What came, some lines at a time, until the input ends."""
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, args=(loop,), name="stdin", daemon=True).start()
        while (lines := await self._batches.get()) is not None:
            yield lines

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        rest = b""
        while data := self._read_some():
            *lines, rest = (rest + data).split(b"\n")
            if lines and not self._put(loop, lines):
                return
        if rest:
            self._put(loop, [rest])
        self._put(loop, None)

    def _read_some(self) -> bytes:
        try:
            return os.read(self._fd, READ_BYTES)
        except OSError:
            return b""

    def _put(self, loop: asyncio.AbstractEventLoop, lines: list[bytes] | None) -> bool:
        try:
            asyncio.run_coroutine_threadsafe(self._batches.put(lines), loop).result()
        except RuntimeError:  # the loop has ended, and nobody listens any more
            return False
        return True


class LinesOut:
    """JSON lines on standard output: all of one turn of the loop in one write."""

    def __init__(self, write: Callable[[bytes], object] | None = None) -> None:
        self._write = write or _write_stdout
        self._waiting: list[bytes] = []
        self._encode = msgspec.json.Encoder().encode

    def say(self, fields: dict[str, Any]) -> None:
        """Write one line, soon."""
        self._waiting.append(self._encode(fields))
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Write what has gathered, now."""
        lines, self._waiting = self._waiting, []
        if lines:
            self._write(b"\n".join(lines) + b"\n")


def _write_stdout(data: bytes) -> None:
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except (BrokenPipeError, ValueError):
        # Nobody reads any more. What was wished is durable; going on is more useful than dying.
        _silence_stdout()


def _silence_stdout() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
