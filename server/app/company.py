"""Who is here: tells sessions about the people they watch and about who writes, and notes when devices were seen.

All of it is a hint: what gets lost is not said again, and nobody waits for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable
from typing import Protocol

from protocol.limits import PRESENCE_JOIN_S, SEEN_EVERY_S
from protocol.packets import Doing, Here
from protocol.problems import Problem
from protocol.values import ConvId, Did, Uid
from server.core.presence import Board
from server.core.typing import TypingBell
from server.core.values import Identity
from server.ports import Clock, Hints, Route, StoreUnknown

log = logging.getLogger("hexagram.server")


class Guest(Protocol):
    """A session, as the company knows it."""

    def told(self, people: tuple[Here, ...]) -> None:
        """Where people are, whom this session watches."""
        ...


class Company:
    """The sessions of this process, as people to one another."""

    def __init__(self, hints: Hints, route: Route, clock: Clock) -> None:
        self._hints, self._route, self._clock = hints, route, clock
        self._board: Board[Guest] = Board()
        self._here: dict[Guest, Identity] = {}
        self._left: dict[Did, None] = {}
        self._doubtful: dict[Guest, None] = {}
        self._noted_s = clock.now_s()

    def came(self, who: Identity, guest: Guest) -> None:
        """A session began."""
        self._here[guest] = who
        self._board.came(who.uid)

    def went(self, guest: Guest) -> None:
        """A session ended; asked twice it does nothing."""
        who = self._here.pop(guest, None)
        if who is None:
            return
        self._board.unwatch(guest)
        self._board.went(who.uid, self._clock.now_ms())
        self._left[who.did] = None

    async def watch(self, guest: Guest, uids: tuple[Uid, ...]) -> tuple[Here, ...]:
        """Who of these is here; changes are told from now on. Raises as the store."""
        who = self._here.get(guest)
        if who is None:
            return ()
        known = await self._hints.acquainted(who.uid, uids)
        return self._board.watch(guest, uids, known) if guest in self._here else ()

    async def typing(self, who: Identity, conv: ConvId, doing: Doing) -> None:
        """Tell the others' sessions that this person writes. Raises as the store."""
        members = await self._hints.audience(who, conv)
        if members:
            self._route.publish(TypingBell(conv, who.uid, doing, members))

    def doubt(self, uids: Iterable[Uid]) -> None:
        """These people came, left, or changed what they tell: who may hear of whom is looked up again."""
        asked = set(uids)
        for guest, who in self._here.items():
            if who.uid in asked or asked.intersection(self._board.asked(guest)):
                self._doubtful[guest] = None

    async def run(self, every_s: float = PRESENCE_JOIN_S) -> None:
        """Tell what changed, for ever."""
        while True:
            await asyncio.sleep(every_s)
            await self.turn()

    async def turn(self) -> None:
        """What happened since the last turn: noted, looked up again, told."""
        try:
            await self._note()
            await self._look_again()
        except (Problem, StoreUnknown) as error:
            log.warning("what was seen of devices is noted later: %r", error)
        for guest, people in self._board.due():
            guest.told(people)

    async def rest(self) -> None:
        """The server stops: note who was here until now."""
        self._noted_s = float("-inf")
        try:
            await self._note()
        except (Problem, StoreUnknown) as error:
            log.warning("who was here was not noted: %r", error)

    async def _note(self) -> None:
        """Those who left, and once a minute everybody who is here; never a write a packet."""
        now_s = self._clock.now_s()
        all_here = now_s >= self._noted_s + SEEN_EVERY_S
        seen: Collection[Did] = {*self._left, *(who.did for who in self._here.values() if all_here)}
        if all_here:
            self._noted_s = now_s
        if seen:
            await self._hints.saw(seen)
            for did in seen:
                self._left.pop(did, None)

    async def _look_again(self) -> None:
        while self._doubtful:
            guest = next(iter(self._doubtful))
            del self._doubtful[guest]
            who = self._here.get(guest)
            if who is None or not (asked := self._board.asked(guest)):
                continue
            known = await self._hints.acquainted(who.uid, asked)
            if guest in self._here and (news := self._board.again(guest, known)):
                guest.told(news)
