"""Planted bugs (section 21): each breaks one rule of the code under test; the oracle must find it.

A checker that finds nothing must be distrusted. Nothing here is reachable from the application.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

from client.adapters.sqlite_saves import Saver
from client.core import marks as client_marks
from client.core import outbox as client_outbox
from client.core.effects import SaveArrived, SaveMarks, SaveSettled, SaveState
from client.core.inbox import Inbox
from client.core.marks import Marks
from client.core.model import Reach, State
from client.core.outbox import Outbox
from client.core.probes import Probes
from protocol.codec import from_text
from protocol.packets import Close, MsgN, VoidA, VoidR
from protocol.values import replace
from server.core import acceptance, delivery, session
from server.core.acceptance import MESSAGE, Turn
from server.core.effects import Raise
from server.core.moves import Move
from server.core.session import Session
from server.stores import sqlite_log, sqlite_marks
from tests.simulation import clients, schedule, servers
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

    def short(self: Any, room: int) -> MsgN:
        frame = run(self, room)
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


def b17(stack: ExitStack) -> None:
    """head.n > last+1 proves nothing (P-23 c)."""
    honest = client_outbox._disproves

    def blind(proof: Any, head: Any) -> bool:
        return head.n <= proof.last + 1 and honest(proof, head)

    stack.enter_context(swap(client_outbox, "_disproves", blind))


def b18(stack: ExitStack) -> None:
    """The outbox lives in memory."""
    stack.enter_context(swap(Saver, "_queue", lambda self, *row: None))


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

    def hasty(self: Any, standing: Any, from_: int, to: int, marks: Any) -> Any:
        return merge(self, standing, min(from_, standing.rev), to, marks)

    stack.enter_context(swap(Marks, "_merge", hasty))
    stack.enter_context(swap(Marks, "_hear", _hear_without_hole(Marks._hear)))


def _hear_without_hole(hear: Any) -> Any:
    def heard(self: Any, packet: Any) -> Any:
        return [one for one in hear(self, packet) if type(one).__name__ != "Pull"]

    return heard


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
    """The echo is drawn as a second bubble (planted with the unique index off)."""
    connection = stack.enter_context(closing(clients.in_memory()))
    connection.deserialize(clients.BLANK)
    connection.execute("drop index bubble_dg")
    connection.execute("drop index bubble_pos")
    stack.enter_context(swap(schedule, "BLANK", bytes(connection.serialize())))
    stack.enter_context(swap(Outbox, "echo", lambda self, conv, events, now_s: ((), [])))
    stack.enter_context(swap(Saver, "_event", lambda self, conv, event: self._new_bubble(conv, event)))


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


MUTANTS: dict[str, Plant] = {
    "B1": b1, "B2": b2, "B3": b3, "B6": b6, "B9": b9, "B12": b12, "B13": b13, "B14": b14, "B17": b17, "B18": b18,
    "B21": b21, "B22": b22, "B23": b23, "B25": b25, "B31": b31, "B32": b32, "B33": b33, "B34": b34, "B36": b36,
    "B38": b38, "found1": found1, "found2": found2,
}  # fmt: skip


WEATHER = {"B34": Weather(loss=0.3), "found1": Weather(loss=0.3), "found2": Weather(store_failure=0.05)}
"""Bugs that hide in most weathers, and the one that they do not like."""
PLAN: dict[str, Plan] = {}
"""Bugs that hide in most lives."""


def find(name: str, seeds: Iterable[int]) -> schedule.Failed | None:
    """Plant this bug and play until a seed shows it."""
    with ExitStack() as stack:
        MUTANTS[name](stack)
        for seed in seeds:
            try:
                schedule.play(seed, weather=WEATHER.get(name), plan=PLAN.get(name))
            except schedule.Failed as failed:
                return failed
    return None
