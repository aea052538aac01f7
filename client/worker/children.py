"""One process for one file: forked, walled in, listened to until it has answered, and ended.

What a decoder does to its process dies with it, and the next file never meets what the last one left behind. The
child speaks through a pipe of its own; its words are passed on only while its file is worked on.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, TypeAlias

from client.worker import limits

ANSWER_BYTES_MAX = 512 * 1024
LAST_WORDS = ("ok", "problem")
Tell: TypeAlias = Callable[[dict[str, Any]], None]


def answers(work: Callable[[Tell], None]) -> Iterator[dict[str, Any]]:
    """Do `work` in a child and yield what it tells, the answer last; {"lost": why} if it ended without one."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _live(work, writing)
    os.close(writing)
    last: dict[str, Any] | None = None
    try:
        for said in _heard(reading):
            yield said
            if any(word in said for word in LAST_WORDS):
                last = said
                break
    finally:
        os.close(reading)
        ended = _end(child)
    if last is None:
        yield {"lost": ended}


def _live(work: Callable[[Tell], None], writing: int) -> None:
    """The child's whole life. It never returns into the code of its parent."""
    try:
        limits.die_with_parent()
        work(lambda said: _write(writing, said))
    except BaseException:
        os._exit(1)
    os._exit(0)


def _write(writing: int, said: dict[str, Any]) -> None:
    line = json.dumps(said, separators=(",", ":")).encode("ascii") + b"\n"
    while line:
        line = line[os.write(writing, line) :]


def _heard(reading: int) -> Iterator[dict[str, Any]]:
    """Lines that are objects; a child that says anything else is not heard any further."""
    rest = b""
    while data := os.read(reading, 65_536):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            said = _read(line)
            if said is None:
                return
            yield said
        if len(rest) > ANSWER_BYTES_MAX:
            return


def _read(line: bytes) -> dict[str, Any] | None:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _end(child: int) -> str:
    """Wait for the child, which is killed if it goes on; returns how it ended."""
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    _child, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return f"signal {-code}" if code < 0 else f"exit code {code}"
