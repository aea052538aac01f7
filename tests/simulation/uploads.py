"""A small world of its own: one file goes up to the real shelf keeper and its real list, and the power fails (P-60).

The disk keeps what was settled and forgets the rest; the list keeps what was committed. Between any two of their
operations the machine may stop, and the uploader begins again with another one on what is left.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import AsyncIterator

from protocol.limits import UPLOAD_PART_BYTES
from protocol.problems import MediaDamaged, MediaOffset
from protocol.values import ConvId, Did, MediaId, Name, Uid
from server.app.media import Media
from server.core.rights import Standing
from server.core.values import Identity
from server.ports import NewUpload
from server.stores.memory import Inline
from server.stores.sqlite_uploads import SqliteUploads
from tests.simulation.network import Network
from tests.simulation.schedule import Failed
from tests.simulation.servers import ServerDisk, now
from tests.simulation.world import World

WHO = Identity(Uid("alice"), Did("100"), Name("Alice"))
CONV = ConvId("talk")
STOPS_MAX = 40


class PowerCut(BaseException):
    """The machine stops here."""


class Still:
    """A clock in a world without time."""

    def now_s(self) -> float:
        return 0.0

    def now_ms(self) -> int:
        return 0


class Shelf:
    """Bytes by id: `safe` survives a cut, `open` does not. One shelf is one run of the machine."""

    def __init__(self, disk: UploadDisk) -> None:
        self._disk = disk
        self._open: dict[MediaId, bytearray] = {}

    async def begin(self, media: MediaId, recorded: int) -> int:
        self._disk.may_stop()
        if media in self._disk.whole:
            return len(self._disk.whole[media])
        part = self._open.setdefault(media, bytearray(self._disk.safe.get(media, b"")[:recorded]))
        return len(part)

    async def append(self, media: MediaId, offset: int, piece: bytes) -> int:
        self._disk.may_stop()
        part = self._open[media]
        if offset != len(part):
            raise MediaOffset(offset=len(part))
        part += piece
        return len(part)

    async def settle(self, media: MediaId) -> int:
        self._disk.may_stop()
        if media in self._disk.whole:
            return len(self._disk.whole[media])
        self._disk.safe[media] = bytes(self._open[media])
        self._disk.may_stop()
        return len(self._open[media])

    async def finish(self, media: MediaId, size_bytes: int, sha256: bytes) -> bytes:
        self._disk.may_stop()
        if media not in self._disk.whole:
            data = bytes(self._open.pop(media))
            if len(data) != size_bytes or hashlib.sha256(data).digest() != sha256:
                self._disk.safe.pop(media, None)
                raise MediaDamaged()
            self._disk.whole[media] = data
        self._disk.may_stop()
        return sha256

    async def free_bytes(self) -> int:
        return 1 << 40

    async def total_bytes(self) -> int:
        return 1 << 40


class List(SqliteUploads):
    """The real list; the machine may stop before and after each commit."""

    def __init__(self, disk: UploadDisk) -> None:
        super().__init__(Inline(disk.rows.db), lambda: 0)  # type: ignore[arg-type]
        self._disk = disk

    async def _update(self, sql: str, *facts: object) -> int:
        self._disk.may_stop()
        changed = await super()._update(sql, *facts)
        self._disk.look()
        self._disk.may_stop()
        return changed

    async def standing(self, uid: Uid, conv: ConvId) -> Standing:
        """Alice may."""
        return Standing(spans=((1, 0),))


class UploadDisk:
    """What survives, and when the machine stops."""

    def __init__(self, world: World, rows: ServerDisk) -> None:
        self.world, self.rows = world, rows
        self.safe: dict[MediaId, bytes] = {}
        self.whole: dict[MediaId, bytes] = {}
        self.stops, self._dead = 0, False

    def restart(self) -> None:
        self._dead = False

    def may_stop(self) -> None:
        """After a cut nothing of that run does anything more."""
        if self._dead or (self.stops < STOPS_MAX and self.world.chance(0.08)):
            self.stops += not self._dead
            self._dead = True
            raise PowerCut

    def look(self) -> None:
        """S8: what is recorded is there. S9, S11: what is called whole is whole."""
        for media, offset, size, done in self.rows.db.execute('select media, "offset", size, done from upload'):
            there = len(self.whole.get(media, self.safe.get(media, b"")))
            if offset > there:
                self.world.blame(f"S8 {offset} bytes are recorded, {there} would survive")
            if done and (media not in self.whole or there != size):
                self.world.blame("S11 a file is called whole that is not")


def play_upload(seed: int) -> None:
    """Send one file until it is there, over as many cuts as come. Raises Failed."""
    world = World(seed)
    disk = UploadDisk(world, ServerDisk(Network(world)))
    data = random.Random(seed).randbytes(UPLOAD_PART_BYTES + 70_000)
    wish = NewUpload(CONV, 1, len(data), hashlib.sha256(data).digest())
    for _ in range(10 * STOPS_MAX):
        disk.restart()
        try:
            if now(_go_on(Media(List(disk), Shelf(disk), world.dice.randbytes, Still()), wish, data)):  # type: ignore[arg-type]
                break
        except PowerCut:
            disk.look()
        if world.violations:
            raise Failed(seed, world.violations[0], [])
    if list(disk.whole.values()) != [data]:
        raise Failed(seed, "S11 the file is not there as it was sent", [])


async def _go_on(media: Media, wish: NewUpload, data: bytes) -> bool:
    """Ask where it stands, and send from there."""
    upload = await media.create(WHO, wish)
    upload = await media.where(WHO, upload.media)
    if upload.done:
        return True
    return (await media.append(WHO, upload.media, upload.offset, _pieces(data[upload.offset :]))).done


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    step = UPLOAD_PART_BYTES // 3
    for first in range(0, len(data), step):
        yield data[first : first + step]
