"""The frame of every dialog: title, words, buttons; answered through a future, so that nothing else stands still."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from client.ui.theme import SPACE
from client.ui.widgets.labels import PlainLabel

WIDTH = 420


@dataclass(frozen=True, slots=True)
class Choice:
    """A button: its answer, its words, and its kind (primary, danger, plain or nothing)."""

    answer: str
    words: str
    kind: str = ""


class Dialog(QDialog):
    """Title, words, whatever `body` holds, and buttons with the default at the right. Escape answers ""."""

    def __init__(self, parent: QWidget | None, title: str = "", words: str = "", *, width: int = WIDTH) -> None:
        super().__init__(parent)
        self.setModal(True)
        self._least = width
        self._answer: asyncio.Future[str] | None = None
        self._title = PlainLabel(role="title", parent=self)
        self._words = PlainLabel(role="body", parent=self)
        for label in (self._title, self._words):
            label.setWordWrap(True)
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
        self.body, self._row = QVBoxLayout(), QHBoxLayout()
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE[5], SPACE[5] - 4, SPACE[5], SPACE[4] + 4)
        column.setSpacing(SPACE[3])
        column.addWidget(self._title)
        column.addWidget(self._words)
        column.addLayout(self.body)
        column.addSpacing(SPACE[1])
        column.addLayout(self._row)
        self._row.setSpacing(SPACE[2])
        self.finished.connect(lambda _code: self._settle(""))
        self.say(title, words)

    def say(self, title: str, words: str = "") -> None:
        """Another title, other words."""
        self._title.setText(title)
        self._title.setVisible(bool(title))
        self._words.setText(words)
        self._words.setVisible(bool(words))
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.setAccessibleDescription(words)
        self._fit()

    def offer(self, choices: Sequence[Choice]) -> None:
        """Other buttons, the default last."""
        while (item := self._row.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        self._row.addStretch(1)
        for place, choice in enumerate(choices):
            button = QPushButton(choice.words, self)
            button.setObjectName(f"answer_{choice.answer}")
            if choice.kind:
                button.setProperty("kind", choice.kind)
            default = place == len(choices) - 1
            button.setAutoDefault(True)  # else Return on a button that has the keyboard presses the default one
            button.setDefault(default)
            button.clicked.connect(lambda _checked=False, answer=choice.answer: self.answer(answer))
            self._row.addWidget(button)
            if default:
                button.setFocus()
        self._fit()

    def answer(self, answer: str) -> None:
        """Close with this answer."""
        self._settle(answer)
        self.accept()

    async def answered(self) -> str:
        """Show it and wait; "" if it was closed without an answer."""
        self._answer = asyncio.get_running_loop().create_future()
        self.open()
        try:
            return await self._answer
        finally:
            self.close()
            self.deleteLater()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes."""
        if event.key() == Qt.Key.Key_Escape:
            self.reject()
        else:
            super().keyPressEvent(event)

    def _settle(self, answer: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)

    def _fit(self) -> None:
        """As wide as the buttons need, as high as the words then are."""
        for button in self.findChildren(QPushButton):
            button.ensurePolished()
        margins = 2 * SPACE[5]
        width = max(self._least, self._row.sizeHint().width() + margins)
        self.setFixedWidth(width)
        for label in (self._title, self._words):
            label.ensurePolished()
            label.setFixedHeight(max(0, label.heightForWidth(width - margins)) if label.text() else 0)
        if self.isVisible():
            self.adjustSize()

    def showEvent(self, event: QShowEvent) -> None:
        """Now the stylesheet has said how large everything is."""
        self._fit()
        super().showEvent(event)


async def ask(parent: QWidget | None, title: str, words: str, choices: Sequence[Choice]) -> str:
    """A question with buttons; "" if it was closed."""
    dialog = Dialog(parent, title, words)
    dialog.offer(choices)
    return await dialog.answered()
