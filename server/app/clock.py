"""The clock and the dice: the one place where the server reads time and rolls."""

from __future__ import annotations

import random
import secrets
import time


def now_ms() -> int:
    """Milliseconds since 1970 UTC: what is written down (P-11, P-77)."""
    return time.time_ns() // 1_000_000


def now_s() -> float:
    """Seconds that only go forward: what timers use (P-77)."""
    return time.monotonic()


def dice(size_bytes: int) -> bytes:
    """Random bytes that nobody can guess."""
    return secrets.token_bytes(size_bytes)


class SystemClock:
    """The port of this computer's clocks."""

    def now_s(self) -> float:
        """Seconds that only go forward."""
        return time.monotonic()

    def now_ms(self) -> int:
        """Milliseconds since 1970 UTC."""
        return now_ms()


class SystemDice:
    """The system's randomness where nobody may guess it, a cheap one where it only spreads things in time."""

    def __init__(self) -> None:
        self._cheap = random.Random()

    def fraction(self) -> float:
        """A number in [0, 1)."""
        return self._cheap.random()

    def some_bytes(self, size: int) -> bytes:
        """Bytes that nobody can guess."""
        return dice(size)
