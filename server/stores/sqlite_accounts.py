"""People, devices, tokens and invites in SQLite. Of every secret only the hash is kept (SEC-5, SEC-7)."""

from __future__ import annotations

import json
import sqlite3
from base64 import urlsafe_b64encode
from collections.abc import Callable, Collection
from hashlib import sha256

from protocol.limits import DEVICE_CODE_KEEP_S, INVITE_KEEP_S, TOKEN_BITS
from protocol.problems import DeviceUnknown, InviteWrong, NameTaken
from protocol.values import Did, Uid, Value, replace
from server.core.codes import ID_BYTES, INVITE_BYTES, id_text, invite_bytes, invite_text
from server.core.names import folded, tidy_name
from server.ports import Device, Identity, Joined
from server.stores import sqlite_devices as devices
from server.stores.writer import Writer

INVITE_KEEP_MS, DEVICE_CODE_KEEP_MS = int(INVITE_KEEP_S * 1000), int(DEVICE_CODE_KEEP_S * 1000)
SHARED_MIN_CHARS = 16  # a request shorter than this can be guessed, and is not believed
Dice = Callable[[int], bytes]

HOLDER = """select account.uid, device.did, account.name from device join account using (uid)
            where device.token_sha256 = ? and device.ended = 0"""
MEMBER = "select account.uid, account.name from device join account using (uid) where device.did = ? and ended = 0"
ALIVE = "select did from device where ended = 0 and did in (select value from json_each(?))"
INVITE = "insert into invite (code_sha256, made_ms, expires_ms, uid) values (?, ?, ?, ?)"
STALE = "delete from invite where expires_ms <= :now and (used_by is null or used_ms + :keep <= :now)"


class _Wish(Value, frozen=True):
    """What somebody with a code wants."""

    name: str
    code: bytes
    request: str
    device: str


class SqliteAccounts:
    """The accounts behind one writer. The clock and the dice are arguments."""

    def __init__(self, writer: Writer, now_ms: Callable[[], int], dice: Dice) -> None:
        self._writer, self._now_ms, self._dice = writer, now_ms, dice

    async def join(self, name: str, invite: str, request: str, device: str = "") -> Joined:
        """Turn an invite into a place here; the same question gets the same place again."""
        code = invite_bytes(invite)
        if code is None:
            raise InviteWrong()
        wish = _Wish(name, code, request, tidy_name(device) if device.strip() else "")
        return await self._writer.run(lambda db: self._join(db, wish))

    async def who_is(self, token: str) -> Identity | None:
        """The holder of a token whose device has not been ended."""
        digest = _hash(token.encode(errors="replace"))
        row = await self._writer.read(lambda db: db.execute(HOLDER, [digest]).fetchone())
        return None if row is None else Identity(Uid(row[0]), Did(str(row[1])), row[2])

    async def ended(self, dids: Collection[Did]) -> frozenset[Did]:
        """Those of these devices that are no devices any more (P-62)."""
        numbers = json.dumps([int(did) for did in dids])
        rows = await self._writer.read(lambda db: db.execute(ALIVE, [numbers]).fetchall())
        return frozenset(dids) - {Did(str(did)) for (did,) in rows}

    async def new_invite(self) -> str:
        """A fresh code; it is said once and kept as a hash."""
        code, now_ms = self._dice(INVITE_BYTES), self._now_ms()
        row = (_hash(code), now_ms, now_ms + INVITE_KEEP_MS, None)
        await self._writer.run(lambda db: db.execute(INVITE, row))
        return invite_text(code)

    async def new_device_code(self, who: Identity) -> str:
        """An invite for this person alone."""
        code, now_ms = self._dice(INVITE_BYTES), self._now_ms()
        row = (_hash(code), now_ms, now_ms + DEVICE_CODE_KEEP_MS, who.uid)

        def work(db: sqlite3.Connection) -> None:
            devices.check_room(db, who.uid)
            db.execute(INVITE, row)

        await self._writer.run(work)
        return invite_text(code)

    async def devices(self, uid: Uid) -> tuple[Device, ...]:
        """The devices of this person, oldest first."""
        return await self._writer.read(lambda db: devices.devices(db, uid))

    async def end_device(self, uid: Uid, did: Did) -> None:
        """End a device; its token is void from here on."""
        now_ms = self._now_ms()
        if not await self._writer.run(lambda db: devices.end(db, uid, did, now_ms)):
            raise DeviceUnknown()

    async def forget_stale(self, now_ms: int) -> int:
        """Remove invites that can neither be used nor asked about again."""
        facts = {"now": now_ms, "keep": INVITE_KEEP_MS}
        return await self._writer.run(lambda db: db.execute(STALE, facts).rowcount)

    # --- on the writer's thread

    def _join(self, db: sqlite3.Connection, wish: _Wish) -> Joined:
        row = db.execute(
            "select expires_ms, used_by, used_ms, request_sha256, uid from invite where code_sha256 = ?",
            [_hash(wish.code)],
        ).fetchone()
        if row is None:
            raise InviteWrong()
        expires_ms, used_by, used_ms, request_sha256, uid = row
        if uid is None:
            wish = replace(wish, name=tidy_name(wish.name))
        if used_by is None and self._now_ms() < expires_ms:
            return self._take(db, wish) if uid is None else self._take_device(db, wish, uid)
        asked_before = _secret(wish.request) is not None and request_sha256 == _secret(wish.request)
        if used_by is not None and asked_before and self._now_ms() < used_ms + INVITE_KEEP_MS:
            return self._again(db, used_by)
        raise InviteWrong()

    def _take(self, db: sqlite3.Connection, wish: _Wish) -> Joined:
        """A new account with its first device."""
        if db.execute("select 1 from called where folded = ?", [folded(wish.name)]).fetchone():
            raise NameTaken(name=wish.name)
        uid = id_text(self._dice(ID_BYTES))
        db.execute("insert into called values (?, ?)", [folded(wish.name), uid])
        db.execute("insert into account (uid, name, made_ms) values (?, ?, ?)", [uid, wish.name, self._now_ms()])
        return self._take_device(db, wish, uid)

    def _take_device(self, db: sqlite3.Connection, wish: _Wish, uid: str) -> Joined:
        """A device of this person; the invite is spent in the same transaction."""
        did, token = self._new_did(), self._new_token()
        devices.add(db, uid, did, _hash(token.encode()), wish.device, self._now_ms())
        db.execute(
            "update invite set used_by = ?, used_ms = ?, request_sha256 = ? where code_sha256 = ?",
            [did, self._now_ms(), _secret(wish.request), _hash(wish.code)],
        )
        name = str(db.execute("select name from account where uid = ?", [uid]).fetchone()[0])
        return Joined(Uid(uid), Did(str(did)), name, token)

    def _again(self, db: sqlite3.Connection, did: int) -> Joined:
        """The answer got lost: the same place, with a fresh token, since of the first only a hash is left."""
        row = db.execute(MEMBER, [did]).fetchone()
        if row is None:
            raise InviteWrong()
        token = self._new_token()
        db.execute("update device set token_sha256 = ? where did = ?", [_hash(token.encode()), did])
        return Joined(Uid(row[0]), Did(str(did)), row[1], token)

    def _new_did(self) -> int:
        """63 random bits, never 0: that is the server itself (P-2)."""
        return int.from_bytes(self._dice(8), "big") >> 1 or 1

    def _new_token(self) -> str:
        return urlsafe_b64encode(self._dice(TOKEN_BITS // 8)).decode().rstrip("=")


def _hash(secret: bytes) -> bytes:
    return sha256(secret).digest()


def _secret(request: str) -> bytes | None:
    """The hash of a client's request, if it has one that nobody can guess."""
    return _hash(request.encode(errors="replace")) if len(request) >= SHARED_MIN_CHARS else None
