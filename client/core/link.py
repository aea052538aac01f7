"""The line: connect, greet, keep alive, wait, call again (P-12…P-18). It never asks whether a message arrived."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from client.core.effects import Connect, Effect, HangUp, LineChanged, Output, PaceLearned, Send
from client.core.events import (
    Dial,
    Event,
    Heard,
    Internal,
    OnNetwork,
    Quit,
    Received,
    Said,
    SessionDown,
    SessionUp,
    Tick,
    Unanswered,
    WireDown,
    WireUp,
    Woken,
)
from client.core.model import Line, Me
from protocol import keepalive
from protocol.backoff import reconnect_delay_s
from protocol.codec import Garbled, to_text
from protocol.keepalive import KeepAlive, Pace, SendPing
from protocol.limits import (
    HELLO_WAIT_S,
    PROTOCOL_NEWEST,
    PROTOCOL_OLDEST,
    RECONNECT_CALM_S,
)
from protocol.packets import Close, FromServer, Hello, Ping, Pong, Welcome
from protocol.values import replace

FEATURES: tuple[str, ...] = ()
STOPS = {
    Close.VERSION: "version_unknown",
    Close.MISUSE: "line_refused",
    Close.TOKEN: "sign_in_again",
    Close.NOT_THIS_DEVICE: "profile_copied",
    Close.REPLACED: "replaced_elsewhere",
}
"""Close codes after which nobody calls again by itself, and the Problem that says why (P-18)."""

FULL = "disk_full"
"""What a server says when it has no room: it is not our disk that is full."""

Phase = Literal["offline", "dialing", "greeting", "ready", "stopped"]


class Link:
    """The machine of the line.

    Args:
        me: whose device this is, and the generation of the server's data as last seen (P-9).
        roll: dice in [0, 1), for the wait before calling again.
        heads_sum: what this device has, as in `heads:R` (P-46).
    """

    def __init__(self, me: Me, roll: Callable[[], float], heads_sum: Callable[[], str]) -> None:
        self._me, self._roll, self._heads_sum = me, roll, heads_sum
        self._unanswered_s: float | None = None
        self._phase: Phase = "offline"
        self._wire = 0
        self._failures = 0
        self._retry_s: float | None = None
        self._greeted_s = 0.0
        self._pace = Pace()
        self._announced_s = self._pace.every_s
        self._keepalive: KeepAlive | None = None
        self._pings = 0
        self._gen = me.gen

    @property
    def wire(self) -> int:
        """The number of the current connection; packets go out on this one."""
        return self._wire

    @property
    def ready(self) -> bool:
        """Whether a session is open."""
        return self._phase == "ready"

    @property
    def _talking(self) -> bool:
        return self._phase in ("dialing", "greeting", "ready")

    def handle(self, event: Event | Internal, now_s: float) -> list[Output]:
        match event:
            case Dial() | Woken() if self._phase in ("offline", "stopped"):
                return self._connect() if isinstance(event, Dial) or self._phase == "offline" else []
            case Woken() if self._keepalive is not None:
                return self._feed(keepalive.Woken(), now_s)
            case Woken() if self._talking:
                return self._dial_anew()
            case OnNetwork(pace):
                self._obey(pace)
            case Heard(wire) if wire == self._wire:
                return self._hear(now_s)
            case WireUp(wire) if wire == self._wire and self._phase == "dialing":
                return self._greet(now_s)
            case Received(wire, packets) if wire == self._wire:
                return self._receive(packets, now_s)
            case WireDown(wire, close, retry_ms, why) if wire == self._wire and self._talking:
                return self._fall(close, retry_ms, why, now_s)
            case Unanswered(since_s):
                self._unanswered_s = since_s
            case Tick():
                return self._tick(now_s)
            case Quit():
                return self._quit()
        return []

    def next_wakeup_s(self) -> float | None:
        match self._phase:
            case "offline":
                return self._retry_s
            case "greeting":
                return self._greeted_s + HELLO_WAIT_S
            case "ready":
                assert self._keepalive is not None
                self._note_waiting(self._keepalive)
                return self._keepalive.next_wakeup_s()
        return None

    # ------------------------------------------------------------------------------------- connecting

    def _connect(self) -> list[Output]:
        self._wire += 1
        self._retry_s = None
        return [Connect(self._wire), self._become("dialing")]

    def _dial_anew(self) -> list[Output]:
        """Who was being called over a network that is gone, or before a sleep, will not answer (P-16)."""
        return [HangUp(self._wire, Close.AGAIN), *self._connect()]

    def _greet(self, now_s: float) -> list[Output]:
        self._greeted_s = now_s
        self._announced_s = self._pace.every_s
        hello = Hello(
            v=(PROTOCOL_OLDEST, PROTOCOL_NEWEST),
            token=self._me.token,
            feat=FEATURES,
            gen=self._gen,
            sum=self._heads_sum(),
            every_s=int(self._announced_s),
        )
        return [Send(self._wire, (hello,)), self._become("greeting")]

    def _receive(self, packets: tuple[FromServer | Garbled, ...], now_s: float) -> list[Output]:
        """Until `welcome` every other packet is ignored (P-12); what is for others is said on in one piece."""
        outputs: list[Output] = []
        for_others: list[FromServer | Garbled] = []
        for packet in packets:
            match packet:
                case Welcome() if self._phase == "greeting":
                    outputs += self._open(packet, now_s)
                case Ping(x) if self.ready:
                    outputs.append(Send(self._wire, (Pong(x),)))
                case Pong(x) if self.ready and x == self._ping_text():
                    outputs += self._feed(keepalive.Answered(), now_s)
                case Welcome() | Ping() | Pong():
                    pass
                case _ if self.ready:
                    for_others.append(packet)
        if self.ready:
            outputs += self._feed(keepalive.Heard(), now_s)
        return [*outputs, Said(tuple(for_others))] if for_others else outputs

    def _open(self, welcome: Welcome, now_s: float) -> list[Output]:
        self._greeted_s = now_s
        self._gen = welcome.gen
        self._keepalive = KeepAlive(now_s, self._pace, self._announced_s)
        return [self._become("ready"), SessionUp(self._wire, welcome)]

    def _fall(self, close: int, retry_ms: int, why: str, now_s: float) -> list[Output]:
        was_ready = self.ready
        if was_ready and now_s - self._greeted_s >= RECONNECT_CALM_S:
            self._failures = 0
        self._keepalive = None
        down: list[Output] = [SessionDown(self._wire)] if was_ready else []
        if code := STOPS.get(close):
            return [*down, self._become("stopped", code)]
        self._failures += 1
        wait_s = retry_ms / 1000 if retry_ms else reconnect_delay_s(self._failures, self._roll())
        self._retry_s = now_s + wait_s
        return [*down, self._become("offline", _excuse(close, why, was_ready=was_ready))]

    def _quit(self) -> list[Output]:
        """The session is over at once: the ladders stand still, however long the program takes to end (P-55)."""
        hang_up: list[Output] = [HangUp(self._wire)] if self._talking else []
        down: list[Output] = [SessionDown(self._wire)] if self.ready else []
        self._keepalive = None
        return [*hang_up, *down, self._become("stopped")]

    # ------------------------------------------------------------------------------------- keeping alive

    def _tick(self, now_s: float) -> list[Output]:
        match self._phase:
            case "offline" if self._retry_s is not None and now_s >= self._retry_s:
                return self._connect()
            case "greeting" if now_s >= self._greeted_s + HELLO_WAIT_S:
                return self._give_up(now_s)
            case "ready":
                return self._feed(keepalive.Tick(), now_s)
        return []

    def _feed(self, event: keepalive.KeepAliveEvent, now_s: float) -> list[Output]:
        assert self._keepalive is not None
        self._note_waiting(self._keepalive)
        effects: list[Output] = []
        for asked in self._keepalive.handle(event, now_s):
            match asked:
                case SendPing():
                    self._pings += 1
                    effects.append(Send(self._wire, (Ping(self._ping_text(), asked.every_s),)))
                case dead:
                    learned = self._learn(self._pace.after_death()) if dead.idle else []
                    return [*effects, *learned, *self._give_up(now_s)]
        return effects + self._learn(self._keepalive.pace)

    def _hear(self, now_s: float) -> list[Output]:
        """A frame is on its way. A long welcome may take its time as well, once the server has begun to say it."""
        if self._phase == "greeting":
            self._greeted_s = now_s
        return self._feed(keepalive.Heard(), now_s) if self.ready else []

    def _obey(self, pace: Pace) -> None:
        self._pace = pace
        if self._keepalive is not None:
            self._keepalive.pace = pace

    def _learn(self, pace: Pace) -> list[Output]:
        """Rounds are counted in silence; what they teach is told."""
        before, self._pace = self._pace, pace
        return [] if replace(before, rounds=pace.rounds) == pace else [PaceLearned(pace)]

    def _note_waiting(self, clock: KeepAlive) -> None:
        clock.handle(keepalive.Waiting(self._unanswered_s), 0.0)

    def _give_up(self, now_s: float) -> list[Output]:
        """A dead line may take minutes to say so: leave it now, and ignore what it says later (P-15)."""
        hang_up = HangUp(self._wire, Close.AGAIN)
        return [hang_up, *self._fall(0, 0, "", now_s)]

    def _ping_text(self) -> str:
        return to_text(self._pings.to_bytes(8, "big"))

    def _become(self, phase: Phase, code: str = "") -> Effect:
        self._phase = phase
        return LineChanged(Line(phase, self._retry_s or 0.0, code))


def _excuse(close: int, why: str, *, was_ready: bool) -> str:
    """The Problem that a line shows which is going to be tried again; none for a line that simply broke."""
    if close in (Close.BUSY, Close.AGAIN) and why == FULL:
        return "server_full"
    if close == Close.BUSY:
        return "busy"
    return "" if was_ready else "server_unreachable"
