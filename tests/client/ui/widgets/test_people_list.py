"""Rows of people: search, keyboard, five hundred of them, and Qt's own rules."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from client.ui.theme import Themes
from client.ui.viewmodels.standing import PersonRow
from client.ui.widgets.people_list import PeopleList, PeopleModel
from protocol.values import Uid
from tests.stages.people import LONG, MEI, YUSUF, ZOE

ROWS = [
    PersonRow(ZOE.uid, ZOE.name, "online", "administrator", online=True),
    PersonRow(MEI.uid, MEI.name, chosen=True),
    PersonRow(LONG.uid, LONG.name, "last seen 10:45", "On their device Wed 14:05", "mark_delivered", "tick_deliv"),
    PersonRow(YUSUF.uid, YUSUF.name, chosen=False),
]


def test_the_model_keeps_qts_rules(qtmodeltester: ModelTester) -> None:
    model = PeopleModel()
    model.show(ROWS)
    qtmodeltester.check(model)
    model.search("zoe")
    assert [model.row(0).uid, model.rowCount()] == [ZOE.uid, 1]
    assert model.data(model.index(0), Qt.ItemDataRole.AccessibleTextRole).endswith("online, administrator")
    assert model.data(model.index(5)) is None


def test_a_click_and_the_keys_choose(qtbot: QtBot, themes: Themes) -> None:
    view = PeopleList(themes, 300)
    qtbot.addWidget(view)
    view.resize(400, 300)
    view.show_people(ROWS)
    view.show()
    heard: list[str] = []
    view.done.connect(heard.append)
    place = view.visualRect(view.people.index(1)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.keyClick(view, Qt.Key.Key_Down)
    qtbot.keyClick(view, Qt.Key.Key_Return)
    qtbot.keyClick(view, Qt.Key.Key_Space)
    assert heard == [MEI.uid, LONG.uid, LONG.uid]


def test_the_keyboard_stays_at_its_person(qtbot: QtBot, themes: Themes) -> None:
    view = PeopleList(themes, 300)
    qtbot.addWidget(view)
    view.show_people(ROWS)
    view.choose(LONG.uid)
    view.show_people(ROWS[1:])
    assert view.current == LONG.uid
    with qtbot.waitSignal(view.at, check_params_cb=lambda uid: uid == ""):
        view.show_people(ROWS[:1])


def test_five_hundred_and_none_are_drawn(qtbot: QtBot, themes: Themes) -> None:
    view = PeopleList(themes, 300)
    qtbot.addWidget(view)
    view.resize(400, 300)
    view.empty_words = "Nobody here has this name."
    view.show_people([PersonRow(Uid(str(n)), f"Person {n}") for n in range(500)])
    view.show()
    QGuiApplication.processEvents()
    view.grab()
    view.search("there is nobody like this")
    themes.choose("dark")
    view.grab()
    assert view.people.rowCount() == 0
