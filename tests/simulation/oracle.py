"""The outside view: compares disks with what people did, at every commit; never calls the code under test.

It reads tables with SQL of its own and knows packets only by their fields. State numbers are the disk's: 3 accepted,
4 stored, 5 delivered, 6 read, 8 needs you, 9 refused, 10 cancelled; they are written down here once more on purpose.
"""

from __future__ import annotations

import sqlite3
from base64 import urlsafe_b64decode
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.simulation.world import World

if TYPE_CHECKING:
    from client.core.model import Me
    from tests.simulation.clients import Client, Disk

ACCEPTED, DELIVERED, READ, CANCELLING, NEEDS_YOU, REFUSED, CANCELLED = 3, 5, 6, 7, 8, 9, 10
FINAL = (3, 4, 5, 6, REFUSED, CANCELLED)
NOWHERE = 1 << 60
MESSAGE, VOID, REFUSAL = 0, 1, 2
PUSH_MAX = 256


@dataclass
class Seen:
    """What one disk showed when it was looked at last; a restored disk is looked at anew (S14)."""

    did: str
    uid: str
    states: dict[int, tuple[int, int, str, bytes]] = field(default_factory=dict)
    cursors: dict[str, int] = field(default_factory=dict)
    revs: dict[str, int] = field(default_factory=dict)
    marks: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    kept: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))


class Oracle:
    """What was said, what was ever kept by whom, and what the disks say about it."""

    def __init__(self, world: World, server: sqlite3.Connection) -> None:
        self._world, self._server = world, server
        self._members: dict[str, set[str]] = {}
        self._spoken: dict[bytes, tuple[str, str, str]] = {}
        self._behind: dict[bytes, frozenset[bytes]] = {}
        self._log: dict[str, list[tuple[str, bytes]]] = defaultdict(list)
        self._place: dict[bytes, int] = {}
        self._slots: dict[tuple[str, int], list[tuple[Any, ...]]] = defaultdict(list)
        self._lanes: list[tuple[str, int]] = []
        self._over: dict[bytes, str] = {}
        self._had: dict[tuple[str, str], int] = defaultdict(int)
        self._reads: dict[tuple[str, str], int] = defaultdict(int)
        self._cursor: dict[tuple[str, int], int] = defaultdict(int)
        self._mark: dict[tuple[str, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
        self._seen: dict[Disk, Seen] = {}
        self.composed = 0

    # --- told by the world: who is where, who said what

    def convs_of(self, uid: str) -> list[str]:
        """Where this person may talk."""
        return [conv for conv, members in self._members.items() if uid in members]

    def _look_at_conversations(self) -> None:
        for (conv,) in self._server.execute("select conv from conv order by ts, conv").fetchall():
            if conv not in self._members:
                rows = self._server.execute("select uid from member where conv = ?", (conv,))
                self._members[conv] = {uid for (uid,) in rows}
                self._lanes += [
                    (conv, int(did))
                    for uid, did in self._server.execute("select uid, did from device order by did")
                    if uid in self._members[conv]
                ]

    def spoken(self, me: Me, conv: str, content: bytes) -> None:
        """These words are about to be written down."""
        self._spoken[content] = (me.uid, me.did, conv)

    def watches(self, disk: Disk, uid: str, did: str) -> None:
        """A disk begins, or was restored: what it showed before counts no more."""
        self._seen[disk] = Seen(did, uid)

    # --- the server's disk, at every commit

    def server_disk(self) -> None:
        """The server has committed something."""
        self._look_at_conversations()
        for conv in self._members:
            self._look_at_log(conv)
        for lane in self._lanes:
            self._look_at_lane(*lane)
        self._look_at_server_marks()

    def _look_at_server_marks(self) -> None:
        """Cursors and marks only climb, and say no more than the disks (S6, S14)."""
        for conv, did, upto in self._server.execute("select conv, did, upto from cursor"):
            self._must(upto >= self._cursor[conv, did], f"S14 the server's cursor of {did} in {conv} fell to {upto}")
            self._cursor[conv, did] = upto
        for conv, uid, delivered, read in self._server.execute("select conv, uid, delivered, read from mark"):
            old = self._mark[conv, uid]
            self._must(delivered >= old[0] and read >= old[1], f"S14 the server's mark of {uid} in {conv} fell")
            self._must(read <= delivered <= self._had[uid, conv], f"S6 the server's mark of {uid} in {conv} is untrue")
            self._mark[conv, uid] = delivered, read

    def _look_at_log(self, conv: str) -> None:
        log = self._log[conv]
        rows = self._server.execute(
            "select pos, did, content from log where conv = ? and pos > ? order by pos", (conv, len(log))
        )
        for pos, did, content in rows:
            self._must(pos == len(log) + 1, f"S4 a hole in the log of {conv} at {len(log) + 1}")
            log.append((str(did), content))
            if did:
                self._look_at_message(conv, pos, did, content)

    def _look_at_message(self, conv: str, pos: int, did: int, content: bytes) -> None:
        said = self._spoken.get(content)
        self._must(said is not None and said[1:] == (str(did), conv), f"S3 nobody composed {conv}/{pos}")
        self._must(content not in self._place, f"S2 {conv}/{pos} is in the log twice: {content!r}")
        self._must(content not in self._over, f"S9 {conv}/{pos} was shown as {self._over.get(content)}: {content!r}")
        self._place[content] = pos
        for other, waited in self._behind.items():
            if content in waited:
                self._must(other not in self._place, f"S5 {content!r} at {pos} overtook by {other!r}")

    def _look_at_lane(self, conv: str, did: int) -> None:
        slots = self._slots[conv, did]
        rows = self._server.execute(
            "select n, dg, kind, pos, code from slot where conv = ? and did = ? and n > ? order by n",
            (conv, did, len(slots)),
        )
        for row in rows:
            self._must(row[0] == len(slots) + 1, f"S13 lane {conv}/{did} has a hole before {row[0]}")
            slots.append(row)

    def check_slots(self) -> None:
        """All of them, against what they were when they were new (S13)."""
        for (conv, did), slots in self._slots.items():
            rows = self._server.execute(
                "select n, dg, kind, pos, code from slot where conv = ? and did = ? order by n", (conv, did)
            ).fetchall()
            self._must(rows == slots, f"S13 slots of {conv}/{did} have changed")

    # --- a client's disk, at every commit

    def client_disk(self, client: Client) -> None:
        disk, seen = client.disk, self._seen[client.disk]
        self._look_at_cursors(disk, seen, client.name)
        self._look_at_bubbles(disk, seen, client.name)
        self._look_at_marks(disk, seen, client.name)
        self._look_at_outbox(disk, client.name)

    def _look_at_cursors(self, disk: Disk, seen: Seen, name: str) -> None:
        for conv, cursor, rev, read in disk.db.execute("select conv, cursor, rev, read_upto from chat").fetchall():
            before = seen.cursors.get(conv, 0)
            self._must(cursor >= before, f"S14 the cursor of {name} in {conv} fell")
            self._must(rev >= seen.revs.get(conv, 0), f"S14 the rev of {name} in {conv} fell")
            seen.revs[conv] = rev
            self._reads[seen.uid, conv] = max(self._reads[seen.uid, conv], read)
            if cursor > before:
                self._look_at_arrived(disk, seen, conv, before, cursor, name)
                seen.cursors[conv] = cursor
                self._had[seen.uid, conv] = max(self._had[seen.uid, conv], cursor)

    def _look_at_arrived(self, disk: Disk, seen: Seen, conv: str, before: int, cursor: int, name: str) -> None:
        """What came is what the log says there (S3, S4)."""
        log = self._log[conv]
        self._must(cursor <= len(log), f"S3 {name} has {conv} up to {cursor}, the log has {len(log)}")
        rows = disk.db.execute(
            "select pos, did, content from bubble where conv = ? and pos > ? and pos <= ? and lost = 0 order by pos",
            (conv, before, cursor),
        ).fetchall()
        here = [(pos, did, content) for pos, did, content in rows]
        there = [(pos, *log[pos - 1]) for pos in range(before + 1, min(cursor, len(log)) + 1)]
        self._must(here == there, f"S4 {name} sees {conv} {before + 1}…{cursor} otherwise: {_diff(here, there)}")

    def _look_at_bubbles(self, disk: Disk, seen: Seen, name: str) -> None:
        rows = disk.db.execute(
            "select lid, state, pos, conv, content from bubble where mine = 1 order by lid"
        ).fetchall()
        waiting: dict[str, list[tuple[int, bytes]]] | None = None
        for lid, state, pos, conv, content in rows:
            old = seen.states.get(lid)
            if old is not None and old[:2] == (state, pos):
                continue
            if old is None and state not in (3, 4, 5, 6) and content not in self._behind:
                waiting = self._waiting(disk) if waiting is None else waiting
                self._behind[content] = frozenset(said for other, said in waiting[conv] if other < lid)
                self.composed += 1
            seen.states[lid] = (state, pos, conv, content)
            self._look_at_state(seen, name, old[0] if old else None, state, pos, conv, content)

    def _look_at_outbox(self, disk: Disk, name: str) -> None:
        """What is shown as waiting waits, as it is shown; lanes keep the order of writing (L1, S5, P-57)."""
        rows = disk.db.execute("select conv, n, lid, wish, parked from outbox order by conv, n").fetchall()
        shown = disk.db.execute("select lid, state from bubble where mine = 1 and state in (1, 2, 7, 8)").fetchall()
        waits = {lid: (wish, parked) for _, _, lid, wish, parked in rows}
        self._must(set(waits) == {lid for lid, _ in shown}, f"L1 {name} shows {shown} as waiting, what waits is {rows}")
        for lid, state in shown:
            wish, parked = waits.get(lid, ("", 0))
            asked = state == (NEEDS_YOU if parked else state) and (parked or state != NEEDS_YOU)
            true = state in (CANCELLING, NEEDS_YOU) if wish == "cancel" else asked and state != CANCELLING
            self._must(true, f"P-57 {name} shows {lid} as {state}, wanted: {wish}, parked: {parked}")
        for (conv, n, lid, *_), (other, n_behind, lid_behind, *_) in zip(rows, rows[1:], strict=False):
            in_order = conv != other or (n < n_behind and lid < lid_behind)
            self._must(in_order, f"S5 {name} has {lid} as {n} and {lid_behind} as {n_behind} in {conv}")

    def _waiting(self, disk: Disk) -> dict[str, list[tuple[int, bytes]]]:
        """Per conversation what waits on this disk; what was written first has the lowest number of a bubble."""
        waiting: dict[str, list[tuple[int, bytes]]] = defaultdict(list)
        for conv, lid, content in disk.db.execute("select conv, lid, bytes from outbox"):
            waiting[conv].append((lid, content))
        return waiting

    def _look_at_state(
        self, seen: Seen, name: str, old: int | None, state: int, pos: int, conv: str, content: bytes
    ) -> None:
        what = f"{name} {conv}/{pos} {content!r}"
        if state in range(ACCEPTED, READ + 1):
            log = self._log[conv]
            there = pos <= len(log) and log[pos - 1][1] == content
            self._must(there, f"S1 {what} is shown as {state}, and is not in the log")
            self._look_at_tick(seen, state, pos, conv, what)
        elif state in (REFUSED, CANCELLED):
            self._over[content] = "refused" if state == REFUSED else "cancelled"
            self._must(content not in self._place, f"S9 {what} is shown as {state}, and is in the log")
        if old is not None and old in range(ACCEPTED, READ + 1):
            self._must(state in range(old, READ + 1), f"S14 {what} fell from {old} to {state}")
        elif old in (REFUSED, CANCELLED):
            self._must(state == old, f"S14 {what} was {old} and is {state}")

    def _look_at_tick(self, seen: Seen, state: int, pos: int, conv: str, what: str) -> None:
        """Delivered only if it is on a disk of everybody else, read only if they have read it (S6)."""
        for uid in self._members[conv] - {seen.uid}:
            if state >= DELIVERED:
                self._must(self._had[uid, conv] >= pos, f"S6 {what} is shown as delivered, {uid} has not got it")
            if state >= READ:
                self._must(self._reads[uid, conv] >= pos, f"S6 {what} is shown as read, {uid} has not")

    def _look_at_marks(self, disk: Disk, seen: Seen, name: str) -> None:
        for conv, uid, delivered, read in disk.db.execute("select conv, uid, delivered, read from mark").fetchall():
            old = seen.marks.get((conv, uid), (0, 0))
            if old == (delivered, read):
                continue
            seen.marks[conv, uid] = delivered, read
            self._must(delivered >= old[0] and read >= old[1], f"S14 a mark of {name} in {conv} fell")
            self._must(read <= delivered, f"S6 {name} shows read above delivered in {conv}")
            self._must(delivered <= self._had[uid, conv], f"S6 {name} has a mark of {uid} in {conv} that is not true")
            self._must(read <= self._reads[uid, conv], f"S6 {name} has a read of {uid} in {conv} that is not true")

    # --- what is said on the wire

    def client_says(self, client: Client, packets: Sequence[Any]) -> None:
        """Durable first: T0 before msg:R, T4 before ack:R (S7, S8)."""
        for packet in packets:
            kind = type(packet).__name__
            if kind in ("MsgR", "VoidR") and not getattr(packet, "probe", False):
                # saves of a turn come first: the row may be settled, renumbered or cancelled already
                row = client.disk.db.execute(
                    "select 1 from bubble where conv = ? and dg = ? and mine = 1", (packet.conv, packet.dg)
                ).fetchone()
                what = f"{client.name} says {kind} {packet.conv}/{packet.n}"
                self._must(row is not None, f"S7 {what} that is not on its disk")
            elif kind in ("AckR", "OfflineAckR"):
                row = client.disk.db.execute("select cursor from chat where conv = ?", (packet.conv,)).fetchone()
                kept = row is not None and row[0] >= packet.upto
                self._must(kept, f"S8 {client.name} acknowledges {packet.conv} up to {packet.upto}, and has not got it")

    def server_says(self, client: Client, packets: Sequence[Any]) -> None:
        """An answer leaves only after its transaction (S7)."""
        did = int(self._seen[client.disk].did)
        for packet in packets:
            kind = type(packet).__name__
            if kind == "MsgA" and not packet.gone:
                self._must_slot(packet, did, MESSAGE)
            elif kind == "VoidA":
                self._must_slot(packet, did, VOID)
            elif kind == "Nack" and packet.final:
                self._must_slot(packet, did, REFUSAL)
            elif kind == "MsgN":
                row = self._server.execute(
                    "select upto from cursor where conv = ? and did = ?", (packet.conv, did)
                ).fetchone()
                behind = packet.to - (row[0] if row else 0)
                self._must(behind <= PUSH_MAX, f"S12 {behind} events pushed to {client.name} without an ack")
            elif kind == "AckA":
                row = self._server.execute(
                    "select upto from cursor where conv = ? and did = ?", (packet.conv, did)
                ).fetchone()
                self._must(row is not None and row[0] >= packet.upto, f"S7 ack:A {packet.upto} before its commit")

    def _must_slot(self, packet: Any, did: int, kind: int) -> None:
        """The answer names the digest that was decided about."""
        dg = urlsafe_b64decode(packet.dg + "==")
        found = self._server.execute(
            "select pos from slot where conv = ? and did = ? and dg = ? and kind = ?", (packet.conv, did, dg, kind)
        ).fetchone()
        committed = found is not None and (kind != MESSAGE or found[0] == packet.pos)
        self._must(committed, f"S7 {type(packet).__name__} {packet.conv}/{packet.n} before its commit")

    # --- at the end

    def settled(self, disks: Sequence[tuple[str, Disk]], *, reads: bool) -> None:
        """The weather has been fine for long enough: everything must have come to rest (L1 to L4)."""
        self.check_slots()
        for name, disk in disks:
            self._must_rest(name, disk)
            self._must_have_all(name, disk)
        for name, disk in disks:
            self._must_show_ticks(name, disk, disks, reads=reads)

    def _must_rest(self, name: str, disk: Disk) -> None:
        """L1, L4: nothing waits."""
        rows = disk.db.execute("select lid, conv, state, content from bubble where mine = 1").fetchall()
        for lid, conv, state, content in rows:
            self._must(state in FINAL, f"L1 {name} {conv} bubble {lid} rests in state {state}: {content!r}")
        left = disk.db.execute("select lid, conv, n, parked from outbox").fetchall()
        self._must(not left, f"L1 {name} has rows left: {left}")

    def _must_have_all(self, name: str, disk: Disk) -> None:
        """L2: every log is here as a whole, once (S2, S4)."""
        for conv, members in self._members.items():
            seen = self._seen[disk]
            if seen.uid not in members:
                continue
            log = self._log[conv]
            rows = disk.db.execute(
                "select pos, did, content from bubble where conv = ? and pos < ? order by pos, lid", (conv, NOWHERE)
            ).fetchall()
            there = [(pos, *said) for pos, said in enumerate(log, 1)]
            self._must(list(map(tuple, rows)) == there, f"L2 {name} has {conv} otherwise: {_diff(rows, there)}")
        doubles = disk.db.execute(
            "select content, count(*) from bubble where did <> '0' group by conv, content having count(*) > 1"
        ).fetchall()
        self._must(not doubles, f"S2 {name} shows twice: {doubles[:3]}")

    def _must_show_ticks(self, name: str, disk: Disk, disks: Sequence[tuple[str, Disk]], *, reads: bool) -> None:
        """L3: what everybody else has is shown as delivered, and, when `reads`, what they have read as read."""
        me = self._seen[disk].uid
        for conv, members in self._members.items():
            if me not in members or members == {me}:
                continue
            read = min(self._now(disks, uid, conv, "read_upto") for uid in members - {me})
            rows = disk.db.execute(
                "select pos, state, content from bubble where conv = ? and mine = 1 and state between 3 and 6", (conv,)
            ).fetchall()
            for pos, state, content in rows:
                least = READ if reads and pos <= read else DELIVERED
                self._must(state >= least, f"L3 {name} shows {conv}/{pos} as {state}, not {least}: {content!r}")

    def _now(self, disks: Sequence[tuple[str, Disk]], uid: str, conv: str, column: str) -> int:
        found = [
            row[0]
            for _, disk in disks
            if self._seen[disk].uid == uid
            for row in disk.db.execute(f"select {column} from chat where conv = ?", (conv,))
        ]
        return max(found, default=0)

    def in_log(self) -> int:
        """How many messages were accepted."""
        return len(self._place)

    def _must(self, true: bool, what: str) -> None:
        if not true:
            self._world.blame(what)


def _diff(here: Sequence[Any], there: Sequence[Any]) -> str:
    """The first difference, in few words."""
    for one, other in zip(here, there, strict=False):
        if tuple(one) != tuple(other):
            return f"{one} instead of {other}"
    return f"{len(here)} instead of {len(there)}: {[*here, *there][min(len(here), len(there)) :][:1]}"
