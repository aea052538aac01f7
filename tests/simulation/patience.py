"""A bound on what one world may compute: who never ends is found, and does not stop a campaign."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

PATIENCE_S, AGAIN_S = 600.0, 5.0  # of the processor; the largest worlds take a minute


class Endless(BaseException):
    """It has computed for too long. No code under test catches it, wherever it is."""


@contextmanager
def patience(limit_s: float = PATIENCE_S) -> Iterator[None]:
    """Raise Endless, also in the middle of a step, when this has taken so long.

    It needs the signals of POSIX and the main thread; elsewhere only the world's own bound on steps holds.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGPROF, _end)
    signal.setitimer(signal.ITIMER_PROF, limit_s, AGAIN_S)  # again, in case it was raised where nothing can be
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)


def _end(number: int, frame: FrameType | None) -> None:
    where = "" if frame is None else f" in {frame.f_code.co_qualname}"
    raise Endless(f"L6 the world does not end{where}")
