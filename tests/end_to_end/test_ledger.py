"""Real client, real server: each request over HTTP is in the ledger with the deed that caused it, and none is else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

import client.bootstrap
import server.bootstrap
from client.app.chat import Chat
from client.core.model import Bubble, State
from client.core.spending import Spent
from client.harness import deeds, wishes
from protocol.content import File
from protocol.values import ConvId, Did
from server.app.settings import settings_for

BYTES = bytes(range(256)) * 4_000


class Served:
    """What the server was asked over HTTP, seen from its side."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[str, str, int]] = []
        handle = web.Application._handle

        async def counted(app: web.Application, request: web.Request) -> Any:
            answer = await handle(app, request)
            if request.path != "/v1/line":
                self.asked.append((request.method, request.path, answer.status))
            return answer

        monkeypatch.setattr(web.Application, "_handle", counted)


@asynccontextmanager
async def two(tmp_path: Path) -> AsyncIterator[tuple[Chat, Chat]]:
    settings = settings_for(tmp_path / "server", "127.0.0.1:0")
    async with server.bootstrap.open_accounts(settings) as accounts:
        invites = [await accounts.new_invite() for _ in range(2)]
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(server.bootstrap.open_server(settings))
        chats = []
        for name, invite in zip(("Alice", "Bob"), invites, strict=True):
            profile = client.bootstrap.Profile(tmp_path / name)
            chats.append(await stack.enter_async_context(client.bootstrap.open_client(profile, screen_batch_s=0.0)))
            await chats[-1].join(address.url, name, invite)
        alice, bob = chats
        await until(lambda: is_so(alice.line.state == bob.line.state == "ready"))
        yield alice, bob


async def is_so(value: bool) -> bool:
    return value


async def until(wanted: Callable[[], Awaitable[Any]]) -> None:
    async with asyncio.timeout(20):
        while not await wanted():
            await asyncio.sleep(0.02)


async def files(chat: Chat, conv: ConvId) -> list[Bubble]:
    return [bubble for bubble in await chat.page(conv) if isinstance(bubble.body, File)]


def causes(rows: list[Spent]) -> list[str]:
    return [row.because.cause for row in reversed(rows)]


async def test_every_request_of_the_app_has_its_deed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = Served(monkeypatch)
    async with two(tmp_path) as (alice, bob):
        conv = await send_and_fetch(alice, bob, tmp_path)
        await devices(alice)
        rows = [*await alice.spent(), *await bob.spent()]
        by_day = await bob.spending()

    assert {row.because.cause for row in rows} == {"join", "upload", "download", "devices", "device_code", "invite"}
    assert sorted((row.method, row.what, row.status) for row in rows) == sorted(served.asked)
    assert sum(day.received_bytes for day in by_day if day.conv == conv) > len(BYTES)


async def send_and_fetch(alice: Chat, bob: Chat, tmp_path: Path) -> ConvId:
    assert bob.me is not None
    conv = await alice.open_direct(bob.me.uid)
    path = tmp_path / "plan.bin"
    path.write_bytes(BYTES)
    lid = await alice.send_file(conv, str(path), "file")
    await until(lambda: files(bob, conv))
    sent = [row for row in await alice.spent(conv)]
    assert set(causes(sent)) == {"upload"}
    assert {row.because.lid for row in sent} == {lid}
    assert sum(row.sent_bytes for row in sent) > len(BYTES)

    assert causes(await bob.spent()) == ["join"], "nothing is brought before it is asked for"
    [bubble] = await files(bob, conv)
    await bob.fetch(bubble.lid)
    await until(lambda: here(bob, bubble))
    [row] = await bob.spent(conv)
    assert (row.because.cause, row.because.lid) == ("download", bubble.lid)
    assert 0 < row.received_bytes - len(BYTES) < 1_000

    done = await deeds.do(bob, wishes.Clear(kind="file"), nobody)
    assert done == {"freed_bytes": len(BYTES), "sizes": {"picture": 0, "voice": 0, "video": 0, "file": 0}}
    [bubble] = await files(bob, conv)
    assert (bubble.path, bubble.state) == ("", State.RECEIVED)
    told = await deeds.do(bob, wishes.Ledger(conv=conv), nobody)
    assert told is not None
    assert [row["cause"] for row in told["requests"]] == ["download"]
    return conv


async def here(chat: Chat, bubble: Bubble) -> bool:
    return bool((await chat.bubble(bubble.lid)).path)


async def nobody(name: str) -> Any:
    raise AssertionError(name)


async def devices(chat: Chat) -> None:
    assert chat.me is not None
    await chat.devices()
    await chat.device_code()
    await chat.invite()


async def test_ending_a_device_and_taking_a_file_back_are_deeds_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = Served(monkeypatch)
    async with two(tmp_path) as (alice, bob):
        assert alice.me is not None
        assert bob.me is not None
        conv = await alice.open_direct(bob.me.uid)
        path = tmp_path / "film.bin"
        with path.open("wb") as file:
            file.truncate(200 << 20)
        lid = await alice.send_file(conv, str(path), "file")
        await until(lambda: begun(alice))
        await alice.cancel(lid)
        await until(lambda: taken_back(alice))
        await alice.end_device(Did(alice.me.did))
        rows = await alice.spent()

    assert {"upload", "cancel", "end_device"} <= set(causes(rows))
    asked = [(row.method, row.what, row.status) for row in rows if row.status]
    assert all(one in served.asked for one in asked)


async def begun(chat: Chat) -> bool:
    return any(row.method == "PATCH" for row in await chat.spent())


async def taken_back(chat: Chat) -> bool:
    return "cancel" in causes(await chat.spent())
