"""Is the line alive? (P-15)"""

from __future__ import annotations

import pytest

from protocol.keepalive import (
    Answered,
    Heard,
    KeepAlive,
    LineDead,
    Pace,
    SendPing,
    Tick,
    Waiting,
    Woken,
)
from protocol.limits import PING_EVERY_MAX_S, PING_FORGET_ROUNDS, SERVER_SILENCE_FACTOR


def line_of(every_s: float = 30.0, announced_s: float | None = None) -> KeepAlive:
    """A line that was opened at 0, on a network that is known to bear `every_s`."""
    return KeepAlive(0.0, Pace(every_s, every_s), every_s if announced_s is None else announced_s)


def quiet_round(line: KeepAlive) -> tuple[float, int]:
    """One ping and its answer; returns when, and what it announced."""
    due_s = line.next_wakeup_s()
    ping = line.handle(Tick(), due_s)[0]
    assert isinstance(ping, SendPing)
    assert line.handle(Answered(), due_s + 0.1) == []
    return due_s, ping.every_s


def test_a_quiet_line_is_pinged_and_given_ten_seconds() -> None:
    line = line_of()

    assert line.handle(Tick(), 29.9) == []
    assert line.handle(Tick(), 30.0) == [SendPing()]
    assert line.next_wakeup_s() == 40.0
    assert line.handle(Tick(), 39.9) == []
    assert line.handle(Tick(), 40.0) == [LineDead(silent_s=40.0, idle=True)]


def test_any_bytes_prove_that_the_line_lives() -> None:
    line = line_of()
    line.handle(Tick(), 30.0)

    assert line.handle(Heard(), 35.0) == []
    assert line.next_wakeup_s() == 65.0


def test_what_waits_for_an_answer_makes_it_ask_after_five_seconds() -> None:
    line = line_of()
    line.handle(Waiting(2.0), 2.0)

    assert line.next_wakeup_s() == 7.0
    assert line.handle(Tick(), 7.0) == [SendPing()]
    assert line.handle(Tick(), 12.0) == [LineDead(silent_s=12.0, idle=False)]


def test_a_line_that_says_other_things_is_not_asked_at_once() -> None:
    line = line_of()
    line.handle(Waiting(2.0), 2.0)
    line.handle(Heard(), 6.0)
    assert line.next_wakeup_s() == 11.0

    line.handle(Waiting(None), 7.0)
    assert line.next_wakeup_s() == 36.0


def test_a_busy_line_lives_for_as_long_as_bytes_trickle_in() -> None:
    """256 KiB at 1 kB/s, told every two seconds: 262 s, and nothing else is said (F-15)."""
    line = line_of()
    line.handle(Waiting(0.0), 0.0)
    for second in range(2, 263, 2):
        assert line.handle(Tick(), float(second)) == []
        line.handle(Heard(), float(second))

    assert line.handle(Tick(), 266.9) == []
    assert line.handle(Tick(), 267.0) == [SendPing()], "five seconds behind the last byte"


def test_after_sleep_it_asks_now_and_waits_three_seconds() -> None:
    line = line_of()

    assert line.handle(Woken(), 8.0) == [SendPing()]
    assert line.handle(Tick(), 11.0) == [LineDead(silent_s=11.0, idle=False)]


def test_waking_up_gives_a_line_that_is_asked_already_no_more_time() -> None:
    line = line_of()
    line.handle(Tick(), 30.0)

    assert line.handle(Woken(), 38.0) == [SendPing()]
    assert line.next_wakeup_s() == 40.0


def test_the_interval_grows_after_three_good_quiet_rounds_up_to_four_minutes() -> None:
    line = line_of(120.0)
    intervals = []
    for _ in range(14):
        quiet_round(line)
        intervals.append(line.every_s)

    assert intervals[:7] == [120.0, 120.0, 150.0, 150.0, 150.0, 180.0, 180.0]
    assert intervals[-1] == 240.0


def test_a_new_line_grows_to_four_minutes_and_tells_the_server_on_the_way() -> None:
    """30, 60 … 240 s, three rounds each: after 3 × (30 + 60 + … + 210) s, within one connection."""
    line = line_of()
    told = [quiet_round(line) for _ in range(22)]

    assert [every_s for _, every_s in told if every_s] == [60, 90, 120, 150, 180, 210, 240]
    assert told[20][0] == pytest.approx(3 * sum(range(30, 211, 30)) + 20 * 0.1)
    assert line.every_s == line.pace.good_s == 240.0


@pytest.mark.parametrize("announced_s", [30.0, 60.0, 90.0, 240.0])
def test_what_was_learned_elsewhere_waits_until_the_server_knows_it(announced_s: float) -> None:
    """The server ends a session after 2.5 times the interval it was told, whatever was learned since (P-15)."""
    line = KeepAlive(0.0, Pace(240.0, 240.0), announced_s)
    known_s = announced_s
    for _ in range(6):
        assert line.every_s + 10.0 < SERVER_SILENCE_FACTOR * known_s
        _, told_s = quiet_round(line)
        known_s = told_s or known_s

    assert line.every_s == PING_EVERY_MAX_S


def test_a_ping_that_is_lost_has_told_nothing() -> None:
    line = KeepAlive(0.0, Pace(120.0, 120.0), 30.0)

    assert line.handle(Tick(), 60.0) == [SendPing(60)]
    line.handle(Heard(), 61.0)
    assert line.next_wakeup_s() == 121.0, "still twice what hello said"
    assert line.handle(Tick(), 121.0) == [SendPing(60)]


def test_rounds_with_traffic_teach_nothing() -> None:
    line = line_of()
    for _ in range(4):
        line.handle(Woken(), 1.0)
        line.handle(Answered(), 1.5)
    line.handle(Answered(), 2.0)
    line.handle(Waiting(30.0), 30.0)
    for _ in range(4):
        line.handle(Tick(), line.next_wakeup_s())
        line.handle(Answered(), 40.0)

    assert line.pace == Pace()


def test_a_quiet_line_over_which_something_was_just_sent_is_not_idle() -> None:
    line = line_of()
    line.handle(Waiting(28.0), 28.0)

    assert line.handle(Tick(), 30.0) == [SendPing()]
    assert line.handle(Tick(), 40.0) == [LineDead(silent_s=40.0, idle=False)]


def test_after_the_death_of_a_quiet_line_the_interval_falls_back_below_the_last_good_one() -> None:
    assert Pace(120.0, 90.0).after_death() == Pace(80.0, 90.0, 80.0), "120 never held, 90 did"
    assert Pace(120.0, 120.0).after_death() == Pace(110.0, 110.0, 110.0), "120 had held once"
    assert Pace(30.0).after_death() == Pace(30.0, 30.0, 30.0), "never below thirty seconds"


def after(pace: Pace, rounds: int) -> Pace:
    for _ in range(rounds):
        pace = pace.after_good_round()
    return pace


def test_on_a_network_that_forgets_after_100_seconds_it_settles_below_that() -> None:
    """It dies at most once before it has settled, and later once in 200 rounds at most."""
    pace, deaths, intervals = Pace(), 0, []
    for _ in range(600):
        if pace.every_s > 100.0:
            deaths += 1
            pace = pace.after_death()
        else:
            pace = pace.after_good_round()
        intervals.append(pace.every_s)

    assert deaths == 3
    assert pace.every_s == 80.0
    assert intervals[12] == 80.0


def test_an_idle_death_is_forgotten_after_many_good_rounds() -> None:
    pace = Pace(120.0, 90.0).after_death()

    assert after(pace, PING_FORGET_ROUNDS - 1).cap_s == 80.0
    assert after(pace, PING_FORGET_ROUNDS).cap_s == PING_EVERY_MAX_S
    assert after(pace, PING_FORGET_ROUNDS + 3).every_s == 110.0
    assert after(Pace(240.0, 240.0), 1000) == Pace(240.0, 240.0, rounds=1000)


def test_what_comes_from_a_damaged_disk_is_noticed() -> None:
    assert Pace().sane
    for broken in (Pace(5.0), Pace(good_s=1e9), Pace(cap_s=float("nan")), Pace(rounds=-1)):
        assert not broken.sane
        with pytest.raises(AssertionError):
            KeepAlive(0.0, broken, 30.0)
    with pytest.raises(AssertionError):
        line_of(announced_s=5.0)
