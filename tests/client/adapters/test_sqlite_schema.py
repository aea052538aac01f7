"""A profile is opened by one process, moved up as a whole, and never harmed by what it does not understand."""

from __future__ import annotations

import errno
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlite_utils import Database

from client.adapters import sqlite_schema
from client.adapters.sqlite_schema import FILE_NAME, STEPS, TABLES, ProfileLock, connect, open_database, problem_of
from protocol.problems import DataCorrupt, DataInUse, DataNewer, DataReadOnly, DiskFull, StoreFailed

ADDED = {"reading", "rewrite", "fetch", "staged", "ledger"}
"""Tables of later steps."""


def test_a_new_profile_has_all_tables_strict_and_durable(tmp_path: Path) -> None:
    db = open_database(tmp_path / FILE_NAME)
    try:
        assert set(db.table_names()) == set(TABLES) | ADDED
        assert all(db.table(name).strict for name in TABLES)
        optional = [
            column.name for name in TABLES for column in db.table(name).columns
            if not column.notnull and not column.is_pk
        ]  # fmt: skip
        assert optional == []
        pragmas = {name: db.execute(f"pragma {name}").fetchone()[0] for name in ("journal_mode", "synchronous")}
        assert pragmas == {"journal_mode": "wal", "synchronous": 2}
        assert db.execute("pragma user_version").fetchone()[0] == len(STEPS)
    finally:
        db.close()


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    open_database(tmp_path / FILE_NAME).close()
    before = (tmp_path / FILE_NAME).read_bytes()
    open_database(tmp_path / FILE_NAME, check=True).close()

    assert (tmp_path / FILE_NAME).read_bytes() == before


@pytest.mark.parametrize(
    ("settings", "wish"),
    [
        ('{"receipts":false}', [('{"reads":false,"presence":true}',)]),
        ('{"receipts":true}', []),
        ("{}", []),
        ("not JSON", []),
    ],
)
def test_who_read_in_silence_before_tells_the_server_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str, wish: list[tuple[str]]
) -> None:
    monkeypatch.setattr(sqlite_schema, "STEPS", STEPS[:1])
    old = open_database(tmp_path / FILE_NAME)
    with old.conn:
        old.execute("insert into setting (key, value) values ('settings', ?)", (settings,))
    old.close()
    monkeypatch.setattr(sqlite_schema, "STEPS", STEPS)
    new = open_database(tmp_path / FILE_NAME)
    assert new.execute("select value from setting where key = 'prefs_wish'").fetchall() == wish
    assert new.execute("select value from setting where key = 'settings'").fetchall() == [(settings,)]
    new.close()


def test_data_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    db = open_database(path)
    db.execute(f"pragma user_version = {len(STEPS) + 1}")
    db.close()
    before = path.read_bytes()

    with pytest.raises(DataNewer):
        open_database(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [FILE_NAME]


def test_a_move_that_fails_leaves_the_old_version_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / FILE_NAME
    open_database(path).close()

    def adds_and_fails(db: Database) -> None:
        db.execute("create table half (done integer) strict")
        raise sqlite3.OperationalError("the power went")

    monkeypatch.setattr(sqlite_schema, "STEPS", (*STEPS, adds_and_fails))
    with pytest.raises(StoreFailed):
        open_database(path)
    monkeypatch.undo()

    db = open_database(path)
    assert "half" not in db.table_names()
    db.close()


def test_a_file_that_is_no_database_is_damaged_and_stays(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(b"no database at all" * 100)

    with pytest.raises(DataCorrupt):
        open_database(path)
    assert path.read_bytes() == b"no database at all" * 100


def test_the_check_finds_damage_inside(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    db = open_database(path)
    db.table("setting").insert_all({"key": f"{number}" * 9, "value": "x" * 3_000} for number in range(50))
    db.execute("pragma wal_checkpoint(truncate)")
    db.close()
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 8_192] = b"\xff" * 8_192
    path.write_bytes(data)

    with pytest.raises(DataCorrupt):
        open_database(path, check=True)


def test_a_database_that_cannot_be_written(tmp_path: Path) -> None:
    def read_only(path: Path) -> sqlite3.Connection:
        return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)

    with pytest.raises(DataReadOnly):  # it does not exist, and cannot be made
        open_database(tmp_path / FILE_NAME, read_only)
    connect(tmp_path / FILE_NAME).execute("create table old (x)").connection.close()
    with pytest.raises(DataReadOnly):
        open_database(tmp_path / FILE_NAME, read_only)


def test_a_disk_that_fills_up(tmp_path: Path) -> None:
    def tiny(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        connection.execute("pragma max_page_count = 3")
        return connection

    with pytest.raises(DiskFull):
        open_database(tmp_path / FILE_NAME, tiny)


def test_a_folder_that_is_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "profile").write_text("")

    with pytest.raises(DataReadOnly):
        ProfileLock(tmp_path / "profile")


def test_what_failures_mean() -> None:
    assert isinstance(problem_of(OSError(errno.ENOSPC, "full")), DiskFull)
    assert isinstance(problem_of(PermissionError(errno.EACCES, "no")), DataReadOnly)
    assert isinstance(problem_of(sqlite3.OperationalError("of unknown kind")), StoreFailed)


def test_a_profile_is_used_once_at_a_time(tmp_path: Path) -> None:
    lock = ProfileLock(tmp_path)
    with pytest.raises(DataInUse):
        ProfileLock(tmp_path)
    lock.release()

    again = ProfileLock(tmp_path)
    assert not again.was_killed
    again.release()


def test_the_lock_remembers_that_there_was_a_database(tmp_path: Path) -> None:
    first = ProfileLock(tmp_path)
    assert not first.had_data
    first.release(orderly=False)
    second = ProfileLock(tmp_path)
    assert (second.was_killed, second.had_data) == (True, False)
    second.has_data()
    second.release()
    third = ProfileLock(tmp_path)
    assert (third.was_killed, third.had_data) == (False, True)
    third.release()


HOLDER = """
import sys
from pathlib import Path
from client.adapters.sqlite_schema import ProfileLock
lock = ProfileLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_the_lock_of_a_killed_process_is_no_obstacle(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == b"held"
        with pytest.raises(DataInUse):
            ProfileLock(tmp_path)
        holder.kill()
        assert holder.wait() in (-signal.SIGKILL, 1)

    lock = ProfileLock(tmp_path)
    assert lock.was_killed
    lock.release()
