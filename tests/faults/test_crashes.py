"""Real processes die at every named crash point once; the long runs are a command of their own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.faults.crashes import NAMES, POINTS, one_world


@pytest.mark.timeout(180)
async def test_a_crash_at_every_point_of_section_13_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Two worlds at once: one whose server dies, and one whose people die."""
    servers = [point for point in POINTS if point.who == "server"]
    people = [point for point in POINTS if point.who != "server"]
    async with asyncio.TaskGroup() as both:
        worlds = [
            both.create_task(one_world(seed, points, tmp_path / name, pause_s=0.2))
            for seed, name, points in ((1, "servers", servers), (2, "people", people))
        ]
    crashes = [world.result() for world in worlds]
    assert sum((crash.died for crash in crashes), start=type(crashes[0].died)()) == dict.fromkeys(NAMES, 1)
