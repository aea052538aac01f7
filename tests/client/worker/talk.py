"""Talks to a real worker process, one line at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
COMMAND = (sys.executable, "-m", "client.worker")


class WorkerProcess:
    """A worker, started and ended with the block."""

    def __init__(self, out_dir: Path, environment: Mapping[str, str] | None = None) -> None:
        self.peak_mib = 0
        self.progress: list[tuple[int, int]] = []
        self.out_dir, self._environment = out_dir, {**os.environ, **(environment or {})}

    def __enter__(self) -> WorkerProcess:
        self.process = subprocess.Popen(
            COMMAND, cwd=ROOT, env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.ready = self.hear()["ready"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()

    def hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        said: dict[str, Any] = json.loads(self.process.stdout.readline())
        return said

    def say(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def ask(self, do: str, path: Path | str, kind: str = "auto", **more: Any) -> dict[str, Any]:
        """One request, its whole answer."""
        request = {"id": 7, "do": do, "path": str(path), "kind": kind, "out_dir": str(self.out_dir), **more}
        self.say(json.dumps(request).encode())
        said = self.hear()
        while "progress" in said:
            self.progress.append(tuple(said["progress"]))
            said = self.hear()
        assert said.pop("id") == 7
        self.peak_mib = max(self.peak_mib, said.pop("peak_mib", 0))
        return said

    def inspect(self, path: Path | str, kind: str = "auto", **more: Any) -> dict[str, Any]:
        """What belongs under "ok"; fails if there was a problem."""
        said = self.ask("inspect", path, kind, **more)
        assert "ok" in said, said
        ok: dict[str, Any] = said["ok"]
        return ok

    def memory_mb(self) -> float:
        """The most memory that any of its processes held with the programs it started, in MB."""
        return self.peak_mib
