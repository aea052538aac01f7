"""Planted bugs (section 21): each breaks one rule of the code under test; the oracle must find it.

A checker that finds nothing must be distrusted. Nothing here is reachable from the application.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

from client.adapters.sqlite_saves import Saver
from client.core import inbox as client_inbox
from client.core import marks as client_marks
from client.core import outbox as client_outbox
from client.core.effects import Renumbered, SaveArrived, SaveGeneration, SaveMarks, SaveSeenLast, SaveSettled, SaveState
from client.core.events import Said
from client.core.inbox import Inbox
from client.core.lane import LaneQueue
from client.core.link import Link
from client.core.marks import Marks
from client.core.model import Reach, State
from client.core.outbox import Outbox
from client.core.probes import Probes
from protocol.codec import from_text
from protocol.content import PLAIN
from protocol.ladder import Ladder, bottom
from protocol.lanes import chain, digest
from protocol.packets import Close, MsgA, MsgN, VoidA, VoidR, Welcome
from protocol.values import Digest, replace
from server.app.media import Media
from server.core import acceptance, delivery, session
from server.core.acceptance import MESSAGE, REFUSED, Settled, Slot, Turn
from server.core.effects import Raise
from server.core.moves import Move
from server.core.rights import Standing
from server.core.session import Session
from server.core.stubborn import Stubborn
from server.ports import StoreUnknown
from server.stores import memory, sqlite_groups, sqlite_log, sqlite_marks, sqlite_pages, sqlite_retention
from server.stores.schema import SCHEMA
from server.stores.sqlite_store import SqliteStore
from tests.simulation import clients, schedule, servers
from tests.simulation.uploads import play_upload
from tests.simulation.weather import Plan, Weather

Plant = Callable[[ExitStack], None]


@contextmanager
def swap(owner: Any, name: str, new: Any) -> Iterator[None]:
    """Put something else in its place for a while."""
    old = owner.__dict__[name] if isinstance(owner, type) else getattr(owner, name)
    setattr(owner, name, new)
    try:
        yield
    finally:
        setattr(owner, name, old)


# ------------------------------------------------------------------------------------------ the server


def b1(stack: ExitStack) -> None:
    """Any n > last is taken."""

    def decide(offer: Any, found: Any) -> Any:
        said = acceptance.decide(offer, found)
        return acceptance._new(offer, found) if said == Turn("order") else said

    def fill(self: Any, conv: Any, lane: Any, n: int, slot: Any) -> None:
        self._slots.append((conv, lane.did, n, from_text(slot.dg), slot.kind, slot.pos, slot.code))
        lane.last, lane.ld = n, slot.dg

    stack.enter_context(swap(sqlite_log, "decide", decide))
    stack.enter_context(swap(sqlite_log._Batch, "_fill", fill))


def b2(stack: ExitStack) -> None:
    """A known n is ignored."""
    stack.enter_context(swap(Session, "_settled", lambda self, answer, home: None))


def b3(stack: ExitStack) -> None:
    """Nobody compares pd."""

    def decide(offer: Any, found: Any) -> Any:
        return acceptance.decide(offer, replace(found, ld=offer.packet.pd))

    stack.enter_context(swap(sqlite_log, "decide", decide))


def b9(stack: ExitStack) -> None:
    """The answer leaves before the commit, and the server dies in between."""
    commit = servers.SimWriter._commit

    def early(self: Any) -> Any:
        if not self._server.world.chance(0.02):
            return commit(self)
        self._db.execute("rollback")
        self._server.later(0.2, lambda: self._server.die("before the commit"))
        return None

    stack.enter_context(swap(servers.SimWriter, "_commit", early))


def b4(stack: ExitStack) -> None:
    """No alias and no unique digest (and the echo is no evidence, or that guard alone would do)."""

    def decide(offer: Any, found: Any) -> Any:
        return acceptance.decide(offer, replace(found, twin=None))

    def echo(self: Any, conv: Any, events: Any, now_s: float) -> Any:
        lane = self._lane(conv)
        end = lane.end
        settled, outputs = honest(self, conv, events, now_s)
        lane.end = replace(lane.end, seen_last=end.seen_last)
        return settled, [one for one in outputs if not isinstance(one, SaveSeenLast)]

    honest = Outbox.echo
    stack.enter_context(swap(sqlite_log, "decide", decide))
    stack.enter_context(swap(Outbox, "echo", echo))
    index = "create unique index slot_dg on slot"
    plain = tuple(one.replace(index, "create index slot_dg on slot") for one in SCHEMA.statements)
    stack.enter_context(swap(memory, "SCHEMA", replace(SCHEMA, statements=plain)))


def b5(stack: ExitStack) -> None:
    """msg:A repeats the digest that was sent, not the one that is stored."""
    honest = Session._settled

    def parrot(self: Any, answer: Any, *, home: bool) -> None:
        before = len(self._out)
        honest(self, answer, home=home)
        said = self._out[before] if len(self._out) > before else None
        if isinstance(said, MsgA):
            self._out[before] = replace(said, dg=answer.offer.packet.dg)

    stack.enter_context(swap(Session, "_settled", parrot))


def b7(stack: ExitStack) -> None:
    """`last` is kept beside the rows, and a rollback does not know it."""
    beside: dict[Any, Any] = {}
    lanes, fill = sqlite_log._lanes, sqlite_log._Batch._fill

    def kept(db: Any, offers: Any, *, careful: bool) -> Any:
        found = lanes(db, offers, careful=careful)
        for key, lane in found.items():
            last, ld = beside.get(key, (0, ""))
            if last > lane.last:
                lane.last, lane.ld = last, ld
        return found

    def noted(self: Any, conv: Any, lane: Any, n: int, slot: Any) -> None:
        fill(self, conv, lane, n, slot)
        beside[conv, str(lane.did)] = (n, slot.dg)

    stack.enter_context(swap(sqlite_log, "_lanes", kept))
    stack.enter_context(swap(sqlite_log._Batch, "_fill", noted))


def b8(stack: ExitStack) -> None:
    """`pos` is counted beside the rows, and a rollback does not know it."""
    beside: dict[Any, int] = {}
    take = sqlite_log._Batch._take

    def counted(self: Any, room: Any, lane: Any, offer: Any) -> Any:
        room.head = max(room.head, beside.get(room.conv, 0))
        taken = take(self, room, lane, offer)
        beside[room.conv] = room.head
        return taken

    stack.enter_context(swap(sqlite_log._Batch, "_take", counted))


def b10(stack: ExitStack) -> None:
    """An error at commit is told as a refusal."""
    accept = SqliteStore.accept

    async def refused(self: Any, offers: Any) -> Any:
        try:
            return await accept(self, offers)
        except StoreUnknown:
            return [Settled(one, Slot(one.packet.dg, REFUSED, code="internal"), 0, Digest("")) for one in offers]

    stack.enter_context(swap(SqliteStore, "accept", refused))


def b11(stack: ExitStack) -> None:
    """A refusal does not consume its number."""
    fill = sqlite_log._Batch._fill

    def spared(self: Any, conv: Any, lane: Any, n: int, slot: Any) -> None:
        if slot.kind != REFUSED:
            fill(self, conv, lane, n, slot)

    stack.enter_context(swap(sqlite_log._Batch, "_fill", spared))


def b12(stack: ExitStack) -> None:
    """void:A for a message that was accepted."""
    settled = Session._settled

    def lie(self: Any, answer: Any, *, home: bool) -> None:
        packet = answer.offer.packet
        if isinstance(packet, VoidR) and answer.shown.kind == MESSAGE:
            self._out.append(VoidA(packet.conv, packet.n, answer.shown.dg, answer.last, answer.ld))
        else:
            settled(self, answer, home=home)

    stack.enter_context(swap(Session, "_settled", lie))


def b21(stack: ExitStack) -> None:
    """The cursor moves when a frame is written."""
    flush = servers.SimConnection.flush

    def moved(self: Any) -> None:
        for packet in self._out:
            if isinstance(packet, MsgN):
                self._runner.perform(self, Raise((Move(self.who, packet.conv, packet.to),)))
        flush(self)

    stack.enter_context(added(servers.SimConnection, "flush", moved))


def b25(stack: ExitStack) -> None:
    """A frame leaves out a row."""
    run = delivery.Feed._run

    def short(self: Any, *room: int) -> MsgN:
        frame = run(self, *room)
        if len(frame.events) < 2:
            return frame
        return MsgN(frame.conv, frame.from_, frame.to, frame.head, frame.events[1:])

    stack.enter_context(swap(delivery.Feed, "_run", short))


def b31(stack: ExitStack) -> None:
    """T3 assigns instead of taking the maximum."""

    def climb(self: Any, move: Any, cursor: int, room: Any) -> Any:
        if not move.read:
            self._cursors[move.conv, move.who.did] = self._new_cursors[move.conv, move.who.did] = move.upto
        return honest(self, move, cursor, room)

    honest = sqlite_marks._Batch._climb
    assign = "on conflict (conv, did) do update set upto = excluded.upto"
    stack.enter_context(swap(sqlite_marks, "_CURSOR_CLIMBS", assign))
    stack.enter_context(swap(sqlite_marks._Batch, "_climb", climb))


def b33(stack: ExitStack) -> None:
    """A mark climbs and no rev says so."""
    honest = sqlite_marks._Batch._climb

    def climb(self: Any, move: Any, cursor: int, room: Any) -> Any:
        moved = honest(self, move, cursor, room)
        if moved.climbed is None:
            return moved
        self._revs[move.conv] = self._new_marks[move.conv, move.who.uid] = moved.rev - 1
        return replace(moved, rev=moved.rev - 1)

    stack.enter_context(swap(sqlite_marks._Batch, "_climb", climb))


def b27(stack: ExitStack) -> None:
    """Who left is served on."""
    stack.enter_context(swap(Standing, "sees", lambda self, pos: any(since <= pos for since, _ in self.spans)))
    stack.enter_context(swap(Standing, "head", lambda self, head: head if self.spans else 0))
    stack.enter_context(swap(sqlite_pages._Walk, "_span_end", lambda self: self.head))
    stack.enter_context(swap(sqlite_pages, "_HEADS", sqlite_pages._HEADS.replace("m.until", "null")))


def b28(stack: ExitStack) -> None:
    """The time between leaving and coming back is sent."""

    def sees(self: Any, pos: int) -> bool:
        return bool(self.spans) and self.spans[0][0] <= pos and (self.current or pos <= self.spans[-1][1])

    stack.enter_context(swap(sqlite_pages._Walk, "_span_end", lambda self: self.head))
    stack.enter_context(swap(Standing, "sees", sees))


def b29(stack: ExitStack) -> None:
    """What has expired is left out without a gap."""

    def gap(self: Any, last: int, why: str) -> None:
        honest(self, last, why)
        if why == "expired":
            self.gaps.pop()

    honest = sqlite_pages._Walk._gap
    stack.enter_context(swap(sqlite_pages._Walk, "_gap", gap))


def b30(stack: ExitStack) -> None:
    """Retention removes a lane's highest slot."""
    stack.enter_context(swap(sqlite_retention, "_TRIM", sqlite_retention._TRIM.replace("n < :kept", "n <= :kept")))


def b37(stack: ExitStack) -> None:
    """Read may be above delivered."""
    honest = sqlite_marks._Batch._climb

    def climb(self: Any, move: Any, cursor: int, room: Any) -> Any:
        moved = honest(self, move, cursor, room)
        key = (move.conv, move.who.uid)
        if not move.read or self._marks[key].read >= move.upto:
            return moved
        new = self._marks[key] = replace(self._marks[key], read=move.upto)
        rev = self._revs[move.conv] = self._revs[move.conv] + 1
        self._new_marks[key] = rev
        return replace(moved, climbed=new, rev=rev, members=room.members)

    stack.enter_context(swap(sqlite_marks._Batch, "_climb", climb))


def b39(stack: ExitStack) -> None:
    """A restored server keeps its generation."""
    honest = servers.ServerDisk.restore

    def silent(self: Any) -> str:
        (old,) = self.db.execute("select value from meta where key = 'gen'").fetchone() or ("",)
        honest(self)
        self.db.execute("update meta set value = ? where key = 'gen'", (old,))
        return str(old)

    stack.enter_context(swap(servers.ServerDisk, "restore", silent))


def b41(stack: ExitStack) -> None:
    """*unknown* is answered from a replica that lags."""

    async def lagging(self: Any, who: Any, keys: Any) -> Any:
        there = await self._do.read(lambda db: sqlite_pages.states(db, who, keys, 0))
        lag = [one if one.fate in ("cancelled", "refused") else replace(one, fate="unknown", pos=0) for one in there]
        return tuple(lag)

    stack.enter_context(swap(SqliteStore, "states", lagging))


def b42(stack: ExitStack) -> None:
    """`listing` is written after the join."""

    async def change(self: Any, who: Any, wish: Any) -> Any:
        done = await self._do.run(lambda db: sqlite_groups.change(db, who, wish, self._clock.now_ms()))
        if wish.do == "add":
            rows = [(uid, wish.conv) for uid in wish.uids]
            await self._do.run(lambda db: db.executemany(sqlite_groups._LIST, rows))
        return done

    stack.enter_context(swap(SqliteStore, "change_group", change))


def b43(stack: ExitStack) -> None:
    """A recall leaves the words."""
    stack.enter_context(swap(sqlite_log._Batch, "_erase", lambda self, conv, pos: None))


def b44(stack: ExitStack) -> None:
    """A file is named before it is complete."""
    stack.enter_context(swap(sqlite_log, "_MEDIA", sqlite_log._MEDIA.replace(" and done = 1", "")))


def b45(stack: ExitStack) -> None:
    """The offset of an upload is recorded before its data is safe."""

    async def early(self: Any, upload: Any) -> Any:
        offset = await self._blobs.begin(upload.media, upload.offset)
        await self._uploads.move(upload.media, offset)
        return replace(upload, offset=await self._blobs.settle(upload.media))

    stack.enter_context(swap(Media, "_settle", early))


# ------------------------------------------------------------------------------------------ the client


def b6(stack: ExitStack) -> None:
    """The client settles by number."""
    conclude = Outbox._conclude

    def by_number(self: Any, conv: Any, dg: Any, fate: Any, proof: Any, now_s: float) -> Any:
        waiting = self._lane(conv).by_number(proof.n) if proof and proof.n else None
        return conclude(self, conv, waiting.row.dg if waiting else dg, fate, proof, now_s)

    stack.enter_context(swap(Outbox, "_conclude", by_number))


def b13(stack: ExitStack) -> None:
    """Cancelled is shown at once."""

    def cancel(self: Any, lane: Any, lid: Any, now_s: float) -> Any:
        waiting = lane.by_lid(lid)
        gone = SaveSettled(lid, lane.conv, State.CANCELLED, 0, 0, lane.end.seen_last)
        return [gone, *self._remove(lane, waiting, now_s)]

    stack.enter_context(swap(Outbox, "_cancel", cancel))


def b14(stack: ExitStack) -> None:
    """Nothing is ever renumbered."""
    stack.enter_context(swap(client_outbox, "_disproves", lambda proof, head: False))


def b15(stack: ExitStack) -> None:
    """Renumbering makes a new nonce, and with it another message."""
    honest = LaneQueue.renumber

    def renumber(self: Any, last: int, ld: Any, now_s: float) -> Any:
        for waiting in self.rows:
            content = waiting.row.content + b" "
            waiting.row = replace(waiting.row, content=content, dg=digest(self.conv, content))
        return honest(self, last, ld, now_s)

    stack.enter_context(swap(LaneQueue, "renumber", renumber))


def b16(stack: ExitStack) -> None:
    """Only the head is renumbered."""

    def renumber(self: Any, last: int, ld: Any, now_s: float) -> Any:
        head = self.rows[0]
        (link,) = chain(last, ld, [head.row.dg])
        head.row, head.climb = replace(head.row, n=link.n, pd=link.pd), bottom(now_s)
        yield Renumbered(head.row.lid, link.n, link.pd)

    stack.enter_context(swap(LaneQueue, "renumber", renumber))


def b17(stack: ExitStack) -> None:
    """head.n > last+1 proves nothing (P-23 c)."""
    honest = client_outbox._disproves

    def blind(proof: Any, head: Any) -> bool:
        return head.n <= proof.last + 1 and honest(proof, head)

    stack.enter_context(swap(client_outbox, "_disproves", blind))


def b18(stack: ExitStack) -> None:
    """The outbox lives in memory."""
    stack.enter_context(swap(Saver, "_queue", lambda self, *row: None))


def b19(stack: ExitStack) -> None:
    """Parked rows are forgotten at the next start."""
    wake = Outbox._wake

    def forgetful(self: Any, rows: Any, now_ms: int) -> Any:
        return wake(self, [row for row in rows if not row.parked], now_ms)

    stack.enter_context(swap(Outbox, "_wake", forgetful))


def b20(stack: ExitStack) -> None:
    """The ladder counts the time without a line."""
    stack.enter_context(swap(schedule, "Ladder", lambda mode: Ladder(mode, literal=True)))


def b22(stack: ExitStack) -> None:
    """ack:R before T4: what arrived is written down one frame late."""
    store = Inbox._store

    def late(self: Any, shelf: Any, frame: Any, now_s: float) -> Any:
        outputs = store(self, shelf, frame, now_s)
        kept, self.late = getattr(self, "late", []), [one for one in outputs if isinstance(one, SaveArrived)]
        return [*kept, *(one for one in outputs if not isinstance(one, SaveArrived))]

    stack.enter_context(swap(Inbox, "_store", late))


def b23(stack: ExitStack) -> None:
    """A frame with from > cursor is applied."""
    take = Inbox._take

    def greedy(self: Any, frame: Any, now_s: float) -> Any:
        shelf = self._shelf(frame.conv)
        if frame.from_ > shelf.cursor:
            return self._store(shelf, frame, now_s)
        return take(self, frame, now_s)

    stack.enter_context(swap(Inbox, "_take", greedy))


def b24(stack: ExitStack) -> None:
    """What is here already is kept again (planted with the unique indexes off, or they would absorb it)."""
    _blank_without_indexes(stack)
    stack.enter_context(swap(client_inbox, "above", lambda cursor, events: list(events)))
    stack.enter_context(swap(Saver, "_event", lambda self, conv, event: self._new_bubble(conv, event)))


def b26(stack: ExitStack) -> None:
    """Nobody polls for heads, and a doorbell was lost."""

    def never(self: Any, now_s: float) -> None:
        self._heads_due_s = float("inf")

    stack.enter_context(swap(Inbox, "_plan_poll", never))


def b32(stack: ExitStack) -> None:
    """The client assigns marks instead of merging them by maximum."""

    def assign(standing: Any, mark: Any) -> bool:
        standing.reach[mark.by] = Reach(mark.delivered, mark.read)
        return True

    def marks(self: Any, save: Any) -> None:
        for mark in save.marks:
            row = (save.conv, mark.by, mark.delivered, mark.read)
            self._db.execute("insert or replace into mark (conv, uid, delivered, read) values (?, ?, ?, ?)", row)
        honest(self, replace(save, marks=()))

    writers = Saver.__dict__["_write"].dispatcher
    honest = writers.dispatch(SaveMarks)
    stack.callback(writers.register, SaveMarks, honest)
    writers.register(SaveMarks, marks)
    stack.enter_context(swap(client_marks, "_raise", assign))


def b34(stack: ExitStack) -> None:
    """rev moves although from > rev."""
    merge = Marks._merge

    def hasty(self: Any, standing: Any, from_: int, *rest: Any) -> Any:
        return merge(self, standing, min(from_, standing.rev), *rest)

    stack.enter_context(swap(Marks, "_merge", hasty))
    stack.enter_context(swap(Marks, "_hear", _hear_without_hole(Marks._hear)))


def _hear_without_hole(hear: Any) -> Any:
    def heard(self: Any, packet: Any) -> Any:
        return [one for one in hear(self, packet) if type(one).__name__ != "Pull"]

    return heard


def b35(stack: ExitStack) -> None:
    """One's own devices count as delivered."""
    stack.enter_context(swap(Marks, "_others_of", lambda self, members: (self._uid,)))


def b36(stack: ExitStack) -> None:
    """Stored is shown as delivered."""
    stored = Probes._stored

    def lie(self: Any, conv: Any, pos: int, how: str) -> Any:
        return [
            SaveState(one.lid, State.DELIVERED) if isinstance(one, SaveState) else one
            for one in stored(self, conv, pos, how)
        ]

    stack.enter_context(swap(Probes, "_stored", lie))


def b38(stack: ExitStack) -> None:
    """The echo is drawn as a second bubble (planted with the unique indexes off)."""
    _blank_without_indexes(stack)
    stack.enter_context(swap(Outbox, "echo", lambda self, conv, events, now_s: ((), [])))
    stack.enter_context(swap(Saver, "_event", lambda self, conv, event: self._new_bubble(conv, event)))


def _blank_without_indexes(stack: ExitStack) -> None:
    connection = stack.enter_context(closing(clients.in_memory()))
    connection.deserialize(clients.BLANK)
    connection.execute("drop index bubble_dg")
    connection.execute("drop index bubble_pos")
    stack.enter_context(swap(schedule, "BLANK", bytes(connection.serialize())))


def b40(stack: ExitStack) -> None:
    """Packets before `welcome` are used."""
    honest = Link._receive

    def eager(self: Any, packets: Any, now_s: float) -> Any:
        if self.ready or any(isinstance(packet, Welcome) for packet in packets):
            return honest(self, packets, now_s)
        return [*honest(self, packets, now_s), Said(tuple(packets))]

    stack.enter_context(swap(Link, "_receive", eager))


def b46(stack: ExitStack) -> None:
    """An event that cannot be read blocks the cursor."""
    take = Inbox._take

    def picky(self: Any, frame: Any, now_s: float) -> Any:
        if any(event.suite == PLAIN and not from_text(event.content).startswith(b"{") for event in frame.events):
            return []
        return take(self, frame, now_s)

    stack.enter_context(swap(Inbox, "_take", picky))


# ------------------------------------------------------------------------- bugs that were found here once


def found1(stack: ExitStack) -> None:
    """Who was silent before hello is sent away for good, though the hello was only lost or late."""
    close = Session._close

    def for_good(self: Any, code: int, reason: str = "") -> None:
        close(self, Close.MISUSE if reason == "silent" and not self._sn else code, reason)

    stack.enter_context(swap(Session, "_close", for_good))


def found2(stack: ExitStack) -> None:
    """An acknowledgement that could not be stored is refused for good."""
    stack.enter_context(swap(session, "FOR_GOOD", frozenset({"unknown_conversation", "store_failed"})))


@contextmanager
def added(owner: type, name: str, new: Any) -> Iterator[None]:
    """Put something where a class only inherits."""
    setattr(owner, name, new)
    try:
        yield
    finally:
        delattr(owner, name)


def found3(stack: ExitStack) -> None:
    """What cannot be pushed to a slow reader keeps the session awake all the time."""

    def awake(self: Any, *, slow: bool = False) -> float:
        return honest(self)

    honest = session._Talk.due_s
    stack.enter_context(swap(session._Talk, "due_s", awake))


def found4(stack: ExitStack) -> None:
    """After a restore of the server the members are those of a time that never was."""
    rewind = Inbox._rewind

    def sure(self: Any, bases: Any) -> Any:
        kept = {shelf.conv: (shelf.thin, shelf.away) for shelf in self._shelves.values()}
        rewind(self, bases)
        for shelf in self._shelves.values():
            shelf.thin, shelf.away = kept[shelf.conv]
        return []

    stack.enter_context(swap(Inbox, "_rewind", sure))


def found5(stack: ExitStack) -> None:
    """After a restore of the server what comes back keeps the ticks it had."""
    stack.enter_context(_rewinding("update bubble set state = :state where lid = :lid", "lid, state from bubble"))


def found6(stack: ExitStack) -> None:
    """After a restore of the server what was read above its base counts as read."""
    stack.enter_context(_rewinding("update chat set read_upto = :state where conv = :lid", "conv, read_upto from chat"))


@contextmanager
def _rewinding(put: str, kept: str) -> Iterator[None]:
    """A change of generation that leaves these as they were."""
    writers = Saver.__dict__["_write"].dispatcher
    honest = writers.dispatch(SaveGeneration)

    def generation(self: Any, save: SaveGeneration) -> None:
        before = self._db.execute(f"select {kept}").fetchall()
        honest(self, save)
        self._db.executemany(put, [{"lid": key, "state": value} for key, value in before])

    writers.register(SaveGeneration, generation)
    try:
        yield
    finally:
        writers.register(SaveGeneration, honest)


def found7(stack: ExitStack) -> None:
    """A page that was only pushed, into lines that broke, makes a message unreadable in the end."""
    given = Stubborn.given

    def counted(self: Any, did: Any, session_: int, page: Any, now_s: float) -> Any:
        pushed = not page.ask.pull and page.from_ == page.cursor
        asked = replace(page, ask=replace(page.ask, pull=True)) if pushed else page
        return replace(given(self, did, session_, asked, now_s), ask=page.ask)

    stack.enter_context(swap(Stubborn, "given", counted))


def found8(stack: ExitStack) -> None:
    """Who came where this device has not read yet is not waited for by its ticks."""
    climb = client_marks._climb

    def sure(standing: Any) -> bool:
        standing.known_to = None
        return climb(standing)

    stack.enter_context(swap(client_marks, "_climb", sure))


MUTANTS: dict[str, Plant] = {
    "B1": b1, "B2": b2, "B3": b3, "B4": b4, "B5": b5, "B6": b6, "B7": b7, "B8": b8, "B9": b9, "B10": b10, "B11": b11,
    "B12": b12, "B13": b13, "B14": b14, "B15": b15, "B16": b16, "B17": b17, "B18": b18, "B19": b19, "B20": b20,
    "B21": b21, "B22": b22, "B23": b23, "B24": b24, "B25": b25, "B26": b26, "B27": b27, "B28": b28, "B29": b29,
    "B30": b30, "B31": b31, "B32": b32, "B33": b33, "B34": b34, "B35": b35, "B36": b36, "B37": b37, "B38": b38,
    "B39": b39, "B40": b40, "B41": b41, "B42": b42, "B43": b43, "B44": b44, "B45": b45, "B46": b46,
    "found1": found1, "found2": found2, "found3": found3, "found4": found4, "found5": found5, "found6": found6,
    "found7": found7, "found8": found8,
}  # fmt: skip

LOSSY, DRY = Weather(loss=0.3), Weather(store_failure=0.1, loss=0.05)
FALLING, ROLLED_BACK = Weather(cut_rate=0.05, client_crash=0.01), Weather(rollback_rate=0.03, loss=0.02)
WEATHER = {
    "B4": Weather(client_crash=0.01, loss=0.1), "B5": Weather(cut_rate=0.1, loss=0.1, client_crash=0.01),
    "B7": DRY, "B8": DRY, "B10": Weather(commit_unknown=0.1), "B14": FALLING,
    "B15": FALLING, "B16": FALLING, "B17": Weather(rollback_rate=0.02),
    "B3": Weather(no_dial=0.6, cut_rate=0.1),
    "B19": Weather(loss=0.6, client_crash=0.03), "B20": Weather(no_dial=0.6, cut_rate=0.1),
    "B29": Weather(no_bell=0.5, client_crash=0.01), "B34": LOSSY, "B37": Weather(loss=0.3, slow=0.3, slow_max_s=5.0),
    "B39": Weather(rollback_rate=0.02), "B40": Weather(ghost=0.3, cut_rate=0.3, slow=0.3, slow_max_s=5.0),
    "B41": Weather(loss=0.6), "found1": LOSSY, "found2": Weather(store_failure=0.2),
    "found3": Weather(slow_reader=0.5, disk_max_s=0.01), "found4": ROLLED_BACK, "found5": ROLLED_BACK,
    "found6": ROLLED_BACK, "found7": Weather(cut_rate=0.5, half_open=1.0, slow=0.3, slow_max_s=20.0),
    "found8": Weather(no_bell=1.0),
}  # fmt: skip
"""Bugs that hide in most weathers, and the one that they do not like."""
BUSY, SILENT = Plan(weather_s=60.0, rate=0.6), Plan(weather_s=200.0, rate=0.03, bursts=(3,), second_devices=0.0)
CHANGING = Plan(rate=0.4, groups_change=20.0, bursts=(3, 8))
PLAN: dict[str, Plan] = {
    "B11": Plan(rate=0.6, block_rate=0.1), "B19": Plan(weather_s=200.0, rate=0.6, ask_at_once=True),
    "B20": Plan(weather_s=200.0),
    "B27": Plan(rate=0.6, groups_change=20.0), "B28": Plan(rate=0.6, groups_change=20.0),
    "B29": Plan(rate=0.6, trim_rate=0.1), "B30": Plan(rate=0.6, trim_rate=0.1),
    "B41": Plan(weather_s=200.0, rate=0.6, ask_at_once=True), "B42": Plan(rate=0.6, groups_change=20.0),
    "B43": Plan(rate=0.6, relate=20.0), "B44": Plan(media=10.0), "B46": Plan(poison=10.0),
    "B39": Plan(weather_s=90.0, rate=0.6), "B4": Plan(weather_s=90.0, rate=0.6), "B5": Plan(weather_s=90.0, rate=0.6),
    "B7": BUSY, "B8": BUSY, "B14": BUSY, "B15": BUSY, "B16": BUSY, "B37": BUSY,
    "found3": BUSY, "B17": BUSY, "B34": SILENT, "found2": SILENT,
    "B3": Plan(weather_s=90.0, rate=1.0, bursts=(3, 8), burst_share=60.0, restores=15.0),
    "found4": CHANGING, "found5": CHANGING, "found6": CHANGING,
    "found7": Plan(weather_s=200.0, rate=0.1, bursts=(3,), second_devices=0.0),
    "found8": Plan(rate=0.6, groups_change=20.0, bursts=(3,), second_devices=0.5),
}  # fmt: skip
"""Bugs that hide in most lives."""


def play_for(name: str, seed: int) -> None:
    """A world that this bug does not like. Raises Failed."""
    if name == "B45":
        play_upload(seed)
    else:
        schedule.play(seed, weather=WEATHER.get(name), plan=PLAN.get(name))


def find(name: str, seeds: Iterable[int]) -> schedule.Failed | None:
    """Plant this bug and play until a seed shows it."""
    with ExitStack() as stack:
        MUTANTS[name](stack)
        for seed in seeds:
            try:
                play_for(name, seed)
            except schedule.Failed as failed:
                return failed
    return None
