"""What a power cut leaves: for each file what was synced, and of the rest any part, in pieces of 512 bytes."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

from tests.disks.recording import DELETE, FAILED, SYNC, TRUNCATE, WRITE, Op, Recording

SECTOR_BYTES = 512
FATES = ("lost", "kept", "first", "any", "torn", "garbage")
"""What becomes of writes that were not synced: none, all, the first ones (the next one torn), some of them,
some sectors of each, and some sectors with rubbish where the file grew."""


@dataclass
class _File:
    """One file: what is on the platter, what the program sees, and the calls between the two.

    `safe` None: its name is not on the disk.
    """

    safe: bytes | None
    seen: bytearray | None
    pending: list[Op] = field(default_factory=list)


class Disk:
    """Follows a recording call by call; can say at each moment what is seen, and what a cut would leave."""

    def __init__(self, recording: Recording) -> None:
        self._ops = recording.ops
        seen = recording.base | recording.ghost
        self._files = {name: _File(recording.base.get(name), bytearray(data)) for name, data in seen.items()}
        self._done = 0

    def advance(self, upto: int) -> None:
        """Let the first `upto` calls have happened."""
        for op in self._ops[self._done : upto]:
            self._do(op)
        self._done = max(self._done, upto)

    def _do(self, op: Op) -> None:
        if op.kind not in (WRITE, TRUNCATE, SYNC, FAILED, DELETE):
            return
        file = self._files.setdefault(op.file, _File(None, None))
        if op.kind == SYNC:
            if file.safe is None:  # with the first sync of a new journal or log SQLite syncs the folder as well
                self._sync_folder()
            safe = None if file.safe is None else bytearray(file.safe)
            for pending in file.pending:
                safe = _after(safe, pending)
            file.safe, file.pending = (bytes(safe) if safe is not None else None), []
        elif op.kind == FAILED:  # the system forgets what it could not write: it is seen, and never synced again
            file.pending = []
        elif op.kind == DELETE and op.durable:
            file.safe, file.seen, file.pending = None, None, []
        else:
            file.seen = _after(file.seen, op)
            file.pending.append(op)

    def _sync_folder(self) -> None:
        """Names that were taken out of it do not come back."""
        for file in self._files.values():
            gone = [place for place, op in enumerate(file.pending) if op.kind == DELETE]
            if gone:
                file.safe, file.pending = None, file.pending[gone[-1] + 1 :]

    def seen(self) -> dict[str, bytes]:
        """What the program would find, without a cut."""
        return {name: bytes(file.seen) for name, file in self._files.items() if file.seen is not None}

    def safe(self) -> dict[str, bytes]:
        """What is on the platter, and nothing else."""
        return {name: file.safe for name, file in self._files.items() if file.safe is not None}

    def cut(self, dice: random.Random) -> tuple[str, dict[str, bytes]]:
        """The power goes now: the fate that was drawn, and the files as they are afterwards."""
        fate = dice.choice(FATES)
        left = {name: _left(file, fate, dice) for name, file in self._files.items()}
        return fate, {name: bytes(data) for name, data in left.items() if data is not None}


def _after(seen: bytearray | None, op: Op) -> bytearray | None:
    if op.kind == DELETE:
        return None
    seen = bytearray() if seen is None else seen
    if op.kind == TRUNCATE:
        if op.offset < len(seen):
            del seen[op.offset :]
        else:
            seen.extend(bytes(op.offset - len(seen)))
        return seen
    _put(seen, op.offset, op.data)
    return seen


def _put(file: bytearray, offset: int, data: bytes) -> None:
    if len(file) < offset:
        file.extend(bytes(offset - len(file)))
    file[offset : offset + len(data)] = data


def _left(file: _File, fate: str, dice: random.Random) -> bytearray | None:
    left = None if file.safe is None else bytearray(file.safe)
    first = dice.randint(0, len(file.pending))
    for place, op in enumerate(file.pending):
        if fate == "lost" or (fate == "first" and place > first):
            break
        torn = fate in ("torn", "garbage") or (fate == "first" and place == first)
        if fate == "any" and dice.random() < 0.5:
            continue
        if not torn or op.kind != WRITE:
            if op.kind == WRITE or dice.random() < 0.7 or fate in ("kept", "first"):
                left = _after(left, op)
            continue
        left = bytearray() if left is None else left
        _tear(left, op, dice, garbage=fate == "garbage")
    return left


def _tear(left: bytearray, op: Op, dice: random.Random, *, garbage: bool) -> None:
    """Each sector of this write came through, or did not."""
    for start in range(0, len(op.data), SECTOR_BYTES):
        at, piece = op.offset + start, op.data[start : start + SECTOR_BYTES]
        if dice.random() < 0.5:
            _put(left, at, piece)
        elif garbage and at >= len(left):
            _put(left, at, dice.randbytes(len(piece)))


def lay_out(files: dict[str, bytes], path: Path) -> None:
    """Write these files where a database named `path` has them."""
    for suffix, data in files.items():
        Path(f"{path}{suffix}").write_bytes(data)
