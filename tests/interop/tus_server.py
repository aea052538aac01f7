"""`python -m tests.interop.tus_server`: our client uploads to the tus server that the authors of tus wrote.

Asks npm for @tus/server (into build/interop, once) and runs the tests of this with nothing left out.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.interop.clients import HERE, MODULES

PACKAGES = ("@tus/server@2.4.5", "@tus/file-store@2.1.1")
PROGRAM = "tus_server.mjs"
START_S = 20.0


def missing() -> str:
    """What is not here to run it, or an empty text."""
    if shutil.which("node") is None:
        return "node is not installed"
    there = all((MODULES / "node_modules" / name.rpartition("@")[0]).is_dir() for name in PACKAGES)
    return "" if there else "run `python -m tests.interop.tus_server` once: it asks npm"


@asynccontextmanager
async def tus_server(folder: Path) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """Its address and its process; what is uploaded lies in `folder`. At the end it is dead."""
    program = MODULES / PROGRAM  # beside its packages: that is where node looks for them
    shutil.copyfile(HERE / PROGRAM, program)
    process = await asyncio.create_subprocess_exec(
        "node", str(program), str(folder),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": os.environ.get("PATH", ""), "NO_PROXY": "*"},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        async with asyncio.timeout(START_S):
            port = (await process.stdout.readline()).decode().strip()
        yield f"http://127.0.0.1:{port}", process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def main() -> int:
    """Return the exit code of the tests."""
    if missing():
        MODULES.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", str(MODULES), *PACKAGES], check=True)
    tests = str(HERE / "test_tus_server.py")
    return subprocess.run([sys.executable, "-m", "pytest", "-q", tests], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
