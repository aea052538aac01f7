"""The hostile corpus through the real worker: it stays up, stays small, opens nothing, reaches nobody, says why."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from client.adapters.worker_pool import WorkerPool
from protocol.problems import BY_CODE
from tests.client.worker.talk import COMMAND, ROOT
from tests.hostile.corpus import NAMES, SECRET, UNSAFE, Hostile, corpus

WITHIN_S = 10.0
MEMORY_MIB_MAX = 1024
SAMPLES = ROOT / "resources" / "samples"


@pytest.fixture(scope="module")
def canary() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, canary: socket.socket) -> list[Hostile]:
    return corpus(tmp_path_factory.mktemp("hostile"), canary.getsockname()[1])


@pytest.fixture
async def pool(tmp_path: Path) -> AsyncIterator[WorkerPool]:
    real = WorkerPool(COMMAND, tmp_path / "out")
    yield real
    await real.close()


def assert_nobody_came(canary: socket.socket) -> None:
    with pytest.raises(BlockingIOError):
        canary.accept()


async def test_each_is_a_plain_file_and_says_why(
    pool: WorkerPool, files: list[Hostile], canary: socket.socket, tmp_path: Path
) -> None:
    await pool.look(str(SAMPLES / "photo.jpg"), "picture")
    worker = pool.pid
    for one in files:
        began_s = time.monotonic()
        shown = await pool.look(str(one.path), one.claimed, one.path.name)  # type: ignore[arg-type]
        assert time.monotonic() - began_s < WITHIN_S, one.what
        if one.why:
            assert (shown.kind, shown.preview, shown.waveform) == ("file", b"", b""), one.what
            assert shown.why in one.why, (one.what, shown.why)
            assert BY_CODE[shown.why]().for_person()
        assert len(shown.preview) <= 12 * 1024, one.what
    assert (await pool.look(str(SAMPLES / "photo.jpg"), "picture")).kind == "picture"
    assert pool.pid == worker, "the worker itself was never in danger"
    assert 0 < pool.peak_mib <= MEMORY_MIB_MAX
    assert_nobody_came(canary)
    assert not (tmp_path / "out").exists(), "looking writes nothing"


async def test_each_can_be_sent_on_as_it_is(pool: WorkerPool, files: list[Hostile], canary: socket.socket) -> None:
    """The same files, chosen by ourselves: what is not understood is a plain file."""
    for one in files:
        began_s = time.monotonic()
        found = await pool.inspect(str(one.path), one.path.name, one.claimed, "small")  # type: ignore[arg-type]
        assert time.monotonic() - began_s < WITHIN_S, one.what
        assert len(found.sha256) == 64, one.what
    assert 0 < pool.peak_mib <= MEMORY_MIB_MAX
    assert_nobody_came(canary)


@pytest.mark.parametrize("name", NAMES)
async def test_a_name_is_only_a_name(pool: WorkerPool, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    shutil.copy(SAMPLES / "photo.jpg", path)
    assert (await pool.look(str(path), "picture", name)).kind == "picture"
    assert (await pool.inspect(str(path), name, "auto")).name == name


# --- as the kernel sees it

TRACED = "openat,open,creat,connect,socket,execve,bind,sendto"
CALL = re.compile(r'^(?:\[pid\s+\d+\] |\d+\s+)?(\w+)\((?:AT_FDCWD, |\d+, )?"([^"]*)"?.*\) = (-?\d+)')


def calls(log: Path) -> list[tuple[str, str, int]]:
    found = (CALL.match(line) for line in log.read_text(errors="replace").splitlines())
    return [(match[1], match[2], int(match[3])) for match in found if match]


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.skipif(sys.platform != "linux", reason="strace is for Linux")
def test_nothing_outside_is_opened_and_nobody_is_called(files: list[Hostile], tmp_path: Path) -> None:
    """Every call of the worker, of the processes of its files and of ffmpeg, while it works through the corpus."""
    log, out = tmp_path / "log", tmp_path / "out"
    good = Hostile("a voice note", SAMPLES / "voice.ogg", "voice")
    asked = [(one, "look") for one in (*files, good)] + [(one, "inspect") for one in files if UNSAFE in one.why]
    requests = [
        {"id": number, "do": do, "path": str(one.path), "kind": one.claimed, "out_dir": str(out)}
        for number, (one, do) in enumerate(asked)
    ]
    lines = b"".join(json.dumps(request).encode() + b"\n" for request in requests)
    words = ["strace", "-f", "-qq", "-s", "300", "-e", f"trace={TRACED}", "-o", str(log), *COMMAND]
    said = subprocess.run(words, cwd=ROOT, input=lines, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    assert len(said.stdout.splitlines()) == len(requests) + 1

    seen = calls(log)
    programs = {path for name, path, result in seen if name == "execve" and result == 0} - {sys.executable}
    assert "ffmpeg" in {Path(path).name for path in programs} <= {"ffmpeg", "ffprobe"}, programs
    folder = files[0].path.parent
    inputs = {str(one.path) for one in files}
    assert {path for _name, path, _result in seen if path.startswith(str(folder))} == inputs
    assert not [path for _name, path, _result in seen if SECRET in path], "not even tried"
    text = log.read_text(errors="replace")
    assert not re.findall(r"(?m)^\d+\s+(?:connect|sendto|bind)\(.*AF_INET", text), "no connection is even tried"
