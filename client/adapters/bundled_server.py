"""The server that comes with the application: a process of its own, started, kept alive and ended from here."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from client.programs import server_command
from protocol.backoff import upload_delay_s
from protocol.problems import (
    BY_CODE,
    DataInUse,
    PortInUse,
    Problem,
    ServerInternal,
    ServerUnreachable,
    problem,
)

HOST: Final = "127.0.0.1"
PORT_FILE: Final = "port"
START_WITHIN_S: Final = 30.0  # a cold disk, and a scanner that reads every library
INVITE_WITHIN_S: Final = 30.0
CLOSE_WITHIN_S: Final = 0.8
PREDECESSOR_TRIES: Final = 6
PORT_TRIES: Final = 3
PREDECESSOR_PAUSE_S: Final = 0.4
"""The server of a killed window ends a moment after it; until then it holds the port and the data."""
LOG_MAX_BYTES: Final = 1_000_000

# Out of reach of a Ctrl-C that is meant for us, and without a window.
if sys.platform == "win32":
    _CREATION_FLAGS = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
else:
    _CREATION_FLAGS = 0

EXIT_CODES: Final = {
    10: "address_invalid", 11: "address_not_loopback", 12: "port_in_use",
    20: "data_read_only", 21: "data_newer", 22: "data_corrupt", 23: "data_in_use",
    24: "disk_full", 25: "store_failed",
}  # fmt: skip
"""What the server means by the number it ends with."""


class BundledServer:
    """One server on one data folder, on this computer only. `start` first, `close` last.

    It ends by itself when this process does, however that ends: its standard input closes then. It keeps its port,
    so that whoever knew its address finds it again.

    Args:
        data_dir: the server's folder.
        command: how a server is started, without options; the bundle's own file, or Python with its package.
        on_back: told the address whenever the server came back after it had died; it may be another one.
        on_problem: told what keeps the server from coming back; it is tried again as long as that may help.
        log_file: where its log goes; nowhere if None.
    """

    def __init__(
        self,
        data_dir: Path,
        command: Sequence[str] = (),
        *,
        on_back: Callable[[str], None] = lambda url: None,
        on_problem: Callable[[Problem], None] = lambda problem: None,
        log_file: Path | None = None,
    ) -> None:
        self._data_dir, self._command = data_dir, tuple(command or server_command())
        self._on_back, self._on_problem, self._log_file = on_back, on_problem, log_file
        self._process: Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self.url = ""
        """Where it listens; empty before `start`."""

    async def start(self) -> str:
        """Start it, wait until it listens, and return its address.

        Raises: DataInUse, DataReadOnly, DataNewer, DataCorrupt, DiskFull, StoreFailed, ServerUnreachable when it
            says nothing, ServerInternal when it dies without a reason.
        """
        self._process = await self._started()
        self._keeper = asyncio.get_running_loop().create_task(self._keep_alive(), name="bundled server")
        return self.url

    async def invite(self) -> str:
        """A fresh invite code. Raises what `start` raises."""
        process = await self._run("invite", "--data-dir", str(self._data_dir))
        assert process.stdout is not None
        try:
            async with asyncio.timeout(INVITE_WITHIN_S):
                said = (await process.stdout.read()).decode().strip()
                code = await process.wait()
        except TimeoutError as error:
            raise ServerUnreachable(address=self.url) from error
        finally:
            await _kill(process)
        if code != 0 or not said:
            raise self._problem(code)
        return said.splitlines()[-1]

    async def close(self) -> None:
        """End it within a second: politely, then not."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper
        process, self._process = self._process, None
        if process is not None:
            await _end(process)

    # ---------------------------------------------------------------------------------------- starting

    async def _started(self) -> Process:
        """A server that listens: at the port it had, if that is free again, else at any."""
        port, tries = await asyncio.to_thread(self._kept_port), 0
        while True:
            try:
                return await self._listening(port)
            except (PortInUse, DataInUse) as error:
                tries += 1
                if tries == PREDECESSOR_TRIES:
                    raise
                if isinstance(error, PortInUse) and tries == PORT_TRIES:
                    port = 0  # somebody else has it for good
            await asyncio.sleep(PREDECESSOR_PAUSE_S)

    async def _listening(self, port: int) -> Process:
        process = await self._run(
            "--data-dir", str(self._data_dir), "--listen", f"{HOST}:{port}", "--until-stdin-closes"
        )
        try:
            async with asyncio.timeout(START_WITHIN_S):
                self.url = await self._heard(process, port)
        except BaseException as error:
            await _kill(process)
            if isinstance(error, TimeoutError):
                raise ServerUnreachable(address=f"{HOST}:{port}") from error
            raise
        await asyncio.to_thread(self._keep_port, self.url.rpartition(":")[2])
        return process

    async def _heard(self, process: Process, port: int) -> str:
        """The address in the one line a server prints."""
        assert process.stdout is not None
        line = await process.stdout.readline()
        try:
            told = json.loads(line)
            if told["event"] == "listening":
                return str(told["url"])
        except (ValueError, KeyError, TypeError):
            pass
        if line:
            raise ServerInternal()
        raise self._problem(await process.wait(), port)

    async def _run(self, *arguments: str) -> Process:
        log = await asyncio.to_thread(self._open_log)
        try:
            return await asyncio.create_subprocess_exec(
                *self._command, *arguments, stdin=PIPE, stdout=PIPE, stderr=log or DEVNULL, env=_environment(),
                start_new_session=True, creationflags=_CREATION_FLAGS,
            )  # fmt: skip
        except OSError as error:
            raise ServerInternal() from error
        finally:
            if log is not None:
                log.close()

    def _problem(self, exit_code: int, port: int = 0) -> Problem:
        code = EXIT_CODES.get(exit_code, ServerInternal.code)
        return problem(code, port=port) if code in BY_CODE else ServerInternal()

    # ------------------------------------------------------------------------------------ keeping alive

    async def _keep_alive(self) -> None:
        """Whenever it dies, it is started again: at once, then after 1, 2, 4 … 60 s."""
        while True:
            assert self._process is not None
            assert self._process.stdout is not None
            while await self._process.stdout.read(4096):
                pass
            await self._process.wait()
            await self._restart()

    async def _restart(self) -> None:
        failures = 0
        while True:
            try:
                self._process = await self._started()
                break
            except Problem as error:
                failures += 1
                self._on_problem(error)
                await asyncio.sleep(upload_delay_s(failures))
        self._on_back(self.url)

    # ------------------------------------------------------------------------------------- on threads

    def _kept_port(self) -> int:
        try:
            port = int((self._data_dir / PORT_FILE).read_text("ascii"))
            return port if 0 < port < 65_536 else 0
        except (OSError, ValueError):
            return 0

    def _keep_port(self, port: str) -> None:
        with suppress(OSError):  # then the next one has another port
            (self._data_dir / PORT_FILE).write_text(port, "ascii")

    def _open_log(self) -> IO[bytes] | None:
        if self._log_file is None:
            return None
        with suppress(OSError):
            if self._log_file.stat().st_size > LOG_MAX_BYTES:
                self._log_file.replace(self._log_file.with_suffix(".old"))
        try:
            return self._log_file.open("ab")
        except OSError:
            return None


def _environment() -> dict[str, str]:
    if getattr(sys, "frozen", False):
        return dict(os.environ)
    here = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))
    return os.environ | {"PYTHONPATH": path, "PYTHONUTF8": "1"}


async def _end(process: Process) -> None:
    """Close its standard input: it stops, and saves what is under way."""
    if process.stdin is not None:
        process.stdin.close()
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_WITHIN_S):
            await process.wait()
    await _kill(process)


async def _kill(process: Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
    await process.wait()
