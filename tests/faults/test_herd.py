"""Everybody calls again at once, and everybody gets through; with a thousand it is a command of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.herd import stampede


@pytest.mark.timeout(120)
async def test_f32_a_hundred_clients_are_back_soon_after_a_restart(tmp_path: Path) -> None:
    for how, back in (await stampede(100, tmp_path)).items():
        assert back.last_s < 30.0, f"{how}: {back}"
        assert back.attempts <= 5 * 100, f"{how}: {back}"
