"""The receiver: keeps what comes from the log, says how far it has got, and fetches what is missing (section 8).

A frame is stored whole or not at all, and only behind the cursor; the cursor moves with it (T4). Whatever was lost
on the way shows as a difference of heads, and is pulled. Nothing here looks into what people wrote: an event that
nobody can read is stored like any other (P-81).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from client.core.effects import Arrived, Output, SaveArrived, SaveRoster, Send, Synced, Told, TracedAt
from client.core.events import (
    AskRoster,
    AskSynced,
    Event,
    Internal,
    MembersNow,
    OlderMissing,
    Pull,
    Quit,
    Rewound,
    Said,
    SessionDown,
    SessionUp,
    Woken,
)
from client.core.history import OLDER
from client.core.model import Form, Member, Memory, Room, Span, State
from protocol.codec import from_text
from protocol.content import SERVER, Joined, Opened, Ranked, Titled, unpack_notice
from protocol.heads import sum_of
from protocol.limits import (
    ACK_JOIN_EVENTS,
    ACK_JOIN_S,
    ANSWER_WAIT_S,
    HEADS_EVERY_S,
    HEADS_SPREAD,
    PAGE_EVENTS,
    PULLS_AT_ONCE,
)
from protocol.packets import (
    AckA,
    AckR,
    Head,
    HeadsA,
    HeadsR,
    MembersA,
    MsgN,
    Nack,
    OfflineA,
    OfflineAckR,
    OfflineR,
    Packet,
)
from protocol.packets import Event as LogEvent
from protocol.problems import ContentUnreadable
from protocol.spans import above, accounts_for, gaps_above
from protocol.values import SERVER_DID, ConvId, Lid, replace

Frame: TypeAlias = MsgN | OfflineA
FORMS: dict[str, Form] = {"direct": "direct", "group": "group", "self": "self"}
SILENT = frozenset({"expired", "not_member", "before_join", OLDER})
"""Gaps in which somebody may have come or gone without our being told."""


class Echo(Protocol):
    """Who settles own events (P-21): `Outbox.echo`."""

    def __call__(
        self, conv: ConvId, events: Sequence[LogEvent], now_s: float
    ) -> tuple[tuple[tuple[Lid, LogEvent, State], ...], list[Output]]: ...


@dataclass(slots=True, eq=False)
class _Shelf:
    """What this device has of one conversation, and what it has told the server about that.

    `unacked` events were stored since the last ack:R, which is due at `ack_due_s`. The server has confirmed
    `confirmed`; what it was told last, `told`, is said again if no answer comes (P-44). `away` and `thin` as in Room.
    """

    conv: ConvId
    cursor: int = 0
    head: int = 0
    form: Form = "direct"
    title: str = ""
    members: tuple[Member, ...] = ()
    away: bool = False
    thin: bool = False
    unacked: int = 0
    ack_due_s: float | None = None
    by_pull: bool = False
    told: int = 0
    confirmed: int = 0

    def members_now(self) -> MembersNow:
        """Who is here; in a group somebody may have come behind the cursor."""
        return MembersNow(self.conv, self.members, self.cursor if self.form == "group" else None, self.thin)


class Inbox:
    """The machine of receiving.

    Args:
        memory: what was written down; `memory.me` is known.
        roll: dice in [0, 1), so that not all devices poll at once; seeded in a simulated world.
        rev_of: how far the marks of a conversation are known (P-8).
        echo: who settles own events.
    """

    def __init__(self, memory: Memory, roll: Callable[[], float], rev_of: Callable[[ConvId], int], echo: Echo) -> None:
        assert memory.me is not None
        self._me, self._roll, self._rev_of, self._echo = memory.me, roll, rev_of, echo
        self._wire: int | None = None
        self._shelves = {room.conv: _shelf_of(room) for room in memory.rooms}
        self._heads_due_s = 0.0
        self._wanted: dict[ConvId, None] = {}
        self._pulls: dict[ConvId, tuple[float, float]] = {}
        self._asked = False
        self._behind = False

    def handle(self, event: Event | Internal, now_s: float) -> list[Output]:
        outputs = self._react(event, now_s)
        if self._wire is not None:
            outputs += self._say_due(self._wire, now_s)
        if self._asked and (self._wire is None or not (self._wanted or self._pulls)):
            self._asked = False
            outputs.append(Synced("" if self._wire is not None else "server_unreachable"))
        return outputs

    def next_wakeup_s(self) -> float | None:
        """When an ack, a pull or the poll is due; nothing without a session."""
        if self._wire is None:
            return None
        acks = [shelf.ack_due_s for shelf in self._shelves.values() if shelf.ack_due_s is not None]
        return min([self._heads_due_s, *acks, *(due_s for _, due_s in self._pulls.values())])

    def unanswered_since_s(self) -> float | None:
        """Since when the oldest pull waits for its answer (P-15)."""
        return min((sent_s for sent_s, _ in self._pulls.values()), default=None)

    def summary(self) -> str:
        """What this device has, as in `heads:R` (P-46)."""
        return sum_of((shelf.conv, shelf.cursor, self._rev_of(shelf.conv)) for shelf in self._shelves.values())

    def convs(self) -> list[ConvId]:
        """The conversations of this device."""
        return list(self._shelves)

    def may_write(self, conv: ConvId) -> bool:
        """Whether this person is a member, as far as is known here (P-70)."""
        return conv not in self._shelves or not self._shelves[conv].away

    def _react(self, event: Event | Internal, now_s: float) -> list[Output]:
        match event:
            case Said(packets):
                return [output for packet in packets for output in self._hear(packet, now_s)]
            case SessionUp(wire, welcome):
                self._end()
                self._wire = wire
                self._plan_poll(now_s)
                self._compare(welcome.heads)
                return self._went_back(welcome.heads)
            case SessionDown():
                self._end()
            case Pull(conv):
                self._wanted[conv] = None
            case AskSynced():
                self._asked = True
            case Woken():
                self._heads_due_s = now_s
            case Quit():
                self._hurry(now_s)
            case Rewound(_, bases):
                return self._rewind(bases)
        return []

    # ------------------------------------------------------------------------------------------ packets

    def _hear(self, packet: object, now_s: float) -> list[Output]:
        match packet:
            case MsgN():
                return self._take(packet, now_s)
            case OfflineA(history=False):
                self._pulls.pop(packet.conv, None)
                return self._take(packet, now_s)
            case AckA(conv, upto):
                return self._confirmed(self._shelf(conv), upto)
            case HeadsA(heads=heads):
                self._compare(heads)
            case MembersA():
                return self._seat(packet)
            case Nack(n=0, conv=conv) if conv in self._shelves:
                self._refused(packet, self._shelves[conv], now_s)
        return []

    def _take(self, frame: Frame, now_s: float) -> list[Output]:
        """T4, if the frame follows on what is here (P-42, P-43)."""
        shelf = self._shelf(frame.conv)
        if not accounts_for(frame.from_, frame.to, frame.events, frame.gaps):
            self._pull_later(frame.conv, now_s)
            return [Told("bad_frame")]
        if frame.from_ > shelf.cursor:
            self._miss(frame, now_s)
            return []
        is_new = frame.to > shelf.cursor
        outputs = self._store(shelf, frame, now_s) if is_new else []
        self._plan_ack(shelf, isinstance(frame, OfflineA), now_s)
        if shelf.cursor < frame.head:
            self._miss(frame, now_s, hopeless=not is_new)
        return outputs

    def _store(self, shelf: _Shelf, frame: Frame, now_s: float) -> list[Output]:
        events = above(shelf.cursor, frame.events)
        gaps = gaps_above(shelf.cursor, frame.gaps)
        first = shelf.cursor + 1
        shelf.cursor, shelf.head = frame.to, max(shelf.head, frame.head)
        shelf.unacked += len(events)
        before = (shelf.members, shelf.form, shelf.title, shelf.away)
        for event in events:
            self._notice(shelf, event)
        thin = any(gap.why in SILENT for gap in gaps)
        shelf.thin = shelf.thin or thin
        settled, follows = self._echo(frame.conv, events, now_s)
        members = shelf.members if shelf.members != before[0] else None
        saved = SaveArrived(
            conv=frame.conv,
            events=tuple(events),
            gaps=tuple(gaps),
            cursor=shelf.cursor,
            head=shelf.head,
            settled=settled,
            members=members,
            form=shelf.form if shelf.form != before[1] else "",
            title=shelf.title if shelf.title != before[2] else None,
            away=shelf.away if shelf.away != before[3] else None,
            thin=thin,
        )
        name = "offline:A" if isinstance(frame, OfflineA) else "msg:N"
        outputs: list[Output] = [saved, TracedAt(frame.conv, first, frame.to, name, "in"), *follows]
        if members is not None or thin or shelf.form == "group":
            outputs.append(shelf.members_now())
        if shelf.thin:  # also of who left: a gap may hide that they are back
            outputs.append(AskRoster(frame.conv))
        if older := tuple(Span(gap.first, gap.last) for gap in gaps if gap.why == OLDER):
            outputs.append(OlderMissing(frame.conv, older))
        return outputs + self._announce(frame.conv, events)

    def _announce(self, conv: ConvId, events: Sequence[LogEvent]) -> list[Output]:
        """Only for what is a message: no change of one, and nothing that was recalled before it came (P-74)."""
        said = (event for event in events if event.rel is None and event.content)
        uids = tuple(event.uid for event in said if event.did != SERVER_DID and event.uid != self._me.uid)
        return [Arrived(conv, uids)] if uids else []

    def _notice(self, shelf: _Shelf, event: LogEvent) -> None:
        """What the server says changes who is here and what it is called; what we cannot read changes nothing."""
        if event.did != SERVER_DID or event.suite != SERVER:
            return
        try:
            notice = unpack_notice(from_text(event.content))
        except (ValueError, ContentUnreadable):
            return
        if isinstance(notice, Opened):
            shelf.form, shelf.title = FORMS.get(notice.form, shelf.form), notice.title
        elif isinstance(notice, Titled):
            shelf.title = notice.title
        elif isinstance(notice, Ranked):
            shelf.members = tuple(
                replace(member, role=notice.role) if member.uid == notice.uid else member for member in shelf.members
            )
        else:
            others = tuple(member for member in shelf.members if member.uid != notice.uid)
            came = (Member(notice.uid, notice.name, notice.role),) if isinstance(notice, Joined) else ()
            shelf.members = others + came
            if notice.uid == self._me.uid:
                shelf.away = not came

    def _seat(self, table: MembersA) -> list[Output]:
        """The member table counts where events did not tell us everything; elsewhere they are newer than it.

        Who came or went after it was read, and before it arrived, would be wrong for ever.
        """
        shelf = self._shelf(table.conv)
        if not shelf.thin or table.code not in ("", "not_member", "unknown_conversation"):
            return []
        if 0 < table.head < shelf.cursor:
            return [AskRoster(shelf.conv, anew=True)]
        shelf.thin = False
        if table.code:
            shelf.away = True
        else:
            shelf.members = tuple(Member(seat.uid, seat.name, seat.role) for seat in table.members)
            shelf.away = all(seat.uid != self._me.uid for seat in table.members)
            shelf.form, shelf.title = FORMS.get(table.form, shelf.form), table.title or shelf.title
        return [SaveRoster(shelf.conv, shelf.members, shelf.away, shelf.form, shelf.title), shelf.members_now()]

    # --------------------------------------------------------------------------------- acknowledging

    def _plan_ack(self, shelf: _Shelf, by_pull: bool, now_s: float) -> None:
        """Joined for 100 ms or 64 events; a frame we have already is acknowledged again (P-44)."""
        shelf.by_pull = by_pull
        joined_s = now_s if shelf.unacked >= ACK_JOIN_EVENTS else now_s + ACK_JOIN_S
        shelf.ack_due_s = joined_s if shelf.ack_due_s is None else min(shelf.ack_due_s, joined_s)

    def _ack_due(self, shelf: _Shelf, now_s: float) -> tuple[list[Packet], list[Output]]:
        if shelf.ack_due_s is None or shelf.ack_due_s > now_s:
            return [], []
        first = min(max(shelf.told, shelf.confirmed) + 1, shelf.cursor)
        shelf.told, shelf.unacked, shelf.ack_due_s = shelf.cursor, 0, now_s + ANSWER_WAIT_S
        kind = OfflineAckR if shelf.by_pull else AckR
        name = "offlineack:R" if shelf.by_pull else "ack:R"
        return [kind(conv=shelf.conv, upto=shelf.cursor)], [TracedAt(shelf.conv, first, shelf.cursor, name, "out")]

    def _confirmed(self, shelf: _Shelf, upto: int) -> list[Output]:
        """T3 is committed: nothing to repeat."""
        first, shelf.confirmed = shelf.confirmed + 1, max(shelf.confirmed, upto)
        if shelf.confirmed >= shelf.told and not shelf.unacked:
            shelf.ack_due_s = None
        return [TracedAt(shelf.conv, first, upto, "ack:A", "in")] if upto >= first else []

    def _hurry(self, now_s: float) -> None:
        """On a clean close what was joined is said at once."""
        for shelf in self._shelves.values():
            if shelf.unacked:
                shelf.ack_due_s = now_s

    # ---------------------------------------------------------------------------------------- pulling

    def _compare(self, heads: Sequence[Head]) -> None:
        """Pull whatever is further at the server than here (P-46)."""
        for head in heads:
            if head.head > self._shelf(head.conv).cursor or head.rev > self._rev_of(head.conv):
                self._wanted[head.conv] = None

    def _went_back(self, heads: Sequence[Head]) -> list[Output]:
        """In one generation no head falls: a server below what it told has lost it (P-68). Said once a start.

        Only of a welcome, which is read after everything that was ever told; heads that come later may be older than
        a frame in front of them.
        """
        if self._behind or all(head.head >= self._shelf(head.conv).cursor for head in heads):
            return []
        self._behind = True
        return [Told("server_went_back")]

    def _miss(self, frame: Frame, now_s: float, *, hopeless: bool = False) -> None:
        """Something is missing in front of or behind this frame. If the answer to a pull does not help, wait."""
        if isinstance(frame, OfflineA) and (hopeless or frame.from_ > self._shelf(frame.conv).cursor):
            self._pull_later(frame.conv, now_s)
        elif frame.conv not in self._pulls:
            self._wanted[frame.conv] = None

    def _pull_later(self, conv: ConvId, now_s: float) -> None:
        self._pulls[conv] = (now_s, now_s + ANSWER_WAIT_S)

    def _refused(self, packet: Nack, shelf: _Shelf, now_s: float) -> None:
        """Somebody else's conversation: nothing is asked or said about it any more. Or a busy server: later."""
        later_s = now_s + packet.retry_ms / 1000 if packet.retry_ms and not packet.final else None
        if self._pulls.pop(shelf.conv, None) and later_s is not None:
            self._pulls[shelf.conv] = (now_s, later_s)
        if shelf.ack_due_s is not None:
            shelf.ack_due_s = later_s

    def _pulls_due(self, now_s: float) -> list[Packet]:
        """As many as may wait for an answer at once; one that got none is said again."""
        for conv, (_, due_s) in list(self._pulls.items()):
            if due_s <= now_s:
                del self._pulls[conv]
                self._wanted[conv] = None
        packets: list[Packet] = []
        for conv in [conv for conv in self._wanted if conv not in self._pulls]:
            if len(self._pulls) >= PULLS_AT_ONCE:
                break
            del self._wanted[conv]
            self._pulls[conv] = (now_s, now_s + ANSWER_WAIT_S)
            packets.append(
                OfflineR(conv=conv, after=self._shelf(conv).cursor, rev=self._rev_of(conv), limit=PAGE_EVENTS)
            )
        return packets

    # ----------------------------------------------------------------------------------------- the rest

    def _say_due(self, wire: int, now_s: float) -> list[Output]:
        packets = self._pulls_due(now_s)
        notes: list[Output] = []
        for shelf in self._shelves.values():
            acks, traces = self._ack_due(shelf, now_s)
            packets, notes = packets + acks, notes + traces
        if now_s >= self._heads_due_s:
            self._plan_poll(now_s)
            packets.append(HeadsR(sum=self.summary()))
        return [Send(wire, tuple(packets)), *notes] if packets else []

    def _plan_poll(self, now_s: float) -> None:
        """60 s ± 20 % (P-46)."""
        self._heads_due_s = now_s + HEADS_EVERY_S * (1 + HEADS_SPREAD * (2 * self._roll() - 1))

    def _end(self) -> None:
        """What was asked is void; what was not confirmed is said again in the next session."""
        self._wire = None
        self._wanted.clear()
        self._pulls.clear()
        for shelf in self._shelves.values():
            if shelf.ack_due_s is not None:
                shelf.ack_due_s = 0.0

    def _rewind(self, bases: dict[ConvId, int]) -> list[Output]:
        """Fall back to what a restored server still knows (P-69); who came or went after that did not."""
        outputs: list[Output] = []
        for shelf in self._shelves.values():
            base = bases.get(shelf.conv, 0)
            fell, shelf.cursor = shelf.cursor > base, min(shelf.cursor, base)
            if shelf.form == "group" and fell:
                shelf.thin, shelf.away = True, False
                outputs += [shelf.members_now(), AskRoster(shelf.conv)]
            shelf.head, shelf.told, shelf.confirmed = shelf.cursor, 0, 0
            shelf.unacked, shelf.ack_due_s = 0, None
        return outputs

    def _shelf(self, conv: ConvId) -> _Shelf:
        return self._shelves.setdefault(conv, _Shelf(conv))


def _shelf_of(room: Room) -> _Shelf:
    """After a start nobody knows whether the last acknowledgement left: it is said again once (C6)."""
    shelf = _Shelf(room.conv, room.cursor, room.head, room.form, room.title, room.members, room.away, room.thin)
    shelf.told = shelf.confirmed = room.cursor
    shelf.ack_due_s = 0.0 if room.cursor else None
    return shelf
