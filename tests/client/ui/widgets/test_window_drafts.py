"""What waits beside the words is there again when the window is opened anew."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication

from client.app.chat import Chat
from client.ports import DraftPart
from client.ui.notebook import Notebook
from client.ui.sound.sources import INVENTED
from client.ui.theme import Themes
from client.ui.widgets.main_window import MainWindow
from tests.stages import people
from tests.stages.shelf_chat import ShelfChat


async def so(wanted: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not wanted():  # noqa: ASYNC110 - what is drawn tells nobody
            await asyncio.sleep(0.005)


@asynccontextmanager
async def opened(chat: ShelfChat, themes: Themes, folder: Path) -> AsyncIterator[MainWindow]:
    QApplication.setQuitOnLastWindowClosed(False)
    window = MainWindow(cast(Chat, chat), themes, Notebook(folder), sources=INVENTED, native_dialogs=False)
    window._leaving = True
    window.show()
    await so(lambda: window.chats.rowCount() == 3)
    window.show_chat(people.CONV)
    await so(lambda: window.page.model.rowCount() > 0)
    try:
        yield window
    finally:
        window.close()
        await window.close_down()
        window.deleteLater()
        QCoreApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete)


def shelf(folder: Path) -> ShelfChat:
    return ShelfChat(people.everyday(folder), [people.entry(conv=people.CONV), *people.chats()[1:3]])


async def test_files_and_an_answer_wait_for_the_next_start(themes: Themes, tmp_path: Path) -> None:
    chat = shelf(tmp_path)
    picture, report = people.saved(tmp_path), tmp_path / "report.pdf"
    report.write_bytes(b"%PDF-1.4")
    async with opened(chat, themes, tmp_path) as window:
        page = window.page
        answered = page.model.bubble_at(0)
        page.attaching.offer([str(report), picture], as_files=True)
        page.writing.reply(answered)
        await so(lambda: len(chat.waiting.get(people.CONV, [])) == 4)

    async with opened(chat, themes, tmp_path) as window:
        page = window.page
        await so(lambda: not page.rail.isHidden() and not page.answer.isHidden())
        tray = page.attaching.tray(people.CONV)
        assert [staged.path for staged in tray.files] == [str(report), picture]
        assert tray.as_files
        assert page.writing.aim.lid == answered.lid
        page.send()
        await so(lambda: page.rail.isHidden())
        await so(lambda: chat.waiting[people.CONV] == [])


async def test_a_file_that_is_gone_and_a_message_that_is_gone_are_left_out(themes: Themes, tmp_path: Path) -> None:
    chat = shelf(tmp_path)
    chat.waiting[people.CONV] = [DraftPart("file", "/nowhere/report.pdf"), DraftPart("split"), DraftPart("reply", "x")]
    async with opened(chat, themes, tmp_path) as window:
        await so(lambda: window.page.parts._known is not None)
        assert window.page.rail.isHidden()
        assert window.page.answer.isHidden()
