"""Notices that the computer slept: then the line may be dead without knowing it (P-15)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from client.ports import Clock

LOOK_EVERY_S = 5.0
SLEPT_S = 10.0  # so much more passed than we waited for; a busy loop is never that late


class SleepWatch:
    """Compares two clocks: during sleep the wall clock goes on, and the monotonic one may or may not."""

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
