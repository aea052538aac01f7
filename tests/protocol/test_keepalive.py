"""Is the line alive? (P-15)"""

from __future__ import annotations

import pytest

from protocol.keepalive import (
    Answered,
    Heard,
    KeepAlive,
    LineDead,
    SendPing,
    Tick,
    Waiting,
    Woken,
    after_idle_death,
)
from protocol.limits import PING_EVERY_MAX_S, SERVER_SILENCE_FACTOR


def quiet_round(line: KeepAlive) -> float:
    """One ping and its answer; returns when."""
    due_s = line.next_wakeup_s()
    assert line.handle(Tick(), due_s) == [SendPing()]
    assert line.handle(Answered(), due_s + 0.1) == []
    return due_s


def test_a_quiet_line_is_pinged_and_given_ten_seconds() -> None:
    line = KeepAlive(0.0)

    assert line.handle(Tick(), 29.9) == []
    assert line.handle(Tick(), 30.0) == [SendPing()]
    assert line.next_wakeup_s() == 40.0
    assert line.handle(Tick(), 39.9) == []
    assert line.handle(Tick(), 40.0) == [LineDead(silent_s=40.0, idle=True)]


def test_any_bytes_prove_that_the_line_lives() -> None:
    line = KeepAlive(0.0)
    line.handle(Tick(), 30.0)

    assert line.handle(Heard(), 35.0) == []
    assert line.next_wakeup_s() == 65.0


def test_what_waits_for_an_answer_makes_it_ask_after_five_seconds() -> None:
    line = KeepAlive(0.0)
    line.handle(Waiting(2.0), 2.0)

    assert line.next_wakeup_s() == 7.0
    assert line.handle(Tick(), 7.0) == [SendPing()]
    assert line.handle(Tick(), 12.0) == [LineDead(silent_s=12.0, idle=False)]


def test_a_line_that_says_other_things_is_not_asked_at_once() -> None:
    line = KeepAlive(0.0)
    line.handle(Waiting(2.0), 2.0)
    line.handle(Heard(), 6.0)
    assert line.next_wakeup_s() == 11.0

    line.handle(Waiting(None), 7.0)
    assert line.next_wakeup_s() == 36.0


def test_after_sleep_it_asks_now_and_waits_three_seconds() -> None:
    line = KeepAlive(0.0)

    assert line.handle(Woken(), 8.0) == [SendPing()]
    assert line.handle(Tick(), 11.0) == [LineDead(silent_s=11.0, idle=False)]


def test_the_interval_grows_after_three_good_quiet_rounds_up_to_four_minutes() -> None:
    line = KeepAlive(0.0, every_s=120.0)
    intervals = []
    for _ in range(14):
        quiet_round(line)
        intervals.append(line.every_s)

    assert intervals[:7] == [120.0, 120.0, 150.0, 150.0, 150.0, 180.0, 180.0]
    assert intervals[-1] == 240.0


@pytest.mark.parametrize("announced_s", [30.0, 60.0, 90.0, 240.0])
def test_within_a_connection_it_stays_below_the_silence_that_the_server_was_told(announced_s: float) -> None:
    """The server ends a session after 2.5 times the interval of its hello, whatever was learned since (P-15)."""
    line = KeepAlive(0.0, every_s=announced_s)
    for _ in range(40):
        quiet_round(line)

    assert line.every_s < SERVER_SILENCE_FACTOR * announced_s
    assert line.every_s == min(PING_EVERY_MAX_S, 2 * announced_s)


def test_rounds_with_traffic_teach_nothing() -> None:
    line = KeepAlive(0.0)
    for _ in range(4):
        line.handle(Woken(), 1.0)
        line.handle(Answered(), 1.5)
    line.handle(Answered(), 2.0)

    assert line.every_s == 30.0


def test_after_the_death_of_a_quiet_line_the_interval_falls_back_below_the_last_good_one() -> None:
    assert after_idle_death(120.0) == 80.0
    assert after_idle_death(30.0) == 30.0


def test_an_interval_out_of_bounds_is_a_mistake_of_ours() -> None:
    with pytest.raises(AssertionError):
        KeepAlive(0.0, every_s=5.0)
