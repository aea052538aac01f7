"""Opening conversations, listing people, raising session numbers. Plain functions over a connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from protocol.codec import from_text, to_text
from protocol.content import SERVER, Joined, Notice, Opened, pack_notice
from protocol.lanes import digest
from protocol.limits import MEMBERS_MAX
from protocol.packets import Event, OpenR, Person
from protocol.values import SERVER_DID, ConvId, Did, Name, Uid, Value
from server.core.moves import Bell
from server.core.rights import ADMINISTRATOR
from server.core.values import Identity

_PEOPLE = "select uid, name from account order by name, uid"
_NAME = "select name from account where uid = ?"
_RAISE = "update device set sn = sn + 1, seen = ? where did = ? and ended = 0 returning sn"
_REQUEST = "insert into request values (?, ?, ?) on conflict do nothing"
_REQUESTED = "select conv from request where uid = ? and x = ?"
_LIST = "insert into listing values (?, ?) on conflict do nothing"
_EXISTS = "select 1 from conv where conv = ?"
_ADD_CONV = "insert into conv (conv, head, ts, form, pair, title) values (?, ?, ?, ?, ?, ?)"
_ADD_MEMBER = """insert into member (conv, uid, since, role, reads)
    select ?1, ?2, 1, ?3, coalesce((select reads from account where uid = ?2), 1)"""
_ADD_LOG = "insert into log values (?, ?, 0, ?, ?, ?, ?, ?, ?, null)"


class Plan(Value, frozen=True):
    """A conversation that shall exist; `code` says why it cannot."""

    form: str = ""
    conv: ConvId = ConvId("")
    pair: str | None = None
    people: tuple[Person, ...] = ()
    code: str = ""


def people(db: sqlite3.Connection) -> tuple[Person, ...]:
    """Everybody with an account, by name."""
    return tuple(Person(Uid(uid), name) for uid, name in db.execute(_PEOPLE))


def raise_session(db: sqlite3.Connection, did: Did, now_ms: int) -> int | None:
    """T2: the next session number of the device (P-13); None if the device was ended meanwhile."""
    row = db.execute(_RAISE, (now_ms, int(did))).fetchone()
    return int(row[0]) if row else None


def plan(db: sqlite3.Connection, who: Identity, wish: OpenR, fresh: ConvId) -> Plan:
    """Find or reserve the conversation, and list it for its people before anybody joins (P-59).

    A direct one is found by its pair, a group by the `x` of the one who asks; asking again finds the same id.
    """
    uids = sorted({who.uid, *wish.uids})
    if len(uids) > MEMBERS_MAX:
        return Plan(code="members_too_many")
    if wish.kind == "direct" and (len(wish.uids) != 1 or len(uids) > 2):
        return Plan(code="unknown_person")
    found = [_person(db, uid) for uid in uids]
    members = tuple(person for person in found if person is not None)
    if len(members) < len(uids):
        return Plan(code="unknown_person")
    direct = wish.kind == "direct"
    pair = " ".join(uids) if direct else None
    owner, x = ("", pair) if direct else (who.uid, wish.x)
    db.execute(_REQUEST, (owner, x, fresh))
    conv = ConvId(db.execute(_REQUESTED, (owner, x)).fetchone()[0])
    db.executemany(_LIST, [(uid, conv) for uid in uids])
    return Plan("self" if direct and len(uids) == 1 else wish.kind, conv, pair, members)


def _person(db: sqlite3.Connection, uid: Uid) -> Person | None:
    row = db.execute(_NAME, (uid,)).fetchone()
    return Person(uid, row[0]) if row else None


def found(db: sqlite3.Connection, who: Identity, made: Plan, title: Name, now_ms: int) -> Bell | None:
    """Begin the conversation with `opened` and one `joined` per member; None if it has begun already.

    The founders see it from its first position on (P-59, P-70).
    """
    if db.execute(_EXISTS, (made.conv,)).fetchone():
        return None
    group = made.form == "group"
    title = title if group else ""
    notices: list[Notice] = [Opened(made.form, title, who.uid)]
    roles = {person.uid: ADMINISTRATOR if group and person.uid == who.uid else 0 for person in made.people}
    notices += [Joined(person.uid, person.name, roles[person.uid]) for person in made.people]
    events = [said(made.conv, pos, now_ms + pos - 1, notice) for pos, notice in enumerate(notices, 1)]
    last = events[-1]
    db.execute(_ADD_CONV, (made.conv, last.pos, last.ts, made.form, made.pair, title))
    db.executemany(_ADD_MEMBER, [(made.conv, uid, role) for uid, role in roles.items()])
    write_said(db, made.conv, events)
    return Bell(made.conv, last.pos, tuple(events), tuple(roles))


def said(conv: ConvId, pos: int, ts: int, notice: Notice) -> Event:
    """What the server says in a conversation; its number is its position, since it has no lane."""
    content = pack_notice(notice)
    return Event(pos, ts, Uid(""), SERVER_DID, pos, digest(conv, content), SERVER, to_text(content))


def write_said(db: sqlite3.Connection, conv: ConvId, events: Sequence[Event]) -> None:
    """Put what the server says into the log."""
    rows = [
        (conv, event.pos, event.n, event.uid, event.ts, from_text(event.dg), event.suite, from_text(event.content))
        for event in events
    ]
    db.executemany(_ADD_LOG, rows)
