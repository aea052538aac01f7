"""The store of messages over one writer: each method schedules one transaction of section 12, and waits for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Sequence
from typing import Protocol, TypeVar

from protocol.packets import GroupR, Head, MembersA, OpenA, OpenR, Person, Prefs, Status, StatusKey
from protocol.problems import Problem
from protocol.values import ConvId, Did, Uid
from server.app.crash_points import crash_point
from server.core.acceptance import Answer, Offer, Spoiled
from server.core.codes import ID_BYTES, id_text
from server.core.crowd import CrowdBell
from server.core.moves import Ask, Bell, Changed, Chosen, Marks, Move, Moved, Page
from server.core.presence import Known
from server.core.values import Identity
from server.ports import Clock, Dice
from server.stores import sqlite_conversations as conversations
from server.stores import sqlite_groups as groups
from server.stores import sqlite_hints as hints
from server.stores import sqlite_pages as pages
from server.stores import sqlite_prefs as prefs_rows
from server.stores.sqlite_log import accept_all
from server.stores.sqlite_marks import marks_since, move_all
from server.stores.sqlite_rooms import room_of, tally_of
from server.stores.writer import Lot

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - an item of a lot
R = TypeVar("R")

GENERATION_BYTES = 8  # 64 random bits (P-9)
_GENERATION = "insert into meta values ('gen', ?) on conflict do nothing"
_GENERATION_IS = "select value from meta where key = 'gen'"


class Scheduler(Protocol):
    """What runs transactions: `Writer` for a file, `Inline` for a file in memory."""

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T: ...

    async def put(self, lot: Lot[I, R], items: Sequence[I]) -> list[R | Exception]: ...

    async def look(self, lot: Lot[I, R], items: Sequence[I]) -> list[R | Exception]: ...

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T: ...


class SqliteStore:
    """Messages, cursors and marks in SQLite."""

    def __init__(self, scheduler: Scheduler, clock: Clock, dice: Dice) -> None:
        self._do, self._clock, self._dice = scheduler, clock, dice
        self._accept: Lot[Offer, Answer] = Lot(lambda db, offers: _at("S1", accept_all(db, offers, clock.now_ms())))
        self._pages: Lot[tuple[Identity, Ask], Page] = Lot(pages.pages)
        self._climb: Lot[Move, Moved] = Lot(lambda db, moves: _at("S5", move_all(db, moves, clock.now_ms())))

    async def accept(self, offers: Sequence[Offer]) -> list[Answer]:
        answers = await self._do.put(self._accept, offers)
        return [
            Spoiled(offer, _code(answer)) if isinstance(answer, Exception) else answer
            for offer, answer in zip(offers, answers, strict=True)
        ]

    async def climb(self, moves: Sequence[Move]) -> list[Moved]:
        answers = await self._do.put(self._climb, moves)
        return [
            Moved(move, code=_code(answer)) if isinstance(answer, Exception) else answer
            for move, answer in zip(moves, answers, strict=True)
        ]

    async def page(self, who: Identity, ask: Ask) -> Page:
        (answer,) = await self._do.look(self._pages, ((who, ask),))
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def marks_since(self, who: Identity, conv: ConvId, rev: int) -> Marks:
        return await self._do.read(lambda db: marks_since(db, who.uid, conv, rev))

    async def heads(self, who: Identity) -> tuple[Head, ...]:
        return await self._do.read(lambda db: pages.heads(db, who.uid))

    async def states(self, who: Identity, keys: Sequence[StatusKey]) -> tuple[Status, ...]:
        return await self._do.read(lambda db: pages.states(db, who, keys, self._clock.now_ms()))

    async def people(self) -> tuple[Person, ...]:
        return await self._do.read(conversations.people)

    async def open_conversation(self, who: Identity, wish: OpenR) -> tuple[OpenA, Bell | None]:
        """Two transactions: the listing is durable before anybody joins (P-59)."""
        fresh = ConvId(id_text(self._dice.some_bytes(ID_BYTES)))
        plan = await self._do.run(lambda db: conversations.plan(db, who, wish, fresh))
        if plan.code:
            return OpenA(wish.x, code=plan.code), None
        crash_point("S10")
        now_ms = self._clock.now_ms()
        bell = await self._do.run(lambda db: conversations.found(db, who, plan, wish.title, now_ms))
        return OpenA(wish.x, plan.conv), bell

    async def change_group(self, who: Identity, wish: GroupR) -> Changed:
        """Two transactions: the listing is durable before anybody joins (P-59)."""
        if wish.do == "add":
            await self._do.run(lambda db: groups.list_added(db, who, wish))
        return await self._do.run(lambda db: groups.change(db, who, wish, self._clock.now_ms()))

    async def members(self, who: Identity, conv: ConvId) -> MembersA:
        return await self._do.read(lambda db: groups.members(db, who, conv))

    async def crowd(self, conv: ConvId) -> CrowdBell:
        return await self._do.read(lambda db: _crowd(db, conv))

    async def prefs(self, who: Identity) -> Prefs:
        return await self._do.read(lambda db: prefs_rows.prefs_of(db, who.uid))

    async def choose(self, who: Identity, prefs: Prefs) -> Chosen:
        return await self._do.run(lambda db: prefs_rows.choose(db, who.uid, prefs))

    async def raise_session(self, who: Identity) -> int | None:
        now_ms = self._clock.now_ms()
        return await self._do.run(lambda db: _at("S7", conversations.raise_session(db, who.did, now_ms)))

    async def audience(self, who: Identity, conv: ConvId) -> tuple[Uid, ...]:
        return await self._do.read(lambda db: hints.audience(db, who, conv))

    async def acquainted(self, uid: Uid, uids: Sequence[Uid]) -> tuple[Known, ...]:
        return await self._do.read(lambda db: hints.acquainted(db, uid, uids))

    async def saw(self, dids: Collection[Did]) -> None:
        now_ms = self._clock.now_ms()
        await self._do.run(lambda db: hints.saw(db, dids, now_ms))

    async def seen_ms(self, did: Did) -> int:
        return await self._do.read(lambda db: hints.seen_ms(db, did))

    async def generation(self) -> str:
        """`1.` and 16 hexadecimal digits; made when the data is new (P-9)."""
        fresh = f"1.{self._dice.some_bytes(GENERATION_BYTES).hex()}"
        return await self._do.run(lambda db: _generation(db, fresh))


def _at(point: str, answer: T) -> T:
    """What a transaction found; its crash point is behind its last statement, and before the commit."""
    crash_point(point)
    return answer


def _generation(db: sqlite3.Connection, fresh: str) -> str:
    db.execute(_GENERATION, (fresh,))
    return str(db.execute(_GENERATION_IS).fetchone()[0])


def _crowd(db: sqlite3.Connection, conv: ConvId) -> CrowdBell:
    room = room_of(db, conv)
    return CrowdBell(conv, tally_of(db, room), room.members)


def _code(error: Exception) -> str:
    return error.code if isinstance(error, Problem) else "internal"
