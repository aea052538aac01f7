"""The strip over the text field: which message is answered, or that one's own is being edited."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from client.ui import icons
from client.ui.theme import SPACE, Look, Themes
from client.ui.widgets.buttons import IconButton
from client.ui.widgets.labels import PlainLabel
from client.ui.words import tr

HEIGHT, BAR, THUMB = 48, 3, 40


class ComposerStrip(QFrame):
    """`closed` is the cross; a click elsewhere goes to the message."""

    closed = Signal()
    clicked = Signal()

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("composer_strip")
        self.setProperty("role", "strip")
        self._themes, self._icon, self._seed = themes, "reply", ""
        self._picture, self._thumb = PlainLabel(parent=self), PlainLabel(parent=self)
        self._name, self._words = (
            PlainLabel(role="name", elide=True, parent=self),
            PlainLabel(role="meta", elide=True, parent=self),
        )
        self._close = IconButton(themes, "close", lambda: tr("Cancel (Esc)"), size=32, icon_size=16, parent=self)
        self._arrange()
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._close.clicked.connect(self.closed)
        themes.changed.connect(self._restyle)
        self._restyle(themes.look)
        self.hide()

    def _arrange(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE[4], SPACE[1], SPACE[2], 0)
        row.setSpacing(SPACE[3])
        row.addWidget(self._picture)
        row.addSpacing(BAR + SPACE[3] - SPACE[0])
        names = QVBoxLayout()
        names.setSpacing(0)
        names.addStretch(1)
        names.addWidget(self._name)
        names.addWidget(self._words)
        names.addStretch(1)
        row.addWidget(self._thumb)
        row.addLayout(names, 1)
        row.addWidget(self._close)

    def show_reply(self, name: str, words: str, seed: str, thumb: QPixmap | None) -> None:
        """Whom this answers, and what."""
        self._show("reply", tr("Reply to {name}", name=name), words, seed, thumb)

    def show_edit(self, words: str) -> None:
        """What it says until it is saved."""
        self._show("edit", tr("Editing"), words, "", None)

    def _show(self, icon: str, name: str, words: str, seed: str, thumb: QPixmap | None) -> None:
        self._icon, self._seed = icon, seed
        self._name.setText(name)
        self._words.setText(words)
        self._thumb.setVisible(thumb is not None)
        if thumb is not None:
            self._thumb.setPixmap(_square(thumb, self.devicePixelRatioF()))
        self.setAccessibleName(f"{name}: {words}")
        self._restyle(self._themes.look)
        self.show()

    def _restyle(self, look: Look) -> None:
        self.setFixedHeight(max(HEIGHT, look.px(HEIGHT)))
        self._picture.setPixmap(icons.pixmap(self._icon, look.color("accent"), 20, self.devicePixelRatioF()))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The bar in the colour of who is answered."""
        super().paintEvent(event)
        look = self._themes.look
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.name_color(self._seed) if self._seed else look.color("accent"))
            left = self._picture.geometry().right() + SPACE[3]
            painter.drawRoundedRect(QRectF(left, SPACE[2], BAR, self.height() - 2 * SPACE[2] + 4), 1.5, 1.5)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Go to the message."""
        if event.button() is Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.clicked.emit()


def _square(picture: QPixmap, dpr: float) -> QPixmap:
    """The middle of a picture, 40 px on each side."""
    side = round(THUMB * dpr)
    grown = picture.scaled(
        side, side, Qt.AspectRatioMode.KeepAspectRatioByExpanding, Qt.TransformationMode.SmoothTransformation
    )
    cut = grown.copy((grown.width() - side) // 2, (grown.height() - side) // 2, side, side)
    cut.setDevicePixelRatio(dpr)
    return cut
