"""Buttons that follow the theme and the language by themselves."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QCheckBox, QComboBox, QPushButton, QToolButton, QWidget

from client.ui import icons
from client.ui.theme import Look, Themes

Words = Callable[[], str]
"""Says a sentence in the language of now; `tr` is called inside it."""


class IconButton(QToolButton):
    """A button with an icon; its words are its tool tip and what a screen reader says."""

    def __init__(
        self,
        themes: Themes,
        icon: str,
        words: Words,
        *,
        size: int = 36,
        icon_size: int = 20,
        token: str = "text_2",
        kind: str = "icon",
        color: QColor | None = None,
        parent: QWidget | None = None,
    ) -> None:
        """`color` stands for `token` where the ground is the same in both themes."""
        super().__init__(parent)
        self._color = color
        self._themes, self._icon, self._words, self._token = themes, icon, words, token
        self._icon_size = icon_size
        self.setProperty("kind", kind)
        self.setFixedSize(size, size)
        self.setIconSize(QSize(icon_size, icon_size))
        self.setObjectName(f"button_{icon}")
        themes.changed.connect(self.restyle)
        self.restyle(themes.look)
        self.retranslate()

    def show_icon(self, icon: str, words: Words) -> None:
        """Become another button."""
        if (icon, words) != (self._icon, self._words):
            self._icon, self._words = icon, words
            self.restyle(self._themes.look)
            self.retranslate()

    def restyle(self, look: Look) -> None:
        """Draw in another theme."""
        if self._color is not None:
            self.setIcon(QIcon(icons.pixmap(self._icon, self._color, self._icon_size, 2.0)))
        else:
            self.setIcon(icons.icon(self._icon, look, self._token, self._icon_size))

    def retranslate(self) -> None:
        """Say it in another language."""
        words = self._words()
        self.setToolTip(words)
        self.setAccessibleName(words)

    def changeEvent(self, event: QEvent) -> None:
        """Another language."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()


class PressButton(QPushButton):
    """A button that Return presses as well, also outside of a dialog."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space and Return."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)


class WordButton(PressButton):
    """A button with words: `kind` is primary, danger, plain, link or row."""

    def __init__(self, words: Words, kind: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = words
        if kind:
            self.setProperty("kind", kind)
        self.setAutoDefault(False)
        self.retranslate()

    def retranslate(self) -> None:
        """Say it in another language."""
        self.setText(self._words())

    def changeEvent(self, event: QEvent) -> None:
        """Another language."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()


class CheckBox(QCheckBox):
    """A box with a tick and words."""

    BOX = 18

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def sizeHint(self) -> QSize:
        """Box, gap, words."""
        metrics = self.fontMetrics()
        return QSize(self.BOX + 12 + metrics.horizontalAdvance(self.text()), max(32, metrics.height() + 8))

    def hitButton(self, pos: QPoint) -> bool:
        """The words count as well."""
        return self.rect().contains(pos)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw it from the tokens."""
        look, on = self._themes.look, self.isChecked()
        box = QRectF(2.5, (self.height() - self.BOX) / 2, self.BOX, self.BOX)
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(look.color("accent" if on else "border_ctl"), 1.5))
            painter.setBrush(look.color("accent" if on else "bg_input"))
            painter.drawRoundedRect(box, 4, 4)
            if on:
                icons.paint(painter, "check", box.adjusted(2, 2, -2, -2), look.color("on_accent"))
            if self.hasFocus():
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(look.color("focus"), 2))
                painter.drawRoundedRect(box.adjusted(-2, -2, 2, 2), 6, 6)
            painter.setPen(look.color("text_1"))
            left = self.BOX + 12
            words = QRectF(left, 0, self.width() - left, self.height())
            painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, self.text())


class ComboBox(QComboBox):
    """A choice of one; an arrow says that there are others."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes

    def paintEvent(self, event: QPaintEvent) -> None:
        """The field, and the arrow in the colour of the theme."""
        super().paintEvent(event)
        spot = QRectF(self.width() - 26, (self.height() - 16) / 2, 16, 16)
        with QPainter(self) as painter:
            icons.paint(painter, "down", spot, self._themes.look.color("text_2"))


def restate(widget: QWidget, role: str) -> None:
    """Give a widget another role of the stylesheet."""
    if widget.property("role") != role:
        widget.setProperty("role", role)
        widget.style().unpolish(widget)
        widget.style().polish(widget)
