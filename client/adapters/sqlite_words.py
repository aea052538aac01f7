"""What a row of the bubbles says, as a person sees it: read from its bytes, then edited, recalled, answered."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import msgspec

from client.adapters.sqlite_changes import RECALLED, UNCHANGED, Changed, changes_of, edits_of, named, target_of
from client.adapters.sqlite_schema import is_poison
from client.core.model import NOWHERE, Bubble, Rewrite, Upload, Version
from protocol.content import (
    PLAIN,
    SERVER,
    Body,
    Change,
    Content,
    File,
    Forward,
    Notice,
    Picture,
    Reply,
    Text,
    Video,
    unpack,
    unpack_notice,
    within,
)
from protocol.problems import Problem
from protocol.values import SERVER_DID, ConvId, Did, Digest, Lid, MediaId, Uid, Value, replace

log = logging.getLogger(__name__)

decode_upload = msgspec.json.Decoder(Upload).decode
decode_rewrite = msgspec.json.Decoder(Rewrite).decode


class Words(Value, frozen=True):
    """What a row says, and what was done to that; the fields are those of `Bubble`."""

    kind: str
    body: Body | Notice | Change | None = None
    reply: Reply | None = None
    forward: Forward | None = None
    reply_lid: Lid = Lid(0)
    edited: bool = False
    changed: Changed = UNCHANGED

    @property
    def unreadable(self) -> bool:
        """Whether there is something that this version cannot show (P-81)."""
        return self.body is None and not self.changed.recalled


def read_content(did: Did, suite: str, content: bytes, uid: Uid, conv: ConvId) -> Body | Notice | Change | None:
    """What the bytes say; None for what this version cannot read or must not believe (P-81, P-91)."""
    said = _said(did, suite, content, uid, conv)
    return said.body if isinstance(said, Content) else said


def languages() -> str:
    """A mark of all that this version can read: another one after an update that knows more kinds, or fewer."""
    shapes = msgspec.json.encode(msgspec.json.schema_components([Content, Notice]), order="deterministic")
    return sha256(shapes).hexdigest()


def words_of(
    db: sqlite3.Connection, lid: Lid, conv: ConvId, dg: Digest, pos: int, uid: Uid, did: Did, rest: Sequence[Any]
) -> Words:
    """The words of a row; `rest` are its columns from suite on: content, kind, rel, upload, rewrite, any changes.

    What we stumble over stands there as not shown, and the rest of the page as it is; its bytes stay for a better
    version (P-81). What waits here was written here: if that makes no sense, the profile is damaged.
    """
    try:
        return _words_of(db, lid, conv, dg, pos, uid, did, rest)
    except Exception as error:
        kind, upload, rewrite = rest[2], rest[4], rest[5]
        if upload is not None or rewrite is not None or not is_poison(error):
            raise
        log.exception("! bubble %d is not shown", lid)
        return Words(kind)


def _words_of(
    db: sqlite3.Connection, lid: Lid, conv: ConvId, dg: Digest, pos: int, uid: Uid, did: Did, rest: Sequence[Any]
) -> Words:
    suite, content, kind, rel, upload, rewrite, any_changes = rest
    words = _read(did, suite, content, kind, uid, conv, upload, rewrite)
    if rel:
        return replace(words, reply_lid=target_of(db, lid) or Lid(0))
    if kind == "notice":
        return words
    changed = changes_of(db, conv, dg, pos, uid) if any_changes else UNCHANGED
    return _changed(db, words, conv, changed)


def _read(
    did: Did, suite: str, content: bytes, kind: str, uid: Uid, conv: ConvId, upload: bytes | None, rewrite: bytes | None
) -> Words:
    """What waits for its upload, or for new words, says already what it is going to."""
    if upload is not None and not content:
        wish = decode_upload(upload)
        return Words(kind, wish.body(MediaId("")), wish.reply, wish.forward)
    said = _said(did, suite, content if rewrite is None else decode_rewrite(rewrite).anew, uid, conv)
    if not isinstance(said, Content):
        return Words(kind, said)
    body = said.body
    if isinstance(body, Text) and body.mentions:
        body = Text(body.text, within(body.mentions, body.text))
    return Words(kind, body, said.reply, said.forward)


def _said(did: Did, suite: str, content: bytes, uid: Uid, conv: ConvId) -> Content | Notice | None:
    try:
        if did == SERVER_DID or suite == SERVER:  # nobody else speaks for the server
            return unpack_notice(content) if did == SERVER_DID and suite == SERVER else None
        return unpack(content, author=uid, conv=conv) if suite == PLAIN else None
    except Problem:
        return None


def _changed(db: sqlite3.Connection, words: Words, conv: ConvId, changed: Changed) -> Words:
    """The words as they are now: edited, or gone; with what people think of them, and where the answered one is."""
    if words.kind == RECALLED or changed.recalled:
        gone = Changed(recalled=True, recalled_by=changed.recalled_by, pending=changed.pending)
        return Words(RECALLED, changed=gone)
    if changed is not UNCHANGED:
        body = _edited(words.body, changed)
        words = replace(words, body=body, changed=changed, edited=body is not words.body)
    if words.reply is None:
        return words
    lid, gone_too = named(db, conv, words.reply.dg)
    reply = Reply(words.reply.dg, words.reply.uid, "", RECALLED) if gone_too else words.reply
    return replace(words, reply=reply, reply_lid=lid)


def _edited(body: Body | Notice | Change | None, changed: Changed) -> Body | Notice | Change | None:
    if changed.text is None:
        return body
    match body:
        case Text():
            return Text(changed.text, changed.mentions)
        case Picture() | Video() | File():
            return replace(body, caption=changed.text)
    return body


def versions_of(db: sqlite3.Connection, bubble: Bubble, lid: Lid) -> list[Version]:
    """What a message said, oldest first; nothing for one that was recalled or says nothing."""
    row = db.execute("select did, suite, content, uid, conv, ts from bubble where lid = ?", (lid,)).fetchone()
    first = None if bubble.recalled else read_content(*row[:5])
    if not isinstance(first, Text | Picture | Video | File):
        return []
    edits = edits_of(db, bubble.conv, bubble.dg, bubble.pos or NOWHERE, bubble.uid)
    return [Version(bubble.ts, first.text if isinstance(first, Text) else first.caption), *edits]
