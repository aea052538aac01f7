"""One connection: hello, the packets, what is pushed, when it ends (sections 4 and 6 to 9).

A pure machine. It holds nothing that a restart would miss: what must survive is in the store. It never retries.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from protocol.codec import Garbled
from protocol.limits import (
    BUSY_RETRY_MS,
    HELLO_WAIT_S,
    PAGE_EVENTS,
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
    GroupR,
    HeadsA,
    HeadsR,
    Hello,
    MembersR,
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
    Prefs,
    PrefsA,
    PrefsR,
    PresenceN,
    PresenceR,
    ReadR,
    StatusA,
    StatusR,
    TypingN,
    TypingR,
    VoidR,
)
from protocol.values import ConvId, replace
from server.core import effects as do
from server.core import events as on
from server.core.acceptance import MESSAGE, Settled, Taken
from server.core.delivery import Feed, Promises
from server.core.greeting import silence_s, sum_of_heads, understood, welcome
from server.core.marks import MarksFeed, acked, shown
from server.core.moves import Ask, Marks, Move, Moved, Page, Told
from server.core.offers import Offers
from server.core.questions import Question, Refusal, asked
from server.core.rates import QUESTIONS, Allowance, too_often
from server.core.rules import Rules as Rules
from server.core.typing import Gate
from server.core.values import ID_MAX_CHARS, Identity

FOR_GOOD = frozenset({"unknown_conversation"})  # saying it again changes nothing; any other failure passes (P-26)


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

    def due_s(self, *, slow: bool = False) -> float:
        """When something is due here; a slow reader is not pushed to, and nothing waits for that (P-80)."""
        return min(float("inf") if slow else self.feed.due_s(), self.marks.due_s(), self.promises.due_s())


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
        self._talks: dict[ConvId, _Talk] = {}
        self._timed: dict[ConvId, None] = {}  # in order, so that a seed replays
        self._prefs = Prefs()
        self._asked_sum = ""
        self._early: list[on.Rung | on.MarksRung | on.CrowdRung | on.ChoiceRung] = []
        self._touched: dict[ConvId, _Talk] = {}
        self._offers = Offers()
        self._allowance = Allowance(rules, now_s)
        self._gate = Gate()
        self._away = False
        self._moves: list[Move] = []
        self._stored: dict[ConvId, int] = {}
        self._stored_due_s = float("inf")
        self._out: list[FromServer] = []
        self._effects: list[do.Effect] = []

    @property
    def closed(self) -> bool:
        """Whether the session asked for its end."""
        return self._state is _State.CLOSED

    def allow(self, allowance: Allowance) -> None:
        """What this device may ask; it outlives the session (P-26)."""
        self._allowance = allowance

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
            due_s = min(due_s, self._talks[conv].due_s(slow=not self._pushes))
        return due_s

    # --- what goes out

    def _collect(self) -> list[do.Effect]:
        made = self._effects
        if offers := self._offers.take():
            made.append(do.Accept(offers))
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

    def _close(self, code: int, reason: str) -> None:
        self._state = _State.CLOSED
        self._effects.append(do.Close(code, reason))
        self._offers.drop()
        self._moves = []
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
        while self._pushes and (push := talk.feed.next(self._now_s)) is not None:
            if isinstance(push, MsgN):
                self._out.append(push)
            else:
                self._effects.append(do.ReadPage(push))
        if talk.due_s() < float("inf"):
            self._timed[conv] = None
        else:
            self._timed.pop(conv, None)

    @property
    def _pushes(self) -> bool:
        """Neither to a slow reader (P-80) nor to who was away for long, until it pulls (P-48)."""
        return self._slow_since_s is None and not self._away

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
                self._hear(packet)
            else:
                self._first(packet)

    def _hear(self, packet: FromClient) -> None:
        if isinstance(packet, QUESTIONS) and not self._allowance.questions.take(self._now_s):
            self._out.append(too_often(packet, self._allowance.questions.wait_ms()))
        else:
            _PACKETS[type(packet)](self, packet)

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
        if not understood(packet):
            self._close(Close.VERSION, "version_unknown")
            return
        self._state, self._hello = _State.GREETING, packet
        self._silence_s = silence_s(packet.every_s)
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
        self._state, self._sn, self._prefs = _State.READY, event.sn, event.prefs
        self._away = event.away
        self._out.append(welcome(self._hello, self._who, event))
        early, self._early = self._early, []
        for rung in early:
            _ON[type(rung)](self, rung)

    def _on_replaced(self, event: on.Replaced) -> None:
        if event.sn > self._sn:
            self._close(Close.REPLACED, "replaced_elsewhere")

    def _on_copied(self, _: on.Copied) -> None:
        self._close(Close.NOT_THIS_DEVICE, "profile_copied")

    # --- sending: msg:R, void:R (section 6)

    def _offer(self, packet: MsgR | VoidR) -> None:
        assert self._who is not None
        if not self._allowance.messages.take(self._now_s):
            wait_ms = self._allowance.messages.wait_ms()
            self._out.append(Nack("rate", packet.conv, packet.n, packet.dg, retry_ms=wait_ms))
        elif (refusal := self._offers.add(self._who, packet)) is not None:
            self._out.append(refusal)

    def _on_decided(self, event: on.Decided) -> None:
        self._offers.landed(len(event.answers))
        for answer in event.answers:
            home = answer.offer.packet.conv in event.home
            if isinstance(answer, Settled):
                self._settled(answer, home=home)
                continue
            self._out.append(self._offers.answered(answer))
            if isinstance(answer, Taken) and len(answer.members) > 1:
                self._promise(answer.offer.packet, answer.event.pos, home=home)

    def _settled(self, answer: Settled, *, home: bool) -> None:
        """The stored answer (P-27); for a message also who has it, or that it is kept for them."""
        self._out.append(self._offers.answered(answer))
        if answer.shown.kind == MESSAGE:
            self._state_of_marks(answer, home=home)

    def _promise(self, packet: MsgR | VoidR, pos: int, *, home: bool, age_s: float = 0.0) -> None:
        promises = self._talk(packet.conv).promises
        forged = promises.accepted(packet.n, pos, self._now_s, home=home, age_s=age_s)
        if forged is not None:
            self._out.append(forged)

    def _state_of_marks(self, answer: Settled, *, home: bool) -> None:
        """The current `ack:N`: the true one if another person has it, else what may be forged (P-27, P-51)."""
        assert self._who is not None
        conv, pos = answer.offer.packet.conv, answer.shown.pos
        if answer.told.reached(pos, but=self._who.uid):
            self._out.append(acked(conv, 0, answer.told))
        elif set(answer.members) - {self._who.uid}:
            self._promise(answer.offer.packet, pos, home=home, age_s=answer.age_ms / 1000)

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
        if self._away:
            self._away = False
            self._touched.update(self._talks)
        limit = min(max(1, packet.limit), PAGE_EVENTS)
        ask = Ask(packet.conv, packet.after, limit, pull=True, rev=packet.rev, history=packet.history)
        self._effects.append(do.ReadPage(ask))

    def _on_paged(self, event: on.Paged) -> None:
        page, conv = event.page, event.page.ask.conv
        if page.code:
            if page.ask.pull:
                self._out.append(Nack(page.code, conv))
            self._talks.pop(conv, None)
            self._timed.pop(conv, None)
            return
        if page.ask.history:
            self._out.append(_offline_a(page))
            return
        talk = self._talk(conv)
        if page.ask.pull:
            self._out.append(_offline_a(page))
            talk.feed.pulled(page, self._now_s)
            talk.marks.told(page.told.rev)
        elif (push := talk.feed.page(page)) is not None:
            self._out.append(push)

    def _on_marks_read(self, event: on.MarksRead) -> None:
        marks: Marks = event.marks
        self._out.append(self._talk(marks.conv).marks.read(marks))

    def _heads_r(self, packet: HeadsR) -> None:
        self._asked_sum = packet.sum
        self._effects.append(do.ReadHeads())

    def _on_heads_read(self, event: on.HeadsRead) -> None:
        same = self._asked_sum == sum_of_heads(event.heads)
        self._out.append(HeadsA(same, () if same else event.heads))

    # --- questions that need only the store, keep-alive

    def _question(self, packet: Question) -> None:
        what = asked(packet)
        if isinstance(what, Refusal):
            self._out.append(what)
        else:
            self._effects.append(what)

    def _on_answered(self, event: on.Opened | on.Changed | on.MembersRead) -> None:
        self._out.append(event.answer)

    def _on_stated(self, event: on.Stated) -> None:
        self._out.append(StatusA(event.states))

    def _on_people_read(self, event: on.PeopleRead) -> None:
        self._out.append(PeopleA(event.people))

    def _on_chosen(self, event: on.Chosen) -> None:
        self._prefs = event.prefs
        self._out.append(PrefsA(event.prefs))

    def _ping(self, packet: Ping) -> None:
        if packet.every_s:
            self._silence_s = silence_s(packet.every_s)
        self._out.append(Pong(packet.x))

    def _pong(self, _: Pong) -> None:
        """The server asks nothing itself; its clock is the silence (P-15)."""

    # --- hints: who writes, who is here

    def _typing_r(self, packet: TypingR) -> None:
        known = len(packet.conv) <= ID_MAX_CHARS and self._gate.passes(packet.conv, packet.doing, self._now_s)
        if known and self._allowance.questions.take(self._now_s):
            self._effects.append(do.Type(packet.conv, packet.doing))

    def _on_typed(self, event: on.Typed) -> None:
        """A slow reader has older things to read."""
        if self._state is _State.READY and self._slow_since_s is None:
            self._out.append(TypingN(event.conv, event.uid, event.doing))

    def _on_told(self, event: on.Told) -> None:
        self._out.append(PresenceN(event.people))

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
        bell, talk = event.bell, self._talk(event.bell.conv)
        marks = shown(bell.marks, self._who.uid, tells=self._prefs.reads, silent=bell.silent)
        talk.marks.ring(replace(bell, marks=marks), self._now_s + self._rules.marks_delay_s(event.jitter))
        talk.promises.delivered(self._who.uid, Told(bell.to, marks))

    def _on_crowd_rung(self, event: on.CrowdRung) -> None:
        """Counts were joined on their way here, and are whole: they leave at once (P-52)."""
        if self._state is not _State.READY or self._who is None:
            self._early.append(event)
            return
        told, talk = event.bell.tally.told(self._who.uid), self._talk(event.bell.conv)
        talk.marks.told(told.rev)
        talk.promises.delivered(self._who.uid, told)
        self._out.append(acked(event.bell.conv, 0, told))

    def _on_choice_rung(self, event: on.ChoiceRung) -> None:
        """Told once."""
        if self._state is not _State.READY:
            self._early.append(event)
        elif event.prefs != self._prefs:
            self._on_chosen(on.Chosen(event.prefs))

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

    def _on_unread(self, event: on.Unread) -> None:
        """Nobody waits for an answer; without another try nothing would be pushed here until the next session."""
        talk, again_s = self._talk(event.conv), self._now_s + BUSY_RETRY_MS / 1000
        if event.marks:
            talk.marks.failed(again_s)
        else:
            talk.feed.failed(again_s)

    def _on_store_lost(self, event: on.StoreLost) -> None:
        self._close(Close.AGAIN, event.code)

    def _on_stopping(self, event: on.Stopping) -> None:
        """The reason of this code is how long to stay away (P-18, P-80)."""
        self._close(Close.BUSY, str(event.retry_ms) if event.retry_ms else "busy")


def _offline_a(page: Page) -> OfflineA:
    return OfflineA(
        page.ask.conv,
        page.from_,
        page.to,
        page.head,
        page.events,
        page.gaps,
        page.ask.rev,
        page.told.rev,
        page.told.marks,
        page.told.crowd,
        page.ask.history,
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
    on.Opened: Session._on_answered,
    on.Changed: Session._on_answered,
    on.MembersRead: Session._on_answered,
    on.Chosen: Session._on_chosen,
    on.ChoiceRung: Session._on_choice_rung,
    on.CrowdRung: Session._on_crowd_rung,
    on.Rung: Session._on_rung,
    on.MarksRung: Session._on_marks_rung,
    on.Typed: Session._on_typed,
    on.Told: Session._on_told,
    on.Replaced: Session._on_replaced,
    on.Copied: Session._on_copied,
    on.Unsent: Session._on_unsent,
    on.Heard: Session._on_heard,
    on.Failed: Session._on_failed,
    on.Unread: Session._on_unread,
    on.StoreLost: Session._on_store_lost,
    on.Stopping: Session._on_stopping,
    on.Tick: Session._on_tick,
}

_PACKETS: dict[type, Callable[[Session, Any], None]] = {
    Hello: Session._misuse,
    MsgR: Session._offer,
    VoidR: Session._offer,
    AckR: Session._ack_r,
    OfflineAckR: Session._ack_r,
    OfflineR: Session._offline_r,
    HeadsR: Session._heads_r,
    ReadR: Session._read_r,
    StatusR: Session._question,
    PeopleR: Session._question,
    OpenR: Session._question,
    GroupR: Session._question,
    MembersR: Session._question,
    PrefsR: Session._question,
    TypingR: Session._typing_r,
    PresenceR: Session._question,
    Ping: Session._ping,
    Pong: Session._pong,
}
