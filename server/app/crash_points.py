"""Named places where a crash is most interesting (section 13): nothing happens there, unless a test arms one.

`HEXAGRAM_CRASH_AT=S2:7` in the environment kills this process, as a power cut would, at its seventh passage of S2.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Final

from protocol.passages import ENVIRONMENT, Passages

KILL: Final = getattr(signal, "SIGKILL", signal.SIGTERM)


class CrashPoints(Passages):
    """Ends this process at the passage that is armed."""

    def __call__(self, name: str, last_deed: Callable[[], None] | None = None) -> None:
        """Pass a point. `last_deed` is what has happened by then in the world, and is still on its way in here."""
        if self.passes(name):
            if last_deed is not None:
                last_deed()
            os.kill(os.getpid(), KILL)


crash_point = CrashPoints(os.environ.get(ENVIRONMENT, ""))
