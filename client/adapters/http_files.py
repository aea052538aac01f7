"""Files on this disk that go up or come down: hashed once for as long as nobody touches them, kept by their hash.

Everything here works on the disk and is called on threads.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from client.adapters.http_names import safe_extension
from protocol.limits import FILE_MAX_BYTES, MIB
from protocol.problems import (
    DataReadOnly,
    DiskFull,
    MediaChanged,
    MediaDamaged,
    MediaEmpty,
    MediaIsFolder,
    MediaTooLarge,
    MediaUnreadable,
    MediaVanished,
)

HASH_PIECE_BYTES: Final = MIB
KNOWN_MAX: Final = 1024
"""Files whose hash is remembered."""
PART: Final = ".part"


class Stamp(NamedTuple):
    """What changes when somebody writes into a file, or puts another one in its place."""

    size_bytes: int
    mtime_ns: int
    inode: int
    device: int


class Files:
    """What is known of files, and where downloads are.

    Args:
        cache: where downloads are kept, by their hash; private to this profile.
        own: folders of copies and recordings that were made here; the first is that of copies.
    """

    def __init__(self, cache: Path, own: Sequence[Path] = ()) -> None:
        self._cache, self._own = cache, tuple(own)
        self._known: dict[str, tuple[Stamp, str]] = {}
        self._begun: dict[Path, tuple[Stamp, Any]] = {}

    # ------------------------------------------------------------------------------------------- hashes

    def stamp(self, path: str) -> Stamp | None:
        """The stamp of a file; None if there is none."""
        try:
            return _stamp(os.stat(path))
        except OSError:
            return None

    def trust(self, path: str, stamp: Stamp | None, sha256_hex: str) -> None:
        """It was hashed by somebody else while it had this stamp."""
        if stamp is not None:
            self._remember(path, stamp, sha256_hex)

    def hash_of(self, path: str, file: BinaryIO) -> str:
        """The hash of an open file; read only if somebody may have touched it since it was read last."""
        stamp = _stamp(os.fstat(file.fileno()))
        known = self._known.get(path)
        if known is not None and known[0] == stamp:
            return known[1]
        found = hash_of(file)
        if _stamp(os.fstat(file.fileno())) == stamp:
            self._remember(path, stamp, found)
        return found

    def forget(self, path: str) -> None:
        """What was known of it is doubtful."""
        self._known.pop(path, None)

    def _remember(self, path: str, stamp: Stamp, sha256_hex: str) -> None:
        self._known.pop(path, None)
        self._known[path] = (stamp, sha256_hex)
        while len(self._known) > KNOWN_MAX:
            del self._known[next(iter(self._known))]

    # ------------------------------------------------------------------------------------------- to send

    def open_unchanged(self, path: str, name: str, size_bytes: int, sha256_hex: str) -> BinaryIO:
        """The file, if it still is the one that was looked at."""
        if os.path.isdir(path):
            raise MediaIsFolder(name=name)
        file = open(path, "rb", buffering=0)  # noqa: SIM115 - the caller closes it
        try:
            now_bytes = os.fstat(file.fileno()).st_size
            if now_bytes == 0:
                raise MediaEmpty(name=name)
            if now_bytes > FILE_MAX_BYTES:
                raise too_large(now_bytes)
            if now_bytes != size_bytes or self.hash_of(path, file) != sha256_hex:
                raise MediaChanged(name=name)
        except BaseException:
            file.close()
            raise
        return file

    # ------------------------------------------------------------------------------------------ downloads

    def place_of(self, sha256_hex: str, name: str) -> Path:
        """Where a file is once it is here."""
        return self._cache / sha256_hex[:2] / (sha256_hex + safe_extension(name))

    def part_of(self, sha256_hex: str) -> Path:
        """Where it is while it comes."""
        return self._cache / sha256_hex[:2] / (sha256_hex + PART)

    def here_bytes(self, sha256_hex: str) -> int:
        """How much of it has come."""
        try:
            return self.part_of(sha256_hex).stat().st_size
        except OSError:
            return 0

    def is_whole(self, path: Path, size_bytes: int, sha256_hex: str) -> bool:
        """Whether a file is here, and nothing happened to it since it came."""
        try:
            with path.open("rb", buffering=0) as file:
                same_size = os.fstat(file.fileno()).st_size == size_bytes
                return same_size and self.hash_of(str(path), file) == sha256_hex
        except FileNotFoundError:
            return False

    def begin(self, sha256_hex: str, size_bytes: int) -> Part:
        """Make room, and open what came in earlier attempts, with its hash so far."""
        path = self.part_of(sha256_hex)
        _private_folder(path.parent)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        here_bytes = path.stat().st_size
        if here_bytes > size_bytes:
            os.truncate(path, 0)
            here_bytes = 0
        if shutil.disk_usage(path.parent).free < size_bytes - here_bytes:
            raise DiskFull()
        file = path.open("r+b", buffering=0)
        stamp = _stamp(os.fstat(file.fileno()))
        known = self._begun.pop(path, None)
        if known is not None and known[0] == stamp:
            file.seek(here_bytes)
            return Part(path, file, here_bytes, known[1])
        return Part(path, file, here_bytes, _hasher(file))

    def interrupted(self, part: Part) -> None:
        """The next attempt need not read again what this one has written."""
        self._begun[part.path] = (_stamp(os.fstat(part.file.fileno())), part.hasher)
        while len(self._begun) > KNOWN_MAX:
            del self._begun[next(iter(self._begun))]

    def keep(self, part: Part, place: Path, size_bytes: int, sha256_hex: str) -> None:
        """Give the file its name if it is the promised one; else remove it. Raises MediaDamaged."""
        if part.size_bytes != size_bytes or part.hasher.hexdigest() != sha256_hex:
            part.file.close()
            part.path.unlink()
            raise MediaDamaged()
        os.fsync(part.file.fileno())
        stamp = _stamp(os.fstat(part.file.fileno()))
        part.file.close()
        os.replace(part.path, place)
        _sync_folder(place.parent)
        self._remember(str(place), stamp, sha256_hex)

    # ---------------------------------------------------------------------------- copies and recordings

    def is_ours(self, path: str) -> bool:
        """Whether a file lies in one of our folders of copies and recordings."""
        return bool(path) and any(Path(path).is_relative_to(folder) for folder in self._own)

    def drop(self, path: str) -> None:
        """Remove it if it is ours; what cannot be removed now is swept later."""
        if self.is_ours(path):
            self.forget(path)
            with suppress(OSError):
                os.unlink(path)

    def sweep(self, needed: Collection[str]) -> None:
        """Remove copies that nobody needs."""
        kept = set(needed)
        for folder in self._own[:1]:
            with suppress(OSError):
                for path in folder.iterdir():
                    if str(path) not in kept and path.is_file():
                        self.drop(str(path))

    def adopt(self, sent: str, sha256_hex: str, name: str) -> str:
        """Put what was sent where downloads are; empty if that cannot be."""
        place = self.place_of(sha256_hex, name)
        try:
            _private_folder(place.parent)
            if not place.exists():
                beside = place.with_name(place.name + ".new")
                beside.unlink(missing_ok=True)
                _second_name(sent, beside)
                os.replace(beside, place)
        except OSError:
            return ""
        return str(place)


class Part:
    """A file while it comes: what is written is hashed in the same breath."""

    def __init__(self, path: Path, file: BinaryIO, size_bytes: int, hasher: Any) -> None:
        self.path, self.file, self.size_bytes, self.hasher = path, file, size_bytes, hasher

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Add to it; what was written stays, whatever happens next."""
        rest = memoryview(data)
        while rest:
            count = self.file.write(rest)
            self.hasher.update(rest[:count])
            self.size_bytes += count
            rest = rest[count:]

    def empty(self) -> None:
        """Begin again."""
        self.file.seek(0)
        self.file.truncate()
        self.size_bytes, self.hasher = 0, sha256()

    def close(self) -> None:
        """Let go of the file."""
        self.file.close()


def hash_of(file: BinaryIO) -> str:
    """The SHA-256 of a whole file, as hexadecimal digits."""
    return str(_hasher(file).hexdigest())


def _hasher(file: BinaryIO) -> Any:
    """The hash of all that is there; the file then stands at its end."""
    file.seek(0)
    digest, buffer = sha256(), bytearray(HASH_PIECE_BYTES)
    view = memoryview(buffer)
    while count := file.readinto(buffer):  # type: ignore[attr-defined]
        digest.update(view[:count])
    return digest


def too_large(size_bytes: int) -> MediaTooLarge:
    """A file that no server of ours takes."""
    return MediaTooLarge(size_mb=-(-size_bytes // MIB), limit_mb=FILE_MAX_BYTES // MIB)


@contextmanager
def about(name: str) -> Iterator[None]:
    """What the disk says about a file to be sent."""
    try:
        yield
    except FileNotFoundError as error:
        raise MediaVanished(name=name) from error
    except OSError as error:
        raise MediaUnreadable(name=name) from error


@contextmanager
def on_disk() -> Iterator[None]:
    """What the disk says about a file to be kept."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise (DiskFull() if full else DataReadOnly()) from error


def _stamp(facts: os.stat_result) -> Stamp:
    return Stamp(facts.st_size, facts.st_mtime_ns, facts.st_ino, facts.st_dev)


def _private_folder(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.mkdir(exist_ok=True, mode=0o700)


def _second_name(path: str, other: Path) -> None:
    """The same bytes under another name; where that cannot be, a copy."""
    try:
        os.link(path, other)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(path, other)
        other.chmod(0o600)


def _sync_folder(folder: Path) -> None:
    """The name is durable when its folder is."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
