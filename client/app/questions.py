"""Questions whose answer comes as a later effect: an opened conversation, a finding, the people list."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Hashable
from typing import Any, TypeVar

from protocol.problems import Problem

T = TypeVar("T")


class Questions:
    """Who waits for what. Several may wait for the same answer."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, list[asyncio.Future[Any]]] = {}

    async def ask(self, key: Hashable, asking: Awaitable[None], within_s: float) -> T:
        """Ask, and return the answer to `key`. Raises TimeoutError, or the Problem that came instead."""
        answer: asyncio.Future[T] = self.expect(key)
        try:
            async with asyncio.timeout(within_s):
                await asking
                return await answer
        finally:
            answer.cancel()

    def expect(self, key: Hashable) -> asyncio.Future[Any]:
        """A future for the answer to `key`; cancelling it is enough to stop waiting."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(future)
        future.add_done_callback(lambda done: self._forget(key, done))
        return future

    def give(self, key: Hashable, value: object) -> None:
        """The answer came."""
        for future in self._take(key):
            future.set_result(value)

    def fail(self, key: Hashable, why: Problem) -> bool:
        """There will be no answer. Returns whether anybody waited."""
        waiting = self._take(key)
        for future in waiting:
            future.set_exception(why)
        return bool(waiting)

    def fail_all(self, why: Problem) -> None:
        """Nothing that was asked will be answered any more."""
        for key in tuple(self._waiting):
            self.fail(key, why)

    def _take(self, key: Hashable) -> list[asyncio.Future[Any]]:
        return [future for future in self._waiting.pop(key, []) if not future.done()]

    def _forget(self, key: Hashable, future: asyncio.Future[Any]) -> None:
        waiting = self._waiting.get(key, [])
        if future in waiting:
            waiting.remove(future)
        if not waiting:
            self._waiting.pop(key, None)
