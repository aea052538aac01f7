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
from client.ui.sound.segments import Tape
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


def left_over(folder: Path, name: str) -> Path:
    """A recording that still waits, and a file that was made of it."""
    recordings = Notebook(folder).recordings
    tape = Tape(recordings / name, people.CONV, "voice", 1)
    for _ in range(10):
        tape.add_sound(bytes(9600), 0.5)
    tape.close()
    made = recordings / f"{name}-0-1000.ogg"
    made.write_bytes(b"OggS")
    return made


async def test_a_recording_that_was_sent_a_moment_before_a_crash_is_not_offered_again(
    themes: Themes, tmp_path: Path
) -> None:
    chat = shelf(tmp_path)
    made = left_over(tmp_path, "voice-1")
    chat.files_shown.add(str(made))
    async with opened(chat, themes, tmp_path) as window:
        await so(lambda: not window.page.drafts.convs)
        assert made.exists(), "its message needs it"


async def test_what_was_made_of_a_recording_and_not_sent_is_made_again(themes: Themes, tmp_path: Path) -> None:
    made = left_over(tmp_path, "voice-1")
    async with opened(shelf(tmp_path), themes, tmp_path) as window:
        await so(lambda: not made.exists())
        assert window.page.drafts.convs == [people.CONV]
        assert window.page.bar.face == "draft"


async def test_a_file_that_is_gone_and_a_message_that_is_gone_are_left_out(themes: Themes, tmp_path: Path) -> None:
    chat = shelf(tmp_path)
    chat.waiting[people.CONV] = [DraftPart("file", "/nowhere/report.pdf"), DraftPart("split"), DraftPart("reply", "x")]
    async with opened(chat, themes, tmp_path) as window:
        await so(lambda: window.page.parts._known is not None)
        assert window.page.rail.isHidden()
        assert window.page.answer.isHidden()
