"""A message list on the screen, with a conversation to show and an ear for what it tells."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from client.core.model import Bubble
from client.ui.theme import Themes
from client.ui.viewmodels.conversation import ConversationModel
from client.ui.widgets.message_list import MessageList
from protocol.content import Text
from protocol.values import Lid
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
