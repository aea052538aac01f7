"""The devices of a person: at most ten, made, listed and ended. Plain functions over a connection (P-62)."""

from __future__ import annotations

import sqlite3

from protocol.limits import DEVICES_MAX
from protocol.problems import DevicesFull
from protocol.values import Did
from server.ports import Device
from server.stores.sqlite_begin import begin_device

_COUNT = "select count(*) from device where uid = ? and ended = 0"
_ADD = "insert into device (did, uid, token_sha256, name, seen, made_ms) values (?, ?, ?, ?, ?, ?)"
_LIST = "select did, name, seen, made_ms from device where uid = ? and ended = 0 order by made_ms, did"
_OWN = "select ended from device where did = ? and uid = ?"
_END = "update device set ended = ? where did = ? and uid = ?"
_VOID = "delete from invite where uid = ? and used_by is null"


def check_room(db: sqlite3.Connection, uid: str) -> None:
    """Raises: DevicesFull, if the person has ten devices."""
    if db.execute(_COUNT, (uid,)).fetchone()[0] >= DEVICES_MAX:
        raise DevicesFull(limit=DEVICES_MAX)


def add(db: sqlite3.Connection, uid: str, did: int, token_sha256: bytes, name: str, now_ms: int) -> None:
    """A device, and where it begins (P-63). Raises: DevicesFull."""
    check_room(db, uid)
    db.execute(_ADD, (did, uid, token_sha256, name, now_ms, now_ms))
    begin_device(db, did, uid)


def devices(db: sqlite3.Connection, uid: str) -> tuple[Device, ...]:
    """The devices of this person, oldest first."""
    return tuple(Device(Did(str(did)), name, seen, made) for did, name, seen, made in db.execute(_LIST, (uid,)))


def end(db: sqlite3.Connection, uid: str, did: Did, now_ms: int) -> bool:
    """End a device of this person, now or earlier; False if it is none. Codes that it may have seen are void."""
    row = db.execute(_OWN, (int(did), uid)).fetchone()
    if row is None:
        return False
    if not row[0]:
        db.execute(_END, (now_ms, int(did), uid))
        db.execute(_VOID, (uid,))
    return True
