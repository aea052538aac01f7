"""Cut the power of simulated worlds, whose databases are real files written by the product's own code.

    python -m tests.disks --cuts 2000 --seed 1
    python -m tests.disks --cuts 200 --synchronous normal      must find losses

Every cut drops, keeps or tears what was not synced, in sectors of 512 bytes; then the product opens what is left.
Exit code 1 if anything was wrong (with `--synchronous` other than full: if nothing was).
"""

from __future__ import annotations

import argparse
import sys

from tests.disks.campaign import campaign


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--cuts", type=int, default=2_000)
    arguments.add_argument("--seed", type=int, default=1, help="of the first world")
    arguments.add_argument("--synchronous", choices=("full", "normal", "off"), default="full")
    chosen = arguments.parse_args()
    tally = campaign(chosen.cuts, chosen.seed, sync=chosen.synchronous)
    print("\n".join(tally.lines()))
    return int(bool(tally.wrong) == (chosen.synchronous == "full"))


if __name__ == "__main__":
    sys.exit(main())
