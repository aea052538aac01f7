"""Rows of the profile's tables as values: bubbles, the chat list, what the machines start from."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import msgspec

from client.adapters.sqlite_changes import target_of
from client.adapters.sqlite_schema import HEARD_LID, lids_column
from client.adapters.sqlite_words import decode_rewrite, decode_upload, words_of
from client.core.history import OLDER
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
    Receipt,
    Room,
    Row,
    Span,
    State,
    Wanted,
)
from protocol.content import Body, Change, File, Notice, Picture, Video, Voice
from protocol.packets import Crowd, Gap, Prefs, Relation, Seat, Step
from protocol.problems import UnknownMessage
from protocol.values import ConvId, Did, Lid, MediaId, Uid, Value, replace

Place: TypeAlias = tuple[int, int]
"""`Bubble.order`: the place on the screen, or NOWHERE, and `lid`."""

BUBBLE = """select b.lid, b.conv, b.pos, b.uid, b.mine, b.state, b.at_ms, b.ts, b.n, b.dg, b.code, b.path,
    b.place, b.lost, b.did, b.suite, b.content, b.kind, b.rel, u.data, r.data,
    b.dg <> '' and exists (select 1 from bubble c where c.conv = b.conv and c.target = b.dg and c.rel <> ''),
    b.heard, b.fetched_ms, b.why, f.paused
    from bubble b left join upload u on u.lid = b.lid left join rewrite r on r.lid = b.lid
    left join fetch f on f.lid = b.lid"""
REL, UPLOAD, REWRITE = 18, 19, 20
"""Where `rel` stands in a row of it, not empty for a change; the upload, and the new words of one that waits."""
THESE = f"{BUBBLE} where b.lid in (select value from json_each(?))"
_PAGE = f"{BUBBLE} where b.conv = ? and b.rel = ''"
BEFORE = f"{_PAGE} and (b.place, b.lid) < (?, ?) order by b.place desc, b.lid desc limit ?"
AFTER = f"{_PAGE} and (b.place, b.lid) > (?, ?) order by b.place, b.lid limit ?"
UNREAD = f"""select count(*) from bubble where conv = ? and pos > ? and pos < {NOWHERE} and mine = 0 and lost = 0
    and rel = '' and kind not in ('notice', 'recalled')"""
OTHERS = """select form, thin, crowd, coalesce((select m.uid from member m where m.conv = chat.conv
    and m.uid <> coalesce((select uid from me), '') limit 1), '') from chat where conv = ?"""
WAITING = """select count(*) filter (where state <> 8), count(*) filter (where state = 8) from bubble
    where conv = ? and mine = 1 and state in (0, 1, 2, 7, 8)"""

UPLOADS = "select u.data from upload u join bubble b on b.lid = u.lid where b.state <> 11 order by u.lid"
"""Files on their way up, without those of a device that ended (P-64)."""
FETCHES = "select f.paused, f.data from fetch f join bubble b on b.lid = f.lid order by f.lid"
"""Files that are wanted here; one whose bubble is gone is wanted by nobody."""
PREFS_WISH = "prefs_wish"
"""The setting that holds what the person chose to tell, until the server has confirmed it."""
_crowd = msgspec.json.Decoder(Crowd)
decode_wanted = msgspec.json.Decoder(Wanted).decode


def read_me(db: sqlite3.Connection) -> Me | None:
    """The account of this profile."""
    row = db.execute("select uid, did, name, token, server, gen from me").fetchone()
    return Me(*row) if row else None


def crowd_of(column: str) -> Crowd | None:
    """The stairs of a large conversation, from their column."""
    return _crowd.decode(column) if column else None


def _count_at(stairs: Sequence[Step], pos: int) -> int:
    return next((step.count for step in stairs if step.pos >= pos), 0)


def same_upto(old: Crowd, new: Crowd) -> int:
    """Up to which position the counts of two stairs are the same."""
    if old.of != new.of:
        return 0
    pairs = ((old.delivered, new.delivered), (old.read, new.read))
    places = sorted({step.pos for pair in pairs for stairs in pair for step in stairs})
    same = 0
    for pos in places:
        if any(_count_at(before, pos) != _count_at(after, pos) for before, after in pairs):
            return same
        same = pos
    return same


class _Theirs(Value, frozen=True):
    """What others have of an own message, as in Bubble."""

    delivered_to: int = 0
    read_by: int = 0
    of: int = 0
    delivered_ms: int = 0
    read_ms: int = 0


class _Direct:
    """Since when, at the latest, the other person has and has read what this one wrote."""

    def __init__(self, db: sqlite3.Connection, conv: ConvId, other: Uid) -> None:
        self._since = tuple(_Since(db, conv, other, what) for what in (0, 1))

    def at(self, pos: int, state: int) -> _Theirs:
        """The two times at position `pos`; 0 while it is not so, or unknown."""
        has, has_read = self._since
        return _Theirs(
            delivered_ms=has.at_ms(pos) if state in (State.DELIVERED, State.READ) else 0,
            read_ms=has_read.at_ms(pos) if state == State.READ else 0,
        )


class _Since:
    """Since when, at the latest, a person had (0) or had read (1) a position; what it found holds for a span."""

    def __init__(self, db: sqlite3.Connection, conv: ConvId, uid: Uid, what: int) -> None:
        self._db, self._whose = db, (conv, uid, what)
        self._from, self._upto, self._at_ms = 1, 0, 0

    def at_ms(self, pos: int) -> int:
        """0 when unknown."""
        if not self._from <= pos <= self._upto:
            sql = """select upto, at_ms from reading where conv = ? and uid = ? and what = ? and upto >= ?
                order by upto limit 1"""
            self._upto, self._at_ms = self._db.execute(sql, (*self._whose, pos)).fetchone() or (NOWHERE, 0)
            self._from = pos
        return self._at_ms


class _Crowded:
    """How many others of a large conversation have got how far, as the server counts them (P-52)."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd

    def at(self, pos: int, state: int) -> _Theirs:
        """Others who have position `pos`, who have read it, and all of them."""
        crowd = self._crowd
        return _Theirs(_count_at(crowd.delivered, pos), _count_at(crowd.read, pos), crowd.of)


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

    def at(self, pos: int, state: int) -> _Theirs:
        """Members who have position `pos`, who have read it, and all of them."""
        of = len(self._delivered)
        return _Theirs(of - bisect_left(self._delivered, pos), of - bisect_left(self._read, pos), of)


class _Reader:
    """Turns rows of a `BUBBLE` query into bubbles; counts *k of m* once a group."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._chats: dict[ConvId, _Direct | _Crowded | _Reached | None] = {}

    def bubble(self, row: tuple[Any, ...]) -> Bubble:
        lid, conv, pos, uid, mine, state, at_ms, ts, n, dg, code, path, place, lost, did, *rest = row
        *rest, heard, fetched_ms, why, fetch_held = rest
        upload = None if row[UPLOAD] is None or state != State.UPLOADING else decode_upload(row[UPLOAD])
        words = words_of(self._db, lid, conv, dg, pos, uid, did, rest)
        changed, pending = words.changed, words.changed.pending
        if state == State.CANCELLING and row[REWRITE] is not None:
            state = State.QUEUED  # what waits now are the new words
        theirs = self._theirs(conv, pos, state) if mine and pos < NOWHERE else _Theirs()
        return Bubble(
            lid=lid,
            conv=conv,
            uid=uid,
            mine=bool(mine),
            state=State.UNREADABLE if words.unreadable and state == State.RECEIVED else State(state),
            at_ms=at_ms,
            body=_plain(words.body) if why else words.body,
            pos=pos if pos < NOWHERE else 0,
            ts=ts,
            n=n,
            dg=dg,
            code=code,
            path="" if changed.recalled else path,
            place=place,
            delivered_to=theirs.delivered_to,
            read_by=theirs.read_by,
            of=theirs.of,
            delivered_ms=theirs.delivered_ms,
            read_ms=theirs.read_ms,
            edited=words.edited,
            recalled=changed.recalled,
            recalled_by=changed.recalled_by,
            reactions=changed.reactions,
            reply=words.reply,
            reply_lid=words.reply_lid,
            forward=words.forward,
            change=pending.state if pending else None,
            change_lid=pending.lid if pending else Lid(0),
            change_code=pending.code if pending else "",
            lost=bool(lost),
            fetching=fetch_held is not None,
            paused=bool(fetch_held) or (upload is not None and upload.held),
            here_bytes=upload.held_bytes if upload is not None else 0,
            heard=bool(heard),
            fetched_ms=fetched_ms,
            why=why,
        )

    def _theirs(self, conv: ConvId, pos: int, state: int) -> _Theirs:
        if conv not in self._chats:
            self._chats[conv] = self._others_in(conv)
        others = self._chats[conv]
        return others.at(pos, state) if others else _Theirs()

    def _others_in(self, conv: ConvId) -> _Direct | _Crowded | _Reached | None:
        """Nobody is counted while it is not known who is here."""
        form, thin, crowd, other = self._db.execute(OTHERS, (conv,)).fetchone() or ("", 0, "", "")
        if form == "direct":
            return _Direct(self._db, conv, Uid(other))
        if form != "group" or (thin and not crowd):
            return None
        stairs = crowd_of(crowd)
        return _Reached(self._db, conv) if stairs is None else _Crowded(stairs)


def _plain(body: Body | Notice | Change | None) -> Body | Notice | Change | None:
    """What its message said it is, it is not: nobody takes it for more than a file."""
    if isinstance(body, Picture | Voice | Video):
        return File(body.file, "" if isinstance(body, Voice) else body.caption)
    return body


def bubbles_of(db: sqlite3.Connection, rows: Iterable[tuple[Any, ...]]) -> list[Bubble]:
    """The rows of a `BUBBLE` query as bubbles, in their order."""
    reader = _Reader(db)
    return [reader.bubble(row) for row in rows]


def read_bubbles(db: sqlite3.Connection, lids: Iterable[Lid]) -> list[Bubble]:
    """These bubbles as they look now, in the order of their conversations; one that is gone is left out.

    Of a change, the bubble that it is about.
    """
    rows = _rows(db, lids)
    targets = [target_of(db, lid) for lid, row in rows.items() if row[REL]]
    rows |= _rows(db, [lid for lid in targets if lid is not None and lid not in rows])
    found = bubbles_of(db, (row for row in rows.values() if not row[REL]))
    return sorted(found, key=lambda bubble: (bubble.conv, bubble.order))


def _rows(db: sqlite3.Connection, lids: Iterable[Lid]) -> dict[Lid, tuple[Any, ...]]:
    """All in one statement."""
    column = lids_column(lids)
    return {row[0]: row for row in db.execute(THESE, (column,)).fetchall()} if column != "[]" else {}


def read_bubble(db: sqlite3.Connection, lid: Lid) -> Bubble:
    """One bubble; a change as what it is. Raises UnknownMessage."""
    if (row := _rows(db, (lid,)).get(lid)) is None:
        raise UnknownMessage()
    return _Reader(db).bubble(row)


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
    for conv, form, title, draft, read_upto, away in db.execute(
        "select conv, form, title, draft, read_upto, away from chat"
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
                unread=db.execute(UNREAD, (conv, read_upto)).fetchone()[0],
                waiting=waiting,
                needs_you=needs_you,
                draft=draft,
                read_upto=read_upto,
                away=bool(away),
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
    for conv, *member in db.execute("select conv, uid, name, role from member order by conv, place"):
        members[conv].append(Member(*member))
    return members


def read_seats(db: sqlite3.Connection, conv: ConvId) -> list[Seat]:
    """The member table as known here: who, with which role, and how far."""
    rows = db.execute(
        """select m.uid, m.name, m.role, coalesce(k.delivered, 0), coalesce(k.read, 0), coalesce(k.delivered_ms, 0),
        coalesce(k.read_ms, 0) from member m left join mark k on k.conv = m.conv and k.uid = m.uid
        where m.conv = ? order by m.place""",
        (conv,),
    )
    return [Seat(*row) for row in rows]


def read_receipts(db: sqlite3.Connection, lid: Lid) -> list[Receipt]:
    """How each other member stands to an own message. Raises UnknownMessage for any other."""
    row = db.execute("select conv, pos from bubble where lid = ? and mine = 1", (lid,)).fetchone()
    if row is None:
        raise UnknownMessage()
    conv, pos = row
    me = read_me(db)
    seats = [seat for seat in read_seats(db, conv) if me is None or seat.uid != me.uid]
    return [_receipt(db, conv, pos, seat) for seat in seats]


def _receipt(db: sqlite3.Connection, conv: ConvId, pos: int, seat: Seat) -> Receipt:
    has, read = pos <= seat.delivered, pos <= seat.read
    return Receipt(
        uid=seat.uid,
        name=seat.name,
        delivered=has,
        read=read,
        delivered_ms=_Since(db, conv, seat.uid, 0).at_ms(pos) if has else 0,
        read_ms=_Since(db, conv, seat.uid, 1).at_ms(pos) if read else 0,
    )


def read_older(db: sqlite3.Connection) -> dict[ConvId, tuple[Span, ...]]:
    """The gaps that this device's history fills (P-63)."""
    spans: defaultdict[ConvId, list[Span]] = defaultdict(list)
    for conv, first, last in db.execute("select conv, a, b from gap where why = ? order by conv, a", (OLDER,)):
        spans[conv].append(Span(first, last))
    return {conv: tuple(found) for conv, found in spans.items()}


def read_gaps(db: sqlite3.Connection, conv: ConvId) -> tuple[Gap, ...]:
    """Every part of a conversation's log that is not here, from below, and why."""
    found = db.execute("select a, b, why from gap where conv = ? order by a", (conv,))
    return tuple(Gap(first, last, why) for first, last, why in found)


def read_memory(db: sqlite3.Connection) -> Memory:
    """Everything the machines start from."""
    me = read_me(db)
    newest = db.execute("select coalesce(max(lid), 0) from bubble where lid < ?", (HEARD_LID,)).fetchone()
    return Memory(
        me=me,
        rooms=_rooms(db),
        rows=_outbox(db),
        accepted=_accepted(db, me.did) if me else (),
        uploads=tuple(decode_upload(row[0]) for row in db.execute(UPLOADS)),
        fetches=tuple(replace(decode_wanted(data), held=bool(held)) for held, data in db.execute(FETCHES)),
        next_lid=Lid(newest[0] + 1),
        rewrites={
            lid: decode_rewrite(data)
            for lid, data in db.execute("select r.lid, r.data from rewrite r join outbox o on o.lid = r.lid")
        },
        prefs_wish=_prefs_wish(db),
    )


def _prefs_wish(db: sqlite3.Connection) -> Prefs | None:
    row = db.execute("select value from setting where key = ?", (PREFS_WISH,)).fetchone()
    return msgspec.json.decode(row[0], type=Prefs) if row else None


def _rooms(db: sqlite3.Connection) -> tuple[Room, ...]:
    members = _members(db)
    marks: defaultdict[ConvId, dict[Uid, Reach]] = defaultdict(dict)
    for conv, uid, *reach in db.execute("select conv, uid, delivered, read, delivered_ms, read_ms from mark"):
        marks[conv][uid] = Reach(*reach)
    older = read_older(db)
    rows = db.execute(
        """select conv, form, title, cursor, rev, head, lane_n, lane_dg, seen_last, read_upto, away, thin, crowd
        from chat order by conv"""
    )
    return tuple(_room(row, tuple(members[row[0]]), marks[row[0]], older.get(row[0], ())) for row in rows)


def _room(row: tuple[Any, ...], members: tuple[Member, ...], marks: dict[Uid, Reach], older: tuple[Span, ...]) -> Room:
    conv, form, title, cursor, rev, head, lane_n, lane_dg, seen_last, read_upto, away, thin, crowd = row
    lane = Lane(lane_n, lane_dg, seen_last)
    return Room(
        conv, form, title, cursor, rev, head, lane, members, marks, read_upto, bool(away), bool(thin),
        crowd_of(crowd), older,
    )  # fmt: skip


def _outbox(db: sqlite3.Connection) -> tuple[Row, ...]:
    return tuple(
        Row(
            lid,
            conv,
            n,
            pd,
            dg,
            content,
            media_of(media),
            wish,
            bool(parked),
            first_ms,
            relation_of(rel, rel_pos),
            target,
        )
        for lid, conv, n, pd, dg, content, media, wish, parked, first_ms, rel, rel_pos, target in db.execute(
            """select o.lid, o.conv, o.n, o.pd, o.dg, o.bytes, o.media, o.wish, o.parked, o.first_ms,
            coalesce(b.rel, ''), coalesce(b.rel_pos, 0), coalesce(b.target, '')
            from outbox o left join bubble b on b.lid = o.lid order by o.conv, o.n, o.lid"""
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
    What was recalled has no content to offer any more, and its recall nothing to take away.
    """
    return [
        Own(lid, conv, dg, content, media_of(media), at_ms, relation_of(rel, rel_pos), target)
        for lid, dg, content, media, at_ms, rel, rel_pos, target in db.execute(
            """select lid, dg, content, media, at_ms, rel, rel_pos, target from bubble where conv = ? and pos > ?
            and pos < ? and mine = 1 and did = ? and state between 3 and 6 and lost = 0 and content <> x''
            and not (rel = 'recall' and rel_pos > ? and exists (select 1 from bubble gone where gone.conv = bubble.conv
            and gone.dg = bubble.target and gone.rel = '' and gone.kind = 'recalled')) order by pos""",
            (conv, base, NOWHERE, did, base),
        )
    ]


def relation_of(rel: str, pos: int) -> Relation | None:
    """What a change says outside, from its columns."""
    match rel:
        case "edit" | "recall" | "react":
            return Relation(rel, pos)
    return None


def media_of(column: str) -> tuple[MediaId, ...]:
    """The files a message names, from their column."""
    return tuple(msgspec.json.decode(column, type=list[MediaId]))
