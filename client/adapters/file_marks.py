"""Files that leave the profile: under a safe name, over no other file, and marked as come from elsewhere (SEC-28)."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from protocol.problems import DiskFull, Problem, SaveFailed

NAMES_MAX: Final = 1000
"""So many names beside the wanted one are tried before giving up."""
PLAIN_MODE: Final = 0o666
"""What may be done with a saved file, before the person's own mask: never run."""
ZONE_STREAM: Final = ":Zone.Identifier"
ZONE: Final = "[ZoneTransfer]\r\nZoneId=3\r\n"
"""What Windows keeps beside a file that came from the internet: it asks before such a file is run."""
QUARANTINE: Final = "com.apple.quarantine"
QUARANTINE_FLAGS: Final = "0081"
"""Downloaded by an application, and not yet approved by the person."""

Mark = Callable[[str], None]


def mark_zone(path: str) -> None:
    """Windows: the zone in the alternate stream of the file. A disk without streams keeps the file without it."""
    with suppress(OSError), open(path + ZONE_STREAM, "w", encoding="ascii", newline="") as stream:
        stream.write(ZONE)


def quarantine_words(seconds: int) -> bytes:
    """The value of the attribute: flags, time in hexadecimal, which application."""
    return f"{QUARANTINE_FLAGS};{seconds:08x};Hexagram;".encode("ascii")


def mark_quarantine(path: str, setxattr: Callable[[bytes, bytes, bytes], object] | None = None) -> None:
    """macOS: the attribute for which Gatekeeper asks. A disk without attributes keeps the file without it."""
    with suppress(OSError, AttributeError):
        value = quarantine_words(int(os.stat(path).st_mtime))
        (setxattr or _macos_setxattr())(os.fsencode(path), QUARANTINE.encode(), value)


def _macos_setxattr() -> Callable[[bytes, bytes, bytes], object]:
    """Python has no call for it there."""
    call = ctypes.CDLL(None, use_errno=True).setxattr

    def setxattr(path: bytes, name: bytes, value: bytes) -> object:
        return call(path, name, value, len(value), 0, 0)

    return setxattr


def mark_of(system: str) -> Mark:
    """How a file is marked on a system (as in `sys.platform`); elsewhere nothing asks for a mark."""
    return {"win32": mark_zone, "darwin": mark_quarantine}.get(system, lambda path: None)


class MarkedFiles:
    """Writes copies outside of the profile.

    Args:
        name: makes a name that a stranger chose fit for any disk.
        mark: what is done to each copy; what this system asks for unless it is given.
    """

    def __init__(self, name: Callable[[str], str], mark: Mark | None = None) -> None:
        self._name = name
        self._mark = mark or mark_of(sys.platform)

    def name(self, said: str) -> str:
        """A name to save a file under that somebody else named (SEC-27)."""
        return self._name(said)

    async def save(self, path: str, to: str) -> str:
        """Copy `path` to `to`, or beside it if something is there already; returns where it is now.

        The folder of `to` is the person's choice, its last part is made safe. Raises SaveFailed, DiskFull.
        """
        return await asyncio.to_thread(self._save, path, Path(to))

    def _save(self, path: str, to: Path) -> str:
        try:
            for place in _places(to.parent, self._name(to.name)):
                with suppress(FileExistsError):
                    return self._copy(path, place)
        except OSError as error:
            raise _why(error) from error
        raise SaveFailed()

    def _copy(self, path: str, place: Path) -> str:
        with open(path, "rb") as source, open(place, "xb", opener=_plain) as target:
            try:
                shutil.copyfileobj(source, target, 1 << 20)
            except OSError:
                place.unlink(missing_ok=True)
                raise
        self._mark(str(place))
        return str(place)


def _plain(path: str, flags: int) -> int:
    return os.open(path, flags, PLAIN_MODE)


def _places(folder: Path, name: str) -> Iterator[Path]:
    """report.pdf, report (2).pdf, report (3).pdf …"""
    yield folder / name
    stem, ending = os.path.splitext(name)
    for number in range(2, NAMES_MAX):
        yield folder / f"{stem} ({number}){ending}"


def _why(error: OSError) -> Problem:
    return DiskFull() if error.errno in (errno.ENOSPC, errno.EDQUOT) else SaveFailed()
