"""Named places where a crash is most interesting (section 13): nothing happens there, unless a test arms one.

`HEXAGRAM_CRASH_AT=C2:7` in the environment kills this process, as a power cut would, at its seventh passage of C2.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from protocol.passages import ENVIRONMENT, Passages

Points: TypeAlias = Mapping[str, str]
"""The points by the name of a save."""
KILL: Final = getattr(signal, "SIGKILL", signal.SIGTERM)


class CrashPoints(Passages):
    """Ends this process at the passage that is armed."""

    def __call__(self, name: str) -> None:
        """Pass a point."""
        if self.passes(name):
            os.kill(os.getpid(), KILL)

    def around(self, points: Points, saves: Sequence[object]) -> None:
        """Pass the points that belong to these saves."""
        if self.armed:
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
