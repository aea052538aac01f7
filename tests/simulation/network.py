"""The invented network: connections that lose, repeat, delay and reorder frames, go half dead, and end.

P-10 promises more than a TCP connection needs: packets may be lost, repeated, reordered and delayed beyond their
session. All of that happens here, except to `hello`, which comes at most once a connection (P-12).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from protocol.codec import frames, from_client, from_server
from protocol.packets import AckA, AckN, Close, Hello, MsgA, MsgN, Packet, Welcome
from tests.simulation.weather import FINE
from tests.simulation.world import World

if TYPE_CHECKING:
    from server.app.runner import Connection
    from tests.simulation.clients import Client
    from tests.simulation.servers import Server


class _Deliver(Protocol):
    def __call__(self, frame: bytes, *, ghost: bool) -> None: ...


LATENCY_MIN_S, LATENCY_MAX_S = 0.005, 0.05
SLOW_BYTES_PER_S = 3_000
UNSENT_LONG_BYTES = 1_100_000  # above what a server lets lie for long (P-80)


class Network:
    """All connections of the world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.weather = FINE
        self.server: Server | None = None
        self.frames = 0
        self.generation = 0  # what an older one still says reaches nobody: its sessions are over (P-69)
        self.wires: list[Wire] = []

    def delay_s(self) -> float:
        """How long a frame takes."""
        dice, weather = self.world.dice, self.weather
        if weather.slow and dice.random() < weather.slow:
            self.world.count("fault:frame delayed")
            return dice.uniform(0.0, weather.slow_max_s)
        return LATENCY_MIN_S + dice.random() * (LATENCY_MAX_S - LATENCY_MIN_S)

    def dial(self, client: Client, number: int) -> Wire:
        """A client wants a connection."""
        wire = Wire(self, client, number)
        self.wires = [other for other in self.wires if not other.over]
        self.wires.append(wire)
        self.world.later(self.delay_s(), wire.arrive)
        return wire

    def newest(self, client: Client) -> Wire | None:
        """The connection that this process uses now."""
        mine = [wire for wire in self.wires if wire.client is client and wire.client_open]
        return mine[-1] if mine else None

    def misused(self, wire: Wire) -> None:
        """Nobody here sends anything that deserves 4400."""
        self.world.blame(f"4400 for {wire.client.name}")

    def server_died(self) -> None:
        """Whoever was connected hears it soon, or never."""
        for wire in self.wires:
            wire.server_gone()


class Wire:
    """One connection: the wire of a client, and the carrier of the server's connection.

    Each side ends for itself: `client_open`, `_line`. While `half` is set nothing passes, and nobody is told.
    """

    def __init__(self, network: Network, client: Client, number: int) -> None:
        self.network, self.world, self.client, self.number = network, network.world, client, number
        self.client_open, self._line, self._server = True, None, network.server
        self._up = self.half = self.greeted = self.slow = False
        self.generation = network.generation
        self._read_s = 0.0  # a slow reader has read everything by then

    # --- beginning and ending

    _line: Connection | None

    @property
    def over(self) -> bool:
        """Whether both sides have let go of it."""
        return not self.client_open and self._line is None

    def arrive(self) -> None:
        """The call reaches the server, if there is one."""
        server, weather = self.network.server, self.network.weather
        if not self.client_open or not self.client.alive:
            return
        if server is None or self.world.chance(weather.no_dial):
            self.world.count("fault:call refused")
            self.world.later(self.network.delay_s(), lambda: self.client_down(0))
            return
        self.slow = self.world.chance(weather.slow_reader)
        self.world.count("fault:slow reader", self.slow)
        self._server, self._line = server, server.runner.connect(self)
        self.world.later(self.network.delay_s(), self._tell_up)
        if weather.cut_rate > 0:
            self.world.later(self.world.dice.expovariate(weather.cut_rate), self._fate)

    def _tell_up(self) -> None:
        if self.client_open and self.client.alive:
            self._up = True
            self.client.hands.up(self.number)

    def _fate(self) -> None:
        """The connection breaks: both sides hear it some time, or it dies in silence."""
        if self.over or self.network.weather.cut_rate == 0:
            return
        self.half = True
        self.world.note(f"{self.client.name}#{self.number} breaks")
        if self.world.chance(self.network.weather.half_open):
            self.world.count("fault:connection half open")
        else:
            self.world.count("fault:connection cut")
            self.world.later(self.world.dice.uniform(0, 3), lambda: self.client_down(0))
            self.world.later(self.world.dice.uniform(0, 30), self.server_end)

    def cut(self) -> None:
        """Both sides hear at once that it broke."""
        self.client_down(0)
        self.server_end()

    def client_down(self, close: int, retry_ms: int = 0) -> None:
        """The client's side ends, and the client hears it, exactly once."""
        if self.client_open:
            self.client_open = False
            if self.client.alive:
                self.world.note(f"{self.client.name}#{self.number} down {close or ''}")
                self.client.hands.down(self.number, close, retry_ms)

    def server_end(self) -> None:
        """The server's side ends."""
        line, self._line = self._line, None
        if line is not None and self._server is not None and self._server.alive:
            line.ended()

    def server_gone(self) -> None:
        """The server's process has died; its system says so, or the machine is gone as well."""
        if self._line is not None:
            self._line = None
            if not self.world.chance(self.network.weather.half_open):
                self.world.later(self.network.delay_s(), lambda: self.client_down(0))

    def client_gone(self) -> None:
        """The client's process has died."""
        if self.client_open:
            self.client_open = False
            if not self.world.chance(self.network.weather.half_open):
                self.world.later(self.network.delay_s(), self.server_end)

    # --- the client's end

    def say(self, packets: Sequence[Packet]) -> None:
        """The client sends."""
        if not self.client_open or not self._up:
            return
        once = isinstance(packets[0], Hello)
        for frame in frames(packets):
            self._carry(frame, self._to_server, "->", once=once, here=once)

    def hang_up(self, close: int) -> None:
        """The client closes; `down` follows."""
        if self.client_open:
            self.world.later(0.0, lambda: self.client_down(close))
            if not self.half:
                self.world.later(self.network.delay_s(), self.server_end)

    def _to_server(self, frame: bytes, *, ghost: bool) -> None:
        wire = self
        if ghost:  # delayed beyond its session: it comes out of the newest one of this device
            newest = self.network.newest(self.client)
            if newest is None or not newest.greeted or newest.generation != self.generation:
                return
            wire = newest
        if wire._line is not None and not wire.half and wire._server is not None and wire._server.alive:
            if wire._server.stalled_until_s > self.world.now_s:
                self.world.at(wire._server.stalled_until_s, partial(self._to_server, frame, ghost=ghost))
                return
            packets = from_client.read(frame)
            if self.world.tracing:
                for packet in packets:
                    self.world.note(f"{wire.client.name}#{wire.number} -> {packet}")
            wire._line.received(packets)

    # --- the server's end: the port Carrier

    def send(self, packets: Sequence[Packet]) -> None:
        """The server sends."""
        assert self._server is not None
        self._server.may_crash(self.network.weather.server_crash, lambda: _points(packets))
        if self._line is None:
            return
        self._server.oracle.server_says(self.client, self.number, packets)
        here = any(type(packet) is Welcome for packet in packets)
        self.greeted = self.greeted or here
        for frame in frames(packets):
            self._carry(frame, self._to_client, "<-", here=here)

    def close(self, code: int, reason: str) -> None:
        """The server closes."""
        self.world.note(f"{self.client.name}#{self.number} closed by the server {code} {reason}")
        self.world.count(f"deed:closed by the server with {code}")
        if not self.half:
            self.world.later(self.network.delay_s(), lambda: self.client_down(code, 0))
        if code == Close.MISUSE:
            self.network.misused(self)
        self.world.later(0.0, self.server_end)

    def unsent_bytes(self) -> int:
        """What a slow reader has not read yet, as far as a server can see."""
        unread_s = self._read_s - self.world.now_s
        return UNSENT_LONG_BYTES if self.slow and unread_s > 0 else 0

    def _to_client(self, frame: bytes, *, ghost: bool) -> None:
        wire = self
        if ghost:
            wire = self.network.newest(self.client) or self
            if wire.generation != self.generation and wire.greeted:  # before welcome nobody listens (P-12)
                return
        if wire.client_open and wire._up and not wire.half and wire.client.alive:
            packets = from_server.read(frame)
            if self.world.tracing:
                for packet in packets:
                    self.world.note(f"{wire.client.name}#{wire.number} <- {packet}")
            wire.client.hands.received(wire.number, packets)

    # --- in between

    def _carry(self, frame: bytes, deliver: _Deliver, way: str, *, once: bool = False, here: bool) -> None:
        world, weather, network = self.world, self.network.weather, self.network
        network.frames += 1
        copies = 1
        if not once and weather.twice and world.chance(weather.twice):
            copies = world.dice.randint(2, 3)
            world.count("fault:frame repeated", copies - 1)
        for _ in range(copies):
            if self.half or (weather.loss and world.chance(weather.loss)):
                world.count("fault:frame lost")
                if world.tracing:
                    world.note(f"{self.client.name}#{self.number} {way} lost {frame[:160]!r}")
                continue
            ghost = not here and weather.ghost > 0 and world.chance(weather.ghost)
            if ghost:
                world.count("fault:frame delayed beyond its session")
            delay_s = world.dice.uniform(1, 60) if ghost else network.delay_s()
            if self.slow and way == "<-" and not here:
                self._read_s = max(self._read_s, world.now_s) + len(frame) / SLOW_BYTES_PER_S
                delay_s += self._read_s - world.now_s
            world.later(delay_s, partial(deliver, frame, ghost=ghost))


def _points(packets: Sequence[Packet]) -> Iterator[str]:
    """What a server that dies before saying this has done, and not said (section 13)."""
    for packet in packets:
        if isinstance(packet, MsgA):
            yield "S2"
        elif isinstance(packet, MsgN):
            yield "S3"
        elif isinstance(packet, AckA) or (isinstance(packet, AckN) and not packet.forged):
            yield "S6"
        elif isinstance(packet, Welcome):
            yield "S7"
