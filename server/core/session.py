"""One connection: hello, the packets, what is pushed, when it ends (sections 4 and 6 to 9).

A pure machine. It holds nothing that a restart would miss: what must survive is in the store. It never retries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import Any

from protocol.codec import Garbled, from_text
from protocol.heads import sum_of
from protocol.lanes import DIGEST_BYTES, digest
from protocol.limits import (
    BUSY_RETRY_MS,
    CONTENT_MAX_BYTES,
    HELLO_WAIT_S,
    MARKS_DELAY_MAX_S,
    MARKS_DELAY_MIN_S,
    MEDIA_PER_MESSAGE_MAX,
    MEMBERS_MAX,
    PAGE_EVENTS,
    PING_EVERY_MAX_S,
    PING_EVERY_MIN_S,
    PROTOCOL_NEWEST,
    PROTOCOL_OLDEST,
    PUSH_MAX_EVENTS,
    SERVER_SILENCE_FACTOR,
    STATUS_KEYS_MAX,
    UNANSWERED_MAX,
    UNSENT_MAX_BYTES,
    UNSENT_MAX_S,
)
from protocol.packets import (
    AckA,
    AckN,
    AckR,
    Close,
    FromClient,
    FromServer,
    Head,
    HeadsA,
    HeadsR,
    Hello,
    MsgA,
    MsgN,
    MsgR,
    Nack,
    OfflineA,
    OfflineAckR,
    OfflineR,
    OpenR,
    PeopleA,
    PeopleR,
    Ping,
    Pong,
    ReadR,
    StatusA,
    StatusR,
    VoidA,
    VoidR,
    Welcome,
)
from protocol.values import ConvId, Digest, Value
from server.core import effects as do
from server.core import events as on
from server.core.acceptance import (
    CANCELLED,
    MESSAGE,
    Answer,
    Offer,
    Removed,
    Settled,
    Taken,
    Turned,
)
from server.core.delivery import Feed, Promises
from server.core.marks import MarksFeed
from server.core.moves import Ask, Marks, Move, Moved, Page
from server.core.values import Identity

ID_MAX_CHARS = 32  # what can be an id; longer ones are not looked up, let alone stored
WAITING_MAX = 4 * UNANSWERED_MAX  # offers of one session at the store; more are turned away (P-26, P-79)
SPOILED_MAX = 3  # exceptions over the same packet, then it is refused for good (P-39)
FEATURES: tuple[str, ...] = ()
FOR_GOOD = frozenset({"unknown_conversation"})  # saying it again changes nothing; any other failure passes (P-26)


class Rules(Value, frozen=True):
    """What an operator, or a benchmark, may set."""

    marks_delay_min_s: float = MARKS_DELAY_MIN_S
    marks_delay_max_s: float = MARKS_DELAY_MAX_S
    echo_join_s: float = 0.1
    ack_join_s: float = 0.05

    def marks_delay_s(self, jitter: float) -> float:
        """How long marks wait, so that they tell no habits (P-52)."""
        return self.marks_delay_min_s + jitter * (self.marks_delay_max_s - self.marks_delay_min_s)


LIMITS = {
    "content_bytes": CONTENT_MAX_BYTES,
    "media": MEDIA_PER_MESSAGE_MAX,
    "members": MEMBERS_MAX,
    "push_events": PUSH_MAX_EVENTS,
    "unanswered": UNANSWERED_MAX,
}


class _State(Enum):
    NEW = "new"
    GREETING = "greeting"
    READY = "ready"
    CLOSED = "closed"


class _Talk:
    """One conversation as this session knows it."""

    __slots__ = ("feed", "marks", "promises")

    def __init__(self, conv: ConvId, who: Identity, rules: Rules) -> None:
        self.feed = Feed(conv, who.did, rules.echo_join_s)
        self.marks = MarksFeed(conv)
        self.promises = Promises(conv)

    def due_s(self) -> float:
        return min(self.feed.due_s(), self.marks.due_s(), self.promises.due_s())


class Session:
    """Events in, effects out; `now_s` is the caller's monotonic clock."""

    def __init__(self, now_s: float, rules: Rules) -> None:
        self._rules = rules
        self._state = _State.NEW
        self._hello: Hello | None = None
        self._who: Identity | None = None
        self._sn = 0
        self._now_s = self._born_s = self._heard_s = now_s
        self._silence_s = HELLO_WAIT_S
        self._unsent_bytes = 0
        self._slow_since_s: float | None = None
        self._waiting = 0
        self._spoiled: dict[tuple[ConvId, int, Digest], int] = {}
        self._talks: dict[ConvId, _Talk] = {}
        self._timed: dict[ConvId, None] = {}  # in order, so that a seed replays
        self._asked_sum = ""
        self._early: list[on.Rung | on.MarksRung] = []
        self._touched: dict[ConvId, _Talk] = {}
        self._offers: list[Offer] = []
        self._moves: list[Move] = []
        self._stored: dict[ConvId, int] = {}
        self._stored_due_s = float("inf")
        self._out: list[FromServer] = []
        self._effects: list[do.Effect] = []

    @property
    def closed(self) -> bool:
        """Whether the session asked for its end."""
        return self._state is _State.CLOSED

    def handle(self, event: on.Event, now_s: float) -> list[do.Effect]:
        """Return what shall be done, in order."""
        if self._state is _State.CLOSED:
            return []
        self._now_s = now_s
        _ON[type(event)](self, event)
        self._pump()
        return self._collect()

    def next_wakeup_s(self) -> float:
        """When the next `Tick` is due."""
        if self._state is _State.CLOSED:
            return float("inf")
        due_s = min(self._heard_s + self._silence_s, self._stored_due_s)
        if self._slow_since_s is not None:
            due_s = min(due_s, self._slow_since_s + UNSENT_MAX_S)
        for conv in self._timed:
            due_s = min(due_s, self._talks[conv].due_s())
        return due_s

    # --- what goes out

    def _collect(self) -> list[do.Effect]:
        made = self._effects
        if self._offers:
            made.append(do.Accept(tuple(self._offers)))
            self._waiting += len(self._offers)
            self._offers = []
        if self._moves:
            made.append(do.Raise(tuple(self._moves)))
            self._moves = []
        if self._out or self._now_s >= self._stored_due_s:
            made.insert(0, do.Send((*self._stored_now(), *self._out)))
            self._out = []
        if made:
            self._effects = []
        return made

    def _stored_now(self) -> list[AckA]:
        """The `ack:A` that waited for company: nobody hurries for them, and they join what goes out anyway."""
        acks = [AckA(conv, upto) for conv, upto in self._stored.items()]
        self._stored.clear()
        self._stored_due_s = float("inf")
        return acks

    def _close(self, code: int, reason: str = "") -> None:
        self._state = _State.CLOSED
        self._effects.append(do.Close(code, reason))
        self._offers, self._moves = [], []
        self._touched.clear()

    def _pump(self) -> None:
        """Push what can be pushed in the conversations that something happened to."""
        if self._touched and self._state is _State.READY:
            touched, self._touched = self._touched, {}
            for conv, talk in touched.items():
                self._advance(conv, talk)

    def _advance(self, conv: ConvId, talk: _Talk) -> None:
        marks = talk.marks.due(self._now_s)
        if isinstance(marks, AckN):
            self._out.append(marks)
        elif marks is not None:
            self._effects.append(do.ReadMarks(conv, marks))
        self._out.extend(talk.promises.overdue(self._now_s))
        while self._slow_since_s is None and (push := talk.feed.next(self._now_s)) is not None:
            if isinstance(push, MsgN):
                self._out.append(push)
            else:
                self._effects.append(do.ReadPage(push))
        if talk.due_s() < float("inf"):
            self._timed[conv] = None
        else:
            self._timed.pop(conv, None)

    def _talk(self, conv: ConvId) -> _Talk:
        """The conversation, marked as touched by this event."""
        talk = self._talks.get(conv)
        if talk is None:
            assert self._who is not None
            talk = self._talks[conv] = _Talk(conv, self._who, self._rules)
        self._touched[conv] = talk
        return talk

    # --- frames

    def _on_received(self, event: on.Received) -> None:
        self._heard_s = self._now_s
        for packet in event.packets:
            if self._state is _State.CLOSED:
                return
            if isinstance(packet, Garbled):
                self._garbled(packet)
            elif self._state is _State.READY:
                _PACKETS[type(packet)](self, packet)
            else:
                self._first(packet)

    def _garbled(self, what: Garbled) -> None:
        """A broken packet hurts itself only; a broken frame, or anything broken before hello, ends it (P-11)."""
        if what.code == "frame" or self._state is not _State.READY:
            self._close(Close.MISUSE, "bad_frame")
        else:
            self._out.append(Nack(what.code))

    def _misuse(self, _: FromClient) -> None:
        self._close(Close.MISUSE, "misuse")

    def _first(self, packet: FromClient) -> None:
        """Nothing but one hello before welcome (P-12)."""
        if not isinstance(packet, Hello) or self._state is not _State.NEW:
            self._misuse(packet)
            return
        if not _version(packet.v) or not set(packet.crit) <= set(FEATURES):
            self._close(Close.VERSION, "version_unknown")
            return
        self._state, self._hello = _State.GREETING, packet
        self._silence_s = _silence_s(packet.every_s)
        self._effects.append(do.Identify(packet.token))

    # --- hello (P-12, P-13)

    def _on_identified(self, event: on.Identified) -> None:
        if event.who is None:
            self._close(Close.TOKEN, "sign_in_again")
            return
        self._who = event.who
        self._effects.append(do.Begin(event.who))

    def _on_begun(self, event: on.Begun) -> None:
        assert self._hello is not None
        assert self._who is not None
        self._state, self._sn = _State.READY, event.sn
        same = self._hello.gen == event.gen and self._hello.sum == _sum(event.heads)
        self._out.append(
            Welcome(
                _version(self._hello.v),
                event.sn,
                event.gen,
                event.now_ms,
                self._who.uid,
                self._who.did,
                self._who.name,
                FEATURES,
                LIMITS,
                same,
                () if same else event.heads,
            )
        )
        early, self._early = self._early, []
        for rung in early:
            _ON[type(rung)](self, rung)

    def _on_replaced(self, event: on.Replaced) -> None:
        if event.sn > self._sn:
            self._close(Close.REPLACED, "replaced_elsewhere")

    # --- sending: msg:R, void:R (section 6)

    def _msg_r(self, packet: MsgR) -> None:
        if packet.probe and not packet.content:
            self._offer_bare(packet)
        elif (content := _true_content(packet)) is None:
            self._turn(packet, "packet")
        else:
            self._offer(packet, content)

    def _offer_bare(self, packet: MsgR | VoidR) -> None:
        """A packet whose digest cannot be compared with anything must at least have one."""
        try:
            whole = len(from_text(packet.dg)) == DIGEST_BYTES
        except ValueError:
            whole = False
        if whole:
            self._offer(packet, b"")
        else:
            self._turn(packet, "packet")

    def _offer(self, packet: MsgR | VoidR, content: bytes) -> None:
        assert self._who is not None
        if not packet.n or len(packet.conv) > ID_MAX_CHARS:
            self._turn(packet, "packet")
        elif self._waiting + len(self._offers) >= WAITING_MAX:
            self._turn(packet, "busy", BUSY_RETRY_MS)
        else:
            spoiled = bool(self._spoiled) and self._spoiled.get(_key(packet), 0) >= SPOILED_MAX
            self._offers.append(Offer(self._who, packet, content, spoiled))

    def _turn(self, packet: MsgR | VoidR, code: str, retry_ms: int = 0) -> None:
        """Turned away at the door: nothing is stored, and the number stays free (P-26)."""
        self._out.append(Nack(code, packet.conv, packet.n, packet.dg, retry_ms=retry_ms))

    def _on_decided(self, event: on.Decided) -> None:
        self._waiting -= len(event.answers)
        for answer in event.answers:
            self._answer(answer, event.home)

    def _answer(self, answer: Answer, home: frozenset[ConvId]) -> None:
        packet = answer.offer.packet
        match answer:
            case Taken(_, event, members):
                self._out.append(MsgA(packet.conv, packet.n, event.pos, packet.dg, event.ts, packet.n, packet.dg))
                if len(members) > 1:
                    self._promise(packet, event.pos, home=packet.conv in home)
            case Settled():
                self._settled(answer, home=packet.conv in home)
            case Removed(_, last, ld):
                self._out.append(MsgA(packet.conv, packet.n, 0, packet.dg, 0, last, ld, gone=True))
            case Turned(_, code, last, ld):
                self._out.append(Nack(code, packet.conv, packet.n, packet.dg, last=last, ld=ld))
            case spoiled:
                self._spoil(packet, spoiled.code)

    def _promise(self, packet: MsgR | VoidR, pos: int, *, home: bool, age_s: float = 0.0) -> None:
        promises = self._talk(packet.conv).promises
        forged = promises.accepted(packet.n, pos, self._now_s, home=home, age_s=age_s)
        if forged is not None:
            self._out.append(forged)

    def _settled(self, answer: Settled, *, home: bool) -> None:
        """The stored answer (P-27), for a number that was given away now or long ago."""
        conv, n, shown = answer.offer.packet.conv, answer.offer.packet.n, answer.shown
        if shown.kind == CANCELLED:
            self._out.append(VoidA(conv, n, shown.dg, answer.last, answer.ld))
        elif shown.kind == MESSAGE:
            self._out.append(MsgA(conv, n, shown.pos, shown.dg, answer.ts, answer.last, answer.ld))
            self._state_of_marks(answer, home=home)
        else:
            self._out.append(Nack(shown.code, conv, n, shown.dg, final=True, last=answer.last, ld=answer.ld))

    def _state_of_marks(self, answer: Settled, *, home: bool) -> None:
        """The current `ack:N`: the true one if another person has it, else what may be forged (P-27, P-51)."""
        assert self._who is not None
        conv, pos = answer.offer.packet.conv, answer.shown.pos
        if any(mark.delivered >= pos for mark in answer.marks if mark.by != self._who.uid):
            self._out.append(AckN(conv, 0, answer.rev, answer.marks))
        elif set(answer.members) - {self._who.uid}:
            self._promise(answer.offer.packet, pos, home=home, age_s=answer.age_ms / 1000)

    def _spoil(self, packet: MsgR | VoidR, code: str) -> None:
        """Our own mistake is counted; the third one over the same packet refuses it for good (P-39)."""
        if code == "internal":
            self._spoiled[_key(packet)] = self._spoiled.get(_key(packet), 0) + 1
        self._turn(packet, code, BUSY_RETRY_MS)

    # --- receiving: ack:R, offlineack:R, read:R, offline:R, heads:R (sections 8 and 9)

    def _ack_r(self, packet: AckR | OfflineAckR) -> None:
        assert self._who is not None
        self._moves.append(Move(self._who, packet.conv, packet.upto))

    def _read_r(self, packet: ReadR) -> None:
        assert self._who is not None
        self._moves.append(Move(self._who, packet.conv, packet.upto, read=True))

    def _on_climbed(self, event: on.Climbed) -> None:
        for moved in event.moved:
            if self._state is not _State.CLOSED:
                self._climb(moved)

    def _climb(self, moved: Moved) -> None:
        conv = moved.move.conv
        if moved.code == "misuse":
            self._close(Close.MISUSE, "misuse")
        elif moved.code:
            self._out.append(Nack(moved.code, conv, retry_ms=0 if moved.code in FOR_GOOD else BUSY_RETRY_MS))
        elif not moved.move.read:
            self._stored[conv] = moved.cursor
            self._stored_due_s = min(self._stored_due_s, self._now_s + self._rules.ack_join_s)
            self._talk(conv).feed.acknowledged(moved.cursor)

    def _offline_r(self, packet: OfflineR) -> None:
        limit = min(max(1, packet.limit), PAGE_EVENTS)
        self._effects.append(do.ReadPage(Ask(packet.conv, packet.after, limit, pull=True, rev=packet.rev)))

    def _on_paged(self, event: on.Paged) -> None:
        page, conv = event.page, event.page.ask.conv
        if page.code:
            if page.ask.pull:
                self._out.append(Nack(page.code, conv))
            self._talks.pop(conv, None)
            self._timed.pop(conv, None)
            return
        talk = self._talk(conv)
        if page.ask.pull:
            self._out.append(_offline_a(page))
            talk.feed.pulled(page, self._now_s)
            talk.marks.told(page.rev)
        elif (push := talk.feed.page(page)) is not None:
            self._out.append(push)

    def _on_marks_read(self, event: on.MarksRead) -> None:
        marks: Marks = event.marks
        self._out.append(self._talk(marks.conv).marks.read(marks))

    def _heads_r(self, packet: HeadsR) -> None:
        self._asked_sum = packet.sum
        self._effects.append(do.ReadHeads())

    def _on_heads_read(self, event: on.HeadsRead) -> None:
        same = self._asked_sum == _sum(event.heads)
        self._out.append(HeadsA(same, () if same else event.heads))

    # --- asking, people, opening, keep-alive

    def _status_r(self, packet: StatusR) -> None:
        if not 1 <= len(packet.keys) <= STATUS_KEYS_MAX:
            self._out.append(Nack("packet"))
        else:
            self._effects.append(do.ReadStates(packet.keys))

    def _on_stated(self, event: on.Stated) -> None:
        self._out.append(StatusA(event.states))

    def _people_r(self, _: PeopleR) -> None:
        self._effects.append(do.ReadPeople())

    def _on_people_read(self, event: on.PeopleRead) -> None:
        self._out.append(PeopleA(event.people))

    def _open_r(self, packet: OpenR) -> None:
        if len(packet.x) > ID_MAX_CHARS or max(map(len, packet.uids), default=0) > ID_MAX_CHARS:
            self._out.append(Nack("packet"))
        else:
            self._effects.append(do.Open(packet))

    def _on_opened(self, event: on.Opened) -> None:
        self._out.append(event.answer)

    def _ping(self, packet: Ping) -> None:
        if packet.every_s:
            self._silence_s = _silence_s(packet.every_s)
        self._out.append(Pong(packet.x))

    def _pong(self, _: Pong) -> None:
        """The server asks nothing itself; its clock is the silence (P-15)."""

    # --- doorbells

    def _on_rung(self, event: on.Rung) -> None:
        if self._state is _State.READY:
            self._talk(event.bell.conv).feed.ring(event.bell)
        elif self._who is not None:
            self._early.append(event)

    def _on_marks_rung(self, event: on.MarksRung) -> None:
        if self._state is not _State.READY or self._who is None:
            self._early.append(event)
            return
        talk = self._talk(event.bell.conv)
        talk.marks.ring(event.bell, self._now_s + self._rules.marks_delay_s(event.jitter))
        talk.promises.delivered(self._who.uid, event.bell.marks)

    # --- time and trouble

    def _on_heard(self, _: on.Heard) -> None:
        """Life, but no hello: that is not waited for any longer (SEC-19)."""
        if self._state is _State.READY:
            self._heard_s = self._now_s

    def _on_unsent(self, event: on.Unsent) -> None:
        """A slow reader is not pushed to; when it has read, pushing goes on everywhere (P-80).

        Bytes that drain are life as well: who reads slowly has nothing to say meanwhile (P-15).
        """
        before_bytes, self._unsent_bytes = self._unsent_bytes, event.size_bytes
        if event.size_bytes < before_bytes:
            self._on_heard(on.Heard())
        if event.size_bytes > UNSENT_MAX_BYTES:
            if self._slow_since_s is None:
                self._slow_since_s = self._now_s
        elif self._slow_since_s is not None:
            self._slow_since_s = None
            self._touched.update(self._talks)

    def _on_tick(self, _: on.Tick) -> None:
        if self._now_s >= self._heard_s + self._silence_s:
            self._close(Close.AGAIN, "silent")  # whose hello was lost or late has misused nothing (P-18)
            return
        if self._slow_since_s is not None and self._now_s >= self._slow_since_s + UNSENT_MAX_S:
            self._close(Close.TOO_SLOW, "too_slow")
            return
        for conv in self._timed:
            if self._talks[conv].due_s() <= self._now_s:
                self._touched[conv] = self._talks[conv]

    def _on_failed(self, event: on.Failed) -> None:
        """Before welcome nothing can go on without the store; later, the other side asks again."""
        if self._state is not _State.READY:
            self._close(Close.BUSY, event.code)
        else:
            self._out.append(Nack(event.code, retry_ms=BUSY_RETRY_MS))

    def _on_store_lost(self, event: on.StoreLost) -> None:
        self._close(Close.AGAIN, event.code)

    def _on_stopping(self, _: on.Stopping) -> None:
        self._close(Close.BUSY, "busy")


def _silence_s(every_s: float) -> float:
    """How long the other side may be silent that announced this interval (P-15)."""
    return SERVER_SILENCE_FACTOR * min(PING_EVERY_MAX_S, max(PING_EVERY_MIN_S, float(every_s)))


def _true_content(packet: MsgR) -> bytes | None:
    """The content bytes, if the packet holds together: sizes of its names, and `dg` over the content (P-5)."""
    named = (packet.suite, *packet.media)
    if len(packet.media) > MEDIA_PER_MESSAGE_MAX or max(map(len, named)) > ID_MAX_CHARS:
        return None
    try:
        content = from_text(packet.content)
    except ValueError:
        return None
    return content if digest(packet.conv, content) == packet.dg else None


def _key(packet: MsgR | VoidR) -> tuple[ConvId, int, Digest]:
    return packet.conv, packet.n, packet.dg


def _version(offered: Sequence[int]) -> int:
    """The newest version both speak, 0 if there is none (P-82)."""
    newest = min(offered[1], PROTOCOL_NEWEST)
    return newest if newest >= max(offered[0], PROTOCOL_OLDEST) else 0


def _sum(heads: Iterable[Head]) -> str:
    return sum_of((head.conv, head.head, head.rev) for head in heads)


def _offline_a(page: Page) -> OfflineA:
    return OfflineA(
        page.ask.conv,
        page.from_,
        page.to,
        page.head,
        page.events,
        page.gaps,
        page.ask.rev,
        page.rev,
        page.marks,
    )


_ON: dict[type, Callable[[Session, Any], None]] = {
    on.Received: Session._on_received,
    on.Identified: Session._on_identified,
    on.Begun: Session._on_begun,
    on.Decided: Session._on_decided,
    on.Climbed: Session._on_climbed,
    on.Paged: Session._on_paged,
    on.MarksRead: Session._on_marks_read,
    on.HeadsRead: Session._on_heads_read,
    on.Stated: Session._on_stated,
    on.PeopleRead: Session._on_people_read,
    on.Opened: Session._on_opened,
    on.Rung: Session._on_rung,
    on.MarksRung: Session._on_marks_rung,
    on.Replaced: Session._on_replaced,
    on.Unsent: Session._on_unsent,
    on.Heard: Session._on_heard,
    on.Failed: Session._on_failed,
    on.StoreLost: Session._on_store_lost,
    on.Stopping: Session._on_stopping,
    on.Tick: Session._on_tick,
}

_PACKETS: dict[type, Callable[[Session, Any], None]] = {
    Hello: Session._misuse,
    MsgR: Session._msg_r,
    VoidR: Session._offer_bare,
    AckR: Session._ack_r,
    OfflineAckR: Session._ack_r,
    OfflineR: Session._offline_r,
    HeadsR: Session._heads_r,
    ReadR: Session._read_r,
    StatusR: Session._status_r,
    PeopleR: Session._people_r,
    OpenR: Session._open_r,
    Ping: Session._ping,
    Pong: Session._pong,
}
