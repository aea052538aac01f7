"""A real process whose disk fails, lies or is slow on demand: `shim.c`, compiled here, and the orders it obeys."""

from __future__ import annotations

import errno
import mmap
import shutil
import struct
import subprocess
import sys
from pathlib import Path

SYNC, WRITE, RENAME = 0, 1, 2
_FIELDS = ("from", "times", "error", "perform", "kill", "delay_ms", "seen", "harmed")
_SIZE = 4 * len(_FIELDS)
SOURCE = Path(__file__).with_name("shim.c")


def missing() -> str:
    """What is not here that this needs; empty if nothing."""
    if not sys.platform.startswith("linux"):
        return "LD_PRELOAD is Linux's"
    return "" if shutil.which("cc") else "there is no C compiler (cc) here to make the failing disk with"


def compiled(folder: Path) -> Path:
    """The library, made here."""
    made = folder / "failing-disk.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(made), str(SOURCE), "-ldl"], check=True
    )
    return made


class BadDisk:
    """The orders of one process. `env` belongs into its environment.

    Args:
        library: the compiled shim.
        folder: where the orders are kept.
        of: a word in the paths of the files that are meant.
    """

    def __init__(self, library: Path, folder: Path, of: str) -> None:
        path = folder / "disk-orders"
        path.write_bytes(bytes(3 * _SIZE))
        with path.open("r+b") as file:
            self._orders = mmap.mmap(file.fileno(), 3 * _SIZE)
        self.env = {"LD_PRELOAD": str(library), "HEXAGRAM_DISK_ORDERS": str(path), "HEXAGRAM_DISK_OF": of}

    def fail(
        self,
        kind: int,
        error: int = errno.EIO,
        *,
        at: int = 1,
        times: int = 1,
        perform: bool = False,
        kill: bool = False,
    ) -> None:
        """From the `at`-th call of this kind on, `times` of them answer `error` (0: success, and do nothing)."""
        self._set(kind, "times", 0)
        self._set(kind, "error", error)
        self._set(kind, "perform", int(perform))
        self._set(kind, "kill", int(kill))
        self._set(kind, "from", at)
        self._set(kind, "times", times)

    def slow(self, kind: int, delay_ms: int) -> None:
        """Every call of this kind takes so much longer from now on."""
        self._set(kind, "delay_ms", delay_ms)

    def heal(self) -> None:
        """A good disk from now on."""
        for kind in (SYNC, WRITE, RENAME):
            for field in ("times", "from", "delay_ms", "kill"):
                self._set(kind, field, 0)

    def seen(self, kind: int) -> int:
        """Calls of this kind so far."""
        return self._get(kind, "seen")

    def harmed(self, kind: int) -> int:
        """Those of them that were harmed."""
        return self._get(kind, "harmed")

    def close(self) -> None:
        """The process has ended."""
        self._orders.close()

    def _set(self, kind: int, field: str, value: int) -> None:
        struct.pack_into("=i", self._orders, kind * _SIZE + 4 * _FIELDS.index(field), value)

    def _get(self, kind: int, field: str) -> int:
        return int(struct.unpack_from("=i", self._orders, kind * _SIZE + 4 * _FIELDS.index(field))[0])
