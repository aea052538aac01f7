"""Buttons that follow the theme and the language by themselves."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QKeyEvent
from PySide6.QtWidgets import QPushButton, QToolButton, QWidget

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


def restate(widget: QWidget, role: str) -> None:
    """Give a widget another role of the stylesheet."""
    if widget.property("role") != role:
        widget.setProperty("role", role)
        widget.style().unpolish(widget)
        widget.style().polish(widget)
