"""The picker by keyboard: arrows walk through the six, a letter searches, groups and grid choose."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import QWidget

from client.ui.emoji import groups
from client.ui.theme import Themes
from client.ui.widgets.emoji_picker import EmojiPicker
from client.ui.words import speak

pytestmark = pytest.mark.qt_log_ignore("does not support")


@pytest.fixture
def made(qtbot: Any, themes: Themes) -> Iterator[tuple[EmojiPicker, list[str], Any]]:
    holder = QWidget()
    qtbot.addWidget(holder)
    holder.show()
    picker = EmojiPicker(themes, holder, "🚀")
    picker.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    told: list[str] = []
    picker.chosen.connect(told.append)
    picker.show_at(QRect(200, 300, 120, 40), right=False)
    yield picker, told, qtbot
    picker.close()


def test_ones_own_sign_stands_first_and_has_the_keyboard(made: tuple[EmojiPicker, list[str], Any]) -> None:
    picker, told, qtbot = made
    assert [button.text() for button in picker.usual][:2] == ["🚀", "👍"]
    assert picker.usual[0].accessibleName() == "rocket, chosen"
    qtbot.keyClick(picker.usual[0], Qt.Key.Key_Right)
    qtbot.keyClick(picker.usual[1], Qt.Key.Key_Return)
    assert told == ["👍"]
    assert not picker.isVisible()


def test_a_letter_begins_to_search(made: tuple[EmojiPicker, list[str], Any]) -> None:
    picker, told, qtbot = made
    qtbot.keyClick(picker.usual[0], "c")
    qtbot.keyClicks(picker.search, "at face")
    assert picker.grid.signs.index(0, 0).data() == "🐱"
    picker.grid.setCurrentIndex(picker.grid.signs.index(0, 0))
    qtbot.keyClick(picker.grid, Qt.Key.Key_Space)
    assert told == ["🐱"]


def test_a_group_of_them(made: tuple[EmojiPicker, list[str], Any]) -> None:
    picker, _, _ = made
    picker.expand()
    picker.show_group("flags")
    assert picker.grid.signs.rowCount() == len(groups()["flags"])
    picker.search.setText("qqqq")
    assert picker.grid.signs.rowCount() == 0
    picker.search.clear()
    assert picker.grid.signs.rowCount() == len(groups()["flags"])
    names = {tab.accessibleName() for tab in picker._tabs.buttons()}
    assert {"Flags", "Smileys"} <= names


def test_names_in_chinese(made: tuple[EmojiPicker, list[str], Any]) -> None:
    picker, _, _ = made
    picker.expand()
    speak("zh_CN")
    index = picker.grid.signs.index(0, 0)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == groups()["smileys-emotion"][0].name("zh")


def test_it_stays_on_the_screen(made: tuple[EmojiPicker, list[str], Any]) -> None:
    picker, _, _ = made
    picker.show_at(QRect(0, 0, 10, 10), right=True)
    room = picker.screen().availableGeometry()
    assert room.contains(picker.geometry())
