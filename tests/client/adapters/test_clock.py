"""Time goes on, and dice fall within their range."""

from __future__ import annotations

from client.adapters.clock import SystemClock, SystemDice


def test_time_goes_on() -> None:
    clock = SystemClock()
    first_s, first_ms = clock.now_s(), clock.wall_ms()

    assert clock.now_s() >= first_s
    assert clock.wall_ms() > 1_700_000_000_000
    assert abs(clock.wall_ms() - first_ms) < 60_000


def test_dice() -> None:
    dice = SystemDice()
    rolls = [dice.roll() for _ in range(200)]

    assert all(0.0 <= roll < 1.0 for roll in rolls)
    assert len(set(rolls)) > 190
    assert min(rolls) < 0.5 < max(rolls)
    assert len(dice.bytes(8)) == 8
    assert dice.bytes(16) != dice.bytes(16)
