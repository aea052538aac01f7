"""`python3 run.py simulate --schedules N --seed S` plays N worlds from seed S on; `--trace` shows one."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from tests.simulation.campaign import (
    Outcome,
    as_dict,
    as_json,
    as_markdown,
    campaign,
    commit,
    replay,
    resumed,
    rounds,
)
from tests.simulation.mutants import MUTANTS
from tests.simulation.planted import hunt, table
from tests.simulation.schedule import Failed, play

TELL_EVERY_S = 10.0


def main() -> int:
    """Run, count, and return 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="run.py simulate", description=__doc__)
    parser.add_argument("--schedules", type=int, default=100, help="how many worlds (500 are 200,000 messages)")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many processes")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first failure")
    parser.add_argument("--trace", action="store_true", help="play only the world of --seed, and show its wire")
    parser.add_argument("--mutants", nargs="*", metavar="NAME", help="plant these bugs, or all; which seed shows them?")
    parser.add_argument(
        "--json", type=Path, help="write the summary here as JSON, and go on from it if it was interrupted"
    )
    parser.add_argument("--markdown", type=Path, help="write the summary, or the table of mutants, here as Markdown")
    asked = parser.parse_args()
    if asked.trace:
        return trace(asked.seed)
    if asked.mutants is not None:
        return mutants(asked.mutants or list(MUTANTS), asked.jobs, asked.markdown)
    return run(asked)


def trace(seed: int) -> int:
    """One world, packet by packet."""
    try:
        report = play(seed, trace=True)
    except Failed as failed:
        print(*failed.trace, sep="\n")
        print(failed)
        return 1
    print(*report.trace, sep="\n")
    print(f"seed={seed}: {report.accepted} of {report.composed} messages accepted, nothing broken", file=sys.stderr)
    return 0


def run(asked: argparse.Namespace) -> int:
    """A campaign; one that was interrupted goes on from what its JSON says."""
    seeds = range(asked.seed, asked.seed + asked.schedules)
    total = resumed(asked.json, seeds)
    for part in rounds(seeds[total.schedules :]):
        total.add(play_round(part, asked.jobs, total, keep_going=asked.keep_going))
        told = as_dict(total, seeds, asked.jobs)
        for path, text in ((asked.json, as_json(told)), (asked.markdown, as_markdown(told))):
            if path is not None:
                path.write_text(text + "\n", encoding="utf-8")
        if total.failures and not asked.keep_going:
            break
    print(as_markdown(as_dict(total, seeds, asked.jobs)))
    return 1 if total.failures else 0


def play_round(seeds: range, jobs: int, before: Outcome, *, keep_going: bool) -> Outcome:
    """Some hundred worlds; says how it goes, and each failure at once."""
    total, began_s, told_s, said = Outcome(), time.perf_counter(), time.perf_counter(), 0
    for total in campaign(seeds, jobs, keep_going=keep_going):
        for seed, what in total.failures[said:]:
            failed = f"\nFAILED seed {seed} at commit {commit()}: {what[:400]}\n  {replay(seed)}"
            print(failed, file=sys.stderr, flush=True)
        said = len(total.failures)
        if time.perf_counter() - told_s > TELL_EVERY_S:
            told_s = time.perf_counter()
            so_far = f"{before.schedules + total.schedules:,} schedules, {before.accepted + total.accepted:,} messages"
            print(f"{so_far}, {len(before.failures) + said} failures", file=sys.stderr, flush=True)
    total.wall_s = time.perf_counter() - began_s
    return total


def mutants(names: list[str], jobs: int, path: Path | None) -> int:
    """How soon each planted bug is found."""
    found = hunt(names, jobs)
    text = table(found)
    print(text)
    if path is not None:
        path.write_text(text + "\n", encoding="utf-8")
    missed = [one.name for one in found if one.seed is None]
    print(f"{len(found) - len(missed)} of {len(found)} planted bugs found", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
