"""The window over a real client and a real server: a message is named in, edited, answered, marked and taken back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QPushButton

import client.bootstrap
import server.bootstrap
from client.app.chat import Chat
from client.core.model import Bubble
from client.ui.dialogs.forward import ForwardDialog, tick
from client.ui.dialogs.frame import Dialog
from client.ui.notebook import Notebook
from client.ui.sound.sources import INVENTED
from client.ui.theme import Themes
from client.ui.widgets.main_window import MainWindow
from protocol.content import Mention, Text
from protocol.values import ConvId
from server.app.settings import settings_for

pytestmark = pytest.mark.qt_log_ignore("does not support", "No RHI backend")


class Live:
    """Alice at her window, and Bob somewhere else, in one group."""

    def __init__(self, window: MainWindow, bob: Chat) -> None:
        self.window, self.page, self.bob, self.conv = window, window.page, bob, ConvId("")

    async def until(self, wanted: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not wanted():  # noqa: ASYNC110 - what is drawn tells nobody
                await asyncio.sleep(0.01)

    def shown(self, *, mine: bool) -> list[Bubble]:
        model = self.page.model
        rows = [model.row(row) for row in range(model.rowCount())]
        return [row.bubble for row in rows if row.bubble.mine is mine and not row.system]

    @property
    def own(self) -> Bubble:
        return self.shown(mine=True)[0]

    def enter(self, text: str) -> None:
        self.page.composer.put(text)
        self.key(Qt.Key.Key_Return)

    def key(self, key: Qt.Key) -> None:
        """A key in the field, without a second round of the loop inside of this one as QTest would make it."""
        event = QKeyEvent(QEvent.Type.KeyPress, key, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(self.page.composer.field, event)


@asynccontextmanager
async def living(themes: Themes, tmp_path: Path) -> AsyncIterator[Live]:
    """No fixture: between fixtures and tests Qt's events are handled while no loop runs, and sockets have events."""
    QApplication.setQuitOnLastWindowClosed(False)
    settings = settings_for(tmp_path / "server", "127.0.0.1:0")
    async with server.bootstrap.open_accounts(settings) as accounts:
        invites = [await accounts.new_invite() for _ in range(2)]
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(server.bootstrap.open_server(settings))
        chats = []
        for name, invite in zip(("Alice", "Bob Lee"), invites, strict=True):
            profile = client.bootstrap.Profile(tmp_path / name, "", log_file=tmp_path / f"{name}.log")
            chat = await stack.enter_async_context(client.bootstrap.open_client(profile, screen_batch_s=0.01))
            await chat.join(address.url, name, invite)
            chats.append(chat)
        window = MainWindow(chats[0], themes, Notebook(tmp_path), sources=INVENTED, native_dialogs=False)
        window._leaving = True
        window.show()
        assert chats[1].me is not None
        made = Live(window, chats[1])
        await made.until(lambda: all(chat.line.state == "ready" for chat in chats))
        made.conv = await chats[0].open_group("Trip", [chats[1].me.uid])
        await made.until(lambda: window.chats.row_of(made.conv) is not None)
        window.show_chat(made.conv)
        await made.until(lambda: window.page.model.rowCount())
        yield made
        window.close()
        await window.close_down()
        window.deleteLater()
        QCoreApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete)


async def test_the_life_of_a_message(themes: Themes, tmp_path: Path) -> None:
    async with living(themes, tmp_path) as live:
        await life_of_a_message(live)


async def life_of_a_message(live: Live) -> None:
    page, bob = live.page, live.bob
    assert bob.me is not None

    live.enter("Hi @Bob Lee")
    await live.until(lambda: live.shown(mine=True) and live.own.pos)
    assert live.own.mentions == (Mention(bob.me.uid, 3, 8),)

    live.key(Qt.Key.Key_Up)
    live.enter("Hello @Bob Lee")
    await live.until(lambda: live.own.edited and live.own.change is None)
    assert live.own.body == Text("Hello @Bob Lee", (Mention(bob.me.uid, 6, 8),))

    page.hands.do(live.own.lid, "chip:👍")
    await live.until(lambda: live.own.reactions and live.own.change is None)
    page.hands.do(live.own.lid, "chip:👍")
    await live.until(lambda: not live.own.reactions)

    heard = [bubble for bubble in await bob.page(live.conv) if isinstance(bubble.body, Text)]
    await bob.say(live.conv, "Yes?", reply_to=heard[-1].lid)
    await bob.react(heard[-1].lid, "🎉")
    await live.until(lambda: live.own.reactions and live.shown(mine=False))
    page.hands.do(live.shown(mine=False)[-1].lid, "quote")
    await live.until(lambda: page.list.bubbles.flashed == live.own.lid)

    page.hands.do(live.own.lid, "forward")
    await live.until(lambda: live.window.findChild(ForwardDialog))
    dialog = live.window.findChild(ForwardDialog)
    assert dialog is not None
    tick(dialog.list.item(0))
    dialog.answer("forward")
    await live.until(lambda: live.shown(mine=True)[-1].forward is not None)

    page.hands.do(live.own.lid, "recall")
    asked = "answer_recall"
    await live.until(lambda: [each for each in live.window.findChildren(Dialog) if each.findChild(QPushButton, asked)])
    button = live.window.findChild(QPushButton, asked)
    assert button is not None
    button.click()
    await live.until(lambda: live.own.recalled and live.own.change is None)
    assert page.model.data(page.model.index(page.model.row_of(live.own.lid) or 0), Qt.ItemDataRole.AccessibleTextRole)
