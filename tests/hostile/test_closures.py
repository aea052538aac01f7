"""Where decoders must not be: in the server, and in the client outside its worker (SEC-32, SEC-36)."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.client.worker.talk import ROOT

CODECS = ("cv2", "pydub", "PIL", "av", "wave", "audioop")


@pytest.mark.parametrize(
    ("program", "modules"),
    [
        ("the server", "server.bootstrap, server.__main__"),
        ("the client without its window", "client.bootstrap, client.harness.headless, client.adapters.worker_pool"),
    ],
)
def test_no_decoder_is_loaded(program: str, modules: str) -> None:
    code = f"import sys, {modules}\nfound = sorted({set(CODECS)!r} & set(sys.modules))\nassert not found, found"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (program, done.stderr)


def test_the_server_knows_no_window_and_no_worker() -> None:
    code = """
import sys, server.bootstrap, server.__main__
found = [name for name in sys.modules if name.startswith(("PySide6", "client"))]
assert not found, found
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
