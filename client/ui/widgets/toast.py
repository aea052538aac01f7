"""A sentence that comes, stays for a while and goes: what happened by itself, or why a wish could not be done."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QAccessible, QAccessibleEvent, QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from client.ui.theme import SPACE
from client.ui.widgets.labels import PlainLabel

SHOWN_MS, LONGEST_MS, READING_MS = 3500, 9000, 55
EDGE_PX, WIDEST_PX = 16, 460
GROUND, INK = QColor(17, 26, 34, 235), "#FFFFFF"


class Toast(QWidget):
    """Floats above the lower edge of its parent. A click sends it away."""

    def __init__(self, parent: QWidget, *, above_px: int = 84) -> None:
        super().__init__(parent)
        self._parent, self._above_px = parent, above_px
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE[4], SPACE[3] - 2, SPACE[4], SPACE[3] - 2)
        self._label = PlainLabel(parent=self)
        self._label.setStyleSheet(f"color: {INK};")
        self._label.setWordWrap(True)
        row.addWidget(self._label)
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.hide)
        parent.installEventFilter(self)
        self.hide()

    @property
    def words(self) -> str:
        """What is said now, empty if nothing is."""
        return self._label.text() if not self.isHidden() else ""

    def say(self, words: str) -> None:
        """Show a sentence for as long as it takes to read it."""
        self._label.setText(words)
        self.setAccessibleName(words)
        self._place()
        self.show()
        self.raise_()
        self._timer.start(min(LONGEST_MS, SHOWN_MS + READING_MS * len(words)))
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))

    def mousePressEvent(self, event: object) -> None:
        """Read, thank you."""
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay in place when the window changes its size."""
        if event.type() is QEvent.Type.Resize and not self.isHidden():
            self._place()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        """The dark pill."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(GROUND)
            radius = min(18.0, self.height() / 2)
            painter.drawRoundedRect(self.rect(), radius, radius)

    def _place(self) -> None:
        parent = self._parent
        margins = 2 * SPACE[4]
        widest = min(WIDEST_PX, parent.width() - 2 * EDGE_PX)
        wanted = self._label.fontMetrics().horizontalAdvance(self._label.text()) + margins + 4
        width = min(widest, wanted)
        self._label.setFixedWidth(width - margins)
        height = self._label.heightForWidth(width - margins) + 2 * (SPACE[3] - 2)
        self.setGeometry((parent.width() - width) // 2, parent.height() - height - self._above_px, width, height)
