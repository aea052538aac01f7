"""One machine and its surroundings: an invented clock, what it sent and when, what a person would see."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from client.core.effects import Output, SaveArrived, SaveComposed, SaveRequeued, SaveSettled, SaveState, Send
from client.core.events import Cancel, Compose, Event, Internal, Resend, Said, SessionDown, SessionUp, Tick
from client.core.model import Me, Memory, Room, Row, State
from client.core.outbox import Outbox
from protocol.codec import to_text
from protocol.content import Notice, pack_notice
from protocol.ladder import Ladder
from protocol.lanes import digest
from protocol.packets import Event as LogEvent
from protocol.packets import FromServer, Head, MsgA, MsgN, MsgR, Nack, Packet, VoidA, VoidR, Welcome
from protocol.values import SERVER_DID, ConvId, Did, Digest, Lid, Uid

ALICE = Me(Uid("alice"), Did("71"), "Alice", "token-a", "http://127.0.0.1:1", "1-aa")
BOB = Uid("bob")
CAROL = Uid("carol")
C = ConvId("c")
D = ConvId("d")
NO = Digest("")
Kind = TypeVar("Kind")


class Machine(Protocol):
    """What all machines look like."""

    def handle(self, event: Event | Internal, now_s: float) -> list[Output]: ...
    def next_wakeup_s(self) -> float | None: ...


def memory(*rooms: Room, rows: tuple[Row, ...] = (), **more: object) -> Memory:
    """Alice's disk."""
    return Memory(me=ALICE, rooms=rooms, rows=rows, **more)  # type: ignore[arg-type]


def welcome(*heads: Head, gen: str = "1-aa", same: bool = False) -> Welcome:
    """The server greets Alice."""
    return Welcome(v=1, sn=1, gen=gen, ts=5, uid=ALICE.uid, did=ALICE.did, name="Alice", heads=heads, same=same)


def dg(text: str, conv: ConvId = C) -> Digest:
    """The digest of a message that says only this."""
    return digest(conv, text.encode())


def row(lid: int, n: int, text: str, before: str = "", conv: ConvId = C, **more: object) -> Row:
    """A row on the disk; `before` is the text of the message in front of it."""
    pd = dg(before, conv) if before else NO
    return Row(Lid(lid), conv, n, pd, dg(text, conv), text.encode(), **more)  # type: ignore[arg-type]


def event(pos: int, text: str = "", *, did: str = "99", uid: str = "bob", n: int = 0, conv: ConvId = C) -> LogEvent:
    """A row of the log."""
    text = text or f"text {pos}"
    return LogEvent(
        pos=pos,
        ts=1000 + pos,
        uid=Uid(uid),
        did=Did(did),
        n=n or pos,
        dg=dg(text, conv),
        suite="plain1",
        content=to_text(text.encode()),
    )


def notice(pos: int, said: Notice) -> LogEvent:
    """Something the server says in a conversation."""
    content = to_text(pack_notice(said))
    return LogEvent(pos, 1000 + pos, Uid(""), SERVER_DID, 0, NO, "server1", content)


def frame(from_: int, *events: LogEvent, to: int = 0, head: int = 0, conv: ConvId = C) -> MsgN:
    """A pushed frame; it reaches as far as its events, and the log is no longer than that."""
    to = to or (events[-1].pos if events else from_)
    return MsgN(conv=conv, from_=from_, to=to, head=head or to, events=events)


def taken(text: str, n: int, *, pos: int = 0, last: int = 0, ld: str = "", conv: ConvId = C) -> MsgA:
    """The server has it: `last` and `ld` are its own unless said otherwise."""
    return MsgA(conv, n, pos or n, dg(text, conv), 1000 + n, last or n, dg(ld or text, conv))


def voided(text: str, n: int) -> VoidA:
    """Cancelled for ever."""
    return VoidA(C, n, dg(text), n, dg(text))


def nack(text: str, n: int, code: str, *, last: int | None = None, ld: str = "", **more: object) -> Nack:
    """Not taken."""
    known = dg(ld) if ld else NO
    return Nack(code=code, conv=C, n=n, dg=dg(text), last=last, ld=known, **more)  # type: ignore[arg-type]


def of_kind(outputs: Iterable[object], kind: type[Kind]) -> list[Kind]:
    """Only these."""
    return [output for output in outputs if isinstance(output, kind)]


def packets_of(outputs: Iterable[object]) -> list[Packet]:
    """What was said on the wire, in order."""
    return [packet for send in of_kind(outputs, Send) for packet in send.packets]


class Desk:
    """A machine, its clock, and all it ever asked for."""

    def __init__(self, machine: Machine, now_s: float = 0.0) -> None:
        self.machine, self.now_s = machine, now_s
        self.sent: list[tuple[float, Packet]] = []
        self.all: list[Output] = []
        self.wire = 0

    def does(self, event: Event | Internal) -> list[Output]:
        """Let this happen now."""
        outputs = self.machine.handle(event, self.now_s)
        self.wire = event.wire if isinstance(event, SessionUp) else self.wire
        assert {send.wire for send in of_kind(outputs, Send)} <= {self.wire}, "a packet for another line"
        self.sent += [(self.now_s, packet) for packet in packets_of(outputs)]
        self.all += outputs
        return outputs

    def hears(self, *packets: FromServer) -> list[Output]:
        """The server says this in the session."""
        return self.does(Said(packets))

    def online(self, *heads: Head) -> list[Output]:
        """A session begins."""
        self.wire += 1
        return self.does(SessionUp(self.wire, welcome(*heads)))

    def offline(self) -> list[Output]:
        """The session ends."""
        return self.does(SessionDown(self.wire))

    def run_until(self, now_s: float) -> list[Output]:
        """Let time pass, waking the machine whenever it wants to be woken."""
        outputs: list[Output] = []
        while (due_s := self.machine.next_wakeup_s()) is not None and due_s <= now_s:
            assert due_s > self.now_s or not outputs, f"the machine does not rest at {due_s}"
            self.now_s = max(self.now_s, due_s)
            outputs += self.does(Tick())
        self.now_s = now_s
        return outputs

    def forget(self) -> None:
        """Only what is sent from here on matters."""
        self.sent.clear()
        self.all.clear()


class Sender(Desk):
    """Alice's outbox."""

    def __init__(self, disk: Memory | None = None, ladder: Ladder | None = None, now_ms: int = 0) -> None:
        super().__init__(Outbox(disk or memory(), ladder or Ladder(), now_ms))
        self.outbox = self.machine
        self._lids = 100
        self.states: dict[Lid, State] = {}

    def does(self, event: Event | Internal) -> list[Output]:
        outputs = super().does(event)
        for output in outputs:
            match output:
                case SaveComposed(lid) | SaveRequeued(lid):
                    self.states[lid] = State.QUEUED
                case SaveSettled(lid, _, state) | SaveState(lid, state):
                    self.states[lid] = state
                case SaveArrived(settled=settled):
                    self.states |= {lid: state for lid, _, state in settled}
        return outputs

    def writes(self, text: str, conv: ConvId = C, at_ms: int = 1) -> Lid:
        """Alice presses Enter."""
        self._lids += 1
        lid = Lid(self._lids)
        self.does(Compose(lid, conv, text.encode(), dg(text, conv), at_ms))
        return lid

    def cancels(self, lid: Lid) -> list[Output]:
        """Alice takes it back."""
        return self.does(Cancel(lid))

    def resends(self, lid: Lid) -> list[Output]:
        """Alice says: try again."""
        return self.does(Resend(lid))

    def tries_s(self, kind: type[Packet] = MsgR) -> list[float]:
        """When packets of this kind left."""
        return [at_s for at_s, packet in self.sent if isinstance(packet, kind)]

    def numbers(self) -> list[tuple[int, str]]:
        """Number and kind of what was sent, in order: (3, "msg") or (3, "void")."""
        return [
            (packet.n, "msg" if isinstance(packet, MsgR) else "void")
            for _, packet in self.sent
            if isinstance(packet, MsgR | VoidR)
        ]
