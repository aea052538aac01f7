"""A client that sends every file as what its message wishes to call it: only the worker's honesty is taken out.

python -m tests.hostile.liar headless ...    as `python -m client headless ...`
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

from client import bootstrap
from client.__main__ import main
from client.core.model import Inspected

TYPES = {"picture": "image/jpeg", "voice": "audio/ogg", "video": "video/mp4", "file": "application/octet-stream"}


class LyingPool:
    """In place of the worker."""

    def __init__(self, *_: Any) -> None:
        """As the true one is made."""

    async def inspect(self, path: str, name: str, kind: str, quality: str = "original") -> Inspected:
        """Whatever it is, it is said to be a small thing of the wished kind."""
        data = _data(path)
        return Inspected(
            kind=kind,  # type: ignore[arg-type]
            type=TYPES[kind],
            name=name or os.path.basename(path),
            size_bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            path=path,
            width=640,
            height=480,
            duration_ms=1000,
        )

    async def close(self) -> None:
        """There is nothing to close."""


def _data(path: str) -> bytes:
    return Path(path).read_bytes()


if __name__ == "__main__":
    vars(bootstrap)["WorkerPool"] = LyingPool
    sys.exit(main())
