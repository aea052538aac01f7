"""Our client is a true tus client: the server of the protocol's authors gets the same bytes from it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from client.adapters.http_media import HttpMedia
from client.core.effects import ForgetUpload, UploadFile
from client.core.model import Inspected
from protocol.limits import MIB, UPLOAD_PART_BYTES
from protocol.values import ConvId, Lid, MediaId, replace
from tests.interop.tus_server import missing, tus_server

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "it is here")

DATA = bytes(range(256)) * (10 * MIB // 256)


@pytest.fixture
def wish(tmp_path: Path) -> UploadFile:
    path = tmp_path / "sea.jpg"
    path.write_bytes(DATA)
    found = Inspected("file", "", path.name, len(DATA), hashlib.sha256(DATA).hexdigest(), str(path))
    return UploadFile(Lid(1), ConvId("c"), 4711, found, MediaId(""))


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    (tmp_path / "files").mkdir()
    async with tus_server(tmp_path / "files") as (address, _):
        yield address


def media_at(url: str, tmp_path: Path) -> HttpMedia:
    return HttpMedia(lambda: url, lambda: "token", tmp_path / "cache")


def stored(tmp_path: Path, media: MediaId) -> bytes:
    return (tmp_path / "files" / media).read_bytes()


async def test_a_file_arrives(url: str, tmp_path: Path, wish: UploadFile) -> None:
    media = media_at(url, tmp_path)
    told: list[int] = []
    name = await media.upload(wish, lambda done, total: told.append(done))
    assert stored(tmp_path, name) == DATA
    assert told[-1] == len(DATA)
    await media.close()


async def test_it_goes_on_where_it_was_stopped_and_what_is_forgotten_is_gone(
    url: str, tmp_path: Path, wish: UploadFile
) -> None:
    first, half = media_at(url, tmp_path), asyncio.Event()

    def tell(done: int, total: int) -> None:
        if done > UPLOAD_PART_BYTES:
            half.set()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(first.upload(wish, tell))
        await half.wait()
        task.cancel()
    await first.close()
    [name] = [path.name for path in (tmp_path / "files").iterdir() if path.suffix != ".json"]
    came = len(stored(tmp_path, MediaId(name)))
    assert UPLOAD_PART_BYTES <= came < len(DATA)

    second = media_at(url, tmp_path)
    told: list[int] = []
    again = replace(wish, media=MediaId(name))
    assert await second.upload(again, lambda done, total: told.append(done)) == name
    assert told[0] >= UPLOAD_PART_BYTES
    assert stored(tmp_path, MediaId(name)) == DATA
    await second.forget(ForgetUpload(Lid(1), MediaId(name), 4711))
    assert not (tmp_path / "files" / name).exists()
    assert await second.upload(again, lambda done, total: None) != name, "what it has forgotten begins anew"
    await second.close()
