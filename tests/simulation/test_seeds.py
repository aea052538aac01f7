"""Worlds of the real cores, codec and SQLite code: nothing lost, doubled, reordered or falsely ticked.

A few for whoever tests often; `python3 run.py test` plays 500, and `python3 run.py simulate --schedules N --seed S`
more, and others.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.schedule import play

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("seed", range(1, 5))
def test_a_world_settles(seed: int) -> None:
    report = play(seed)
    assert report.accepted <= report.composed


def test_a_seed_replays_in_any_process() -> None:
    """Also where Python orders its sets otherwise."""
    assert told(2, "1") == told(2, "2")


def told(seed: int, hash_seed: str) -> list[str]:
    """The packet log of a world."""
    words = [sys.executable, "-P", "-m", "tests.simulation", "--seed", str(seed), "--trace"]
    env = os.environ | {"PYTHONHASHSEED": hash_seed}
    ran = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, encoding="utf-8", check=True)
    return ran.stdout.splitlines()
