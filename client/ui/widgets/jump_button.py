"""The way back to the newest message, and how many wait there."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from client.ui import icons
from client.ui.theme import Look
from client.ui.widgets.badge import paint_badge
from client.ui.words import tr

JUMP_SIZE, BADGE_ROOM = 44, 14


class JumpButton(QWidget):
    """The round button to the end, with the number of messages that wait there."""

    clicked = Signal()

    def __init__(self, look: Look, parent: QWidget) -> None:
        super().__init__(parent)
        self._look, self._unread = look, 0
        self.setFixedSize(self.sizeHint())
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(tr("To the newest message"))
        self.hide()

    def restyle(self, look: Look) -> None:
        """Draw in another theme."""
        self._look = look
        self.update()

    def show_count(self, unread: int) -> None:
        """How many unread messages are below."""
        if unread != self._unread:
            self._unread = unread
            self.update()

    @property
    def unread(self) -> int:
        """The number on the badge."""
        return self._unread

    def sizeHint(self) -> QSize:
        """The disc and room for its badge."""
        return QSize(JUMP_SIZE + 8, JUMP_SIZE + BADGE_ROOM + 8)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go."""
        if event.button() is Qt.MouseButton.LeftButton:
            self.clicked.emit()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """What was pressed here ends here."""
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return and Space press it."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.clicked.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The disc, its arrow, its badge."""
        look = self._look
        disc = QRectF(0.5, self.height() - JUMP_SIZE - 8.5, JUMP_SIZE - 1, JUMP_SIZE - 1)
        disc.moveLeft(0.5)
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(look.color("focus") if self.hasFocus() else look.color("border"))
            painter.setBrush(look.color("bg_window"))
            painter.drawEllipse(disc)
            inner = QRectF(0, 0, 20, 20)
            inner.moveCenter(disc.center())
            icons.paint(painter, "down", inner, look.color("text_2"))
            if self._unread:
                paint_badge(painter, QPointF(disc.center().x(), disc.top()), self._unread, look)
