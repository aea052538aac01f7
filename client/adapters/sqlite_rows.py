"""Rows of the profile's tables as values: bubbles, the chat list, what the machines start from."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, TypeAlias

import msgspec

from client.adapters.sqlite_schema import HEARD_LID
from client.core.model import (
    NOWHERE,
    Accepted,
    Bubble,
    ChatEntry,
    Lane,
    Me,
    Member,
    Memory,
    Own,
    Reach,
    Room,
    Row,
    State,
    Upload,
)
from protocol.content import (
    PLAIN,
    SERVER,
    Body,
    Change,
    Notice,
    unpack,
    unpack_notice,
)
from protocol.problems import Problem, UnknownMessage
from protocol.values import SERVER_DID, ConvId, Did, Lid, MediaId, Uid

Place: TypeAlias = tuple[int, int]
"""`Bubble.order`: the place on the screen, or NOWHERE, and `lid`."""

BUBBLE = """select b.lid, b.conv, b.pos, b.uid, b.mine, b.state, b.at_ms, b.ts, b.n, b.dg, b.code, b.path,
    b.place, b.did, b.suite, b.content, u.data from bubble b left join upload u on u.lid = b.lid"""
BEFORE = f"{BUBBLE} where b.conv = ? and (b.place, b.lid) < (?, ?) order by b.place desc, b.lid desc limit ?"
AFTER = f"{BUBBLE} where b.conv = ? and (b.place, b.lid) > (?, ?) order by b.place, b.lid limit ?"
UNREAD = """select count(*) from bubble where conv = ? and pos > ? and pos < ? and mine = 0 and lost = 0
    and kind <> 'notice'"""
WAITING = """select count(*) filter (where state <> 8), count(*) filter (where state = 8) from bubble
    where conv = ? and mine = 1 and state in (0, 1, 2, 7, 8)"""

_upload = msgspec.json.Decoder(Upload)


def read_me(db: sqlite3.Connection) -> Me | None:
    """The account of this profile."""
    row = db.execute("select uid, did, name, token, server, gen from me").fetchone()
    return Me(*row) if row else None


def read_content(did: Did, suite: str, content: bytes, uid: Uid, conv: ConvId) -> Body | Notice | Change | None:
    """What the bytes say; None for what this version cannot read or must not believe (P-81, P-91)."""
    try:
        if did == SERVER_DID or suite == SERVER:  # nobody else speaks for the server
            return unpack_notice(content) if did == SERVER_DID and suite == SERVER else None
        return unpack(content, author=uid, conv=conv).body if suite == PLAIN else None
    except Problem:
        return None


class _Reached:
    """How many other members of a group have got how far: sorted positions, counted by halving."""

    def __init__(self, db: sqlite3.Connection, conv: ConvId) -> None:
        rows = db.execute(
            """select coalesce(k.delivered, 0), coalesce(k.read, 0) from member m
            left join mark k on k.conv = m.conv and k.uid = m.uid
            where m.conv = ? and m.uid <> coalesce((select uid from me), '')""",
            (conv,),
        ).fetchall()
        self._delivered = sorted(row[0] for row in rows)
        self._read = sorted(row[1] for row in rows)

    def at(self, pos: int) -> tuple[int, int, int]:
        """Members who have position `pos`, who have read it, and all of them."""
        of = len(self._delivered)
        return of - bisect_left(self._delivered, pos), of - bisect_left(self._read, pos), of


class _Reader:
    """Turns rows of a `BUBBLE` query into bubbles; counts *k of m* once a group."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._groups: dict[ConvId, _Reached | None] = {}

    def bubble(self, row: tuple[Any, ...]) -> Bubble:
        lid, conv, pos, uid, mine, state, at_ms, ts, n, dg, code, path, place, did, suite, content, upload = row
        if upload is not None and not content:
            body: Body | Notice | Change | None = _upload.decode(upload).body(MediaId(""))
        else:
            body = read_content(did, suite, content, uid, conv)
        delivered_to, read_by, of = self._reached(conv, pos) if mine and pos < NOWHERE else (0, 0, 0)
        return Bubble(
            lid=lid,
            conv=conv,
            uid=uid,
            mine=bool(mine),
            state=State.UNREADABLE if body is None and state == State.RECEIVED else State(state),
            at_ms=at_ms,
            body=body,
            pos=pos if pos < NOWHERE else 0,
            ts=ts,
            n=n,
            dg=dg,
            code=code,
            path=path,
            place=place,
            delivered_to=delivered_to,
            read_by=read_by,
            of=of,
        )

    def _reached(self, conv: ConvId, pos: int) -> tuple[int, int, int]:
        if conv not in self._groups:
            form = self._db.execute("select form from chat where conv = ?", (conv,)).fetchone()
            self._groups[conv] = _Reached(self._db, conv) if form and form[0] == "group" else None
        group = self._groups[conv]
        return group.at(pos) if group else (0, 0, 0)


def bubbles_of(db: sqlite3.Connection, rows: Iterable[tuple[Any, ...]]) -> list[Bubble]:
    """The rows of a `BUBBLE` query as bubbles, in their order."""
    reader = _Reader(db)
    return [reader.bubble(row) for row in rows]


def read_bubbles(db: sqlite3.Connection, lids: Iterable[Lid]) -> list[Bubble]:
    """These bubbles as they look now, in the order of their conversations; one that is gone is left out."""
    rows = [row for lid in lids if (row := db.execute(f"{BUBBLE} where b.lid = ?", (lid,)).fetchone()) is not None]
    return sorted(bubbles_of(db, rows), key=lambda bubble: (bubble.conv, bubble.order))


def read_bubble(db: sqlite3.Connection, lid: Lid) -> Bubble:
    """One bubble. Raises UnknownMessage."""
    for bubble in read_bubbles(db, [lid]):
        return bubble
    raise UnknownMessage()


def read_page(
    db: sqlite3.Connection, conv: ConvId, before: Place | None, after: Place | None, limit: int
) -> list[Bubble]:
    """Bubbles in the order shown, next to a place, or the newest ones."""
    if after is not None:
        return bubbles_of(db, db.execute(AFTER, (conv, *after, limit)))
    place = before or (NOWHERE + 1, 0)
    return bubbles_of(db, db.execute(BEFORE, (conv, *place, limit)).fetchall()[::-1])


def read_chats(db: sqlite3.Connection) -> list[ChatEntry]:
    """The chat list, newest first; what has no message yet stands last."""
    members = _members(db)
    me = read_me(db)
    entries = []
    for conv, form, title, draft, read_upto in db.execute(
        "select conv, form, title, draft, read_upto from chat"
    ).fetchall():
        waiting, needs_you = db.execute(WAITING, (conv,)).fetchone()
        last = read_page(db, conv, None, None, 1)
        entries.append(
            ChatEntry(
                conv=conv,
                form=form,
                title=_title(form, title, members[conv], me),
                members=tuple(members[conv]),
                last=last[0] if last else None,
                unread=db.execute(UNREAD, (conv, read_upto, NOWHERE)).fetchone()[0],
                waiting=waiting,
                needs_you=needs_you,
                draft=draft,
                read_upto=read_upto,
            )
        )
    return sorted(entries, key=_newest_first)


def _newest_first(entry: ChatEntry) -> tuple[int, str]:
    last = entry.last
    return (-(last.ts or last.at_ms) if last else 1, entry.conv)


def _title(form: str, title: str, members: list[Member], me: Me | None) -> str:
    """A direct conversation is called like the other person."""
    if form == "direct":
        for member in members:
            if me is None or member.uid != me.uid:
                return member.name
    return title


def _members(db: sqlite3.Connection) -> defaultdict[ConvId, list[Member]]:
    members: defaultdict[ConvId, list[Member]] = defaultdict(list)
    for conv, uid, name in db.execute("select conv, uid, name from member order by conv, place"):
        members[conv].append(Member(uid, name))
    return members


def read_memory(db: sqlite3.Connection) -> Memory:
    """Everything the machines start from."""
    me = read_me(db)
    newest = db.execute("select coalesce(max(lid), 0) from bubble where lid < ?", (HEARD_LID,)).fetchone()
    return Memory(
        me=me,
        rooms=_rooms(db),
        rows=_outbox(db),
        accepted=_accepted(db, me.did) if me else (),
        uploads=tuple(_upload.decode(row[0]) for row in db.execute("select data from upload order by lid")),
        next_lid=Lid(newest[0] + 1),
    )


def _rooms(db: sqlite3.Connection) -> tuple[Room, ...]:
    members = _members(db)
    marks: defaultdict[ConvId, dict[Uid, Reach]] = defaultdict(dict)
    for conv, uid, delivered, read in db.execute("select conv, uid, delivered, read from mark"):
        marks[conv][uid] = Reach(delivered, read)
    rows = db.execute(
        "select conv, form, title, cursor, rev, head, lane_n, lane_dg, seen_last, read_upto from chat order by conv"
    )
    return tuple(_room(row, tuple(members[row[0]]), marks[row[0]]) for row in rows)


def _room(row: tuple[Any, ...], members: tuple[Member, ...], marks: dict[Uid, Reach]) -> Room:
    conv, form, title, cursor, rev, head, lane_n, lane_dg, seen_last, read_upto = row
    lane = Lane(lane_n, lane_dg, seen_last)
    return Room(conv, form, title, cursor, rev, head, lane, members, marks, read_upto)


def _outbox(db: sqlite3.Connection) -> tuple[Row, ...]:
    return tuple(
        Row(lid, conv, n, pd, dg, content, media_of(media), wish, bool(parked), first_ms)
        for lid, conv, n, pd, dg, content, media, wish, parked, first_ms in db.execute(
            """select lid, conv, n, pd, dg, bytes, media, wish, parked, first_ms from outbox
            order by conv, n"""
        )
    )


def _accepted(db: sqlite3.Connection, did: Did) -> tuple[Accepted, ...]:
    return tuple(
        Accepted(*row)
        for row in db.execute(
            """select lid, conv, n, pd, dg, pos from bubble where mine = 1 and state in (3, 4, 5)
            and state = 3 and did = ? and lost = 0 order by conv, n""",
            (did,),
        )
    )


def read_own_above(db: sqlite3.Connection, did: Did, conv: ConvId, base: int) -> list[Own]:
    """What this device had accepted above `base`, in order of position (P-69).

    What another of the person's devices sent is that one's to offer again: two lanes would make two messages of it.
    """
    return [
        Own(lid, conv, dg, content, media_of(media), at_ms)
        for lid, dg, content, media, at_ms in db.execute(
            """select lid, dg, content, media, at_ms from bubble where conv = ? and pos > ? and pos < ?
            and mine = 1 and did = ? and state between 3 and 6 and lost = 0 order by pos""",
            (conv, base, NOWHERE, did),
        )
    ]


def media_of(column: str) -> tuple[MediaId, ...]:
    """The files a message names, from their column."""
    return tuple(msgspec.json.decode(column, type=list[MediaId]))
