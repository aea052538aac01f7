"""Landlock: which files a process of Linux may still open, decided once and for good (SEC-33).

Spoken to by system call: the C library has no function for it. Numbers and bits are those of the kernel's
`landlock.h`, the same on every processor.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
ASK_VERSION, PATH_BENEATH = 1, 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_FILE, MAKE_REG, TRUNCATE = 1, 2, 4, 8, 32, 256, 1 << 14
READ = READ_FILE | READ_DIR
READ_AND_WRITE = READ | WRITE_FILE | REMOVE_FILE | MAKE_REG | TRUNCATE
FILE_ONLY = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
"""What may be said of a single file; the rest is about folders."""

FILES_OF_VERSION = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
CONNECTIONS, SIGNALS_AND_SOCKETS = 3, 3
CONNECTIONS_SINCE, SIGNALS_SINCE = 4, 6


def version() -> int:
    """The version of Landlock that the kernel speaks.

    Raises:
        OSError: none.
    """
    if sys.platform != "linux":
        raise OSError(f"not offered by {sys.platform}")
    return _call(CREATE_RULESET, None, 0, ASK_VERSION)


def restrict(handles: Iterable[tuple[int, int]], paths: Iterable[tuple[str, int]]) -> None:
    """From now on this process and its children open what is named, and nothing else; no TCP either.

    Args:
        handles: open files or folders, each with what may be done with it and what is below it.
        paths: the same by name; one that is not there is left out.

    Raises:
        OSError: the kernel refused; nothing is restricted then.
    """
    speaks = version()
    files = FILES_OF_VERSION[min(speaks, max(FILES_OF_VERSION))]
    connections = CONNECTIONS if speaks >= CONNECTIONS_SINCE else 0
    outside = SIGNALS_AND_SOCKETS if speaks >= SIGNALS_SINCE else 0
    asked = struct.pack("=QQQ", files, connections, outside)[: 8 * (1 + (speaks >= 4) + (speaks >= 6))]
    rules = _call(CREATE_RULESET, asked, len(asked), 0)
    try:
        for handle, allowed in handles:
            _allow(rules, handle, allowed & files)
        for path, allowed in paths:
            with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
                _allow_path(rules, path, allowed & files)
        _call(RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def _allow_path(rules: int, path: str, allowed: int) -> None:
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        _allow(rules, handle, allowed if os.path.isdir(path) else allowed & FILE_ONLY)
    finally:
        os.close(handle)


def _allow(rules: int, handle: int, allowed: int) -> None:
    _call(ADD_RULE, rules, PATH_BENEATH, struct.pack("=Qi", allowed, handle), 0)


def _call(number: int, *words: int | bytes | None) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.syscall(ctypes.c_long(number), *(_word(word) for word in words))
    if done < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return int(done)


def _word(word: int | bytes | None) -> ctypes.c_long | ctypes.c_char_p:
    return ctypes.c_long(word) if isinstance(word, int) else ctypes.c_char_p(word)
