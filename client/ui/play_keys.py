"""The keys of what plays: Space, Left and Right wherever the keyboard is, unless something has its own use of them."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

from client.ui.sound.player import Player
from client.ui.widgets.message_list import MessageList
from client.ui.widgets.viewer import Viewer

SKIP_S = 5.0


class PlayKeys(QObject):
    """Space pauses and goes on, Left and Right are five seconds. Text fields keep their keys: Qt asks them first.

    They are there only while something plays in a bubble; the viewer has keys of its own. A button that has the
    keyboard is pressed by Space, and a list that is walked through by keys is walked on.
    """

    def __init__(self, player: Player, viewer: Viewer, view: MessageList, window: QWidget) -> None:
        super().__init__(window)
        self._player, self._viewer, self._view = player, viewer, view
        self._shortcuts = [self._give(window, key) for key in (Qt.Key.Key_Space, Qt.Key.Key_Left, Qt.Key.Key_Right)]
        player.changed.connect(self._watch)
        viewer.opened.connect(self._watch)
        viewer.closed.connect(self._watch)
        self._watch()

    def _give(self, window: QWidget, key: Qt.Key) -> QShortcut:
        shortcut = QShortcut(QKeySequence(key), window)
        shortcut.activated.connect(lambda: self._press(key))
        return shortcut

    def _watch(self) -> None:
        on = self._player.lid is not None and self._viewer.isHidden()
        for shortcut in self._shortcuts:
            if shortcut.isEnabled() != on:
                shortcut.setEnabled(on)

    def _press(self, key: Qt.Key) -> None:
        focus = QApplication.focusWidget()
        if focus is not None and self._has_its_own_use(focus, key):
            self._pass_on(focus, key)
        elif key == Qt.Key.Key_Space:
            self._player.toggle()
        else:
            self._player.skip(SKIP_S if key == Qt.Key.Key_Right else -SKIP_S)

    def _pass_on(self, focus: QWidget, key: Qt.Key) -> None:
        """As if there were no shortcut."""
        for shortcut in self._shortcuts:
            shortcut.setEnabled(False)
        for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            QApplication.sendEvent(focus, QKeyEvent(kind, key, Qt.KeyboardModifier.NoModifier))
        self._watch()

    def _has_its_own_use(self, focus: QWidget, key: Qt.Key) -> bool:
        if isinstance(focus, QAbstractButton):
            return key == Qt.Key.Key_Space
        return focus is self._view and self._view.walks_beside(self._player.lid)
