"""What keys do in the window, whatever has the keyboard."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from client.ui.preferences import Preferences
from client.ui.widgets.conversation_page import ConversationPage
from client.ui.widgets.side_pane import SidePane

ZOOM_STEP = 0.1


class Shortcuts:
    """Gives `window` an action for each key; what a key does to list, page and message is done here."""

    def __init__(
        self,
        window: QWidget,
        side: SidePane,
        page: ConversationPage,
        preferences: Preferences,
        *,
        new_chat: Callable[[], None],
        show_group: Callable[[], None],
        close_chat: Callable[[], None],
    ) -> None:
        self._side, self._page, self._preferences, self._close_chat = side, page, preferences, close_chat
        self._give(window, new_chat, show_group)

    def _give(self, window: QWidget, new_chat: Callable[[], None], show_group: Callable[[], None]) -> None:
        page, side, zoom = self._page, self._side, self._preferences.zoom
        for keys, do in (
            ("Ctrl+K", self.focus_search), ("Ctrl+N", new_chat),
            ("Alt+Down", lambda: side.chats.next(1)), ("Alt+Up", lambda: side.chats.next(-1)),
            ("Ctrl+Tab", lambda: side.chats.next(1)), ("Ctrl+Shift+Tab", lambda: side.chats.next(-1)),
            ("Ctrl+O", page.attaching.choose_files), ("Ctrl+Shift+M", lambda: page.record("voice")),
            ("Ctrl+Shift+O", lambda: page.record("video")), ("Ctrl+Shift+T", page.composer.setFocus),
            ("Ctrl+R", lambda: self.on_message("resend")), ("Ctrl+D", lambda: self.on_message("trace")),
            ("Ctrl+S", lambda: self.on_message("save")),
            ("Ctrl+Shift+E", lambda: self.on_message("react", mine=False)),
            ("Ctrl+Shift+R", lambda: self.on_message("reply", mine=False)),
            ("Ctrl+Shift+S", lambda: self.on_message("forward", mine=False)),
            ("Ctrl+Up", lambda: page.writing.step(-1)), ("Ctrl+Down", lambda: page.writing.step(1)),
            ("Ctrl++", lambda: zoom(ZOOM_STEP)), ("Ctrl+=", lambda: zoom(ZOOM_STEP)),
            ("Ctrl+-", lambda: zoom(-ZOOM_STEP)), ("Ctrl+0", lambda: zoom(0)),
            ("Ctrl+,", self._preferences.show),
            ("F6", lambda: self._next_area(1)), ("Shift+F6", lambda: self._next_area(-1)),
            ("Ctrl+W", window.close), ("Ctrl+Q", window.close), ("Esc", self.escape), ("Alt+Left", self._close_chat),
            ("Ctrl+Shift+G", page.browse), ("Ctrl+End", page.list.scroll_to_end), ("Alt+Return", show_group),
        ):  # fmt: skip
            action = QAction(window)
            action.setShortcut(QKeySequence(keys))
            action.triggered.connect(lambda _checked=False, each=do: each())
            window.addAction(action)

    def escape(self) -> None:
        """Close what lies uppermost: the search, the viewer, the media, a recording, the chat."""
        self._side.chats.leave_search()
        if not self._page.viewer.isHidden():
            self._page.viewer.leave()
        elif self._page.browsing.shown:
            self._page.browsing.leave()
        elif self._page.recording.running:
            self._page.bar.keep_or_discard_wanted.emit()
        elif self._page.writing.end():
            pass  # the answer or the edit in the field was uppermost
        elif self._page.conv and not self._page.composer.hasFocus() and not self._page.composer.field.hasFocus():
            self._page.composer.setFocus()
        elif self._page.conv:
            self._close_chat()

    def focus_search(self) -> None:
        """Ctrl+K."""
        if self._side.isHidden():
            self._close_chat()
        self._side.chats.focus_search()

    def _next_area(self, step: int) -> None:
        areas: list[QWidget] = [self._side.chats.view]
        if self._page.conv:
            areas += [self._page.header.menu, self._page.list, self._page.composer.field]
        here = next((place for place, area in enumerate(areas) if area.hasFocus()), -step)
        areas[(here + step) % len(areas)].setFocus(Qt.FocusReason.TabFocusReason)

    def on_message(self, part: str, *, mine: bool = True) -> None:
        """Of the message the keyboard is at; of the newest one, or the newest of ours, if it is at none."""
        view, model = self._page.list, self._page.model
        if view.pointed:
            self._page.hands.do(view.pointed, part)
            return
        for row in range(model.rowCount() - 1, -1, -1):
            if model.bubble_at(row).mine or not (mine or model.row(row).system):
                self._page.hands.do(model.bubble_at(row).lid, part)
                return
