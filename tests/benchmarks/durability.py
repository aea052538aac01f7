"""Does an fsync lie between `msg:R` and `msg:A`? Not reasoned but seen: the server runs under strace once.

One message at a time, far enough apart that nothing else is synced in between; for each, the system calls must come
in this order: a read that brought `msg:R`, an fdatasync of the database's log that ended well, a write with `msg:A`.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.processes import NO_DELAY, load, server
from tests.benchmarks.trace import ordered

MESSAGES_PER_S, COUNTED_S = 4.0, 5.0
CALLS = "fdatasync,fsync,read,recvfrom,recvmsg,readv,write,sendto,sendmsg,writev"


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
    safe = seen["accepted"] == seen["after_a_sync"] == done["sent"]
    findings = [*done["findings"], *([] if safe else ["msg:A without a sync before it"])]
    return {**seen, "sent": done["sent"], "findings": findings}
