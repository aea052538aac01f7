"""Worlds of the real cores, codec and SQLite code: nothing lost, doubled, reordered or falsely ticked."""

from __future__ import annotations

import pytest

from tests.simulation.schedule import play

SEEDS = (*range(1, 25),)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_world(seed: int) -> None:
    report = play(seed)
    assert report.accepted <= report.composed


def test_a_seed_replays() -> None:
    assert play(5, trace=True) == play(5, trace=True)
