"""The person's wishes on their way: what goes wrong is said to them, and nothing runs on after the window."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from client.app.tasks import Tasks
from client.ui.words import problem_words
from protocol.problems import Problem


class Errands:
    """Starts coroutines; a Problem becomes a sentence for `say`."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._tasks, self._say = Tasks(), say

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[None]:
        """Run it beside the window."""
        return self._tasks.start(self._run(work), getattr(work, "__name__", "errand"))

    async def close(self) -> None:
        """End what still runs."""
        await self._tasks.close()

    async def _run(self, work: Coroutine[Any, Any, Any]) -> None:
        try:
            await work
        except Problem as why:
            self._say(problem_words(why))
