"""How this program starts the others, and itself again: the bundle's own files, or this Python with a package."""

from __future__ import annotations

import sys
from pathlib import Path


def client_command(*arguments: str) -> list[str]:
    """This program again."""
    return [sys.executable, *arguments] if _bundled() else _package("client", *arguments)


def worker_command() -> list[str]:
    """The media worker; the bundle has one file for it and the client."""
    return client_command("--media-worker") if _bundled() else _package("client.worker")


def server_command() -> list[str]:
    """The server; in the bundle the file beside ours."""
    if _bundled():
        name = "hexagram-server.exe" if sys.platform == "win32" else "hexagram-server"
        return [str(Path(sys.executable).with_name(name))]
    return _package("server")


def _bundled() -> bool:
    return bool(getattr(sys, "frozen", False))


def _package(name: str, *arguments: str) -> list[str]:
    """This Python, as careful about the folder we stand in as the one that runs us (`-P`)."""
    careful = ["-P"] if sys.flags.safe_path else []
    return [sys.executable, *careful, "-m", name, *arguments]
