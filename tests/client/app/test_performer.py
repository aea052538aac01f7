"""Transfers run beside the loop and come back as events; what is no longer wanted does not come back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from client.adapters.clock import SystemClock, SystemDice
from client.adapters.file_marks import MarkedFiles
from client.adapters.http_names import safe_name
from client.adapters.sqlite_messages import SqliteMessages
from client.app.performer import Performer
from client.app.tasks import Tasks
from client.core.effects import (
    Connect,
    DownloadFile,
    DropCopy,
    FindOwnAbove,
    ForgetUpload,
    InspectFile,
    KeepSent,
    MakeSmaller,
    Send,
    StopTransfer,
    UploadFile,
)
from client.core.engine import Engine
from client.core.events import (
    Event,
    Fetched,
    FetchStopped,
    FileInspected,
    Kept,
    Made,
    MakingStopped,
    OwnAbove,
    Received,
    Uploaded,
    UploadStopped,
    WireDown,
    WireUp,
)
from client.core.model import Inspected, Looked, TransferProgress
from client.ports import Parts
from protocol.packets import Ping
from protocol.problems import FfmpegMissing, Problem, StoreFailed, TransferInterrupted, UploadsToday
from protocol.values import ConvId, Lid, MediaId
from tests.helpers.app import NoAccounts, NoMedia, PlainWorker, QueueWire

FOUND = Inspected("file", "text/plain", "a.txt", 4, "0" * 64, "/a.txt")
UPLOAD = UploadFile(Lid(1), ConvId("c"), 7, FOUND, MediaId(""))
DOWNLOAD = DownloadFile(Lid(2), MediaId("m"), 4, "0" * 64, "a.txt")


class Media(NoMedia):
    """Questions as told, or hangs."""

    def __init__(self) -> None:
        self.fails: Exception | None = None
        self.hangs = False
        self.done: list[tuple[str, object]] = []
        self.kept, self.begins = "", 2
        self.letting_go, self._news = asyncio.Event(), asyncio.Event()
        self.letting_go.set()

    async def did(self, count: int) -> None:
        """Wait for this many deeds."""
        async with asyncio.timeout(5.0):
            while len(self.done) < count:
                self._news.clear()
                await self._news.wait()

    def _did(self, deed: tuple[str, object]) -> None:
        self.done.append(deed)
        self._news.set()

    async def forget(self, wish: ForgetUpload) -> None:
        self._did(("forget", wish))

    async def keep_sent(self, wish: KeepSent) -> str:
        self._did(("keep", wish.sent))
        return self.kept

    async def drop(self, path: str) -> None:
        self._did(("drop", path))

    def is_ours(self, path: str) -> bool:
        return path.startswith("/ours/")

    async def upload(self, wish: UploadFile, progress: Callable[[int, int], None]) -> MediaId:
        progress(self.begins, 4)
        await self._run()
        return MediaId("m7")

    async def download(self, wish: DownloadFile, progress: Callable[[int, int], None]) -> str:
        progress(4, 4)
        await self._run()
        return "/b.txt"

    async def _run(self) -> None:
        if self.hangs:
            try:
                await asyncio.Event().wait()
            finally:
                await self.letting_go.wait()
                self._did(("let go", None))
        if self.fails is not None:
            raise self.fails


class Worker(PlainWorker):
    """Makes what the test says."""

    made: Path | Problem | None = None

    async def look(self, path: str, claimed: str, name: str = "") -> Looked:
        return Looked("file", "text/plain", why="media_not_as_said")

    async def make_smaller(self, path: str, kind: str, progress: Callable[[int, int], None]) -> Path | None:
        progress(1, 2)
        if isinstance(self.made, Problem):
            raise self.made
        return self.made


class StoppedClock(SystemClock):
    """It is always the same time."""

    def wall_ms(self) -> int:
        return 1234


class Bench:
    """Performer with everything they touch."""

    def __init__(self, folder: Path) -> None:
        self.media, self.tasks, self.worker = Media(), Tasks(), Worker()
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.progress: list[TransferProgress] = []
        self.disk = SqliteMessages(folder)
        self.wires: list[QueueWire] = []
        dice = SystemDice()

        def open_wire(listener: object) -> QueueWire:
            self.wires.append(QueueWire(listener))  # type: ignore[arg-type]
            return self.wires[0]

        parts = Parts(
            messages=self.disk, open_wire=open_wire, media=self.media, worker=self.worker,
            accounts=NoAccounts(), clock=StoppedClock(), dice=dice, exports=MarkedFiles(safe_name),
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
    assert await bench.next() == Fetched(Lid(2), "/b.txt", "media_not_as_said", 1234)
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


async def test_the_server_says_how_long_to_wait(bench: Bench) -> None:
    bench.media.fails = UploadsToday(retry_ms=90_000)
    bench.performer.do(UPLOAD)
    assert await bench.next() == UploadStopped(Lid(1), "uploads_today", True, MediaId(""), 90.0)


async def test_it_is_known_whether_a_transfer_moves(bench: Bench) -> None:
    bench.media.fails = TransferInterrupted()
    moves = []
    for begins in (0, 0, 3, 3):
        bench.media.begins = begins
        bench.performer.do(UPLOAD)
        stopped = await bench.next()
        assert isinstance(stopped, UploadStopped)
        moves.append(stopped.moves)
    assert moves == [False, False, True, False]


async def test_a_smaller_copy_is_made_or_not(bench: Bench) -> None:
    for made, said in (
        (Path("/copies/x.mp4"), Made(Lid(1), "/copies/x.mp4")),
        (None, Made(Lid(1), "")),
        (FfmpegMissing(), MakingStopped(Lid(1), "ffmpeg_missing")),
    ):
        bench.worker.made = made
        bench.performer.do(MakeSmaller(Lid(1), "/x.mov", "video"))
        assert await bench.next() == said
    assert bench.progress[0] == TransferProgress(Lid(1), "make", 1, 2)


async def test_an_upload_is_forgotten_only_when_its_last_attempt_has_let_go(bench: Bench) -> None:
    bench.media.hangs = True
    bench.media.letting_go.clear()
    bench.performer.do(UPLOAD)
    await asyncio.sleep(0)
    bench.performer.do(StopTransfer(Lid(1)))
    gone = ForgetUpload(Lid(1), MediaId("m7"), 7)
    bench.performer.do(gone)
    await asyncio.sleep(0)
    assert bench.media.done == []
    bench.media.letting_go.set()
    await bench.media.did(2)
    assert bench.media.done == [("let go", None), ("forget", gone)]
    bench.performer.do(gone)
    await bench.media.did(3)


async def test_what_was_sent_is_kept_and_its_copies_go(bench: Bench) -> None:
    bench.media.kept = "/media/ab.ogg"
    bench.performer.do(KeepSent(Lid(1), "/ours/v.m4a", "/ours/v.ogg", "ab" * 32, "v.ogg", ("/ours/v.ogg",)))
    assert await bench.next() == Kept(Lid(1), "/media/ab.ogg", "/ours/v.m4a")
    assert bench.media.done == [("keep", "/ours/v.ogg"), ("drop", "/ours/v.ogg")]
    bench.media.kept = ""
    bench.performer.do(KeepSent(Lid(1), "/sea.jpg", "/ours/x.jpg", "ab" * 32, "sea.jpg", ("/ours/x.jpg",)))
    await bench.media.did(4)
    assert bench.events.empty()


async def test_a_file_that_a_bubble_shows_is_not_dropped(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shown: dict[str, bool | Problem] = {"/ours/a": True, "/ours/b": StoreFailed(), "/ours/c": False}

    async def shows(path: str) -> bool:
        found = shown[path]
        if isinstance(found, Problem):
            raise found
        return found

    monkeypatch.setattr(bench.disk, "shows_file", shows)
    for path in ("/pictures/mine.jpg", *shown):
        bench.performer.do(DropCopy(path))
    await bench.media.did(1)
    assert bench.media.done == [("drop", "/ours/c")]
    assert "store_failed" in caplog.text


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
