"""The folder of downloads as a cache: what lies there, when it was used last, and how something goes.

A file is named by its hash: `<first two digits>/<sha256><extension>`; `.part` is the beginning of one that still comes.
Everything here works on the disk and is called on threads.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from client.adapters.http_files import PART
from client.core.spending import Stored

MS_NS: Final = 1_000_000

_NAME: Final = re.compile(r"([0-9a-f]{64})(\.[^/\\]*)?")


class Cache:
    """One folder. Whoever decides what goes knows what is shown; this knows only files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def stored(self) -> list[Stored]:
        """What lies here; a file that nobody of us named is no part of it."""
        found = []
        with suppress(FileNotFoundError):
            for folder in os.scandir(self._folder):
                if folder.is_dir(follow_symlinks=False):
                    found += _stored_in(folder.path)
        return found

    def remove(self, path: str) -> bool:
        """Take it away; whether it is gone. One that another program holds open may stay (Windows)."""
        if not self._is_here(path):
            return False
        try:
            os.unlink(path)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def used(self, path: str, at_ms: int) -> None:
        """Remember that somebody looked at it then; when it was written stays as it is, for it tells of changes."""
        if self._is_here(path):
            with suppress(OSError):
                os.utime(path, ns=(at_ms * MS_NS, os.stat(path).st_mtime_ns))

    def _is_here(self, path: str) -> bool:
        place = Path(path)
        named = _NAME.fullmatch(place.name) is not None and place.name[:2] == place.parent.name
        return named and place.parent.parent == self._folder


def _stored_in(folder: str) -> list[Stored]:
    found = []
    with suppress(FileNotFoundError):  # another thread may just have emptied it
        for file in os.scandir(folder):
            name = _NAME.fullmatch(file.name)
            if name is not None and file.name[:2] == os.path.basename(folder) and file.is_file(follow_symlinks=False):
                facts = file.stat()
                part_of = name[1] if name[2] == PART else ""
                found.append(Stored(file.path, facts.st_size, max(facts.st_atime_ns, facts.st_mtime_ns), part_of))
    return found
