"""Uploaded files on a disk: `part/<id>` while one grows, `whole/<id>` once it is complete and true.

What was settled survives a power cut: data before offset, content before name, name before row (P-60).
All work on the disk runs on a few threads of its own, so the loop never waits for it.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import shutil
import sys
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit
from urllib.request import url2pathname
from weakref import WeakValueDictionary

from protocol.limits import MIB
from protocol.problems import (
    DataReadOnly,
    DiskFull,
    MediaDamaged,
    MediaOffset,
    MediaUnknown,
    Problem,
    StoreFailed,
    TransferInterrupted,
    UploadChecksum,
)
from protocol.values import MediaId
from server.ports import OnDisk, Piece, Shelved

OPEN_PARTS_MAX = 64  # growing files whose descriptor and running hash are kept
THREADS = 4  # enough to keep one disk busy, few enough to stay small
ID_CHARS = frozenset("abcdefghijklmnopqrstuvwxyz234567")
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
OPEN_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
T = TypeVar("T")

if sys.platform == "darwin":
    import fcntl


class FileBlobs:
    """A folder of files named by the ids the server made; names of people never reach the disk (SEC-27)."""

    def __init__(self, root: Path, threads: ThreadPoolExecutor) -> None:
        self._root, self._threads = root, threads
        self._parts: OrderedDict[MediaId, _Part] = OrderedDict()
        self._turns: WeakValueDictionary[MediaId, asyncio.Lock] = WeakValueDictionary()

    async def begin(self, media: MediaId, recorded: int) -> int:
        """Open the part and return where it stands: min(recorded, what is there); the rest is cut (S8)."""
        async with self._turn(media):
            if (part := self._parts.get(media)) is not None:
                return part.sure
            if (whole := await self._run(_size, self._whole_path(media))) is not None:
                return whole
            return (await self._open(media, recorded)).offset

    async def append(self, media: MediaId, offset: int, piece: Piece) -> int:
        """Add a piece exactly at the end; it is durable only after `settle`."""
        async with self._turn(media):
            part = self._known(media)
            if offset != part.offset:
                raise MediaOffset(offset=part.offset)
            return await self._or_drop(media, part.append, piece)

    async def settle(self, media: MediaId) -> int:
        """Make everything appended so far survive a power cut, and return the offset that does."""
        async with self._turn(media):
            if (part := self._parts.get(media)) is not None:
                return await self._or_drop(media, part.settle)
            if (whole := await self._run(_size, self._whole_path(media))) is not None:
                return whole
            raise MediaUnknown()

    async def hold(self, media: MediaId, algorithm: str) -> None:
        """What comes is on trial; a crash forgets it, because its offset is not recorded."""
        async with self._turn(media):
            self._known(media).hold(algorithm)

    async def accept(self, media: MediaId, digest: bytes) -> None:
        """It was what was meant, or is cut off."""
        async with self._turn(media):
            if not self._known(media).accept(digest):
                await self._or_drop(media, self._known(media).rewind)
                raise UploadChecksum()

    async def drop(self, media: MediaId) -> None:
        """Cut off what is on trial."""
        async with self._turn(media):
            if (part := self._parts.get(media)) is not None:
                await self._or_drop(media, part.rewind)

    async def finish(self, media: MediaId, size_bytes: int, sha256: bytes) -> bytes:
        """All or nothing: the whole file under its final name, or nothing and `MediaDamaged`."""
        async with self._turn(media):
            if await self._run(_size, self._whole_path(media)) is not None:
                return sha256 or await self._run(_hash_of, self._whole_path(media))
            part = self._parts.get(media)
            if part is None or part.sure != size_bytes or sha256 not in (b"", part.sha256.digest()):
                await self._discard(media)
                raise MediaDamaged()
            await self._or_drop(media, part.settle)
            await self._forget_part(media)
            await self._run(_rename_durably, self._part_path(media), self._whole_path(media))
            return part.sha256.digest()

    async def share(self, source: MediaId, media: MediaId) -> None:
        """One file with two names; where the disk knows no such thing, a copy that is synced before it has its name."""
        async with self._turn(media):
            whole = self._whole_path(media)
            if await self._run(_size, whole) is not None:
                return
            if await self._run(_size, self._whole_path(source)) is None:
                raise MediaUnknown()
            await self._discard(media)
            await self._run(_link_durably, self._whole_path(source), self._part_path(media), whole)

    async def open_from(self, media: MediaId, start: int) -> OnDisk:
        """Where the bytes lie; whoever sends them may let the kernel copy."""
        path = self._whole_path(media)
        if await self._run(_size, path) is None:
            raise MediaUnknown()
        return OnDisk(path, start)

    async def remove(self, media: MediaId) -> None:
        """Delete it, whole or part. Deleting twice is no error."""
        async with self._turn(media):
            await self._discard(media)
            await self._run(_unlink, self._whole_path(media))

    async def shelved(self) -> list[Shelved]:
        """Everything in the folder, whole or part, with the time of its last byte."""
        return await self._run(_list, self._root)

    async def free_bytes(self) -> int:
        """What the disk still has room for."""
        return (await self._run(shutil.disk_usage, self._root)).free

    async def total_bytes(self) -> int:
        """What the disk holds altogether."""
        return (await self._run(shutil.disk_usage, self._root)).total

    async def close(self) -> None:
        """Close every descriptor; settled data is safe already."""
        for media in list(self._parts):
            await self._forget_part(media)

    def _turn(self, media: MediaId) -> asyncio.Lock:
        """One step at a time for one file; files do not wait for each other. A lock nobody holds vanishes."""
        if (lock := self._turns.get(media)) is None:
            self._turns[media] = lock = asyncio.Lock()
        return lock

    async def _open(self, media: MediaId, recorded: int) -> _Part:
        part = await self._run(_Part.open, self._part_path(media), recorded)
        self._parts[media] = part
        await self._close_idle()
        return part

    async def _close_idle(self) -> None:
        """Keep few descriptors: parts at rest go; they are hashed once more when they are opened again."""
        surplus = max(0, len(self._parts) - OPEN_PARTS_MAX)
        at_rest = [media for media, part in self._parts.items() if part.at_rest and media not in self._turns]
        for media in at_rest[:surplus]:
            await self._run(self._parts.pop(media).close)

    def _known(self, media: MediaId) -> _Part:
        if (part := self._parts.get(media)) is None:
            raise TransferInterrupted()
        self._parts.move_to_end(media)
        return part

    async def _or_drop(self, media: MediaId, step: Callable[..., int], *args: object) -> int:
        """A step that failed leaves the part in doubt: it is closed, and measured when it is opened again."""
        try:
            return await self._run(step, *args)
        except Problem:
            await self._forget_part(media)
            raise

    async def _discard(self, media: MediaId) -> None:
        await self._forget_part(media)
        await self._run(_unlink, self._part_path(media))

    async def _forget_part(self, media: MediaId) -> None:
        if (part := self._parts.pop(media, None)) is not None:
            await self._run(part.close)

    async def _run(self, work: Callable[..., T], *args: object) -> T:
        """Run on the disk's threads, to the end even if nobody waits any more; a refusal is a Problem."""
        done = asyncio.get_running_loop().run_in_executor(self._threads, work, *args)
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            await asyncio.wait([done])  # else the next step on this file would meet this one
            raise
        except OSError as refusal:
            raise (DiskFull() if refusal.errno in FULL else StoreFailed()) from refusal

    def _part_path(self, media: MediaId) -> Path:
        return self._root / "part" / _checked(media)

    def _whole_path(self, media: MediaId) -> Path:
        return self._root / "whole" / _checked(media)


class _Trial(NamedTuple):
    """Where a file stood, with the hash of it, and the digest of what came since."""

    start: int
    sha256: hashlib._Hash
    digest: hashlib._Hash


class _Part:
    """A growing file: its descriptor, its end, and the hash of everything before the end."""

    __slots__ = ("_durable", "_fd", "_trial", "offset", "sha256")

    def __init__(self, fd: int) -> None:
        self._fd, self.offset, self.sha256 = fd, 0, hashlib.sha256()
        self._durable = 0
        self._trial: _Trial | None = None

    @property
    def at_rest(self) -> bool:
        """Nothing would be lost by closing it."""
        return self._durable == self.offset and self._trial is None

    @property
    def sure(self) -> int:
        """Where it stands without what is on trial."""
        return self.offset if self._trial is None else self._trial.start

    @classmethod
    def open(cls, path: Path, recorded: int) -> _Part:
        """Open or make the file, cut it to what is known to be durable, and hash that."""
        fresh = not path.exists()
        part = cls(os.open(path, OPEN_FLAGS, 0o600))
        try:
            if fresh:
                _sync_folder(path.parent)
            os.ftruncate(part._fd, min(recorded, os.fstat(part._fd).st_size))
            part._hash_what_is_there()
        except OSError:
            part.close()
            raise
        return part

    def append(self, piece: Piece) -> int:
        """Write all of the piece behind the end."""
        rest = memoryview(piece)
        while rest:
            rest = rest[os.write(self._fd, rest) :]
        _begin_writing(self._fd, self.offset, len(piece))
        self.sha256.update(piece)
        if self._trial is not None:
            self._trial.digest.update(piece)
        self.offset += len(piece)
        return self.offset

    def hold(self, algorithm: str) -> None:
        """Remember where the file stood before what comes now. Raises: TransferInterrupted."""
        if self._trial is not None:
            raise TransferInterrupted()
        self._trial = _Trial(self.offset, self.sha256.copy(), hashlib.new(algorithm))

    def accept(self, digest: bytes) -> bool:
        """The trial is over if this is the digest of what came. Raises: TransferInterrupted (there is none)."""
        if self._trial is None:
            raise TransferInterrupted()
        if self._trial.digest.digest() != digest:
            return False
        self._trial = None
        return True

    def rewind(self) -> int:
        """Be as before the trial."""
        if self._trial is not None:
            trial, self._trial = self._trial, None
            os.ftruncate(self._fd, trial.start)
            os.lseek(self._fd, trial.start, os.SEEK_SET)
            self.offset, self.sha256 = trial.start, trial.sha256
            self._durable = min(self._durable, self.offset)
        return self.offset

    def settle(self) -> int:
        """Sync what came since the last time, and return the offset that is durable now and sure."""
        if self._durable != self.offset:
            _sync(self._fd)
            self._durable = self.offset
        return self.sure

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._fd)

    def _hash_what_is_there(self) -> None:
        while piece := os.read(self._fd, MIB):
            self.sha256.update(piece)
            self.offset += len(piece)
        self._durable = self.offset


def _checked(media: MediaId) -> str:
    """A name that cannot leave the folder: only ids the server makes (P-75, SEC-27)."""
    if len(media) != 26 or not ID_CHARS.issuperset(media):
        raise MediaUnknown()
    return media


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _hash_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _unlink(path: Path) -> None:
    path.unlink(missing_ok=True)


def _rename_durably(part: Path, whole: Path) -> None:
    os.replace(part, whole)
    _sync_folder(whole.parent)
    _sync_folder(part.parent)


def _link_durably(source: Path, part: Path, whole: Path) -> None:
    try:
        os.link(source, whole)
    except FileNotFoundError:
        raise
    except OSError:  # no second names here, or too many of them
        os.close(os.open(part, OPEN_FLAGS, 0o600))
        shutil.copyfile(source, part)
        with open(part, "r+b") as copy:
            _sync(copy.fileno())
        os.replace(part, whole)
        _sync_folder(part.parent)
    _sync_folder(whole.parent)


def _begin_writing(fd: int, offset: int, size_bytes: int) -> None:
    """Have the system take this to the disk while more comes, so that a sync soon after finds little to wait for.

    A tenth of the wait, measured. It promises nothing: what refuses here refuses at the sync again.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            os.posix_fadvise(fd, offset, size_bytes, os.POSIX_FADV_DONTNEED)


def _sync(fd: int) -> None:
    """Down to the platter: on a Mac an ordinary sync stops at the disk's own memory (P-61)."""
    if sys.platform == "darwin":
        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
    else:
        os.fsync(fd)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows has no way to sync a folder; NTFS journals the name itself
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        _sync(fd)
    finally:
        os.close(fd)


def _list(root: Path) -> list[Shelved]:
    found: list[Shelved] = []
    for entry in chain(os.scandir(root / "part"), os.scandir(root / "whole")):
        with suppress(FileNotFoundError):
            found.append(Shelved(MediaId(entry.name), int(entry.stat().st_mtime * 1000)))
    return found


def _prepare(root: Path) -> None:
    """Make the folders, readable by their owner alone (SEC-46). Raises: DataReadOnly, DiskFull."""
    try:
        for folder in (root, root / "part", root / "whole"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
            _sync_folder(folder)
    except OSError as refusal:
        raise (DiskFull() if refusal.errno in FULL else DataReadOnly()) from refusal


@asynccontextmanager
async def open_blobs(url: str, now_ms: Callable[[], int]) -> AsyncIterator[FileBlobs]:
    """The part behind `file:///folder`. Raises: DataReadOnly, DiskFull."""
    root = Path(url2pathname(urlsplit(url).path))
    with ThreadPoolExecutor(THREADS, "blobs") as threads:
        await asyncio.get_running_loop().run_in_executor(threads, _prepare, root)
        blobs = FileBlobs(root, threads)
        try:
            yield blobs
        finally:
            await blobs.close()
