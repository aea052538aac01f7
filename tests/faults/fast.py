"""An event loop whose time runs faster than the world's: a minute of waiting passes in seconds.

Every timer, timeout and clock of what runs on it agrees; disks, sockets and processors are as slow as ever.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


SPEED = 20.0


class _FastSelector(selectors.DefaultSelector):  # type: ignore[misc,valid-type]
    """Waits in the world's time for what is said in the loop's."""

    def select(self, timeout: float | None = None) -> Any:
        return super().select(timeout if timeout is None else timeout / SPEED)


class FastLoop(asyncio.SelectorEventLoop):
    """Time runs `SPEED` times as fast."""

    def __init__(self) -> None:
        super().__init__(_FastSelector())

    def time(self) -> float:
        return time.monotonic() * SPEED


class LoopClock:
    """The clock of client and server, by the loop's time, on every thread."""

    def now_s(self) -> float:
        return time.monotonic() * SPEED

    def wall_ms(self) -> int:
        return 1_700_000_000_000 + int(self.now_s() * 1000)

    now_ms = wall_ms


def run_fast(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` in hurried time."""
    with asyncio.Runner(loop_factory=FastLoop, debug=False) as runner:
        return runner.run(main)
