"""Every table of the server, declared once (section 11 of the contract).

The rules that must hold are constraints here: a slot is bound once, a digest occurs once in a lane, a position
is taken once. Tables below the line are keyed by `conv`: one conversation = one shard (P-88).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping

from protocol.values import Value

Step = Callable[[sqlite3.Connection], None]


class Schema(Value, frozen=True):
    """What a data file looks like: a number that only grows, and the statements that make it from nothing.

    `steps` brings older files here: the step of a version makes the next one of it.
    """

    version: int
    statements: tuple[str, ...]
    steps: Mapping[int, Step] = {}


_META = "create table meta (key text primary key, value text not null) strict, without rowid"

_PEOPLE = (
    """create table account (uid text primary key, name text not null unique, made_ms integer not null,
        reads integer not null default 1, presence integer not null default 1) strict""",
    """create table device (did integer primary key, uid text not null, token_sha256 blob not null unique,
        sn integer not null default 0, seen integer not null default 0, ended integer not null default 0,
        name text not null default '', made_ms integer not null default 0) strict""",
    "create index device_uid on device (uid)",
    "create table called (folded text primary key, uid text not null) strict, without rowid",  # one look, one name
    """create table invite (code_sha256 blob primary key, made_ms integer not null,
        expires_ms integer not null, used_by integer, used_ms integer not null default 0,
        request_sha256 blob, uid text) strict""",
    "create table listing (uid text, conv text, primary key (uid, conv)) strict, without rowid",
    """create table request (uid text, x text, conv text not null, primary key (uid, x))
        strict, without rowid""",
)

# ------------------------------------------------------------------------------------------- keyed by conv

_CONVERSATIONS = (
    """create table conv (conv text primary key, head integer not null, ts integer not null,
        floor integer not null default 0, base integer, mlv integer not null default 0, form text not null,
        pair text unique, title text not null default '') strict, without rowid""",
    "create table crev (conv text primary key, rev integer not null) strict, without rowid",
    """create table member (conv text, uid text, since integer, until integer,
        role integer not null default 0, blocked integer not null default 0,
        reads integer not null default 1, rev integer, primary key (conv, uid, since)) strict, without rowid""",
    """create table log (conv text, pos integer, did integer not null, n integer not null, uid text not null,
        ts integer not null, dg blob not null, suite text not null, content blob not null, rel text,
        primary key (conv, pos)) strict, without rowid""",
    "create index log_rel on log (conv, rel) where rel is not null",
    """create table slot (conv text, did integer, n integer, dg blob not null, kind integer not null,
        pos integer not null, code text not null, primary key (conv, did, n))
        strict, without rowid""",
    "create unique index slot_dg on slot (conv, did, dg) where kind <> 3",
    """create table cursor (conv text, did integer, upto integer not null, born integer not null default 0,
        primary key (conv, did)) strict, without rowid""",
    """create table mark (conv text, uid text, delivered integer not null, read integer not null,
        rev integer not null, delivered_ms integer not null default 0, read_ms integer not null default 0,
        primary key (conv, uid)) strict, without rowid""",
    """create table pin (conv text, pos integer, media text, place integer not null default 0,
        primary key (conv, pos, media))
        strict, without rowid""",
    "create index pin_media on pin (media)",
    """create table upload (media text primary key, conv text not null, did integer not null,
        number integer not null, size integer not null, offset integer not null default 0,
        sha256 blob not null, done integer not null default 0, touched integer not null,
        metadata text not null default '', unique (did, number)) strict""",
    "create index upload_sha256 on upload (sha256, size)",
)

# ------------------------------------------------------------------------------------- files of older versions

_ONE_TO_TWO = (
    "alter table account add column reads integer not null default 1",
    "alter table account add column presence integer not null default 1",
    "alter table device add column made_ms integer not null default 0",
    "alter table invite add column uid text",
    "alter table cursor add column born integer not null default 0",
    "alter table mark add column delivered_ms integer not null default 0",
    "alter table mark add column read_ms integer not null default 0",
    "alter table conv add column title text not null default ''",
    """update conv set title = coalesce((select json_extract(cast(content as text), '$.title') from log
        where log.conv = conv.conv and log.pos = 1 and log.did = 0), '')""",
    "alter table member add column reads integer not null default 1",
    "alter table member add column rev integer",
)


_TWO_TO_THREE = (
    "alter table upload add column metadata text not null default ''",
    "create index upload_sha256 on upload (sha256, size)",
)


def _one_to_two(db: sqlite3.Connection) -> None:
    """What people tell others; a second device and where it began; times of marks; groups that change."""
    for statement in _ONE_TO_TWO:
        db.execute(statement)


def _two_to_three(db: sqlite3.Connection) -> None:
    """Files are found by what is in them; what a client says of one is said back to it."""
    for statement in _TWO_TO_THREE:
        db.execute(statement)


SCHEMA = Schema(3, (_META, *_PEOPLE, *_CONVERSATIONS), {1: _one_to_two, 2: _two_to_three})
