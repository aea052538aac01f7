"""What a process has used so far, as the system tells it (Linux)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple


class Usage(NamedTuple):
    """Processor time of all threads, user and system together, and memory that is resident now."""

    cpu_s: float
    rss_bytes: int


def usage_of(pid: int) -> Usage:
    """Read /proc; a tick is 10 ms, so measure for seconds."""
    _, _, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    fields = rest.split()
    ticks, pages = int(fields[11]) + int(fields[12]), int(fields[21])
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE"))
