"""The server of the world: the real runner, sessions, route and store; invented threads, clock, dice and crashes."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any
from weakref import finalize

from protocol.packets import OpenR
from protocol.problems import StoreFailed
from protocol.values import ConvId, Did, Uid
from server.app.runner import Connection, Runner
from server.core.session import Rules
from server.core.values import Identity
from server.ports import Carrier, StoreUnknown
from server.routes.local import LocalRoute
from server.stores.memory import Inline
from server.stores.schema import SCHEMA
from server.stores.sqlite_accounts import SqliteAccounts
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
        self.db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)  # closed by any thread
        finalize(self, self.db.close)
        self._inline = Inline(self.db)
        self._store = SqliteStore(self._inline, network.world_clock(), Dice(network))

    def add_person(self, uid: Uid, name: str) -> None:
        self.db.execute("insert into account (uid, name, made_ms) values (?, ?, 0)", (uid, name))

    def add_device(self, uid: Uid, did: Did, token: str) -> None:
        hashed = hashlib.sha256(token.encode()).digest()
        self.db.execute("insert into device (did, uid, token_sha256) values (?, ?, ?)", (int(did), uid, hashed))

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

    async def _ask(self, thread: Any, work: Any, items: Sequence[Any] | None) -> Any:
        """As the real one, but for the future."""

        def begin(resume: Resume) -> None:
            thread.submit(_Job(work, items, resume))

        return await Wait(begin)

    def _write_all(self, jobs: list[_Job]) -> Exception | None:
        """The disk may be full, and everything is undone."""
        failure = super()._write_all(jobs)
        if failure is None and self._server.world.chance(self._server.network.weather.store_failure):
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
            self._server.may_crash(weather.server_crash)
        except BaseException:
            self._db.execute("rollback")
            raise
        if world.chance(weather.commit_unknown):
            self._db.execute(world.dice.choice(("rollback", "commit")))
            self._server.oracle.server_disk()
            return StoreUnknown()
        failure = super()._commit()
        self._server.oracle.server_disk()
        self._server.may_crash(weather.server_crash)
        return failure


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
        timer: Any = runner.later(due_s - runner.clock.now_s(), self._wake)
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

    def __init__(self, network: Network, oracle: Oracle, disk: ServerDisk) -> None:
        super().__init__(network.world, "server")
        self.network, self.oracle = network, oracle
        route = LocalRoute()
        clock, dice = network.world_clock(), Dice(network)
        writer = SimWriter(self, disk.db)
        store = SqliteStore(writer, clock, dice)
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

    def _mistaken(self, work: Any) -> Any:
        """An exception where an offer is decided: our own mistake (P-39)."""

        def maybe(db: sqlite3.Connection, offers: Sequence[Any]) -> Any:
            answers = work(db, offers)
            if self.world.chance(self.network.weather.mistake):
                raise RuntimeError("planted")
            return answers

        return maybe

    def dead(self) -> None:
        if self.network.server is self:
            self.network.server = None
        self.network.server_died()
