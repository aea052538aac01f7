"""One timer, set again only for an earlier moment: cancelled timers are not free on every loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

SLACK_S = 0.001


class Alarm:
    """Calls `ring` at about the wanted moment; who is called looks at the clock again."""

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
