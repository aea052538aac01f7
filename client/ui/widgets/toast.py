"""A sentence that comes, stays for a while and goes: what happened by itself, or why a wish could not be done."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QAccessible, QAccessibleEvent, QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from client.ui.theme import SPACE
from client.ui.widgets.labels import PlainLabel

SHOWN_MS, LONGEST_MS, READING_MS = 3500, 9000, 55
EDGE_PX, WIDEST_PX = 16, 460
GROUND, INK, ACTION = QColor(17, 26, 34, 235), "#FFFFFF", "#86C5FF"


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
        self._do: Callable[[], object] | None = None
        self.action = QPushButton(self)
        self.action.setObjectName("toast_action")
        self.action.setFlat(True)
        self.action.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.action.setCursor(Qt.CursorShape.PointingHandCursor)
        self.action.setStyleSheet(f"color: {ACTION}; background: transparent; border: none; font-weight: 600;")
        self.action.clicked.connect(self._act)
        self.action.hide()
        row.addWidget(self.action)
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.hide)
        parent.installEventFilter(self)
        self.hide()

    @property
    def words(self) -> str:
        """What is said now, empty if nothing is."""
        return self._label.text() if not self.isHidden() else ""

    def offer(self, words: str, action: str, do: Callable[[], object], shown_ms: int) -> None:
        """Show a sentence with something that can be done about it for so long."""
        self.say(words)
        self._do = do
        self.action.setText(action)
        self.action.show()
        self._place()
        self._timer.start(shown_ms)

    def _act(self) -> None:
        do, self._do = self._do, None
        self.hide()
        if do is not None:
            do()

    def say(self, words: str) -> None:
        """Show a sentence for as long as it takes to read it."""
        self._do = None
        self.action.hide()
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
        if not self.action.isHidden():
            margins += self.action.sizeHint().width() + SPACE[3]
        widest = min(WIDEST_PX, parent.width() - 2 * EDGE_PX)
        wanted = self._label.fontMetrics().horizontalAdvance(self._label.text()) + margins + 4
        width = min(widest, wanted)
        self._label.setFixedWidth(width - margins)
        height = self._label.heightForWidth(width - margins) + 2 * (SPACE[3] - 2)
        self.setGeometry((parent.width() - width) // 2, parent.height() - height - self._above_px, width, height)
