"""Faults, crashes and speed of the profile's database; what it promises is in tests/contracts/test_messages.py."""

from __future__ import annotations

import errno
import os
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from client.adapters import sqlite_schema
from client.adapters.sqlite_changes import GONE, TARGET
from client.adapters.sqlite_marks import CLIMB, COUNTED, NOTE_READING
from client.adapters.sqlite_messages import LIDS_AT, READ_BY, SqliteMessages
from client.adapters.sqlite_rows import AFTER, BEFORE, THESE, UNREAD, WAITING
from client.adapters.sqlite_saves import KNOWN
from client.adapters.sqlite_schema import FILE_NAME, HELD, LOCK_NAME, connect, open_database
from client.adapters.sqlite_settling import SETTLE, STANDS
from client.core.effects import SaveComposed, SaveSeenLast, SaveSettled
from client.core.model import Lane, Me, Seen, State
from client.ports import DraftPart
from protocol.content import Content, Text, pack
from protocol.lanes import digest
from protocol.problems import DataCorrupt, DataInUse, DiskFull, StoreFailed
from protocol.values import ConvId, Did, Digest, Lid, Uid

ROOT = Path(__file__).parents[3]
CHAT = ConvId("chat")
ME = Me(Uid("alice"), Did("12"), "Alice", "token", "http://127.0.0.1:1")


def composed(number: int) -> SaveComposed:
    content = pack(Content(ME.uid, CHAT, b"%08d" % number, 5, Text(f"message {number}")))
    dg = digest(CHAT, content)
    return SaveComposed(Lid(number), CHAT, number, Digest(""), dg, content, (), 5, Lane(number, dg))


class Faulty(sqlite3.Connection):
    """A connection whose commits fail on demand: before they happen, or after, when nobody can tell."""

    fails: str = ""

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if sql == "commit" and Faulty.fails:
            fails, Faulty.fails = Faulty.fails, ""
            if fails == "after":
                super().execute(sql)
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL if fails == "full" else sqlite3.SQLITE_IOERR_FSYNC
            raise error
        return super().execute(sql, *values)


def faulty(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, factory=Faulty)


@pytest.mark.parametrize(
    ("fails", "problem", "kept"),
    [("before", StoreFailed, []), ("full", DiskFull, []), ("after", StoreFailed, [1])],
)
async def test_after_a_failed_commit_the_disk_says_what_is_true(
    tmp_path: Path, fails: str, problem: type[Exception], kept: list[int]
) -> None:
    messages = SqliteMessages(tmp_path, faulty)
    await messages.open()
    await messages.become(ME)

    Faulty.fails = fails
    with pytest.raises(problem):
        await messages.save([composed(1), SaveSeenLast(CHAT, 3)])

    memory = await messages.load()
    assert [row.n for row in memory.rows] == kept
    assert [room.lane.seen_last for room in memory.rooms] == [3 for _ in kept]
    await messages.save([composed(1)])  # the same again is fine in both cases
    assert [row.n for row in (await messages.load()).rows] == [1]
    await messages.close()


@pytest.mark.parametrize(("fails", "kept"), [("before", False), ("after", True)])
async def test_what_a_failed_save_left_is_kept_or_not_there(tmp_path: Path, fails: str, kept: bool) -> None:
    """It is in the database itself then: a log whose sync failed proves nothing."""
    messages = SqliteMessages(tmp_path, faulty)
    await messages.open()
    await messages.become(ME)
    Faulty.fails = fails
    with pytest.raises(StoreFailed):
        await messages.save([composed(1)])

    assert await messages.kept(Lid(1)) is kept
    (tmp_path / "messages.db-wal").write_bytes(b"")
    with closing(sqlite3.connect(f"file:{tmp_path}/messages.db?immutable=1", uri=True)) as db:
        assert db.execute("select count(*) from outbox").fetchone() == (int(kept),)
    await messages.close()


@pytest.mark.parametrize("answer", [(1, 0, 0), None])
async def test_a_disk_that_does_not_answer_leaves_it_open(tmp_path: Path, answer: tuple[int, int, int] | None) -> None:
    """Busy, or an error."""

    class Unwilling(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if not sql.startswith("pragma wal_checkpoint"):
                return super().execute(sql, *values)
            if answer is None:
                raise sqlite3.OperationalError("disk I/O error")
            return super().execute("select ?, ?, ?", answer)

    messages = SqliteMessages(
        tmp_path, lambda path: sqlite3.connect(path, isolation_level=None, factory=Unwilling, cached_statements=0)
    )
    await messages.open()
    await messages.become(ME)
    await messages.save([composed(1)])
    await messages._on_thread(messages._drop)  # as after a failure
    for _ in range(2):
        with pytest.raises(StoreFailed):
            await messages.kept(Lid(1))
    await messages.close()


class Full(sqlite3.Connection):
    """A connection to a disk where no block is free, or not even one for the index of the log."""

    full = no_index = False
    writes = alone = False

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        self.alone |= sql == "pragma locking_mode = exclusive"
        if Full.no_index and not self.alone:
            raise failure(sqlite3.SQLITE_IOERR_SHMSIZE)
        if Full.full and (sql == "pragma wal_checkpoint(truncate)" or (sql == "commit" and self.writes)):
            raise failure(sqlite3.SQLITE_FULL)
        if sql.startswith("begin"):
            self.writes = sql == "begin immediate"
        return super().execute(sql, *values)


def failure(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("it failed")
    error.sqlite_errorcode = code
    return error


@pytest.fixture
def full_disk() -> Iterator[type[Full]]:
    yield Full
    Full.full = Full.no_index = False


def on_small_disk(folder: Path) -> SqliteMessages:
    return SqliteMessages(folder, lambda path: sqlite3.connect(path, isolation_level=None, factory=Full))


async def test_a_full_disk_is_read_from_and_refuses_only_what_is_new(tmp_path: Path, full_disk: type[Full]) -> None:
    messages = on_small_disk(tmp_path)
    await messages.open()
    await messages.become(ME)
    await messages.save([composed(1)])

    full_disk.full = True
    for number in (2, 3):
        with pytest.raises(DiskFull):
            await messages.save([composed(number)])
        assert [row.n for row in (await messages.load()).rows] == [1]
        assert [await messages.kept(Lid(lid)) for lid in (1, 2, 3)] == [True, False, False]

    full_disk.full = False
    await messages.save([composed(2)])
    assert [row.n for row in (await messages.load()).rows] == [1, 2]
    await messages.close()


@pytest.mark.parametrize("was_killed", [False, True])
async def test_a_profile_on_a_full_disk_is_opened_to_be_read(
    tmp_path: Path, full_disk: type[Full], was_killed: bool
) -> None:
    messages = on_small_disk(tmp_path)
    await messages.open()
    await messages.become(ME)
    await messages.save([composed(1)])
    await messages.set_setting(READ_BY, "an older version")  # there is something to write at the next start
    await messages.close()
    if was_killed:
        (tmp_path / LOCK_NAME).write_bytes(HELD)

    full_disk.full = full_disk.no_index = True
    messages = on_small_disk(tmp_path)
    await messages.open()
    assert [row.n for row in (await messages.load()).rows] == [1]
    with pytest.raises(DiskFull):
        await messages.save([composed(2)])

    full_disk.full = full_disk.no_index = False
    await messages.save([composed(2)])
    assert [row.n for row in (await messages.load()).rows] == [1, 2]
    await messages.close()


async def test_what_a_full_disk_shows_is_written_once_more_and_synced(
    tmp_path: Path, full_disk: type[Full], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a commit whose sync failed would be shown, and gone after a power cut."""
    messages = on_small_disk(tmp_path)
    await messages.open()
    await messages.become(ME)
    await messages.save([composed(1)])
    log = tmp_path / f"{FILE_NAME}-wal"
    shown = log.read_bytes()
    synced: list[bytes] = []
    monkeypatch.setattr(sqlite_schema, "REWRITTEN_BYTES", 1000)
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(log.read_bytes()))
    full_disk.full = True
    with closing(on_small_disk(tmp_path)._open_connection(tmp_path / FILE_NAME)) as connection:
        sqlite_schema.make_safe(connection, tmp_path / FILE_NAME)
    assert synced == [shown]

    def refuses(file: int) -> None:
        raise OSError(errno.ENOSPC, "no room")  # some systems never write where something stands already

    monkeypatch.setattr(os, "fsync", refuses)
    await messages._on_thread(messages._drop)  # as after a failure
    with pytest.raises(DiskFull):
        await messages.kept(Lid(1))
    monkeypatch.undo()
    assert await messages.kept(Lid(1))
    await messages.close()


async def test_after_a_failed_look_the_next_one_starts_afresh(tmp_path: Path) -> None:
    messages = SqliteMessages(tmp_path, faulty)
    await messages.open()
    await messages.become(ME)
    await messages.save([composed(1)])

    Faulty.fails = "before"
    with pytest.raises(StoreFailed):
        await messages.load()
    assert [row.n for row in (await messages.load()).rows] == [1]
    await messages.close()


async def test_one_bad_save_takes_the_others_with_it(tmp_path: Path) -> None:
    messages = SqliteMessages(tmp_path)
    await messages.open()
    await messages.become(ME)

    with pytest.raises(AssertionError):
        await messages.save([composed(1), "not a save"])  # type: ignore[list-item]
    assert (await messages.load()).rows == ()
    await messages.close()


async def test_everything_happens_on_one_thread(tmp_path: Path) -> None:
    threads = set()

    def noting(path: Path) -> sqlite3.Connection:
        threads.add(threading.current_thread().name)
        return connect(path)

    messages = SqliteMessages(tmp_path, noting)
    await messages.open()
    await messages.become(ME)
    await messages.close()

    assert len(threads) == 1
    assert threading.current_thread().name not in threads


async def test_a_second_window_on_the_profile_is_refused(tmp_path: Path) -> None:
    messages, second = SqliteMessages(tmp_path), SqliteMessages(tmp_path)
    await messages.open()
    with pytest.raises(DataInUse):
        await second.open()
    await messages.close()

    await second.open()
    await second.close()


async def test_a_profile_that_does_not_open_is_not_locked(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"damaged" * 1_000)
    for _ in range(2):
        with pytest.raises(DataCorrupt):
            await SqliteMessages(tmp_path).open()


async def test_a_database_that_was_emptied_is_not_taken_for_a_new_one(tmp_path: Path) -> None:
    messages = SqliteMessages(tmp_path)
    await messages.open()
    await messages.close()
    (tmp_path / FILE_NAME).write_bytes(b"")
    for _ in range(2):
        with pytest.raises(DataCorrupt):
            await SqliteMessages(tmp_path).open()
    assert (tmp_path / FILE_NAME).stat().st_size == 0


async def test_a_start_that_failed_before_there_was_a_database_is_no_damage(tmp_path: Path) -> None:
    def fail(path: Path) -> sqlite3.Connection:
        raise sqlite3.OperationalError("not today")

    with pytest.raises(StoreFailed):
        await SqliteMessages(tmp_path, fail).open()
    messages = SqliteMessages(tmp_path)
    await messages.open()
    await messages.close()


@pytest.mark.parametrize("damage", ["state = -4", "uid = cast(x'ff' as text)"])
async def test_rows_that_make_no_sense_are_damage(tmp_path: Path, damage: str) -> None:
    messages = SqliteMessages(tmp_path)
    await messages.open()
    await messages.become(ME)
    await messages.save([composed(1)])
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        db.execute(f"update bubble set {damage}")
    db.close()
    with pytest.raises(DataCorrupt):
        await messages.page(CHAT)
    await messages.close()


async def test_what_was_saved_is_there_after_a_restart(tmp_path: Path) -> None:
    messages = SqliteMessages(tmp_path)
    await messages.open()
    await messages.become(ME)
    await messages.save([composed(1), SaveSettled(Lid(1), CHAT, State.ACCEPTED, 4, 9, 1)])
    before = await messages.load()
    await messages.close()

    messages = SqliteMessages(tmp_path)
    await messages.open()
    assert await messages.load() == before
    assert before.me == ME
    await messages.close()


@pytest.mark.skipif(os.name != "posix", reason="modes exist on POSIX systems only")
async def test_a_profile_is_its_owners_alone(tmp_path: Path) -> None:
    """SEC-46: made tight, and tightened when somebody loosened it."""
    messages = SqliteMessages(tmp_path / "profile")
    await messages.open()
    await messages.become(ME)
    assert loose(tmp_path / "profile") == []
    await messages.close()

    loosen(tmp_path / "profile")
    await messages_opened(tmp_path / "profile")
    assert loose(tmp_path / "profile") == []


async def messages_opened(folder: Path) -> None:
    """Open, read everything, close."""
    messages = SqliteMessages(folder)
    try:
        await messages.open()
        await messages.load()
    finally:
        await messages.close()


def loose(folder: Path) -> list[str]:
    """What others may look at."""
    return [path.name for path in (folder, *folder.iterdir()) if path.stat().st_mode & 0o077]


def loosen(folder: Path) -> None:
    folder.chmod(0o755)
    (folder / FILE_NAME).chmod(0o644)


async def test_damage_found_while_reading_is_said(tmp_path: Path) -> None:
    messages = SqliteMessages(tmp_path)
    await messages.open()
    await messages.become(ME)
    for number in range(1, 200):
        await messages.save([composed(number)])
    await messages.close()
    data = bytearray((tmp_path / FILE_NAME).read_bytes())
    data[8_192:] = b"\xff" * (len(data) - 8_192)
    (tmp_path / FILE_NAME).write_bytes(data)

    with pytest.raises(DataCorrupt):
        await messages_opened(tmp_path)


async def test_the_trace_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("client.adapters.sqlite_messages.TRACE_KEPT_ROWS", 3)
    messages = SqliteMessages(tmp_path)
    await messages.open()
    await messages.note([Seen(Lid(1), "msg:R", "out", number, 5) for number in range(1, 6)])
    await messages.close()

    messages = SqliteMessages(tmp_path)
    await messages.open()
    assert [seen.tries for seen in await messages.trace(Lid(1))] == [3, 4, 5]
    await messages.close()


@pytest.mark.parametrize("sql", [BEFORE, AFTER, UNREAD, WAITING])
def test_what_the_screen_asks_for_is_read_from_an_index(tmp_path: Path, sql: str) -> None:
    db = open_database(tmp_path / FILE_NAME)
    plan = [row[3] for row in db.execute(f"explain query plan {sql}", (1,) * sql.count("?"))]
    db.close()

    assert "USING" in plan[0]
    assert "INDEX" in plan[0]
    assert not any("TEMP B-TREE" in step for step in plan), plan


PER_MESSAGE = (GONE, TARGET, KNOWN, SETTLE, CLIMB, COUNTED, NOTE_READING, STANDS, THESE, LIDS_AT, UNREAD)


@pytest.mark.parametrize("sql", PER_MESSAGE)
def test_a_message_costs_the_same_in_a_long_conversation(tmp_path: Path, sql: str) -> None:
    """No statement that is run for every message looks through all of its conversation."""
    values = dict.fromkeys(re.findall(r":(\w+)", sql), "[1]") or ("[1]",) * sql.count("?")
    with closing(open_database(tmp_path / FILE_NAME)) as db:
        plan = [str(row[3]) for row in db.execute(f"explain query plan {sql}", values)]

    assert not any(re.search(r"^SCAN (bubble|b|t|c)$|bubble_\w+ \(conv=\?\)", step) for step in plan), plan


SAVER = """
import asyncio, sys
from contextlib import closing
from pathlib import Path
from typing import Any
from tests.client.adapters.test_sqlite_messages import ME, composed
from client.adapters.sqlite_messages import SqliteMessages

async def main() -> None:
    messages = SqliteMessages(Path(sys.argv[1]))
    await messages.open()
    await messages.become(ME)
    for number in range(1, 1_000_000):
        await messages.save([composed(number)])
        print(number, flush=True)

asyncio.run(main())
"""


def saved_until_killed(folder: Path, after: int) -> list[int]:
    """The numbers a process said it had saved before it was killed, `after` or a few more."""
    with subprocess.Popen(
        [sys.executable, "-c", SAVER, str(folder)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as saver:
        assert saver.stdout is not None
        said = [int(saver.stdout.readline()) for _ in range(after)]
        saver.kill()
        return said + [int(line) for line in saver.stdout.read().split()]


@pytest.mark.parametrize("after", [1, 25, 60])
async def test_what_was_acknowledged_survives_a_kill(tmp_path: Path, after: int) -> None:
    """C2 of section 13: killed in the middle of saving, whenever that is."""
    said = saved_until_killed(tmp_path, after)

    with connect(tmp_path / FILE_NAME) as raw:
        assert raw.execute("pragma integrity_check").fetchone() == ("ok",)
    raw.close()
    messages = SqliteMessages(tmp_path)
    await messages.open()
    memory = await messages.load()
    numbers = [row.n for row in memory.rows]
    assert numbers == list(range(1, len(numbers) + 1))
    assert said == numbers[: len(said)]
    assert len(numbers) - len(said) <= 1
    assert memory.rooms[0].lane.n == len(numbers)
    await messages.close()


async def test_files_and_an_answer_wait_over_a_restart_in_their_order(tmp_path: Path) -> None:
    messages = SqliteMessages(tmp_path)
    await messages.open()
    parts = [DraftPart("file", "/b.png"), DraftPart("file", "/a.png"), DraftPart("as_files"), DraftPart("reply", "7")]
    await messages.set_draft_parts(CHAT, [DraftPart("file", "/old.png")])
    await messages.set_draft_parts(CHAT, parts)
    await messages.set_draft_parts(ConvId("other"), [DraftPart("file", "/c")])
    await messages.set_draft_parts(ConvId("other"), [])
    await messages.close()

    again = SqliteMessages(tmp_path)
    await again.open()
    assert await again.draft_parts() == {CHAT: parts}
    await again.close()
