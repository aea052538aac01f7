"""`python -m tests.simulation --schedules N` runs worlds; `--seed N --trace` replays one with its packet log."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from dataclasses import asdict

from tests.simulation.mutants import MUTANTS, find
from tests.simulation.schedule import Failed, Report, play


def main() -> int:
    """Run, count, and return 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--schedules", type=int, default=300, help="how many worlds")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--seed", type=int, help="only this world")
    parser.add_argument("--trace", action="store_true", help="print what happened on the wire")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first failure")
    parser.add_argument("--mutants", nargs="*", help="plant these bugs, or all, and say which seed shows them")
    asked = parser.parse_args()
    if asked.mutants is not None:
        return hunt(asked.mutants or list(MUTANTS), range(asked.first, asked.first + asked.schedules))
    seeds = [asked.seed] if asked.seed is not None else range(asked.first, asked.first + asked.schedules)
    total: Counter[str] = Counter()
    failures, began_s = 0, time.perf_counter()
    for seed in seeds:
        try:
            report = play(seed, trace=asked.trace)
        except Failed as failed:
            failures += 1
            print(*failed.trace, sep="\n") if asked.trace else None
            print(failed, flush=True)
            if not asked.keep_going:
                break
        else:
            print(*report.trace, sep="\n") if asked.trace else None
            add(total, report)
    print(summary(total, failures, time.perf_counter() - began_s))
    return 1 if failures else 0


def hunt(names: list[str], seeds: range) -> int:
    """How soon each planted bug is found."""
    missed = 0
    for name in names:
        began_s = time.perf_counter()
        found = find(name, seeds)
        missed += found is None
        took_s = time.perf_counter() - began_s
        print(f"{name:4} {'NOT FOUND' if found is None else str(found)[:150]} ({took_s:.1f} s)", flush=True)
    print(f"{len(names) - missed} of {len(names)} planted bugs found")
    return 1 if missed else 0


def add(total: Counter[str], report: Report) -> None:
    """Sum up what was done."""
    total["schedules"] += 1
    total.update({name: value for name, value in asdict(report).items() if name not in ("seed", "trace")})


def summary(total: Counter[str], failures: int, wall_s: float) -> str:
    """In one line."""
    counts = ", ".join(f"{value:,.0f} {name}" for name, value in total.items())
    return f"{failures} failures; {counts}; {wall_s:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
