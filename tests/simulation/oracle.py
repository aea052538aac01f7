"""The outside view: compares disks with what people did, at every commit; never calls the code under test.

It reads tables with SQL of its own and knows packets only by their fields. Triggers of its own say which rows a commit
has touched, so that looking costs as much as changing. State numbers are the disk's: 3 accepted, 4 stored, 5 delivered,
6 read, 8 needs you, 9 refused, 10 cancelled, 11 long ago; they are written down here once more on purpose.
"""

from __future__ import annotations

import sqlite3
from base64 import urlsafe_b64decode
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.simulation.world import World

if TYPE_CHECKING:
    from client.core.model import Me
    from tests.simulation.clients import Client, Disk

ACCEPTED, DELIVERED, READ, CANCELLING, NEEDS_YOU, REFUSED, CANCELLED, LONG_AGO = 3, 5, 6, 7, 8, 9, 10, 11
FINAL = (3, 4, 5, 6, REFUSED, CANCELLED, LONG_AGO)
NOWHERE = 1 << 60
MESSAGE, VOID, REFUSAL, ALIAS = 0, 1, 2, 3
LAG_S = 10.0  # longer than an answer waits to leave, unless its process stalls
MOVES_MAX = 12
PUSH_MAX, WINDOW_MAX, TRIES_MAX = 256, 64, 4
UNREADABLE_AFTER = 5
UNSEEN = ("", b"")  # written and removed by retention in one commit

WATCH = """
create temp table looked_own (lid integer);
create temp table looked (what text);
create temp trigger own_new after insert on main.bubble when new.mine = 1 begin
    insert into looked_own values (new.lid); end;
create temp trigger own_changed after update of state, pos on main.bubble when new.mine = 1 begin
    insert into looked_own values (new.lid); end;
create temp trigger chat_new after insert on main.chat begin insert into looked values ('chat'); end;
create temp trigger chat_changed after update of cursor, rev, read_upto on main.chat begin
    insert into looked values ('chat'); end;
create temp trigger mark_new after insert on main.mark begin insert into looked values ('mark'); end;
create temp trigger mark_changed after update on main.mark begin insert into looked values ('mark'); end;
create temp trigger me_changed after update on main.me begin insert into looked values ('me'); end;
create temp trigger outbox_new after insert on main.outbox begin insert into looked values ('outbox'); end;
create temp trigger outbox_changed after update on main.outbox begin
    insert into looked values ('outbox'); end;
create temp trigger outbox_gone after delete on main.outbox begin insert into looked values ('outbox'); end;
"""
"""Which own bubbles a commit has touched, and which other tables."""


@dataclass
class Seen:
    """What one disk showed when it was looked at last; a restored disk is looked at anew (S14)."""

    did: str
    uid: str
    gen: str = ""
    carried: bool = False  # this commit brought another generation: what was true in the old one is shown on
    states: dict[int, tuple[int, int, str, bytes]] = field(default_factory=dict)
    cursors: dict[str, int] = field(default_factory=dict)
    revs: dict[str, int] = field(default_factory=dict)
    marks: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)


@dataclass
class Talk:
    """What one connection of a client has said and not been answered (S12, L6)."""

    waiting: dict[str, tuple[str, int]] = field(default_factory=dict)
    tries: dict[tuple[str, int, str, str], int] = field(default_factory=dict)
    claims: dict[tuple[str, int], tuple[str, int]] = field(default_factory=dict)
    moves: dict[str, tuple[int, int]] = field(default_factory=dict)
    more: int = 0
    asked_s: float = 0.0
    turned_away: bool = False
    welcomed: bool = False


@dataclass
class Room:
    """A conversation as the server's disk has shown it: its log from position 1, and who belonged to it when."""

    conv: str
    log: list[tuple[str, bytes]] = field(default_factory=list)
    floor: int = 0
    floor_once: int = 0  # where the log began before a backup brought older messages back (P-68, P-84)
    erased: set[int] = field(default_factory=set)
    unrecalled: set[int] = field(default_factory=set)
    edits: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    spans: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    def had_seat(self, uid: str, pos: int) -> bool:
        """Whether this person belonged here then (S10)."""
        return any(since <= pos <= (until or NOWHERE) for since, until in self.spans.get(uid, ()))

    def may_lack(self, pos: int, content: bytes) -> bool:
        """Whether this may be shown there: of what was recalled nothing is left, or what the log had.

        A backup that is older than the recall brings the words back to the server, never to those who erased them.
        """
        return pos in self.erased or (pos in self.unrecalled and not content)

    def now(self) -> set[str]:
        """Who belongs here."""
        return {uid for uid, spans in self.spans.items() if not spans[-1][1]}

    def steady(self, pos: int) -> set[str]:
        """Who has belonged here from that position on without a break."""
        return {uid for uid, spans in self.spans.items() if len(spans) == 1 and spans[0][0] <= pos and not spans[0][1]}


class Oracle:
    """What was said, what was ever kept by whom, and what the disks say about it."""

    def __init__(self, world: World, server: sqlite3.Connection) -> None:
        self._world, self._server = world, server
        self._checks: dict[str, int] = defaultdict(int)
        self.gen = ""
        self._rooms: dict[str, Room] = {}
        self._spoken: dict[bytes, tuple[str, str, str]] = {}
        self._after: dict[bytes, list[bytes]] = {}  # what was composed while this one was waiting in its lane
        self._known: set[bytes] = set()
        self._place: dict[bytes, int] = {}
        self._slots: dict[tuple[str, int], dict[int, tuple[Any, ...]]] = defaultdict(dict)
        self._lasts: dict[tuple[str, int], int] = defaultdict(int)
        self._since_s: dict[tuple[str, int, bytes], float] = {}
        self._over: dict[bytes, tuple[str, str, str]] = {}
        self._had: dict[tuple[str, str], int] = defaultdict(int)
        self._reads: dict[tuple[str, str], int] = defaultdict(int)
        self._cursor: dict[tuple[str, int], int] = defaultdict(int)
        self._mark: dict[tuple[str, str], tuple[int, int, int]] = defaultdict(lambda: (0, 0, 0))
        self._seen: dict[Disk, Seen] = {}
        self._talks: dict[Client, tuple[int, Talk]] = {}
        # sessions that got this page; each run of a client numbers its connections from 1
        self._given: dict[tuple[str, str, int], set[tuple[Client, int]]] = defaultdict(set)
        self.composed = self.accepted = 0

    @property
    def checks(self) -> dict[str, int]:
        """How often each promise was looked at."""
        return self._checks

    # --- told by the world: who is where, who said what

    @property
    def convs(self) -> list[str]:
        """All conversations."""
        return list(self._rooms)

    def convs_of(self, uid: str) -> list[str]:
        """Where this person may talk."""
        return [conv for conv, room in self._rooms.items() if uid in room.now()]

    def groups_of(self, uid: str) -> list[str]:
        """Groups where this person is."""
        forms = dict(self._server.execute("select conv, form from conv"))
        return [conv for conv in self.convs_of(uid) if forms.get(conv) == "group"]

    def members_of(self, conv: str) -> set[str]:
        """Who is there now."""
        return self._rooms[conv].now()

    def spoken(self, me: Me, conv: str, content: bytes) -> None:
        """These words are about to be written down."""
        self._spoken[content] = (me.uid, me.did, conv)

    def watches(self, disk: Disk, uid: str, did: str) -> None:
        """A disk begins, or was restored: what it showed before counts no more."""
        (gen,) = disk.db.execute("select gen from me").fetchone()
        disk.db.executescript(WATCH)
        self._seen[disk] = Seen(did, uid, gen)

    # --- the server's disk, at every commit

    def server_disk(self, *, marks: bool = True, rest: bool = True) -> None:
        """The server has committed something: always perhaps messages; `marks`, or anything else."""
        if rest:
            self._look_at_rooms()
        for conv, head, floor in self._server.execute("select conv, head, floor from conv").fetchall():
            room = self._rooms[conv]
            if head > len(room.log):
                self._look_at_log(room)
            if floor > room.floor:
                room.floor = floor
        self._look_at_slots()
        if marks:
            self._look_at_server_marks()

    def _look_at_rooms(self) -> None:
        """New conversations, and who belongs to them."""
        spans: dict[str, dict[str, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
        rows = self._server.execute("select conv, uid, since, until from member order by conv, uid, since")
        for conv, uid, since, until in rows:
            spans[conv][uid].append((since, until or 0))
        for (conv,) in self._server.execute("select conv from conv order by ts, conv").fetchall():
            room = self._rooms.setdefault(conv, Room(conv))
            room.spans = spans[conv]
        self._checks["P-59 a member is listed before joining"] += 1
        unlisted = self._server.execute(
            "select conv, uid from member where until is null and (uid, conv) not in (select uid, conv from listing)"
        ).fetchall()
        if unlisted:
            self._blame(f"P-59 members without a line in the listing: {unlisted}")

    def _look_at_server_marks(self) -> None:
        """Cursors and marks only climb, and say no more than the disks (S6, S14)."""
        rows = self._server.execute("select conv, did, upto from cursor").fetchall()
        marks = self._server.execute("select conv, uid, delivered, read, rev from mark").fetchall()
        self._checks["S14 marks, cursors and states climb"] += len(rows) + len(marks)
        self._checks["S6 ticks are true"] += len(marks)
        for conv, did, upto in rows:
            if upto < self._cursor[conv, did]:
                self._blame(f"S14 the server's cursor of {did} in {conv} fell to {upto}")
            self._cursor[conv, did] = upto
        for conv, uid, delivered, read, rev in marks:
            old = self._mark[conv, uid]
            if old == (delivered, read, rev):
                continue
            if delivered < old[0] or read < old[1]:
                self._blame(f"S14 the server's mark of {uid} in {conv} fell")
            if not read <= delivered <= self._had[uid, conv]:
                self._blame(f"S6 the server's mark of {uid} in {conv} is untrue: {read} {delivered}")
            if rev <= old[2]:
                self._blame(f"P-49 the mark of {uid} in {conv} climbed and its rev did not")
            self._mark[conv, uid] = delivered, read, rev

    def _look_at_log(self, room: Room, *, backup: bool = False) -> None:
        """New rows. Stubs are among them where the recall came in the same commit, or before a backup was made."""
        log, conv = room.log, room.conv
        rows = self._server.execute(
            "select pos, did, content, rel from log where conv = ? and pos > ? order by pos", (conv, len(log))
        ).fetchall()
        said = {rel for *_, rel in rows if rel}
        self._checks["S4 everybody sees the same log"] += len(rows)
        (floor,) = self._server.execute("select floor from conv where conv = ?", (conv,)).fetchone()
        log += [UNSEEN] * (min(floor, rows[0][0] - 1 if rows else floor) - len(log))
        for pos, did, content, rel in rows:
            if pos != len(log) + 1:
                self._blame(f"S4 a hole in the log of {conv} at {len(log) + 1}")
            log.append((str(did), content))
            if not content and (backup or {f"recall:{pos}", (rel or "").replace("edit", "recall")} & said):
                room.erased.add(pos)
            elif did:
                self._look_at_message(conv, pos, did, content)
            kind, _, target = (rel or "").partition(":")
            if kind == "edit":
                room.edits[int(target)].add(pos)
            elif kind == "recall":
                self._look_at_recalled(room, int(target))
        self._checks["S11 files are complete"] += 1
        lacking = self._server.execute(
            """select pos, media from pin where conv = ? and pos > ?
            and media not in (select media from upload where done = 1 and conv = pin.conv)""",
            (conv, len(log) - len(rows)),
        ).fetchall()
        if lacking:
            self._blame(f"S11 {conv} names files that are not complete: {lacking}")
        (head,) = self._server.execute("select head from conv where conv = ?", (conv,)).fetchone()
        if head != len(log):
            self._blame(f"P-7 the head of {conv} is {head}, its log ends at {len(log)}")

    def _look_at_recalled(self, room: Room, target: int) -> None:
        """What was recalled is gone at the server: words, what edits made of them, and files (P-74)."""
        self._checks["P-74 what is recalled is gone"] += 1
        gone = {target, *room.edits[target]}
        room.erased |= gone
        for pos in sorted(gone):
            where = (room.conv, pos)
            left = self._server.execute("select content from log where conv = ? and pos = ?", where).fetchone()
            pins = self._server.execute("select 1 from pin where conv = ? and pos = ?", where).fetchone()
            if pins or (left and left[0]):
                self._blame(f"P-74 {room.conv}/{pos} was recalled, and the server has it still")

    def _look_at_message(self, conv: str, pos: int, did: int, content: bytes) -> None:
        self._checks["S2 once"] += 1
        self._checks["S3 nothing made up"] += 1
        self._checks["S5 order of the sender"] += 1
        self._checks["S9 one fate"] += 1
        said = self._spoken.get(content)
        if said is None or said[1:] != (str(did), conv):
            self._blame(f"S3 nobody composed {conv}/{pos}")
        if content in self._place:
            self._blame(f"S2 {conv}/{pos} is in the log twice: {content!r}")
        if content in self._over:
            self._blame(f"S9 {conv}/{pos} was shown as {self._over[content][0]}: {content!r}")
        self._place[content] = pos
        self.accepted += 1
        for other in self._after.get(content, ()):
            if other in self._place:
                self._blame(f"S5 {content!r} at {pos} was overtaken by {other!r}")

    def _look_at_slots(self) -> None:
        """New numbers, dense in their lanes (S13)."""
        rows = self._server.execute(
            "select conv, did, max(n), min(n), count(*) from slot group by conv, did"
        ).fetchall()
        for conv, did, last, *_ in rows:
            before = self._lasts[conv, did]
            if last == before:
                continue
            if last < before:
                self._blame(f"S13 lane {conv}/{did} fell from {before} to {last}")
                continue
            self._look_at_lane(conv, did, before)
            self._lasts[conv, did] = last

    def _look_at_lane(self, conv: str, did: int, before: int) -> None:
        slots = self._slots[conv, did]
        rows = self._server.execute(
            "select n, dg, kind, pos, code from slot where conv = ? and did = ? and n > ? order by n",
            (conv, did, before),
        ).fetchall()
        self._checks["S13 slots never change"] += len(rows)
        if not before and rows and self._floor(conv):  # a restored server: retention had been here
            before = rows[0][0] - 1
        for n, *slot in rows:
            if n != before + 1:
                self._blame(f"S13 lane {conv}/{did} has a hole before {n}")
            before = n
            slots[n] = tuple(slot)
            self._since_s[conv, did, slot[0]] = self._world.now_s

    def _floor(self, conv: str) -> int:
        """Where the log begins; a lane may also be of a conversation that is no more."""
        return self._rooms[conv].floor if conv in self._rooms else 0

    def check_slots(self) -> None:
        """All of them, against what they were when they were new; retention leaves the highest (S12, S13)."""
        for (conv, did), slots in self._slots.items():
            rows = self._server.execute(
                "select n, dg, kind, pos, code from slot where conv = ? and did = ? order by n", (conv, did)
            ).fetchall()
            self._checks["S13 slots never change"] += len(rows)
            if any(slots.get(n) != tuple(slot) for n, *slot in rows):
                self._blame(f"S13 slots of {conv}/{did} have changed")
            left = [row[0] for row in rows]
            floor = self._floor(conv)
            self._checks["S12 one slot a lane survives"] += 1
            if slots and (not left or left[-1] != max(slots)):
                self._blame(f"S12 lane {conv}/{did} has lost its highest slot")
            missing = [slots[n] for n in slots if n not in set(left)]
            if missing and not floor:
                self._blame(f"S13 lane {conv}/{did} has lost {len(missing)} slots")

    # --- the server was restored from a backup

    def server_restored(self, gen: str) -> None:
        """Everything after the backup is void, and begins again under another generation (P-68, S5, S14)."""
        self.gen = gen
        before = dict(self._rooms)
        self._rooms.clear()
        self._place.clear()
        self._after.clear()
        self._slots.clear()
        self._lasts.clear()
        self._since_s.clear()
        self._cursor.clear()
        self._mark.clear()
        over, self._over = self._over, {}
        self._look_at_rooms()
        accepted = self.accepted
        heads = {room.conv: self._reload(room, before.get(room.conv)) for room in self._rooms.values()}
        self.accepted = accepted
        self._look_at_slots()
        for (uid, conv), upto in self._had.items():
            self._had[uid, conv] = min(upto, heads.get(conv, 0))
        for (uid, conv), upto in self._reads.items():
            self._reads[uid, conv] = min(upto, heads.get(conv, 0))
        self._look_at_server_marks()
        for content, (what, conv, dg) in over.items():
            if content not in self._place and self._slot_of(conv, dg, (VOID, REFUSAL)):
                self._over[content] = (what, conv, dg)

    def _reload(self, room: Room, before: Room | None) -> int:
        """What retention had removed from the backup is still remembered here: the log began the same then."""
        (room.floor,) = self._server.execute("select floor from conv where conv = ?", (room.conv,)).fetchone()
        if before is not None:
            room.log = before.log[: room.floor]
            room.erased = {pos for pos in before.erased if pos <= room.floor}
        self._look_at_log(room, backup=True)
        if before is not None:
            room.floor_once = min(max(before.floor, before.floor_once), len(room.log))
            room.unrecalled = {pos for pos in before.erased | before.unrecalled if pos <= len(room.log)}
        return len(room.log)

    def _slot_of(self, conv: str, dg: str, kinds: tuple[int, ...]) -> bool:
        row = self._server.execute(
            f"select 1 from slot where conv = ? and dg = ? and kind in {kinds}", (conv, urlsafe_b64decode(dg + "=="))
        ).fetchone()
        return row is not None

    # --- a client's disk, at every commit

    def client_disk(self, client: Client) -> None:
        disk, name = client.disk, client.name
        db, seen = disk.db, self._seen[disk]
        looked = {what for (what,) in db.execute("select distinct what from looked").fetchall()}
        own = [lid for (lid,) in db.execute("select distinct lid from looked_own order by lid").fetchall()]
        if not looked and not own:
            return
        db.execute("delete from looked")
        db.execute("delete from looked_own")
        seen.carried = False
        if "me" in looked:
            self._look_at_generation(disk, seen, own, looked)
        if seen.gen == self.gen or not seen.gen:
            if "chat" in looked:
                self._look_at_cursors(disk, seen, name)
            if own:
                self._look_at_bubbles(disk, seen, name, own)
            if "mark" in looked:
                self._look_at_marks(disk, seen, name)
        elif own:  # this device does not know yet that the server was restored
            self.composed += self._count_composed(disk, own)
        if own or "outbox" in looked:
            self._look_at_outbox(disk, name)

    def _look_at_generation(self, disk: Disk, seen: Seen, own: list[int], looked: set[str]) -> None:
        """The device has learnt of another generation: what it showed before counts no more (P-69, S14)."""
        (gen,) = disk.db.execute("select gen from me").fetchone()
        if gen == seen.gen:
            return
        if seen.gen:
            for known in (seen.states, seen.cursors, seen.revs, seen.marks):
                known.clear()
            own[:] = [lid for (lid,) in disk.db.execute("select lid from bubble where mine = 1 order by lid")]
            looked |= {"chat", "mark"}
            seen.carried = True
        seen.gen = gen
        if not self.gen:
            self.gen = gen

    def _count_composed(self, disk: Disk, own: list[int]) -> int:
        contents = [disk.db.execute("select content from bubble where lid = ?", (lid,)).fetchone() for lid in own]
        fresh = {row[0] for row in contents if row} - self._known
        self._known |= fresh
        return len(fresh)

    def _look_at_cursors(self, disk: Disk, seen: Seen, name: str) -> None:
        for conv, cursor, rev, read in disk.db.execute("select conv, cursor, rev, read_upto from chat").fetchall():
            before = seen.cursors.get(conv, 0)
            self._checks["S14 marks, cursors and states climb"] += 2
            if cursor < before:
                self._blame(f"S14 the cursor of {name} in {conv} fell")
            if rev < seen.revs.get(conv, 0):
                self._blame(f"S14 the rev of {name} in {conv} fell")
            if conv in seen.cursors and (cursor > before or rev > seen.revs.get(conv, 0)):
                self._must_be_welcome(disk, name, conv)
            seen.revs[conv] = rev
            key = seen.uid, conv
            if read > self._reads[key]:
                self._reads[key] = read
            if cursor > before:
                self._look_at_arrived(disk, seen, conv, before, cursor, name)
                seen.cursors[conv] = cursor
                if cursor > self._had[key]:
                    self._had[key] = cursor

    def _must_be_welcome(self, disk: Disk, name: str, conv: str) -> None:
        """What comes before `welcome` is not for this session, and is used by nobody (P-12)."""
        self._checks["P-12 nothing is used before welcome"] += 1
        _, talk = self._talks.get(disk.owner, (0, None)) if disk.owner is not None else (0, None)
        if talk is None or not talk.welcomed:
            self._blame(f"P-12 {name} uses what came for {conv} before its welcome")

    def _look_at_arrived(self, disk: Disk, seen: Seen, conv: str, before: int, cursor: int, name: str) -> None:
        """What came is what the log says there, and was meant for this person (S2, S3, S4, S10)."""
        room = self._rooms.get(conv)
        log = room.log if room else []
        if room is None or cursor > len(log):
            self._blame(f"S3 {name} has {conv} up to {cursor}, the log has {len(log)}")
            return
        self._checks["S4 everybody sees the same log"] += cursor - before
        self._checks["S10 members only"] += cursor - before
        rows = disk.db.execute(
            "select pos, did, content from bubble where conv = ? and pos > ? and pos <= ? and lost = 0 order by pos",
            (conv, before, cursor),
        ).fetchall()
        here = {pos: (did, content) for pos, did, content in rows}
        gaps = disk.db.execute(
            "select a, b, why from gap where conv = ? and b > ? and a <= ?", (conv, before, cursor)
        ).fetchall()
        for pos in range(before + 1, cursor + 1):
            if pos not in here:
                why = next((why for first, last, why in gaps if first <= pos <= last), "")
                self._look_at_gap(room, seen, pos, why, name)
            elif log[pos - 1] not in (here[pos], UNSEEN) and not room.may_lack(pos, here[pos][1]):
                self._blame(f"S4 {name} sees {conv}/{pos} otherwise: {here[pos]} instead of {log[pos - 1]}")
            elif not room.had_seat(seen.uid, pos):
                self._blame(f"S10 {name} has got {conv}/{pos}, which was not meant for them")

    def _look_at_gap(self, room: Room, seen: Seen, pos: int, why: str, name: str) -> None:
        """A position that is not there must be accounted for truly (P-42)."""
        true = {
            "expired": pos <= max(room.floor, room.floor_once),  # who was told so before a restore asks no more
            "stub": pos in room.erased | room.unrecalled,
            "before_device": True,
            "unreadable": len(self._given[seen.did, room.conv, pos]) >= UNREADABLE_AFTER,
            "before_join": not room.had_seat(seen.uid, pos),
            "not_member": not room.had_seat(seen.uid, pos),
        }
        self._checks["P-42 gaps are true"] += 1
        if not true.get(why, False):
            self._blame(f"S4 {name} lacks {room.conv}/{pos}, said is {why!r}")

    def _look_at_bubbles(self, disk: Disk, seen: Seen, name: str, own: list[int]) -> None:
        waiting: dict[str, list[tuple[int, bytes]]] | None = None
        some = ",".join(map(str, own))
        rows = disk.db.execute(
            f"select lid, state, pos, conv, content, dg, did, lost from bubble where lid in ({some}) order by lid"
        )
        for lid, state, pos, conv, content, dg, did, lost in rows.fetchall():
            old = seen.states.get(lid)
            if old is not None and old[0] == state and old[1] == pos:
                continue
            if lost:
                seen.states.pop(lid, None)
                continue
            if old is None and state not in (3, 4, 5, 6) and did == seen.did and content not in self._known:
                waiting = self._waiting(disk) if waiting is None else waiting
                for other, said in waiting.get(conv, ()):
                    if other < lid:
                        self._after.setdefault(said, []).append(content)
                self._known.add(content)
                self.composed += 1
            if state == NEEDS_YOU and old is not None and old[0] != NEEDS_YOU:
                self._look_at_parking(disk, name, lid)
            seen.states[lid] = (state, pos, conv, content)
            self._look_at_state(seen, name, old[0] if old else None, state, pos, conv, content, dg)

    def _look_at_parking(self, disk: Disk, name: str, lid: int) -> None:
        """The ladder stands still without a line; only what is a week old is parked then (P-55, P-58)."""
        self._checks["P-55 nobody is asked for want of a line"] += 1
        line, skewed = disk.owner and disk.owner.line.state, self._world.counts["fault:wall clock set"]
        if line != "ready" and not skewed:
            self._blame(f"P-55 {name} parks {lid} while its line is {line}")

    def _look_at_outbox(self, disk: Disk, name: str) -> None:
        """What is shown as waiting waits, as it is shown; lanes keep the order of writing (L1, S5, P-57)."""
        rows = disk.db.execute("select conv, n, lid, wish, parked from outbox order by conv, n").fetchall()
        shown = disk.db.execute("select lid, state from bubble where mine = 1 and state in (1, 2, 7, 8)").fetchall()
        waits = {lid: (wish, parked) for _, _, lid, wish, parked in rows}
        for (content,) in disk.db.execute("select bytes from outbox where n = 0"):
            self._after.pop(content, None)  # a change without a place stands in no lane: others may go before it
        self._checks["P-57 what waits is shown as it waits"] += len(shown)
        self._checks["S5 order of the sender"] += len(rows)
        if set(waits) != {lid for lid, _ in shown}:
            self._blame(f"L1 {name} shows {shown} as waiting, what waits is {rows}")
        for lid, state in shown:
            wish, parked = waits.get(lid, ("", 0))
            asked = state == (NEEDS_YOU if parked else state) and (parked or state != NEEDS_YOU)
            true = state in (CANCELLING, NEEDS_YOU) if wish == "cancel" else asked and state != CANCELLING
            if not true:
                self._blame(f"P-57 {name} shows {lid} as {state}, wanted: {wish}, parked: {parked}")
        if seen_order := self._disorder(rows, disk):
            self._blame(f"S5 {name} {seen_order}")

    def _disorder(self, rows: Sequence[tuple[Any, ...]], disk: Disk) -> str:
        """Rows that were offered again after a restore keep no order with others (S5)."""
        if self._world.counts["fault:server restored"]:
            return ""
        for (conv, n, lid, *_), (other, n_behind, lid_behind, *_) in zip(rows, rows[1:], strict=False):
            if conv == other and not (n < n_behind and lid < lid_behind):
                return f"has {lid} as {n} and {lid_behind} as {n_behind} in {conv}"
        return ""

    def _waiting(self, disk: Disk) -> dict[str, list[tuple[int, bytes]]]:
        """Per conversation what waits on this disk; what was written first has the lowest number of a bubble."""
        waiting: dict[str, list[tuple[int, bytes]]] = defaultdict(list)
        for conv, lid, content in disk.db.execute("select conv, lid, bytes from outbox where n > 0"):
            waiting[conv].append((lid, content))
        return waiting

    def _look_at_state(
        self, seen: Seen, name: str, old: int | None, state: int, pos: int, conv: str, content: bytes, dg: str
    ) -> None:
        self._checks["S14 marks, cursors and states climb"] += 1
        if ACCEPTED <= state <= READ:
            self._checks["S1 custody"] += 1
            room = self._rooms.get(conv) or Room(conv)
            log = room.log
            if pos > room.floor and not (
                pos <= len(log) and (log[pos - 1][1] == content or room.may_lack(pos, content))
            ):
                self._blame(f"S1 {name} {conv}/{pos} {content!r} is shown as {state}, and is not in the log")
            if state >= DELIVERED and not seen.carried:
                self._look_at_tick(room, seen, name, state, pos, content)
        elif state in (REFUSED, CANCELLED) and (old is not None or content in self._over or seen.gen == ""):
            self._checks["S9 one fate"] += 1
            self._over[content] = ("refused" if state == REFUSED else "cancelled", conv, dg)
            if content in self._place:
                self._blame(f"S9 {name} {conv} {content!r} is shown as {state}, and is in the log")
        if old is not None and ACCEPTED <= old <= READ:
            if not old <= state <= READ:
                self._blame(f"S14 {name} {conv}/{pos} {content!r} fell from {old} to {state}")
        elif old in (REFUSED, CANCELLED) and state != old:
            self._blame(f"S14 {name} {conv}/{pos} {content!r} was {old} and is {state}")

    def _look_at_tick(self, room: Room, seen: Seen, name: str, state: int, pos: int, content: bytes) -> None:
        """Delivered only if it is on a disk of everybody else, read only if they have read it (S6)."""
        others = room.steady(pos) - {seen.uid}
        self._checks["S6 ticks are true"] += len(others)
        for uid in others:
            if self._had[uid, room.conv] < pos:
                self._blame(f"S6 {name} shows {room.conv}/{pos} {content!r} as delivered, {uid} has not got it")
            if state >= READ and self._reads[uid, room.conv] < pos:
                self._blame(f"S6 {name} shows {room.conv}/{pos} {content!r} as read, {uid} has not")

    def _look_at_marks(self, disk: Disk, seen: Seen, name: str) -> None:
        for conv, uid, delivered, read in disk.db.execute("select conv, uid, delivered, read from mark").fetchall():
            old = seen.marks.get((conv, uid), (0, 0))
            if old == (delivered, read):
                continue
            self._checks["S6 ticks are true"] += 1
            seen.marks[conv, uid] = delivered, read
            if delivered < old[0] or read < old[1]:
                self._blame(f"S14 a mark of {name} in {conv} fell")
            if read > delivered:
                self._blame(f"S6 {name} shows read above delivered in {conv}")
            if delivered > self._had[uid, conv]:
                self._blame(f"S6 {name} has a mark of {uid} in {conv} that is not true")
            if read > self._reads[uid, conv]:
                self._blame(f"S6 {name} has a read of {uid} in {conv} that is not true")

    # --- what is said on the wire

    def client_says(self, client: Client, wire: int, packets: Sequence[Any]) -> None:
        """Durable first: T0 before msg:R, T4 before ack:R (S7, S8); and no more than is allowed (S12, L6)."""
        number, talk = self._talks.get(client, (0, None))
        if talk is None or number != wire:
            talk = Talk()
            self._talks[client] = (wire, talk)
        for packet in packets:
            kind = type(packet).__name__
            if kind in ("MsgR", "VoidR"):
                self._look_at_try(client, talk, packet, kind)
            elif kind in ("AckR", "OfflineAckR"):
                self._checks["S8 stored before acknowledged"] += 1
                row = client.disk.db.execute("select cursor from chat where conv = ?", (packet.conv,)).fetchone()
                if row is None or row[0] < packet.upto:
                    self._blame(f"S8 {client.name} acknowledges {packet.conv} up to {packet.upto}, and has not got it")

    def _look_at_try(self, client: Client, talk: Talk, packet: Any, kind: str) -> None:
        probe = bool(getattr(packet, "probe", False))
        key = (packet.conv, packet.n, packet.dg, "probe" if probe else kind)
        tries = talk.tries[key] = talk.tries.get(key, 0) + 1
        self._checks["L6 four tries a session and message"] += 1
        if tries > TRIES_MAX + talk.more:
            self._blame(f"L6 {client.name} says {kind} {packet.conv}/{packet.n} for the {tries}th time in a session")
        if probe:
            return
        # saves of a turn come first: the row may be settled, renumbered or cancelled already
        self._checks["S7 durable first"] += 1
        row = client.disk.db.execute(
            "select 1 from bubble where conv = ? and dg = ? and mine = 1", (packet.conv, packet.dg)
        ).fetchone()
        if row is None:
            self._blame(f"S7 {client.name} says {kind} {packet.conv}/{packet.n} that is not on its disk")
        self._checks["S12 windows"] += 1
        self._look_at_moves(client, talk, packet)
        here = packet.conv, packet.n
        if tries > 1 or talk.waiting.get(packet.dg, here) != here:  # whatever of this lane flew has been called back
            talk.waiting = {dg: other for dg, other in talk.waiting.items() if other[0] != packet.conv}
        talk.waiting[packet.dg] = here
        if len(talk.waiting) > WINDOW_MAX:
            unsettled = set() if talk.turned_away else self._unsettled(client)
            talk.turned_away = False
            talk.waiting = {dg: place for dg, place in talk.waiting.items() if dg in unsettled}
        if len(talk.waiting) > WINDOW_MAX:
            self._blame(f"S12 {client.name} has {len(talk.waiting)} unanswered messages under way")

    def _look_at_moves(self, client: Client, talk: Talk, packet: Any) -> None:
        """Renumbering ends: neither a number nor a message changes hands again and again (L4)."""
        here = packet.conv, packet.n
        dg, times = talk.claims.get(here, (packet.dg, 0))
        n, moved = talk.moves.get(packet.dg, (packet.n, 0))
        talk.claims[here] = packet.dg, times + (dg != packet.dg)
        talk.moves[packet.dg] = packet.n, moved + (n != packet.n)
        self._checks["L4 no lane is blocked"] += 1
        if max(times, moved) > MOVES_MAX:
            self._blame(f"L4 {client.name} renumbers {packet.conv}/{packet.n} without end")

    def _unsettled(self, client: Client) -> set[str]:
        """What is parked is not waited for any more: its tries have run out (P-54)."""
        return {dg for (dg,) in client.disk.db.execute("select dg from outbox where parked = 0")}

    def client_hears(self, client: Client, packets: Sequence[Any]) -> None:
        """An answer makes room; a refusal for now allows to go back and try again (P-25, P-56)."""
        _, talk = self._talks.get(client, (0, None))
        if talk is None:
            return
        for packet in packets:
            kind = type(packet).__name__
            if kind in ("MsgA", "VoidA"):
                talk.waiting.pop(packet.dg, None)
            elif kind == "Welcome":
                talk.welcomed = True
            elif kind == "Nack":
                talk.turned_away = True
                talk.more += 1  # what was turned away costs no try
            elif kind in ("MsgN", "OfflineA"):
                for event in packet.events:
                    talk.waiting.pop(event.dg, None)
            elif kind == "StatusA":
                talk.turned_away = True

    def asks_again(self, client: Client) -> None:
        """The person wants something sent again, or cancelled: its tries begin anew (P-57).

        However many answers are given at one moment: each message begins anew once.
        """
        _, talk = self._talks.get(client, (0, None))
        if talk is not None:
            talk.turned_away = True
            talk.more += TRIES_MAX * (talk.asked_s != self._world.now_s)
            talk.asked_s = self._world.now_s

    def server_says(self, client: Client, wire: int, packets: Sequence[Any]) -> None:
        """An answer leaves only after its transaction (S7)."""
        did = int(self._seen[client.disk].did)
        for packet in packets:
            kind = type(packet).__name__
            if kind == "MsgA" and not packet.gone:
                self._must_slot(packet, did, MESSAGE)
            elif kind == "MsgA":
                self._must_be_gone(packet, did)
            elif kind == "StatusA":
                self._must_be_unknown(packet, did)
            elif kind == "VoidA":
                self._must_slot(packet, did, VOID)
            elif kind == "Nack" and packet.final:
                self._must_slot(packet, did, REFUSAL)
            elif kind == "OfflineA" and packet.events and not packet.history:
                self._given[str(did), packet.conv, packet.events[0].pos].add((client, wire))
            elif kind == "MsgN":
                self._checks["S12 windows"] += 1
                behind = packet.to - self._upto(packet.conv, did)
                if behind > PUSH_MAX and len(packet.events) > 0 and self._pushed(packet, did) > PUSH_MAX:
                    self._blame(f"S12 {behind} events pushed to {client.name} without an ack")
            elif kind == "AckA":
                self._checks["S7 durable first"] += 1
                if self._upto(packet.conv, did) < packet.upto:
                    self._blame(f"S7 ack:A {packet.upto} before its commit")

    def _upto(self, conv: str, did: int) -> int:
        row = self._server.execute("select upto from cursor where conv = ? and did = ?", (conv, did)).fetchone()
        return row[0] if row else 0

    def _pushed(self, packet: Any, did: int) -> int:
        """Events, not positions, fill the window."""
        room, upto = self._rooms[packet.conv], self._upto(packet.conv, did)
        uid = next(seen.uid for seen in self._seen.values() if seen.did == str(did))
        return sum(room.had_seat(uid, pos) for pos in range(max(upto, room.floor) + 1, packet.to + 1))

    def _must_be_gone(self, packet: Any, did: int) -> None:
        """Only what retention has removed is gone (P-28)."""
        self._checks["P-28 gone is gone"] += 1
        row = self._server.execute(
            "select min(n), max(n) from slot where conv = ? and did = ?", (packet.conv, did)
        ).fetchone()
        room = self._rooms.get(packet.conv)
        if room is None or not room.floor or row[0] is None or packet.n >= row[0]:
            self._blame(f"P-28 {packet.conv}/{packet.n} is said to be gone, and never was there")

    def _must_be_unknown(self, packet: Any, did: int) -> None:
        """*unknown* is never said of what has been in the log for a while (P-87)."""
        for status in packet.states:
            since_s = self._since_s.get((status.conv, did, urlsafe_b64decode(status.dg + "==")))
            self._checks["P-87 unknown is unknown"] += 1
            if status.fate == "unknown" and since_s is not None and self._lags(since_s):
                self._blame(f"P-87 {status.conv}/{status.n} is said to be unknown, and is in the log")

    def _had_slot(self, conv: str, did: int) -> Iterable[tuple[Any, ...]]:
        """All slots that a commit has shown in this lane, also those that retention has removed since."""
        return self._slots.get((conv, did), {}).values()

    def _lags(self, since_s: float) -> bool:
        return self._world.now_s > since_s + LAG_S and not self._world.counts["fault:process stalled"]

    def _must_slot(self, packet: Any, did: int, kind: int) -> None:
        """The answer names the digest that was decided about."""
        self._checks["S7 durable first"] += 1
        dg = urlsafe_b64decode(packet.dg + "==")
        found = self._server.execute(
            "select pos from slot where conv = ? and did = ? and dg = ? and kind = ?", (packet.conv, did, dg, kind)
        ).fetchone()
        if found is None and self._floor(packet.conv):  # retention may have come between the commit and this answer
            found = next(
                (slot[2:3] for slot in self._had_slot(packet.conv, did) if tuple(slot[:2]) == (dg, kind)), None
            )
        if found is None or (kind == MESSAGE and found[0] != packet.pos):
            self._blame(f"S7 {type(packet).__name__} {packet.conv}/{packet.n} before its commit")

    # --- at the end

    def at_rest(self, disks: Sequence[Disk]) -> bool:
        """Whether nothing waits and everybody has everything and knows it: then there is no need to wait longer."""
        for disk in disks:
            seen = self._seen[disk]
            if seen.gen != self.gen or disk.db.execute("select 1 from outbox limit 1").fetchone():
                return False
            cursors = dict(disk.db.execute("select conv, cursor from chat").fetchall())
            if any(cursors.get(conv, 0) < len(self._rooms[conv].log) for conv in self.convs_of(seen.uid)):
                return False
        return all(self._shows_ticks(disk) for disk in disks)

    def _shows_ticks(self, disk: Disk) -> bool:
        for _, least, rows in self._ticks(disk, [disk], reads=False):
            if any(state < least(pos) for pos, state, _ in rows):
                return False
        return True

    def settled(self, disks: Sequence[tuple[str, Disk]], *, reads: bool) -> None:
        """The weather has been fine for long enough: everything must have come to rest (L1 to L4)."""
        self.check_slots()
        for name, disk in disks:
            self._must_rest(name, disk)
            self._must_have_all(name, disk)
            self._must_know_members(name, disk)
        for name, disk in disks:
            self._must_show_ticks(name, disk, [disk for _, disk in disks], reads=reads)

    def _must_rest(self, name: str, disk: Disk) -> None:
        """L1, L4: nothing waits; and nobody lives in a generation that is over (P-69)."""
        if self._seen[disk].gen != self.gen:
            self._blame(f"P-69 {name} lives in generation {self._seen[disk].gen}, the server in {self.gen}")
        rows = disk.db.execute("select lid, conv, state, content from bubble where mine = 1").fetchall()
        self._checks["L1 accepted, cancelled, refused or asked"] += len(rows)
        for lid, conv, state, content in rows:
            if state not in FINAL:
                self._blame(f"L1 {name} {conv} bubble {lid} rests in state {state}: {content!r}")
        left = disk.db.execute("select lid, conv, n, parked from outbox").fetchall()
        self._checks["L4 no lane is blocked"] += 1
        if left:
            self._blame(f"L4 {name} has rows left: {left}")

    def _must_have_all(self, name: str, disk: Disk) -> None:
        """L2: every log is here as a whole, once (S2, S4)."""
        seen = self._seen[disk]
        for conv, room in self._rooms.items():
            if seen.uid not in room.now():
                continue
            rows = disk.db.execute(
                "select pos, did, content from bubble where conv = ? and pos < ? and lost = 0 order by pos, lid",
                (conv, NOWHERE),
            ).fetchall()
            gaps = disk.db.execute("select a, b from gap where conv = ?", (conv,)).fetchall()
            away = {pos for first, last in gaps for pos in range(first, last + 1)}
            self._checks["L2 everybody has everything"] += len(room.log)
            self._checks["S2 once"] += len(rows)
            here = [pos for pos, *_ in rows]
            wanted = [pos for pos in range(1, len(room.log) + 1) if pos not in away]
            if [pos for pos in here if pos not in away] != wanted:
                self._blame(f"L2 {name} has {conv} otherwise: {_diff(here, wanted)}")
            for pos, did, content in rows:
                if pos > room.floor and (did, content) != room.log[pos - 1] and not room.may_lack(pos, content):
                    self._blame(f"L2 {name} has {conv}/{pos} otherwise: {content!r}, not {room.log[pos - 1]}")
        doubles = disk.db.execute(
            """select content, count(*) from bubble where did <> '0' and content <> x''
            group by conv, content having count(*) > 1"""
        ).fetchall()
        if doubles:
            self._blame(f"S2 {name} shows twice: {doubles[:3]}")

    def _must_know_members(self, name: str, disk: Disk) -> None:
        """Who is in a conversation is what the server says; and who may not write there knows it (P-70)."""
        uid = self._seen[disk].uid
        here: dict[str, set[str]] = defaultdict(set)
        for conv, other in disk.db.execute("select conv, uid from member"):
            here[conv].add(other)
        for conv, away in disk.db.execute("select conv, away from chat where cursor > 0").fetchall():
            now = self._rooms[conv].now() if conv in self._rooms else set()
            self._checks["P-70 members are known"] += 1
            if bool(away) != (uid not in now):
                self._blame(f"P-70 {name} {'may not' if away else 'may'} write in {conv}, members are {sorted(now)}")
            elif not away and here[conv] != now:
                self._blame(f"P-70 {name} sees {sorted(here[conv])} in {conv}, members are {sorted(now)}")

    def _must_show_ticks(self, name: str, disk: Disk, disks: Sequence[Disk], *, reads: bool) -> None:
        """L3: what everybody else has is shown as delivered, and, when `reads`, what they have read as read."""
        for conv, least, rows in self._ticks(disk, disks, reads=reads):
            self._checks["L3 what is delivered is shown so"] += len(rows)
            for pos, state, content in rows:
                if state < least(pos):
                    self._blame(f"L3 {name} shows {conv}/{pos} as {state}, not {least(pos)}: {content!r}")

    def _ticks(self, disk: Disk, disks: Sequence[Disk], *, reads: bool) -> Any:
        """Per conversation the least state of a position, and the own messages there."""
        me = self._seen[disk].uid
        for conv, room in self._rooms.items():
            members = room.now()
            if me not in members or members == {me}:
                continue
            read = min(self._now(disks, uid, conv, "read_upto") for uid in members - {me}) if reads else 0
            rows = disk.db.execute(
                """select pos, state, content from bubble
                where conv = ? and mine = 1 and state between 3 and 6 and lost = 0""",
                (conv,),
            ).fetchall()
            yield conv, lambda pos, read=read: READ if pos <= read else DELIVERED, rows

    def _now(self, disks: Sequence[Disk], uid: str, conv: str, column: str) -> int:
        found = [
            row[0]
            for disk in disks
            if self._seen[disk].uid == uid
            for row in disk.db.execute(f"select {column} from chat where conv = ?", (conv,))
        ]
        return max(found, default=0)

    def _blame(self, what: str) -> None:
        self._world.blame(what)


def _diff(here: Sequence[Any], there: Sequence[Any]) -> str:
    """The first difference, in few words."""
    for one, other in zip(here, there, strict=False):
        if one != other:
            return f"{one} instead of {other}"
    return f"{len(here)} instead of {len(there)}: {[*here, *there][min(len(here), len(there)) :][:1]}"
