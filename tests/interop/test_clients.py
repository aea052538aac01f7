"""Tus clients that others wrote upload to our server: whole, over a line that breaks, again after they were killed."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from protocol.limits import KIB
from server.ports import Joined
from tests.interop.clients import TUS_JS, TUSPY, Client, Order, is_killed, missing, uploads
from tests.interop.relay import relaying
from tests.server.doors.conftest import TALK, House, key

DATA = hashlib.shake_128(b"for any client").digest(2_000_000)
PART_BYTES = 256 * KIB


class Scene(NamedTuple):
    """A server, somebody with a file, and the client that they use."""

    house: House
    alice: Joined
    folder: Path
    client: Client

    def order(self, port: int = 0, waits_at: int = 0, careful: bool = False, part_bytes: int = PART_BYTES) -> Order:
        path = self.folder / "a file.bin"
        path.write_bytes(DATA)
        return Order(
            f"http://127.0.0.1:{port or self.house.port}/v1/media",
            self.alice.token,
            str(path),
            str(self.folder / "memory.json"),
            {"conversation": TALK, "filename": "a file, 文件.bin"},
            part_bytes,
            waits_at,
            careful,
        )

    async def arrived(self, url: str) -> bytes:
        path = url[url.index("/v1/") :]
        return (await self.house.http.get(path, headers=key(self.alice))).content


@pytest.fixture(params=[TUSPY, TUS_JS], ids=lambda client: client.name)
async def scene(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Scene]:
    if why := missing(request.param):
        pytest.skip(why)
    house = House(tmp_path / "server")
    house.root.mkdir()
    await house.open()
    alice = await house.join("alice")
    await house.seat(alice.uid)
    yield Scene(house, alice, tmp_path, request.param)
    await house.close()


@pytest.mark.parametrize("careful", [False, True])
async def test_a_file_arrives_as_it_was(scene: Scene, careful: bool) -> None:
    """Also with checksums (tuspy), or with bytes in the promise and methods under another name (tus-js-client)."""
    told = await uploads(scene.client, scene.order(careful=careful))
    assert told[-2]["at"] == len(DATA)
    assert await scene.arrived(told[-1]["url"]) == DATA


async def test_over_a_line_that_breaks_it_goes_on_where_it_was(scene: Scene) -> None:
    """In the middle of one large part: what came of it is not sent again."""
    async with relaying(scene.house.port, len(DATA) * 6 // 10) as relay:
        told = await uploads(scene.client, scene.order(relay.port, part_bytes=len(DATA)))
    assert relay.tears == 1
    assert await scene.arrived(told[-1]["url"]) == DATA
    assert relay.up_bytes < len(DATA) + 2 * PART_BYTES + 20 * KIB


async def test_a_part_with_a_checksum_is_sent_again_when_its_line_breaks(scene: Scene) -> None:
    async with relaying(scene.house.port, len(DATA) * 6 // 10) as relay:
        told = await uploads(scene.client, scene.order(relay.port, careful=True))
    assert relay.tears == 1
    assert await scene.arrived(told[-1]["url"]) == DATA


async def test_after_it_was_killed_it_goes_on_where_it_was(scene: Scene) -> None:
    """Also across a restart of the server."""
    half = len(DATA) // 2
    at = await is_killed(scene.client, scene.order(waits_at=half))
    port = scene.house.port
    await scene.house.restart()
    async with relaying(scene.house.port, 10 * len(DATA)) as relay:
        told = await uploads(scene.client, moved(scene, port, relay.port))
    assert await scene.arrived(told[-1]["url"]) == DATA
    assert relay.up_bytes < len(DATA) - at + 20 * KIB


def moved(scene: Scene, old: int, new: int) -> Order:
    """The client remembers the address it was given; what it remembers is told the port of now."""
    memory = scene.folder / "memory.json"
    memory.write_text(memory.read_text().replace(f":{old}/", f":{new}/"))
    return scene.order(new)
