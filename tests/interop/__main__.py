"""`python -m tests.interop`: the tus clients that others wrote, all of them.

Asks npm for tus-js-client (into build/interop, once), runs the tests of this folder with nothing left out, and measures
how fast each client gets a file to our server.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from protocol.limits import MIB
from server.core.rules import UploadRules
from tests.interop.clients import MODULES, TUS_JS, TUSPY, Client, Order, missing, uploads
from tests.server.doors.conftest import TALK, House

TUS_JS_VERSION = "4.3.1"
MEASURED_BYTES = 200 * MIB


def main() -> int:
    """Return the exit code of the tests."""
    if missing(TUS_JS):
        MODULES.mkdir(parents=True, exist_ok=True)
        words = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(MODULES)]
        subprocess.run([*words, f"tus-js-client@{TUS_JS_VERSION}"], check=True)
    code = subprocess.run([sys.executable, "-m", "pytest", "-q", str(Path(__file__).parent)], check=False).returncode
    for client in (TUSPY, TUS_JS):
        speed = asyncio.run(_measured(client))
        sys.stdout.write(f"{client.name}: {speed:.0f} MB/s for {MEASURED_BYTES // MIB} MiB in parts of 16 MiB\n")
    return code


async def _measured(client: Client) -> float:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "file").write_bytes(os.urandom(MEASURED_BYTES))
        house = House(root)
        house.rules = UploadRules(day_bytes=0)
        await house.open()
        try:
            alice = await house.join("alice")
            await house.seat(alice.uid)
            url = f"http://127.0.0.1:{house.port}/v1/media"
            order = Order(url, alice.token, str(root / "file"), str(root / "memory"), {"conversation": TALK}, 16 * MIB)
            start_s = time.monotonic()
            await uploads(client, order)
            return MEASURED_BYTES / 1e6 / (time.monotonic() - start_s)
        finally:
            await house.close()


if __name__ == "__main__":
    sys.exit(main())
