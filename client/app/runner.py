"""The shell around the core: events in, in turns; do as the core says, in order; write before speaking.

All events that wait are taken together (group commit): their saves become one transaction, and only when that
is durable anything else of the turn happens. A save that fails throws the core away, for the disk alone knows
what is true: the line is dropped, and a new core is built from what the disk remembers (P-81).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, cast, get_args

from client.app.crash_points import BEFORE_DRAWING, BEFORE_SAVING, BEFORE_TALKING, crash_point
from client.app.packet_log import saves_line
from client.app.timers import Alarm
from client.core.effects import Effect, Save, Told
from client.core.events import Attach, Compose, Dial, Event, Tick
from client.core.model import Bubble, Memory
from client.ports import Clock, Machine, Messages
from protocol.problems import NotJoined, Problem, problem

log = logging.getLogger(__name__)

TURN_MAX_EVENTS = 64
REBUILD_MIN_S, REBUILD_MAX_S = 5.0, 300.0  # pauses after a failed save (P-81)
SAVES = frozenset(get_args(Save))
NEW = (Compose, Attach)  # what a person would write once more if told that it was not kept


class Results(Protocol):
    """Where the results of a turn go."""

    def loaded(self, memory: Memory) -> None:
        """A core begins from this."""

    def saved(self, saves: Sequence[Save], bubbles: Sequence[Bubble]) -> None:
        """This is durable now."""

    def perform(self, effect: Effect) -> None:
        """Do everything that is not a save."""

    def broken(self, why: Problem, retry_s: float) -> None:
        """The core was thrown away; a new one is tried at `retry_s` (monotonic)."""

    def refusal(self, told: Told) -> Problem:
        """The Problem that a refused wish is answered with."""

    def drop(self) -> None:
        """Nothing the old core asked for is wanted any more."""


@dataclass(slots=True, eq=False)
class _Wish:
    """An event, and who waits until it is written down."""

    event: Event
    done: asyncio.Future[None] | None = None
    refused: Problem | None = None


class Runner:
    """Runs the core. `post` and `wish` are its only doors; both belong to the loop's thread."""

    def __init__(self, messages: Messages, clock: Clock, make: Callable[[Memory], Machine], results: Results) -> None:
        self._messages, self._clock, self._make, self._results = messages, clock, make, results
        self._core: Machine | None = None
        self._queue: deque[_Wish] = deque()
        self._unsure: deque[_Wish] = deque()
        self._bell = asyncio.Event()
        self._alarm = Alarm(self._bell.set, clock.now_s)
        self._renewing = False
        self._failures = 0
        self._excuse: Problem = NotJoined()
        self._retry_s: float | None = None

    # ------------------------------------------------------------------------------------------- doors

    def post(self, event: Event) -> None:
        """Something happened."""
        self._queue.append(_Wish(event))
        self._bell.set()

    async def wish(self, event: Event) -> None:
        """Somebody wants this; return when it is durable. Raises the Problem why it was not done."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(_Wish(event, done))
        self._bell.set()
        await done

    def renew(self) -> None:
        """Build the core anew from the disk as soon as the running turn has ended."""
        self._renewing = True
        self._retry_s = None
        self._bell.set()

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                if self._core is None or self._renewing:
                    await self._begin()
                else:
                    await self._turn(self._core, await self._next_batch(self._core))
        finally:
            self._alarm.stop()
            self._excuse = Problem()
            self._queue.extend(self._unsure)
            self._refuse_waiting()

    # ------------------------------------------------------------------------------------- one turn

    async def _next_batch(self, core: Machine) -> list[_Wish]:
        """What waits now, a due tick in front. Empty if the core is to be renewed instead."""
        due_s = core.next_wakeup_s()  # until it is handed something, a core has nothing else to wake up for
        while not self._renewing:
            tick = [_Wish(Tick())] if due_s is not None and due_s <= self._clock.now_s() else []
            if tick or self._queue:
                room = min(len(self._queue), TURN_MAX_EVENTS)
                return tick + [self._queue.popleft() for _ in range(room)]
            self._bell.clear()
            self._alarm.set(due_s)
            await self._bell.wait()
        return []

    async def _turn(self, core: Machine, batch: Sequence[_Wish]) -> None:
        try:
            effects = [effect for wish in batch for effect in self._ask(core, wish)]
            saves = [cast(Save, effect) for effect in effects if type(effect) in SAVES]
            if saves:
                await self._save(saves)
            for effect in effects:
                if type(effect) not in SAVES:
                    self._results.perform(effect)
        except asyncio.CancelledError:
            self._queue.extendleft(batch)  # the program ends: whether this was saved, the next start knows
            raise
        except Problem as failure:
            await self._fall(failure, batch)
        except Exception:
            log.exception("! a turn failed; the core is built again")
            await self._fall(Problem(), batch)
        else:
            for wish in batch:
                _answer(wish, wish.refused)
            if not saves:
                await asyncio.sleep(0)  # a turn without a save must still let others run

    def _ask(self, core: Machine, wish: _Wish) -> list[Effect]:
        """What the core wants done about it. A refusal goes to who wished, and is told to nobody else."""
        effects = core.handle(wish.event, self._clock.now_s())
        lid = getattr(wish.event, "lid", 0)
        if wish.done is None or not lid:
            return effects
        refusals = [effect for effect in effects if isinstance(effect, Told) and effect.lid == lid]
        if not refusals:
            return effects
        wish.refused = self._results.refusal(refusals[0])
        return [effect for effect in effects if effect not in refusals]

    async def _save(self, saves: list[Save]) -> None:
        log.debug("= %s", saves_line(saves))
        crash_point.around(BEFORE_SAVING, saves)
        bubbles = await self._messages.save(saves)
        self._failures = 0
        crash_point.around(BEFORE_DRAWING, saves)
        self._results.saved(saves, bubbles)
        crash_point.around(BEFORE_TALKING, saves)

    # ------------------------------------------------------------------------------ breaking, beginning

    async def _fall(self, failure: Problem, batch: Sequence[_Wish]) -> None:
        """A save that reports an error may have happened (P-37): who wrote something is told what the disk says.

        As long as the disk says nothing they wait, or the same words would be written twice.
        """
        wrote = [wish for wish in batch if wish.done is not None and isinstance(wish.event, NEW)]
        self._unsure += wrote
        self._break(failure, [wish for wish in batch if wish not in wrote])
        with suppress(Problem):
            await self._make_sure()

    async def _make_sure(self) -> None:
        """Answer those whose save reported an error. Raises the Problem why the disk does not say."""
        while self._unsure:
            wish = self._unsure[0]
            assert isinstance(wish.event, NEW)
            kept = await self._messages.kept(wish.event.lid)
            self._unsure.popleft()
            _answer(wish, None if kept else self._excuse)

    def _break(self, failure: Problem, batch: Sequence[_Wish]) -> None:
        """Nothing of this turn happened (P-81). Who waits keeps the text; the rest is asked for again."""
        self._core = None
        self._excuse = failure
        self._failures += 1
        delay_s = min(REBUILD_MAX_S, REBUILD_MIN_S * 2.0 ** (self._failures - 1))
        self._retry_s = self._clock.now_s() + delay_s
        log.warning("! %s; again in %.0f s", failure.code, delay_s)
        self._results.drop()
        for wish in batch:
            _answer(wish, failure)
        self._refuse_waiting()
        self._results.broken(failure, self._retry_s)

    async def _begin(self) -> None:
        """Build the core from the disk, after the pause that a failure asks for."""
        await self._doze()
        if self._core is not None:
            self._results.drop()
        self._core, self._renewing = None, False
        # Wishes stay; what the old core's line and files said is nobody's any more.
        self._queue = deque(wish for wish in self._queue if wish.done is not None)
        try:
            await self._make_sure()
            memory = await self._messages.load()
        except Problem as failure:
            self._break(failure, ())
        else:
            self._results.loaded(memory)
            self._start(memory)

    def _start(self, memory: Memory) -> None:
        """Build the core and call the server; without an account wait for one."""
        if memory.me is None:
            self._excuse, self._retry_s = NotJoined(), float("inf")
        else:
            self._core, self._retry_s = self._make(memory), None
            self._queue.appendleft(_Wish(Dial()))

    async def _doze(self) -> None:
        """Refuse wishes until it is time; a wish to connect, or a renewal, ends the pause."""
        while self._retry_s is not None and self._clock.now_s() < self._retry_s and not self._renewing:
            if self._retry_s != float("inf"):
                if any(isinstance(wish.event, Dial) for wish in self._queue):
                    break
                self._alarm.set(self._retry_s)
            self._refuse_waiting()
            self._bell.clear()
            await self._bell.wait()

    def _refuse_waiting(self) -> None:
        while self._queue:
            _answer(self._queue.popleft(), self._excuse)


def _answer(wish: _Wish, refused: Problem | None) -> None:
    if wish.done is None or wish.done.done():
        return
    if refused is None:
        wish.done.set_result(None)
    else:
        # A Problem that several wait for is raised for each of them, with a trace of its own.
        wish.done.set_exception(problem(refused.code, **refused.facts))
