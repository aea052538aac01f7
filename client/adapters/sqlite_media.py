"""Messages with a file, by what the file is: what the viewer and the media of a conversation show, from the disk."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from client.adapters.sqlite_rows import BUBBLE, Place, bubbles_of
from client.core.model import NOWHERE, Bubble, MediaKind
from protocol.values import ConvId, Lid

# Its first line is that of the index `bubble_media`. What is not what its message said is a plain file.
_OF_KIND = """b.conv = :conv and b.rel = '' and b.kind in ('picture', 'voice', 'video', 'file')
    and iif(b.why <> '', 'file', b.kind) in (select value from json_each(:kinds))"""
BEFORE = f"""{BUBBLE} where {_OF_KIND} and (b.place, b.lid) < (:place, :lid)
    order by b.place desc, b.lid desc limit :limit"""
AFTER = f"""{BUBBLE} where {_OF_KIND} and (b.place, b.lid) > (:place, :lid) order by b.place, b.lid limit :limit"""
LIDS = f"select b.lid from bubble b where {_OF_KIND} order by b.place, b.lid"


def read_media(
    db: sqlite3.Connection,
    conv: ConvId,
    kinds: Sequence[MediaKind],
    before: Place | None,
    after: Place | None,
    limit: int,
) -> list[Bubble]:
    """A page of them next to a place, or the newest ones, in the order shown."""
    place, lid = after or before or (NOWHERE + 1, 0)
    facts = {**_facts(conv, kinds), "place": place, "lid": lid, "limit": limit}
    rows = db.execute(BEFORE if after is None else AFTER, facts).fetchall()
    return bubbles_of(db, rows[::-1] if after is None else rows)


def read_media_lids(db: sqlite3.Connection, conv: ConvId, kinds: Sequence[MediaKind]) -> list[Lid]:
    """All of them, in the order shown."""
    return [lid for (lid,) in db.execute(LIDS, _facts(conv, kinds))]


def _facts(conv: ConvId, kinds: Sequence[MediaKind]) -> dict[str, object]:
    return {"conv": conv, "kinds": json.dumps(list(kinds))}
