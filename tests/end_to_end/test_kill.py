"""Short runs of tests/end_to_end/kill.py; the long ones are a command of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.kill import one_run


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", [1, 2])
async def test_nothing_is_lost_doubled_or_out_of_order_whoever_is_killed(seed: int, tmp_path: Path) -> None:
    world = await one_run(seed, 4, tmp_path, pause_s=0.05)
    assert world.kills >= 4
    assert world.said > 100
