"""Wrong invites from one address: after some, it has to wait; whoever holds a right one is not counted (SEC-24)."""

from __future__ import annotations

from collections.abc import Callable

from protocol.limits import JOIN_FAILURES_BURST, JOIN_FAILURES_PER_S
from protocol.problems import RateLimited
from server.core.rates import Bucket

ADDRESSES_KEPT = 4_096  # strangers cannot make it grow (SEC-24)


class Attempts:
    """One bucket an address, while it is not full."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._buckets: dict[str, Bucket] = {}

    def check(self, address: str) -> None:
        """Whether this address may try. Raises: RateLimited, with `retry_ms`."""
        bucket = self._buckets.get(address)
        if bucket is not None and bucket.dry(self._now_s()):
            raise RateLimited(retry_ms=bucket.wait_ms())

    def failed(self, address: str) -> None:
        """It tried, and had nothing."""
        now_s = self._now_s()
        bucket = self._buckets.pop(address, None) or Bucket(JOIN_FAILURES_PER_S, JOIN_FAILURES_BURST, now_s)
        if len(self._buckets) >= ADDRESSES_KEPT:
            self._forget(now_s)
        bucket.take(now_s)
        self._buckets[address] = bucket

    def _forget(self, now_s: float) -> None:
        full = [address for address, bucket in self._buckets.items() if bucket.full(now_s)]
        for address in full or [next(iter(self._buckets))]:
            del self._buckets[address]
