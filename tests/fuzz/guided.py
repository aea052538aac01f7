"""Mutation guided by coverage, where `atheris` is installed (`pip install atheris`); nothing else needs it.

libFuzzer ends the process when it has enough, so a run has a process of its own. What is to be watched must be
imported under its eyes, hence nothing of ours at the top of this file.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any, NoReturn

INSTRUMENTED = ["protocol", "client", "server", "aiohttp"]
WARM_SHARE = 0.1
LIBFUZZER = ("-timeout=60", "-rss_limit_mb=2048", "-verbosity=0", "-print_final_stats=0")


def is_there() -> bool:
    """Whether this computer has it."""
    return importlib.util.find_spec("atheris") is not None


def run(name: str, inputs: int, seed: int, found: Path) -> int:
    """Feed a parser in a process of its own, which prints its row; returns how that ended."""
    if not is_there():
        sys.exit("atheris is not installed: `pip install atheris`, or leave `--engine atheris` out")
    with tempfile.TemporaryDirectory(prefix="hexagram-fuzz-") as corpus:
        command = [sys.executable, "-m", "tests.fuzz.guided", name, str(inputs), str(seed), str(found), corpus]
        return subprocess.run(command, check=False).returncode


def main(name: str, inputs: int, seed: int, found: Path, folder: Path) -> NoReturn:
    """Begin; libFuzzer never comes back."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=INSTRUMENTED, enable_loader_override=False):
        runs: Any = importlib.import_module("tests.fuzz.runs")
        parsers = importlib.import_module("tests.fuzz.parsers").PARSERS
        feed = parsers[name].open()
        feed(parsers[name].seeds()[0])  # what is imported on the way is to be watched too
    for place, data in enumerate(parsers[name].seeds()):
        (folder / f"{place:04}").write_bytes(data[: parsers[name].max_bytes])
    one = _Target(runs, name, feed, inputs, found).one
    arguments = [f"-runs={inputs * 2}", f"-seed={seed}", f"-max_len={parsers[name].max_bytes}", *LIBFUZZER, str(folder)]
    atheris.Setup([sys.argv[0], *arguments], one, enable_python_coverage=True)
    atheris.Fuzz()
    raise AssertionError("libFuzzer ends the process")


class _Target:
    """Counts and measures; ends the process with a row, or with what was found."""

    def __init__(self, runs: Any, name: str, feed: Any, inputs: int, found: Path) -> None:
        self._runs = runs
        self._name, self._feed, self._inputs, self._found = name, feed, inputs, found
        self._began_s, self._slowest_s, self._count = perf_counter(), 0.0, 0
        self._start_bytes: int | None = None

    def one(self, data: bytes) -> None:
        self._count += 1
        try:
            self._slowest_s = max(self._slowest_s, self._runs.timed(self._feed, data))
        except self._runs.Finding as finding:
            _end(f"| {self._name} | FOUND: {finding} | {finding.keep(self._found)} |", 1)
        if self._count == int(self._inputs * WARM_SHARE) + 1:
            self._start_bytes = self._runs.resident_bytes()
        if self._count >= self._inputs:
            now_bytes = self._runs.resident_bytes()
            grown = None if now_bytes is None or self._start_bytes is None else now_bytes - self._start_bytes
            took_s = perf_counter() - self._began_s
            _end(self._runs.Report(self._name, self._count, took_s, self._slowest_s, grown).row(), 0)


def _end(line: str, code: int) -> NoReturn:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]), Path(sys.argv[5]))
