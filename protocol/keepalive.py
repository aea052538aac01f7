"""Is the line alive? (P-15) Not a retry: whether a message arrived is another clock, in `ladder`.

A quiet line is pinged after `every_s` without incoming bytes. A ping that is not answered in time means the line is
dead. The interval learns: it grows after three good quiet rounds, and falls back when a quiet line had died.
"""

from __future__ import annotations

from typing import TypeAlias

from protocol.limits import (
    PING_EVERY_MAX_S,
    PING_EVERY_MIN_S,
    PING_GOOD_ROUNDS,
    PING_STEP_BACK_S,
    PING_STEP_S,
    PONG_WAIT_BUSY_S,
    PONG_WAIT_S,
    PONG_WAIT_WAKE_S,
)
from protocol.values import Value


class Heard(Value, frozen=True):
    """Bytes came in."""


class Answered(Value, frozen=True):
    """The pong to our ping came in."""


class Woken(Value, frozen=True):
    """The computer slept, or the network changed: do not trust the line (P-15)."""


class Waiting(Value, frozen=True):
    """Something we sent is unanswered since `since_s`, or nothing is (None)."""

    since_s: float | None


class Tick(Value, frozen=True):
    """Time passed."""


class SendPing(Value, frozen=True):
    """Ask."""


class LineDead(Value, frozen=True):
    """Hang up: silent for `silent_s`; `idle` when no traffic was waiting, as after an aged NAT entry."""

    silent_s: float
    idle: bool


KeepAliveEvent: TypeAlias = Heard | Answered | Woken | Waiting | Tick
KeepAliveEffect: TypeAlias = SendPing | LineDead


class KeepAlive:
    """The line clock of one connection. Made anew with each; `every_s` is carried over by the owner.

    It grows to no more than twice what was announced: after 2.5 times that the server would end the session, and
    hears of a longer one only in the next hello (P-15).
    """

    def __init__(self, now_s: float, every_s: float = PING_EVERY_MIN_S) -> None:
        assert PING_EVERY_MIN_S <= every_s <= PING_EVERY_MAX_S, every_s
        self.every_s = every_s
        self._ceiling_s = min(PING_EVERY_MAX_S, 2 * every_s)
        self._heard_s = now_s
        self._pinged_s: float | None = None
        self._dead_s: float | None = None
        self._waiting_since_s: float | None = None
        self._good_rounds = 0
        self._quiet_ping = False

    def handle(self, event: KeepAliveEvent, now_s: float) -> list[KeepAliveEffect]:
        match event:
            case Heard():
                self._hear(now_s)
            case Answered():
                self._learn()
                self._hear(now_s)
            case Woken():
                return self._ping(now_s, PONG_WAIT_WAKE_S, quiet=False)
            case Waiting(since_s):
                self._waiting_since_s = since_s
            case _:
                return self._tick(now_s)
        return []

    def next_wakeup_s(self) -> float:
        """When the next `Tick` is due, in seconds of the caller's clock."""
        if self._dead_s is not None:
            return self._dead_s
        return min(self._quiet_due_s(), self._busy_due_s())

    def _quiet_due_s(self) -> float:
        return self._heard_s + self.every_s

    def _busy_due_s(self) -> float:
        if self._waiting_since_s is None:
            return float("inf")
        return max(self._waiting_since_s, self._heard_s) + PONG_WAIT_BUSY_S

    def _hear(self, now_s: float) -> None:
        self._heard_s, self._pinged_s, self._dead_s = now_s, None, None

    def _tick(self, now_s: float) -> list[KeepAliveEffect]:
        if self._dead_s is not None:
            if now_s < self._dead_s:
                return []
            return [LineDead(silent_s=now_s - self._heard_s, idle=self._quiet_ping)]
        if now_s >= self._busy_due_s():
            return self._ping(now_s, PONG_WAIT_BUSY_S, quiet=False)
        if now_s >= self._quiet_due_s():
            return self._ping(now_s, PONG_WAIT_S, quiet=True)
        return []

    def _ping(self, now_s: float, wait_s: float, *, quiet: bool) -> list[KeepAliveEffect]:
        self._pinged_s, self._dead_s, self._quiet_ping = now_s, now_s + wait_s, quiet
        return [SendPing()]

    def _learn(self) -> None:
        """A quiet round went well; after three of them the line may stay quiet for longer."""
        if self._pinged_s is None or not self._quiet_ping:
            return
        self._good_rounds += 1
        if self._good_rounds >= PING_GOOD_ROUNDS:
            self._good_rounds = 0
            self.every_s = min(self._ceiling_s, self.every_s + PING_STEP_S)


def after_idle_death(every_s: float) -> float:
    """The interval for the next connection when a quiet line had died: the last good one less 10 s (P-15)."""
    return max(PING_EVERY_MIN_S, every_s - PING_STEP_S - PING_STEP_BACK_S)
