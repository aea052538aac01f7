"""Two copies of one profile push each other off the line; after some rounds their device is ended (P-14, P-66)."""

from __future__ import annotations

from collections import deque

from protocol.limits import REPLACED_MAX, REPLACED_WITHIN_S
from protocol.values import Did

DEVICES_KEPT = 4_096  # whose replacements are remembered; the oldest are forgotten first


class Copies:
    """Counts how often sessions of a device were replaced that were alive.

    A session whose line was dead is not counted: a device on a bad line replaces itself.
    """

    def __init__(self) -> None:
        self._times: dict[Did, deque[float]] = {}

    def replaced(self, did: Did, now_s: float) -> bool:
        """Whether that was once too often."""
        times = self._times.pop(did, None) or deque(maxlen=REPLACED_MAX + 1)
        times.append(now_s)
        if len(times) > REPLACED_MAX and times[0] > now_s - REPLACED_WITHIN_S:
            return True
        self._times[did] = times
        if len(self._times) > DEVICES_KEPT:
            del self._times[next(iter(self._times))]
        return False
