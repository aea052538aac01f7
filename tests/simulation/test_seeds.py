"""Worlds of the real cores, codec and SQLite code: nothing lost, doubled, reordered or falsely ticked.

A few seeds are always the same; others change with the code. `python -m tests.simulation --schedules N` plays more.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from tests.simulation.schedule import play

ROOT = Path(__file__).parents[2]
ALWAYS, DERIVED = 10, 8


def derived(count: int) -> list[int]:
    """Seeds that every change of the cores and stores changes, and that everybody with this code can repeat."""
    text = sha256()
    for folder in ("protocol", "client/core", "client/adapters", "server/core", "server/stores"):
        for path in sorted((ROOT / folder).glob("*.py")):
            text.update(path.read_bytes().replace(b"\r\n", b"\n"))
    first = int.from_bytes(text.digest()[:4], "big")
    return [first + place for place in range(count)]


@pytest.mark.parametrize("seed", [*range(1, 1 + ALWAYS), *derived(DERIVED)])
def test_a_world_settles(seed: int) -> None:
    report = play(seed)
    assert report.accepted <= report.composed


def test_a_seed_replays() -> None:
    assert play(4, trace=True) == play(4, trace=True)
