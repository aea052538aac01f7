"""The message list under a pointer and a keyboard: it keeps its place, follows the end, and says what was clicked."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from client.core.model import Bubble, State
from client.ui.theme import Themes
from client.ui.viewmodels.conversation import ConversationModel
from client.ui.viewmodels.rows import Playing
from client.ui.widgets.message_list import JumpButton, MessageList
from client.ui.words import speak
from protocol.content import Text
from protocol.values import Lid
from tests.stages import people
from tests.stages.people import ANNA, ME, Diary, Shelf, entry
from tests.stages.stage import NOW_MS, NOW_S, finish


def later(work: Coroutine[Any, Any, None]) -> None:
    work.close()


def talk(count: int) -> list[Bubble]:
    diary = Diary(NOW_MS - count * 60_000)
    for number in range(count):
        diary.hear(ANNA, Text(f"{number + 1} " + "word " * (number % 30)))
    return diary.bubbles


class Window:
    """A list on the screen, and everything it told."""

    def __init__(self, qtbot: Any, themes: Themes, bubbles: list[Bubble], start: Any = None, **facts: Any) -> None:
        self.work: list[Coroutine[Any, Any, None]] = []
        start = start or self.work.append
        self.model = ConversationModel(Shelf(bubbles), me=ME.uid, now_ms=lambda: NOW_MS, start=start)
        self.view = MessageList(themes, self.model, lambda: NOW_S)
        qtbot.addWidget(self.view)
        self.told: list[tuple[Any, ...]] = []
        for name in ("part_clicked", "seek_clicked", "link_clicked", "menu_wanted", "read_upto", "typed"):
            getattr(self.view, name).connect(lambda *facts, name=name: self.told.append((name, *facts)))
        self.view.resize(600, 500)
        self.view.show()
        self.view.activateWindow()
        finish(self.model.open(entry(**facts)))
        self.rest()

    def rest(self) -> None:
        for _ in range(4):
            QGuiApplication.processEvents()
            while self.work:
                finish(self.work.pop(0))
        self.view.grab()

    def click(self, lid: int, part: str) -> None:
        row = self.model.row_of(Lid(lid))
        assert row is not None
        index = self.model.index(row)
        rect = self.view.bubbles.part_rect(index, self.view.visualRect(index), part)
        assert not rect.isEmpty(), part
        QTest.mouseClick(self.view.viewport(), Qt.MouseButton.LeftButton, pos=rect.center())

    def top_of(self, lid: int) -> int:
        row = self.model.row_of(Lid(lid))
        assert row is not None
        return self.view.visualRect(self.model.index(row)).top()

    def clicks(self) -> list[tuple[Any, ...]]:
        return [fact[1:] for fact in self.told if fact[0] == "part_clicked"]


def test_opens_at_the_end_and_follows_it(qtbot: Any, themes: Themes) -> None:
    bubbles = talk(60)
    window = Window(qtbot, themes, bubbles[:50], later)
    assert window.view.px_to_end() == 0
    window.model.merge(bubbles[50:])
    window.rest()
    assert window.view.px_to_end() == 0
    assert ("read_upto", 60) in window.told


def test_a_short_conversation_stands_at_the_bottom(qtbot: Any, themes: Themes) -> None:
    window = Window(qtbot, themes, talk(2))
    assert window.top_of(2) > 400
    assert not window.view.jump_button.isVisible()


def test_new_messages_do_not_move_who_reads_above(qtbot: Any, themes: Themes) -> None:
    bubbles = talk(90)
    window = Window(qtbot, themes, bubbles[:70], later)
    bar = window.view.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    window.rest()
    lid = window.model.bubble_at(window.view._top_index().row()).lid
    before = window.top_of(lid)
    window.model.merge(bubbles[70:])
    window.rest()
    assert window.top_of(lid) == before
    assert window.view.jump_button.isVisible()


def test_older_messages_come_in_above_without_a_jump(qtbot: Any, themes: Themes) -> None:
    window = Window(qtbot, themes, talk(400), later)
    bar = window.view.verticalScrollBar()
    bar.setValue(300)
    window.rest()
    for _ in range(5):
        lid = window.model.bubble_at(window.view._top_index().row()).lid
        before = window.top_of(lid)
        finish(window.model.older())
        window.rest()
        assert window.top_of(lid) == before


def test_scrolling_up_loads_until_the_first_message(qtbot: Any, themes: Themes) -> None:
    window = Window(qtbot, themes, talk(300))
    for _ in range(200):
        bar = window.view.verticalScrollBar()
        bar.setValue(bar.value() - 400)
        window.rest()
        if window.model.at_start and bar.value() == 0:
            break
    assert window.top_of(1) == 0


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


def test_follows_the_end_after_opening_at_a_divider_with_nothing_below_the_view(qtbot: Any, themes: Themes) -> None:
    bubbles = talk(12)
    window = Window(qtbot, themes, bubbles[:3], later, unread=2, read_upto=1)
    for bubble in bubbles[3:]:
        window.model.merge([bubble])
        window.rest()
    assert window.view.verticalScrollBar().maximum() > 0
    assert window.view.px_to_end() == 0


def test_the_whole_badge_can_be_seen(qtbot: Any, themes: Themes) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    button = JumpButton(themes.look, window)
    button.show_count(7)
    image = button.grab().toImage()
    badge = themes.look.color("badge")
    assert all(image.pixelColor(x, 0) != badge for x in range(image.width()))


def test_the_width_may_change_without_losing_the_place(qtbot: Any, themes: Themes) -> None:
    window = Window(qtbot, themes, talk(80), later)
    window.view.scroll_to(Lid(65))
    window.rest()
    index = window.view._top_index()
    lid = window.model.bubble_at(index.row()).lid
    before = window.top_of(lid)
    window.view.resize(420, 500)
    window.rest()
    assert window.top_of(lid) == before


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


def test_show_more_grows_downwards(qtbot: Any, themes: Themes) -> None:
    window = Window(qtbot, themes, people.wordy())
    before = window.top_of(1)
    window.view.verticalScrollBar().setValue(window.view.verticalScrollBar().maximum())
    window.rest()
    before = window.top_of(1)
    window.click(1, "more")
    window.rest()
    assert window.top_of(1) == before
    assert window.clicks() == [(1, "more")]


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
