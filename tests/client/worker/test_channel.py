"""The worker's end of the talk, with a socket and with a pipe."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from client.worker import channel
from tests.client.worker.talk import COMMAND, ROOT

ECHO = """
import os
from client.worker.channel import Channel
channel = Channel()
print("what a library says")
for line, handle in channel.requests():
    found = None if handle is None else os.read(handle, 100).decode()
    channel.say({"line": line.decode(), "found": found})
"""


def test_each_line_comes_with_its_own_handle(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    with subprocess.Popen(
        [sys.executable, "-c", ECHO], cwd=ROOT, stdin=theirs.fileno(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        theirs.close()
        assert process.stdout is not None
        for number in range(3):
            path = tmp_path / str(number)
            path.write_text(f"inside {number}")
            handle = os.open(path, os.O_RDONLY)
            socket.send_fds(ours, [f"line {number}\n".encode()], [handle] if number != 1 else [])
            os.close(handle)
            found = f"inside {number}" if number != 1 else None
            assert json.loads(process.stdout.readline()) == {"line": f"line {number}", "found": found}
        ours.close()
        assert process.stdout.read() == b""


def test_lines_of_a_pipe_come_whole_however_they_are_cut() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ECHO], cwd=ROOT, input=b"one\ntwo\nthree without an end", stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    assert [json.loads(line)["line"] for line in done.stdout.splitlines()] == ["one", "two"]


def test_a_line_without_end_ends_the_talk() -> None:
    done = subprocess.run(
        COMMAND, cwd=ROOT, input=b"x" * (3 * channel.LINE_BYTES_MAX), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        check=False,
    )  # fmt: skip
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 1)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux passes open files to the worker")
def test_a_worker_needs_no_path(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    words = {"stdin": theirs.fileno(), "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(COMMAND, cwd=ROOT, **words) as process:  # type: ignore[call-overload]
        theirs.close()
        process.stdout.readline()
        handle = os.open(ROOT / "resources" / "samples" / "photo.jpg", os.O_RDONLY)
        request = {"id": 1, "do": "look", "kind": "picture", "name": "x.jpg", "out_dir": str(tmp_path)}
        socket.send_fds(ours, [json.dumps(request).encode() + b"\n"], [handle])
        os.close(handle)
        assert json.loads(process.stdout.readline())["ok"]["kind"] == "picture"
        ours.close()
