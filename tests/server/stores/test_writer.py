"""One writing thread: groups, savepoints, unknown outcomes, files that are refused (P-37, P-38, P-61)."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from protocol.problems import (
    DataCorrupt,
    DataInUse,
    DataNewer,
    DataReadOnly,
    DiskFull,
    Problem,
    StoreFailed,
)
from server.ports import StoreUnknown
from server.stores.schema import SCHEMA, Schema
from server.stores.writer import Lot, Writer, connect, open_writer, prepare, saved, translated

ROOT = Path(__file__).parents[3]
PUT = "insert into meta values (?, ?)"


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[Writer]:
    writer = open_writer(tmp_path / "data.db", SCHEMA)
    yield writer
    await writer.close()


def put(key: str) -> Callable[[sqlite3.Connection], str]:
    def work(db: sqlite3.Connection) -> str:
        db.execute(PUT, (key, "x"))
        return key

    return work


def keys(db: sqlite3.Connection) -> list[str]:
    return [row[0] for row in db.execute("select key from meta order by key")]


async def grouped(writer: Writer, *asked: Awaitable[object], reading: bool = False) -> list[object]:
    """Ask all of these so that they fall into one group; exceptions are results."""
    held, inside = threading.Event(), threading.Event()

    def hold(_: sqlite3.Connection) -> bool:
        inside.set()
        return held.wait(10)

    first = asyncio.gather(writer.read(hold) if reading else writer.run(hold))
    while not inside.is_set():  # noqa: ASYNC110 - the other side is a thread
        await asyncio.sleep(0)
    rest = asyncio.gather(*asked, return_exceptions=True)
    await asyncio.sleep(0)
    held.set()
    await first
    return list(await rest)


async def test_what_was_written_can_be_read(writer: Writer) -> None:
    assert await writer.run(put("a")) == "a"
    assert await writer.read(keys) == ["a"]


async def test_the_reading_connection_cannot_write(writer: Writer) -> None:
    with pytest.raises(DataReadOnly):
        await writer.read(put("a"))
    assert await writer.run(keys) == []


async def test_one_s_exception_undoes_one_s_own_work_only(writer: Writer) -> None:
    def bad(db: sqlite3.Connection) -> None:
        db.execute(PUT, ("bad", "x"))
        raise ValueError("no")

    good, failed, more = await grouped(writer, writer.run(put("good")), writer.run(bad), writer.run(put("more")))
    assert (good, more) == ("good", "more")
    assert isinstance(failed, ValueError)
    assert await writer.read(keys) == ["good", "more"]


async def test_items_of_a_lot_are_done_together_across_askers(writer: Writer) -> None:
    batches: list[list[int]] = []

    def work(db: sqlite3.Connection, items: object) -> list[int]:
        assert isinstance(items, list)
        batches.append(items)
        return [item * 10 for item in items]

    lot: Lot[int, int] = Lot(work)
    answers = await grouped(writer, writer.put(lot, [1, 2]), writer.run(put("a")), writer.put(lot, [3]))
    assert answers == [[10, 20], "a", [30]]
    assert batches == [[1, 2, 3]]


async def test_a_bad_item_of_a_lot_hurts_itself_only(writer: Writer) -> None:
    def work(db: sqlite3.Connection, items: object) -> list[float]:
        assert isinstance(items, list)
        db.executemany(PUT, [(str(item), "x") for item in items])
        return [1 / item for item in items]

    lot: Lot[int, float] = Lot(work)
    first, second = await grouped(writer, writer.put(lot, [1, 0]), writer.put(lot, [2]))
    assert isinstance(first, list)
    assert first[0] == 1.0
    assert isinstance(first[1], ZeroDivisionError)
    assert second == [0.5]
    assert await writer.read(keys) == ["1", "2"]


async def test_what_many_look_up_is_read_together_and_a_bad_item_hurts_itself_only(writer: Writer) -> None:
    batches: list[list[int]] = []

    def work(db: sqlite3.Connection, items: Sequence[int]) -> list[float]:
        batches.append(list(items))
        return [len(keys(db)) / item for item in items]

    lot: Lot[int, float] = Lot(work)
    await writer.run(put("a"))
    asked = (writer.look(lot, [1, 2]), writer.read(keys), writer.look(lot, [4]))
    assert await grouped(writer, *asked, reading=True) == [[1.0, 0.5], ["a"], [0.25]]
    assert batches == [[1, 2, 4]]
    first, second = await grouped(writer, writer.look(lot, [1, 0]), writer.look(lot, [2]), reading=True)
    assert isinstance(first, list)
    assert first[0] == 1.0
    assert isinstance(first[1], ZeroDivisionError)
    assert second == [0.5]


async def test_a_commit_that_fails_leaves_everybody_without_an_answer(tmp_path: Path) -> None:
    """A deferred constraint is the portable way to make the commit itself fail."""
    schema = Schema(1, (*SCHEMA.statements, _CHILD))
    writer = open_writer(tmp_path / "data.db", schema)

    def doomed(db: sqlite3.Connection) -> str:
        db.execute("insert into child values ('nobody')")
        return "done"

    await writer.run(lambda db: None)
    db = writer._db
    assert db is not None
    db.execute("pragma foreign_keys = on")
    answers = await grouped(writer, writer.run(put("a")), writer.run(doomed))
    assert all(isinstance(answer, StoreUnknown) for answer in answers)
    assert await writer.run(put("b")) == "b"  # the file was opened anew
    assert await writer.read(keys) == ["b"]
    await writer.close()


_CHILD = "create table child (parent text references meta (key) deferrable initially deferred) strict"


async def test_a_full_disk_is_said_and_the_writer_goes_on_when_there_is_room(writer: Writer) -> None:
    await writer.run(put("a"))
    pages = await writer.read(lambda db: db.execute("pragma page_count").fetchone()[0])
    await writer.run(lambda db: db.execute(f"pragma max_page_count = {pages}").fetchone())
    with pytest.raises(DiskFull):
        await writer.run(lambda db: db.execute(PUT, ("large", "x" * 100_000)))
    await writer.run(lambda db: db.execute("pragma max_page_count = 1000000").fetchone())
    assert await writer.run(put("b")) == "b"
    assert await writer.read(keys) == ["a", "b"]


async def test_work_that_ends_the_transaction_spoils_the_group_and_nothing_is_stored(writer: Writer) -> None:
    def rollback(db: sqlite3.Connection) -> None:
        db.execute("rollback")

    def roll_back_all(db: sqlite3.Connection, items: Sequence[int]) -> list[int]:
        db.execute("rollback")
        return list(items)

    lot: Lot[int, int] = Lot(roll_back_all)
    answers = await grouped(writer, writer.run(put("a")), writer.run(rollback), writer.run(put("b")))
    assert all(isinstance(answer, Exception) for answer in answers)
    answers = await grouped(writer, writer.put(lot, [1, 2]))
    assert isinstance(answers[0], StoreFailed | sqlite3.Error)
    assert await writer.read(keys) == []


async def test_a_question_given_up_harms_nobody(writer: Writer) -> None:
    held = threading.Event()
    blocked = asyncio.gather(writer.run(lambda _: held.wait(10)))
    given_up = asyncio.gather(writer.run(put("a")))
    await asyncio.sleep(0)
    given_up.cancel()
    held.set()
    await blocked
    assert await writer.run(put("b")) == "b"
    with pytest.raises(asyncio.CancelledError):
        await given_up


async def test_a_closed_writer_refuses(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "data.db", SCHEMA)
    await writer.run(put("a"))
    await writer.close()
    with pytest.raises(StoreFailed):
        await writer.run(put("b"))
    again = open_writer(tmp_path / "data.db", SCHEMA)
    assert await again.read(keys) == ["a"]
    await again.close()


# --- opening


async def test_settings_are_those_of_the_contract(writer: Writer) -> None:
    def settings(db: sqlite3.Connection) -> list[object]:
        return [db.execute(f"pragma {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "busy_timeout")]

    assert await writer.run(settings) == ["wal", 2, 5000]


async def test_a_folder_has_one_writer(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "data.db", SCHEMA)
    with pytest.raises(DataInUse):
        open_writer(tmp_path / "data.db", SCHEMA)
    await writer.close()
    await open_writer(tmp_path / "data.db", SCHEMA).close()


def refused(path: Path, problem: type[Problem]) -> None:
    """The file is refused, stays as it is, and its folder stays free."""
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(problem):
            open_writer(path, SCHEMA)
    assert path.read_bytes() == before


async def test_newer_data_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "data.db"
    await open_writer(path, Schema(SCHEMA.version + 1, SCHEMA.statements)).close()
    refused(path, DataNewer)


async def test_damaged_data_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "data.db"
    path.write_bytes(b"this is no database" * 1_000)
    refused(path, DataCorrupt)
    path.unlink()
    await open_writer(path, SCHEMA).close()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    refused(path, DataCorrupt)
    path.write_bytes(whole.replace(b" not null", b" \xa0ot null"))  # the check quotes what is no text
    refused(path, DataCorrupt)


async def test_a_data_file_that_was_emptied_is_not_taken_for_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "data.db"
    await open_writer(path, SCHEMA).close()
    await open_writer(path, SCHEMA).close()
    path.write_bytes(b"")
    refused(path, DataCorrupt)
    assert path.stat().st_size == 0


def test_somebody_else_s_database_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "data.db"
    db = sqlite3.connect(path)
    db.execute("create table recipes (cake text)")
    db.close()
    refused(path, DataCorrupt)
    db = sqlite3.connect(path)
    db.execute("pragma user_version = 1")
    db.close()
    refused(path, DataCorrupt)


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    for folder in (tmp_path / "file", tmp_path / "missing"):
        with pytest.raises(DataReadOnly):
            open_writer(folder / "data.db", SCHEMA)


def test_tables_are_made_whole_or_not_at_all() -> None:
    db = sqlite3.connect(":memory:", isolation_level=None)
    with pytest.raises(sqlite3.OperationalError):
        prepare(db, Schema(1, ("create table a (b)", "create nonsense")))
    assert db.execute("select count(*) from sqlite_master").fetchone() == (0,)
    db.close()


def test_a_savepoint_holds_what_worked() -> None:
    db = connect(":memory:")
    db.execute("create table t (a)")
    db.execute("begin")
    assert saved(db, lambda db: db.execute("insert into t values (1)").rowcount) == 1
    assert isinstance(saved(db, lambda db: db.execute("insert into nothing values (1)")), sqlite3.OperationalError)
    db.execute("commit")
    assert db.execute("select count(*) from t").fetchone() == (1,)
    db.close()


def failed(name: str) -> sqlite3.Error:
    error = sqlite3.OperationalError(name)
    error.sqlite_errorname = name
    return error


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("SQLITE_FULL", DiskFull),
        ("SQLITE_CORRUPT", DataCorrupt),
        ("SQLITE_NOTADB", DataCorrupt),
        ("SQLITE_READONLY", DataReadOnly),
        ("SQLITE_CANTOPEN", DataReadOnly),
        ("SQLITE_IOERR_WRITE", StoreFailed),
        ("SQLITE_BUSY", StoreFailed),
        ("SQLITE_ERROR", sqlite3.OperationalError),
    ],
)
def test_what_sqlite_says_becomes_a_problem(name: str, problem: type[Exception]) -> None:
    assert isinstance(translated(failed(name)), problem)
    assert isinstance(translated(ValueError()), ValueError)


# --- crashes (G-5): what was answered is there

CHILD = """
import asyncio, sys
from pathlib import Path
from server.core.acceptance import Taken
from server.core.moves import Ask
from server.stores.schema import SCHEMA
from server.stores.sqlite_store import SqliteStore
from server.stores.writer import open_writer
from tests.contracts.test_store import Clock, Dice, House
from tests.helpers.wire import ALICE, msg, offer

async def main(path):
    house = House(open_writer(Path(path), SCHEMA))
    await house.settle()
    print("conv", house.talk, flush=True)
    n, pd = 0, ""
    while True:
        packets = []
        for _ in range(7):
            n += 1
            packets.append(msg(n, f"text {n}", pd, conv=house.talk))
            pd = packets[-1].dg
        for answer in await house.store.accept([offer(packet) for packet in packets]):
            assert isinstance(answer, Taken), answer
            print("accepted", answer.event.pos, answer.event.dg, flush=True)

asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.parametrize("lines", [3, 40, 333])
async def test_after_kill_9_every_accepted_message_is_there(tmp_path: Path, lines: int) -> None:
    path = tmp_path / "data.db"
    child = subprocess.Popen(  # noqa: ASYNC220 - its lines are what this test waits for
        [sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, cwd=ROOT, text=True
    )
    assert child.stdout is not None
    said = [child.stdout.readline().split() for _ in range(lines)]
    os.kill(child.pid, signal.SIGKILL)
    said += [line.split() for line in child.stdout if line.endswith("\n")]
    child.wait()
    child.stdout.close()
    writer = open_writer(path, SCHEMA)
    rows = await writer.read(lambda db: db.execute("select pos, hex(dg) from log order by pos").fetchall())
    assert await writer.read(lambda db: db.execute("pragma integrity_check").fetchone()) == ("ok",)
    await writer.close()
    assert [pos for pos, _ in rows] == list(range(1, len(rows) + 1))
    answered = [int(line[1]) for line in said if line[0] == "accepted"]
    assert len(answered) >= lines - 1
    assert max(answered) <= len(rows)
