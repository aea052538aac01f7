"""Files in the whole window: from the rail to albums, from a click to the disk, and what asks before it is opened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
import pytest_asyncio
from PySide6.QtCore import QCoreApplication, QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel
from pytestqt.qtbot import QtBot

from client.app.chat import Chat
from client.core.model import Bubble, State
from client.ui.actions import entries
from client.ui.bubbles.delegate import file_tip
from client.ui.files import PROGRAMS, file_entries, may_run
from client.ui.notebook import Notebook
from client.ui.sound.sources import INVENTED
from client.ui.theme import Themes
from client.ui.viewmodels.rows import Row
from client.ui.widgets.main_window import MainWindow
from client.ui.words import clock, problem_words
from protocol.problems import OutboxFull
from protocol.values import Lid
from tests.client.ui.widgets.test_main_window import Bench
from tests.stages import people
from tests.stages.people import ANNA, Diary
from tests.stages.shelf_chat import ShelfChat
from tests.stages.stage import NOW_MS

DANGEROUS = (
    "a.exe", "a.EXE", "a.com", "a.bat", "a.cmd", "a.scr", "a.pif", "a.msi", "a.lnk", "a.url", "a.reg", "a.hta", "a.cpl",
    "a.vbs", "a.vbe", "a.js", "a.jse", "a.wsf", "a.wsh", "a.ps1", "a.psm1", "a.jar", "a.jnlp", "a.sh", "a.bash",
    "a.zsh", "a.py", "a.rb", "a.pl", "a.desktop", "a.run", "a.appimage", "a.deb", "a.rpm", "a.app", "a.pkg", "a.dmg",
    "a.command", "a.terminal", "a.scpt", "a.docm", "a.xlsm", "a.pptm", "a.xll", "a.html", "a.svg", "a.iso", "a.chm",
    "a.jpg.exe", "a.exe.", "a.exe ", "a.exe. .",
)  # fmt: skip
HARMLESS = ("a.jpg", "a.pdf", "a.txt", "a.docx", "a.ogg", "a.mp4", "a.zip", "exe", "a.exe.txt", "")


@pytest.mark.parametrize("name", DANGEROUS)
def test_what_may_run_is_known_by_its_ending(name: str) -> None:
    assert may_run(name)


@pytest.mark.parametrize("name", HARMLESS)
def test_what_does_not_is_not_asked_about(name: str) -> None:
    assert not may_run(name)


def test_the_table_is_long_enough() -> None:
    assert len(PROGRAMS) >= 40


@pytest_asyncio.fixture
async def bench(qtbot: QtBot, themes: Themes, tmp_path: Path) -> AsyncIterator[Bench]:
    QApplication.setQuitOnLastWindowClosed(False)
    chat = ShelfChat(talk(tmp_path), [people.entry(conv=people.CONV), *people.chats()[1:3]])
    window = MainWindow(cast(Chat, chat), themes, Notebook(tmp_path), sources=INVENTED, native_dialogs=False)
    window._leaving = True
    made = Bench(window, chat, qtbot)
    window.show()
    await made.until(lambda: window.chats.rowCount() == 3)
    window.show_chat(people.CONV)
    await made.until(lambda: window.page.model.rowCount() > 0)
    yield made
    window.close()
    await window.close_down()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete)


def talk(folder: Path) -> list[Bubble]:
    """1 away, 2 on its way, 3 paused, 4 gone, 5 a program, 6 an upload, 7 a held one, 8…10 an album, 11 not passed."""
    program = folder / "cached.bin"
    program.write_bytes(b"MZ")
    diary = Diary()
    diary.hear(ANNA, people.document()).hear(ANNA, people.document(), fetching=True)
    diary.hear(ANNA, people.document(), fetching=True, paused=True, here_bytes=900_000)
    diary.hear(ANNA, people.document(), code="media_unknown", dg="d4")
    diary.hear(ANNA, people.document("CON/invoice\u202efdp.exe"), path=str(program), fetched_ms=NOW_MS)
    for body in people.shots(3):
        diary.hear(ANNA, body)
    diary.hear(ANNA, people.document("film.mp4"), path=str(program), why="media_unsafe")
    diary.say(people.document(), State.UPLOADING, path=str(program))
    diary.say(people.document(), State.UPLOADING, path=str(program), paused=True, here_bytes=7)
    return diary.bubbles


def bubble_of(bench: Bench, lid: int) -> Bubble:
    found = bench.page.model.bubble(Lid(lid))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("lid", "part", "wish"),
    [
        (1, "download", "fetch"), (2, "hold", "pause"), (2, "stop", "stop_fetch"), (3, "resume", "fetch"),
        (10, "hold", "pause"), (11, "resume", "resume"), (10, "cancel", "cancel"),
    ],
)  # fmt: skip
async def test_a_click_becomes_a_wish(bench: Bench, lid: int, part: str, wish: str) -> None:
    bench.page.hands.do(Lid(lid), part)
    assert await bench.wish(wish, Lid(lid)) == (wish, lid)


async def test_download_all_fetches_every_tile_that_is_missing(bench: Bench) -> None:
    bench.page.hands.do(Lid(6), "download_all")
    await bench.wish("fetch", Lid(8))
    assert [wish[1] for wish in bench.chat.wishes if wish[0] == "fetch"] == [6, 7, 8]


async def test_the_sender_is_asked_in_an_answer_that_is_not_sent_by_itself(bench: Bench) -> None:
    bench.page.hands.do(Lid(4), "ask_again")
    await bench.until(lambda: "Quarterly report.pdf" in bench.page.composer.text)
    assert bench.page.writing.take().lid == 4
    assert not [wish for wish in bench.chat.wishes if wish[0] == "say"]


async def test_a_program_asks_first_and_is_saved_under_a_safe_name(bench: Bench, tmp_path: Path) -> None:
    bench.page.hands.do(Lid(5), "open")
    await bench.answer("save")
    await bench.until(lambda: bench.window.findChild(QFileDialog, "save_dialog"))
    dialog = bench.window.findChild(QFileDialog, "save_dialog")
    assert dialog is not None
    assert Path(dialog.selectedFiles()[0]).name == "CON_invoicefdp.exe"
    (tmp_path / "taken.exe").write_bytes(b"mine")
    dialog.fileSelected.emit(str(tmp_path / "taken.exe"))
    await bench.wish("save_copy", Lid(5))
    await bench.until(lambda: "taken (2).exe" in bench.page.hint.words)
    assert (tmp_path / "taken.exe").read_bytes() == b"mine"
    dialog.reject()


async def test_what_was_not_passed_asks_first_and_says_why(bench: Bench) -> None:
    bench.page.hands.do(Lid(9), "open")
    await bench.until(bench.dialog)
    dialog = bench.dialog()
    assert dialog is not None
    assert problem_words("media_unsafe") in {label.text() for label in dialog.findChildren(QLabel)}
    await bench.answer("")


async def test_a_file_is_copied_as_a_file_manager_would(bench: Bench, tmp_path: Path) -> None:
    bench.page.hands.do(Lid(5), "copy_file")
    await bench.until(lambda: "clipboard" in bench.page.hint.words)
    assert QGuiApplication.clipboard().mimeData().urls() == [QUrl.fromLocalFile(str(tmp_path / "cached.bin"))]


async def test_the_tool_tip_says_which_file_it_is(bench: Bench) -> None:
    assert file_tip(bubble_of(bench, 5)) == (
        f"CON/invoicefdp.exe · 2,310,000 bytes · SHA-256 d2d2d2d2… · Downloaded {clock(NOW_MS)}"
    )
    assert "Downloaded" not in file_tip(bubble_of(bench, 1))


@pytest.mark.parametrize(
    ("lid", "offered"),
    [
        (1, ["download"]), (2, ["hold", "stop"]), (3, ["resume", "stop"]), (4, ["ask_again"]),
        (5, ["open", "save", "folder", "copy_file"]), (10, ["open", "save", "folder", "copy_file", "hold"]),
        (11, ["open", "save", "folder", "copy_file", "resume"]),
    ],
)  # fmt: skip
async def test_what_the_menu_offers(bench: Bench, lid: int, offered: list[str]) -> None:
    bubble = bubble_of(bench, lid)
    face = Row(bubble).face
    assert [part for part, _, _ in file_entries(bubble, face)] == offered
    assert set(offered) <= {part for part, _, _ in entries(bubble, face, frozenset())}


# --- the rail


def pictures(folder: Path, count: int) -> list[str]:
    return [people.saved(folder, f"{place:02}.jpg") for place in range(count)]


async def test_pictures_that_are_sent_together_are_an_album(bench: Bench, tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("x")
    bench.page.attaching.offer([*pictures(tmp_path, 3), str(note)])
    bench.page.send()
    await bench.until(lambda: not bench.page.attaching.tray(people.CONV).files)
    sent = [wish for wish in bench.chat.wishes if wish[0] == "send_file"]
    assert [wish[5:] for wish in sent] == [("album00000000000000001",)] * 3 + [()]


async def test_what_is_left_of_an_album_joins_it_when_it_is_sent_again(bench: Bench, tmp_path: Path) -> None:
    bench.page.attaching.offer(pictures(tmp_path, 3))
    bench.chat.slow = asyncio.Event()
    bench.page.send()
    await bench.wish("send_file")
    bench.chat.refuse = OutboxFull(limit=1000)
    bench.chat.slow.set()
    await bench.until(lambda: "1000" in bench.page.hint.words)
    bench.chat.refuse = None
    bench.page.send()
    await bench.until(lambda: not bench.page.attaching.tray(people.CONV).files)
    assert {wish[5:] for wish in bench.chat.wishes if wish[0] == "send_file"} == {("album00000000000000001",)}


async def test_one_picture_is_no_album(bench: Bench, tmp_path: Path) -> None:
    bench.page.attaching.offer(pictures(tmp_path, 1))
    bench.page.send()
    assert await bench.wish("send_file") == ("send_file", people.CONV, str(tmp_path / "00.jpg"), "auto", "")


async def test_without_the_tick_pictures_go_as_they_are_and_that_is_remembered(bench: Bench, tmp_path: Path) -> None:
    bench.page.attaching.offer(pictures(tmp_path, 1))
    bench.page.rail._compress.click()
    await bench.until(lambda: not bench.chat.settings.compress)
    bench.page.send()
    assert (await bench.wish("send_file"))[5:] == ("original",)
    bench.page.attaching.offer(pictures(tmp_path, 2)[1:])
    assert not bench.page.rail._compress.isChecked()


async def test_more_than_ten_are_split_only_if_that_is_wanted(bench: Bench, tmp_path: Path) -> None:
    paths = pictures(tmp_path, 12)
    bench.page.attaching.offer(paths)
    await bench.answer("")
    await bench.until(lambda: bench.dialog() is None)
    assert len(bench.page.attaching.tray(people.CONV).files) == 10
    bench.page.attaching.offer(paths)
    await bench.answer("split")
    await bench.until(lambda: len(bench.page.attaching.tray(people.CONV).files) == 12)
    bench.page.send()
    await bench.until(lambda: not bench.page.attaching.tray(people.CONV).files)
    names = [wish[5] for wish in bench.chat.wishes if wish[0] == "send_file"]
    assert [names.count(name) for name in dict.fromkeys(names)] == [10, 2]


async def test_files_dropped_on_a_row_wait_in_that_chat(bench: Bench, tmp_path: Path) -> None:
    view, other = bench.window.side.chats.view, bench.window.chats.entry(1).conv
    row = next(row for row in range(3) if view.model().index(row, 0).data(Qt.ItemDataRole.UserRole + 1).conv == other)
    spot, data = view.visualRect(view.model().index(row, 0)).center(), QMimeData()
    data.setUrls([QUrl.fromLocalFile(pictures(tmp_path, 1)[0])])
    copy, button, held = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    view.dragEnterEvent(QDragEnterEvent(spot, copy, data, button, held))
    over = QDragMoveEvent(spot, copy, data, button, held)
    view.dragMoveEvent(over)
    assert over.isAccepted()
    assert view.under_drag.row() == row
    view.grab()
    aside = QDragMoveEvent(QPoint(5, 5000), copy, data, button, held)
    view.dragMoveEvent(aside)
    assert not aside.isAccepted()
    view.dropEvent(QDropEvent(QPointF(spot), copy, data, button, held))
    await bench.until(lambda: bench.page.conv == other and not bench.page.rail.isHidden())
    assert [staged.name for staged in bench.page.attaching.tray(other).files] == ["00.jpg"]
    assert not view.under_drag.isValid()
    assert not [wish for wish in bench.chat.wishes if wish[0] == "send_file"]
