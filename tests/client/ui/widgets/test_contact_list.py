"""The chat list on the screen: choosing by mouse and keyboard, searching, and small widgets beside it."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from client.ui.theme import Look, Themes
from client.ui.viewmodels.contacts import ChatsModel
from client.ui.widgets.avatars import Avatar, avatar_pixmap, initials
from client.ui.widgets.contact_list import ContactList
from client.ui.widgets.labels import PlainLabel
from client.ui.words import speak
from protocol.values import ConvId
from tests.stages import people
from tests.stages.stage import NOW_MS


@pytest.fixture
def chats(qtbot: Any, themes: Themes) -> ContactList:
    model = ChatsModel(people.ME.uid, lambda: NOW_MS)
    model.show(people.chats())
    widget = ContactList(themes, model)
    qtbot.addWidget(widget)
    widget.resize(320, 720)
    widget.show()
    QGuiApplication.processEvents()
    return widget


def chosen(chats: ContactList) -> list[str]:
    told: list[str] = []
    chats.chosen.connect(told.append)
    return told


def test_a_click_chooses(chats: ContactList) -> None:
    told = chosen(chats)
    at = chats.view.visualRect(chats.view.model().index(2, 0)).center()
    QTest.mouseClick(chats.view.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert told == ["3"]


def test_rows_are_64_high(chats: ContactList) -> None:
    assert chats.view.visualRect(chats.view.model().index(0, 0)).height() == 64


def test_typing_and_return_choose_the_first_found(chats: ContactList) -> None:
    told = chosen(chats)
    chats.focus_search()
    QTest.keyClicks(chats.search, "okafor")
    QTest.keyClick(chats.search, Qt.Key.Key_Return)
    assert told == ["2"] or told == ["3"]
    assert chats.view.model().rowCount() == 3


def test_return_opens_the_row_of_the_keyboard(chats: ContactList) -> None:
    told = chosen(chats)
    chats.select(ConvId("1"))
    QTest.keyClick(chats.view, Qt.Key.Key_Down)
    QTest.keyClick(chats.view, Qt.Key.Key_Return)
    assert told == ["2"]


def test_next_and_previous_go_around(chats: ContactList) -> None:
    told = chosen(chats)
    chats.select(ConvId("1"))
    chats.next(1)
    chats.next(-1)
    chats.next(-1)
    assert told == ["2", "1", "10"]


def test_the_selection_follows_its_chat(chats: ContactList) -> None:
    chats.select(ConvId("3"))
    entries = people.chats()
    model = chats.model
    model.show([entries[2], *entries[:2], *entries[3:]])
    assert chats.view.currentIndex().row() == 0


def test_an_empty_list_says_why(chats: ContactList) -> None:
    chats.search.setText("<b>nobody")
    assert chats.view.empty_words == "Nothing for “<b>nobody”"
    assert not chats.view.grab().isNull()
    chats.search.setText("")
    chats.model.show([])
    assert chats.view.empty_words == "No chats yet"
    speak("zh_CN")
    QGuiApplication.processEvents()
    assert chats.view.empty_words == "还没有聊天"


def test_the_menu_names_the_chat(chats: ContactList) -> None:
    told: list[str] = []
    chats.menu_wanted.connect(lambda conv, _: told.append(conv))
    chats.view.customContextMenuRequested.emit(chats.view.visualRect(chats.view.model().index(4, 0)).center())
    assert told == ["5"]


@pytest.mark.parametrize(
    ("name", "signs"),
    [("Anna Li", "AL"), ("anna", "A"), ("陈美玲", "陈"), ("Zoë 👩🏽‍🚀", "Z"), ("👩🏽‍🚀", "👩🏽‍🚀"), ("", "?"),
     ("يوسف الخطيب", "ي"), ("Båtklubb – 2026", "B"), ("7", "7")],
)  # fmt: skip
def test_initials(name: str, signs: str) -> None:
    assert initials(name) == signs


def test_an_avatar_is_drawn_in_the_persons_colour(qtbot: Any) -> None:
    look = Look("light")
    image = avatar_pixmap("Anna Li", "anna", look, 48).toImage()
    assert image.pixelColor(24, 4) == look.name_color("anna")
    widget = Avatar(48, look)
    qtbot.addWidget(widget)
    widget.show_person("An\u202ena", "anna")
    widget.restyle(Look("dark"))
    assert widget.accessibleName() == "Anna"
    assert widget.grab().toImage().pixelColor(24, 4) == Look("dark").name_color("anna")


def test_a_label_shows_letters_and_never_markup(qtbot: Any) -> None:
    label = PlainLabel("<b>x</b>", "title", elide=True)
    qtbot.addWidget(label)
    assert label.textFormat() is Qt.TextFormat.PlainText
    label.resize(10, 20)
    assert not label.grab().isNull()
    assert label.minimumSizeHint().width() == 0
    plain = PlainLabel("x" * 50)
    qtbot.addWidget(plain)
    assert plain.minimumSizeHint().width() > 100
    assert not plain.grab().isNull()
