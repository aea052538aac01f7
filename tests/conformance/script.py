"""A network that follows a script: which copy of which packet is lost, doubled or late, and who falls when.

Every packet travels alone, one behind the other, so that each change it causes is seen by itself. What the script does
not name arrives after 20 ms.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from protocol.codec import from_client, from_server, write
from protocol.packets import (
    AckA,
    AckN,
    AckR,
    MsgA,
    MsgN,
    MsgR,
    OfflineA,
    OfflineAckR,
)
from tests.simulation.clients import Client
from tests.simulation.network import Network, Wire
from tests.simulation.world import World

Name = Literal["msg_R", "msg_A", "msg_N", "ack_R", "ack_A", "ack_N"]
Fault = Literal["lost", "twice", "late"]
Which = Literal["each", "second"]

LATENCY_S, APART_S = 0.02, 0.015  # further apart than a disk is slow: each packet is a transaction of its own
AFTER_NEXT_TRY_S: dict[Name, float] = {
    "msg_R": 14.0, "msg_A": 14.0, "ack_R": 14.0, "ack_A": 14.0, "ack_N": 14.0,
    "msg_N": 80.0,  # what is tried again is the poll
}  # fmt: skip
SENDERS: dict[Name, str] = {
    "msg_R": "alice", "msg_A": "alice", "ack_N": "alice", "msg_N": "bob", "ack_R": "bob", "ack_A": "bob",
}  # fmt: skip
"""On whose line a packet travels: alice sends, bob receives."""


def copy_of(packet: object) -> tuple[Name, Hashable] | None:
    """Which of the six packets this is, and what it says: two that say the same are copies of one another.

    What was missed comes by `offline:A` and is acknowledged by `offlineack:R`: the same frames by other names.
    """
    match packet:
        case MsgR(n=n):
            return "msg_R", n
        case MsgA(n=n):
            return "msg_A", n
        case MsgN(to=to) | OfflineA(to=to) if packet.events:
            return "msg_N", to
        case AckR(upto=upto) | OfflineAckR(upto=upto):
            return "ack_R", upto
        case AckA(upto=upto):
            return "ack_A", upto
        case AckN() if packet.forged:
            return "ack_N", ("stored", packet.n)
        case AckN():
            return "ack_N", ("marks", packet.to)
    return None


@dataclass
class Script:
    """What happens to the first copy of a packet.

    Attributes:
        which: the packets of each message, or of the second one alone.
        variant: twice: "at once" or "later"; late: "next try" or "reconnect".
        no_end: every copy is harmed, not only the first.
        also_lost: the first copy of this type on bob's line is lost as well.
    """

    packet: Name | None = None
    fault: Fault = "lost"
    which: Which = "each"
    variant: str = ""
    also_lost: type | None = None
    no_end: bool = False
    begun: bool = False
    hits: int = 0
    overtaken: int = 0
    also_hits: int = 0
    seen: Counter[tuple[Name, Hashable]] = field(default_factory=Counter)
    held: list[Callable[[], None]] = field(default_factory=list)
    reconnected: bool = False

    def fates(self, who: str, packet: object) -> list[float | None]:
        """How late each copy of this packet arrives, in seconds; None: when its line is another one."""
        if self.also_lost is not None and who == "bob" and isinstance(packet, self.also_lost) and not self.also_hits:
            self.also_hits += 1
            return []
        copy = copy_of(packet)
        if not self.begun or copy is None or copy[0] != self.packet or who != SENDERS[copy[0]]:
            return [0.0]
        self.seen[copy] += 1
        if (self.seen[copy] > 1 and not self.no_end) or not self._is_meant(copy):
            return [0.0]
        self.hits += 1
        return self._harmed(copy[0])

    def _is_meant(self, copy: tuple[Name, Hashable]) -> bool:
        if self.reconnected:  # the line broke once; from then on the weather is fine
            return False
        others = [one for one in self.seen if one[0] == copy[0]]
        return self.which == "each" or others.index(copy) == min(1, len(others) - 1) == 1

    def is_behind(self, packet: object) -> bool:
        """Whether another copy of this packet, or one of its kind that says more, was under way before it."""
        copy = copy_of(packet)
        assert copy is not None
        kind = [one for one in self.seen if one[0] == copy[0]]
        return self.seen[copy] > 1 or kind[-1] != copy

    def _harmed(self, name: Name) -> list[float | None]:
        if self.fault == "lost":
            return []
        if self.fault == "twice":
            return [0.0, 0.0 if self.variant == "at once" else 3.0]
        return [AFTER_NEXT_TRY_S[name]] if self.variant == "next try" else [None]


class ScriptedNetwork(Network):
    """All connections of a scene."""

    def __init__(self, world: World, script: Script) -> None:
        super().__init__(world)
        self.script = script
        self.said: list[tuple[float, str, int, object]] = []
        self.is_down = False
        self.arrived: Callable[[Client, object], None] = lambda client, packet: None

    def delay_s(self) -> float:
        return LATENCY_S

    def dial(self, client: Client, number: int) -> Wire:
        wire = ScriptedWire(self, client, number)
        self.wires = [other for other in self.wires if not other.over]
        self.wires.append(wire)
        self.world.later(LATENCY_S, wire.arrive)
        return wire

    def go_down(self, client: Client) -> None:
        """Whoever calls is refused, and this one hears it now."""
        self.is_down = True
        for wire in self.wires:
            if wire.client is client:
                wire.cut()

    def lines(self, who: str) -> list[Wire]:
        """The connections of this person that both ends believe in."""
        return [wire for wire in self.wires if wire.client.name == who and wire.greeted and wire._line is not None]

    def give_back(self, client: Client) -> None:
        """When the program has a new session: what was held up arrives in it."""
        lines = self.lines(client.name)
        if lines and lines[-1].world.now_s - lines[-1].greeted_s > 0.5:  # type: ignore[attr-defined]
            held, self.script.held = self.script.held, []
            for deliver in held:
                deliver()
        else:
            self.world.later(0.1, lambda: self.give_back(client))


class ScriptedWire(Wire):
    """One connection; the script decides over each packet."""

    network: ScriptedNetwork

    def __init__(self, network: ScriptedNetwork, client: Client, number: int) -> None:
        super().__init__(network, client, number)
        self._free_s = {"->": 0.0, "<-": 0.0}
        self.greeted_s = float("inf")

    def arrive(self) -> None:
        if self.network.is_down:
            self.client_down(0)
        else:
            super().arrive()

    def _tell_up(self) -> None:
        super()._tell_up()
        self.greeted_s = self.world.now_s

    def _carry(self, frame: bytes, deliver: Any, way: str, *, once: bool = False, here: bool) -> None:
        read = from_client.read if way == "->" else from_server.read
        for packet in read(frame):
            self._carry_one(packet, partial(deliver, write([packet])), way)  # type: ignore[list-item]

    def _carry_one(self, packet: object, deliver: Any, way: str) -> None:
        script, name = self.network.script, self.client.name
        self.network.said.append((self.world.now_s, name, self.number, packet))
        for late_s in script.fates(name, packet):
            if late_s is None:
                self._hold_up(partial(deliver, ghost=True))
            elif late_s:
                self.world.later(late_s, partial(self._arrive_late, packet, deliver))
            else:
                self._free_s[way] = max(self.world.now_s + LATENCY_S, self._free_s[way] + APART_S)
                self.world.at(self._free_s[way], partial(self._arrive, packet, partial(deliver, ghost=False)))

    def _arrive(self, packet: object, deliver: Callable[[], None]) -> None:
        deliver()
        self.network.arrived(self.client, packet)

    def _arrive_late(self, packet: object, deliver: Any) -> None:
        """It comes out of the newest line of its device."""
        self.network.script.overtaken += self.network.script.is_behind(packet)
        deliver(ghost=True)
        self.network.arrived(self.client, packet)

    def _hold_up(self, deliver: Callable[[], None]) -> None:
        script = self.network.script
        script.held.append(deliver)
        if len(script.held) == 1:
            self.world.later(1.0, self._break)

    def _break(self) -> None:
        self.network.script.reconnected = True
        self.cut()
        self.network.give_back(self.client)
