"""The bundled server is started, kept alive and ended; what it dies of becomes a sentence.

The servers here are small scripts; the real one is in tests/end_to_end.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from client.adapters import bundled_server
from client.adapters.bundled_server import EXIT_CODES, BundledServer
from protocol.problems import (
    BY_CODE,
    DataCorrupt,
    Problem,
    ServerInternal,
    ServerUnreachable,
)

# Listens in name only: says where it was told to listen, or at port 4001, and leaves a line about every start.
POLITE = """
import json, os, sys
folder = sys.argv[sys.argv.index("--data-dir") + 1]
if sys.argv[1] == "invite":
    print("an-invite"); sys.exit()
port = int(sys.argv[sys.argv.index("--listen") + 1].rpartition(":")[2])
with open(os.path.join(folder, "starts"), "a") as starts:
    starts.write(f"{os.getpid()} {port}\\n")
print(json.dumps({"event": "listening", "url": f"http://127.0.0.1:{port or 4001}"}), flush=True)
print("talking to the log", file=sys.stderr, flush=True)
sys.stdin.read()
"""
RUDE = POLITE.replace("sys.stdin.read()", "import time; time.sleep(60)")


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled_server, "PREDECESSOR_PAUSE_S", 0.0)
    monkeypatch.setattr(bundled_server, "upload_delay_s", lambda failures: 0.0)


@asynccontextmanager
async def running(folder: Path, script: str, **more: object) -> AsyncIterator[BundledServer]:
    server = BundledServer(folder, [sys.executable, "-c", script], **more)  # type: ignore[arg-type]
    try:
        yield server
    finally:
        await server.close()


def starts(folder: Path) -> list[tuple[int, int]]:
    """Process and port of every start."""
    lines = (folder / "starts").read_text().splitlines()
    return [(int(pid), int(port)) for pid, port in (line.split() for line in lines)]


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_it_starts_listens_and_ends(tmp_path: Path) -> None:
    async with running(tmp_path, POLITE) as server:
        assert await server.start() == "http://127.0.0.1:4001"
        assert server.url == "http://127.0.0.1:4001"
        assert await server.invite() == "an-invite"
        [(pid, _)] = starts(tmp_path)
        assert lives(pid)

    assert not lives(pid)


async def test_a_predecessor_that_still_holds_the_data_is_waited_for(tmp_path: Path) -> None:
    third = """
import os, sys
tries = sys.argv[2] + "/tries"
with open(tries, "a") as file: file.write("x")
if os.path.getsize(tries) < 3: sys.exit(23)
"""
    async with running(tmp_path, third + POLITE) as server:
        await server.start()
    assert (tmp_path / "tries").read_text() == "xxx"


async def test_it_keeps_its_port(tmp_path: Path) -> None:
    for _ in range(2):
        async with running(tmp_path, POLITE) as server:
            assert await server.start() == "http://127.0.0.1:4001"

    assert [port for _, port in starts(tmp_path)] == [0, 4001]


async def test_a_port_that_somebody_else_took_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "port").write_text("4000")
    busy = 'import sys\nif sys.argv[4].endswith(":4000"): sys.exit(12)\n' + POLITE
    async with running(tmp_path, busy) as server:
        assert await server.start() == "http://127.0.0.1:4001"

    assert (tmp_path / "port").read_text() == "4001"


@pytest.mark.parametrize("kept", ["", "nonsense", "70000", "-1"])
async def test_a_port_file_that_says_nothing(tmp_path: Path, kept: str) -> None:
    (tmp_path / "port").write_text(kept)
    async with running(tmp_path, POLITE) as server:
        await server.start()

    assert [port for _, port in starts(tmp_path)] == [0]


async def test_it_comes_back_after_a_kill(tmp_path: Path) -> None:
    back: asyncio.Queue[str] = asyncio.Queue()
    async with running(tmp_path, POLITE, on_back=back.put_nowait) as server:
        await server.start()
        for _ in range(2):
            os.kill(starts(tmp_path)[-1][0], signal.SIGKILL)
            async with asyncio.timeout(20):
                assert await back.get() == server.url

    assert [port for _, port in starts(tmp_path)] == [0, 4001, 4001]


async def test_who_knew_the_old_address_is_told_the_new_one(tmp_path: Path) -> None:
    back: asyncio.Queue[str] = asyncio.Queue()
    taken = 'import os, sys\nif sys.argv[4].endswith(":4001"): sys.exit(12)\n'
    other = POLITE.replace("port or 4001", "4002 if os.path.exists(folder + '/moved') else 4001")
    async with running(tmp_path, taken + other, on_back=back.put_nowait) as server:
        await server.start()
        (tmp_path / "moved").touch()
        os.kill(starts(tmp_path)[0][0], signal.SIGKILL)
        async with asyncio.timeout(20):
            assert await back.get() == "http://127.0.0.1:4002"


async def test_what_keeps_it_from_coming_back_is_told(tmp_path: Path) -> None:
    problems: asyncio.Queue[Problem] = asyncio.Queue()
    back: asyncio.Queue[str] = asyncio.Queue()
    once = 'import os, sys\nif os.path.exists(sys.argv[2] + "/starts"): sys.exit(22)\n' + POLITE
    async with running(tmp_path, once, on_problem=problems.put_nowait, on_back=back.put_nowait) as server:
        await server.start()
        os.kill(starts(tmp_path)[0][0], signal.SIGKILL)
        async with asyncio.timeout(20):
            assert isinstance(await problems.get(), DataCorrupt)
            (tmp_path / "starts").unlink()
            await back.get()


async def test_one_that_does_not_listen_to_reason_is_killed(tmp_path: Path) -> None:
    async with running(tmp_path, RUDE) as server:
        await server.start()
        [(pid, _)] = starts(tmp_path)
        async with asyncio.timeout(5):
            await server.close()

    assert not lives(pid)


@pytest.mark.parametrize("code", sorted(EXIT_CODES))
async def test_what_it_dies_of(tmp_path: Path, code: int) -> None:
    async with running(tmp_path, f"import sys; sys.exit({code})") as server:
        with pytest.raises(BY_CODE[EXIT_CODES[code]]) as died:
            await server.start()
        with pytest.raises(Problem):
            await server.invite()
    assert died.value.code == EXIT_CODES[code]


@pytest.mark.parametrize("script", ["", "print('hello')", "print('{}')", "raise SystemExit(1)"])
async def test_what_is_no_server(tmp_path: Path, script: str) -> None:
    async with running(tmp_path, script) as server:
        with pytest.raises(ServerInternal):
            await server.start()


async def test_one_that_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled_server, "START_WITHIN_S", 0.1)
    async with running(tmp_path, "import sys; sys.stdin.read()") as server:
        with pytest.raises(ServerUnreachable):
            await server.start()


async def test_an_invite_that_never_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled_server, "INVITE_WITHIN_S", 0.1)
    async with running(tmp_path, "import time; time.sleep(60)") as server:
        with pytest.raises(ServerUnreachable):
            await server.invite()


async def test_a_program_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ServerInternal):
        await BundledServer(tmp_path, [str(tmp_path / "nothing here")]).start()


async def test_its_log_is_kept_and_does_not_grow_for_ever(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_bytes(b"x" * (bundled_server.LOG_MAX_BYTES + 1))
    async with running(tmp_path, POLITE, log_file=log) as server:
        await server.start()

    assert "talking to the log" in log.read_text()
    assert (tmp_path / "server.old").stat().st_size == bundled_server.LOG_MAX_BYTES + 1
