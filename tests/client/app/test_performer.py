"""Transfers run beside the loop and come back as events; what is no longer wanted does not come back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from client.adapters.clock import SystemClock, SystemDice
from client.adapters.sqlite_messages import SqliteMessages
from client.app.performer import Performer
from client.app.tasks import Tasks
from client.core.effects import Connect, DownloadFile, FindOwnAbove, InspectFile, Send, StopTransfer, UploadFile
from client.core.engine import Engine
from client.core.events import (
    Event,
    Fetched,
    FetchStopped,
    FileInspected,
    OwnAbove,
    Received,
    Uploaded,
    UploadStopped,
    WireDown,
    WireUp,
)
from client.core.model import Inspected, TransferProgress
from client.ports import Parts
from protocol.packets import Ping
from protocol.problems import Problem, StoreFailed, TransferInterrupted
from protocol.values import ConvId, Lid, MediaId
from tests.helpers.app import NoAccounts, PlainWorker, QueueWire

FOUND = Inspected("file", "text/plain", "a.txt", 4, "0" * 64, "/a.txt")
UPLOAD = UploadFile(Lid(1), ConvId("c"), 7, FOUND, MediaId(""))
DOWNLOAD = DownloadFile(Lid(2), MediaId("m"), 4, "0" * 64, "a.txt")


class Media:
    """Questions as told, or hangs."""

    def __init__(self) -> None:
        self.fails: Exception | None = None
        self.hangs = False

    async def upload(self, wish: UploadFile, progress: Callable[[int, int], None]) -> MediaId:
        progress(2, 4)
        await self._run()
        return MediaId("m7")

    async def download(self, wish: DownloadFile, progress: Callable[[int, int], None]) -> str:
        progress(4, 4)
        await self._run()
        return "/b.txt"

    async def _run(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.fails is not None:
            raise self.fails


class Bench:
    """Performer with everything they touch."""

    def __init__(self, folder: Path) -> None:
        self.media, self.tasks = Media(), Tasks()
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.progress: list[TransferProgress] = []
        self.disk = SqliteMessages(folder)
        self.wires: list[QueueWire] = []
        dice = SystemDice()

        def open_wire(listener: object) -> QueueWire:
            self.wires.append(QueueWire(listener))  # type: ignore[arg-type]
            return self.wires[0]

        parts = Parts(
            messages=self.disk, open_wire=open_wire, media=self.media, worker=PlainWorker(),
            accounts=NoAccounts(), clock=SystemClock(), dice=dice,
            make=lambda memory, ladder, now_ms: Engine(memory, ladder, now_ms, dice.roll),
        )  # fmt: skip
        self.performer = Performer(parts, self.tasks, self.events.put_nowait, self.progress.append)

    async def next(self) -> Event:
        async with asyncio.timeout(5.0):
            return await self.events.get()


@pytest.fixture
async def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_a_file_is_looked_at_carried_up_and_down(bench: Bench) -> None:
    bench.performer.do(InspectFile(Lid(1), "/a.txt", "a.txt", "auto"))
    assert await bench.next() == FileInspected(Lid(1), FOUND)
    bench.performer.do(UPLOAD)
    assert await bench.next() == Uploaded(Lid(1), MediaId("m7"))
    bench.performer.do(DOWNLOAD)
    assert await bench.next() == Fetched(Lid(2), "/b.txt")
    assert bench.progress == [TransferProgress(Lid(1), "up", 2, 4), TransferProgress(Lid(2), "down", 4, 4)]


async def test_what_went_wrong_comes_back_with_what_is_needed_to_go_on(bench: Bench) -> None:
    bench.media.fails = TransferInterrupted(media="m9")
    bench.performer.do(UPLOAD)
    assert await bench.next() == UploadStopped(Lid(1), "transfer_interrupted", True, MediaId("m9"))
    assert bench.performer.facts_of(Lid(1)) == {"media": "m9"}
    bench.performer.do(DOWNLOAD)
    assert await bench.next() == FetchStopped(Lid(2), "transfer_interrupted", True)


async def test_a_mistake_of_ours_is_logged_and_not_repeated(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.media.fails = ZeroDivisionError("ours")
    bench.performer.do(DOWNLOAD)
    assert await bench.next() == FetchStopped(Lid(2), Problem.code, False)
    assert "ZeroDivisionError" in caplog.text


async def test_what_was_stopped_or_dropped_says_nothing_more(bench: Bench) -> None:
    bench.media.hangs = True
    bench.performer.do(UPLOAD)
    bench.performer.do(DOWNLOAD)
    await asyncio.sleep(0)
    bench.performer.do(StopTransfer(Lid(1)))
    bench.performer.do(StopTransfer(Lid(1)))
    bench.performer.drop()
    await bench.tasks.close()
    assert bench.events.empty()


async def test_connections_are_numbered_anew_for_each_core(bench: Bench) -> None:
    bench.performer.aim("http://x")
    bench.performer.do(Connect(1))
    assert await bench.next() == WireUp(1)
    bench.performer.drop()
    bench.performer.do(Connect(1))
    assert await bench.next() == WireUp(1)
    assert bench.wires[0].wire == 2
    bench.performer.received(1, [Ping("old")])
    bench.performer.received(2, [Ping("new")])
    assert await bench.next() == Received(1, (Ping("new"),))
    bench.performer.do(Send(1, (Ping("ours"),)))
    assert bench.wires[0].said == [Ping("ours")]
    bench.performer.down(2, 4500, 7)
    assert await bench.next() == WireDown(1, 4500, 7)
    await bench.performer.closed(5.0)


async def test_own_messages_are_looked_up_and_a_failing_disk_costs_the_session(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.disk.open()
    bench.performer.do(Connect(1))
    assert await bench.next() == WireUp(1)
    bench.performer.do(FindOwnAbove(()))
    assert await bench.next() == OwnAbove(())

    async def fails(bases: object) -> object:
        raise StoreFailed()

    monkeypatch.setattr(bench.disk, "own_above", fails)
    bench.performer.do(FindOwnAbove(()))
    assert await bench.next() == WireDown(1, 1001, 0)
    await bench.disk.close()


async def test_a_line_that_does_not_close_is_not_waited_for(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.performer.do(Connect(1))
    await bench.performer.closed(0.01)
    assert "was not closed" in caplog.text
