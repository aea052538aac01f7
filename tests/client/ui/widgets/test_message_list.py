"""The message list under a pointer and a keyboard: it says what was clicked, and what was read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest

from client.core.model import State
from client.ui.theme import Themes
from client.ui.viewmodels.rows import Playing
from client.ui.words import speak
from protocol.content import Text
from protocol.values import Lid
from tests.client.ui.widgets.list_window import Window, talk
from tests.stages import people
from tests.stages.people import ANNA, Diary


def test_opens_at_the_divider_and_the_jump_button_counts(qtbot: Any, themes: Themes) -> None:
    window = Window(qtbot, themes, talk(200), unread=60, read_upto=140)
    row = window.model.divider_row()
    assert row is not None
    assert 0 <= window.view.visualRect(window.model.index(row)).top() <= 40
    assert window.view.jump_button.isVisible()
    assert 0 < window.view.jump_button.unread <= 60
    QTest.mouseClick(window.view.jump_button, Qt.MouseButton.LeftButton)
    window.rest()
    assert window.model.bubble_at(window.model.rowCount() - 1).lid == 200
    assert window.view.px_to_end() == 0


@pytest.mark.parametrize("kind", [people.photo(), people.voice(), people.document()])
def test_a_click_names_the_bubble_and_the_part(qtbot: Any, themes: Themes, kind: Any) -> None:
    window = Window(qtbot, themes, Diary().hear(ANNA, kind).bubbles)
    window.click(1, "download")
    assert window.clicks() == [(1, "download")]


def test_a_failed_message_says_what_was_chosen(qtbot: Any, themes: Themes) -> None:
    window = Window(qtbot, themes, Diary().say("lost", State.NEEDS_YOU).bubbles)
    for part in ("resend", "edit", "copy", "delete", "mark"):
        window.click(1, part)
    assert window.clicks() == [(1, part) for part in ("resend", "edit", "copy", "delete", "mark")]


def test_a_click_into_the_waveform_seeks(qtbot: Any, themes: Themes) -> None:
    window = Window(qtbot, themes, Diary().hear(ANNA, people.voice(), path="/x").bubbles)
    window.model.play(Playing(Lid(1), 0, 42))
    window.rest()
    window.click(1, "wave")
    (name, lid, share) = window.told[-1]
    assert (name, lid) == ("seek_clicked", 1)
    assert share == pytest.approx(0.5, abs=0.02)


def test_a_click_on_a_link_names_the_address(qtbot: Any, themes: Themes) -> None:
    window = Window(qtbot, themes, Diary().hear(ANNA, Text("https://a.example/x")).bubbles)
    rect = window.view.bubbles.bubble_rect(window.model.index(0), window.view.visualRect(window.model.index(0)))
    QTest.mouseClick(window.view.viewport(), Qt.MouseButton.LeftButton, pos=rect.topLeft() + QPoint(30, 18))
    assert ("link_clicked", "https://a.example/x") in window.told


def test_the_keyboard_reaches_everything(qtbot: Any, themes: Themes) -> None:
    window = Window(qtbot, themes, Diary().say("a").later(5).say("lost", State.NEEDS_YOU).bubbles)
    window.view.setFocus()
    QTest.keyClick(window.view, Qt.Key.Key_Up)
    assert window.view.currentIndex().row() == 1
    for _ in range(2):
        QTest.keyClick(window.view, Qt.Key.Key_Right)
    QTest.keyClick(window.view, Qt.Key.Key_Return)
    assert window.clicks() == [(2, "edit")]
    QTest.keyClick(window.view, Qt.Key.Key_Up)
    assert window.view.currentIndex().row() == 0


def test_letters_go_to_who_wants_them(qtbot: Any, themes: Themes) -> None:
    window = Window(qtbot, themes, talk(3))
    QTest.keyClick(window.view, Qt.Key.Key_H)
    QTest.keyClick(window.view, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert [fact for fact in window.told if fact[0] == "typed"] == [("typed", "h")]


def test_the_menu_belongs_to_the_message_under_the_pointer(qtbot: Any, themes: Themes) -> None:
    window = Window(qtbot, themes, talk(3))
    at = window.view.visualRect(window.model.index(1)).center()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, window.view.mapToGlobal(at))
    window.view.contextMenuEvent(event)
    assert window.told[-1][:2] == ("menu_wanted", 2)
    keyboard = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(0, 0), QPoint(0, 0))
    window.view.contextMenuEvent(keyboard)
    assert window.told[-1][:2] == ("menu_wanted", 2)


def test_the_pointer_becomes_a_hand_over_what_can_be_clicked(qtbot: Any, themes: Themes) -> None:
    window = Window(qtbot, themes, Diary().hear(ANNA, people.document()).bubbles)
    index = window.model.index(0)
    rect = window.view.bubbles.part_rect(index, window.view.visualRect(index), "download")
    QTest.mouseMove(window.view.viewport(), rect.center())
    assert window.view.viewport().cursor().shape() is Qt.CursorShape.PointingHandCursor
    QTest.mouseMove(window.view.viewport(), QPoint(300, 4))
    assert window.view.viewport().cursor().shape() is Qt.CursorShape.ArrowCursor


def test_tool_tips_are_escaped(qtbot: Any, themes: Themes) -> None:
    window = Window(qtbot, themes, Diary().hear(ANNA, people.document("<img src=x>.pdf")).bubbles)
    index = window.model.index(0)
    row = window.model.row(0)
    part = window.view.bubbles.sheet(row).parts[0]
    assert "<img" in window.view.bubbles.tip(row, part)
    assert index.isValid()


def test_a_waiting_message_turns_only_while_it_waits(qtbot: Any, themes: Themes) -> None:
    sending = Diary().say("a", State.SENDING).bubbles
    window = Window(qtbot, themes, sending)
    assert window.view._tick.isActive()
    window.view.hide()
    assert not window.view._tick.isActive()
    quiet = Window(qtbot, themes, talk(2))
    assert not quiet.view._tick.isActive()


def test_another_theme_and_language_are_drawn(qtbot: Any, themes: Themes, tmp_path: Path) -> None:
    window = Window(qtbot, themes, people.everyday(tmp_path))
    light = window.view.grab().toImage()
    themes.choose("dark")
    window.rest()
    assert window.view.grab().toImage() != light
    speak("zh_CN")
    window.rest()
    assert window.view.accessibleName() == "消息"
    window.view.pictures.wait()


def test_selection(qtbot: Any, themes: Themes) -> None:
    window = Window(qtbot, themes, talk(4))
    at = [window.view.visualRect(window.model.index(row)).center() for row in range(4)]
    control = Qt.KeyboardModifier.ControlModifier
    QTest.mouseClick(window.view.viewport(), Qt.MouseButton.LeftButton, control, at[2])
    QTest.mouseClick(window.view.viewport(), Qt.MouseButton.LeftButton, control, at[0])
    assert window.view.selected_lids() == [1, 3]
    QTest.mouseClick(window.view.viewport(), Qt.MouseButton.LeftButton, pos=at[1])
    assert window.view.selected_lids() == []
