"""One data file with one writing thread: transactions of many askers joined into one commit (P-38, P-61).

Whatever waits when the thread is free becomes one transaction, each piece of work in a savepoint of its own;
nobody gets an answer before the commit. Reading has a thread and a connection of its own, so that it never waits
for a sync. The transactions themselves are plain functions over a connection; this module only schedules them.
"""

from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from protocol.limits import MIB
from protocol.problems import (
    DataCorrupt,
    DataInUse,
    DataNewer,
    DataReadOnly,
    DiskFull,
    Problem,
    StoreFailed,
)
from server.app.crash_points import crash_point
from server.ports import StoreUnknown
from server.stores.schema import Schema

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - an item of a lot
R = TypeVar("R")

APPLICATION_ID = 0x48584731  # "HXG1": this file is ours
CHECK_AT_START_MAX_BYTES = 64 * MIB  # a larger file is checked as it is read
HAD_DATA = b"data"  # in the lock file, once there has been a data file
WAL_PAGES = 4_000  # 16 MiB of log before a checkpoint: fewer syncs of the main file

Resolve = Callable[[Any], None]


class Lot(Generic[I, R]):
    """Work that is cheaper for many items at once: `work` answers all items of a group, in order."""

    def __init__(self, work: Callable[[sqlite3.Connection, Sequence[I]], list[R]]) -> None:
        self.work = work


class _Job:
    """One asker's work in a group. With a lot, `items` are joined with those of the same lot."""

    __slots__ = ("answer", "items", "resolve", "work")

    def __init__(self, work: Any, items: Sequence[Any] | None, resolve: Resolve) -> None:
        self.work, self.items, self.resolve = work, items, resolve
        self.answer: Any = None


class _Thread:
    """A thread with a queue that is emptied at once; answers of a group reach the loop in one call."""

    def __init__(self, name: str, perform: Callable[[list[_Job]], None]) -> None:
        self._perform = perform
        self._waiting: list[_Job] = []
        self._wake = threading.Condition(threading.Lock())
        self._closing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, job: _Job, loop: asyncio.AbstractEventLoop) -> None:
        with self._wake:
            if self._closing:
                raise StoreFailed()
            self._loop = loop
            self._waiting.append(job)
            if len(self._waiting) == 1:
                self._wake.notify()

    def close(self) -> None:
        """Finish what waits, then end."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._waiting and not self._closing:
                    self._wake.wait()
                jobs, self._waiting, loop = self._waiting, [], self._loop
            if not jobs:
                return
            try:
                self._perform(jobs)
            except Exception as error:  # a mistake of ours must not leave everybody waiting for ever
                for job in jobs:
                    job.answer = error
            assert loop is not None
            try:
                loop.call_soon_threadsafe(_hand_out, jobs)
            except RuntimeError:  # the loop has ended: nobody waits for these answers any more
                return


class Writer:
    """The one way to a data file. Made by `open_writer`; used from one event loop."""

    def __init__(self, path: Path, schema: Schema, lock: _Lock, db: sqlite3.Connection) -> None:
        self._path, self._schema, self._lock = path, schema, lock
        self._db: sqlite3.Connection | None = db
        self._reader = connect(path, reading=True)
        self._writing = _Thread("hexagram-writer", self._write_group)
        self._reading = _Thread("hexagram-reader", self._read_group)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` inside the current group and return its result after the commit.

        If `work` raises, only its own changes are undone and the exception comes back. Raises StoreUnknown if
        the commit reported an error (P-37), DiskFull or StoreFailed if nothing of the group is stored.
        """
        return await self._ask(self._writing, work, None)  # type: ignore[no-any-return]

    async def put(self, lot: Lot[I, R], items: Sequence[I]) -> list[R | Exception]:
        """Do the work of `lot` for these items, together with whatever else waits for the same lot.

        An item whose work raises gets its exception in its place; its neighbours are not harmed.
        Raises as `run`.
        """
        return await self._ask(self._writing, lot, items)  # type: ignore[no-any-return]

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` on a snapshot, on the reading connection; it cannot write."""
        return await self._ask(self._reading, work, None)  # type: ignore[no-any-return]

    async def look(self, lot: Lot[I, R], items: Sequence[I]) -> list[R | Exception]:
        """Read for these items on a snapshot, together with whatever else waits for the same lot."""
        return await self._ask(self._reading, lot, items)  # type: ignore[no-any-return]

    async def close(self) -> None:
        """Finish what waits, close the file, give the folder free."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._reading.close()
        self._writing.close()
        self._reader.close()
        if self._db is not None:
            self._db.close()
        self._lock.release()

    async def _ask(self, thread: _Thread, work: Any, items: Sequence[Any] | None) -> Any:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()

        def resolve(answer: Any) -> None:
            if future.cancelled():
                return
            if isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)

        thread.submit(_Job(work, items, resolve), loop)
        return await future

    # --- on the writing thread

    def _write_group(self, jobs: list[_Job]) -> None:
        failure = self._begin() or self._write_all(jobs) or self._commit()
        if failure is not None:
            for job in jobs:
                job.answer = failure

    def _begin(self) -> Exception | None:
        try:
            if self._db is None:
                self._db = _open_checked(self._path, self._schema)
            if self._db.in_transaction:  # left behind by a mistake of ours
                self._db.execute("rollback")
            self._db.execute("begin immediate")
        except (sqlite3.Error, Problem) as error:
            return translated(error)
        return None

    def _write_all(self, jobs: list[_Job]) -> Exception | None:
        """Do the work of the group. Returns a failure only if SQLite undid the whole transaction."""
        assert self._db is not None
        done: set[int] = set()
        for place, job in enumerate(jobs):
            if place in done:
                continue
            if job.items is None:
                job.answer = saved(self._db, job.work)
            else:
                together = [other for other in range(place, len(jobs)) if jobs[other].work is job.work]
                done.update(together)
                _work_lot(self._db, job.work, [jobs[other] for other in together])
            if not self._db.in_transaction:
                return job.answer if isinstance(job.answer, Problem) else StoreFailed()
        return None

    def _commit(self) -> Exception | None:
        """Commit. After an error nobody knows; the file is closed, and opened and checked anew (P-37)."""
        assert self._db is not None
        try:
            _fail_on_purpose(self._db)
            self._db.execute("commit")
        except sqlite3.Error as error:
            self._reopen()
            return StoreUnknown(translated(error))
        return None

    def _reopen(self) -> None:
        db, self._db = self._db, None
        assert db is not None
        try:
            db.close()
            self._db = _open_checked(self._path, self._schema)
        except (sqlite3.Error, Problem):
            pass  # tried again by the next group, which is refused until it works

    # --- on the reading thread

    def _read_group(self, jobs: list[_Job]) -> None:
        """What asks the same lot reads together, so that what all of it needs is read once."""
        done: set[int] = set()
        for place, job in enumerate(jobs):
            if job.items is None:
                job.answer = self._snapshot(job.work)
            elif place not in done:
                together = [other for other in range(place, len(jobs)) if jobs[other].work is job.work]
                done.update(together)
                self._look([jobs[other] for other in together])

    def _look(self, jobs: list[_Job]) -> None:
        lot: Lot[Any, Any] = jobs[0].work
        items = [item for job in jobs for item in job.items or ()]
        answers = self._snapshot(lambda db: lot.work(db, items))
        if isinstance(answers, Exception):
            answers = [self._snapshot(partial(_first, lot, item)) for item in items]
        _deal(jobs, answers)

    def _snapshot(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        """What it found, or what it raised: that is handed to the asker."""
        try:
            self._reader.execute("begin")
            return work(self._reader)
        except Exception as error:
            return translated(error)
        finally:
            if self._reader.in_transaction:
                self._reader.execute("rollback")


def _fail_on_purpose(db: sqlite3.Connection) -> None:
    """S4: a commit that reports an error, and happened all the same, or did not (section 13)."""
    if happened := crash_point.passes("S4"):
        db.execute("commit")
    if happened or crash_point.passes("S4-lost"):
        raise sqlite3.OperationalError("a commit that fails on purpose")


def _hand_out(jobs: list[_Job]) -> None:
    for job in jobs:
        job.resolve(job.answer)


def _work_lot(db: sqlite3.Connection, lot: Lot[Any, Any], jobs: list[_Job]) -> None:
    """All items at once; if that raises, one by one, so that a bad item hurts itself only (P-39)."""
    items = [item for job in jobs for item in job.items or ()]
    answers: Any = saved(db, lambda db: lot.work(db, items))
    if isinstance(answers, Exception) and db.in_transaction:
        answers = [_alone(db, lot, item) for item in items]
    for job in jobs:
        if isinstance(answers, Exception):
            job.answer = answers
        else:
            size = len(job.items or ())
            job.answer, answers = answers[:size], answers[size:]


def _deal(jobs: list[_Job], answers: list[Any]) -> None:
    """To each as many as it has items."""
    start = 0
    for job in jobs:
        size = len(job.items or ())
        job.answer, start = answers[start : start + size], start + size


def _first(lot: Lot[Any, Any], item: Any, db: sqlite3.Connection) -> Any:
    return lot.work(db, [item])[0]


def _alone(db: sqlite3.Connection, lot: Lot[Any, Any], item: Any) -> Any:
    if not db.in_transaction:
        return StoreFailed()
    answer: Any = saved(db, lambda db: lot.work(db, [item]))
    return answer if isinstance(answer, Exception) else answer[0]


def saved(db: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T | Exception:
    """Run `work` in a savepoint; return what it raised instead of raising, with its changes undone."""
    db.execute("savepoint piece")
    try:
        answer = work(db)
        db.execute("release piece")
    except Exception as error:
        if db.in_transaction:
            db.execute("rollback to piece")
            db.execute("release piece")
        return translated(error)
    return answer


def translated(error: Exception) -> Exception:
    """The problem that an SQLite error means to a person; other exceptions stay what they are."""
    if not isinstance(error, sqlite3.Error):
        return error
    name = getattr(error, "sqlite_errorname", "") or ""
    if name in ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"):  # the second: no room for the index of the log
        return DiskFull()
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return DataCorrupt()
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return DataReadOnly()
    return StoreFailed(why=name) if name.startswith("SQLITE_IOERR") or name == "SQLITE_BUSY" else error


# ----------------------------------------------------------------------------------------------- opening


def open_writer(path: Path, schema: Schema) -> Writer:
    """Open or make the data file at `path` and take it for this process.

    Raises DataInUse if another process has it, DataNewer if a newer version wrote it, DataCorrupt,
    DataReadOnly, DiskFull or StoreFailed. Nothing is changed in a file that is refused.
    """
    lock = _Lock(path.with_name(path.name + ".lock"))
    try:
        if lock.had_data and path.exists() and not path.stat().st_size:
            raise DataCorrupt()  # a new one in its place would look as if there had never been anybody
        db = _open_checked(path, schema)
        lock.has_data()
        return Writer(path, schema, lock, db)
    except sqlite3.Error as error:
        lock.release()
        raise translated(error) from error
    except BaseException:
        lock.release()
        raise


def connect(path: Path | str, *, reading: bool = False) -> sqlite3.Connection:
    """A connection with the settings of P-61; no transaction is begun behind our back."""
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    db.execute("pragma busy_timeout = 5000")
    db.execute("pragma mmap_size = 0")
    db.execute("pragma temp_store = memory")  # what a savepoint may have to restore is no file's business
    if reading:
        db.execute("pragma query_only = on")
        return db
    db.execute("pragma journal_mode = wal")
    db.execute("pragma synchronous = full")
    db.execute(f"pragma wal_autocheckpoint = {WAL_PAGES}")
    if sys.platform == "darwin":
        db.execute("pragma fullfsync = on")
        db.execute("pragma checkpoint_fullfsync = on")
    return db


def prepare(db: sqlite3.Connection, schema: Schema) -> None:
    """In one transaction: make the tables of an empty file, or bring an older one here; refuse what is not ours.

    Raises DataNewer, DataCorrupt.
    """
    version = _known_version(db, schema)
    if version == schema.version:
        return
    db.execute("begin immediate")
    try:
        for statement in () if version else schema.statements:
            db.execute(statement)
        for older in range(version, schema.version) if version else ():
            schema.steps[older](db)
        db.execute(f"pragma application_id = {APPLICATION_ID}")
        db.execute(f"pragma user_version = {schema.version}")
        db.execute("commit")
    except BaseException:
        if db.in_transaction:
            db.execute("rollback")
        raise


def _known_version(db: sqlite3.Connection, schema: Schema) -> int:
    """The version of the file: 0 for an empty one, else one that there are steps from."""
    version = int(db.execute("pragma user_version").fetchone()[0])
    if version > schema.version:
        raise DataNewer(version=version)
    tables = int(db.execute("select count(*) from sqlite_master").fetchone()[0])
    ours = int(db.execute("pragma application_id").fetchone()[0]) == APPLICATION_ID
    steps = all(older in schema.steps for older in range(version, schema.version)) if version else True
    if (version == 0) != (tables == 0) or (version and not ours) or not steps:
        raise DataCorrupt()
    return version


def _open_checked(path: Path, schema: Schema) -> sqlite3.Connection:
    """Look before writing: a file that is refused stays as it is, byte for byte."""
    if path.exists() and path.stat().st_size:
        _look(path, schema)
    db = connect(path)
    try:
        prepare(db, schema)
        make_safe(db)
    except BaseException:
        db.close()
        raise
    return db


def make_safe(db: sqlite3.Connection) -> None:
    """What a log shows whose sync failed need not be on the disk: move it into the file, and begin a new log (P-37).

    The small commit behind it is what makes the old log void for good. Raises StoreFailed while somebody reads.
    """
    if db.execute("pragma wal_checkpoint(truncate)").fetchone()[0]:
        raise StoreFailed()
    version = int(db.execute("pragma user_version").fetchone()[0])
    db.execute(f"pragma user_version = {version}")


def _look(path: Path, schema: Schema) -> None:
    db = sqlite3.connect(path, isolation_level=None)
    try:
        db.execute("pragma query_only = on")
        _known_version(db, schema)
        small = path.stat().st_size <= CHECK_AT_START_MAX_BYTES
        if small and db.execute("pragma quick_check(1)").fetchone() != ("ok",):
            raise DataCorrupt()
    except UnicodeDecodeError as error:  # what the check found names something that is no text any more
        raise DataCorrupt() from error
    finally:
        db.close()


class _Lock:
    """One process per data file: a lock that the system gives free when the process dies, however it dies."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise (DiskFull() if error.errno == errno.ENOSPC else DataReadOnly()) from error
        if not _lock_now(self._file):
            os.close(self._file)
            raise DataInUse()
        self.had_data = os.read(self._file, len(HAD_DATA)) == HAD_DATA

    def has_data(self) -> None:
        """There is a data file now: from here on an empty one in its place is a lost one."""
        if not self.had_data:
            with suppress(OSError):  # a full disk: noted at the next start
                os.write(self._file, HAD_DATA)

    def release(self) -> None:
        os.close(self._file)


if sys.platform == "win32":  # pragma: no cover - the other branch is the one this machine has
    import msvcrt

    def _lock_now(file: int) -> bool:
        try:
            os.lseek(file, 1 << 20, os.SEEK_SET)  # far behind the words, which a lock would cover
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
            os.lseek(file, 0, os.SEEK_SET)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _lock_now(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
