"""Many rows in few statements: none left out, none twice, in order."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from server.stores.sqlite_many import ROWS_MAX, chunks, insert, select

SIZES = [0, 1, 2, 3, 31, 32, 33, 64, 100, 1_000]


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.execute("create table t (a integer primary key, b text)")
    yield db
    db.close()


@pytest.mark.parametrize("size", SIZES)
def test_runs_cover_everything_in_few_sizes(size: int) -> None:
    runs = [list(run) for run in chunks(range(size))]
    assert [number for run in runs for number in run] == list(range(size))
    assert {len(run) for run in runs} <= {1, 2, 4, 8, 16, ROWS_MAX}


@pytest.mark.parametrize("size", SIZES)
def test_what_was_inserted_is_selected(db: sqlite3.Connection, size: int) -> None:
    rows = [(number, f"row {number}") for number in range(size)]
    insert(db, "insert into t", rows)
    insert(db, "insert into t", rows, "on conflict do nothing")
    assert db.execute("select a, b from t order by a").fetchall() == rows
    found = select(db, "select t.a, t.b from {} w join t on t.a = w.column1", [(number,) for number in range(size)])
    assert sorted(found) == rows


def test_a_row_that_breaks_a_rule_is_told(db: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        insert(db, "insert into t", [(1, "a"), (1, "b")])
