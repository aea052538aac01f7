"""Is the line alive? (P-15) Not a retry: whether a message arrived is another clock, in `ladder`.

A quiet line is pinged after `every_s` without incoming bytes. A ping that is not answered in time means the line is
dead. The interval learns, network by network: it grows after three good quiet rounds, and falls back below the last
good one when a quiet line had died. Any bytes are life, also those of a frame that is not whole yet: a line that is
slow and busy is never called dead.
"""

from __future__ import annotations

from typing import TypeAlias

from protocol.limits import (
    PING_EVERY_MAX_S,
    PING_EVERY_MIN_S,
    PING_FORGET_ROUNDS,
    PING_GOOD_ROUNDS,
    PING_STEP_BACK_S,
    PING_STEP_S,
    PONG_WAIT_BUSY_S,
    PONG_WAIT_S,
    PONG_WAIT_WAKE_S,
)
from protocol.values import Value, replace


class Pace(Value, frozen=True):
    """How long the line may stay quiet on one network: what was learned, and is remembered across restarts.

    `every_s` is the interval T, `good_s` the longest that had a good round, `cap_s` what it does not grow beyond since
    a quiet line had died. `rounds` counts good quiet rounds since any of them changed.
    """

    every_s: float = PING_EVERY_MIN_S
    good_s: float = PING_EVERY_MIN_S
    cap_s: float = PING_EVERY_MAX_S
    rounds: int = 0

    @property
    def sane(self) -> bool:
        """Whether its numbers can be obeyed; it may come from a damaged disk."""
        lengths_s = (self.every_s, self.good_s, self.cap_s)
        return self.rounds >= 0 and all(PING_EVERY_MIN_S <= each <= PING_EVERY_MAX_S for each in lengths_s)

    def after_good_round(self, ceiling_s: float = PING_EVERY_MAX_S) -> Pace:
        """A quiet round went well at `min(every_s, ceiling_s)`; after three the line may stay quiet for longer.

        A cap is forgotten after many good rounds: networks change their minds, and one death in a while is cheap.
        """
        now_s = min(self.every_s, ceiling_s)
        more = replace(self, rounds=self.rounds + 1, good_s=max(self.good_s, now_s))
        top_s = min(self.cap_s, ceiling_s)
        if now_s < top_s and more.rounds >= PING_GOOD_ROUNDS:
            return replace(more, every_s=min(top_s, now_s + PING_STEP_S), rounds=0)
        if self.cap_s < PING_EVERY_MAX_S and more.rounds >= PING_FORGET_ROUNDS:
            return replace(more, cap_s=PING_EVERY_MAX_S, rounds=0)
        return more

    def after_death(self) -> Pace:
        """A quiet line had died: the last good interval less 10 s, and no growing for a while (P-15)."""
        held_once = self.every_s <= self.good_s
        last_good_s = self.every_s if held_once else self.good_s
        every_s = max(PING_EVERY_MIN_S, last_good_s - PING_STEP_BACK_S)
        return Pace(every_s, every_s if held_once else self.good_s, every_s)


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
    """Ask. `every_s` tells the server another interval than it knows; 0 when it knows it."""

    every_s: int = 0


class LineDead(Value, frozen=True):
    """Hang up: silent for `silent_s`; `idle` when no traffic was waiting, as after an aged NAT entry."""

    silent_s: float
    idle: bool


KeepAliveEvent: TypeAlias = Heard | Answered | Woken | Waiting | Tick
KeepAliveEffect: TypeAlias = SendPing | LineDead


class KeepAlive:
    """The line clock of one connection. Made anew with each; `pace` is carried over by the owner.

    Args:
        now_s: the caller's monotonic clock.
        pace: what this network is known to bear.
        announced_s: the interval that the server was told in `hello`. It ends the session after 2.5 times that, so
            that we wait for at most twice as long, until it has answered a ping that told it more.
    """

    def __init__(self, now_s: float, pace: Pace, announced_s: float) -> None:
        assert pace.sane, pace
        assert PING_EVERY_MIN_S <= announced_s <= PING_EVERY_MAX_S, announced_s
        self.pace = pace
        self._announced_s = self._telling_s = announced_s
        self._heard_s = now_s
        self._pinged = False
        self._dead_s: float | None = None
        self._waiting_since_s: float | None = None
        self._quiet_ping = False

    @property
    def every_s(self) -> float:
        """How long the line may be quiet before it is asked."""
        return min(self.pace.every_s, 2 * self._announced_s)

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
        self._heard_s, self._pinged, self._dead_s = now_s, False, None

    def _tick(self, now_s: float) -> list[KeepAliveEffect]:
        if self._dead_s is not None:
            if now_s < self._dead_s:
                return []
            return [LineDead(silent_s=now_s - self._heard_s, idle=self._quiet_ping)]
        if now_s >= self._busy_due_s():
            return self._ping(now_s, PONG_WAIT_BUSY_S, quiet=False)
        if now_s >= self._quiet_due_s():
            return self._ping(now_s, PONG_WAIT_S, quiet=self._waiting_since_s is None)
        return []

    def _ping(self, now_s: float, wait_s: float, *, quiet: bool) -> list[KeepAliveEffect]:
        """A second question, after waking up, never gives a line more time than the first one did."""
        dead_s = now_s + wait_s
        self._dead_s = dead_s if self._dead_s is None else min(dead_s, self._dead_s)
        self._pinged, self._quiet_ping = True, quiet
        self._telling_s = self.every_s
        return [SendPing(0 if self._telling_s == self._announced_s else int(self._telling_s))]

    def _learn(self) -> None:
        """The server knows now what the ping told it; and a quiet round went well."""
        if not self._pinged:
            return
        self._announced_s = self._telling_s
        if self._quiet_ping:
            self.pace = self.pace.after_good_round(2 * self._announced_s)
