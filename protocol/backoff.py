"""How long to wait before calling again: full jitter under a doubling ceiling (P-16)."""

from __future__ import annotations

from protocol.limits import RECONNECT_MAX_S


def reconnect_delay_s(failures: int, roll: float) -> float:
    """Return a wait in seconds, uniformly between 0 and 1, 2, 4 … 60 s after 1, 2, 3 … failures in a row.

    Args:
        failures: attempts that failed in a row, 1 or more.
        roll: a number in [0, 1). The caller rolls the dice, so that a simulated run repeats.
    """
    assert failures >= 1, failures
    assert 0.0 <= roll < 1.0, roll
    return roll * min(RECONNECT_MAX_S, 2.0 ** min(failures - 1, 30))


def upload_delay_s(failures: int) -> float:
    """Return the wait before an interrupted transfer is continued: 1, 2, 4 … 60 s (P-75)."""
    assert failures >= 1, failures
    return min(RECONNECT_MAX_S, 2.0 ** min(failures - 1, 30))
