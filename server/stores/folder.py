"""The data folder: its owner's alone (SEC-46), with a file that says how commands reach the running server."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

from protocol.problems import DataReadOnly, DiskFull, Problem, StoreFailed
from protocol.values import Value

FOLDER_MODE, FILE_MODE = 0o700, 0o600
FULL = {errno.ENOSPC, errno.EDQUOT}
CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENOENT}


class Door(Value, frozen=True):
    """Where the running server listens, and the secret that opens its admin routes."""

    url: str
    secret: str


def prepare_folder(folder: Path) -> None:
    """Make the folder, or tighten the modes of what is there.

    Raises: DataReadOnly, DiskFull, StoreFailed. A folder that is refused is left as it was.
    """
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise DataReadOnly()
        _tighten(folder, FOLDER_MODE)
        for entry in folder.iterdir():
            if entry.is_file() and not entry.is_symlink():
                _tighten(entry, FILE_MODE)
    except OSError as refusal:
        raise _problem(refusal) from refusal


def offer_door(path: Path, door: Door) -> None:
    """Write the file, readable by its owner alone, whole or not at all. Raises: DiskFull, StoreFailed."""
    draft = path.with_name(f"{path.name}.new")
    try:
        draft.unlink(missing_ok=True)
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "w") as file:
            json.dump({"url": door.url, "secret": door.secret}, file)
        draft.replace(path)
    except OSError as refusal:
        raise _problem(refusal) from refusal


def find_door(path: Path) -> Door | None:
    """What a server wrote there, or nothing; the server may have died since."""
    try:
        told = json.loads(path.read_text())
        return Door(str(told["url"]), str(told["secret"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def withdraw_door(path: Path) -> None:
    """The server ends; nobody needs to knock."""
    path.unlink(missing_ok=True)


def _tighten(path: Path, mode: int) -> None:
    """Take away what others may do; systems without modes have access lists that the folder passes on."""
    if os.name == "posix" and path.stat().st_mode & 0o777 & ~mode:
        path.chmod(mode)


def _problem(refusal: OSError) -> Problem:
    if refusal.errno in FULL:
        return DiskFull()
    return DataReadOnly() if refusal.errno in CLOSED else StoreFailed()
