"""Many cuts in many worlds, and what came of them in a few lines."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import apsw

from tests.disks.verdict import Cut, cut_and_look
from tests.disks.worlds import play

CUTS_OF_A_WORLD = 100


@dataclass
class Tally:
    """What was done, and what was wrong."""

    sync: str
    worlds: int = 0
    transactions: int = 0
    promises: int = 0
    again: int = 0
    cuts: Counter[tuple[str, str]] = field(default_factory=Counter)
    fates: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    took_s: float = 0.0

    @property
    def total(self) -> int:
        return sum(self.cuts.values())

    def add(self, side: str, seed: int, cut: Cut) -> None:
        """One more."""
        self.cuts[side, cut.during] += 1
        self.fates[cut.fate] += 1
        self.promises += cut.promises
        self.again += cut.again
        if cut.wrong:
            self.wrong.append(f"seed {seed}, {side}, before call {cut.at}, {cut.fate}: {cut.wrong}")

    def lines(self) -> list[str]:
        """For people."""
        by_step = ", ".join(f"{side} {step} {number}" for (side, step), number in sorted(self.cuts.items()))
        fates = ", ".join(f"{fate} {number}" for fate, number in sorted(self.fates.items()))
        return [
            f"{self.total} power cuts and {self.again} more while recovering, synchronous = {self.sync},"
            f" {self.worlds} worlds with {self.transactions} transactions, {self.took_s:.0f} s",
            f"written by SQLite {apsw.sqlite_lib_version()}",
            f"during: {by_step}",
            f"unsynced writes: {fates}",
            f"promises looked up: {self.promises}",
            f"wrong: {len(self.wrong)}",
            *self.wrong[:20],
        ]


def campaign(cuts: int, seed: int, *, sync: str = "full", weather_s: float = 20.0) -> Tally:
    """So many cuts, in worlds from this seed on."""
    tally, started_s = Tally(sync), time.monotonic()
    while tally.total < cuts:
        folder = Path(tempfile.mkdtemp(prefix="hexagram-cuts-"))
        try:
            _one_world(tally, seed, min(CUTS_OF_A_WORLD, cuts - tally.total), folder, weather_s)
        finally:
            shutil.rmtree(folder)
        seed += 1
    tally.took_s = time.monotonic() - started_s
    return tally


def _one_world(tally: Tally, seed: int, cuts: int, folder: Path, weather_s: float) -> None:
    dice = random.Random(seed)
    shelf = play(seed, folder, sync=tally.sync, checkpoint_pages=dice.choice((5, 20, 100)), weather_s=weather_s)
    tally.worlds += 1
    weights = [len(shelf.recordings) - 1, *[1] * (len(shelf.recordings) - 1)]  # half of the cuts are the server's
    shares = Counter(dice.choices(range(len(shelf.recordings)), weights, k=cuts))
    for number, recording in enumerate(shelf.recordings):
        tally.transactions += sum(op.kind == "point" for op in recording.ops)
        (cut_folder := folder / f"cuts-{number}").mkdir()
        side = "client" if number else "server"
        for cut in cut_and_look(recording, dice, shares[number], cut_folder):
            tally.add(side, seed, cut)
        recording.close()
        shutil.rmtree(cut_folder)
