"""The frame of a dialog that hands out a code: one line to copy, and its two parts to read aloud."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QGridLayout, QLineEdit, QWidget

from client.ui.dialogs.frame import WIDTH, Choice, Dialog
from client.ui.invites import invite_line
from client.ui.theme import SPACE
from client.ui.widgets.labels import PlainLabel
from client.ui.words import tr


@dataclass(frozen=True, slots=True)
class CodeWords:
    """What such a dialog says: its title, what to do with the line, and the names of line, code and button."""

    title: str
    words: str
    line: str
    code: str
    copy: str


class CodeDialog(Dialog):
    """A line that holds a server and a code, with a button that copies it."""

    def __init__(self, parent: QWidget | None, server: str, code: str, words: CodeWords, *, width: int = WIDTH) -> None:
        super().__init__(parent, words.title, words.words, width=width)
        self.line = QLineEdit(invite_line(server, code), self)
        self.line.setReadOnly(True)
        self.line.setAccessibleName(words.line)
        self.line.setCursorPosition(0)
        self.body.addWidget(self.line)
        self.body.addWidget(_parts_card(server, code, words.code))
        self.offer([Choice("", tr("Close")), Choice("copy", words.copy, "primary")])

    def answer(self, answer: str) -> None:
        """“Copy” leaves the dialog open."""
        if answer != "copy":
            super().answer(answer)
            return
        QGuiApplication.clipboard().setText(self.line.text())
        self.offer([Choice("copy", tr("Copied")), Choice("", tr("Close"), "primary")])


def _parts_card(server: str, code: str, code_words: str) -> QWidget:
    """The same in two pieces, to read aloud."""
    card = QFrame()
    card.setProperty("role", "card")
    grid = QGridLayout(card)
    grid.setContentsMargins(SPACE[4], SPACE[3], SPACE[4], SPACE[3])
    grid.setHorizontalSpacing(SPACE[4])
    for row, (words, value) in enumerate(((tr("Server"), server), (code_words, code))):
        shown = PlainLabel(value, role="mono")
        shown.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        grid.addWidget(PlainLabel(words, role="meta"), row, 0)
        grid.addWidget(shown, row, 1)
    grid.setColumnStretch(1, 1)
    return card
