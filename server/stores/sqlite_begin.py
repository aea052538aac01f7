"""Where a new device of a person begins (P-63). Plain functions over a connection."""

from __future__ import annotations

import sqlite3

_BEGIN = """insert into cursor (conv, did, upto, born)
    select m.conv, :did, m.delivered, m.delivered from listing l join mark m on m.conv = l.conv and m.uid = l.uid
    where l.uid = :uid and m.delivered > 0 on conflict (conv, did) do nothing"""


def begin_device(db: sqlite3.Connection, did: int, uid: str) -> None:
    """The device begins behind what its person has already: everything up to there is its history.

    What no device of the person has got yet is delivered to this one like to any other. Otherwise the first
    acknowledgement behind it would claim that it had been delivered (S6).
    """
    db.execute(_BEGIN, {"did": did, "uid": uid})
