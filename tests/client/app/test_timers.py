"""The alarm rings for the earliest moment, and sleep shows on one of two clocks."""

from __future__ import annotations

import asyncio

import pytest

from client.app.timers import Alarm, SleepWatch


async def test_an_alarm_rings_for_the_earliest_moment() -> None:
    now_s, rang = 100.0, asyncio.Event()
    alarm = Alarm(rang.set, lambda: now_s)
    alarm.set(None)
    alarm.set(200.0)
    alarm.set(100.0)
    alarm.set(150.0)
    async with asyncio.timeout(5.0):
        await rang.wait()
    rang.clear()
    alarm.set(300.0)
    alarm.stop()
    assert not rang.is_set()


class TwoClocks:
    mono_s, wall_s = 100.0, 5000.0

    def now_s(self) -> float:
        return self.mono_s

    def wall_ms(self) -> int:
        return int(self.wall_s * 1000)


@pytest.mark.parametrize(
    ("mono_s", "wall_s", "slept"), [(5, 5, 0), (6, 6, 0), (5, 3600, 1), (3600, 3600, 1), (5, -60, 0)]
)
def test_sleep_shows_on_one_of_two_clocks(mono_s: float, wall_s: float, slept: int) -> None:
    clock, woken = TwoClocks(), []
    watch = SleepWatch(clock, lambda: woken.append(1))
    clock.mono_s, clock.wall_s = clock.mono_s + mono_s, clock.wall_s + wall_s
    watch.look()
    watch.look()
    assert len(woken) == slept
