"""Everything a database asks of its disk, written down in order: writes, cuts, syncs, deletions, and what was said.

A VFS of SQLite passes each call on to the real disk and notes it. What a power cut at any moment would have left is
made later from these notes (`power.py`), as often as wanted. SQLite's shared memory is not written down: a power cut
takes it away.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

_NUMBERS = itertools.count(1)
WRITE, TRUNCATE, SYNC, FAILED, DELETE, POINT, SAID = (
    "write", "truncate", "sync", "failed sync", "delete", "point", "said",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Op:
    """One call, or one moment. `file` is the suffix behind the database's name: "", "-wal" or "-journal"."""

    kind: str
    file: str = ""
    offset: int = 0
    data: bytes = b""
    durable: bool = True
    fact: Any = None


Fault = Callable[[str, str], None]
"""Called with kind and file before each call; raises what the disk shall answer."""


def _no_fault(kind: str, file: str) -> None:
    return


@dataclass
class Recording:
    """What one database did to one disk. `base` is what lay there before; `ghost` what was seen there instead."""

    path: Path
    base: dict[str, bytes] = field(default_factory=dict)
    ghost: dict[str, bytes] = field(default_factory=dict)
    ops: list[Op] = field(default_factory=list)
    fault: Fault = _no_fault
    name: str = field(default_factory=lambda: f"recorded-{next(_NUMBERS)}")

    def __post_init__(self) -> None:
        self._vfs = _Vfs(self)

    def note(self, op: Op) -> None:
        self.ops.append(op)

    def said(self, fact: Any) -> None:
        """Somebody outside knows this from now on."""
        self.ops.append(Op(SAID, fact=fact))

    def point(self, *, durable: bool, touched: frozenset[str] = frozenset()) -> None:
        """A transaction has ended, if anything was written since the last one."""
        for op in reversed(self.ops):
            if op.kind == POINT:
                return
            if op.kind != SAID:
                break
        else:
            return
        self.ops.append(Op(POINT, durable=durable, fact=touched))

    def suffix(self, name: str) -> str:
        """Which of the database's files this is."""
        return name[len(str(self.path)) :]

    def close(self) -> None:
        """Take the VFS out of SQLite."""
        self._vfs.unregister()


class _Vfs(apsw.VFS):
    """The real disk of this system, with a pen."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        super().__init__(recording.name, "")

    def xOpen(self, name: Any, flags: list[int]) -> Any:
        file = self._recording.suffix(name.filename() if isinstance(name, apsw.URIFilename) else str(name or ""))
        if name is None or file not in ("", "-wal", "-journal"):
            return super().xOpen(name, flags)  # a temporary file: no promise lies in it
        return _File(self._recording, file, name, flags)

    def xDelete(self, name: str, sync_folder: bool) -> None:
        file = self._recording.suffix(name)
        self._recording.fault(DELETE, file)
        super().xDelete(name, sync_folder)
        self._recording.note(Op(DELETE, file, durable=bool(sync_folder)))


class _File(apsw.VFSFile):
    """One file, each change of which is noted."""

    def __init__(self, recording: Recording, file: str, name: Any, flags: list[int]) -> None:
        self._recording, self._file = recording, file
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        self._recording.fault(WRITE, self._file)
        super().xWrite(data, offset)
        self._recording.note(Op(WRITE, self._file, offset, bytes(data)))

    def xTruncate(self, size: int) -> None:
        self._recording.fault(TRUNCATE, self._file)
        super().xTruncate(size)
        self._recording.note(Op(TRUNCATE, self._file, size))

    def xSync(self, flags: int) -> None:
        try:
            self._recording.fault(SYNC, self._file)
        except apsw.Error:
            self._recording.note(Op(FAILED, self._file))
            raise
        super().xSync(flags)
        self._recording.note(Op(SYNC, self._file))
