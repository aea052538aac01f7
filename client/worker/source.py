"""One foreign file, opened once: everything the worker learns, it learns through this handle.

The handle stays the same file even if the name is given to another one meanwhile, and decoders are handed
the handle's own name where the system has such names, so that no sign in the person's file name means
anything to them.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

BLOCK_BYTES = 1024 * 1024
HEAD_BYTES = 4096
OWN_HANDLES = "/proc/self/fd"  # Linux


class Refusal(Exception):
    """The file cannot be sent. `code` is stable; `facts` hold no folder names."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code, facts)
        self.code, self.facts = code, facts


class Undecodable(Exception):
    """Not what it claims to be, or more than we decode: a plain file. `why` is a code of `protocol.problems`."""

    why = "media_not_shown"


class OtherKind(Undecodable):
    """Nothing of this kind is in the file: no film in a sound, no sound in a film. It may be the other."""

    why = "media_not_as_said"


class TooBig(Undecodable):
    """More pixels, more time or more streams than we decode (SEC-34)."""

    why = "media_too_big_to_show"


class Unsafe(Undecodable):
    """It names other files or addresses, or is a second thing for another program (SEC-29, SEC-35)."""

    why = "media_unsafe"


@dataclass(frozen=True, slots=True)
class Source:
    """An open regular file: its handle, its size in bytes when it was opened, its name, and its path if we know it."""

    handle: BinaryIO
    size_bytes: int
    name: str
    path: str = ""

    @property
    def decoder_name(self) -> str:
        """A name for decoders; in a child process it is valid if the handle was passed on."""
        if os.path.exists(OWN_HANDLES):
            return f"{OWN_HANDLES}/{self.handle.fileno()}"
        return os.path.abspath(self.path)

    def head(self, size_bytes: int = HEAD_BYTES) -> bytes:
        return self.at(0, size_bytes)

    def at(self, offset: int, size_bytes: int) -> bytes:
        """What is there, less if the file ends; nothing where a lying header points outside."""
        if not 0 <= offset <= self.size_bytes:
            return b""
        self.handle.seek(offset)
        return self.handle.read(size_bytes)

    def measured(self) -> tuple[int, str]:
        """Return the size in bytes and the SHA-256 (hex) of what is really in the file now, read in blocks."""
        digest, size_bytes = hashlib.sha256(), 0
        self.handle.seek(0)
        while block := self.handle.read(BLOCK_BYTES):
            digest.update(block)
            size_bytes += len(block)
        return size_bytes, digest.hexdigest()


@contextmanager
def opened(path: str, size_bytes_max: int) -> Iterator[Source]:
    """Open a file by its path.

    Raises:
        Refusal: media_vanished, media_unreadable, media_is_folder, media_empty or media_too_large.
    """
    with taken(handle_of(path), os.path.basename(path), size_bytes_max, path) as source:
        yield source


@contextmanager
def taken(handle: int, name: str, size_bytes_max: int, path: str = "") -> Iterator[Source]:
    """Read a file by its handle, which is closed with the block.

    Raises:
        Refusal: media_unreadable, media_is_folder, media_empty or media_too_large.
    """
    try:
        _check(os.fstat(handle), name, size_bytes_max)
        reader = os.fdopen(handle, "rb", closefd=False)
        with reader:
            yield Source(reader, os.fstat(handle).st_size, name, path)
    finally:
        os.close(handle)


def handle_of(path: str) -> int:
    """Open a path for reading. Non-blocking: a named pipe would otherwise hold us until somebody writes into it.

    Raises:
        Refusal: media_vanished, media_unreadable or media_is_folder.
    """
    name = os.path.basename(path)
    try:
        return os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (FileNotFoundError, NotADirectoryError) as gone:
        raise Refusal("media_vanished", name=name) from gone
    except IsADirectoryError as folder:
        raise Refusal("media_is_folder", name=name) from folder
    except (OSError, ValueError) as problem:
        if os.path.isdir(path):  # Windows calls a folder a matter of permission
            raise Refusal("media_is_folder", name=name) from problem
        raise Refusal("media_unreadable", name=name) from problem


def _check(status: os.stat_result, name: str, size_bytes_max: int) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise Refusal("media_is_folder", name=name)
    if not stat.S_ISREG(status.st_mode):
        raise Refusal("media_unreadable", name=name)
    if status.st_size == 0:
        raise Refusal("media_empty", name=name)
    if status.st_size > size_bytes_max:
        size_mb, limit_mb = (round(size / 1e6) for size in (status.st_size, size_bytes_max))
        raise Refusal("media_too_large", name=name, size_mb=size_mb, limit_mb=limit_mb)


def measured(path: str, size_bytes_max: int) -> tuple[int, str]:
    """Return the size in bytes and the SHA-256 (hex) of a file by its path. Raises Refusal."""
    with opened(path, size_bytes_max) as source:
        return source.measured()
