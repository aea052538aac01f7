"""How fast files go up and come down, beside a plain copy of a file through a socket, and what it costs the text.

The server is a process of its own, as delivered, with its limits of size and number lifted; the client is ours
(`client/adapters/http_media.py`, its limit lifted as well), so both hash what passes, sync it, and check it at the end.
The plain copy has two processes too: one reads and sends, the other receives and writes, and nobody hashes or syncs.
What disturbs one disturbs its neighbour, so the ratio holds where the MB/s do not.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import client.bootstrap
from client.adapters import http_files, http_media
from client.adapters.http_accounts import HttpAccounts
from client.adapters.http_media import HttpMedia
from client.app.chat import Chat
from client.core.effects import DownloadFile, UploadFile
from client.core.model import Inspected, Me
from protocol.limits import MIB
from protocol.values import ConvId, Did, Lid, MediaId, Uid
from tests.benchmarks.load import Person
from tests.benchmarks.processes import NO_DELAY, Service, load, server
from tests.benchmarks.usage import usage_of

LIMITS = ("--file-max-mib", "1100", "--person-max-gib", "0", "--uploads-per-day-mib", "0")
MB, GB = 10**6, 10**9
SIZES = {"50_mb": 50 * MB, "1_gb": GB}
TURNS = {"50_mb": 3, "1_gb": 1}
LOOK_EVERY_S = 0.02
UPLOADERS, UPLOAD_BYTES, TEXT_PEOPLE = 10, 100 * MB, 100
TEXT: dict[str, Any] = {"work": "w2", "warm_up_s": 1.0, "counted_s": 10.0, "prepared": 50}

SEND = """
import socket, sys
with open(sys.argv[1], "rb", buffering=0) as file, socket.create_connection(("127.0.0.1", int(sys.argv[2]))) as line:
    while data := file.read(1 << 18):
        line.sendall(data)
"""


class Work(NamedTuple):
    """A file to send, and who may send it where."""

    media: HttpMedia
    conv: ConvId
    found: Inspected


def media() -> dict[str, Any]:
    """MB/s up and down with the ratio to the plain copy, processor seconds of the server per GB, growth of its memory
    in MiB; and the p99 of a text while ten files go up, beside the idle one."""
    with tempfile.TemporaryDirectory(prefix="hexagram-bench-") as folder, _without_limits():
        result = {name: asyncio.run(_one_size(Path(folder) / name, name)) for name in SIZES}
        return result | {"text": asyncio.run(_text(Path(folder) / "text"))}


@contextmanager
def _without_limits() -> Iterator[None]:
    with ExitStack() as stack:
        for module in (http_files, http_media):
            stack.enter_context(mock.patch.object(module, "FILE_MAX_BYTES", 1 << 40))
        yield


# --- one file


async def _one_size(folder: Path, name: str) -> dict[str, Any]:
    size_bytes, turns = SIZES[name], range(TURNS[name])
    await asyncio.to_thread(folder.mkdir)
    runs: list[dict[str, dict[str, float]]] = []
    for turn in turns:
        path = _file(folder / f"{turn}.bin", size_bytes, turn)
        async with _open(folder / f"profile{turn}", 2) as (service, chat, conv):
            runs.append(await _up_and_down(folder, service, chat, conv, path))
        path.unlink()
    return {"runs": runs, "median": _medians(runs)}


def _medians(runs: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    return {
        way: {what: round(statistics.median(run[way][what] for run in runs), 2) for what in runs[0][way]}
        for way in runs[0]
    }


async def _up_and_down(
    folder: Path, service: Service, chat: Chat, conv: ConvId, path: Path
) -> dict[str, dict[str, float]]:
    found = _found(path)
    plain_s = await asyncio.to_thread(_plain_copy, path, folder / "copy.bin")
    async with _media(service, chat, folder / "up") as up, _media(service, chat, folder / "down") as down:
        await up.watched(str(path), _is(found))
        upload = UploadFile(Lid(1), conv, 1, found, MediaId(""))
        ids: list[MediaId] = []

        async def send() -> None:
            ids.append(await up.upload(upload, _nobody))

        async def fetch() -> None:
            wish = DownloadFile(Lid(2), ids[0], found.size_bytes, found.sha256, found.name)
            os.unlink(await down.download(wish, _nobody))

        return {
            "up": await _measured(service.pid, found.size_bytes, plain_s, send),
            "down": await _measured(service.pid, found.size_bytes, plain_s, fetch),
        }


async def _measured(pid: int, size_bytes: int, plain_s: float, work: Callable[[], Awaitable[None]]) -> dict[str, float]:
    before, peak_bytes, begun_s = usage_of(pid), 0, time.perf_counter()
    running = asyncio.ensure_future(work())
    while not running.done():
        await asyncio.wait((running,), timeout=LOOK_EVERY_S)
        peak_bytes = max(peak_bytes, usage_of(pid).rss_bytes)
    took_s = time.perf_counter() - begun_s
    running.result()
    return {
        "mb_per_s": round(size_bytes / MB / took_s, 1),
        "plain_mb_per_s": round(size_bytes / MB / plain_s, 1),
        "ratio": round(plain_s / took_s, 3),
        "server_cpu_s_per_gb": round((usage_of(pid).cpu_s - before.cpu_s) / (size_bytes / GB), 2),
        "rss_growth_mib": round((peak_bytes - before.rss_bytes) / MIB, 1),
    }


def _plain_copy(path: Path, to: Path) -> float:
    """Seconds from the start of the connection to the last byte in the other file."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        words = (sys.executable, "-S", "-c", SEND, str(path), str(door.getsockname()[1]))
        with subprocess.Popen(words) as sender:
            line, _ = door.accept()
            begun_s, buffer = time.perf_counter(), bytearray(1 << 18)
            with line, to.open("wb", buffering=0) as file:
                while count := line.recv_into(buffer):
                    file.write(memoryview(buffer)[:count])
            took_s = time.perf_counter() - begun_s
            sender.wait()
    to.unlink()
    return took_s


# --- ten at once, and text beside them


async def _text(folder: Path) -> dict[str, Any]:
    await asyncio.to_thread(folder.mkdir)
    paths = [_file(folder / f"{number}.bin", UPLOAD_BYTES, 100 + number) for number in range(UPLOADERS)]
    async with _open(folder / "profile", 2 * TEXT_PEOPLE) as (service, chat, conv):
        first, second = (service._replace(people=some) for some in _halves(service.people))
        idle = await asyncio.to_thread(load, first, **TEXT)
        works = [
            Work(HttpMedia(lambda: _url(service), lambda: _token(chat), folder / str(number)), conv, _found(path))
            for number, path in enumerate(paths)
        ]
        done: list[int] = []
        uploads = [asyncio.ensure_future(_keep_sending(number, work, done)) for number, work in enumerate(works)]
        busy = await asyncio.to_thread(load, second, **TEXT)
        for upload in uploads:
            upload.cancel()
        stopped = await asyncio.gather(*uploads, return_exceptions=True)
        failed = [repr(each) for each in stopped if not isinstance(each, asyncio.CancelledError)]
        for work in works:
            await work.media.close()
    p50, p99 = ([run["latency_ms"]["delivered"][part] for run in (idle, busy)] for part in ("p50", "p99"))
    return {
        "idle_ms": {"p50": p50[0], "p99": p99[0]},
        "busy_ms": {"p50": p50[1], "p99": p99[1]},
        "p99_ratio": round(p99[1] / p99[0], 2),
        "uploaded_mb": sum(done) // MB,
        "findings": [*idle["findings"], *busy["findings"], *failed],
    }


def _halves(people: list[Person]) -> tuple[list[Person], list[Person]]:
    """Pairs speak once: their messages are numbered from the beginning."""
    return people[:TEXT_PEOPLE], people[TEXT_PEOPLE:]


async def _keep_sending(number: int, work: Work, done: list[int]) -> None:
    """One file after the other until it is stopped; each has other bytes, for what the server has is not sent again."""
    path, turn = Path(work.found.path), 0
    while True:
        wish = UploadFile(Lid(1), work.conv, 1 + number + turn * UPLOADERS, work.found, MediaId(""))
        await work.media.watched(str(path), _is(work.found))
        sent = [0]

        def tell(done_bytes: int, total_bytes: int, sent: list[int] = sent) -> None:
            done.append(done_bytes - sent[0])
            sent[0] = done_bytes

        await work.media.upload(wish, tell)
        turn += 1
        await asyncio.to_thread(_stamp, path, f"{number} {turn}")
        work = work._replace(found=await asyncio.to_thread(_found, path))


# --- details


@asynccontextmanager
async def _open(folder: Path, people: int) -> AsyncIterator[tuple[Service, Chat, ConvId]]:
    """The server, and somebody with a conversation on it."""
    async with AsyncExitStack() as stack:
        service = stack.enter_context(server(people, *NO_DELAY, *LIMITS))
        first = service.people[0]
        accounts = HttpAccounts()
        stack.push_async_callback(accounts.close)
        invite = await accounts.invite(Me(Uid(first.uid), Did("0"), "", first.token, _url(service)))
        profile = client.bootstrap.Profile(folder)
        chat = await stack.enter_async_context(client.bootstrap.open_client(profile, screen_batch_s=0.1))
        await chat.join(_url(service), "Bench", invite)
        async with asyncio.timeout(10):
            while chat.line.state != "ready":  # noqa: ASYNC110 - a benchmark may look again
                await asyncio.sleep(0.01)
        yield service, chat, await chat.open_direct(Uid(first.uid))


@asynccontextmanager
async def _media(service: Service, chat: Chat, cache: Path) -> AsyncIterator[HttpMedia]:
    made = HttpMedia(lambda: _url(service), lambda: _token(chat), cache)
    try:
        yield made
    finally:
        await made.close()


def _url(service: Service) -> str:
    return f"http://{service.host}:{service.port}"


def _token(chat: Chat) -> str:
    assert chat.me is not None
    return chat.me.token


def _file(path: Path, size_bytes: int, seed: int) -> Path:
    """Bytes that no compression and no earlier file knows."""
    piece = os.urandom(MIB)
    with path.open("wb") as file:
        for place in range(0, size_bytes, MIB):
            file.write(piece[: min(MIB, size_bytes - place)])
    _stamp(path, str(seed))
    return path


def _stamp(path: Path, words: str) -> None:
    with path.open("r+b") as file:
        file.write(words.ljust(32).encode())


def _found(path: Path) -> Inspected:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Inspected("file", "application/octet-stream", path.name, path.stat().st_size, sha256, str(path))


async def _is(found: Inspected) -> Inspected:
    return found


def _nobody(done_bytes: int, total_bytes: int) -> None:
    """Nobody looks at the progress."""
