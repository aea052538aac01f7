"""`python -m tests.fuzz --parser NAME --runs 1000000`: feed a parser until it breaks, and say how it went.

With `atheris` installed mutation is guided by coverage (`--engine atheris`); the measured runs use plain mutation,
which any computer can repeat from the seed. `--all` runs every parser and prints the table of docs/FUZZING.md.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.fuzz import guided
from tests.fuzz.parsers import PARSERS
from tests.fuzz.runs import HEAD, Finding, run


def main() -> int:
    """Returns 1 if anything was found."""
    options = _options()
    if options.list:
        for parser in PARSERS.values():
            print(f"{parser.name:15} {parser.what}")
        return 0
    names = list(PARSERS) if options.all else [options.parser]
    print(HEAD, flush=True)
    failed = 0
    for name in names:
        if options.engine == "atheris":
            failed |= guided.run(name, options.runs, options.seed, options.found)
            continue
        try:
            print(run(PARSERS[name], options.runs, options.seed).row(), flush=True)
        except Finding as finding:
            failed = 1
            print(f"| {name} | FOUND: {finding} | {finding.keep(options.found)} |", flush=True)
    return failed


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--parser", choices=PARSERS)
    which.add_argument("--all", action="store_true")
    which.add_argument("--list", action="store_true")
    parser.add_argument("--runs", type=int, default=1_000_000, help="inputs a parser")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", choices=("plain", "atheris"), default="plain")
    parser.add_argument("--found", type=Path, default=Path("build") / "fuzz", help="where an input that breaks is kept")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
