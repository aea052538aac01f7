"""What a person tells others, and is told by them (P-73). Plain functions over a connection."""

from __future__ import annotations

import sqlite3

from protocol.packets import Prefs
from protocol.values import ConvId, Uid
from server.core.crowd import crowded
from server.core.moves import Chosen, MarksBell
from server.stores.sqlite_groups import remarked
from server.stores.sqlite_rooms import raise_rev, rooms

_PREFS = "select reads, presence from account where uid = ?"
_CHOOSE = "update account set reads = ?, presence = ? where uid = ?"
_LISTED = "select conv from listing where uid = ?"
_TELL = "update member set reads = ? where uid = ? and conv in (select conv from listing where uid = ?)"


def prefs_of(db: sqlite3.Connection, uid: Uid) -> Prefs:
    """What this person tells."""
    row = db.execute(_PREFS, (uid,)).fetchone()
    return Prefs(*map(bool, row)) if row else Prefs()


def choose(db: sqlite3.Connection, uid: Uid, prefs: Prefs) -> Chosen:
    """From now on the person tells this. Who tells reads again is shown to all, and is shown theirs, from the start."""
    before = prefs_of(db, uid)
    db.execute(_CHOOSE, (prefs.reads, prefs.presence, uid))
    if before.reads == prefs.reads:
        return Chosen(prefs)
    db.execute(_TELL, (prefs.reads, uid, uid))
    return _tell_again(db, uid, prefs)


def _tell_again(db: sqlite3.Connection, uid: Uid, prefs: Prefs) -> Chosen:
    """Every mark gets a new rev, so that also those hear of it who are not here now; counts are whole anyway.

    After switching off nothing is taken back from a screen: marks never fall (S14). Counts do.
    """
    bells: list[MarksBell] = []
    crowds: list[ConvId] = []
    for room in rooms(db, [ConvId(conv) for (conv,) in db.execute(_LISTED, (uid,)).fetchall()]).values():
        if not room.standing(uid).current:
            continue
        if crowded(len(room.members)):
            raise_rev(db, room.conv, all_marks=False)
            crowds.append(room.conv)
        elif prefs.reads:
            bells.append(remarked(db, room))
    return Chosen(prefs, tuple(bells), tuple(crowds))
