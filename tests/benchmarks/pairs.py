"""A sender and a receiver as the work of W1 and W2 needs them, and the proof that nothing was lost or doubled.

Machines without I/O: packets in, packets out through `out`. They know just enough of the contract: the receiver
acknowledges at once, the sender counts a message as done only when the receiver's mark covers its position.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct, field

from protocol.values import ConvId, Uid
from tests.benchmarks.messages import Messages


class Said(Struct, tag_field="t"):
    """What the server says; fields that no measurement needs are skipped."""


class Welcome(Said, tag="welcome"):
    uid: str


class OpenA(Said, tag="open:A"):
    conv: str = ""
    code: str = ""


class MsgA(Said, tag="msg:A"):
    n: int
    pos: int
    dg: str


class Event(Struct):
    pos: int
    did: str
    n: int
    dg: str


class MsgN(Said, tag="msg:N"):
    from_: int = field(name="from")
    to: int
    events: list[Event] = []
    gaps: list[list[object]] = []


class AckA(Said, tag="ack:A"):
    upto: int


class Mark(Struct):
    by: str
    delivered: int


class AckN(Said, tag="ack:N"):
    marks: list[Mark] = []
    stored: str = ""


class Nack(Said, tag="nack"):
    code: str


Packet: TypeAlias = Welcome | OpenA | MsgA | MsgN | AckA | AckN | Nack
Now = Callable[[], float]


class Times:
    """When each message of one sender left, was accepted, delivered and done; seconds of one clock."""

    def __init__(self) -> None:
        self.sent: list[float] = []
        self.accepted: list[float] = []
        self.delivered: list[float] = []
        self.done: list[float] = []


class Party:
    """What sender and receiver share: a device reads the log from its cursor and says how far it has got."""

    def __init__(self, conv: ConvId) -> None:
        self.out: list[bytes] = []
        self.problems: list[str] = []
        self._upto = 0
        self._behind = False
        self._ack = b'{"t":"ack:R","conv":"%s","upto":' % conv.encode()

    def turn(self) -> list[bytes]:
        """What goes out after a read, in one frame: one cumulative ack, then whatever was said."""
        if self._behind:
            self._behind = False
            self.out.insert(0, self._ack + b"%d}" % self._upto)
        packets, self.out = self.out, []
        return packets

    def _applied(self, frame: MsgN) -> bool:
        """Whether the frame goes on where this device stands, and accounts for every position (P-42, P-43)."""
        whole = frame.from_ == self._upto and len(frame.events) == frame.to - frame.from_ and not frame.gaps
        if not whole or any(event.pos != frame.from_ + 1 + at for at, event in enumerate(frame.events)):
            self.problems.append(f"msg:N ({frame.from_}, {frame.to}] does not continue {self._upto}")
        self._upto, self._behind = frame.to, True
        return whole


class Sender(Party):
    """Keeps messages in flight; `window` new ones leave at the start, then one for each that is done."""

    def __init__(self, conv: ConvId, me: Uid, messages: Messages, now: Now) -> None:
        super().__init__(conv)
        self._me, self._now = me, now
        self.messages, self.times = messages, Times()
        self.sent = self.done = 0
        self.positions: list[int] = []
        self.keeps_on = True
        self.refills = True

    def say(self) -> None:
        """The next message leaves."""
        self.sent += 1
        self.out.append(self.messages.packet(self.sent))
        self.times.sent.append(self._now())

    def hear(self, packet: Packet) -> None:
        """One packet of the server."""
        match packet:
            case MsgA():
                self._accepted(packet)
            case AckN() if not packet.stored:
                self._marked(packet)
            case MsgN():
                self._applied(packet)
            case Nack():
                self.problems.append(f"nack {packet.code}")

    def _accepted(self, packet: MsgA) -> None:
        n = len(self.positions) + 1
        if packet.n != n or packet.dg != self.messages.digests[n - 1]:
            self.problems.append(f"msg:A for {packet.n}, expected {n}")
        self.positions.append(packet.pos)
        self.times.accepted.append(self._now())

    def _marked(self, packet: AckN) -> None:
        reached = max((mark.delivered for mark in packet.marks if mark.by != self._me), default=0)
        while self.done < len(self.positions) and self.positions[self.done] <= reached:
            self.done += 1
            self.times.done.append(self._now())
            if self.keeps_on and self.refills:
                self.say()


class Receiver(Party):
    """Stores nothing but counts everything, and acknowledges at once."""

    def __init__(self, conv: ConvId, sender: Sender, now: Now) -> None:
        super().__init__(conv)
        self._sender, self._now = sender, now
        self.positions: list[int] = []

    def hear(self, packet: Packet) -> None:
        """One packet of the server."""
        if isinstance(packet, MsgN):
            if self._applied(packet):
                self._take(packet.events)
        elif isinstance(packet, Nack):
            self.problems.append(f"nack {packet.code}")

    def _take(self, events: list[Event]) -> None:
        """Every message is the next one of its sender, word for word."""
        at_s, digests = self._now(), self._sender.messages.digests
        for event in events:
            if event.did == "0":  # what the server said when the conversation began
                continue
            self.positions.append(event.pos)
            self._sender.times.delivered.append(at_s)
            n = len(self.positions)
            if event.n != n or event.dg != digests[n - 1]:
                self.problems.append(f"message {event.n} came, expected {n}")


def findings(sender: Sender, receiver: Receiver) -> list[str]:
    """What went wrong between the two; empty if every message arrived once, in order, and its sender knows."""
    found = [*sender.problems, *receiver.problems]
    counts = (sender.sent, len(sender.positions), len(receiver.positions), sender.done)
    if len(set(counts)) != 1:
        found.append("sent {}, accepted {}, delivered {}, done {}".format(*counts))
    if sender.positions != receiver.positions:
        found.append("accepted at other positions than delivered")
    if any(after <= before for before, after in zip(sender.positions, sender.positions[1:], strict=False)):
        found.append("positions do not climb")
    return found
