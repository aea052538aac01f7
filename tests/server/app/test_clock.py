"""The one place of time and dice."""

from __future__ import annotations

from server.app.clock import SystemClock, SystemDice


def test_the_monotonic_clock_never_falls() -> None:
    clock = SystemClock()
    seen = [clock.now_s() for _ in range(100)]
    assert seen == sorted(seen)


def test_the_calendar_is_in_milliseconds() -> None:
    assert 1_700_000_000_000 < SystemClock().now_ms() < 10_000_000_000_000


def test_dice_roll() -> None:
    dice = SystemDice()
    assert len({dice.some_bytes(16) for _ in range(100)}) == 100
    assert all(0.0 <= dice.fraction() < 1.0 for _ in range(100))
