"""Files of older versions are brought here step by step, and look like new ones."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from server.stores.schema import SCHEMA, Schema
from server.stores.writer import prepare

# The first version, as it was given out. It never changes.
_META = "create table meta (key text primary key, value text not null) strict, without rowid"

_PEOPLE = (
    "create table account (uid text primary key, name text not null unique, made_ms integer not null) strict",
    """create table device (did integer primary key, uid text not null, token_sha256 blob not null unique,
        sn integer not null default 0, seen integer not null default 0, ended integer not null default 0,
        name text not null default '') strict""",
    "create index device_uid on device (uid)",
    "create table called (folded text primary key, uid text not null) strict, without rowid",  # one look, one name
    """create table invite (code_sha256 blob primary key, made_ms integer not null,
        expires_ms integer not null, used_by integer, used_ms integer not null default 0,
        request_sha256 blob) strict""",
    "create table listing (uid text, conv text, primary key (uid, conv)) strict, without rowid",
    """create table request (uid text, x text, conv text not null, primary key (uid, x))
        strict, without rowid""",
)

_CONVERSATIONS = (
    """create table conv (conv text primary key, head integer not null, ts integer not null,
        floor integer not null default 0, base integer, mlv integer not null default 0, form text not null,
        pair text unique) strict, without rowid""",
    "create table crev (conv text primary key, rev integer not null) strict, without rowid",
    """create table member (conv text, uid text, since integer, until integer,
        role integer not null default 0, blocked integer not null default 0,
        primary key (conv, uid, since)) strict, without rowid""",
    """create table log (conv text, pos integer, did integer not null, n integer not null, uid text not null,
        ts integer not null, dg blob not null, suite text not null, content blob not null, rel text,
        primary key (conv, pos)) strict, without rowid""",
    "create index log_rel on log (conv, rel) where rel is not null",
    """create table slot (conv text, did integer, n integer, dg blob not null, kind integer not null,
        pos integer not null, code text not null, primary key (conv, did, n))
        strict, without rowid""",
    "create unique index slot_dg on slot (conv, did, dg) where kind <> 3",
    """create table cursor (conv text, did integer, upto integer not null, primary key (conv, did))
        strict, without rowid""",
    """create table mark (conv text, uid text, delivered integer not null, read integer not null,
        rev integer not null, primary key (conv, uid)) strict, without rowid""",
    """create table pin (conv text, pos integer, media text, place integer not null default 0,
        primary key (conv, pos, media))
        strict, without rowid""",
    "create index pin_media on pin (media)",
    """create table upload (media text primary key, conv text not null, did integer not null,
        number integer not null, size integer not null, offset integer not null default 0,
        sha256 blob not null, done integer not null default 0, touched integer not null,
        unique (did, number)) strict""",
)

ONE = (_META, *_PEOPLE, *_CONVERSATIONS)
TWO_FROM_ONE = (
    "alter table account add column reads integer not null default 1",
    "alter table account add column presence integer not null default 1",
    "alter table device add column made_ms integer not null default 0",
    "alter table invite add column uid text",
    "alter table cursor add column born integer not null default 0",
    "alter table mark add column delivered_ms integer not null default 0",
    "alter table mark add column read_ms integer not null default 0",
    "alter table conv add column title text not null default ''",
    "alter table member add column reads integer not null default 1",
    "alter table member add column rev integer",
)

OLD = {1: ONE, 2: (*ONE, *TWO_FROM_ONE)}


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        yield opened


def shape(db: sqlite3.Connection) -> dict[str, object]:
    """Tables with their columns, and indexes; the order of columns apart."""
    names = [row[0] for row in db.execute("select name from sqlite_master where type = 'table'")]
    columns = {
        name: {
            row[1:]
            for row in db.execute(f"select 0, name, type, \"notnull\", pk, dflt_value from pragma_table_info('{name}')")
        }
        for name in names
    }
    indexes = {row[0] for row in db.execute("select sql from sqlite_master where type = 'index' and sql is not null")}
    return {"columns": columns, "indexes": indexes}


@pytest.mark.parametrize("version", sorted(OLD))
def test_an_older_file_becomes_what_a_new_one_is(db: sqlite3.Connection, version: int) -> None:
    prepare(db, Schema(version, OLD[version]))
    prepare(db, SCHEMA)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        prepare(fresh, SCHEMA)
        assert shape(db) == shape(fresh)
    assert db.execute("pragma user_version").fetchone() == (SCHEMA.version,)


def test_what_was_in_an_older_file_stays(db: sqlite3.Connection) -> None:
    prepare(db, Schema(1, ONE))
    db.execute("insert into account values ('u1', 'Ada', 5)")
    db.execute("insert into device (did, uid, token_sha256, name) values (7, 'u1', x'aa', '')")
    db.execute("insert into cursor values ('c', 7, 3)")
    db.execute("insert into mark values ('c', 'u1', 3, 2, 1)")
    db.execute(
        "insert into upload (media, conv, did, number, size, sha256, done, touched) "
        "values ('m', 'c', 7, 1, 5, x'ab', 1, 9)"
    )
    prepare(db, SCHEMA)
    assert db.execute("select sha256, done, touched, metadata from upload").fetchone() == (b"\xab", 1, 9, "")
    assert db.execute("select uid, name, reads, presence from account").fetchone() == ("u1", "Ada", 1, 1)
    assert db.execute("select upto, born from cursor").fetchone() == (3, 0)
    assert db.execute("select delivered, read, delivered_ms from mark").fetchone() == (3, 2, 0)


def test_a_step_that_fails_leaves_the_file_as_it_was(db: sqlite3.Connection) -> None:
    prepare(db, Schema(1, ONE))
    before = shape(db)

    def broken(db: sqlite3.Connection) -> None:
        SCHEMA.steps[1](db)
        db.execute("create nonsense")

    with pytest.raises(sqlite3.Error):
        prepare(db, Schema(2, SCHEMA.statements, {1: broken}))
    assert shape(db) == before
    assert db.execute("pragma user_version").fetchone() == (1,)


def test_titles_of_groups_are_found_in_what_the_server_said(db: sqlite3.Connection) -> None:
    prepare(db, Schema(1, ONE))
    said = b'{"kind":"opened","form":"group","title":"Friends","by":"u1"}'
    db.execute("insert into conv (conv, head, ts, form) values ('g', 2, 5, 'group'), ('old', 9, 5, 'group')")
    db.execute("insert into log values ('g', 1, 0, 1, '', 5, x'aa', 'server1', ?, null)", [said])
    db.execute("insert into member (conv, uid, since) values ('g', 'u1', 1)")
    prepare(db, SCHEMA)
    assert db.execute("select conv, title from conv order by conv").fetchall() == [("g", "Friends"), ("old", "")]
    assert db.execute("select reads, rev from member").fetchone() == (1, None)
