"""The invented network: connections that lose, repeat, delay and reorder frames, go half dead, and end.

P-10 promises more than a TCP connection needs: packets may be lost, repeated, reordered and delayed beyond their
session. All of that happens here, except to `hello`, which comes at most once a connection (P-12).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from protocol.codec import frames, from_client, from_server
from protocol.packets import Close, Hello, Packet, Welcome
from tests.simulation.world import World

if TYPE_CHECKING:
    from server.app.runner import Connection
    from tests.simulation.clients import Client
    from tests.simulation.servers import Server


class _Deliver(Protocol):
    def __call__(self, frame: bytes, *, ghost: bool) -> None: ...


@dataclass(frozen=True)
class Weather:
    """Shares are of all frames, connections or steps; rates are per second of a connection."""

    loss: float = 0.0
    twice: float = 0.0
    slow: float = 0.0
    slow_max_s: float = 0.0
    ghost: float = 0.0
    cut_rate: float = 0.0
    half_open: float = 0.0
    no_dial: float = 0.0
    client_crash: float = 0.0
    server_crash: float = 0.0
    disk_failure: float = 0.0
    commit_unknown: float = 0.0
    store_failure: float = 0.0
    mistake: float = 0.0
    disk_max_s: float = 0.01


FINE = Weather()
LATENCY_MIN_S, LATENCY_MAX_S = 0.005, 0.05


class Clock:
    """The world's time as the server's port."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now_s(self) -> float:
        return self._world.now_s

    def now_ms(self) -> int:
        return self._world.now_ms()


class Network:
    """All connections of the world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.weather = FINE
        self.server: Server | None = None
        self.packets = self.frames = self.lost = self.repeated = self.delayed = self.cuts = 0
        self.wires: list[Wire] = []

    def world_clock(self) -> Clock:
        """The time, which is the same everywhere."""
        return Clock(self.world)

    def delay_s(self) -> float:
        """How long a frame takes."""
        dice = self.world.dice
        if self.world.chance(self.weather.slow):
            self.delayed += 1
            return dice.uniform(0.0, self.weather.slow_max_s)
        return dice.uniform(LATENCY_MIN_S, LATENCY_MAX_S)

    def dial(self, client: Client, number: int) -> Wire:
        """A client wants a connection."""
        wire = Wire(self, client, number)
        self.wires = [other for other in self.wires if not other.over]
        self.wires.append(wire)
        self.world.later(self.delay_s(), wire.arrive)
        return wire

    def newest(self, client: Client) -> Wire | None:
        """The connection that this process uses now."""
        mine = [wire for wire in self.wires if wire.client is client and wire._client_open]
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

    Each side ends for itself: `_client_open`, `_line`. While `half` is set nothing passes, and nobody is told.
    """

    def __init__(self, network: Network, client: Client, number: int) -> None:
        self.network, self.world, self.client, self.number = network, network.world, client, number
        self._client_open, self._line, self._server = True, None, network.server
        self._up = self.half = self.greeted = False

    # --- beginning and ending

    _line: Connection | None

    @property
    def over(self) -> bool:
        """Whether both sides have let go of it."""
        return not self._client_open and self._line is None

    def arrive(self) -> None:
        """The call reaches the server, if there is one."""
        server = self.network.server
        if not self._client_open or not self.client.alive:
            return
        if server is None or self.world.chance(self.network.weather.no_dial):
            self.world.later(self.network.delay_s(), lambda: self.client_down(0))
            return
        self._server, self._line = server, server.runner.connect(self)
        self.world.later(self.network.delay_s(), self._tell_up)
        rate = self.network.weather.cut_rate
        if rate > 0:
            self.world.later(self.world.dice.expovariate(rate), self._fate)

    def _tell_up(self) -> None:
        if self._client_open and self.client.alive:
            self._up = True
            self.client.hands.up(self.number)

    def _fate(self) -> None:
        """The connection breaks: both sides hear it some time, or it dies in silence."""
        if self.over or self.network.weather.cut_rate == 0:
            return
        self.network.cuts += 1
        self.half = True
        self.world.note(f"{self.client.name}#{self.number} breaks")
        if not self.world.chance(self.network.weather.half_open):
            self.world.later(self.world.dice.uniform(0, 3), lambda: self.client_down(0))
            self.world.later(self.world.dice.uniform(0, 30), self.server_end)

    def cut(self) -> None:
        """Both sides hear at once that it broke."""
        self.client_down(0)
        self.server_end()

    def client_down(self, close: int, retry_ms: int = 0) -> None:
        """The client's side ends, and the client hears it, exactly once."""
        if self._client_open:
            self._client_open = False
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
        if self._client_open:
            self._client_open = False
            if not self.world.chance(self.network.weather.half_open):
                self.world.later(self.network.delay_s(), self.server_end)

    # --- the client's end

    def say(self, packets: Sequence[Packet]) -> None:
        """The client sends."""
        if not self._client_open or not self._up:
            return
        for frame in frames(packets):
            once = isinstance(from_client.read(frame)[0], Hello)
            self._carry(frame, self._to_server, "->", once=once, here=once)

    def hang_up(self, close: int) -> None:
        """The client closes; `down` follows."""
        if self._client_open:
            self.world.later(0.0, lambda: self.client_down(close))
            if not self.half:
                self.world.later(self.network.delay_s(), self.server_end)

    def _to_server(self, frame: bytes, *, ghost: bool) -> None:
        wire = self
        if ghost:  # delayed beyond its session: it comes out of the newest one of this device
            newest = self.network.newest(self.client)
            if newest is None or not newest.greeted:
                return
            wire = newest
        if wire._line is not None and not wire.half and wire._server is not None and wire._server.alive:
            packets = from_client.read(frame)
            for packet in packets:
                self.world.note(f"{wire.client.name}#{wire.number} -> {packet}")
            wire._line.received(packets)

    # --- the server's end: the port Carrier

    def send(self, packets: Sequence[Packet]) -> None:
        """The server sends."""
        assert self._server is not None
        self._server.may_crash(self.network.weather.server_crash)
        if self._line is None:
            return
        self._server.oracle.server_says(self.client, packets)
        self.greeted = self.greeted or any(isinstance(packet, Welcome) for packet in packets)
        for frame in frames(packets):
            here = isinstance(from_server.read(frame)[0], Welcome)
            self._carry(frame, self._to_client, "<-", here=here)

    def close(self, code: int, reason: str) -> None:
        """The server closes."""
        self.world.note(f"{self.client.name}#{self.number} closed by the server {code} {reason}")
        if not self.half:
            self.world.later(self.network.delay_s(), lambda: self.client_down(code, 0))
        if code == Close.MISUSE:
            self.network.misused(self)
        self.world.later(0.0, self.server_end)

    def unsent_bytes(self) -> int:
        return 0

    def _to_client(self, frame: bytes, *, ghost: bool) -> None:
        wire = self
        if ghost:
            wire = self.network.newest(self.client) or self
        if wire._client_open and wire._up and not wire.half and wire.client.alive:
            packets = from_server.read(frame)
            for packet in packets:
                self.world.note(f"{wire.client.name}#{wire.number} <- {packet}")
            wire.client.hands.received(wire.number, packets)

    # --- in between

    def _carry(self, frame: bytes, deliver: _Deliver, way: str, *, once: bool = False, here: bool) -> None:
        weather, network = self.network.weather, self.network
        network.frames += 1
        copies = 1
        if not once and self.world.chance(weather.twice):
            copies = self.world.dice.randint(2, 3)
            network.repeated += copies - 1
        for _ in range(copies):
            if self.half or self.world.chance(weather.loss):
                network.lost += 1
                self.world.note(f"{self.client.name}#{self.number} {way} lost {frame[:160]!r}")
                continue
            ghost = not here and self.world.chance(weather.ghost)
            delay_s = self.world.dice.uniform(1, 60) if ghost else network.delay_s()
            self.world.later(delay_s, partial(deliver, frame, ghost=ghost))
