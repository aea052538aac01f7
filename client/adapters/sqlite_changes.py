"""What edits, recalls and reactions make of a message: looked up when it is read, so that their order never matters.

A change is a row like a message, but no bubble: its `rel` is not empty. It counts where the message at the position
it names has the digest it names inside; a change of this device counts from T0 on, until the server refuses it.
"""

from __future__ import annotations

import logging
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, TypeAlias

from client.adapters.sqlite_schema import HEARD_LID, is_poison, lids_column
from client.core.model import NOWHERE, State, Version
from protocol.content import PLAIN, RELATIONS, Change, Content, Edit, Mention, Reaction, Recall, unpack, within
from protocol.packets import Relation
from protocol.problems import Problem
from protocol.values import ConvId, Digest, Lid, Uid, Value

log = logging.getLogger(__name__)

STRAY = "stray"
"""`rel` of a change that says one thing outside and another inside, or that cannot be read: kept, and never shown."""
RECALLED = "recalled"
"""`kind` of a message whose content is gone for good (P-74)."""

Reactions: TypeAlias = tuple[tuple[str, tuple[Uid, ...]], ...]

_ABOUT = """select lid, uid, mine, rel, rel_pos, pos, state, code, suite, content, ts from bubble
    where conv = ? and target = ? and rel <> '' order by pos, lid"""
_PAIRED = f"""c.conv = t.conv and c.target = t.dg and c.rel = 'recall' and c.rel <> '' and c.rel_pos = t.pos
    and +c.pos < {NOWHERE} and c.lost = 0 and t.rel = '' and t.dg <> '' and t.kind not in ('{RECALLED}', 'notice')"""
GONE = f"""select t.lid from json_each(:lids) w cross join bubble t on t.lid = w.value
    cross join bubble c on {_PAIRED}
    union select t.lid from json_each(:lids) w cross join bubble c on c.lid = w.value
    cross join bubble t on {_PAIRED}"""
TARGET = """select t.lid from bubble c join bubble t on t.conv = c.conv and t.dg = c.target and t.dg <> ''
    where c.lid = ? and c.target <> '' and t.rel = ''"""
"""What an index is made for must be said again for it to be used: `rel <> ''` although `rel` is a recall. A cross join
keeps its order, the few named ones first; `+` keeps another index out, which would lead to all of a conversation."""
_NAMED = "select lid, kind from bubble where conv = ? and dg = ? and dg <> '' and rel = ''"

_WAITS = (State.QUEUED, State.SENDING, State.NEEDS_YOU)
_TOLD = (*_WAITS, State.CANCELLING, State.REFUSED, State.LONG_AGO)


class Pending(Value, frozen=True):
    """Where this person's newest change stands that the server has not taken."""

    lid: Lid
    state: State
    code: str


class Changed(Value, frozen=True):
    """All that was done to one message. `text` is None unless it was edited."""

    text: str | None = None
    mentions: tuple[Mention, ...] = ()
    recalled: bool = False
    recalled_by: Uid = Uid("")
    reactions: Reactions = ()
    pending: Pending | None = None


UNCHANGED = Changed()


def changes_of(db: sqlite3.Connection, conv: ConvId, dg: Digest, pos: int, author: Uid) -> Changed:
    """What was done to the message with this digest, which stands at `pos` (or nowhere) and is by `author`."""
    rows = db.execute(_ABOUT, (conv, dg)).fetchall() if dg else []
    if not rows:
        return UNCHANGED
    edit: Edit | None = None
    recalled, recalled_by = False, Uid("")
    reacted: dict[Uid, str] = {}
    for _, uid, mine, rel, rel_pos, at, state, _, suite, content, _ in rows:
        if not _counts(mine, rel_pos, at, state, pos):
            continue
        match _inside(suite, content, uid, conv):
            case Edit() as newest if uid == author and rel == "edit":
                edit = newest
            case Recall() if rel == "recall":
                recalled, recalled_by = True, recalled_by or uid
            case Reaction(emoji=emoji) if rel == "react":
                reacted.pop(uid, None)
                reacted |= {uid: emoji} if emoji else {}
    return Changed(
        text=None if edit is None else edit.text,
        mentions=() if edit is None else within(edit.mentions, edit.text),
        recalled=recalled,
        recalled_by=recalled_by,
        reactions=_grouped(reacted),
        pending=_pending(rows),
    )


def edits_of(db: sqlite3.Connection, conv: ConvId, dg: Digest, pos: int, author: Uid) -> list[Version]:
    """The edits that count, oldest first."""
    return [
        Version(ts, edit.text)
        for _, uid, mine, rel, rel_pos, at, state, _, suite, content, ts in db.execute(_ABOUT, (conv, dg)).fetchall()
        if rel == "edit" and uid == author and _counts(mine, rel_pos, at, state, pos)
        if isinstance(edit := _inside(suite, content, uid, conv), Edit)
    ]


def change_columns(rel: Relation | None, content: Content | None) -> tuple[str, int, str]:
    """The columns `rel`, `rel_pos` and `target` of an event: empty for a message, stray for what contradicts itself."""
    body = None if content is None else content.body
    if rel is None and not isinstance(body, Edit | Recall | Reaction):
        return "", 0, ""
    if rel is None or not isinstance(body, Edit | Recall | Reaction) or RELATIONS[type(body)] != rel.kind:
        return STRAY, 0, ""
    return rel.kind, rel.pos, body.target


def target_of(db: sqlite3.Connection, lid: Lid) -> Lid | None:
    """The bubble that a change is about, if it is here."""
    row = db.execute(TARGET, (lid,)).fetchone()
    return None if row is None else Lid(row[0])


def named(db: sqlite3.Connection, conv: ConvId, dg: Digest) -> tuple[Lid, bool]:
    """The bubble with this digest, 0 if it is not here; and whether it was recalled."""
    row = db.execute(_NAMED, (conv, dg)).fetchone()
    return (Lid(0), False) if row is None else (Lid(row[0]), row[1] == RECALLED)


def erase_recalled(db: sqlite3.Connection, lids: Iterable[Lid]) -> list[Lid]:
    """Each is a message or its recall: once both are here, the content goes for good. Returns what changed."""
    found = [Lid(lid) for (lid,) in db.execute(GONE, {"lids": lids_column(lids)}).fetchall()]
    for target in found:
        erase(db, target)
    return found


def erase(db: sqlite3.Connection, lid: Lid) -> None:
    """Nothing of what it said stays on this device: text, preview, names, the way to its file (P-74)."""
    db.execute(
        "update bubble set content = x'', media = '[]', path = '', code = '', kind = ? where lid = ?", (RECALLED, lid)
    )
    db.execute("delete from raw where lid = ?", (lid,))


def _counts(mine: int, rel_pos: int, at: int, state: int, pos: int) -> bool:
    """One that the server took counts where it points; an own one that waits counts already."""
    return rel_pos == pos < NOWHERE if at < NOWHERE else bool(mine) and state in _WAITS


def _inside(suite: str, content: bytes, author: Uid, conv: ConvId) -> Change | None:
    try:
        body = unpack(content, author=author, conv=conv).body if suite == PLAIN else None
    except Problem:
        return None
    except Exception as error:  # our mistake, or a change made to find one: what it is about is shown without it
        if not is_poison(error):
            raise
        log.exception("! a change is not shown")
        return None
    return body if isinstance(body, Edit | Recall | Reaction) else None


def _grouped(reacted: dict[Uid, str]) -> Reactions:
    people: defaultdict[str, list[Uid]] = defaultdict(list)
    for uid, emoji in reacted.items():
        people[emoji].append(uid)
    return tuple((emoji, tuple(uids)) for emoji, uids in people.items())


def _pending(rows: list[tuple[Any, ...]]) -> Pending | None:
    """The newest of each kind stands for its kind: what failed before it is told no more."""
    newest: dict[str, Pending] = {}
    for lid, _, mine, rel, _, at, state, code, *_ in sorted(rows, key=lambda row: int(row[0])):
        if mine and (lid < HEARD_LID or at >= NOWHERE):
            newest[rel] = Pending(lid, State(state), code)
    told = [pending for pending in newest.values() if pending.state in _TOLD]
    return max(told, key=lambda pending: pending.lid, default=None)
