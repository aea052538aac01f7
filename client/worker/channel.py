"""The worker's end of the talk: lines in, each with at most one open file, and lines out.

Where the system passes open files between processes the requests come through a socket, and with each comes the handle
of the one file it is about (SEC-32); elsewhere through a pipe, and the file is named by its path.
"""

from __future__ import annotations

import json
import os
import socket
import stat
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

LINE_BYTES_MAX = 64 * 1024
READ_BYTES = 64 * 1024
HANDLES_AT_ONCE = 4


class Channel:
    """Takes over standard input and output; whatever a library prints goes to the error channel from now on."""

    def __init__(self) -> None:
        self._requests = os.dup(sys.stdin.fileno())
        self._answers: BinaryIO = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, sys.stdin.fileno())
        os.close(nothing)
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def requests(self) -> Iterator[tuple[bytes, int | None]]:
        """Lines until the input ends, each with the handle that came with it; the handle is the taker's to close."""
        read = self._of_socket() if stat.S_ISSOCK(os.fstat(self._requests).st_mode) else self._of_pipe()
        rest, handles = b"", list[int]()
        for data, came in read:
            handles += came
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                yield line, handles.pop(0) if handles else None
            if len(rest) > LINE_BYTES_MAX:
                return

    def say(self, what: dict[str, Any]) -> None:
        """Write one line."""
        self._answers.write(json.dumps(what, separators=(",", ":")).encode("ascii") + b"\n")
        self._answers.flush()

    def let_go(self) -> None:
        """Close both ends: for a child process that has a channel of its own."""
        os.close(self._requests)
        self._answers.close()

    def _of_pipe(self) -> Iterator[tuple[bytes, list[int]]]:
        while data := os.read(self._requests, READ_BYTES):
            yield data, []

    def _of_socket(self) -> Iterator[tuple[bytes, list[int]]]:
        with socket.socket(fileno=os.dup(self._requests)) as line:
            while True:
                data, came, _flags, _address = socket.recv_fds(line, READ_BYTES, HANDLES_AT_ONCE)
                if not data:
                    return
                yield data, list(came)
