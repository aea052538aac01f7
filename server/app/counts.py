"""How far large conversations have got: gathered for half a second, counted once, told to everybody (P-52)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from protocol.problems import Problem
from protocol.values import ConvId
from server.app.tasks import Tasks
from server.ports import Route, Store, StoreUnknown

log = logging.getLogger("hexagram.server")

Later = Callable[[float, Callable[[], None]], object]


class Counts:
    """The large conversations whose marks have climbed: one read of the store for all their members' sessions."""

    def __init__(self, store: Store, route: Route, tasks: Tasks, later: Later, join_s: float) -> None:
        self._store, self._route, self._tasks = store, route, tasks
        self._later, self._join_s = later, join_s
        self._waiting: set[ConvId] = set()

    def soon(self, convs: Iterable[ConvId]) -> None:
        """Marks climbed in these; what climbs until they are counted is counted with it."""
        for conv in convs:
            if conv not in self._waiting:
                self._waiting.add(conv)
                self._later(self._join_s, lambda conv=conv: self._tasks.start(self._tell(conv)))  # type: ignore[misc]

    async def _tell(self, conv: ConvId) -> None:
        """A count that fails is not told: the poll of the heads shows that there is one (P-46)."""
        self._waiting.discard(conv)
        try:
            bell = await self._store.crowd(conv)
        except (Problem, StoreUnknown) as error:
            log.warning("a conversation was not counted: %r", error)
            return
        self._route.publish(bell)
