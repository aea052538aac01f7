"""A measured run: inputs, seconds, the slowest input, how much memory stayed; and what breaks it."""

from __future__ import annotations

import faulthandler
import gc
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

from protocol.limits import MIB
from tests.fuzz.mutate import Mutator
from tests.fuzz.parsers import Feed, Parser

HANG_S = 1.0
GROWTH_MAX_BYTES = 64 * MIB
HUNG_S = 60.0  # an input that takes so long will not end by itself: the run ends with its stack
WARM_SHARE, WARM_MIN = 0.02, 2_000  # of the inputs, before memory is measured for the first time
LOOKS = 50
HEAD = "| parser | inputs | seconds | inputs/s | slowest input ms | growth MiB |\n|---|---:|---:|---:|---:|---:|"


class Finding(Exception):
    """An input that breaks a promise."""

    def __init__(self, what: str, data: bytes) -> None:
        super().__init__(what)
        self.data = data

    def keep(self, folder: Path) -> Path:
        """Write the input down; returns where."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / hashlib.sha256(self.data).hexdigest()[:16]
        path.write_bytes(self.data)
        return path


@dataclass(frozen=True)
class Report:
    """How a run went; `growth_bytes` is None where a system does not say."""

    name: str
    inputs: int
    seconds: float
    slowest_s: float
    growth_bytes: int | None

    def row(self) -> str:
        """The row of the table."""
        growth = "?" if self.growth_bytes is None else f"{self.growth_bytes / MIB:.1f}"
        rate = self.inputs / self.seconds
        return (
            f"| {self.name} | {self.inputs:,} | {self.seconds:,.0f} | {rate:,.0f} | {self.slowest_s * 1000:.1f} "
            f"| {growth} |"
        )


def resident_bytes() -> int | None:
    """How much memory this process holds."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, AttributeError, ValueError):
        return None


def run(parser: Parser, inputs: int, seed: int) -> Report:
    """The corpus as it is, then mutations of it. Raises Finding."""
    feed, corpus = parser.open(), parser.seeds()
    feed(corpus[0])  # what is imported on the way is not counted
    mutator = Mutator(corpus, seed, parser.max_bytes)
    warm_at = min(inputs, max(WARM_MIN, int(inputs * WARM_SHARE)))
    look_every = max(1, inputs // LOOKS)
    start_bytes = most_bytes = None
    slowest_s = 0.0
    began_s = perf_counter()
    for count in range(inputs):
        data = corpus[count][: parser.max_bytes] if count < len(corpus) else mutator.one()
        slowest_s = max(slowest_s, timed(feed, data))
        if count == warm_at:
            start_bytes = most_bytes = _settled_bytes()
        elif start_bytes is not None and most_bytes is not None and count % look_every == 0:
            most_bytes = max(most_bytes, _settled_bytes() or 0)
            if most_bytes - start_bytes > GROWTH_MAX_BYTES:
                raise Finding(f"{(most_bytes - start_bytes) / MIB:.0f} MiB more after {count} inputs", data)
    grown = None if start_bytes is None or most_bytes is None else most_bytes - start_bytes
    return Report(parser.name, inputs, perf_counter() - began_s, slowest_s, grown)


def timed(feed: Feed, data: bytes) -> float:
    """Feed one input; returns how long it computed, in seconds: a busy machine is no finding. Raises Finding."""
    if len(data) > 2_000:  # only what is long can hang; arming a watchdog for each short one would cost more than it
        faulthandler.dump_traceback_later(HUNG_S, exit=True, file=2)
    began_s = process_time()
    try:
        feed(data)
    except Exception as error:
        raise Finding(f"{type(error).__name__}: {error}"[:300], data) from error
    took_s = process_time() - began_s
    if len(data) > 2_000:
        faulthandler.cancel_dump_traceback_later()
    if took_s > HANG_S:
        raise Finding(f"{took_s:.1f} s", data)
    return took_s


def _settled_bytes() -> int | None:
    gc.collect()
    return resident_bytes()
