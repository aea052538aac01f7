"""What the person does with files: hold and go on, open only what is as it came, send it smaller or as it is."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from client.app.changes import BubblesChanged
from client.core.effects import DownloadFile, SavePrefs, SaveUpload, UploadFile
from client.core.model import Bubble, State
from protocol.content import Attachment, Voice
from protocol.problems import MediaDamaged, MediaVanished, NotPossibleNow, TransferInterrupted
from protocol.values import Lid, MediaId
from tests.helpers.app import CONV, App, NoMedia, close_app, open_app

FILE = Attachment(MediaId("m1"), "hello.ogg", "audio/ogg", 9, "ab" * 32)


def is_file(path: str) -> bool:
    return os.path.isfile(path)


class SlowMedia(NoMedia):
    """Gets half of the way, and on when the test says so."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.goes_on = asyncio.Event()
        self.is_whole = True
        self.swept: list[set[str]] = []

    async def upload(self, wish: UploadFile, progress: Callable[[int, int], None]) -> MediaId:
        progress(2, 4)
        await self.goes_on.wait()
        raise TransferInterrupted()

    async def download(self, wish: DownloadFile, progress: Callable[[int, int], None]) -> str:
        progress(4, wish.size_bytes)
        await self.goes_on.wait()
        path = self.folder / "hello.ogg"
        path.write_bytes(b"it is me!")
        return str(path)

    async def here_bytes(self, sha256: str) -> int:
        return 4

    async def unchanged(self, path: str, size_bytes: int, sha256: str) -> bool:
        return self.is_whole and is_file(path)

    async def sweep(self, needed: Collection[str]) -> None:
        self.swept.append(set(needed))


async def opened(folder: Path, media: SlowMedia, said: Voice | None = None) -> App:
    app = await open_app(folder, media=media)
    await app.greet()
    await app.open_room()
    if said is not None:
        await app.deliver(4, said)
    return app


async def until(app: App, lid: Lid, holds: Callable[[Bubble], bool]) -> Bubble:
    news = asyncio.Event()
    unsubscribe = app.chat.subscribe(lambda change: news.set())
    async with asyncio.timeout(5.0):
        while not holds(bubble := await app.chat.bubble(lid)):
            await news.wait()
            news.clear()
    unsubscribe()
    return bubble


async def theirs(app: App) -> Lid:
    return (await app.chat.page(CONV))[-1].lid


async def test_a_download_is_held_and_goes_on_also_in_the_next_run(tmp_path: Path) -> None:
    media = SlowMedia(tmp_path)
    app = await opened(tmp_path / "alice", media, Voice(FILE))
    lid = await theirs(app)
    with pytest.raises(NotPossibleNow):
        await app.chat.pause(lid)
    with pytest.raises(NotPossibleNow):
        await app.chat.resume(lid)
    await app.chat.fetch(lid)
    await until(app, lid, lambda bubble: bubble.fetching and bubble.here_bytes == 4)
    await app.chat.pause(lid)
    held = await until(app, lid, lambda bubble: bubble.paused)
    assert (held.fetching, held.here_bytes) == (True, 4)
    await close_app(app)

    app = await opened(tmp_path / "alice", media)
    held = await app.chat.bubble(lid)
    assert (held.paused, held.here_bytes) == (True, 4)
    media.goes_on.set()
    await app.chat.resume(lid)
    here = await until(app, lid, lambda bubble: bubble.path != "")
    assert (here.fetching, here.paused, here.here_bytes) == (False, False, 0)
    assert here.fetched_ms > 0
    await close_app(app)


async def test_a_download_that_was_running_goes_on_in_the_next_run(tmp_path: Path) -> None:
    media = SlowMedia(tmp_path)
    app = await opened(tmp_path / "alice", media, Voice(FILE))
    lid = await theirs(app)
    await app.chat.fetch(lid)
    await until(app, lid, lambda bubble: bubble.fetching)
    await close_app(app)
    media.goes_on.set()
    app = await opened(tmp_path / "alice", media)
    await until(app, lid, lambda bubble: bubble.path != "")
    await close_app(app)


async def test_what_is_no_longer_wanted_is_not_fetched(tmp_path: Path) -> None:
    app = await opened(tmp_path / "alice", SlowMedia(tmp_path), Voice(FILE))
    lid = await theirs(app)
    await app.chat.fetch(lid)
    await until(app, lid, lambda bubble: bubble.fetching)
    await app.chat.stop_fetch(lid)
    assert not (await until(app, lid, lambda bubble: not bubble.fetching)).path
    await close_app(app)


async def test_an_upload_is_held_and_goes_on(tmp_path: Path) -> None:
    media, path = SlowMedia(tmp_path), tmp_path / "a.txt"
    path.write_text("four")
    app = await opened(tmp_path / "alice", media)
    lid = await app.chat.send_file(CONV, str(path))
    await until(app, lid, lambda bubble: bubble.here_bytes == 2)
    await app.chat.pause(lid)
    held = await until(app, lid, lambda bubble: bubble.paused)
    assert (held.state, held.here_bytes) == (State.UPLOADING, 2)
    await close_app(app)

    app = await opened(tmp_path / "alice", media)
    assert media.swept[-1] == {str(path)}
    held = await app.chat.bubble(lid)
    assert (held.paused, held.here_bytes) == (True, 2), "also when nothing is known of the line yet"
    await app.chat.resume(lid)
    assert not (await until(app, lid, lambda bubble: not bubble.paused)).code
    await close_app(app)


async def test_only_what_is_as_it_came_is_handed_out(tmp_path: Path) -> None:
    media = SlowMedia(tmp_path)
    media.goes_on.set()
    app = await opened(tmp_path / "alice", media, Voice(FILE))
    lid = await theirs(app)
    with pytest.raises(NotPossibleNow):
        await app.chat.checked_path(lid)
    await app.chat.fetch(lid)
    here = await until(app, lid, lambda bubble: bubble.path != "")
    assert await app.chat.checked_path(lid) == here.path
    await app.chat.fetch(lid)

    media.is_whole = False
    with pytest.raises(MediaDamaged):
        await app.chat.checked_path(lid)
    await until(app, lid, lambda bubble: bubble.path == "")
    media.is_whole = True
    await app.chat.fetch(lid)
    here = await until(app, lid, lambda bubble: bubble.path != "")
    os.unlink(here.path)
    with pytest.raises(MediaVanished):
        await app.chat.checked_path(lid)
    await close_app(app)


async def test_the_person_s_own_file_is_as_it_is_now(tmp_path: Path) -> None:
    media, path = SlowMedia(tmp_path), tmp_path / "a.txt"
    path.write_text("four")
    app = await opened(tmp_path / "alice", media)
    lid = await app.chat.send_file(CONV, str(path))
    path.write_text("other words")
    assert await app.chat.checked_path(lid) == str(path)
    path.unlink()
    with pytest.raises(MediaVanished):
        await app.chat.checked_path(lid)
    await close_app(app)


async def test_how_a_file_is_sent_is_kept_with_it(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("four")
    app = await opened(tmp_path / "alice", SlowMedia(tmp_path))
    await app.chat.send_file(CONV, str(path), quality="original", bins=b"heard", note=True, album="a" * 22)
    saves = [save for turn in app.disk.saves for save in turn if not isinstance(save, SavePrefs)]
    [upload, *_] = [save.upload for save in saves if isinstance(save, SaveUpload)]
    assert (upload.quality, upload.bins, upload.note, upload.album) == ("original", b"heard", True, "a" * 22)
    await close_app(app)


async def test_what_was_heard_is_heard_after_a_restart_too_and_the_server_is_not_told(tmp_path: Path) -> None:
    app = await opened(tmp_path / "profile", SlowMedia(tmp_path), Voice(FILE))
    [note] = await app.chat.media(CONV, ("voice",))
    assert await app.chat.media_lids(CONV, ("voice", "picture")) == [note.lid]
    assert not note.heard
    said = list(app.wire.said)
    await app.chat.played(note.lid)
    await app.told(BubblesChanged, lambda change: any(bubble.heard for bubble in change.bubbles))
    assert app.wire.said == said
    await close_app(app)

    again = await open_app(tmp_path / "profile", media=SlowMedia(tmp_path))
    assert (await again.chat.bubble(note.lid)).heard
    await close_app(again)
