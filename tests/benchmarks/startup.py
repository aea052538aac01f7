"""How long a start takes, and what a program that does nothing keeps in memory."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.processes import ROOT, STOP_S, load, server
from tests.benchmarks.usage import usage_of

STARTS = 5
CALM_S = 2.0  # until a program that has started is idle
PEOPLE = 100
PORT_ANY = "127.0.0.1:0"

Line = dict[str, Any]


def startup() -> dict[str, Any]:
    """Medians of warm starts, in seconds from the start of the process; and memory once it is idle."""
    with tempfile.TemporaryDirectory(prefix="hexagram-bench-") as folder:
        home = Path(folder)
        words = ["-m", "server", "--data-dir", str(home / "server"), "--until-stdin-closes", "--listen"]
        result = {"server_s": _median(lambda: _start(_python(*words, PORT_ANY), _listens))}
        with _started(_python(*words, PORT_ANY), _listens) as (process, told, _):
            invite = _said(_python("-m", "server", "invite", "--data-dir", str(home / "server")))
            client = _python("-m", "client", "headless", "--data-dir", str(home / "client"), "--server", told["url"])
            _start([*client, "--name", "alice", "--invite", invite], _logged_in)
            result["headless_s"] = _median(lambda: _start(client, _logged_in))
            with _started(client, _logged_in) as (headless, _, _):
                time.sleep(CALM_S)
                result["headless_rss_mib"] = _rss_mib(headless.pid)
                result["server_rss_mib"] = _rss_mib(process.pid)
            result |= _window(home, told["url"])
    return result


def _window(home: Path, url: str) -> dict[str, Any]:
    """The window, drawn without a screen: from the start of the process until its chat list is drawn."""
    invite = _said(_python("-m", "server", "invite", "--data-dir", str(home / "server")))
    profile = _python("-m", "client", "headless", "--data-dir", str(home / "app" / "main"), "--server", url)
    _start([*profile, "--name", "nora", "--invite", invite], _logged_in)
    app = _python("-m", "client", "app", "--data-dir", str(home / "app"), "--say-ready")
    took_s = _median(lambda: _start(app, _is_window))
    with _started(app, _is_window) as (process, _, _):
        time.sleep(CALM_S)
        return {"window_s": took_s, "window_rss_mib": _rss_mib(process.pid)}


def memory() -> dict[str, Any]:
    """The server with nobody, and with a hundred people who are there and silent."""
    with server(PEOPLE) as service:
        alone_mib = _rss_mib(service.pid)
        idle = load(service, work="idle", warm_up_s=CALM_S, counted_s=CALM_S, prepared=0)
    return {
        "server_rss_mib": alone_mib,
        "people": PEOPLE,
        "server_with_people_rss_mib": idle["server_rss_mib"],
        "server_cpu_share": idle["server_cpu_share"],
    }


def _python(*words: str) -> list[str]:
    return [sys.executable, *words]


def _listens(line: Line) -> bool:
    return line.get("event") == "listening"


def _is_window(line: Line) -> bool:
    return line.get("event") == "window"


def _logged_in(line: Line) -> bool:
    return line.get("event") == "line" and line.get("state") == "ready"


def _median(measure: Callable[[], float]) -> float:
    measure()  # the first one warms the caches
    return round(statistics.median(measure() for _ in range(STARTS)), 3)


def _start(words: Sequence[str], ready: Callable[[Line], bool]) -> float:
    with _started(words, ready) as (_, _, took_s):
        return took_s


@contextmanager
def _started(
    words: Sequence[str], ready: Callable[[Line], bool]
) -> Iterator[tuple[subprocess.Popen[str], Line, float]]:
    """Start a program and wait for the line that says it is ready; end it by closing its standard input."""
    start_s = time.perf_counter()
    with subprocess.Popen(
        words,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        told = next((line for line in map(json.loads, process.stdout) if ready(line)), None)
        if told is None:
            raise RuntimeError(f"{words} ended before it was ready")
        yield process, told, time.perf_counter() - start_s
        process.stdin.close()
        process.terminate()
        process.stdout.read()
        process.wait(STOP_S)


def _said(words: Sequence[str]) -> str:
    ended = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return ended.stdout.strip()


def _rss_mib(pid: int) -> float:
    return round(usage_of(pid).rss_bytes / 2**20, 1)
