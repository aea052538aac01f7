"""How the transfers of one direction are doing: which run, how many may at once, when the next try of each is due."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from protocol.backoff import upload_delay_s
from protocol.values import Lid


@dataclass(slots=True)
class _Run:
    """Whether something is being done, and on the line; attempts that failed in a row; when the next is due."""

    busy: bool = False
    on_line: bool = False
    failures: int = 0
    due_s: float = 0.0


class Runs:
    """At most `slots` use the line at once (P-79), the others wait; nothing does without a session."""

    def __init__(self, slots: int, lids: Iterable[Lid] = ()) -> None:
        self._slots = slots
        self._ready = False
        self._runs = {lid: _Run() for lid in lids}

    def up(self, now_s: float) -> None:
        """There is a session: everything is due, and what failed before does not count."""
        self._ready = True
        for run in self._runs.values():
            run.failures, run.due_s = 0, now_s

    def down(self) -> None:
        """There is none."""
        self._ready = False

    def anew(self, lid: Lid, due_s: float = 0.0) -> None:
        """From the beginning: nothing is being done."""
        self._runs[lid] = _Run(due_s=due_s)

    def begin(self, lid: Lid) -> None:
        """Something is being done that does not need the line."""
        self._runs[lid].busy = True

    def busy(self, lid: Lid) -> bool:
        """Whether something is being done."""
        return self._runs[lid].busy

    def fail(self, lid: Lid, now_s: float, wait_s: float = 0.0, *, moves: bool = False) -> bool:
        """An attempt ended without success, and `wait_s` was asked for. Returns whether it is the first in a row.

        A transfer that `moves` although its line keeps breaking is not made to wait longer each time.
        """
        failures = 2 if moves and self._runs[lid].failures else self._runs[lid].failures + 1
        self._runs[lid] = _Run(failures=failures, due_s=now_s + max(wait_s, upload_delay_s(failures)))
        return failures == 1

    def forget(self, lid: Lid) -> None:
        """It is over."""
        self._runs.pop(lid, None)

    def take(self, lids: Iterable[Lid], now_s: float) -> list[Lid]:
        """The first of these that are due and find a slot; they use the line from now on."""
        if not self._ready:
            return []
        due = [lid for lid in lids if not self._runs[lid].busy and self._runs[lid].due_s <= now_s]
        taken = due[: self._free()]
        for lid in taken:
            self._runs[lid].busy = self._runs[lid].on_line = True
        return taken

    def wakeup_s(self, lids: Iterable[Lid]) -> float | None:
        """When one of these is due for which there is a slot."""
        if not self._ready or not self._free():
            return None
        return min((self._runs[lid].due_s for lid in lids if not self._runs[lid].busy), default=None)

    def _free(self) -> int:
        return max(0, self._slots - sum(run.on_line for run in self._runs.values()))
