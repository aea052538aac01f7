"""Processes of tests, and the server as one that is killed. Nothing here outlives who started it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from pathlib import Path
from typing import Any

START_S = 20.0
RUN_S = 100.0


async def ran(*words: str, within_s: float = RUN_S, **how: Any) -> tuple[int, bytes, bytes]:
    """Run a program to its end: exit code, output, errors. It ends with this call, whatever becomes of that."""
    process = await asyncio.create_subprocess_exec(*words, **{"stdin": DEVNULL, "stderr": DEVNULL, **how})
    try:
        async with asyncio.timeout(within_s):
            out, err = await process.communicate()
    finally:
        await killed(process)
    assert process.returncode is not None
    return process.returncode, out or b"", err or b""


async def killed(process: Process) -> None:
    """It has ended, by itself or now."""
    if process.returncode is None:
        process.kill()
        await process.wait()


class Server:
    """`python -m server` in its own folder; after the first start it keeps its port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self._listen = "127.0.0.1:0"
        self._process: Process | None = None

    async def start(self, env: Mapping[str, str] | None = None) -> None:
        """Start it and wait until it listens; `env` is added to the environment."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "server", "--data-dir", str(self.folder), "--listen", self._listen,
            "--until-stdin-closes", stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={**os.environ, **(env or {})},
        )  # fmt: skip
        try:
            async with asyncio.timeout(START_S):
                told = json.loads(await self._first_line())
        except BaseException:
            await self.kill()
            raise
        self.url, self._listen = told["url"], f"{told['host']}:{told['port']}"

    async def _first_line(self) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        assert line, "the server ended before it listened"
        return line

    async def refusal(self, *options: str, listen: str = "127.0.0.1:0") -> tuple[int, str]:
        """Start a server that cannot: its exit code, and the last line it said. One that can ends at once."""
        code, _, told = await ran(
            sys.executable, "-m", "server", "--data-dir", str(self.folder), "--listen", listen, "--language", "en",
            "--until-stdin-closes", *options, within_s=START_S, stdout=DEVNULL, stderr=PIPE,
        )  # fmt: skip
        return code, (told.decode().strip().splitlines() or [""])[-1]

    async def invite(self) -> str:
        _, out, _ = await ran(
            sys.executable, "-m", "server", "invite", "--data-dir", str(self.folder), within_s=START_S, stdout=PIPE
        )
        return out.decode().strip()

    @property
    def pid(self) -> int:
        """Its number, while it lives."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.returncode is None

    async def death(self) -> None:
        """Wait until it has ended by itself."""
        if self._process is not None:
            await self._process.wait()

    def signal(self, number: int) -> None:
        """SIGSTOP and SIGCONT, for a computer that stalls."""
        assert self._process is not None
        self._process.send_signal(number)

    async def stop(self) -> None:
        """An orderly end."""
        await self._end(lambda process: process.terminate())

    async def kill(self) -> None:
        """An end like a power cut."""
        await self._end(lambda process: process.kill())

    async def _end(self, how: object) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        assert callable(how)
        how(process)
        await process.wait()
