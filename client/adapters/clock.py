"""Time and dice of this computer: the one place of the client that asks for either."""

from __future__ import annotations

import secrets
import time

_ROLL_BITS = 53  # what a float holds exactly


class SystemClock:
    """Monotonic seconds for every decision, wall milliseconds for the eye (P-77)."""

    def now_s(self) -> float:
        return time.monotonic()

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000


class SystemDice:
    """Chance that nobody can foresee."""

    def roll(self) -> float:
        return secrets.randbits(_ROLL_BITS) / (1 << _ROLL_BITS)

    def bytes(self, count: int) -> bytes:
        return secrets.token_bytes(count)
