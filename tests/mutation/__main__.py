"""Does a test notice if somebody changes the cores? `python -m tests.mutation [MODULE…]` plants mistakes and looks.

Works in a copy of the last commit (or, with --working-tree, of the files as they are now), prints a table and the
survivors, and ends with 1 below 90 % in either core or below 85 % in a module. The whole takes 20 minutes on two idle
cores. --write enters the measured rows in docs/MUTATION.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import run
from tests.mutation.score import (
    CORES,
    Score,
    below_goal,
    exit_codes,
    merged,
    rewritten,
    rows_of,
    score_of,
    survivors,
    table,
)
from tests.mutation.workshop import Stop, change_of, head_to, plant, tell, working_tree_to

PAGE = run.ROOT / "docs" / "MUTATION.md"


def main() -> int:
    """Plant, count, name the survivors, and return 1 if too many of them lived."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="server/core/marks.py, or marks in both cores")
    parser.add_argument("--children", type=int, default=os.cpu_count() or 1, help="how many at once")
    parser.add_argument("--working-tree", action="store_true", help="the files as they are, not the last commit")
    parser.add_argument("--show", action="store_true", help="also show what each survivor changed")
    parser.add_argument("--write", action="store_true", help="enter the rows in docs/MUTATION.md")
    asked = parser.parse_args()
    if asked.write and asked.working_tree:
        parser.error("--write names a commit: commit first")
    try:
        with tempfile.TemporaryDirectory(prefix="hexagram-mutation-") as folder:
            scores = measure(Path(folder), chosen(asked.modules), asked)
    except Stop as stop:
        tell(str(stop))
        return 2
    print(table(scores))
    if asked.write:
        enter(scores)
    low = below_goal(scores, whole=not asked.modules)
    print(*low, sep="\n")
    return 1 if low else 0


def modules() -> list[str]:
    """Every module of both cores, as paths from the checkout's root."""
    paths = (path for core in CORES for path in (run.ROOT / core).glob("*.py"))
    return sorted(path.relative_to(run.ROOT).as_posix() for path in paths)


def chosen(words: Sequence[str]) -> list[str]:
    """The modules somebody named by path, dotted name or last name; all, without a word. Raises Stop for a stranger."""
    if not words:
        return modules()
    found: list[str] = []
    for word in words:
        fitting = [name for name in modules() if word in (name, name[:-3].replace("/", "."), Path(name).stem)]
        if not fitting:
            raise Stop(f"{word} is no module of {' or '.join(CORES)}")
        found += fitting
    return sorted(set(found))


def measure(folder: Path, wanted: Sequence[str], asked: argparse.Namespace) -> list[Score]:
    """Run, and print the survivors while their code is still there to be shown."""
    (working_tree_to if asked.working_tree else head_to)(folder)
    commit = "working tree" if asked.working_tree else commit_and_day()
    plant(folder, wanted, asked.children)
    scores: list[Score] = []
    for name in wanted:
        codes = exit_codes(folder, name)
        if codes:
            scores.append(score_of(name, codes.values(), commit))
        for survivor in survivors(codes):
            print(f"survived: {survivor}")
            if asked.show:
                print(change_of(folder, survivor))
    return scores


def commit_and_day() -> str:
    """Which code was measured: `1a2b3c4d5e6f, 2026-05-01`."""
    words = ["git", "show", "--no-patch", "--abbrev=12", "--format=%h, %cs", "HEAD"]
    return subprocess.run(words, cwd=run.ROOT, capture_output=True, text=True, check=True).stdout.strip()


def enter(scores: Sequence[Score]) -> None:
    """Replace the rows of the modules that were measured."""
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(rewritten(page, merged(rows_of(page), scores, modules())), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
