"""`python -m tests.benchmarks`: how fast, beside the physical limit; never a test, never a verdict.

    python -m tests.benchmarks [w1|w2|fsync|start|memory|worker|media|all] [--json] [--runs N] [--counted SECONDS]

docs/BENCHMARKS.md says what exactly is done, and what came out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

from tests.benchmarks.durability import durability
from tests.benchmarks.media import media
from tests.benchmarks.processes import NO_DELAY, load, relay, server
from tests.benchmarks.startup import memory, startup
from tests.benchmarks.worker import worker

PEOPLE = 100  # 50 pairs
SYNCS, SYNC_BYTES = 200, 4096
Result = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for; 1 if a message was lost, doubled or out of order anywhere."""
    asked = _parser().parse_args(arguments)
    if sys.platform != "linux":
        print("The benchmarks read /proc, which this system does not have.", file=sys.stderr)
        return 2
    results: Result = {"machine": machine()}
    for name in WORKS if asked.work == "all" else [asked.work]:
        print(f"- {name} ...", file=sys.stderr, flush=True)
        results[name] = WORKS[name](asked)
    print(json.dumps(results, indent=2) if asked.json else "\n".join(_words(results)))
    return 1 if _findings(results) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="The benchmarks.")
    parser.add_argument("work", nargs="?", default="all", choices=[*WORKS, "all"])
    parser.add_argument("--json", action="store_true", help="everything that was measured")
    parser.add_argument("--runs", type=int, default=3, help="of server and relay, in turns; default: %(default)s")
    parser.add_argument("--counted", type=float, default=0, metavar="S", help="default: 15 for w1, 10 for w2")
    return parser


def machine() -> Result:
    """Where this was measured, and how long a sync takes there just now."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load_average": round(os.getloadavg()[0], 2),
        "fdatasync_ms": _sync_ms(),
    }


def _sync_ms() -> Result:
    """Appending 4 KiB to a file and syncing it."""
    took_ms = []
    with tempfile.NamedTemporaryFile(prefix="hexagram-bench-") as file:
        for _ in range(SYNCS):
            os.write(file.fileno(), b"\1" * SYNC_BYTES)
            start_s = time.perf_counter()
            os.fdatasync(file.fileno())
            took_ms.append((time.perf_counter() - start_s) * 1000)
    took_ms.sort()
    return {"p50": round(took_ms[SYNCS // 2], 3), "p90": round(took_ms[SYNCS * 9 // 10], 3)}


def w1(asked: argparse.Namespace) -> Result:
    """Saturation: 50 pairs, 20 messages in flight each."""
    runs = _in_turns(asked.runs, work="w1", warm_up_s=3.0, counted_s=asked.counted or 15.0)
    rates = {name: [run["done_per_s"] for run in some] for name, some in runs.items()}
    ratios = [ours / limit for ours, limit in zip(rates["server"], rates["relay"], strict=True)]
    spread = {name: _spread(some) for name, some in {**rates, "server_to_relay": ratios}.items()}
    return {"runs": runs, "done_per_s": spread}


def w2(asked: argparse.Namespace) -> Result:
    """Calm: 200 messages a second over 50 pairs."""
    runs = _in_turns(asked.runs, work="w2", warm_up_s=1.0, counted_s=asked.counted or 10.0, prepared=50)
    spread = {
        name: {
            f"{what}_{part}": _spread([run["latency_ms"][what][part] for run in some])
            for what in ("accepted", "delivered", "done")
            for part in ("p50", "p99")
        }
        for name, some in runs.items()
    }
    return {"runs": runs, "latency_ms": spread}


def _in_turns(count: int, **job: Any) -> dict[str, list[Result]]:
    """Server, relay, server, relay …: what disturbs one run disturbs its neighbour."""
    runs: dict[str, list[Result]] = {"server": [], "relay": []}
    for _ in range(count):
        with server(PEOPLE, *NO_DELAY) as service:
            runs["server"].append(load(service, **job))
        with relay(PEOPLE) as service:
            runs["relay"].append(load(service, **job))
    return runs


def _spread(values: list[float]) -> list[float]:
    """Least, median, most."""
    return [round(value, 3) for value in (min(values), statistics.median(values), max(values))]


WORKS: dict[str, Callable[[argparse.Namespace], Result]] = {
    "w1": w1,
    "w2": w2,
    "fsync": lambda _: durability(),
    "start": lambda _: startup(),
    "memory": lambda _: memory(),
    "worker": lambda _: worker(),
    "media": lambda _: media(),
}


def _findings(results: Result) -> list[str]:
    """Whatever went wrong in any run."""
    runs = [run for name in ("w1", "w2") if name in results for some in results[name]["runs"].values() for run in some]
    return [finding for run in [*runs, results.get("fsync", {})] for finding in run.get("findings", [])]


def _words(results: Result) -> list[str]:
    """The results for a person."""
    lines = [" ".join(f"{name} {value}" for name, value in results["machine"].items())]
    for name in ("w1", "w2"):
        for which, some in results.get(name, {}).get("runs", {}).items():
            lines += [f"{name} {which:<6} {_run_words(run)}" for run in some]
    if "w1" in results:
        lines += [f"w1 {name}: least, median, most {span}" for name, span in results["w1"]["done_per_s"].items()]
    for name in ("fsync", "start", "memory", "worker", "media"):
        if name in results:
            lines.append(f"{name} {json.dumps(results[name])}")
    return [*lines, *[f"WRONG: {finding}" for finding in _findings(results)]]


def _run_words(run: Result) -> str:
    latency = ", ".join(f"{what} {ms.get('p50')}/{ms.get('p99')}" for what, ms in run["latency_ms"].items())
    return (
        f"{run['done_per_s']:9.0f}/s  {run['server_cpu_us']:7.1f} us a message  {run['server_rss_mib']:6.1f} MiB"
        f"  cpu {run['server_cpu_share']:.2f} (generator {run['generator_cpu_share']:.2f})  p50/p99 ms: {latency}"
    )


if __name__ == "__main__":
    sys.exit(main())
