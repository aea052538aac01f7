"""A few words that float above the messages: the day up there, or that earlier ones are being loaded."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from client.ui.bubbles.sheet import paint_day
from client.ui.theme import Look


class DayPill(QWidget):
    """The day of the topmost message, while its own pill is out of sight."""

    def __init__(self, look: Look, parent: QWidget) -> None:
        super().__init__(parent)
        self._look, self._words = look, ""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def restyle(self, look: Look) -> None:
        """Draw in another theme."""
        self._look = look
        self.update()

    def show_day(self, words: str) -> None:
        """Which day it is up there."""
        if words != self._words:
            self._words = words
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The pill."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            paint_day(painter, QRectF(self.rect()), self._words, self._look)
