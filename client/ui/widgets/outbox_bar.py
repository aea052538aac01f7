"""The strip at the bottom of the list: how many messages wait, and when the next try is."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QEvent, QTimer, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from client.core.model import Bubble, ChatEntry, State
from client.ui import icons
from client.ui.theme import SPACE, Themes
from client.ui.widgets.labels import PlainLabel
from client.ui.words import plural, tr
from protocol.values import ConvId, Lid

HEIGHT, TICK_MS, QUIET_MS = 40, 500, 700
WAITING = (State.QUEUED, State.SENDING, State.UPLOADING, State.CANCELLING)


def outbox_words(waiting: int, needs_you: int, next_s: float | None) -> str:
    """“2 waiting · next try in 8 s · 1 needs you”, empty if there is nothing."""
    parts = []
    if waiting:
        parts.append(plural("{count} message waiting", "{count} messages waiting", waiting))
        if next_s is not None and next_s >= 1:
            parts.append(tr("next try in {seconds} s", seconds=round(next_s)))
    if needs_you:
        parts.append(plural("{count} not confirmed", "{count} not confirmed", needs_you))
    return " · ".join(parts)


class OutboxBar(QFrame):
    """Hidden when nothing waits, and for what is gone in less than a second. `opened` names the chat to look at."""

    opened = Signal(str)

    def __init__(self, themes: Themes, now_s: Callable[[], float], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes, self._now_s = themes, now_s
        self._due_s: dict[Lid, float] = {}
        self._waiting = self._needs_you = 0
        self._first = ConvId("")
        self.setProperty("role", "outbox")
        self.setFixedHeight(HEIGHT)
        self._icon, self._words = PlainLabel(parent=self), PlainLabel(role="meta", elide=True, parent=self)
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE[4], 0, SPACE[4], 0)
        row.setSpacing(SPACE[2])
        row.addWidget(self._icon)
        row.addWidget(self._words, 1)
        self._tick = QTimer(self, interval=TICK_MS)
        self._tick.timeout.connect(self._draw)
        self._quiet = QTimer(self, singleShot=True, interval=QUIET_MS)
        self._quiet.timeout.connect(self._draw)
        themes.changed.connect(lambda _: self._draw())
        self.hide()

    @property
    def words(self) -> str:
        """What it says now, empty if nothing."""
        return "" if self.isHidden() else self._words.text()

    @property
    def waiting(self) -> int:
        """How many messages have not been taken by the server."""
        return self._waiting + self._needs_you

    def show_chats(self, entries: Iterable[ChatEntry]) -> None:
        """Count what waits in all conversations."""
        entries = list(entries)
        self._needs_you = sum(entry.needs_you for entry in entries)
        self._waiting = sum(entry.waiting for entry in entries)
        needing = [entry.conv for entry in entries if entry.needs_you]
        self._first = next(iter([*needing, *(entry.conv for entry in entries if entry.waiting)]), ConvId(""))
        if not self.waiting:
            self._due_s.clear()
            self._quiet.stop()
            self._draw()
        elif self.isHidden() and not self._needs_you:
            self._quiet.start()
        else:
            self._draw()

    def show_bubbles(self, bubbles: Iterable[Bubble]) -> None:
        """Learn when the next tries are."""
        for bubble in bubbles:
            if bubble.mine and bubble.state in WAITING and bubble.due_s:
                self._due_s[bubble.lid] = bubble.due_s
            else:
                self._due_s.pop(bubble.lid, None)

    def _draw(self) -> None:
        next_s = min(self._due_s.values()) - self._now_s() if self._due_s else None
        words = outbox_words(self._waiting, self._needs_you, next_s)
        if not words:
            self._tick.stop()
            self.hide()
            return
        self._words.setText(words)
        self.setAccessibleName(words)
        look = self._themes.look
        name, token = ("warn", "danger") if self._needs_you else ("clock", "tick_wait")
        self._icon.setPixmap(icons.pixmap(name, look.color(token), 16, self.devicePixelRatioF()))
        self.show()
        self._tick.start()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Show the chat where something waits."""
        if self._first:
            self.opened.emit(self._first)

    def changeEvent(self, event: QEvent) -> None:
        """Another language."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange and not self.isHidden():
            self._draw()
