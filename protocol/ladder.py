"""When to try again, and when to ask (P-54, P-55). Not keep-alive: that is another clock."""

from __future__ import annotations

from typing import Literal

from protocol.limits import ASK_WAITS_S, LADDER_WAITS_S
from protocol.values import Value

Mode = Literal["ladder", "ask"]


class Ladder(Value, frozen=True):
    """The schedule of tries. `mode` "ladder": waits of 10, 30, 60 and 10 s, then ask; "ask": 10 s, then ask.

    `literal` counts the time without a session as well, and is not renewed by a new session; it exists for the
    acceptance tests of the original schedule.
    """

    mode: Mode = "ladder"
    literal: bool = False

    @property
    def waits_s(self) -> tuple[float, ...]:
        """The pause after each try, in seconds. After the last one the person is asked."""
        return LADDER_WAITS_S if self.mode == "ladder" else ASK_WAITS_S


class Climb(Value, frozen=True):
    """Where one message stands on its ladder: tries made, and when the next step is due (seconds, monotonic)."""

    tries: int
    due_s: float

    def exhausted(self, ladder: Ladder) -> bool:
        """Whether the next step is the question and not another try."""
        return self.tries >= len(ladder.waits_s)

    def stepped(self, ladder: Ladder, now_s: float) -> Climb:
        """After one more try at `now_s`."""
        assert not self.exhausted(ladder)
        return Climb(self.tries + 1, now_s + ladder.waits_s[self.tries])


def bottom(now_s: float) -> Climb:
    """A ladder on which nothing was tried yet: the first try is due now."""
    return Climb(0, now_s)
