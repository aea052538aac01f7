"""A copy while the data are in use, marked inside; put to use in one step, as a new generation (P-9, P-68)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from protocol.problems import DataAbsent, DataCorrupt, DataIsBackup, DataNewer, DataPresent
from server.stores import backup
from server.stores.schema import SCHEMA, Schema
from server.stores.writer import connect, prepare

NOW_MS = 1_700_000_000_000
RANDOM = bytes(range(8))


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Path]:
    """Data in use: a conversation at 9, one that was restored before at 4, and a file."""
    path = tmp_path / "data.sqlite"
    with closing(connect(path)) as db:
        prepare(db, SCHEMA)
        db.execute("insert into meta values ('gen', '3.aa')")
        db.execute("insert into conv (conv, head, ts, form) values ('c', 9, 0, 'group')")
        db.execute("insert into conv (conv, head, ts, form, base) values ('d', 9, 0, 'group', 4)")
        db.execute(
            "insert into upload (media, conv, did, number, size, sha256, done, touched) "
            "values ('m', 'c', 1, 1, 1, x'', 1, 0), ('n', 'c', 1, 2, 1, x'', 0, 0)"
        )
        db.execute("insert into invite (code_sha256, made_ms, expires_ms, used_by) values (x'aa', 0, 9, 7)")
        db.execute("insert into invite (code_sha256, made_ms, expires_ms) values (x'bb', 0, 9)")
        yield path


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(sql).fetchall()


def kept(source: Path, tmp_path: Path) -> Path:
    target = tmp_path / "backup.sqlite"
    assert backup.copy_data(source, target, NOW_MS) == ("m",)
    backup.seal(target, ())
    return target


def test_a_copy_is_one_state_of_data_in_use(source: Path, tmp_path: Path) -> None:
    with closing(connect(source)) as writing:
        writing.execute("begin immediate")
        writing.execute("update conv set head = 10")
        copy = kept(source, tmp_path)
        writing.execute("rollback")
    assert rows(copy, "select conv, head from conv") == [("c", 9), ("d", 9)]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("backup")] == ["backup.sqlite"]


def test_a_copy_without_its_name_is_none(source: Path, tmp_path: Path) -> None:
    """Whatever was interrupted is begun again."""
    target = tmp_path / "backup.sqlite"
    backup.copy_data(source, target, NOW_MS)
    with pytest.raises(DataAbsent):
        backup.check_backup(target, SCHEMA)
    assert kept(source, tmp_path) == target
    with pytest.raises(DataPresent):
        backup.copy_data(source, target, NOW_MS)


def test_a_file_that_was_swept_meanwhile_has_no_row(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "backup.sqlite"
    lost = backup.copy_data(source, target, NOW_MS)
    backup.seal(target, lost)
    assert rows(target, "select media from upload") == [("n",)]


def test_a_backup_is_refused_and_data_are_not(source: Path, tmp_path: Path) -> None:
    with pytest.raises(DataIsBackup):
        backup.refuse_backup(kept(source, tmp_path))
    backup.refuse_backup(source)
    backup.refuse_backup(tmp_path / "nothing")
    (tmp_path / "noise").write_bytes(b"x" * 5_000)
    backup.refuse_backup(tmp_path / "noise")


def test_it_is_put_to_use_as_a_new_generation_in_one_step(source: Path, tmp_path: Path) -> None:
    copy, target = kept(source, tmp_path), tmp_path / "restored.sqlite"
    assert backup.check_backup(copy, SCHEMA) == ("m",)
    fresh = backup.restore_data(copy, target, NOW_MS, RANDOM)
    assert fresh == f"{NOW_MS // 1000}.{RANDOM.hex()}"
    assert rows(target, "select value from meta where key = 'gen'") == [(fresh,)]
    assert rows(target, "select conv, base from conv") == [("c", 9), ("d", 4)]
    assert rows(target, "select code_sha256 from invite") == [(b"\xaa",)]
    backup.refuse_backup(target)
    with pytest.raises(DataPresent):
        backup.restore_data(copy, target, NOW_MS, RANDOM)
    assert rows(copy, "select value from meta where key = 'gen'") == [("3.aa",)]


def test_the_number_of_the_generation_only_grows(source: Path, tmp_path: Path) -> None:
    """Also where the clock was never set."""
    copy = kept(source, tmp_path)
    assert backup.restore_data(copy, tmp_path / "one.sqlite", 0, RANDOM) == f"4.{RANDOM.hex()}"
    rows(source, "select 1")
    with closing(connect(source)) as db:
        db.execute("delete from meta")
    (tmp_path / "backup.sqlite").unlink()
    assert backup.restore_data(kept(source, tmp_path), tmp_path / "two.sqlite", 0, RANDOM) == f"1.{RANDOM.hex()}"


def test_what_is_no_backup_is_not_put_to_use(source: Path, tmp_path: Path) -> None:
    for path in (source, tmp_path / "nothing"):
        with pytest.raises(DataAbsent):
            backup.check_backup(path, SCHEMA)
    with pytest.raises(DataAbsent):
        backup.copy_data(tmp_path / "nothing", tmp_path / "backup.sqlite", NOW_MS)
    (tmp_path / "noise").write_bytes(b"x" * 5_000)
    with pytest.raises(DataCorrupt):
        backup.check_backup(tmp_path / "noise", SCHEMA)
    with pytest.raises(DataNewer):
        backup.check_backup(kept(source, tmp_path), Schema(SCHEMA.version - 1, ()))


def test_a_damaged_backup_is_found_out(source: Path, tmp_path: Path) -> None:
    copy = kept(source, tmp_path)
    data = bytearray(copy.read_bytes())
    data[4096 * 2 :] = bytes(len(data) - 4096 * 2)
    copy.write_bytes(data)
    with pytest.raises(DataCorrupt):
        backup.check_backup(copy, SCHEMA)
