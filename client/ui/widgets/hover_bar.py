"""The small bar beside a message that the pointer or the keyboard is at: react, reply, more."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from client.ui.theme import RADIUS_FIELD, Themes
from client.ui.widgets.buttons import IconButton, restate
from client.ui.words import tr
from protocol.values import Lid

BUTTON, EDGE, BESIDE, DELAY_MS = 28, 2, 6, 120
NAMES = ("react", "reply", "menu")


class HoverBar(QFrame):
    """Lies over the messages. `wanted` names the message and what is to be done."""

    wanted = Signal(object, str)

    def __init__(self, themes: Themes, parent: QWidget) -> None:
        super().__init__(parent)
        self._themes, self._lid = themes, Lid(0)
        self.setObjectName("hover_bar")
        self.buttons = {
            "react": IconButton(themes, "react", lambda: tr("React (Ctrl+Shift+E)"), size=BUTTON, icon_size=16),
            "reply": IconButton(themes, "reply", lambda: tr("Reply (Ctrl+Shift+R)"), size=BUTTON, icon_size=16),
            "menu": IconButton(themes, "menu", lambda: tr("More"), size=BUTTON, icon_size=16),
        }
        row = QHBoxLayout(self)
        row.setContentsMargins(EDGE, EDGE, EDGE, EDGE)
        row.setSpacing(0)
        for name, button in self.buttons.items():
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keyboard walks here with Right, from the message
            button.setCursor(Qt.CursorShape.PointingHandCursor)
            button.clicked.connect(lambda _checked=False, each=name: self.wanted.emit(self._lid, each))
            row.addWidget(button)
        self.hide()

    @property
    def lid(self) -> Lid:
        """Beside which message it is; 0 if beside none."""
        return Lid(0) if self.isHidden() else self._lid

    def offer(self, lid: Lid, names: frozenset[str]) -> None:
        """What it offers for a message."""
        self._lid = lid
        for name, button in self.buttons.items():
            button.setVisible(name in names)
        self.adjustSize()

    def point_at(self, name: str) -> None:
        """Show which button the keyboard is at; none for an empty name."""
        for each, button in self.buttons.items():
            restate(button, "here" if each == name else "")

    def paintEvent(self, event: QPaintEvent) -> None:
        """A quiet plate with an edge."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(self._themes.look.color("border_ctl"))
            painter.setBrush(self._themes.look.color("bg_window"))
            painter.drawRoundedRect(self.rect().adjusted(0, 0, -1, -1), RADIUS_FIELD, RADIUS_FIELD)


class HoverKeeper(QObject):
    """Decides beside which message the bar stands, and where.

    Args:
        viewport: of the list; its pointer is watched.
        lid_at: the message at a height of the viewport, 0 for none.
        bubble_of: the rectangle of its bubble in the viewport, and whether it is ours.
        offers: what may be done with it; nothing for what is no message.
    """

    def __init__(
        self,
        bar: HoverBar,
        viewport: QWidget,
        lid_at: Callable[[QPoint], Lid],
        bubble_of: Callable[[Lid], tuple[QRect, bool]],
        offers: Callable[[Lid], frozenset[str]],
    ) -> None:
        super().__init__(bar)
        self._bar, self._viewport = bar, viewport
        self._lid_at, self._bubble_of, self._offers = lid_at, bubble_of, offers
        self._next = Lid(0)
        self._by_key = False
        self._timer = QTimer(self, singleShot=True, interval=DELAY_MS)
        self._timer.timeout.connect(lambda: self._show(self._next))
        viewport.installEventFilter(self)

    def names(self, lid: Lid) -> list[str]:
        """What the Right key finds in the bar of a message."""
        offered = self._offers(lid)
        return [name for name in NAMES if name in offered]

    def key_at(self, lid: Lid, name: str) -> None:
        """The keyboard is at a message, and perhaps at a button of its bar."""
        self._timer.stop()
        self._by_key = True
        self._show(lid)
        self._bar.point_at(name)

    def away(self) -> None:
        """Things moved, or the keyboard left."""
        self._timer.stop()
        self._by_key = False
        self._bar.hide()

    def place(self) -> None:
        """Stand beside the message again, after it moved by a change of the list."""
        if self._bar.lid:
            self._show(self._bar.lid)

    def _show(self, lid: Lid) -> None:
        offered = self._offers(lid) if lid else frozenset()
        rect, mine = self._bubble_of(lid) if offered else (QRect(), False)
        if rect.isEmpty():
            self._bar.hide()
            return
        self._bar.offer(lid, offered)
        self._bar.point_at("")
        size, room = self._bar.size(), self._viewport.rect().adjusted(4, 4, -4, -4)
        left = rect.left() - BESIDE - size.width() if mine else rect.right() + BESIDE
        left = max(room.left(), min(left, room.right() - size.width()))
        top = max(room.top(), min(rect.top(), room.bottom() - size.height()))
        self._bar.move(left, top)
        self._bar.show()
        self._bar.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The pointer rests: the bar comes. It leaves: the bar goes, unless the pointer went onto it."""
        if event.type() is QEvent.Type.MouseMove and isinstance(event, QMouseEvent):
            self._pointed(self._lid_at(event.position().toPoint()))
        elif event.type() in (QEvent.Type.Leave, QEvent.Type.Wheel) and not self._bar.underMouse():
            self.away()
        return False

    def _pointed(self, lid: Lid) -> None:
        if lid == self._bar.lid and not self._by_key:
            self._timer.stop()
            return
        self._by_key = False
        self._next = lid
        if lid != self._bar.lid:
            self._bar.hide()
        self._timer.start()
