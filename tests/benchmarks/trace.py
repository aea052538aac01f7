"""What a trace of system calls says about the order of reading, syncing and answering."""

from __future__ import annotations

import re
from collections.abc import Iterable

_CALL = re.compile(r"^(\d+) +(?:<\.\.\. )?(\w+)")
SYNCS, READS = {"fdatasync", "fsync"}, {"read", "recvfrom", "recvmsg", "readv"}


def ordered(lines: Iterable[str]) -> dict[str, int]:
    """How many `msg:A` were written, and before how many of them a sync began after `msg:R` came, and ended."""
    accepted = synced = 0
    begun: set[str] = set()
    safe = False
    for line in lines:
        call = _CALL.match(line)
        if call is None:
            continue
        thread, name = call.groups()
        if name in READS and "msg:R" in line:
            begun, safe = set(), False
        elif name in SYNCS:
            if "resumed" not in line and "-wal>" in line:
                begun.add(thread)
            if line.endswith("= 0") and thread in begun:
                safe = True
        elif name not in READS and "msg:A" in line and "resumed" not in line:
            accepted += 1
            synced += safe
    return {"accepted": accepted, "after_a_sync": synced}
