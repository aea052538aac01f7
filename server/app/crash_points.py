"""Named places where a crash is most interesting (section 13): nothing happens there, unless a test arms one.

`HEXAGRAM_CRASH_AT=S2:7` in the environment kills this process, as a power cut would, at its seventh passage of S2.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Final

ENVIRONMENT: Final = "HEXAGRAM_CRASH_AT"
KILL: Final = getattr(signal, "SIGKILL", signal.SIGTERM)


class CrashPoints:
    """Counts passages of the one point that is armed.

    Args:
        armed: like `S2:7`; empty for none.
    """

    def __init__(self, armed: str) -> None:
        self._name, _, passage = armed.partition(":")
        self._left = int(passage) if passage else 1

    def passes(self, name: str) -> bool:
        """Whether this passage is the one that is armed."""
        if name != self._name:
            return False
        self._left -= 1
        return self._left == 0

    def __call__(self, name: str, last_deed: Callable[[], None] | None = None) -> None:
        """Pass a point. `last_deed` is what has happened by then in the world, and is still on its way in here."""
        if self.passes(name):
            if last_deed is not None:
                last_deed()
            os.kill(os.getpid(), KILL)


crash_point = CrashPoints(os.environ.get(ENVIRONMENT, ""))
