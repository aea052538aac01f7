"""Worlds in which the simulator found a bug once, in the weather that shows it (see `found…` in mutants)."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import WEATHER
from tests.simulation.schedule import play


@pytest.mark.parametrize("seed", [1, 2])
def test_a_hello_that_is_lost_costs_no_more_than_time(seed: int) -> None:
    play(seed, weather=WEATHER["found1"])


@pytest.mark.parametrize("seed", [11, 12])
def test_an_acknowledgement_that_could_not_be_stored_is_said_again(seed: int) -> None:
    play(seed, weather=WEATHER["found2"])
