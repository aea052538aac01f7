"""The walls, tried from inside by somebody who wants out (SEC-33)."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from client.worker import jail, landlock, seccomp
from tests.client.worker.talk import ROOT

Told = Callable[..., Any]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the walls of Linux are tested where they are")

LEAD = """
import json, os, socket, subprocess, sys
from pathlib import Path
from client.worker import jail, limits
limits.apply()
handle = os.open({input!r}, os.O_RDONLY)
jail.enter([handle], Path({out!r}), starts_programs={programs})
def tried(what):
    try:
        what()
    except BaseException as problem:
        return type(problem).__name__
    return "done"
"""


@pytest.fixture
def told(tmp_path: Path) -> Callable[..., Any]:
    """Runs code behind the walls and returns what it says."""
    (tmp_path / "input").write_bytes(b"inside")
    (tmp_path / "out").mkdir()

    def run(code: str, *, programs: bool = False) -> Any:
        lead = LEAD.format(input=str(tmp_path / "input"), out=str(tmp_path / "out"), programs=programs)
        words = [sys.executable, "-c", f"{lead}\nprint(json.dumps({code}))"]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def need(name: str) -> None:
    if why := jail.offered()[name]:
        pytest.skip(f"this system has no {name}: {why}")


def test_it_reads_the_one_file_and_writes_into_the_one_folder(told: Told, tmp_path: Path) -> None:
    assert told("open(f'/proc/self/fd/{handle}').read()") == "inside"
    assert told(f"tried(lambda: open({str(tmp_path / 'out' / 'copy')!r}, 'x').write('made'))") == "done"
    assert (tmp_path / "out" / "copy").read_text() == "made"


def test_it_opens_nothing_else(told: Told, tmp_path: Path) -> None:
    need("files")
    (tmp_path / "neighbour").write_text("CANARY")
    home = tmp_path / "neighbour"
    assert told(f"tried(lambda: open({str(home)!r}).read())") == "PermissionError"
    assert told(f"tried(lambda: os.listdir({str(tmp_path)!r}))") == "PermissionError"
    assert told("tried(lambda: os.listdir(os.path.expanduser('~')))") == "PermissionError"
    assert told("tried(lambda: open('/etc/passwd').read())") == "PermissionError"
    assert told("tried(lambda: os.unlink(os.path.join('/proc/self/fd', str(handle))))") != "done"


def test_it_writes_nowhere_else(told: Told, tmp_path: Path) -> None:
    need("files")
    assert told(f"tried(lambda: open({str(tmp_path / 'planted')!r}, 'w'))") == "PermissionError"
    assert told(f"tried(lambda: open({str(tmp_path / 'input')!r}, 'a'))") == "PermissionError"
    assert told("tried(lambda: open('/tmp/planted', 'w'))") == "PermissionError"
    assert told(f"tried(lambda: os.symlink('/etc/passwd', {str(tmp_path / 'out' / 'link')!r}))") == "PermissionError"


@pytest.mark.parametrize("programs", [False, True])
def test_it_reaches_nobody(told: Told, programs: bool) -> None:
    need("system_calls")
    with socket.create_server(("127.0.0.1", 0)) as canary:
        address = canary.getsockname()
        canary.settimeout(0.1)
        assert told(f"tried(lambda: socket.create_connection({address!r}, 2))", programs=programs) == "PermissionError"
        with pytest.raises(TimeoutError):
            canary.accept()
    assert told("tried(lambda: socket.socket(socket.AF_UNIX))", programs=programs) == "PermissionError"
    assert told("tried(socket.socketpair)", programs=programs) == "PermissionError"


def test_it_starts_nothing(told: Told) -> None:
    need("system_calls")
    assert told("tried(os.fork)") == "PermissionError"
    assert told("tried(lambda: subprocess.run(['/bin/true']))") == "PermissionError"
    assert told("tried(lambda: os.execv('/bin/true', ['true']))") == "PermissionError"


def test_a_thread_is_no_program(told: Told) -> None:
    started = "[__import__('threading').Thread(target=print, args=()).start()]"
    assert told(f"tried(lambda: {started[1:-1]}) and 1") == 1


def test_with_programs_it_starts_those_two_and_no_other(told: Told) -> None:
    need("files")
    run = "tried(lambda: subprocess.run([{0!r}, '-version'], stdout=subprocess.DEVNULL, check=True))"
    program = subprocess.run(["which", "ffmpeg"], capture_output=True, text=True, check=True).stdout.strip()
    assert told(run.format(program), programs=True) == "done"
    assert told(run.format("/bin/ls"), programs=True) == "PermissionError"
    assert told(run.format(sys.executable), programs=True) == "PermissionError"


def test_two_gigabytes_are_not_to_be_had(told: Told) -> None:
    assert told("tried(lambda: bytearray(2 << 30))") == "MemoryError"


def test_another_process_is_not_to_be_touched(told: Told) -> None:
    need("system_calls")
    code = "__import__('ctypes').CDLL(None, use_errno=True).ptrace(16, os.getppid(), 0, 0)"
    assert told(code) == -1
    if landlock.version() >= landlock.SIGNALS_SINCE:
        assert told("tried(lambda: os.kill(os.getppid(), 0))") == "PermissionError"


def test_no_key_of_the_machine_is_to_be_asked_for(told: Told) -> None:
    need("system_calls")
    assert told("__import__('ctypes').CDLL(None, use_errno=True).syscall(323, 0)") == -1


def test_what_is_missing_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert set(jail.offered().values()) == {"not offered by darwin"}
    assert jail.forks() is False


def test_walls_that_are_not_there_are_not_put_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    jail.enter([], None, starts_programs=False)
    assert os.listdir("/")


def test_a_processor_without_numbers_has_no_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(OSError, match="riscv64"):
        seccomp.processor()


def test_the_filter_knows_both_processors() -> None:
    for on in seccomp.PROCESSORS.values():
        strict, loose = (seccomp.program(on, starts_programs=programs) for programs in (False, True))
        assert len(strict) % 8 == len(loose) % 8 == 0
        assert len(strict) > len(loose) > 8 * 2 * len(on.never)
        assert not set(on.never) & {*on.programs, on.clone}


def test_the_kernel_says_why_it_refuses() -> None:
    with pytest.raises(OSError, match="Invalid argument|Bad"):
        landlock._call(landlock.RESTRICT_SELF, 9999, 0)
