"""Looking at media costs nothing: no request leaves before a click, for the conversation, its media or the viewer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from aiohttp import web
from PySide6.QtCore import QModelIndex
from PySide6.QtWidgets import QApplication

from client.core.model import Bubble, MediaKind
from client.ui.theme import Themes
from client.ui.viewmodels.media import MediaModel
from client.ui.widgets.media_tab import TABS
from protocol.content import Picture, Video
from protocol.values import Lid
from tests.client.ui.widgets.test_window_live import Live, living

pytestmark = pytest.mark.qt_log_ignore("does not support", "No RHI backend")

SAMPLES = Path(__file__).resolve().parents[4] / "resources" / "samples"
FILES = (("photo.jpg", "picture"), ("video.mp4", "video"), ("voice.ogg", "voice"), ("notes.pdf", "file"))
MESSAGES = 50


class Asked:
    """Every request over HTTP that leaves a client or comes to a server of this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = self.came = 0
        sends, serves = httpx.AsyncHTTPTransport.handle_async_request, web.Application._handle

        async def leaving(transport: Any, request: httpx.Request) -> httpx.Response:
            self.left += 1
            return await sends(transport, request)

        async def coming(app: Any, request: web.Request) -> Any:
            self.came += request.path != "/v1/line"
            return await serves(app, request)

        monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", leaving)
        monkeypatch.setattr(web.Application, "_handle", coming)


async def test_fifty_files_are_looked_at_without_a_request(
    themes: Themes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked(monkeypatch)
    async with living(themes, tmp_path) as live:
        alice = live.window._chat
        live.window.close_chat()
        await fill(live)
        before, asked.left, asked.came = await alice.spent(), 0, 0
        await look_at_everything(live)
        assert (asked.left, asked.came) == (0, 0)
        assert await alice.spent() == before

        picture = next(bubble for bubble in await alice.page(live.conv) if isinstance(bubble.body, Picture))
        await alice.fetch(picture.lid)
        await live.until(lambda: asked.came == asked.left == 1)
        async with asyncio.timeout(10):
            while not (await alice.bubble(picture.lid)).path:  # noqa: ASYNC110 - what is on the disk tells nobody
                await asyncio.sleep(0.01)
        [row] = [row for row in await alice.spent() if row not in before]
        assert (row.because.cause, row.because.lid, row.because.conv) == ("download", picture.lid, live.conv)


async def fill(live: Live) -> None:
    """Bob sends four files and passes them on until there are fifty; Alice's window shows no conversation."""
    bob, lids = live.bob, list[Lid]()
    for name, kind in FILES:
        lids.append(await bob.send_file(live.conv, str(SAMPLES / name), kind, quality="original"))  # type: ignore[arg-type]
    async with asyncio.timeout(30):
        while any(not bubble.pos for bubble in [await bob.bubble(lid) for lid in lids]):  # noqa: ASYNC110 - what is on the disk tells nobody
            await asyncio.sleep(0.02)
    many = [lids[place % len(lids)] for place in range(MESSAGES - len(lids))]
    for first in range(0, len(many), len(lids)):
        await bob.forward(many[first : first + len(lids)], live.conv)
    async with asyncio.timeout(30):
        while len(await files(live)) < MESSAGES:  # noqa: ASYNC110 - what is on the disk tells nobody
            await asyncio.sleep(0.05)


async def files(live: Live) -> list[Bubble]:
    bubbles = await live.window._chat.page(live.conv, limit=200)
    return [bubble for bubble in bubbles if bubble.attachment is not None]


def is_shown(live: Live, lid: Lid) -> bool:
    return live.page.viewer.lid == lid


async def look_at_everything(live: Live) -> None:
    page, chat = live.page, live.window._chat
    live.window.show_chat(live.conv)
    await live.until(lambda: page.model.rowCount() >= MESSAGES)
    shown = page.list.verticalScrollBar()
    for value in range(shown.maximum(), shown.minimum() - 1, -max(1, shown.pageStep() // 2)):
        shown.setValue(value)
        QApplication.processEvents()
        await asyncio.sleep(0)
    kinds: tuple[MediaKind, ...] = get_args(MediaKind)
    listed = await chat.media(live.conv, kinds, limit=200)
    assert len(listed) == MESSAGES
    for bubble in [each for each in listed if isinstance(each.body, Picture | Video)][:6]:
        page.viewing.open(bubble)
        await live.until(partial(is_shown, live, bubble.lid))
        page.viewer.grab()
        page.viewer.stepped.emit(-1)
        await asyncio.sleep(0.05)
    page.viewer.leave()
    await browse(live)
    await asyncio.sleep(0.3)


async def browse(live: Live) -> None:
    """Through the three tabs of the media, from their first row to their last."""
    browsing, seen = live.page.browsing, 0
    browsing.open(live.conv)
    for place in range(len(TABS)):
        browsing.tab.show_tab(place)
        await live.until(partial(holds, browsing.model, TABS[place][0]))
        view = browsing.tab.view
        for row in range(browsing.model.rowCount()):
            view.scrollTo(browsing.model.index(row, 0))
            view.grab()
        while browsing.model.canFetchMore(QModelIndex()):
            before = browsing.model.rowCount()
            browsing.model.fetchMore(QModelIndex())
            await live.until(partial(grew, browsing.model, before))
        seen += browsing.model.rowCount()
    assert seen >= MESSAGES
    browsing.leave()


def holds(model: MediaModel, kinds: Sequence[MediaKind]) -> bool:
    """Whether it shows files, and of these kinds alone."""
    rows = [model.row(place).bubble.body for place in range(model.rowCount())]
    return bool(rows) and all(type(body).__name__.lower() in kinds for body in rows)


def grew(model: MediaModel, rows: int) -> bool:
    return model.rowCount() > rows or not model.canFetchMore(QModelIndex())
