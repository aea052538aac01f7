"""One heap of (time, order, function), one seeded generator: a world without threads, sockets or a loop.

The shells are asynchronous by their syntax only: whatever they wait for is a `Wait` here, and `Running` steps their
coroutines by hand. A crash is an exception that no shell catches; it ends the process it names, between any two steps.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable
from contextlib import suppress
from typing import Any

EPOCH_MS = 1_767_225_600_000
STEPS_A_MOMENT_MAX, STEPS_MAX = 20_000, 300_000


class Violation(AssertionError):
    """A promise of the contract was broken."""


class Crash(BaseException):
    """This process ends here, as if its plug were pulled."""

    def __init__(self, process: Process) -> None:
        self.process = process


class World:
    """Time, dice and what happens next. `now_s` starts at 1000, so that nothing is true by being zero."""

    def __init__(self, seed: int, *, trace: bool = False) -> None:
        self.seed, self.now_s = seed, 1_000.0
        self.dice = random.Random(seed)
        self.traced: list[str] = []
        self.tracing = trace
        self.counts: Counter[str] = Counter()
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = 0
        self._loop: Any = Loop(self)
        self.steps = 0
        self.violations: list[str] = []

    def now_ms(self) -> int:
        """The wall clock, which nobody here sets wrong."""
        return EPOCH_MS + int(self.now_s * 1000)

    def count(self, what: str, times: int = 1) -> None:
        """Note for the report that this was done: `fault:…`, `crash:…`, `check:…` or `deed:…`."""
        self.counts[what] += times

    def at(self, time_s: float, do: Callable[[], None]) -> None:
        """Let this happen then; what is due at the same moment happens in the order it was asked for."""
        self._order += 1
        heapq.heappush(self._heap, (max(time_s, self.now_s), self._order, do))

    def later(self, delay_s: float, do: Callable[[], None]) -> None:
        """Let this happen after a while."""
        self.at(self.now_s + delay_s, do)

    def run_until(self, time_s: float) -> None:
        """Let everything happen that is due by then."""
        outside = asyncio.events._get_running_loop()
        asyncio.events._set_running_loop(self._loop)
        try:
            self._run(time_s)
        finally:
            asyncio.events._set_running_loop(outside)

    def _run(self, time_s: float) -> None:
        heap, pop = self._heap, heapq.heappop
        moment_s, since = self.now_s, self.steps
        while heap and heap[0][0] <= time_s:
            self.now_s, _, do = pop(heap)
            self.steps += 1
            if self.now_s > moment_s:
                moment_s, since = self.now_s, self.steps
            elif self.steps > since + STEPS_A_MOMENT_MAX:
                self.blame(f"L6 {STEPS_A_MOMENT_MAX} steps, and time stands still")
            if self.steps > STEPS_MAX:
                self.blame(f"L6 {STEPS_MAX} steps, and no end")
            try:
                do()
            except Crash as crash:
                crash.process.die("crash")
            if self.violations:
                raise Violation(self.violations[0])
        self.now_s = time_s

    def blame(self, what: str) -> None:
        """A promise is broken. It is raised between two steps: the code under test must not catch it."""
        self.violations.append(what)
        self.note(f"!!! {what}")

    def note(self, line: str) -> None:
        """A line of the packet log, kept only for a replay."""
        if self.tracing:
            self.traced.append(f"{self.now_s - 1_000:9.3f} {line}")

    def chance(self, share: float) -> bool:
        """Whether something that happens in this share of all cases happens now."""
        return share > 0 and self.dice.random() < share


class Loop:
    """As much of a loop as the locks and pauses of asyncio ask of one."""

    def __init__(self, world: World) -> None:
        self._world = world

    def get_debug(self) -> bool:
        return False

    def create_future(self) -> asyncio.Future[Any]:
        loop: Any = self
        return asyncio.Future(loop=loop)

    def call_soon(self, do: Callable[..., None], *args: Any, context: object = None) -> Handle:
        return self.call_later(0.0, do, *args)

    def call_later(self, delay_s: float, do: Callable[..., None], *args: Any, context: object = None) -> Handle:
        handle = Handle(do, args)
        self._world.later(delay_s, handle)
        return handle


class Handle:
    """What a loop gives for a call to come."""

    def __init__(self, do: Callable[..., None], args: tuple[Any, ...]) -> None:
        self._do, self._args, self._cancelled = do, args, False

    def cancel(self) -> None:
        self._cancelled = True

    def __call__(self) -> None:
        if not self._cancelled:
            self._do(*self._args)


class Process:
    """Something that can die. What it planned dies with it."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name, self.alive = world, name, True
        self.stalled_until_s = 0.0
        self._running: dict[Running, None] = {}

    def die(self, how: str) -> None:
        """No further step of anything this process had begun."""
        if self.alive:
            self.alive = False
            self.world.note(f"{self.name} ends: {how}")
            self.dead(how)
            for running in tuple(self._running):
                running.close()

    def dead(self, how: str) -> None:
        """For who inherits: what the world does about it."""

    def stall(self, how_long_s: float) -> None:
        """Nothing of this process gets on for so long; its clocks go on."""
        self.stalled_until_s = self.world.now_s + how_long_s
        self.world.note(f"{self.name} stalls for {how_long_s:.1f} s")

    def may_crash(self, share: float, points: Callable[[], Iterable[str]]) -> None:
        """A point where the plug may be pulled; `points` names it as section 13 does."""
        if share > 0 and self.alive and self.world.dice.random() < share:
            for point in dict.fromkeys(points()):
                self.world.count(f"crash:{point}")
            raise Crash(self)

    def later(self, delay_s: float, do: Callable[[], None]) -> Timer:
        """A timer of this process."""
        return self.at(self.world.now_s + delay_s, do)

    def at(self, time_s: float, do: Callable[[], None]) -> Timer:
        """A timer for a moment: asking for it by a delay may round it down to just before."""
        timer = Timer(self, do)
        self.world.at(time_s, timer)
        return timer

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run a coroutine of this process; its first step is the next thing that happens."""
        running = Running(self, work)
        self._running[running] = None
        self.later(0.0, lambda: running.step(None))

    def forget(self, running: Running) -> None:
        self._running.pop(running, None)


class Timer:
    """Like a handle of a loop: it can be cancelled, and does nothing for the dead."""

    def __init__(self, process: Process, do: Callable[[], None]) -> None:
        self._process, self._do, self._cancelled = process, do, False

    def cancel(self) -> None:
        self._cancelled = True

    def __call__(self) -> None:
        process = self._process
        if process.alive and not self._cancelled:
            if process.stalled_until_s > process.world.now_s:
                process.world.at(process.stalled_until_s, self)
            else:
                self._do()


Resume = Callable[[Any], None]


class Wait(Awaitable[Any]):
    """What a shell waits for: `begin` is told whom to call with the answer, or with an exception to raise."""

    def __init__(self, begin: Callable[[Resume], None]) -> None:
        self.begin = begin

    def __await__(self) -> Generator[Wait, Any, Any]:
        return (yield self)


class Running:
    """A coroutine that is stepped by hand."""

    def __init__(self, process: Process, work: Coroutine[Any, Any, Any]) -> None:
        self._process, self._work = process, work

    def step(self, answer: Any) -> None:
        if not self._process.alive:
            return
        try:
            throw = isinstance(answer, BaseException)
            wait = self._work.throw(answer) if throw else self._work.send(answer)
        except StopIteration:
            self._process.forget(self)
            return
        if wait is None:  # asyncio.sleep(0)
            self._process.later(0.0, lambda: self.step(None))
        elif isinstance(wait, asyncio.Future):  # a lock or a pause of asyncio
            wait._asyncio_future_blocking = False
            wait.add_done_callback(lambda _: self.step(None))
        else:
            wait.begin(self.step)

    def close(self) -> None:
        self._process.forget(self)
        with suppress(ValueError, RuntimeError):  # it is running right now, and its own exception ends it
            self._work.close()


class Bell:
    """Like asyncio.Event, for one who waits."""

    def __init__(self, process: Process) -> None:
        self._process, self._rung = process, False
        self._resume: Resume | None = None

    def set(self) -> None:
        self._rung = True
        resume, self._resume = self._resume, None
        if resume is not None:
            self._process.later(0.0, lambda: resume(None))

    def clear(self) -> None:
        self._rung = False

    async def wait(self) -> None:
        if not self._rung:
            await Wait(self._keep)

    def _keep(self, resume: Resume) -> None:
        self._resume = resume
