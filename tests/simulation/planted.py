"""The hunt for planted bugs: which seed shows each, and what the oracle says about it (section 21, G-3)."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from tests.simulation.mutants import MUTANTS, find, play_for
from tests.simulation.schedule import Failed

SEEDS = range(1, 41)


@dataclass(frozen=True)
class Find:
    """What became of a hunt; `seed` is None for a bug that got away."""

    name: str
    bug: str
    seed: int | None
    said: str


def hunt_one(name: str) -> Find:
    """Plant this bug and play until a seed shows it."""
    failed = find(name, SEEDS)
    bug = (MUTANTS[name].__doc__ or "").strip().splitlines()[0]
    if failed is None:
        return Find(name, bug, None, "not found")
    try:  # the same world without the bug must be a good one
        play_for(name, failed.seed)
    except Failed as always:
        return Find(name, bug, None, f"proves nothing, seed {always.seed} fails without it: {always.what}")
    return Find(name, bug, failed.seed, failed.what)


def hunt(names: Sequence[str], jobs: int) -> list[Find]:
    """All of these, each in a process of its own: what is planted stays there."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        return list(pool.map(hunt_one, names))


def table(found: Sequence[Find]) -> str:
    """As Markdown."""
    lines = ["| # | planted bug | seed | what the oracle said |", "|---|---|---|---|"]
    for one in found:
        said = " ".join(one.said.replace("|", "¦").split())
        lines.append(f"| {one.name} | {one.bug} | {one.seed or '–'} | {said[:110]} |")
    return "\n".join(lines)
