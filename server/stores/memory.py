"""The same transactions without file and threads: for tests, and for worlds whose disk is invented."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from server.stores.schema import SCHEMA
from server.stores.writer import Lot, prepare, saved

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - an item of a lot
R = TypeVar("R")


class Inline:
    """Runs each piece of work at once, in a transaction of its own, on one connection."""

    def __init__(self, db: sqlite3.Connection | None = None) -> None:
        self.db = db if db is not None else sqlite3.connect(":memory:", isolation_level=None)
        prepare(self.db, SCHEMA)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return self.now(work)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return self.now(work)

    async def put(self, lot: Lot[I, R], items: Sequence[I]) -> list[R | Exception]:
        return self.put_now(lot, items)

    async def look(self, lot: Lot[I, R], items: Sequence[I]) -> list[R | Exception]:
        return self.put_now(lot, items)

    def put_now(self, lot: Lot[I, R], items: Sequence[I]) -> list[R | Exception]:
        """All items together; if that raises, one by one, as the writer does."""
        try:
            return [*self.now(lambda db: lot.work(db, items))]
        except Exception:
            return [self._alone(lot.work, item) for item in items]

    def _alone(self, work: Callable[[sqlite3.Connection, Sequence[Any]], list[Any]], item: object) -> Any:
        try:
            return self.now(lambda db: work(db, [item]))[0]
        except Exception as error:
            return error

    def now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in a transaction; what it raises comes back after everything of it is undone."""
        self.db.execute("begin immediate")
        answer = saved(self.db, work)
        self.db.execute("commit")
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        self.db.close()
