"""Worlds of the real cores, codec and SQLite code: nothing lost, doubled, reordered or falsely ticked.

A few seeds are always the same; others change with the code. `python3 run.py simulate --schedules N` plays more.
"""

from __future__ import annotations

import os
import subprocess
import sys
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


def test_a_seed_replays_in_any_process() -> None:
    """Also where Python orders its sets otherwise."""
    assert told(40, "1") == told(40, "2")


def told(seed: int, hash_seed: str) -> list[str]:
    """The packet log of a world."""
    words = [sys.executable, "-P", "-m", "tests.simulation", "--seed", str(seed), "--trace"]
    env = os.environ | {"PYTHONHASHSEED": hash_seed}
    ran = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, encoding="utf-8", check=True)
    return ran.stdout.splitlines()
