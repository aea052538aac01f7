"""Windows over real profiles and the real server: what others do in a group is seen, and a device comes back."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from client import bootstrap
from client.app.chat import Chat
from client.core.model import State
from client.ui.bubbles.sentences import notice_words
from client.ui.dialogs.delivery import DeliveryDialog
from client.ui.dialogs.frame import Dialog
from client.ui.dialogs.group import GroupDialog
from client.ui.dialogs.rejoin import LeftOverDialog, RejoinDialog
from client.ui.notebook import Notebook
from client.ui.sound.sources import INVENTED
from client.ui.theme import Themes
from client.ui.viewmodels.rows import Row
from client.ui.widgets.main_window import MainWindow
from client.ui.widgets.viewer import Viewer
from protocol.content import Text
from protocol.values import ConvId, Lid
from tests.stages import people

T = TypeVar("T", bound=Dialog)


async def until(wanted: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not wanted():  # noqa: ASYNC110 - what is drawn tells nobody
            await asyncio.sleep(0.01)


async def opened(window: MainWindow, kind: type[T]) -> T:
    def there() -> list[T]:
        return [one for one in window.findChildren(kind) if one.isVisible()]

    await until(there)
    return there()[0]


def said(window: MainWindow) -> list[str]:
    bubbles = [window.page.model.bubble_at(row) for row in range(window.page.model.rowCount())]
    return [bubble.body.text for bubble in bubbles if isinstance(bubble.body, Text)]


def notices(window: MainWindow) -> list[str]:
    model = window.page.model
    lines = [notice_words(model.row(row)) for row in range(model.rowCount()) if model.row(row).system]
    return [line.replace("\u2068", "").replace("\u2069", "") for line in lines]


@asynccontextmanager
async def window_of(chat: Chat, themes: Themes, folder: Path) -> AsyncIterator[MainWindow]:
    QApplication.setQuitOnLastWindowClosed(False)
    window = MainWindow(chat, themes, Notebook(folder), sources=INVENTED, native_dialogs=False)
    window.show()
    try:
        yield window
    finally:
        window.leave()
        await window.close_down()
        window.deleteLater()
        QCoreApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete)


async def show(window: MainWindow, conv: ConvId) -> None:
    await until(lambda: window.chats.row_of(conv) is not None)
    window.show_chat(conv)
    await until(lambda: window.page.conv == conv and window.page.model.rowCount())


async def test_a_group_in_two_windows(qtbot: QtBot, themes: Themes, tmp_path: Path) -> None:
    async with (
        bootstrap.open_server(tmp_path / "server") as server,
        bootstrap.open_chat(tmp_path / "nora", "") as nora,
        bootstrap.open_chat(tmp_path / "ben", "") as ben,
    ):
        await nora.join(server.url, "Nora", await server.invite())
        uid = (await ben.join(server.url, "Ben", await server.invite())).uid
        await until(lambda: nora.line.state == ben.line.state == "ready")
        async with window_of(nora, themes, tmp_path / "nora") as hers, window_of(ben, themes, tmp_path / "ben") as his:
            conv = await nora.open_group("Trip", [uid])
            await show(hers, conv)
            await show(his, conv)
            await until(lambda: len(notices(his)) == 3)
            assert sorted(notices(his)) == ["Nora joined", "Nora made the group Trip", "You joined"]

            ben.typing(conv, "text")
            await until(lambda: "is writing…" in hers.page.header.second)

            lid = await nora.say(conv, "Hello")
            await until(lambda: (one := hers.page.model.bubble(lid)) and one.state >= State.DELIVERED)
            hers.page.hands.do(lid, "mark")
            delivery = await opened(hers, DeliveryDialog)
            await until(lambda: delivery.list.people.rowCount() == 1)
            assert delivery.list.people.row(0).name == "Ben"
            delivery.answer("")

            hers.show_group()
            group = await opened(hers, GroupDialog)
            await until(lambda: any(row.online for row in map(group.list.people.row, range(2))))
            group.renamed.emit("Sea trip")
            await until(lambda: "Nora named the group Sea trip" in notices(his))
            group.remove_wanted.emit(uid)
            await until(lambda: hers.findChildren(QPushButton, "answer_remove"))
            hers.findChildren(QPushButton, "answer_remove")[-1].click()
            await until(his.page.away.isVisible)
            await nora.add_members(conv, [uid])
            await until(his.page.composer.isVisible)
            await until(lambda: notices(his)[-2:] == ["Nora removed you", "Nora added you"])


async def test_a_device_comes_ends_and_comes_back(qtbot: QtBot, themes: Themes, tmp_path: Path) -> None:
    async with (
        bootstrap.open_server(tmp_path / "server") as server,
        bootstrap.open_chat(tmp_path / "desk", "") as desk,
        bootstrap.open_chat(tmp_path / "laptop", "") as laptop,
    ):
        uid = (await desk.join(server.url, "Nora", await server.invite())).uid
        await until(lambda: desk.line.state == "ready")
        conv = await desk.open_group("Notes", [])
        await desk.say(conv, "written before")
        second = await laptop.join(server.url, "", await desk.device_code())
        assert second.uid == uid
        async with window_of(laptop, themes, tmp_path / "laptop") as window:
            await show(window, conv)
            await until(lambda: said(window) == ["written before"])
            await desk.end_device(second.did)
            await until(lambda: "not signed in" in window.page.banner.words)
            await laptop.say(conv, "too late")
            window.page.join_wanted.emit()
            rejoin = await opened(window, RejoinDialog)
            rejoin.code.setText(await desk.device_code())
            rejoin.answer("join")
            left = await opened(window, LeftOverDialog)
            left.answer("send")
            await until(lambda: window.page.banner.words in ("", "Connected again"))
            newest = [await desk.page(conv)]

            async def arrived() -> bool:
                newest[0] = await desk.page(conv)
                return any(isinstance(one.body, Text) and one.body.text == "too late" for one in newest[0])

            async with asyncio.timeout(20):
                while not await arrived():  # noqa: ASYNC110 - the other device tells nobody here
                    await asyncio.sleep(0.02)


async def test_an_album_goes_from_one_window_to_another(qtbot: QtBot, themes: Themes, tmp_path: Path) -> None:
    paths = []
    for place in range(3):
        paths.append(str(tmp_path / f"{place}.jpg"))
        people.landscape(900, 600, 0.1 + place * 0.2).save(paths[-1])
    async with (
        bootstrap.open_server(tmp_path / "server") as server,
        bootstrap.open_chat(tmp_path / "nora", "") as nora,
        bootstrap.open_chat(tmp_path / "ben", "") as ben,
    ):
        await nora.join(server.url, "Nora", await server.invite())
        uid = (await ben.join(server.url, "Ben", await server.invite())).uid
        await until(lambda: nora.line.state == ben.line.state == "ready")
        conv = await nora.open_direct(uid)
        async with window_of(nora, themes, tmp_path / "nora") as hers, window_of(ben, themes, tmp_path / "ben") as his:
            await show(hers, conv)
            await show(his, conv)
            hers.page.attaching.offer(paths)
            hers.page.send()
            await until(lambda: len(albums(his)) == len(albums(hers)) == 1)
            await until(lambda: len(albums(his)[0]) == len(albums(hers)[0]) == 3)
            seen = albums(his)[0]
            assert [row.face for row in seen] == ["away"] * 3, "nothing comes before a click"

            his.page.hands.do(seen[0].lid, "download_all")
            await until(lambda: [row.face for row in albums(his)[0]] == ["ready"] * 3)
            saved = await ben.save_copy(seen[1].lid, str(tmp_path / "b.jpg"))
            assert os.stat(saved).st_size == albums(his)[0][1].total_bytes

            middle = albums(hers)[0][1].lid
            await until(lambda: albums(hers)[0][1].bubble.pos)
            await nora.recall(middle)
            await until(lambda: len(albums(his)[0]) == len(albums(hers)[0]) == 2)


def albums(window: MainWindow) -> list[tuple[Row, ...]]:
    model = window.page.model
    return [model.row(row).album for row in range(model.rowCount()) if model.row(row).album]


async def test_fifty_media_over_the_real_line_cost_no_request_until_a_click(
    qtbot: QtBot, themes: Themes, tmp_path: Path
) -> None:
    """The list, the tab and the viewer, and the ledger of every request as witness (P-76)."""
    async with (
        bootstrap.open_server(tmp_path / "server") as server,
        bootstrap.open_chat(tmp_path / "nora", "") as nora,
        bootstrap.open_chat(tmp_path / "ben", "") as ben,
    ):
        await nora.join(server.url, "Nora", await server.invite())
        uid = (await ben.join(server.url, "Ben", await server.invite())).uid
        conv = await nora.open_direct(uid)
        first = await nora.send_file(conv, people.saved(tmp_path), "picture")
        await sent(nora, first)
        await nora.forward([first] * 49, conv)

        async with window_of(ben, themes, tmp_path / "ben") as window:
            page, asked = window.page, len(await ben.spent())
            await arrived(ben, conv, 50)
            await show(window, conv)
            page.browse()
            await until(lambda: page.browsing.model.rowCount() == 50)
            page.browsing.tab.grab()
            page.viewing.open(page.browsing.model.row(0).bubble)
            for place in range(50, 0, -1):
                await shown(page.viewer, f"{place} of 50")
                page.viewer.stepped.emit(-1)
            assert len(await ben.spent()) == asked

            page.viewer._do.click()
            await until(lambda: page.viewer.canvas._image.width() > 1000)
            causes = [row.because.cause for row in await ben.spent()]
            assert causes[: len(causes) - asked] == ["download"]


async def sent(chat: Chat, lid: Lid) -> None:
    async with asyncio.timeout(20):
        while (await chat.bubble(lid)).state < State.ACCEPTED:  # noqa: ASYNC110 - so is the next: the disk tells nobody
            await asyncio.sleep(0.02)


async def arrived(chat: Chat, conv: ConvId, count: int) -> None:
    async with asyncio.timeout(30):
        while len(await chat.media_lids(conv, ("picture",))) < count:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.05)


async def shown(viewer: Viewer, words: str) -> None:
    await until(lambda: viewer._count.text() == words)
