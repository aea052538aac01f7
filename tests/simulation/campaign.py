"""Many worlds on all cores, and what came of them: counts, failures, one line that replays each."""

from __future__ import annotations

import gc
import json
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED as FIRST
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.simulation.schedule import Failed, play

ROOT = Path(__file__).parents[2]
LOT = 5  # worlds that a worker plays before it reports
ROUND = 500  # worlds between two writings of what there is so far
TITLES = {"fault": "Faults injected", "crash": "Crashes at", "deed": "What people did", "check": "Looks at a promise"}


@dataclass
class Outcome:
    """What a campaign, or a part of it, has come to."""

    schedules: int = 0
    composed: int = 0
    accepted: int = 0
    frames: int = 0
    steps: int = 0
    simulated_s: float = 0.0
    busy_s: float = 0.0
    wall_s: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[int, str]] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Sum up."""
        for name in ("schedules", "composed", "accepted", "frames", "steps", "simulated_s", "busy_s", "wall_s"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.counts.update(other.counts)
        self.failures += other.failures

    def of(self, kind: str) -> dict[str, int]:
        """The counts of one kind, by name."""
        start = f"{kind}:"
        return {name[len(start) :]: times for name, times in sorted(self.counts.items()) if name.startswith(start)}


def play_lot(seeds: Sequence[int]) -> Outcome:
    """Play these worlds, in a worker process."""
    outcome, began_s = Outcome(), time.process_time()
    gc.disable()  # a world is garbage as a whole
    for seed in seeds:
        outcome.schedules += 1
        try:
            report = play(seed)
        except Failed as failed:
            outcome.failures.append((seed, failed.what))
        except Exception as mistake:
            outcome.failures.append((seed, f"{type(mistake).__name__}: {mistake}"))
        else:
            part = Outcome(0, report.composed, report.accepted, report.frames, report.steps, report.simulated_s)
            part.counts.update(report.counts)
            outcome.add(part)
        gc.collect()
    outcome.busy_s = time.process_time() - began_s
    return outcome


def campaign(seeds: range, jobs: int, *, keep_going: bool) -> Iterator[Outcome]:
    """Play all worlds; yields the sum so far whenever a lot is done, and the whole at last."""
    total = Outcome()
    lots = iter([seeds[first : first + LOT] for first in range(0, len(seeds), LOT)])
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for lot in _finished(pool, lots, 2 * jobs):
            total.add(lot)
            yield total
            if total.failures and not keep_going:
                pool.shutdown(cancel_futures=True)
                return


def rounds(seeds: range) -> Iterator[range]:
    """The seeds in portions, in order: what is written after each is complete up to there."""
    for first in range(0, len(seeds), ROUND):
        yield seeds[first : first + ROUND]


def resumed(path: Path | None, seeds: range) -> Outcome:
    """What an earlier run, which was interrupted, has written of these seeds and this code; else nothing yet."""
    if path is None or not path.exists():
        return Outcome()
    told = json.loads(path.read_text(encoding="utf-8"))
    same = (told["commit"], told["first_seed"]) == (commit(), seeds.start)
    if not same or told["commit"].endswith("-dirty") or told["schedules"] > len(seeds):
        return Outcome()
    facts = {name: told[name] for name in ("schedules", "frames", "steps", "simulated_s", "busy_s", "wall_s")}
    done = Outcome(**facts, **told["messages"])
    for kind, title in TITLES.items():
        done.counts.update({f"{kind}:{name}": times for name, times in told[title].items()})
    done.failures = [(one["seed"], one["what"]) for one in told["failures"]]
    return done


def _finished(pool: ProcessPoolExecutor, lots: Iterator[range], ahead: int) -> Iterator[Outcome]:
    """As they come; only a few wait in the queue."""
    running: set[Future[Outcome]] = {pool.submit(play_lot, lot) for _, lot in zip(range(ahead), lots, strict=False)}
    while running:
        done, running = wait(running, return_when=FIRST)
        running |= {pool.submit(play_lot, lot) for _, lot in zip(done, lots, strict=False)}
        for future in done:
            yield future.result()


def commit() -> str:
    """Which code this is."""
    words = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        ran = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return ran.stdout.strip() or "unknown"


def replay(seed: int) -> str:
    """The one command that shows a failure again, packet by packet."""
    return f"python3 run.py simulate --schedules 1 --seed {seed} --trace"


def as_dict(total: Outcome, seeds: range, jobs: int) -> dict[str, Any]:
    """For machines."""
    return {
        "commit": commit(),
        "first_seed": seeds.start,
        "schedules": total.schedules,
        "messages": {"composed": total.composed, "accepted": total.accepted},
        "frames": total.frames,
        "steps": total.steps,
        "simulated_s": round(total.simulated_s, 1),
        "busy_s": round(total.busy_s, 1),
        "wall_s": round(total.wall_s, 1),
        "jobs": jobs,
        "accepted_per_core_second": round(total.accepted / max(total.busy_s, 0.001)),
        "failures": [{"seed": seed, "what": what, "replay": replay(seed)} for seed, what in total.failures],
        **{title: total.of(kind) for kind, title in TITLES.items()},
    }


def as_markdown(told: dict[str, Any]) -> str:
    """For people."""
    messages, failures = told["messages"], told["failures"]
    lines = [
        f"**{len(failures)} failures** in {told['schedules']:,} schedules from seed {told['first_seed']}, "
        f"commit {told['commit']}.",
        "",
        f"{messages['composed']:,} messages composed, {messages['accepted']:,} accepted, {told['frames']:,} frames, "
        f"{told['steps']:,} steps, {told['simulated_s'] / 3600:,.1f} simulated hours; {told['wall_s']:,} s "
        f"on {told['jobs']} processes, {told['accepted_per_core_second']:,} accepted messages a second and core.",
    ]
    lines += [f"\n- seed {one['seed']}: {one['what'][:300]}\n  `{one['replay']}`" for one in failures]
    for title in TITLES.values():
        lines += ["", f"| {title} | times |", "|---|---|"]
        lines += [f"| {name} | {times:,} |" for name, times in told[title].items()]
    return "\n".join(lines)


def as_json(told: dict[str, Any]) -> str:
    """In one piece."""
    return json.dumps(told, indent=1, ensure_ascii=False)
