"""What sounds and what is looked at, in the whole window: notes after each other, keys, the viewer, no request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import cast

import pytest_asyncio
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

import resources
from client.app.chat import Chat
from client.core.model import Bubble
from client.ui.notebook import Notebook
from client.ui.sound.sources import INVENTED
from client.ui.theme import Themes
from client.ui.widgets.main_window import MainWindow
from protocol.content import Text, Voice
from protocol.values import ConvId, Lid, replace
from tests.stages import people
from tests.stages.shelf_chat import ShelfChat

SAMPLES = Path(resources.__file__).parent / "samples"
VOICE = str(SAMPLES / "voice.ogg")
OTHER = ConvId("other")


class Bench:
    """The window, its chat, and a way to wait."""

    def __init__(self, window: MainWindow, chat: ShelfChat) -> None:
        self.window, self.chat, self.page = window, chat, window.page
        self.player = window.page.player

    async def until(self, wanted: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not wanted():  # noqa: ASYNC110 - what is drawn tells nobody
                await asyncio.sleep(0.005)

    async def plays(self, lid: int) -> None:
        await self.until(lambda: self.player.lid == lid and self.player.position_ms > 0)

    def key(self, widget: QWidget, key: Qt.Key) -> None:
        QTest.keyClick(widget, key)

    def wishes(self, name: str) -> list[object]:
        return [wish[1] for wish in self.chat.wishes if wish[0] == name]

    def point(self, lid: int, part: str) -> QPoint:
        """The middle of a part of a bubble, in the viewport."""
        view = self.page.list
        row = self.page.model.row_of(Lid(lid))
        assert row is not None
        index = self.page.model.index(row)
        return view.bubbles.part_rect(index, view.visualRect(index), part).center()

    async def end(self) -> None:
        """To the last moment of what plays."""
        await self.until(lambda: self.player.duration_ms > 4000)
        self.player.seek(0.98)


def notes() -> list[Bubble]:
    """1 and 2 unheard, 3 words, 4 ours, 5 heard, 6 unheard, 7 not downloaded, 8 unheard behind it."""
    diary = people.Diary()
    diary.hear(people.ANNA, people.voice(), path=VOICE).hear(people.ANNA, people.voice(), path=VOICE)
    diary.hear(people.ANNA, Text("listen!")).say(people.voice(), path=VOICE)
    diary.hear(people.ANNA, people.voice(), path=VOICE, heard=True).hear(people.ANNA, people.voice(), path=VOICE)
    diary.hear(people.ANNA, people.voice()).hear(people.ANNA, people.voice(), path=VOICE)
    return diary.bubbles


@pytest_asyncio.fixture
async def bench(qtbot: QtBot, themes: Themes, tmp_path: Path) -> AsyncIterator[Bench]:
    QApplication.setQuitOnLastWindowClosed(False)
    chat = ShelfChat(notes(), [people.entry(conv=people.CONV), people.entry(conv=OTHER)])
    window = MainWindow(cast(Chat, chat), themes, Notebook(tmp_path), sources=INVENTED, native_dialogs=False)
    window._leaving = True
    made = Bench(window, chat)
    window.show()
    await made.until(lambda: window.chats.rowCount() == 2)
    window.show_chat(people.CONV)
    await made.until(lambda: window.page.model.rowCount() > 0)
    yield made
    window.close()
    await window.close_down()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete)


# --------------------------------------------------------------------------------------------- heard


async def test_the_next_note_that_was_not_heard_follows_by_itself(bench: Bench) -> None:
    bench.page.hands.do(Lid(1), "play")
    await bench.plays(1)
    await bench.end()

    await bench.plays(2)
    assert bench.wishes("played") == [1]
    await bench.end()
    await bench.plays(6)
    assert bench.wishes("played") == [1, 2], "what was said here, and what was heard, is not played"


async def test_what_is_not_here_is_neither_fetched_nor_jumped_over(bench: Bench) -> None:
    bench.page.hands.do(Lid(6), "play")
    await bench.plays(6)
    await bench.end()

    await bench.until(lambda: bench.wishes("played") == [6])
    await asyncio.sleep(0.05)
    assert bench.player.lid is None
    assert bench.wishes("fetch") == []


async def test_the_dot_goes_when_a_note_was_played_to_its_end(bench: Bench) -> None:
    def dots() -> list[bool]:
        view = bench.page.list
        rows = [view._model.row(place) for place in range(view._model.rowCount())]
        blocks = [view.bubbles.sheet(row)._block for row in rows if isinstance(row.bubble.body, Voice)]
        return [block.unheard for block in blocks]  # type: ignore[union-attr]

    assert dots() == [True, True, False, False, True, True, True]
    bench.page.hands.do(Lid(6), "play")
    await bench.plays(6)
    bench.player.stop()
    assert dots()[4], "half of it is not all of it"
    bench.page.hands.do(Lid(6), "play")
    await bench.plays(6)
    await bench.end()
    await bench.until(lambda: not dots()[4])


async def test_a_note_that_is_not_what_it_says_is_not_given_to_a_decoder(bench: Bench) -> None:
    bench.chat.put(replace(notes()[0], why="media_not_as_said"))
    bench.page.hands.do(Lid(1), "play")
    bench.page.hands.seek(Lid(1), 0.5)
    await asyncio.sleep(0.02)

    assert bench.wishes("checked_path") == []
    assert bench.player.lid is None


# ---------------------------------------------------------------------------------------- the player


async def test_it_goes_on_in_another_chat_and_says_where_it_is(bench: Bench) -> None:
    bench.page.hands.do(Lid(1), "play")
    await bench.plays(1)
    bench.window.show_chat(OTHER)
    await bench.until(lambda: bench.page.conv == OTHER)

    assert not bench.player.paused
    assert bench.page.strip.isVisible()
    assert bench.page.strip.height() == 40
    assert bench.page.strip._who.text() == "Anna Li"
    bench.window.resize(500, 500)
    bench.page.strip._who.click()
    await bench.until(lambda: bench.page.conv == people.CONV)
    assert not bench.player.paused
    bench.page.strip._close.click()
    assert bench.player.lid is None
    assert bench.page.strip.isHidden()


async def test_a_speed_is_remembered_for_each_conversation(bench: Bench) -> None:
    bench.page.hands.do(Lid(1), "play")
    await bench.plays(1)
    menu = bench.page.strip._speed.menu_of_speeds()
    assert [action.text() for action in menu.actions()][0:3:2] == ["0.5×", "1×"]
    assert [action.text() for action in menu.actions() if action.isChecked()] == ["1×"]
    menu.actions()[-1].trigger()
    assert bench.player.speed == 2.5
    assert bench.page.strip._speed.text() == "2.5×"

    bench.player.stop()
    bench.page.hands.do(Lid(2), "play")
    await bench.plays(2)
    assert bench.player.speed == 2.5
    bench.chat.put(replace(notes()[7], lid=Lid(20), conv=OTHER))
    bench.window.show_chat(OTHER)
    await bench.until(lambda: bench.page.model.row_of(Lid(20)) is not None)
    bench.page.hands.do(Lid(20), "play")
    await bench.plays(20)
    assert bench.player.speed == 1.0
    assert Notebook(bench.page._notebook.folder).speed(people.CONV) == 2.5


async def test_a_drag_along_the_waveform_seeks_until_it_is_let_go(bench: Bench) -> None:
    bench.page.list.scroll_to(Lid(6))
    bench.page.hands.do(Lid(6), "play")
    await bench.plays(6)
    await bench.until(lambda: bench.player.duration_ms > 4000)
    bench.player.pause()
    view, start = bench.page.list.viewport(), bench.point(6, "wave")
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
    await bench.until(lambda: 0.4 < bench.player.position_ms / bench.player.duration_ms < 0.6)
    seen: list[float] = []
    bench.page.list.seek_clicked.connect(lambda _lid, share: seen.append(share))
    move(view, start + QPoint(60, 90))
    assert 0.6 < seen[-1] < 1, "also outside of its bubble"
    move(view, start + QPoint(4000, 0))
    assert seen[-1] == 1.0
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=start)
    count = len(seen)
    move(view, start)
    assert len(seen) == count


def move(widget: QWidget, point: QPoint) -> None:
    """The pointer, with its left button down."""
    spot = QPointF(point)
    left = Qt.MouseButton.LeftButton
    none = Qt.KeyboardModifier.NoModifier
    at = QPointF(widget.mapToGlobal(point))
    QApplication.sendEvent(widget, QMouseEvent(QEvent.Type.MouseMove, spot, at, Qt.MouseButton.NoButton, left, none))


async def test_a_click_into_a_waveform_begins_there(bench: Bench) -> None:
    bench.page.hands.seek(Lid(1), 0.2)
    bench.page.hands.seek(Lid(1), 0.5)
    await bench.until(lambda: bench.player.lid == 1 and bench.player.position_ms > 1500)
    assert bench.wishes("checked_path") == [1]


async def test_keys_of_the_player_work_wherever_no_words_are_written(bench: Bench) -> None:
    bench.window.activateWindow()
    bench.page.hands.do(Lid(1), "play")
    await bench.plays(1)
    await bench.until(lambda: bench.player.duration_ms > 4000)
    side = bench.window.side.chats.view
    side.setFocus()
    bench.key(side, Qt.Key.Key_Space)
    assert bench.player.paused
    bench.key(side, Qt.Key.Key_Right)
    await bench.until(lambda: bench.player.position_ms > 4000)
    bench.key(side, Qt.Key.Key_Left)
    await bench.until(lambda: bench.player.position_ms < 1500)

    field = bench.page.composer.field
    field.setFocus()
    bench.key(field, Qt.Key.Key_Space)
    assert bench.player.paused
    assert field.toPlainText() == " "


async def test_a_button_and_a_list_keep_their_keys_while_something_plays(bench: Bench) -> None:
    bench.window.activateWindow()
    bench.page.hands.do(Lid(1), "play")
    await bench.plays(1)
    bench.player.pause()
    close = bench.page.strip._close
    close.setFocus()
    bench.key(close, Qt.Key.Key_Space)
    assert bench.player.lid is None, "the button was pressed"

    bench.page.hands.do(Lid(1), "play")
    await bench.plays(1)
    view = bench.page.list
    view.setFocus(Qt.FocusReason.TabFocusReason)
    view.setCurrentIndex(bench.page.model.index(1))
    view.bubbles.show_focus = True
    bench.key(view, Qt.Key.Key_Right)
    assert view.bubbles.focused_part == "play"
    assert not bench.player.paused
