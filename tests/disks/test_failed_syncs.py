"""A sync that failed once (F-19, F-20): what is seen afterwards need not be on the disk, and is not promised.

Systems forget pages that they could not write: reading shows them, the next sync says all is well, and a power cut
takes them. Here on a disk of our own, so that it runs everywhere.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import apsw
import pytest

from client.adapters.sqlite_messages import SqliteMessages
from client.adapters.sqlite_schema import FILE_NAME
from protocol.problems import StoreFailed
from server.stores import writer
from server.stores.schema import SCHEMA
from tests.client.adapters.test_sqlite_messages import ME, composed
from tests.disks.face import Face, instead_of
from tests.disks.power import Disk, lay_out
from tests.disks.recording import SYNC, Recording

KEEP = "insert into meta values ('word', ?) on conflict do update set value = excluded.value"


class Broken:
    """A disk whose next syncs fail."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, kind: str, file: str) -> None:
        if kind == SYNC and self.times:
            self.times -= 1
            raise apsw.IOError("the disk does not answer")


@pytest.fixture
def recordings(tmp_path: Path) -> Iterator[list[Recording]]:
    made: list[Recording] = []
    yield made
    for recording in made:
        recording.close()


def after_a_death(old: Recording, path: Path) -> Recording:
    """The process died: the next one sees what the system still has in memory, and the disk has less."""
    disk = Disk(old)
    disk.advance(len(old.ops))
    path.parent.mkdir()
    lay_out(disk.seen(), path)
    return Recording(path, disk.safe(), disk.seen())


def left_by_a_cut(recording: Recording, path: Path) -> Path:
    """Nothing that was not synced is left."""
    disk = Disk(recording)
    disk.advance(len(recording.ops))
    path.parent.mkdir()
    lay_out(disk.safe(), path)
    return path


def opened(recording: Recording) -> Any:
    with instead_of(writer, lambda _: Face(recording.path, recording)):
        return writer._open_checked(recording.path, SCHEMA)


def word(db: Any) -> str | None:
    row = db.execute("select value from meta where key = 'word'").fetchone()
    return str(row[0]) if row else None


def kept(db: Any, value: str) -> None:
    db.execute("begin immediate")
    db.execute(KEEP, (value,))
    db.execute("commit")


def test_what_a_server_sees_after_its_death_is_made_safe_before_it_is_told(
    tmp_path: Path, recordings: list[Recording]
) -> None:
    first = Recording(tmp_path / "data.sqlite", fault=(broken := Broken()))
    recordings.append(first)
    db = opened(first)
    kept(db, "before")
    broken.times = 1
    with pytest.raises(Exception, match="."):
        kept(db, "during")
    second = after_a_death(first, tmp_path / "second" / "data.sqlite")
    recordings.append(second)
    with closing(opened(second)) as again:
        told = word(again)
        second_cut = left_by_a_cut(second, tmp_path / "third" / "data.sqlite")
    assert told == "during", "a commit that reported an error did happen"
    with closing(writer._open_checked(second_cut, SCHEMA)) as last:
        assert word(last) == told
    broken.times = 0
    db.close()


async def test_what_a_client_calls_kept_is_on_the_disk(tmp_path: Path, recordings: list[Recording]) -> None:
    recording = Recording(tmp_path / "alice" / FILE_NAME, fault=(broken := Broken()))
    recordings.append(recording)
    messages = SqliteMessages(
        recording.path.parent, lambda _: cast(sqlite3.Connection, Face(recording.path, recording))
    )
    await messages.open()
    await messages.become(ME)
    broken.times = 2  # the commit, and the log's last sync when it is closed
    with pytest.raises(StoreFailed):
        await messages.save([composed(1)])
    is_kept = await messages.kept(composed(1).lid)
    cut = left_by_a_cut(recording, tmp_path / "after" / FILE_NAME)
    await messages.close()

    after = SqliteMessages(cut.parent)
    await after.open()
    assert [row.lid for row in (await after.load()).rows] == ([1] if is_kept else [])
    await after.close()
