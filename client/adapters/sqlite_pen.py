"""What every writer of saves shares: the connection, who we are, and which bubbles were touched on the way."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from client.adapters.sqlite_changes import erase_recalled
from client.adapters.sqlite_rows import read_me
from client.core.model import Me
from protocol.values import Lid

GROUP_REDRAWN_MAX = 256
"""How many own bubbles of a group are drawn again when members come or go: those on and near the screen."""


class Pen:
    """Writes inside a transaction of somebody else, and remembers which bubbles look different, in order."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.me: Me | None = read_me(db)
        self._touched: dict[Lid, None] = {}
        self._placed: list[Lid] = []

    def _erase_recalled(self) -> None:
        """Of all that has got a place since the last time."""
        placed, self._placed = self._placed, []
        for target in erase_recalled(self._db, placed) if placed else ():
            self._touch(target)

    def _touch(self, lid: Lid) -> None:
        self._touched[lid] = None

    def _touch_all(self, rows: Iterable[tuple[Lid]]) -> None:
        for (lid,) in list(rows):
            self._touch(lid)
