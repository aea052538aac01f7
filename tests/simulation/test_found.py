"""Worlds in which the simulator found a bug once, in the weather that shows it (see `found…` in mutants)."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import PLAN, WEATHER
from tests.simulation.schedule import play


@pytest.mark.parametrize("seed", [1, 2])
def test_a_hello_that_is_lost_costs_no_more_than_time(seed: int) -> None:
    play(seed, weather=WEATHER["found1"])


@pytest.mark.parametrize("seed", [11, 12])
def test_an_acknowledgement_that_could_not_be_stored_is_said_again(seed: int) -> None:
    play(seed, weather=WEATHER["found2"])


def test_what_waits_for_a_slow_reader_does_not_keep_the_server_awake() -> None:
    """A push that may not go kept the session's next wake-up in the past, and the loop never slept."""
    play(3, weather=WEATHER["found3"], plan=PLAN["found3"])
