"""Tus clients that others wrote, each a program of its own that uploads one file to our server."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from protocol.values import Value

HERE = Path(__file__).resolve().parent
MODULES = HERE.parents[1] / "build" / "interop"  # where `python -m tests.interop` puts what npm gives
WAIT_S = 40.0


class Order(Value, frozen=True):
    """What a client shall do: `waits_at` this offset until it is killed (0: nowhere); `careful` is all that it can do
    beyond the core: checksums, or bytes with the promise and methods under another name."""

    url: str
    token: str
    path: str
    memory: str
    metadata: dict[str, str]
    part_bytes: int
    waits_at: int = 0
    careful: bool = False

    def text(self) -> str:
        """As the programs read it."""
        return json.dumps({name: getattr(self, name) for name in self.__struct_fields__})


class Client(Value, frozen=True):
    """How one of them is started."""

    name: str
    words: tuple[str, ...]
    modules: str = ""


TUSPY = Client("tuspy", (sys.executable, str(HERE / "with_tuspy.py")))
TUS_JS = Client("tus-js-client", ("node", str(HERE / "with_tus_js.cjs")), str(MODULES / "node_modules"))


def missing(client: Client) -> str:
    """What is not here to run this client, or an empty text."""
    if client is TUSPY:
        return ""
    if shutil.which("node") is None:
        return "node is not installed"
    return (
        "" if (MODULES / "node_modules" / client.name).is_dir() else "run `python -m tests.interop` once: it asks npm"
    )


@asynccontextmanager
async def running(client: Client, order: Order) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start it; at the end it is dead, however it went."""
    environment = {"PATH": os.environ.get("PATH", ""), "NODE_PATH": client.modules, "NO_PROXY": "*"}
    process = await asyncio.create_subprocess_exec(
        *client.words,
        order.text(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def uploads(client: Client, order: Order) -> list[dict[str, Any]]:
    """Let it upload to the end; returns what it said."""
    async with asyncio.timeout(WAIT_S), running(client, order) as process:
        said, complaint = await process.communicate()
        assert process.returncode == 0, complaint.decode()
    return [json.loads(line) for line in said.splitlines()]


async def is_killed(client: Client, order: Order) -> int:
    """Let it upload until `waits_at`, and kill it there; returns the last offset that it was told."""
    at = 0
    async with asyncio.timeout(WAIT_S), running(client, order) as process:
        assert process.stdout is not None
        while at < order.waits_at and (line := await process.stdout.readline()):
            at = json.loads(line).get("at", at)
        assert at >= order.waits_at, (await process.communicate())[1].decode()
        process.kill()
    return at
