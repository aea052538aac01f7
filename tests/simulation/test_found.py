"""Worlds in which the simulator found a bug once, in the weather that shows it (see `found…` in mutants)."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import PLAN, WEATHER
from tests.simulation.schedule import play
from tests.simulation.uploads import play_upload


@pytest.mark.parametrize("seed", [1, 2])
def test_a_hello_that_is_lost_costs_no_more_than_time(seed: int) -> None:
    play(seed, weather=WEATHER["found1"])


@pytest.mark.parametrize("seed", [2, 11])
def test_an_acknowledgement_that_could_not_be_stored_is_said_again(seed: int) -> None:
    play(seed, weather=WEATHER["found2"], plan=PLAN["found2"])


def test_what_waits_for_a_slow_reader_does_not_keep_the_server_awake() -> None:
    """A push that may not go kept the session's next wake-up in the past, and the loop never slept."""
    play(3, weather=WEATHER["found3"], plan=PLAN["found3"])


@pytest.mark.parametrize("seed", [3, 6, 13])
def test_a_restored_server_leaves_no_members_ticks_or_reads_of_a_time_that_never_was(seed: int) -> None:
    """Who had left since the backup; ticks of what another device offers again; what was read above the base."""
    play(seed, weather=WEATHER["found4"], plan=PLAN["found4"])


@pytest.mark.parametrize("seed", [3, 60])
def test_lines_that_break_make_no_message_unreadable(seed: int) -> None:
    """Pages were pushed into line after line, and the fifth made the first message a gap."""
    play(seed, weather=WEATHER["found7"], plan=PLAN["found7"])


def test_a_page_that_nobody_waits_for_any_more_keeps_no_session_awake() -> None:
    """Its device was gone, the page was never read, and the time after a pull ran out again and again."""
    play(2009)


def test_nobody_is_thought_to_be_everybody_where_somebody_may_have_come() -> None:
    """A device without its doorbell had not read that somebody came, and showed ticks for all it knew of."""
    play(2, weather=WEATHER["found8"], plan=PLAN["found8"])


@pytest.mark.parametrize("seed", range(1, 7))
def test_an_upload_gets_through_over_any_number_of_power_cuts(seed: int) -> None:
    play_upload(seed)
