"""Changing a group, and its table of members. Plain functions over a connection (P-59, P-70)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping

from protocol.content import Joined, Left, Notice, Ranked, Titled
from protocol.packets import GroupA, GroupR, Mark, MembersA, Seat
from protocol.values import ConvId, Name, Uid
from server.core.crowd import crowded
from server.core.groups import Refused, changes
from server.core.marks import shown
from server.core.moves import Bell, Changed, MarksBell
from server.core.rights import Action, may
from server.core.values import Identity
from server.stores.sqlite_conversations import said, write_said
from server.stores.sqlite_rooms import Room, marks_above, raise_rev, rev_of, room_of

_NAMES = "select uid, name from account where uid in (select value from json_each(?))"
_LIST = "insert into listing values (?, ?) on conflict do nothing"
_JOIN = """insert into member (conv, uid, since, role, reads)
    values (?, ?, ?, ?, coalesce((select reads from account where uid = ?), 1))"""
_LEAVE = "update member set until = ?, rev = ? where conv = ? and uid = ? and coalesce(until, 0) = 0"
_RANK = "update member set role = ? where conv = ? and uid = ? and coalesce(until, 0) = 0"
_TITLE = "update conv set title = ? where conv = ?"
_RAISE = "update conv set head = ?, ts = ?, mlv = mlv + 1 where conv = ?"


def list_added(db: sqlite3.Connection, who: Identity, wish: GroupR) -> None:
    """The index line of everybody who is about to join, durable before the join (P-59, B42)."""
    if wish.do == "add" and not _refused(_wished(db, who, wish, room_of(db, wish.conv))):
        db.executemany(_LIST, [(uid, wish.conv) for uid in wish.uids])


def change(db: sqlite3.Connection, who: Identity, wish: GroupR, now_ms: int) -> Changed:
    """T1 of a change: its events, `member` and `mlv` together; what is so already is answered as done (P-59)."""
    room = room_of(db, wish.conv)
    notices = _wished(db, who, wish, room)
    if isinstance(notices, Refused):
        return Changed(GroupA(wish.x, wish.conv, notices.code))
    answer = GroupA(wish.x, wish.conv)
    if not notices:
        return Changed(answer)
    first, rev = room.head + 1, rev_of(db, wish.conv)
    times = range(max(now_ms, room.ts + 1), max(now_ms, room.ts + 1) + len(notices))
    events = tuple(said(wish.conv, first + place, ts, notices[place]) for place, ts in enumerate(times))
    write_said(db, wish.conv, events)
    db.execute(_RAISE, (events[-1].pos, events[-1].ts, wish.conv))
    for event, notice in zip(events, notices, strict=True):
        _apply(db, wish.conv, event.pos, notice, rev)
    after = room_of(db, wish.conv)
    bells = [Bell(wish.conv, after.head, events, after.members)]
    for place, notice in enumerate(notices):
        if isinstance(notice, Left):  # who leaves hears of it, and of nothing behind it (P-70)
            seen = events[: place + 1]
            bells.append(Bell(wish.conv, seen[-1].pos, seen, (notice.uid,)))
    marks, crowds = _recount(db, room, after)
    return Changed(answer, (*bells, *marks), crowds)


def members(db: sqlite3.Connection, who: Identity, conv: ConvId) -> MembersA:
    """The table: everybody who is a member now, with role and marks; for members only (P-52)."""
    room = room_of(db, conv)
    standing = room.standing(who.uid)
    if code := may(Action.TABLE, standing):
        return MembersA(conv, code=code)
    marks = shown(marks_above(db, conv, 0), who.uid, tells=standing.tells, silent=room.silent)
    known, names = {mark.by: mark for mark in marks}, _names(db, room.members)
    seats = [_seat(room, uid, names.get(uid, ""), known.get(uid, Mark(uid, 0, 0))) for uid in room.members]
    return MembersA(conv, tuple(seats), form=room.form, title=room.title, head=room.head)


def _seat(room: Room, uid: Uid, name: Name, mark: Mark) -> Seat:
    role = room.standing(uid).role
    return Seat(uid, name, role, mark.delivered, mark.read, mark.delivered_ms, mark.read_ms)


def _wished(db: sqlite3.Connection, who: Identity, wish: GroupR, room: Room) -> tuple[Notice, ...] | Refused:
    return changes(who.uid, wish, room.group(), _names(db, wish.uids))


def _refused(notices: tuple[Notice, ...] | Refused) -> bool:
    return isinstance(notices, Refused)


def _names(db: sqlite3.Connection, uids: Collection[Uid]) -> Mapping[Uid, Name]:
    return dict(db.execute(_NAMES, (json.dumps(list(uids)),)).fetchall())


def _apply(db: sqlite3.Connection, conv: ConvId, pos: int, notice: Notice, rev: int) -> None:
    """What an event says becomes so; `rev` is the last that somebody who leaves is told of."""
    match notice:
        case Joined(uid, _, role):
            db.execute(_JOIN, (conv, uid, pos, role, uid))
        case Left(uid):
            db.execute(_LEAVE, (pos, rev, conv, uid))
        case Ranked(uid, role):
            db.execute(_RANK, (role, conv, uid))
        case Titled(title):
            db.execute(_TITLE, (title, conv))


def _recount(db: sqlite3.Connection, before: Room, after: Room) -> tuple[tuple[MarksBell, ...], tuple[ConvId, ...]]:
    """Counts are of the members, so that they change with them; from counts back to marks all are told again (P-52)."""
    if before.members == after.members or not (crowded(len(before.members)) or crowded(len(after.members))):
        return (), ()
    if crowded(len(after.members)):
        raise_rev(db, after.conv, all_marks=False)
        return (), (after.conv,)
    return (remarked(db, after),), ()


def remarked(db: sqlite3.Connection, room: Room) -> MarksBell:
    """Every mark of a conversation has a new rev, and everybody is told."""
    rev = raise_rev(db, room.conv, all_marks=True)
    return MarksBell(room.conv, rev - 1, rev, marks_above(db, room.conv, rev - 1), room.members, room.silent)
