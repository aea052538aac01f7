"""Who may be told who writes and who is here, and when devices were last seen. Plain functions over a connection."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence

from protocol.limits import HINTS_MEMBERS_MAX
from protocol.values import ConvId, Did, Uid
from server.core.presence import Known
from server.core.rights import Action, may
from server.core.values import Identity
from server.stores.sqlite_rooms import room_of

_TELL = "select uid from account where presence = 1 and uid in (select value from json_each(?))"
# Both allow it, share a current conversation, and neither blocks the other (P-70).
_ACQUAINTED = """select a.uid, (select coalesce(max(seen), 0) from device d where d.uid = a.uid)
    from json_each(:uids) w join account a on a.uid = w.value
    where a.uid <> :me and a.presence = 1 and exists (select 1 from account where uid = :me and presence = 1)
    and exists (select 1 from listing l
        join member mine on mine.conv = l.conv and mine.uid = :me and coalesce(mine.until, 0) = 0
        join member theirs on theirs.conv = l.conv and theirs.uid = a.uid and coalesce(theirs.until, 0) = 0
        where l.uid = :me)
    and not exists (select 1 from conv c join member b on b.conv = c.conv and b.blocked = 1
        where c.pair = min(a.uid, :me) || ' ' || max(a.uid, :me))"""
_SAW = "update device set seen = max(seen, ?) where did in (select value from json_each(?))"
_SEEN = "select seen from device where did = ?"


def audience(db: sqlite3.Connection, who: Identity, conv: ConvId) -> tuple[Uid, ...]:
    """The other current members who may be told that this person writes; nobody's if the person is not one of them,
    does not tell, or there are too many."""
    room = room_of(db, conv)
    others = [uid for uid in room.members if uid != who.uid and not room.standing(uid).blocked]
    if may(Action.SEND, room.standing(who.uid)) or len(room.members) > HINTS_MEMBERS_MAX:
        return ()
    telling = {uid for (uid,) in db.execute(_TELL, (json.dumps([who.uid, *others]),))}
    return tuple(uid for uid in others if uid in telling) if who.uid in telling else ()


def acquainted(db: sqlite3.Connection, uid: Uid, uids: Sequence[Uid]) -> tuple[Known, ...]:
    """Those of these people about whom this one may be told, and when they were last seen."""
    return tuple(Known(*row) for row in db.execute(_ACQUAINTED, {"me": uid, "uids": json.dumps(uids)}))


def saw(db: sqlite3.Connection, dids: Collection[Did], now_ms: int) -> None:
    """These devices are or were here just now."""
    db.execute(_SAW, (now_ms, json.dumps([int(did) for did in dids])))


def seen_ms(db: sqlite3.Connection, did: Did) -> int:
    """When the device was last here; 0 for never."""
    row = db.execute(_SEEN, (int(did),)).fetchone()
    return int(row[0]) if row else 0
