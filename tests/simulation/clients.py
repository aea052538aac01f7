"""A client of the world: the real runner, engine and database code; invented wire, clock, dice and crashes.

What is made again here is the border to asyncio: the bell, the alarm and the thread of the database.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import finalize

from client.adapters.sqlite_messages import SqliteMessages
from client.adapters.sqlite_saves import Saver
from client.adapters.sqlite_schema import open_database
from client.app.runner import Runner, _Wish
from client.core import effects as do
from client.core.effects import Effect, Save, Told
from client.core.engine import Engine
from client.core.events import Ask, Cancel, Compose, Event, OwnAbove, Received, Resend, WireDown, WireUp
from client.core.model import Bubble, Line, Me, Memory
from protocol.codec import Garbled
from protocol.content import Change, Content, Edit, Reaction, Recall, Text, pack
from protocol.ladder import Ladder
from protocol.lanes import digest
from protocol.packets import FromServer, Packet, Relation
from protocol.problems import Problem, StoreFailed, problem
from protocol.values import ConvId, Digest, Lid, MediaId
from tests.simulation.network import Wire
from tests.simulation.world import Bell, Process, Resume, Wait

if TYPE_CHECKING:
    from tests.simulation.network import Network
    from tests.simulation.oracle import Oracle

T = TypeVar("T")
GOING_AWAY = 1001


def in_memory() -> sqlite3.Connection:
    """An empty database that lives as long as somebody holds it; whichever thread then collects it may close it."""
    return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False, cached_statements=512)


def blank() -> bytes:
    """A fresh profile's database."""
    with closing(in_memory()) as connection:
        open_database(Path("none"), lambda _: connection)
        return bytes(connection.serialize())


BLANK = blank()


PASSING = ("", "server_unreachable", "busy", "server_full", "replaced_elsewhere")
"""What the weather of a world may do to a line; anything else is somebody's mistake."""


class Disk(SqliteMessages):
    """The client's database in memory: every method is the real one, on a thread that the world imagines.

    It outlives processes. What is committed stays; a copy of it is a profile restored from a backup.
    """

    def __init__(self, data: bytes) -> None:
        connection = in_memory()
        finalize(self, connection.close)
        connection.deserialize(data)
        self._db = open_database(Path("none"), lambda _: connection)
        self._saver = Saver(connection)
        self.owner: Client | None = None
        self.skew_ms = 0  # how wrong the clock of this computer is
        self._saving: Sequence[Save] = ()

    @property
    def db(self) -> sqlite3.Connection:
        assert self._db is not None
        return self._db.conn

    def copy(self) -> bytes:
        return bytes(self.db.serialize())

    def is_mine(self, me: Me) -> None:
        """An account, as after joining."""
        self._transact(lambda db: self._become(db, me), durable=True)

    async def save(self, saves: Sequence[Save]) -> list[Bubble]:
        """As the real one, but nobody looks at the bubbles."""

        def write(_: sqlite3.Connection) -> list[Bubble]:
            assert self._saver is not None
            self._saver.write(saves)
            return []

        self._saving = saves
        return await self._write(write)

    async def _on_thread(self, work: Callable[[], T]) -> T:
        """The thread takes a moment; the plug may be pulled before and after the work, and a disk may fail."""
        owner = self.owner
        assert owner is not None
        weather, dice = owner.network.weather, owner.world.dice
        saves, self._saving = self._saving, ()

        def begin(resume: Resume) -> None:
            owner.later(dice.uniform(0.0, weather.disk_max_s), lambda: finish(resume))

        def finish(resume: Resume) -> None:
            owner.may_crash(weather.client_crash, lambda: _points(saves, _BEFORE))
            if owner.world.chance(weather.disk_failure):
                owner.world.count("fault:client's disk failed, nothing stored")
                resume(StoreFailed())
                return
            answer: Any
            try:
                answer = work()
            except Problem as failure:
                answer = failure
            owner.oracle.client_disk(owner)
            owner.may_crash(weather.client_crash, lambda: _points(saves, _BEHIND))
            if owner.world.chance(weather.disk_failure):
                owner.world.count("fault:client's disk failed, outcome unknown")
                answer = StoreFailed()
            resume(answer)

        return await Wait(begin)  # type: ignore[no-any-return]


_BEFORE: dict[type, str] = {
    do.SaveComposed: "C1",
    do.SaveArrived: "C5",
    do.SaveSettled: "C3",
    do.SaveRenumbered: "C9",
    do.SaveMarks: "C10",
}
_BEHIND: dict[type, str] = {
    do.SaveComposed: "C2",
    do.SaveArrived: "C6",
    do.SaveSettled: "C4",
    do.SaveRenumbered: "C9",
    do.SaveMarks: "C10",
}


def _points(saves: Sequence[Save], names: dict[type, str]) -> Iterator[str]:
    """Where a crash around these saves strikes (section 13)."""
    for save in saves:
        if type(save) in names:
            yield names[type(save)]
        elif isinstance(save, do.SaveState) and save.wish == "cancel":
            yield "C8"


class Hands:
    """What `client.app.performer` does, as far as it concerns the line; what one turn says leaves together."""

    def __init__(self, client: Client, network: Network) -> None:
        self._client, self._network = client, network
        self._base = self._highest = 0
        self._wires: dict[int, Wire] = {}
        self._unsaid: dict[int, list[Packet]] = {}

    def do(self, effect: Effect) -> None:
        match effect:
            case do.Connect(wire):
                self._highest = self._base + wire
                for number in tuple(self._wires):
                    self._wires[number].hang_up(1000)
                self._wires[self._highest] = self._network.dial(self._client, self._highest)
            case do.HangUp(wire, close):
                self._say()
                if line := self._wires.get(self._base + wire):
                    line.hang_up(close)
            case do.Send(wire, packets):
                number = self._base + wire
                self._client.oracle.client_says(self._client, number, packets)
                if not self._unsaid:
                    self._client.later(0.0, self._say)
                self._unsaid.setdefault(number, []).extend(packets)
            case do.FindOwnAbove(bases):
                self._client.start(self._find(bases, self._base))

    def _say(self) -> None:
        unsaid, self._unsaid = self._unsaid, {}
        for number, packets in unsaid.items():
            if line := self._wires.get(number):
                line.say(packets)

    def drop(self) -> None:
        for wire in tuple(self._wires.values()):
            wire.hang_up(GOING_AWAY)
        self._base = self._highest

    def gone(self) -> None:
        for wire in tuple(self._wires.values()):
            wire.client_gone()

    async def _find(self, bases: Sequence[tuple[ConvId, int]], base: int) -> None:
        try:
            own = await self._client.disk.own_above(bases)
        except Problem:
            for wire in tuple(self._wires.values()):
                wire.hang_up(GOING_AWAY)
        else:
            if base == self._base:
                self._client.runner.post(OwnAbove(own))

    def up(self, number: int) -> None:
        self._hear(WireUp(number - self._base))

    def received(self, number: int, packets: list[FromServer | Garbled]) -> None:
        if number == self._highest:
            self._client.oracle.client_hears(self._client, packets)
        self._hear(Received(number - self._base, tuple(packets)))

    def down(self, number: int, close: int, retry_ms: int, why: str = "") -> None:
        self._wires.pop(number, None)
        self._hear(WireDown(number - self._base, close, retry_ms, why))

    def _hear(self, event: WireUp | Received | WireDown) -> None:
        if event.wire > 0:
            self._client.runner.post(event)


class Answer:
    """Like the future of a wish."""

    def __init__(self) -> None:
        self.refused: BaseException | None = None
        self.over = False

    def done(self) -> bool:
        return self.over

    def set_result(self, _: None) -> None:
        self.over = True

    def set_exception(self, why: BaseException) -> None:
        self.over, self.refused = True, why


class SimRunner(Runner):
    """The real runner with a bell and an alarm of this world."""

    def __init__(self, client: Client) -> None:
        super().__init__(client.disk, client, client.make, client)
        self._bell = Bell(client)  # type: ignore[assignment]
        self._alarm = Alarm(client, self._bell.set)  # type: ignore[assignment]


class Alarm:
    """Like `client.app.timers.Alarm`."""

    def __init__(self, client: Client, ring: Callable[[], None]) -> None:
        self._client, self._ring = client, ring
        self._due_s: float | None = None

    def set(self, due_s: float | None) -> None:
        if due_s is None or (self._due_s is not None and self._due_s <= due_s):
            return
        self._due_s = due_s
        self._client.at(due_s, lambda: self._fire(due_s))

    def stop(self) -> None:
        self._due_s = None

    def _fire(self, due_s: float) -> None:
        if due_s == self._due_s:
            self._due_s = None
            self._ring()


class Client(Process):
    """One run of the program on one disk. It is clock and stage of its runner."""

    def __init__(
        self,
        network: Network,
        oracle: Oracle,
        disk: Disk,
        name: str,
        ladder: Ladder,
        fell: Callable[[str], None] = lambda how: None,
    ) -> None:
        super().__init__(network.world, name)
        self.network, self.oracle, self.disk = network, oracle, disk
        disk.owner = self
        self._ladder, self._fell = ladder, fell
        self.me: Me | None = None
        self.line = Line("offline")
        self.next_lid = 1
        self._asked: dict[Lid, float] = {}
        self.hands = Hands(self, network)
        self.runner = SimRunner(self)
        self.start(self.runner.run())

    def dead(self, how: str) -> None:
        self.hands.gone()
        self._fell(how)

    def make(self, memory: Memory) -> Engine:
        return Engine(memory, self._ladder, self.wall_ms(), self.world.dice.random)

    # --- the person

    def wish(self, event: Event) -> Answer:
        """Somebody wants this."""
        answer = Answer()
        self.runner._queue.append(_Wish(event, answer))  # type: ignore[arg-type]
        self.runner._bell.set()
        return answer

    def says(self, conv: ConvId, text: str, *media: MediaId) -> None:
        """As `Chat._compose`: the words are frozen, and get a number when they are written down."""
        assert self.me is not None
        nonce = self.world.dice.randbytes(8)
        self.sends(conv, pack(Content(self.me.uid, conv, nonce, self.wall_ms(), Text(text))), *media)

    def sends(self, conv: ConvId, content: bytes, *media: MediaId) -> None:
        assert self.me is not None
        self.oracle.spoken(self.me, conv, content)
        lid, self.next_lid = Lid(self.next_lid), self.next_lid + 1
        self.wish(Compose(lid, conv, content, digest(conv, content), self.wall_ms(), media))

    def relates(self, conv: ConvId, kind: str, pos: int, target: Digest, text: str) -> None:
        """Something is done to another message, by a message."""
        assert self.me is not None
        bodies: dict[str, Change] = {"edit": Edit(target, text), "recall": Recall(target)}
        body = bodies.get(kind, Reaction(target, "👍"))
        content = pack(Content(self.me.uid, conv, self.world.dice.randbytes(8), self.wall_ms(), body))
        self.oracle.spoken(self.me, conv, content)
        lid, self.next_lid = Lid(self.next_lid), self.next_lid + 1
        rel = Relation(kind, pos)  # type: ignore[arg-type]
        self.wish(Compose(lid, conv, content, digest(conv, content), self.wall_ms(), rel=rel, target=target))

    def cancels(self, lid: Lid) -> None:
        self.oracle.asks_again(self)
        self.wish(Cancel(lid))

    def asks(self, lid: Lid) -> None:
        """What became of it? The answer must be there within 3 s, whatever it is (P-57, L5)."""
        self._asked[lid] = self.world.now_s
        self.wish(Ask(lid))

    def sends_again(self, lid: Lid) -> None:
        self.oracle.asks_again(self)
        self.wish(Resend(lid))

    # --- the port Clock

    def now_s(self) -> float:
        return self.world.now_s

    def wall_ms(self) -> int:
        return max(0, self.world.now_ms() + self.disk.skew_ms)

    # --- the runner's stage

    def loaded(self, memory: Memory) -> None:
        self.me = memory.me
        self.next_lid = max(self.next_lid, memory.next_lid)

    def saved(self, saves: Sequence[Save], bubbles: Sequence[Bubble]) -> None:
        pass

    def perform(self, effect: Effect) -> None:
        self.may_crash(self.network.weather.client_crash, lambda: ("C7",))
        if isinstance(effect, do.LineChanged):
            self.line = effect.line
            if self.line.code not in PASSING:
                self.world.blame(f"{self.name} stopped: {self.line.code}")
        elif isinstance(effect, Told) and effect.code == "bad_frame":
            self.world.blame(f"{self.name} got a frame that does not account for its positions (P-42)")
        self.hands.do(effect)

    def broken(self, why: Problem, retry_s: float) -> None:
        self.line = Line("offline", retry_s, why.code)
        self.world.note(f"{self.name} begins again: {why.code}")

    def refusal(self, told: Told) -> Problem:
        return problem(told.code)

    def drop(self) -> None:
        self.hands.drop()
