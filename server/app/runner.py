"""Between machines, store and doors: performs what sessions ask for, brings them what came of it; decides nothing.

What many sessions ask of the store in one turn of the loop becomes one request, and what they send in one turn
becomes one write per connection (joined frames and group commit are where the speed is).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from itertools import count

from protocol.codec import Garbled
from protocol.limits import BUSY_RETRY_MS, REMOVED_LOOK_S, RETRY_EACH_MS, UNSEEN_MAX_S
from protocol.packets import FromClient, FromServer, Here
from protocol.problems import Problem
from protocol.values import ConvId, Uid
from server.app.company import Company
from server.app.counts import Counts
from server.app.crash_points import crash_point
from server.app.pages import Line, Pages
from server.app.tasks import Tasks
from server.app.wishes import Wish, grant
from server.core import effects as do
from server.core import events as on
from server.core.acceptance import Answer, Offer, Settled, Spoiled, Taken
from server.core.copies import Copies
from server.core.crowd import CrowdBell
from server.core.delivery import bells, marks_bells, recounted
from server.core.moves import Bell, MarksBell, Move, Moved, PrefsBell
from server.core.rates import Allowance, Allowances
from server.core.session import Rules, Session
from server.core.stubborn import Stubborn
from server.core.typing import TypingBell
from server.core.values import Identity
from server.ports import Accounts, Carrier, Clock, Dice, Presence, Ring, Route, Store, StoreUnknown

log = logging.getLogger("hexagram.server")

NO_MORE_S = float("-inf")  # earlier than any wake-up: what still comes for a connection that is gone sets no timer


class Connection:
    """One connection: its machine, its wire, its one timer."""

    def __init__(self, runner: Runner, carrier: Carrier) -> None:
        self._runner, self._carrier = runner, carrier
        self._session = Session(runner.clock.now_s(), runner.rules)
        self._timer: asyncio.TimerHandle | None = None
        self._due_s = float("inf")
        self._unsent_bytes = 0
        self._out: list[FromServer] = []
        self.who: Identity | None = None
        self.pages = Line(self)
        self.number = runner.next_number()
        self._replaced = False
        self._arm()

    # --- from the door

    def received(self, packets: Sequence[FromClient | Garbled]) -> None:
        """One frame came in."""
        self.post(on.Received(tuple(packets)))

    def heard(self) -> None:
        """Bytes came in of a frame that takes its time."""
        self.post(on.Heard())

    def ended(self, *, answered: bool = False) -> None:
        """The connection is gone; what it asked of the store is done all the same."""
        if self._replaced and answered and self.who is not None:
            self._runner.displaced(self.who)
        if self._timer is not None:
            self._timer.cancel()
        self._due_s = NO_MORE_S
        self._runner.forget(self)

    # --- from the route

    def ring(self, bell: Ring) -> None:
        """There is news."""
        match bell:
            case Bell():
                self.post(on.Rung(bell))
            case MarksBell():
                self.post(on.MarksRung(bell, self._runner.dice.fraction()))
            case CrowdBell():
                self.post(on.CrowdRung(bell))
            case PrefsBell(prefs):
                self.post(on.ChoiceRung(prefs))
            case TypingBell(conv, uid, doing):
                self.post(on.Typed(conv, uid, doing))

    def told(self, people: tuple[Here, ...]) -> None:
        """Where people are, whom this session watches."""
        self.post(on.Told(people))

    def replaced(self, sn: int) -> None:
        """A newer session of this device began."""
        self._replaced = True
        self.post(on.Replaced(sn))

    # --- from the runner

    def gone(self) -> bool:
        """Whether it has ended, or is about to."""
        return self._session.closed or not self._runner.holds(self)

    def unsent_bytes(self) -> int:
        """What the other side has not read."""
        return self._carrier.unsent_bytes()

    def allow(self, allowance: Allowance) -> None:
        """What its device may ask."""
        self._session.allow(allowance)

    def post(self, event: on.Event) -> None:
        """Let the session handle an event, and do as it says, in order."""
        for effect in self._session.handle(event, self._runner.clock.now_s()):
            if isinstance(effect, do.Send):
                if not self._out:
                    self._runner.flush_soon(self)
                self._out += effect.packets
            elif isinstance(effect, do.Close):
                self._close(effect)
            else:
                self._runner.perform(self, effect)
        self._arm()

    def flush(self) -> None:
        """Write what has gathered; tell the session how much the other side has not read."""
        if self._out:
            packets, self._out = self._out, []
            self._carrier.send(packets)
            self._measure()

    def _measure(self) -> None:
        """Nothing unsent, as nearly always, is no news."""
        before_bytes, self._unsent_bytes = self._unsent_bytes, self._carrier.unsent_bytes()
        if before_bytes or self._unsent_bytes:
            self.post(on.Unsent(self._unsent_bytes))

    def _close(self, close: do.Close) -> None:
        packets, self._out = self._out, []
        if packets:
            self._carrier.send(packets)
        self._carrier.close(close.code, close.reason)
        self._runner.detach(self)

    def _arm(self) -> None:
        """At most one timer; it is not moved for a later time, only for an earlier one. None for who is gone."""
        due_s = self._session.next_wakeup_s()
        if due_s >= self._due_s or due_s == float("inf"):
            return
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._due_s = due_s
        self._timer = loop.call_later(max(0.0, due_s - self._runner.clock.now_s()), self._wake)

    def _wake(self) -> None:
        self._due_s, self._timer = float("inf"), None
        if self._session.next_wakeup_s() <= self._runner.clock.now_s():
            self._measure()
            self.post(on.Tick())
        else:
            self._arm()


class Runner:
    """All connections of this process."""

    def __init__(
        self,
        *,
        store: Store,
        accounts: Accounts,
        route: Route,
        presence: Presence,
        clock: Clock,
        dice: Dice,
        rules: Rules | None = None,
    ) -> None:
        self._store, self._accounts, self._route, self._presence = store, accounts, route, presence
        self.clock, self.dice = clock, dice
        self.rules = rules or Rules()
        self.company = Company(store, route, clock)
        self._copies = Copies()
        self._stubborn = Stubborn()
        self._numbers = count(1)
        self._allowances = Allowances(self.rules)
        self._pages = Pages()
        self._tasks = Tasks()
        self._counts = Counts(store, route, self._tasks, _later, self.rules.crowd_join_s)
        self._connections: set[Connection] = set()
        self._dirty: list[Connection] = []
        self._offers: list[tuple[Connection, Sequence[Offer]]] = []
        self._moves: list[tuple[Connection, Sequence[Move]]] = []

    def next_number(self) -> int:
        """Another one for each connection."""
        return next(self._numbers)

    def connect(self, carrier: Carrier) -> Connection:
        """A connection came in."""
        connection = Connection(self, carrier)
        self._connections.add(connection)
        return connection

    def holds(self, connection: Connection) -> bool:
        """Whether it is still there."""
        return connection in self._connections

    def forget(self, connection: Connection) -> None:
        """A connection is gone."""
        self._connections.discard(connection)
        self.detach(connection)

    def detach(self, connection: Connection) -> None:
        """No more doorbells for it."""
        self._route.detach(connection)
        self.company.went(connection)

    async def stop(self) -> None:
        """Tell everybody to call again later, and finish what was begun (P-80)."""
        spread_ms = max(BUSY_RETRY_MS, RETRY_EACH_MS * len(self._connections))
        for connection in tuple(self._connections):
            connection.post(on.Stopping(1 + int(self.dice.fraction() * spread_ms)))
        await self._tasks.finish()
        await self.company.rest()

    async def watch(self, every_s: float = REMOVED_LOOK_S) -> None:
        """Look for removed devices now and then, for ever."""
        while True:
            await asyncio.sleep(every_s)
            await self.dismiss_removed()

    async def dismiss_removed(self) -> None:
        """End the sessions of devices that were removed after they had begun (P-62, SEC-9)."""
        here = {connection.who.did for connection in self._connections if connection.who is not None}
        if not here:
            return
        try:
            ended = await self._accounts.ended(here)
        except (Problem, StoreUnknown) as error:
            log.warning("a look at removed devices was put off: %r", error)
            return
        for connection in tuple(self._connections):
            if connection.who is not None and connection.who.did in ended:
                connection.post(on.Identified(None))

    def displaced(self, who: Identity) -> None:
        """A session that lived was replaced by a newer one of its device; more than now and then, it is two (P-14)."""
        if self._copies.replaced(who.did, self.clock.now_s()):
            self._tasks.start(self._end_copied(who))

    async def _end_copied(self, who: Identity) -> None:
        log.warning("a device was ended: its profile is in use in two places")
        try:
            await self._accounts.end_device(who.uid, who.did)
        except (Problem, StoreUnknown) as error:
            log.warning("it was not: %r", error)
            return
        for connection in tuple(self._connections):
            if connection.who is not None and connection.who.did == who.did:
                connection.post(on.Copied())

    def flush_soon(self, connection: Connection) -> None:
        """One write per connection and turn of the loop."""
        if not self._dirty:
            asyncio.get_running_loop().call_soon(self._flush)
        self._dirty.append(connection)

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        for connection in dirty:
            connection.flush()

    def _tell_all(self, event: on.Event) -> None:
        for connection in tuple(self._connections):
            connection.post(event)

    # --- effects

    def perform(self, connection: Connection, effect: do.Effect) -> None:
        """Begin what a session asked for; the answer comes as an event."""
        match effect:
            case do.Accept(offers):
                self._submit_soon()
                self._offers.append((connection, offers))
            case do.Raise(moves):
                self._submit_soon()
                self._moves.append((connection, moves))
            case do.ReadPage(ask) if not self._pages.asks(connection.pages, pulls=ask.pull):
                asyncio.get_running_loop().call_soon(connection.post, on.Failed("rate"))
            case do.ReadPage():
                self._tasks.start(self._page(connection, effect))
            case do.Open() | do.Change() | do.Choose():
                self._tasks.start(self._wish(connection, effect))
            case do.Type():
                self._tasks.start(self._type(connection, effect))
            case _:
                self._tasks.start(self._ask(connection, effect))

    def _submit_soon(self) -> None:
        if not self._offers and not self._moves:
            asyncio.get_running_loop().call_soon(self._submit)

    def _submit(self) -> None:
        offers, self._offers = self._offers, []
        moves, self._moves = self._moves, []
        if offers:
            self._tasks.start(self._accept(offers))
        if moves:
            self._tasks.start(self._raise(moves))

    async def _ask(self, connection: Connection, effect: do.Effect) -> None:
        try:
            event = await self._answer(connection, effect)
        except StoreUnknown as error:
            self._lost(error)
            return
        except Exception as error:
            event = _failed(effect, _code(error))
        connection.post(event)

    async def _page(self, connection: Connection, effect: do.ReadPage) -> None:
        async with self._pages.turn(connection.pages, len(self._connections)) as here:
            if here:
                await self._ask(connection, effect)

    async def _wish(self, connection: Connection, wish: Wish) -> None:
        """First the answer, then the doorbells."""
        assert connection.who is not None
        try:
            granted = await grant(self._store, connection.who, wish)
        except StoreUnknown as error:
            self._lost(error)
            return
        except Exception as error:
            connection.post(on.Failed(_code(error)))
            return
        connection.post(granted.event)
        for bell in granted.bells:
            self._route.publish(bell)
        self._counts.soon(granted.crowds)
        self.company.doubt(granted.people)

    async def _type(self, connection: Connection, effect: do.Type) -> None:
        """A hint: what is in its way is in the log, and nobody is told."""
        assert connection.who is not None
        try:
            await self.company.typing(connection.who, effect.conv, effect.doing)
        except StoreUnknown as error:
            self._lost(error)
        except Exception as error:
            _code(error)

    async def _answer(self, connection: Connection, effect: do.Effect) -> on.Event:
        if isinstance(effect, do.Identify):
            connection.who = await self._accounts.who_is(effect.token)
            return on.Identified(connection.who)
        if isinstance(effect, do.Begin):
            return await self._begin(connection, effect.who)
        assert connection.who is not None
        if isinstance(effect, do.Watch):
            return on.Told(await self.company.watch(connection, effect.uids))
        return await self._read(connection, connection.who, effect)

    async def _begin(self, connection: Connection, who: Identity) -> on.Event:
        """The doorbells are attached before the heads are read, or news between the two would be lost (P-86)."""
        seen_ms = await self._store.seen_ms(who.did)
        sn = await self._store.raise_session(who)
        if sn is None:
            return on.Identified(None)
        connection.allow(self._allowances.of(who.did, self.clock.now_s()))
        if connection in self._connections:
            self.company.came(who, connection)
            self._route.attach(who, sn, connection)
        prefs, heads = await self._store.prefs(who), await self._store.heads(who)
        gen, now_ms = await self._store.generation(), self.clock.now_ms()
        away = bool(seen_ms) and now_ms - seen_ms > UNSEEN_MAX_S * 1000
        return on.Begun(sn, gen, now_ms, heads, prefs, away)

    async def _read(self, connection: Connection, who: Identity, effect: do.Effect) -> on.Event:
        match effect:
            case do.ReadPage(ask):
                page = await self._store.page(who, ask)
                return on.Paged(self._stubborn.given(who.did, connection.number, page, self.clock.now_s()))
            case do.ReadMarks(conv, rev):
                return on.MarksRead(await self._store.marks_since(who, conv, rev))
            case do.ReadHeads():
                return on.HeadsRead(await self._store.heads(who))
            case do.ReadStates(keys):
                return on.Stated(await self._store.states(who, keys))
            case do.ReadMembers(conv):
                return on.MembersRead(await self._store.members(who, conv))
            case do.ReadPeople():
                return on.PeopleRead(await self._store.people())
        raise AssertionError(effect)

    # --- many at once

    async def _accept(self, asked: Sequence[tuple[Connection, Sequence[Offer]]]) -> None:
        offers = [offer for _, some in asked for offer in some]
        try:
            answers = await self._store.accept(offers)
            crash_point("S2")
        except StoreUnknown as error:
            self._lost(error)
            return
        except Exception as error:
            answers = [Spoiled(offer, _code(error)) for offer in offers]
        home = self._homes(answers)
        start = 0
        for connection, some in asked:
            connection.post(on.Decided(tuple(answers[start : start + len(some)]), home))
            start += len(some)
        crash_point("S3", last_deed=self._flush)
        for bell in bells(answers):
            self._route.publish(bell)

    def _homes(self, answers: Sequence[Answer]) -> frozenset[ConvId]:
        """Conversations where somebody else than the one who writes has a session."""
        asked: set[tuple[ConvId, Uid]] = set()
        home: set[ConvId] = set()
        for answer in answers:
            if isinstance(answer, Taken | Settled):
                key = (answer.offer.packet.conv, answer.offer.who.uid)
                if key not in asked:
                    asked.add(key)
                    if self._presence.somebody_home(answer.members, but=key[1]):
                        home.add(key[0])
        return frozenset(home)

    async def _raise(self, asked: Sequence[tuple[Connection, Sequence[Move]]]) -> None:
        moves = [move for _, some in asked for move in some]
        try:
            moved = await self._store.climb(moves)
            crash_point("S6")
        except StoreUnknown as error:
            self._lost(error)
            return
        except Exception as error:
            moved = [Moved(move, code=_code(error)) for move in moves]
        start = 0
        for connection, some in asked:
            connection.post(on.Climbed(tuple(moved[start : start + len(some)])))
            start += len(some)
        for bell in marks_bells(moved):
            self._route.publish(bell)
        self._counts.soon(recounted(moved))
        for each in moved:
            if not each.code and not each.move.read:
                self._stubborn.heard(each.move.who.did, each.move.conv, each.move.upto)

    def _lost(self, error: StoreUnknown) -> None:
        """Nobody knows whether it was committed: nobody is answered, everybody begins again (P-37)."""
        log.error("a commit reported an error: %r; all sessions begin again", error)
        why = error.args[0] if error.args else None
        self._tell_all(on.StoreLost(why.code) if isinstance(why, Problem) else on.StoreLost())


def _later(delay_s: float, call: Callable[[], None]) -> object:
    return asyncio.get_running_loop().call_later(delay_s, call)


def _failed(effect: do.Effect, code: str) -> on.Event:
    match effect:
        case do.ReadPage(ask) if not ask.pull:
            return on.Unread(ask.conv)
        case do.ReadMarks(conv):
            return on.Unread(conv, marks=True)
    return on.Failed(code)


def _code(error: Exception) -> str:
    """What to say of a failure that left nothing stored; a mistake of ours goes to the log."""
    if isinstance(error, Problem):
        return error.code
    log.error("a question to the store failed", exc_info=error)
    return "internal"
