"""After a cut: the product opens what is left by its own means, and it must be exactly what had been promised.

A database may be as it was after the last transaction that was over when the power went, or as after the one that was
just under way; never between, never older. What somebody outside had been told must be there.
"""

from __future__ import annotations

import hashlib
import random
import sqlite3
import tempfile
from base64 import urlsafe_b64decode
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from client.adapters.sqlite_messages import SqliteMessages
from client.adapters.sqlite_schema import FILE_NAME, LOCK_NAME
from protocol.problems import Problem
from server.stores.schema import SCHEMA
from server.stores.writer import HAD_DATA, _Lock, _open_checked
from tests.disks.face import Face
from tests.disks.power import Disk, lay_out
from tests.disks.recording import POINT, SAID, Op, Recording

AGAIN = 0.15  # the share of cuts whose recovery is cut as well
_SERVER_STEPS = (
    ("tables", {"create log"}),
    ("T1", {"insert log"}),
    ("T1'", {"insert slot"}),
    ("T3", {"insert cursor"}),
    ("T2", {"update device"}),
)
_CLIENT_STEPS = (
    ("tables", {"create bubble"}),
    ("trace", {"insert trace"}),
    ("T0", {"insert outbox"}),
    ("T4", {"insert gap"}),
    ("T5", {"insert mark"}),
    ("T5", {"delete outbox"}),
    ("T5", {"update bubble"}),
)


@dataclass
class Cut:
    """One cut of one recording, and what was wrong afterwards."""

    at: int
    fate: str = ""
    wrong: str = ""
    kept_more: bool = False
    promises: int = 0
    during: str = ""
    again: int = 0


@dataclass
class Points:
    """The moments between transactions, and a hash of everything in the database at each that was asked for."""

    recording: Recording
    places: list[int]
    hashes: dict[int, str] = field(default_factory=dict)

    def around(self, at: int) -> tuple[list[int], int]:
        """The moments that a cut before call `at` may lead to; and the last one that was certainly over."""
        over = [place for place in self.places if place < at]
        ahead = [place for place in self.places if place >= at][:1]
        sure = max((place for place in over if self.recording.ops[place].durable), default=-1)
        before = [0] if sure < 0 else []  # what lay there from the beginning
        allowed = {max(place, self.born) for place in [*before, *over, *ahead] if place >= sure}
        return sorted(allowed), sure

    @property
    def born(self) -> int:
        """The moment the tables were there; before it, whoever opens the file makes them."""
        made = (place for place in self.places if any(step.startswith("create") for step in self.touched(place)))
        return -1 if self.recording.base else next(made)

    def touched(self, place: int) -> frozenset[str]:
        """Which tables the transaction that ended here changed."""
        touched = self.recording.ops[place].fact
        assert isinstance(touched, frozenset)
        return touched

    def learn(self, wanted: set[int], folder: Path) -> None:
        """Look at the database as it was at these moments."""
        disk = Disk(self.recording)
        for place in sorted(wanted):
            disk.advance(place)
            path = fresh(folder) / self.recording.path.name
            lay_out(disk.seen(), path)
            _open_as_we_do(path, had_data=place >= self.born)  # it notes there who has read it
            self.hashes[place] = contents(path)


def points_of(recording: Recording) -> Points:
    return Points(recording, [place for place, op in enumerate(recording.ops) if op.kind == POINT])


def fresh(folder: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=folder))


def contents(path: Path) -> str:
    """Every row of every table, as a hash."""
    told = hashlib.sha256()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        tables = db.execute("select name from sqlite_master where type = 'table' order by name").fetchall()
        for (table,) in tables:
            told.update(repr((table, sorted(db.execute(f"select * from {table}").fetchall(), key=repr))).encode())
    return told.hexdigest()


def cut_places(recording: Recording, dice: random.Random, number: int) -> list[int]:
    """Moments to cut at: before calls that change something, up to the last transaction."""
    last = max(place for place, op in enumerate(recording.ops) if op.kind == POINT)
    places = [place for place, op in enumerate(recording.ops[:last]) if op.kind not in (POINT, SAID)]
    return sorted(dice.choices(places, k=number))


def cut_and_look(recording: Recording, dice: random.Random, number: int, folder: Path) -> list[Cut]:
    """Cut the power of this disk at so many moments of its life; open what is left, and compare."""
    places = cut_places(recording, dice, number)
    points = points_of(recording)
    around = {at: points.around(at) for at in places}
    points.learn({place for allowed, _ in around.values() for place in allowed}, folder)
    disk, cuts = Disk(recording), list[Cut]()
    for at in places:
        disk.advance(at)
        fate, files = disk.cut(dice)
        cut = Cut(at, fate, during=during(points, at))
        cuts.append(_look(recording, points, around[at], cut, files, folder))
        if not cut.wrong and files.get("") and dice.random() < AGAIN:
            _cut_again(recording, cut, files, dice, folder)
    return cuts


def _cut_again(recording: Recording, cut: Cut, files: dict[str, bytes], dice: random.Random, folder: Path) -> None:
    """Recovery is cut as well, as often as there are calls to cut at: nothing may come of it (F-3)."""
    path = fresh(folder) / recording.path.name
    lay_out(files, path)
    expected = contents(path)
    path = fresh(folder) / recording.path.name
    lay_out(files, path)
    second = Recording(path, dict(files))
    db = Face(path, second, checkpoint_pages=20)
    db.execute("select count(*) from sqlite_master")
    db.close()
    second.close()
    for at in dice.sample(range(len(second.ops)), min(3, len(second.ops))):
        disk = Disk(second)
        disk.advance(at)
        _, left = disk.cut(dice)
        path = fresh(folder) / recording.path.name
        lay_out(left, path)
        cut.again += 1
        cut.wrong = cut.wrong or _integrity(path)
        if not cut.wrong and contents(path) != expected:
            cut.wrong = "cut again while it recovered, it has other rows"


def during(points: Points, at: int) -> str:
    """Which transaction of section 12 was under way, or had just ended."""
    touched = points.touched(next(place for place in points.places if place >= at))
    steps = _CLIENT_STEPS if points.recording.path.name == FILE_NAME else _SERVER_STEPS
    return next((name for name, tables in steps if tables <= touched), "other")


def _look(
    recording: Recording,
    points: Points,
    around: tuple[list[int], int],
    cut: Cut,
    files: dict[str, bytes],
    folder: Path,
) -> Cut:
    allowed, sure = around
    path = fresh(folder) / recording.path.name
    lay_out(files, path)
    try:
        _open_as_we_do(path, had_data=sure >= points.born)
        cut.wrong = _integrity(path)
        found = contents(path)
        if not cut.wrong and found not in {points.hashes[place] for place in allowed}:
            cut.wrong = "the rows are those of no moment that was allowed"
        cut.kept_more = found != points.hashes[allowed[0]]
        told = [op for op in recording.ops[: cut.at] if op.kind == SAID]
        cut.promises = len(told)
        cut.wrong = cut.wrong or _broken_promise(path, told)
    except (Problem, sqlite3.Error) as refusal:
        cut.wrong = f"it does not open: {refusal!r}"
    return cut


def _open_as_we_do(path: Path, *, had_data: bool) -> None:
    """With the checks of the product's own start after a crash; the lock file survived."""
    if path.name == FILE_NAME:
        (path.parent / LOCK_NAME).write_bytes(b"open" + (b" data" if had_data else b""))
        messages = SqliteMessages(path.parent)
        thread = messages._thread
        try:
            thread.submit(messages._open).result()
            thread.submit(messages._look, lambda db: None).result()
            thread.submit(messages._close).result()
        finally:
            thread.shutdown()
        return
    path.with_name(path.name + ".lock").write_bytes(HAD_DATA if had_data else b"")
    lock = _Lock(path.with_name(path.name + ".lock"))
    try:
        _open_checked(path, SCHEMA).close()
    finally:
        lock.release()


def _integrity(path: Path) -> str:
    with closing(sqlite3.connect(path)) as db:
        found = db.execute("pragma integrity_check(1)").fetchone()[0]
        return "" if found == "ok" else f"integrity_check: {found}"


# ------------------------------------------------------------------------------------ what was said outside


def _broken_promise(path: Path, told: Sequence[Op]) -> str:
    with closing(sqlite3.connect(path)) as db:
        for op in told:
            if not _HOLDS[op.fact[0]](db, *op.fact[1:]):
                return f"it was said, and is not there: {op.fact}"
    return ""


def _bytes(dg: str) -> bytes:
    return urlsafe_b64decode(dg + "==")


def _bubble(db: sqlite3.Connection, conv: str, dg: str) -> bool:
    return bool(db.execute("select 1 from bubble where conv = ? and dg = ? and mine = 1", (conv, dg)).fetchone())


def _cursor(db: sqlite3.Connection, conv: str, upto: int) -> bool:
    return bool(db.execute("select 1 from chat where conv = ? and cursor >= ?", (conv, upto)).fetchone())


def _floor(db: sqlite3.Connection, conv: str) -> int:
    """Up to where retention has removed rows, which it may (P-84)."""
    return int(db.execute("select floor from conv where conv = ?", (conv,)).fetchone()[0])


def _slot(db: sqlite3.Connection, conv: str, did: int, dg: str, kind: int, pos: int | None) -> bool:
    found = db.execute(
        "select pos from slot where conv = ? and did = ? and dg = ? and kind = ?", (conv, did, _bytes(dg), kind)
    ).fetchone()
    if found is None:
        return (pos or 1) <= _floor(db, conv)
    return pos is None or found[0] == pos


def _acked(db: sqlite3.Connection, conv: str, did: int, upto: int) -> bool:
    sql = "select 1 from cursor where conv = ? and did = ? and upto >= ?"
    return bool(db.execute(sql, (conv, did, upto)).fetchone())


def _session(db: sqlite3.Connection, did: int, sn: int) -> bool:
    return bool(db.execute("select 1 from device where did = ? and sn >= ?", (did, sn)).fetchone())


def _log(db: sqlite3.Connection, conv: str, upto: int) -> bool:
    floor = _floor(db, conv)
    sql = "select count(*) from log where conv = ? and pos > ? and pos <= ?"
    return upto <= floor or bool(db.execute(sql, (conv, floor, upto)).fetchone()[0] == upto - floor)


_HOLDS: dict[str, Any] = {
    "bubble": _bubble,
    "cursor": _cursor,
    "slot": _slot,
    "acked": _acked,
    "session": _session,
    "log": _log,
}
