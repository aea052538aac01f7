"""F-33, F-35, F-36, F-37: files whose server restarts, whose sender is there twice, lies, or loses the file."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from client.harness.puppet import Puppet
from server.ports import Joined
from tests.end_to_end.processes import Server
from tests.end_to_end.test_two_people import said
from tests.server.doors.conftest import House, begin, key, offset_of, send

DATA = bytes(range(256)) * 4096  # 1 MiB


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    opened = House(tmp_path)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def alice(house: House) -> Joined:
    joined = await house.join("alice")
    await house.seat(joined.uid)
    return joined


@pytest.mark.parametrize("percent", [0, 1, 50, 99, 100])
async def test_a_restart_of_the_server_costs_no_byte_that_was_acknowledged(
    house: House, alice: Joined, percent: int
) -> None:
    """F-33: it goes on where it was, and there is one row and one file."""
    address = await begin(house, alice, DATA)
    part = len(DATA) * percent // 100
    if part:
        assert (await send(house, alice, address, 0, DATA[:part])).status_code == 204
    await house.restart()
    assert await offset_of(house, alice, address) == part
    if part < len(DATA):
        assert (await send(house, alice, address, part, DATA[part:])).status_code == 204
    assert (await house.http.get(address, headers=key(alice))).content == DATA
    rows = await house.writer.read(lambda db: db.execute("select done, offset from upload").fetchall())
    assert rows == [(1, len(DATA))]
    assert [path.name for path in (house.root / "media" / "whole").iterdir()] == [address.rpartition("/")[2]]


async def test_the_same_upload_from_two_processes_has_one_winner(house: House, alice: Joined) -> None:
    """F-35: who is too late is told the right offset with 409, and nothing is written twice."""
    address = await begin(house, alice, DATA)
    half = len(DATA) // 2
    assert (await send(house, alice, address, 0, DATA[:half])).status_code == 204
    answers = await asyncio.gather(*(send(house, alice, address, half, DATA[half:]) for _ in range(2)))
    codes = {answer.status_code for answer in answers}
    assert 204 in codes
    assert codes <= {204, 409}
    assert (await house.http.get(address, headers=key(alice))).content == DATA


async def test_bytes_that_are_not_what_was_promised_are_named_by_nothing(house: House, alice: Joined) -> None:
    """F-36: the hash lies; the file is gone, its number free, and the true file goes up under it."""
    address = await begin(house, alice, DATA)
    assert (await send(house, alice, address, 0, b"x" * len(DATA))).status_code == 460
    assert (await house.http.get(address, headers=key(alice))).status_code == 404
    assert list((house.root / "media" / "whole").iterdir()) == []
    again = await begin(house, alice, DATA)
    assert (await send(house, alice, again, 0, DATA)).status_code == 204
    assert (await house.http.get(again, headers=key(alice))).content == DATA


async def test_a_file_that_is_gone_or_changed_says_so_and_words_go_on(
    server: Server, people: tuple[Puppet, Puppet], tmp_path: Path
) -> None:
    """F-37, with real processes: the server is away, so that the file lies waiting when it goes or changes."""
    alice, bob = people
    await alice.state((await alice.wish("say", to="bob", text="before"))["lid"], "delivered")
    gone, changed, whole = (tmp_path / name for name in ("gone.bin", "changed.bin", "whole.bin"))
    for path in (gone, changed, whole):
        path.write_bytes(DATA)
    await server.stop()
    lids = [(await alice.wish("send", to="bob", path=str(path)))["lid"] for path in (gone, changed, whole)]
    words = (await alice.wish("say", to="bob", text="words behind it"))["lid"]
    await asyncio.sleep(1.0)
    gone.unlink()
    changed.write_bytes(DATA[::-1] + b"more")
    await server.start()
    for person in (alice, bob):
        await person.wish("connect")
    await alice.state(words, "delivered", timeout_s=60)
    await alice.state(lids[0], "refused", timeout_s=60)
    await alice.state(lids[1], "refused", "delivered", timeout_s=60)
    await alice.state(lids[2], "delivered", timeout_s=60)
    arrived = [bubble for bubble in await said(bob, "alice") if bubble["kind"] != "text"]
    assert {bubble["file"]["name"] for bubble in arrived} <= {"changed.bin", "whole.bin"}
    for bubble in arrived:
        since = len(bob.heard)
        await bob.wish("fetch", lid=bubble["lid"])
        told = await bob.until(lambda line: bool(line.get("path")), since=since)
        name = bubble["file"]["name"]
        assert (
            hashlib.sha256(Path(told["path"]).read_bytes()).digest()
            == hashlib.sha256((tmp_path / name).read_bytes()).digest()
        ), name
