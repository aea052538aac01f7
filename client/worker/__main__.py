"""The media worker: one JSON line in, one JSON line out, until the input ends.

    > {"id": 1, "do": "inspect", "path": "...", "kind": "auto", "strip_location": true, "out_dir": "..."}
    < {"id": 1, "ok": {...}}   or   {"id": 1, "problem": "media_vanished", "facts": {...}}

Long jobs say {"id": 1, "progress": [done_ms, whole_ms]} in between; {"id": 1, "lost": "signal 11"} means that the
process of the file ended without an answer. The first line is {"ready": {"layers": [...], "skipped": {...},
"tools": [...]}}: what holds the worker back, what this system could not offer, and which programs it found. Foreign
files are decoded here and nowhere else (SEC-32).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from client.worker import children, ffmpeg, jail, jobs, limits
from client.worker.channel import Channel
from client.worker.children import Tell
from client.worker.source import Refusal


def main() -> int:
    """Serve requests until the input ends; the exit code is always 0."""
    channel = Channel()
    channel.say({"ready": ready()})
    for line, handle in channel.requests():
        for said in answers(line, handle, channel):
            channel.say(said)
    return 0


def ready() -> dict[str, Any]:
    """Take every layer that is for the whole life of the worker, and name those that each file adds."""
    said = limits.apply()
    for name, why in jail.offered().items():
        if why:
            said["skipped"][name] = why
        else:
            said["layers"].append(name)
    return said | {"tools": [tool for tool in jail.PROGRAMS if ffmpeg.find(tool)]}


def answers(line: bytes, handle: int | None, channel: Channel) -> Iterator[dict[str, Any]]:
    """Do one request, in a process of its own where the system has those; whatever goes wrong in it is told."""
    try:
        request = json.loads(line)
        number = request["id"]
    except (KeyError, TypeError, ValueError, RecursionError) as problem:
        yield {"id": None, "problem": "bad_request", "facts": {"reason": type(problem).__name__}}
    else:
        for said in _done(request, handle, channel):
            yield {"id": number, **said}
    finally:
        if handle is not None:
            with suppress(OSError):  # whoever worked with it here may have closed it
                os.close(handle)


def _done(request: dict[str, Any], handle: int | None, channel: Channel) -> Iterator[dict[str, Any]]:
    if jail.forks():
        jobs.prepare(request, handle)
        yield from children.answers(lambda tell: _work_alone(channel, request, handle, tell))
    else:
        told: list[dict[str, Any]] = []
        work(request, handle, told.append, jobs.no_wall)
        yield from told


def _work_alone(channel: Channel, request: dict[str, Any], handle: int | None, tell: Tell) -> None:
    channel.let_go()
    work(request, handle, tell, jail.enter)


def work(request: dict[str, Any], handle: int | None, tell: Tell, wall: jobs.Wall) -> None:
    """Do the request and tell how it went; nothing is thrown."""
    try:
        said: dict[str, Any] = {"ok": jobs.run(request, handle, tell, wall)}
    except Refusal as refusal:
        said = {"problem": refusal.code, "facts": refusal.facts}
    except OSError as problem:  # a disk that fails while we read, or has no room for the copy
        said = {"problem": "media_unreadable", "facts": {"reason": type(problem).__name__}}
    except (KeyError, TypeError, ValueError) as problem:
        said = {"problem": "bad_request", "facts": {"reason": type(problem).__name__}}
    except Exception as problem:  # a decoder may raise anything; the next file must not suffer for it
        said = {"problem": "worker_failed", "facts": {"reason": type(problem).__name__}}
    tell(said | {"peak_mib": limits.peak_mib()})


if __name__ == "__main__":
    sys.exit(main())
