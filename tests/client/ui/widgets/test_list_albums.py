"""Albums in the list: one row for all of them, and every tile a message of its own for pointer and keyboard."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from client.core.model import Bubble, TransferProgress
from client.ui.bubbles.ink import tile_name
from client.ui.theme import Themes
from protocol.content import Text
from protocol.values import Lid, replace
from tests.client.ui.widgets.list_window import Window
from tests.stages import people
from tests.stages.people import ANNA, Diary


def talk(count: int = 4, **facts: Any) -> list[Bubble]:
    diary = Diary().hear(ANNA, Text("before"))
    for body in people.shots(count):
        diary.hear(ANNA, body, **facts)
    return diary.hear(ANNA, Text("after")).bubbles


@pytest.fixture
def window(qtbot: QtBot, themes: Themes) -> Window:
    made = Window(qtbot, themes, talk())
    made.view.resize(600, 900)
    made.rest()
    return made


def height(window: Window, lid: int) -> int:
    row = window.model.row_of(Lid(lid))
    assert row is not None
    return window.view.visualRect(window.model.index(row)).height()


def test_an_album_is_seen_as_one_row(window: Window) -> None:
    assert [window.view.isRowHidden(row) for row in range(6)] == [False, False, True, True, True, False]
    assert height(window, 2) > 200
    assert [height(window, lid) for lid in (3, 4, 5)] == [0, 0, 0]


def test_a_click_is_about_the_tile_that_is_under_it(window: Window) -> None:
    for lid in (2, 4, 5):
        window.click(2, tile_name(Lid(lid), "download"))
    window.click(2, "download_all")
    assert window.clicks() == [(2, "download"), (4, "download"), (5, "download"), (2, "download_all")]


def test_one_more_joins_and_the_other_way_round(window: Window) -> None:
    extra = replace(talk()[3], lid=Lid(9), pos=5, place=0)
    moved = replace(talk()[5], lid=Lid(6), pos=6)
    window.model.drop(Lid(6))
    window.model.merge([extra, moved])
    window.rest()
    assert [row.lid for row in window.model.album(Lid(9))] == [2, 3, 4, 5, 9]
    for lid in (3, 4, 5, 9):
        window.model.drop(Lid(lid))
        window.rest()
    assert window.model.album(Lid(2)) == ()
    assert not window.view.isRowHidden(1)
    window.click(2, "download")


def test_the_first_one_is_removed_and_the_next_one_leads(window: Window) -> None:
    window.model.merge([replace(talk()[1], recalled=True, body=None, recalled_by=ANNA.uid)])
    window.rest()
    assert [window.view.isRowHidden(row) for row in range(6)] == [False, False, False, True, True, False]
    assert height(window, 2) < 60
    window.click(3, tile_name(Lid(5), "download"))
    assert window.clicks() == [(5, "download")]


def test_progress_of_a_tile_is_drawn_in_the_mosaic(window: Window) -> None:
    window.model.progress(TransferProgress(Lid(4), "down", 1, 4))
    window.rest()
    window.click(2, tile_name(Lid(4), "hold"))
    window.model.progress(TransferProgress(Lid(4), "down", 3, 4))
    row = window.model.row(1)
    assert [each.done_bytes for each in row.album] == [0, 0, 3, 0]


def test_the_keyboard_walks_from_tile_to_tile(window: Window) -> None:
    view = window.view
    view.setFocus()
    for key in (Qt.Key.Key_Up, Qt.Key.Key_Up):
        QTest.keyClick(view, key)
    assert view.currentIndex().row() == 1, "what is folded is stepped over"
    QTest.keyClick(view, Qt.Key.Key_Delete)
    assert window.clicks() == [], "of an album nothing is removed before a tile is chosen"
    assert view.pointed == 2
    for _ in range(2):
        QTest.keyClick(view, Qt.Key.Key_Right)
    assert view.pointed == 4
    QTest.keyClick(view, Qt.Key.Key_Return)
    QTest.keyClick(view, Qt.Key.Key_Delete)
    assert window.clicks() == [(4, "download"), (4, "remove")]
    QTest.keyClick(view, Qt.Key.Key_Up)
    assert view.currentIndex().row() == 0


def test_the_menu_is_that_of_the_tile(window: Window) -> None:
    view, name = window.view, tile_name(Lid(3), "download")
    index = window.model.index(1)
    spot = view.bubbles.part_rect(index, view.visualRect(index), name).center()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, spot, view.viewport().mapToGlobal(spot))
    QGuiApplication.sendEvent(view.viewport(), event)
    asked = [fact[1] for fact in window.told if fact[0] == "menu_wanted"]
    assert asked == [3]


def test_an_album_is_selected_as_a_whole(window: Window) -> None:
    window.view.selectionModel().select(
        window.model.index(1), window.view.selectionModel().SelectionFlag.ClearAndSelect
    )
    assert window.view.selected_lids() == [2, 3, 4, 5]
    window.view.selectAll()
    assert window.view.selected_lids() == [1, 2, 3, 4, 5, 6]


def test_all_of_an_album_that_is_seen_has_been_read(qtbot: QtBot, themes: Themes) -> None:
    made = Window(qtbot, themes, talk()[:-1])
    made.rest()
    assert [fact[1] for fact in made.told if fact[0] == "read_upto"][-1:] == [5]


def test_one_can_go_to_a_tile(window: Window) -> None:
    window.view.show_message(Lid(4))
    assert window.view.currentIndex().row() == 1
    assert not window.view.place_of(Lid(4)).isEmpty()
    assert window.view.bubbles.flashed == 2


def test_the_end_stays_at_the_end_with_an_album_there(qtbot: QtBot, themes: Themes) -> None:
    made = Window(qtbot, themes, [*Diary().hear(ANNA, Text("word " * 900)).bubbles, *talk()[1:-1]])
    made.view.scroll_to_end()
    made.rest()
    assert made.view.px_to_end() == 0
    bottom = made.view.visualRect(made.model.index(1)).bottom()
    assert abs(bottom - made.view.viewport().height()) <= 2
    assert made.view.indexAt(QPoint(300, made.view.viewport().height() - 40)).row() == 1
