"""A headless client as a child process, driven from Python: the demo's people, and the tests'."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from client.app.tasks import Tasks
from client.programs import client_command
from protocol.problems import Problem, problem

Line: TypeAlias = dict[str, Any]

LINE_MAX_BYTES = 16 * 1024 * 1024
WAIT_S = 30.0


class Puppet:
    """One person without a screen.

    Args:
        name: for `--name` at the first start, and for messages about it.
        data_dir: the profile.
        server: the server's address.
        options: more options for the harness.
    """

    def __init__(self, name: str, data_dir: Path, server: str, options: Sequence[str] = ()) -> None:
        self.name, self.data_dir, self.server, self.options = name, data_dir, server, tuple(options)
        self.heard: list[Line] = []
        self._process: Process | None = None
        self._tasks = Tasks()
        self._news = asyncio.Condition()
        self._refs = 0
        self._answers: dict[int, asyncio.Future[Line]] = {}
        self._ended = False

    async def start(self, *options: str, invite: str = "", env: Mapping[str, str] | None = None) -> Line:
        """Start it and return its `ready` line. Raises the Problem it reports instead."""
        joining = ["--name", self.name, "--invite", invite] if invite else []
        command = client_command(
            "headless", "--data-dir", str(self.data_dir), "--server", self.server,
            *joining, *self.options, *options,
        )  # fmt: skip
        self._ended = False
        since = len(self.heard)
        self._process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, limit=LINE_MAX_BYTES, env=None if env is None else dict(env)
        )
        self._tasks.start(self._listen(self._process), f"ears for {self.name}")
        first = await self.until(lambda line: line["event"] in ("ready", "problem", "end"), since=since)
        if first["event"] == "ready":
            return first
        raise problem(first.get("code", "problem"))

    async def wish(self, do: str, **fields: Any) -> Line:
        """Say a wish and return its `done` line. Raises the Problem it was answered with."""
        return await self.send_wish(do, **fields)

    def send_wish(self, do: str, **fields: Any) -> asyncio.Future[Line]:
        """Say a wish; the future is its answer."""
        if not self.running or self._ended:
            raise ConnectionError(f"{self.name} does not run")
        assert self._process is not None
        assert self._process.stdin is not None
        self._refs += 1
        answer: asyncio.Future[Line] = asyncio.get_running_loop().create_future()
        self._answers[self._refs] = answer
        line = json.dumps({"do": do, "ref": self._refs, **fields})
        self._process.stdin.write(line.encode() + b"\n")
        return answer

    async def until(self, wanted: Callable[[Line], bool], *, since: int = 0, timeout_s: float = WAIT_S) -> Line:
        """The first line from number `since` on that is wanted. Raises TimeoutError."""
        place = since
        async with asyncio.timeout(timeout_s):
            async with self._news:
                while True:
                    while place < len(self.heard):
                        place += 1
                        if wanted(self.heard[place - 1]):
                            return self.heard[place - 1]
                    await self._news.wait()

    async def state(self, lid: int, *states: str, timeout_s: float = WAIT_S) -> str:
        """Wait until an own message is in one of these states (or, for steps of the ladder, above)."""
        line = await self.until(
            lambda line: line["event"] == "state" and line["lid"] == lid and line["state"] in states,
            timeout_s=timeout_s,
        )
        return str(line["state"])

    async def quit(self) -> int:
        """End it by closing its input; return the exit code."""
        process = self._process
        assert process is not None
        assert process.stdin is not None
        process.stdin.close()
        code = await process.wait()
        await self._over()
        return code

    async def kill(self) -> None:
        """End it as a power cut would."""
        process = self._process
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()
        await self._over()

    def signal(self, number: int) -> None:
        """SIGSTOP and SIGCONT, for a computer that stalls."""
        assert self._process is not None
        self._process.send_signal(number)

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.returncode is None

    async def _over(self) -> None:
        async with self._news:
            while not self._ended:
                await self._news.wait()
        await self._tasks.close()

    async def _listen(self, process: Process) -> None:
        assert process.stdout is not None
        async for data in process.stdout:
            self._hear(json.loads(data))
            async with self._news:
                self._news.notify_all()
        self._ended = True
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(ConnectionError(f"{self.name} ended"))
                answer.exception()  # nobody may be waiting for it
        self._answers.clear()
        self.heard.append({"event": "end"})
        async with self._news:
            self._news.notify_all()

    def _hear(self, line: Line) -> None:
        self.heard.append(line)
        answer = self._answers.pop(line.get("ref", 0), None)
        if answer is None or answer.done():
            return
        if line["event"] == "problem":
            answer.set_exception(_problem(line))
        else:
            answer.set_result(line)


def _problem(line: Line) -> Problem:
    """The Problem a line tells; its facts are in its sentence already."""
    return problem(line["code"], **{"text": line["text"]})
