"""The server of the world: the real runner, sessions, route and store; invented threads, clock, dice and crashes."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import TYPE_CHECKING, Any
from weakref import finalize

from protocol.packets import OpenR
from protocol.problems import Problem, StoreFailed
from protocol.values import ConvId, Did, MediaId, Uid
from server.app.runner import Connection, Runner
from server.core.session import Rules
from server.core.values import Identity
from server.ports import Carrier, StoreUnknown
from server.routes.local import LocalRoute
from server.stores.memory import Inline
from server.stores.schema import SCHEMA
from server.stores.sqlite_accounts import SqliteAccounts
from server.stores.sqlite_retention import SqliteRetention
from server.stores.sqlite_store import SqliteStore
from server.stores.writer import Writer, _hand_out, _Job
from tests.simulation.network import Network
from tests.simulation.world import Process, Resume, Timer, Wait

if TYPE_CHECKING:
    from tests.simulation.oracle import Oracle


def now(work: Coroutine[Any, Any, Any]) -> Any:
    """The answer of a coroutine that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits")


def memory() -> sqlite3.Connection:
    """A database that lives as long as somebody holds it; whichever thread then collects it may close it."""
    return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False, cached_statements=512)


class Clock:
    """The server's clock; the wall may be wrong by `skew_ms`."""

    def __init__(self, network: Network, disk: ServerDisk) -> None:
        self._world, self._disk = network.world, disk

    def now_s(self) -> float:
        return self._world.now_s

    def now_ms(self) -> int:
        return max(0, self._world.now_ms() + self._disk.skew_ms)


class Dice:
    """The world's dice as the server's port."""

    def __init__(self, network: Network) -> None:
        self._dice = network.world.dice

    def fraction(self) -> float:
        return self._dice.random()

    def some_bytes(self, size: int) -> bytes:
        return self._dice.randbytes(size)


class ServerDisk:
    """The server's data, and the people on it. It outlives processes."""

    def __init__(self, network: Network) -> None:
        self.db = memory()
        finalize(self, self.db.close)
        self._inline = Inline(self.db)
        self.skew_ms = 0  # how wrong the clock of this computer is
        self.clock = Clock(network, self)
        self._store = SqliteStore(self._inline, self.clock, Dice(network))
        self._dice = network.world.dice
        self.backup: sqlite3.Connection | None = None

    def add_person(self, uid: Uid, name: str) -> None:
        self.db.execute("insert into account (uid, name, made_ms) values (?, ?, 0)", (uid, name))

    def add_device(self, uid: Uid, did: Did, token: str) -> None:
        hashed = hashlib.sha256(token.encode()).digest()
        self.db.execute("insert into device (did, uid, token_sha256) values (?, ?, ?)", (int(did), uid, hashed))

    def back_up(self) -> None:
        """An operator copies the data."""
        self.backup = memory()
        finalize(self, self.backup.close)
        self.db.backup(self.backup)

    def restore(self) -> str:
        """The copy is put back, and says so: `gen` rises, `base` is noted (P-68). Returns the generation."""
        assert self.backup is not None
        (old,) = self.db.execute("select value from meta where key = 'gen'").fetchone() or ("0.",)
        self.backup.backup(self.db)
        gen = f"{int(old.partition('.')[0]) + 1}.{self._dice.randbytes(8).hex()}"
        self.db.execute("begin immediate")
        self.db.execute("insert or replace into meta values ('gen', ?)", (gen,))
        self.db.execute("update conv set base = min(coalesce(base, head), head)")
        self.db.execute("commit")
        return gen

    def upload(self, did: Did, conv: ConvId, done: bool) -> MediaId:
        """A file has come over HTTP, or half of it."""
        (number,) = self.db.execute("select count(*) + 1 from upload").fetchone()
        media = MediaId(f"m{number}")
        row = {"media": media, "conv": conv, "did": int(did), "number": number, "size": 10, "offset": 10 if done else 5}
        row |= {"sha256": b"\0" * 32, "done": int(done), "touched": 0}
        marks = ", ".join(f":{name}" for name in row)
        self.db.execute(f"insert into upload ({', '.join(row)}) values ({marks})", row)
        return media

    def block(self, conv: ConvId, uid: Uid, blocked: bool) -> None:
        """Somebody does not want to hear the other one of a direct conversation (P-70)."""
        self.db.execute("update member set blocked = ? where conv = ? and uid = ?", (blocked, conv, uid))

    def open(self, who: Identity, wish: OpenR) -> ConvId:
        answer, _ = now(self._store.open_conversation(who, wish))
        return ConvId(answer.conv)


class SimWriter(Writer):
    """The real writer without its threads: each takes what waits, works, and hands out a moment later."""

    def __init__(self, server: Server, db: sqlite3.Connection) -> None:
        self._server = server
        self._db = self._reader = db
        self._schema = SCHEMA
        self._writing = SimThread(server, self._write_group)  # type: ignore[assignment]
        self._reading = SimThread(server, self._read_group)  # type: ignore[assignment]
        self._kinds: dict[str, None] = {}

    async def _ask(self, thread: Any, work: Any, items: Sequence[Any] | None) -> Any:
        """As the real one, but for the future."""

        def begin(resume: Resume) -> None:
            thread.submit(_Job(work, items, resume))

        return await Wait(begin)

    def _write_all(self, jobs: list[_Job]) -> Exception | None:
        """The disk may be full, and everything is undone."""
        store = self._server.store
        lots = {id(store._accept): "T1", id(store._climb): "T3"}
        self._kinds = dict.fromkeys(lots.get(id(job.work), "T2") for job in jobs)
        failure = super()._write_all(jobs)
        if failure is None and self._server.world.chance(self._server.network.weather.store_failure):
            self._server.world.count("fault:server's disk failed")
            return self._undo(StoreFailed())
        return failure

    def _undo(self, error: Exception) -> Exception:
        assert self._db is not None
        self._db.execute("rollback")
        return error

    def _commit(self) -> Exception | None:
        """The plug may be pulled before and after; an error may be reported, whatever became of it (P-37)."""
        assert self._db is not None
        weather, world = self._server.network.weather, self._server.world
        try:
            self._server.may_crash(weather.server_crash, lambda: self._points(_BEFORE))
        except BaseException:
            self._db.execute("rollback")
            raise
        if world.chance(weather.commit_unknown):
            outcome = world.dice.choice(("rollback", "commit"))
            self._db.execute(outcome)
            world.count("crash:S4")
            world.count(f"fault:commit reported an error after {outcome}")
            self._server.oracle.server_disk()
            return StoreUnknown()
        failure = super()._commit()
        kinds = self._kinds
        self._server.oracle.server_disk(marks="T3" in kinds or "T2" in kinds, rest="T2" in kinds)
        self._server.may_crash(weather.server_crash, lambda: self._points(_BEHIND))
        return failure

    def _points(self, names: dict[str, str]) -> Iterator[str]:
        """Where a crash around this commit strikes (section 13)."""
        return (names[kind] for kind in self._kinds)


_BEFORE = {"T1": "S1", "T2": "S7", "T3": "S5"}
_BEHIND = {"T1": "S2", "T2": "S7", "T3": "S6"}


class SimThread:
    """A thread with a queue that is emptied at once."""

    def __init__(self, server: Server, perform: Callable[[list[_Job]], None]) -> None:
        self._server, self._perform = server, perform
        self._waiting: list[_Job] = []
        self._busy = False

    def submit(self, job: _Job) -> None:
        self._waiting.append(job)
        self._wake()

    def _wake(self) -> None:
        if self._waiting and not self._busy:
            self._busy = True
            self._server.later(self._pause_s(), self._work)

    def _work(self) -> None:
        jobs, self._waiting = self._waiting, []
        self._perform(jobs)
        self._server.later(self._pause_s(), lambda: self._give(jobs))

    def _give(self, jobs: list[_Job]) -> None:
        self._busy = False
        self._wake()
        _hand_out(jobs)

    def _pause_s(self) -> float:
        return self._server.world.dice.uniform(0.0, self._server.network.weather.disk_max_s)


class SimRoute(LocalRoute):
    """Doorbells that get lost on their way."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self._network = network

    def publish(self, bell: Any) -> None:
        if self._network.weather.no_bell and self._network.world.chance(self._network.weather.no_bell):
            self._network.world.count("fault:doorbell lost")
        else:
            super().publish(bell)


class SimTasks:
    """Like `server.app.tasks`."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        self._server.start(work)


class SimConnection(Connection):
    """The real connection with a timer of this world."""

    def _arm(self) -> None:
        due_s = self._session.next_wakeup_s()
        if due_s >= self._due_s or due_s == float("inf"):
            return
        if self._timer is not None:
            self._timer.cancel()
        runner = self._runner
        assert isinstance(runner, SimRunner)
        self._due_s = due_s
        timer: Any = runner.at(due_s, self._wake)
        self._timer = timer


class InOrder(dict[Connection, None]):
    """A set that always lists its members in the same order, so that a seed replays."""

    def add(self, connection: Connection) -> None:
        self[connection] = None

    def discard(self, connection: Connection) -> None:
        self.pop(connection, None)


class SimRunner(Runner):
    """The real runner; *soon* means soon in this world."""

    def __init__(self, server: Server, **parts: Any) -> None:
        super().__init__(**parts)
        self._tasks = SimTasks(server)  # type: ignore[assignment]
        self._connections = InOrder()  # type: ignore[assignment]
        self.later: Callable[[float, Callable[[], None]], Timer] = server.later
        self.at: Callable[[float, Callable[[], None]], Timer] = server.at

    def connect(self, carrier: Carrier) -> Connection:
        connection = SimConnection(self, carrier)
        self._connections.add(connection)
        return connection

    def flush_soon(self, connection: Connection) -> None:
        if not self._dirty:
            self.later(0.0, self._flush)
        self._dirty.append(connection)

    def _submit_soon(self) -> None:
        if not self._offers and not self._moves:
            self.later(0.0, self._submit)


class Server(Process):
    """One run of the server on its disk."""

    def __init__(self, network: Network, oracle: Oracle, disk: ServerDisk, fell: Callable[[str], None]) -> None:
        super().__init__(network.world, "server")
        self.network, self.oracle, self._fell = network, oracle, fell
        route = SimRoute(network)
        clock, dice = disk.clock, Dice(network)
        writer = SimWriter(self, disk.db)
        store = self.store = SqliteStore(writer, clock, dice)
        self._retention = SqliteRetention(writer)
        store._accept.work = self._mistaken(store._accept.work)
        self.runner = SimRunner(
            self,
            store=store,
            accounts=SqliteAccounts(writer, clock.now_ms, dice.some_bytes),
            route=route,
            presence=route,
            clock=clock,
            dice=dice,
            rules=Rules(),
        )
        network.server = self

    def trim(self, most: int) -> None:
        """The housekeeper removes what an operator does not want to keep (P-84)."""
        self.world.count("deed:log trimmed")
        self.start(self._trim(most))

    async def _trim(self, most: int) -> None:
        try:
            while await self._retention.expire(0, most):
                self.may_crash(self.network.weather.server_crash, lambda: ("S11",))
            await self._retention.trim()
        except (Problem, StoreUnknown):
            self.world.note("the housekeeper tries again another time")

    def _mistaken(self, work: Any) -> Any:
        """An exception where an offer is decided: our own mistake (P-39)."""

        def maybe(db: sqlite3.Connection, offers: Sequence[Any]) -> Any:
            answers = work(db, offers)
            if self.world.chance(self.network.weather.mistake):
                self.world.count("fault:exception in our own code")
                raise RuntimeError("planted")
            return answers

        return maybe

    def dead(self, how: str) -> None:
        if self.network.server is self:
            self.network.server = None
        self.network.server_died()
        self._fell(how)
