"""“Invite someone”: one line to send to the other person, with a button that copies it."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from client.ui.dialogs.code import CodeDialog, CodeWords
from client.ui.words import tr


class InviteDialog(CodeDialog):
    """Shows a fresh invite. It is good for one person."""

    def __init__(self, parent: QWidget | None, server: str, code: str) -> None:
        words = CodeWords(
            tr("Invite someone"),
            tr("Send this line to one person. They start Hexagram, choose “I have an invite” and paste it."),
            line=tr("Invite"),
            code=tr("Code"),
            copy=tr("Copy invite"),
        )
        super().__init__(parent, server, code, words)
        self.setObjectName("invite_dialog")
