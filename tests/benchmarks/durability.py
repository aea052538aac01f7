"""Does an fsync lie between `msg:R` and `msg:A`? Not reasoned but seen: the server runs under strace once.

One message at a time, far enough apart that nothing else is synced in between; for each, the system calls must come
in this order: a read that brought `msg:R`, an fdatasync of the database's log that ended well, a write with `msg:A`.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.benchmarks.processes import NO_DELAY, load, server

MESSAGES_PER_S, COUNTED_S = 4.0, 5.0
CALLS = "fdatasync,fsync,read,recvfrom,recvmsg,readv,write,sendto,sendmsg,writev"
_CALL = re.compile(r"^(\d+) +(?:<\.\.\. )?(\w+)")
SYNCS, READS = {"fdatasync", "fsync"}, {"read", "recvfrom", "recvmsg", "readv"}


def durability() -> dict[str, Any]:
    """Trace the server for a few messages; {} where there is no strace."""
    strace = shutil.which("strace")
    if strace is None:
        return {}
    with tempfile.TemporaryDirectory(prefix="hexagram-bench-") as folder:
        trace = Path(folder) / "trace"
        under = (strace, "-f", "-y", "-qq", "-s", "4096", "-e", f"trace={CALLS}", "-e", "signal=none", "-o", str(trace))
        with server(2, *NO_DELAY, under=under) as service:
            done = load(service, work="w2", rate_per_s=MESSAGES_PER_S, warm_up_s=0.1, counted_s=COUNTED_S)
        seen = ordered(trace.read_text(errors="replace").splitlines())
    return {**seen, "sent": done["sent"], "findings": done["findings"]}


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
