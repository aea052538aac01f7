"""The clock and the dice: the one place where the server reads time and rolls."""

from __future__ import annotations

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
