"""The person's wishes on their way: what goes wrong is said to them, and nothing runs on after the window."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

from client.app.tasks import Tasks
from client.ui.words import problem_words
from protocol.problems import Problem

Question: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


class Errands:
    """Starts coroutines; a Problem becomes a sentence for `say`."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._tasks, self._say = Tasks(), say
        self._asking: set[Question] = set()

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[None]:
        """Run it beside the window."""
        task = self._tasks.start(self._run(work), getattr(work, "__name__", "errand"))
        task.add_done_callback(lambda _done: work.close())  # the window closed before it began
        return task

    def once(self, question: Question) -> None:
        """Each question once: a second click while its dialog is being prepared opens no second one."""
        if question not in self._asking:
            self._asking.add(question)
            self.start(self._asked(question))

    async def close(self) -> None:
        """End what still runs."""
        await self._tasks.close()

    async def _asked(self, question: Question) -> None:
        try:
            await question()
        finally:
            self._asking.discard(question)

    async def _run(self, work: Coroutine[Any, Any, Any]) -> None:
        try:
            await work
        except Problem as why:
            self._say(problem_words(why))
