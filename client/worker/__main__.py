"""The media worker: one JSON line in, one JSON line out, until the input ends.

    > {"id": 1, "do": "inspect", "path": "...", "kind": "auto", "strip_location": true, "out_dir": "..."}
    < {"id": 1, "ok": {...}}   or   {"id": 1, "problem": "media_vanished", "facts": {...}}

The first line it says is {"ready": {"layers": [...], "skipped": {...}, "tools": [...]}}: what holds it
back, what this system could not offer, and which programs it found. Foreign files are decoded here and
nowhere else (SEC-32).
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, BinaryIO

from client.worker import ffmpeg, jobs, limits
from client.worker.source import Refusal

LINE_BYTES_MAX = 64 * 1024
TOOLS = ("ffmpeg", "ffprobe")


def main() -> int:
    """Serve requests until the input ends; the exit code is always 0."""
    requests, answers = sys.stdin.buffer, _own_output()
    ready = limits.apply() | {"tools": [tool for tool in TOOLS if ffmpeg.find(tool)]}
    _say(answers, {"ready": ready})
    while line := requests.readline(LINE_BYTES_MAX):
        _say(answers, answer(line))
    return 0


def answer(line: bytes) -> dict[str, Any]:
    """Answer one request line; whatever goes wrong in it is told, not thrown."""
    number = None
    try:
        request = json.loads(line)
        number = request["id"]
        return {"id": number, "ok": jobs.run(request)}
    except Refusal as refusal:
        return {"id": number, "problem": refusal.code, "facts": refusal.facts}
    except OSError as problem:  # a disk that fails while we read, or has no room for the copy
        return {"id": number, "problem": "media_unreadable", "facts": {"reason": type(problem).__name__}}
    except (KeyError, TypeError, ValueError) as problem:
        return {"id": number, "problem": "bad_request", "facts": {"reason": type(problem).__name__}}
    except Exception as problem:  # a decoder may raise anything; the next file must not suffer for it
        return {"id": number, "problem": "worker_failed", "facts": {"reason": type(problem).__name__}}


def _own_output() -> BinaryIO:
    """Keep the answers' channel for answers: whatever a library prints goes to the error channel."""
    channel = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return channel


def _say(answers: BinaryIO, what: dict[str, Any]) -> None:
    answers.write(json.dumps(what, separators=(",", ":")).encode("ascii") + b"\n")
    answers.flush()


if __name__ == "__main__":
    sys.exit(main())
