"""Looking without touching."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from protocol.problems import DataNewer
from server.stores.doctor import COUNTS, SQLITE_VERSION, examine
from server.stores.schema import SCHEMA
from server.stores.sqlite_accounts import SqliteAccounts
from server.stores.writer import open_writer


async def test_what_is_there_is_counted_while_it_is_used(tmp_path: Path) -> None:
    path = tmp_path / "data.sqlite"
    writer = open_writer(path, SCHEMA)
    accounts = SqliteAccounts(writer, lambda: 1_000, lambda size: bytes(range(size)))
    await accounts.join("alice", await accounts.new_invite(), "")
    findings = examine(path, SCHEMA)
    await writer.close()

    assert (findings["integrity"], findings["version"]) == ("ok", SCHEMA.version)
    assert {name: findings[name] for name in COUNTS} == {**dict.fromkeys(COUNTS, 0), "people": 1, "devices": 1}


def test_nothing_is_made_of_nothing(tmp_path: Path) -> None:
    path = tmp_path / "not" / "yet" / "data.sqlite"
    findings = examine(path, SCHEMA)
    assert (findings["data"], findings["sqlite"]) == ("none", SQLITE_VERSION)
    assert findings["free_bytes"] > 0
    assert not path.parent.exists()


def test_damage_and_newer_versions_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "data.sqlite"
    path.write_bytes(b"no database" * 100)
    assert examine(path, SCHEMA)["integrity"] == "file is not a database"

    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute("pragma user_version = 99")
    with pytest.raises(DataNewer):
        examine(path, SCHEMA)
