"""Two people on a scripted network: alice sends, bob is there, away, or falls; what must be true in the end.

Everything between the two ends is the program itself: engine, runner and database of a client, session, runner and
store of the server.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from client.core.effects import Save
from client.core.model import Bubble, Me, State
from protocol.content import Text, unpack
from protocol.ladder import Ladder
from protocol.limits import STORED_AFTER_S
from protocol.packets import MsgN, MsgR, OfflineA, OfflineAckR, OfflineR, OpenR
from protocol.values import ConvId, Did, Lid, Uid
from server.core.values import Identity
from tests.conformance.script import Script, ScriptedNetwork
from tests.simulation.clients import BLANK, Client, Disk
from tests.simulation.oracle import Oracle
from tests.simulation.schedule import _listening
from tests.simulation.servers import Server, ServerDisk
from tests.simulation.world import Crash, World

Recipient = Literal["online", "offline", "crashing"]
Fall = Literal["", "before T4", "before ack:R"]

AWAY_S = 130.0  # longer than the ladder
BACK_S = 100.0  # everything of before has arrived, whatever was lost
DOWN_S = 2.0
SETTLE_S = 330.0
TRIES_MAX = 4
CLIMB = (State.QUEUED, State.ACCEPTED, State.STORED, State.DELIVERED)
DIDS = {"alice": Did("100"), "bob": Did("200")}


@dataclass(frozen=True)
class Told:
    """What became of a scene: everything but its times."""

    heard: tuple[str, ...]
    climbs: tuple[tuple[State, ...], ...]


class Watch(Oracle):
    """The outside view of the simulated world, and one moment after T4 at which bob may fall."""

    def __init__(self, scene: Scene, disk: ServerDisk) -> None:
        super().__init__(scene.world, disk.db)
        self._scene = scene

    def client_disk(self, client: Client) -> None:
        super().client_disk(client)
        self._scene.written(client)

    def _look_at_parking(self, disk: Disk, name: str, lid: int) -> None:
        """The literal schedule counts the time without a line, and asks in it (P-55)."""
        if not self._scene.ladder.literal:
            super()._look_at_parking(disk, name, lid)

    def server_disk(self, **what: bool) -> None:
        super().server_disk(**what)
        self._scene.committed()


class Program(Client):
    """A run of the program that notes what its disk says whenever something was written."""

    scene: Scene

    def saved(self, saves: Sequence[Save], bubbles: Sequence[Bubble]) -> None:
        self.scene.changed(self)


class Scene:
    """One run of one script."""

    def __init__(
        self, script: Script, recipient: Recipient = "online", fall: Fall = "", ladder: Ladder | None = None
    ) -> None:
        self.script, self.recipient, self.fall = script, recipient, fall
        self.ladder = ladder or Ladder()
        self.world = World(22)
        self.network = ScriptedNetwork(self.world, script)
        self.server_disk = ServerDisk(self.network)
        self.watch = Watch(self, self.server_disk)
        self.disks: dict[str, Disk] = {}
        self.programs: dict[str, Program] = {}
        self.climbs: dict[Lid, list[State]] = defaultdict(list)
        self.asked: dict[Lid, float] = {}
        self.words: list[str] = []
        self.accepted: dict[int, tuple[float, bool]] = {}
        self.acked: dict[int, float] = {}
        self.fell_s: float | None = None
        self.conv = self._people()
        self.zero_s = 0.0

    # ------------------------------------------------------------------------------------ the beginning

    def _people(self) -> ConvId:
        for name, did in DIDS.items():
            self.server_disk.add_person(Uid(name), name.title())
            self.server_disk.add_device(Uid(name), did, f"token-{name}")
            me = Me(Uid(name), did, name.title(), f"token-{name}", "http://server")
            self.disks[name] = Disk(BLANK)
            self.disks[name].is_mine(me)
            self.watch.watches(self.disks[name], me.uid, me.did)
        first = Identity(Uid("alice"), DIDS["alice"], "Alice")
        return self.server_disk.open(first, OpenR("x" * 22, (Uid("bob"),)))

    def start(self, name: str) -> None:
        """The program starts."""
        program = Program(self.network, self.watch, self.disks[name], name, self.ladder)
        program.scene = self
        self.programs[name] = program

    def begin(self) -> None:
        """Server and programs are up, and everything of the beginning is said; the script begins now."""
        self._serve()
        self.start("alice")
        if self.recipient != "offline":
            self.start("bob")
        self.pass_s(30.0)
        self.zero_s = self.world.now_s
        self.script.begun = True
        self.network.said.clear()
        self.network.arrived = self._arrived

    def _serve(self) -> None:
        Server(self.network, self.watch, self.server_disk, lambda how: None)

    # ---------------------------------------------------------------------------------------- the story

    def play(self) -> Told:
        """Alice says six things: three at once, one soon after, two much later; then everything settles."""
        with _listening(self.world):
            self.begin()
            self.say(3)
            self.pass_s(3.0)
            self.say(1)
            self.pass_s(AWAY_S - 3.0)
            if self.recipient == "offline":
                self.start("bob")
            self.pass_s(BACK_S)
            self.say(2)
            self.pass_s(SETTLE_S)
        return Told(self.heard("bob"), tuple(tuple(self.climbs[lid]) for lid in sorted(self.climbs)))

    def say(self, times: int) -> None:
        for _ in range(times):
            self.words.append(f"words {len(self.words) + 1}")
            self.programs["alice"].says(self.conv, self.words[-1])

    def pass_s(self, while_s: float) -> None:
        self.world.run_until(self.world.now_s + while_s)

    def now_s(self) -> float:
        """Seconds since the script began."""
        return round(self.world.now_s - self.zero_s, 3)

    # ------------------------------------------------------------------------- what the world tells us

    def changed(self, program: Program) -> None:
        if program.name != "alice":
            return
        for lid, state in program.disk.db.execute("select lid, state from bubble where mine = 1").fetchall():
            climb = self.climbs[Lid(lid)]
            if not climb or climb[-1] != state:
                climb.append(State(state))
            if state == State.NEEDS_YOU:
                self.asked.setdefault(Lid(lid), self.now_s())

    def committed(self) -> None:
        """The server has written: what it took now, and who has it."""
        now_s = self.world.now_s
        db, home = self.server_disk.db, bool(self.network.lines("bob"))
        for (pos,) in db.execute("select pos from log where conv = ? and did <> 0", (self.conv,)):
            self.accepted.setdefault(pos, (now_s, home))
        row = db.execute("select upto from cursor where conv = ? and did = ?", (self.conv, int(DIDS["bob"]))).fetchone()
        for pos in self.accepted:
            if row and row[0] >= pos:
                self.acked.setdefault(pos, now_s)

    def _arrived(self, client: Client, packet: object) -> None:
        """Bob may fall when he has received the first words, and nothing is written down yet."""
        if self.fall == "before T4" and _brings_words(packet) and client.name == "bob":
            self._plan_return()
            self.world.later(0.0, lambda: client.die("falls"))

    def written(self, client: Client) -> None:
        """Bob may fall when they are written down, and nothing is acknowledged yet."""
        if self.fall == "before ack:R" and client.name == "bob" and self.heard("bob"):
            self._plan_return()
            raise Crash(client)

    def _plan_return(self) -> None:
        self.fall, self.fell_s = "", self.world.now_s
        self.world.later(DOWN_S, lambda: self.start("bob"))

    # ----------------------------------------------------------------------------------- what is asked

    def heard(self, name: str) -> tuple[str, ...]:
        """The words on a disk, in the order of the screen."""
        rows = self.disks[name].db.execute(
            "select content from bubble where conv = ? and did <> '0' order by place, lid", (self.conv,)
        )
        return tuple(_words(content, self.conv) for (content,) in rows)

    def tries(self) -> dict[tuple[int, int], int]:
        """How often each message left, probes included, per session of alice."""
        times: dict[tuple[int, int], int] = defaultdict(int)
        for _, who, number, packet in self.network.said:
            if who == "alice" and isinstance(packet, MsgR):
                times[number, packet.n] += 1
        return times

    def tried_at(self, n: int) -> list[float]:
        """When message n left, in seconds since the script began."""
        return [
            round(at_s - self.zero_s, 3)
            for at_s, who, _, packet in self.network.said
            if who == "alice" and isinstance(packet, MsgR) and packet.n == n
        ]

    def types_said(self, who: str) -> list[type]:
        return [type(packet) for _, name, _, packet in self.network.said if name == who]

    def must_be_true(self) -> None:
        """What each of the 54 asserts."""
        assert self.heard("bob") == tuple(self.words), "one bubble each, in order"
        assert self.heard("alice") == tuple(self.words)
        assert len(self.climbs) == len(self.words)
        assert len(self.accepted) == len(self.acked) == len(self.words)
        for lid, pos in zip(sorted(self.climbs), sorted(self.accepted), strict=True):
            self._must_climb(tuple(self.climbs[lid]), pos)
        assert max(self.tries().values()) <= TRIES_MAX, self.tries()

    def _must_climb(self, climb: tuple[State, ...], pos: int) -> None:
        """queued → accepted → (stored) → delivered, and nothing else: no question, no way down.

        Stored is for what was taken while bob was away, or what he did not have after 5 s; of what was taken shortly
        before he fell, a repeated `msg:R` may say so as well (P-27, P-51).
        """
        at_s, home = self.accepted[pos]
        took_s = self.acked[pos] - at_s
        fell = self.fell_s is not None and at_s <= self.fell_s + DOWN_S and self.fell_s <= self.acked[pos]
        with_stored = CLIMB
        without = tuple(state for state in CLIMB if state is not State.STORED)
        if not home or took_s > STORED_AFTER_S + 1:
            assert climb == with_stored, (climb, pos, home, took_s)
        elif took_s < STORED_AFTER_S and not fell:
            assert climb == without, (climb, pos, home, took_s)
        else:
            assert climb in (with_stored, without), (climb, pos, home, took_s)

    def must_have_pulled(self) -> None:
        """Who was away asks, is answered, and acknowledges by the names of section 3."""
        said = [kind for kind in self.types_said("bob") if kind in (OfflineR, OfflineA, OfflineAckR)]
        assert OfflineAckR in said
        assert said.index(OfflineR) < said.index(OfflineA) < said.index(OfflineAckR)


def _brings_words(packet: object) -> bool:
    return isinstance(packet, MsgN | OfflineA) and any(event.did != "0" for event in packet.events)


def _words(content: bytes, conv: ConvId) -> str:
    body: Any = unpack(content, author=Uid("alice"), conv=conv).body
    assert isinstance(body, Text)
    return body.text
