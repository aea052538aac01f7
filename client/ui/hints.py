"""Tells others what the person is doing in a conversation, and asks whether the people on the screen are here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, QTimer

from client.app.chat import Chat
from protocol.limits import TYPING_SAY_S, WATCHED_MAX
from protocol.packets import Doing
from protocol.values import ConvId, Uid

STILL_MS = 4000
"""Who has not touched a key for so long has stopped writing."""
AGAIN_MS = round(TYPING_SAY_S * 1000)
WATCH_AFTER_MS = 250


class OwnHints(QObject):
    """“Nora is writing…” as others see it. Writing ends by itself; recording and sending end when they are over."""

    def __init__(self, chat: Chat, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._chat = chat
        self._conv, self._doing = ConvId(""), ""
        self._still = QTimer(self, singleShot=True, interval=STILL_MS)
        self._still.timeout.connect(self.stop)
        self._again = QTimer(self, interval=AGAIN_MS)
        self._again.timeout.connect(self._say)

    def wrote(self, conv: ConvId, *, anything: bool) -> None:
        """A key changed the text; an empty field is nothing that anybody waits for."""
        if self._doing not in ("", "text"):
            return
        if not anything:
            self.stop()
            return
        self._begin(conv, "text")
        self._still.start()

    def begin(self, conv: ConvId, doing: Doing) -> None:
        """Recording or sending begins, or goes on."""
        if (conv, doing) != (self._conv, self._doing):
            self._still.stop()
            self._begin(conv, doing)
            self._again.start()

    def sent(self, conv: ConvId) -> None:
        """A file of this conversation has been sent."""
        if (conv, "file") == (self._conv, self._doing):
            self.stop()

    def stop(self) -> None:
        """Nothing more is done here."""
        self._still.stop()
        self._again.stop()
        if self._doing:
            conv, self._conv, self._doing = self._conv, ConvId(""), ""
            self._chat.typing(conv, "")

    def _begin(self, conv: ConvId, doing: Doing) -> None:
        if self._doing and conv != self._conv:
            self.stop()
        self._conv, self._doing = conv, doing
        self._say()

    def _say(self) -> None:
        self._chat.typing(self._conv, self._doing)  # type: ignore[arg-type]


class Watcher(QObject):
    """Watches the people that are on the screen, and nobody else; asks again only when they are others."""

    def __init__(self, chat: Chat, shown: Callable[[], Sequence[Uid]], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._chat, self._shown = chat, shown
        self._watched: tuple[Uid, ...] = ()
        self._timer = QTimer(self, singleShot=True, interval=WATCH_AFTER_MS)
        self._timer.timeout.connect(self.look)

    def look_soon(self) -> None:
        """The screen is moving: look once it stands."""
        if not self._timer.isActive():
            self._timer.start()

    def look(self) -> None:
        """Who is on the screen now, the most important first."""
        wanted = tuple(dict.fromkeys(self._shown()))[:WATCHED_MAX]
        if set(wanted) != set(self._watched):
            self._watched = wanted
            self._chat.watch(wanted)
