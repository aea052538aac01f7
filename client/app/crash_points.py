"""Named places where a crash is most interesting (section 13): nothing happens there, unless a test arms one.

`HEXAGRAM_CRASH_AT=C2:7` in the environment kills this process, as a power cut would, at its seventh passage of C2.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

ENVIRONMENT: Final = "HEXAGRAM_CRASH_AT"
Points: TypeAlias = Mapping[str, str]
"""The points by the name of a save."""
KILL: Final = getattr(signal, "SIGKILL", signal.SIGTERM)


class CrashPoints:
    """Counts passages of the one point that is armed.

    Args:
        armed: like `C2:7`; empty for none.
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

    def __call__(self, name: str) -> None:
        """Pass a point."""
        if self.passes(name):
            os.kill(os.getpid(), KILL)

    def around(self, points: Points, saves: Sequence[object]) -> None:
        """Pass the points that belong to these saves."""
        if self._name:
            for save in saves:
                self(points.get(type(save).__name__ + (":cancel" if _cancels(save) else ""), ""))


def _cancels(save: object) -> bool:
    return getattr(save, "wish", "") == "cancel"


# Which save stands for which transaction of section 12.
BEFORE_SAVING: Final[Points] = {
    "SaveComposed": "C1", "SaveSettled": "C3", "SaveArrived": "C5", "SaveRenumbered": "C9",
}  # fmt: skip
BEFORE_DRAWING: Final[Points] = {"SaveArrived": "C7"}
BEFORE_TALKING: Final[Points] = {
    "SaveComposed": "C2", "SaveSettled": "C4", "SaveArrived": "C6", "SaveState:cancel": "C8", "SaveRenumbered": "C9",
}  # fmt: skip
crash_point = CrashPoints(os.environ.get(ENVIRONMENT, ""))
