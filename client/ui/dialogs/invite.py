"""“Invite someone”: one line to send to the other person, with a button that copies it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QGridLayout, QLineEdit, QWidget

from client.ui.dialogs.frame import Choice, Dialog
from client.ui.invites import invite_line
from client.ui.theme import SPACE
from client.ui.widgets.labels import PlainLabel
from client.ui.words import tr


class InviteDialog(Dialog):
    """Shows a fresh invite. It is good for one person."""

    def __init__(self, parent: QWidget | None, server: str, code: str) -> None:
        super().__init__(
            parent,
            tr("Invite someone"),
            tr("Send this line to one person. They start Hexagram, choose “I have an invite” and paste it."),
        )
        self.setObjectName("invite_dialog")
        self.line = QLineEdit(invite_line(server, code), self)
        self.line.setReadOnly(True)
        self.line.setAccessibleName(tr("Invite"))
        self.line.setCursorPosition(0)
        self.body.addWidget(self.line)
        self.body.addWidget(parts_card(server, code, tr("Code")))
        self.offer([Choice("", tr("Close")), Choice("copy", tr("Copy invite"), "primary")])

    def answer(self, answer: str) -> None:
        """“Copy” leaves the dialog open."""
        if answer != "copy":
            super().answer(answer)
            return
        QGuiApplication.clipboard().setText(self.line.text())
        self.offer([Choice("copy", tr("Copied")), Choice("", tr("Close"), "primary")])


def parts_card(server: str, code: str, code_words: str) -> QWidget:
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
