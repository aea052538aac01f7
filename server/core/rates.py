"""How much one device may ask: buckets that fill with time, and outlive its sessions (P-26, SEC-24)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeAlias, TypeVar

from protocol.limits import BUSY_RETRY_MS
from protocol.packets import (
    FromServer,
    GroupA,
    GroupR,
    MembersA,
    MembersR,
    Nack,
    OpenA,
    OpenR,
    PeopleR,
    PrefsR,
    PresenceR,
)
from protocol.values import Did
from server.core.rules import Rules, UploadRules

DAY_S = 24 * 3600.0
DEVICES_KEPT = 4_096  # whose buckets are remembered; full ones say nothing, and are forgotten first

Question: TypeAlias = OpenR | GroupR | MembersR | PeopleR | PresenceR | PrefsR
QUESTIONS = (OpenR, GroupR, MembersR, PeopleR, PresenceR, PrefsR)


def too_often(packet: Question, wait_ms: int) -> FromServer:
    """The answer to a question too many: by its name where it has one, so that nobody waits for another."""
    match packet:
        case OpenR(x):
            return OpenA(x, code="rate")
        case GroupR(x, conv):
            return GroupA(x, conv, "rate")
        case MembersR(conv):
            return MembersA(conv, code="rate")
        case _:
            return Nack("rate", retry_ms=wait_ms)


class Bucket:
    """Holds `burst` tokens and gets `per_s` more each second; without a rate it never runs dry."""

    __slots__ = ("_at_s", "_burst", "_per_s", "_tokens")

    def __init__(self, per_s: float, burst: float, now_s: float) -> None:
        self._per_s, self._burst = per_s, burst
        self._tokens, self._at_s = burst, now_s

    def take(self, now_s: float) -> bool:
        """Take a token, if there is one."""
        if not self._per_s:
            return True
        if self.dry(now_s):
            return False
        self._tokens -= 1
        return True

    def spend(self, now_s: float, amount: float) -> None:
        """Take this much, also what is not there yet: it was let in before."""
        if self._per_s:
            self._fill(now_s)
            self._tokens -= amount

    def dry(self, now_s: float, amount: float = 1.0) -> bool:
        """Whether so much is not there."""
        self._fill(now_s)
        return bool(self._per_s) and self._tokens < amount

    def full(self, now_s: float) -> bool:
        """Whether it says nothing about who used it."""
        self._fill(now_s)
        return self._tokens >= self._burst

    def wait_ms(self, amount: float = 1.0) -> int:
        """When to ask again: so much is there, and not so soon that asking itself is the load."""
        return max(BUSY_RETRY_MS, round(1000 * (amount - self._tokens) / self._per_s)) if self._per_s else 0

    def _fill(self, now_s: float) -> None:
        self._tokens = min(self._burst, self._tokens + self._per_s * max(0.0, now_s - self._at_s))
        self._at_s = max(self._at_s, now_s)


class Allowance:
    """What one device may send and ask."""

    __slots__ = ("messages", "questions")

    def __init__(self, rules: Rules, now_s: float) -> None:
        self.messages = Bucket(rules.messages_per_s, rules.messages_burst, now_s)
        self.questions = Bucket(rules.questions_per_s, rules.questions_burst, now_s)

    def full(self, now_s: float) -> bool:
        """Whether a new one would be the same."""
        return self.messages.full(now_s) and self.questions.full(now_s)


class UploadAllowance:
    """What one device may promise and bring of files."""

    __slots__ = ("day", "files")

    def __init__(self, rules: UploadRules, now_s: float) -> None:
        self.files = Bucket(rules.per_s, rules.burst, now_s)
        self.day = Bucket(rules.day_bytes / DAY_S, rules.day_bytes, now_s)

    def full(self, now_s: float) -> bool:
        """Whether a new one would be the same."""
        return self.files.full(now_s) and self.day.full(now_s)


class Fills(Protocol):
    """Something that is as new after a while."""

    def full(self, now_s: float) -> bool:
        """Whether a new one would be the same."""
        ...


A = TypeVar("A", bound=Fills)


class Kept(Generic[A]):
    """The allowances of all devices that used theirs lately. Calling again does not fill one."""

    def __init__(self, fresh: Callable[[float], A]) -> None:
        self._fresh = fresh
        self._by_device: dict[Did, A] = {}

    def of(self, did: Did, now_s: float) -> A:
        """The allowance of this device."""
        allowance = self._by_device.pop(did, None) or self._fresh(now_s)
        if len(self._by_device) >= DEVICES_KEPT:
            self._forget(now_s)
        self._by_device[did] = allowance
        return allowance

    def _forget(self, now_s: float) -> None:
        """The full ones, and if there are none, who was here first."""
        full = [did for did, allowance in self._by_device.items() if allowance.full(now_s)]
        for did in full or [next(iter(self._by_device))]:
            del self._by_device[did]


class Allowances(Kept[Allowance]):
    """What each device may send and ask."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(lambda now_s: Allowance(rules, now_s))


class UploadAllowances(Kept[UploadAllowance]):
    """What each device may promise and bring of files."""

    def __init__(self, rules: UploadRules) -> None:
        super().__init__(lambda now_s: UploadAllowance(rules, now_s))
