"""What looks at the clock for us: the alarm of the core's next wake-up, and the watch that notices sleep."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from client.ports import Clock

SLACK_S = 0.001
LOOK_EVERY_S = 5.0
SLEPT_S = 10.0  # so much more passed than we waited for; a busy loop is never that late


class Alarm:
    """Calls `ring` at about the wanted moment; who is called looks at the clock again.

    One timer, set again only for an earlier moment: cancelled timers are not free on every loop.
    """

    def __init__(self, ring: Callable[[], None], now: Callable[[], float]) -> None:
        self._ring, self._now = ring, now
        self._timer: asyncio.TimerHandle | None = None
        self._due_s = 0.0

    def set(self, due_s: float | None) -> None:
        """Ring at `due_s` (monotonic) or earlier; None leaves the timer as it is."""
        if due_s is None or (self._timer is not None and self._due_s <= due_s + SLACK_S):
            return
        self.stop()
        self._due_s = due_s
        wait_s = max(0.0, due_s - self._now()) + SLACK_S
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._fire)

    def stop(self) -> None:
        """No ring any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fire(self) -> None:
        self._timer = None
        self._ring()


class SleepWatch:
    """Notices that the computer slept: then the line may be dead without knowing it (P-15).

    Compares two clocks: during sleep the wall clock goes on, and the monotonic one may or may not.
    """

    def __init__(self, clock: Clock, woke_up: Callable[[], None]) -> None:
        self._clock, self._woke_up = clock, woke_up
        self._looked = self._now()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.look()

    def look(self) -> None:
        """Say it if more time has passed since the last look than can be explained by waiting."""
        before, self._looked = self._looked, self._now()
        passed_s = max(now_s - then_s for now_s, then_s in zip(self._looked, before, strict=True))
        if passed_s > LOOK_EVERY_S + SLEPT_S:
            self._woke_up()

    def _now(self) -> tuple[float, float]:
        return self._clock.now_s(), self._clock.wall_ms() / 1000
