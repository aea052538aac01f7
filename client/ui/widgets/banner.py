"""The strip under the header that says how the line stands, and only when there is something to say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from client.core.model import Line
from client.ui import icons
from client.ui.theme import SPACE, Look, Themes
from client.ui.widgets.buttons import WordButton, restate
from client.ui.widgets.labels import PlainLabel
from client.ui.words import plural, problem_words, tr

QUIET_MS, BACK_MS, TICK_MS = 2000, 2000, 500
"""A short interruption is not worth a word; that it is over is said for two seconds."""
HEIGHT = 36
NEEDS_JOIN = ("sign_in_again",)

Tone = Literal["warn", "danger", "ok"]
Offer = Literal["", "connect", "join"]


@dataclass(frozen=True, slots=True)
class Notice:
    """What the strip shows: words, their tone, and what a click does."""

    words: str
    tone: Tone = "warn"
    offer: Offer = ""


def notice_of(line: Line, now_s: float) -> Notice | None:
    """What there is to say about a line that is not ready."""
    if line.state == "ready":
        return None
    if line.state == "stopped":
        if not line.code:
            return Notice(tr("You are offline. Messages wait here and go out by themselves"))
        if line.code in NEEDS_JOIN:
            return Notice(tr("This device is not signed in any more. Everything stays readable"), "danger", "join")
        return Notice(problem_words(line.code), "danger", "connect")
    wait_s = max(0, round(line.retry_s - now_s))
    if line.state == "offline" and wait_s and line.code:
        next_try = plural("next try in {count} second", "next try in {count} seconds", wait_s)
        return Notice(f"{_refusal(line.code)} · {next_try}", "warn", "connect")
    if line.state == "offline" and wait_s:
        words = plural("Reconnecting… next try in {count} second", "Reconnecting… next try in {count} seconds", wait_s)
        return Notice(words, "warn", "connect")
    return Notice(tr("Connecting…"))


def _refusal(code: str) -> str:
    """Why a server that was called did not let us in."""
    if code == "server_unreachable":
        return tr("The server does not answer")
    if code == "server_full":
        return tr("The server has no room left")
    if code in ("busy", "rate"):
        return tr("The server is busy")
    return problem_words(code)


class Banner(QFrame):
    """36 px, hidden while the line is up. `connect_wanted` is “Try now”, `join_wanted` “Sign in again…”."""

    connect_wanted = Signal()
    join_wanted = Signal()

    def __init__(self, themes: Themes, now_s: Callable[[], float], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes, self._now_s = themes, now_s
        self._line = Line("ready")
        self._tone: Tone = "warn"
        self.setFixedHeight(HEIGHT)
        self._icon = PlainLabel(parent=self)
        self._words = PlainLabel(elide=True, parent=self)
        self._offer: Offer = ""
        self._try = WordButton(self._offer_words, "link", self)
        self._try.setObjectName("banner_try")
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE[4], 0, SPACE[4], 0)
        row.setSpacing(SPACE[2])
        row.addWidget(self._icon)
        row.addWidget(self._words, 1)
        row.addWidget(self._try)
        self._quiet = QTimer(self, singleShot=True, interval=QUIET_MS)
        self._quiet.timeout.connect(self._speak)
        self._tick = QTimer(self, interval=TICK_MS)
        self._tick.timeout.connect(self._draw)
        self._back = QTimer(self, singleShot=True, interval=BACK_MS)
        self._back.timeout.connect(self.hide)
        self._try.clicked.connect(self._do)
        themes.changed.connect(lambda _: self._draw())
        self.hide()

    @property
    def words(self) -> str:
        """What it says now, empty if nothing."""
        return "" if self.isHidden() else self._words.text()

    def show_line(self, line: Line) -> None:
        """The line stands like this now."""
        spoke, self._line = self._tick.isActive(), line
        if line.state == "ready":
            self._quiet.stop()
            self._tick.stop()
            if spoke:
                self._show(Notice(tr("Connected again"), "ok"))
                self._back.start()
            return
        self._back.stop()
        if line.state == "stopped" and line.code:
            self._speak()
        elif spoke:
            self._draw()
        elif not self._quiet.isActive():
            self._quiet.start()

    def _speak(self) -> None:
        self._tick.start()
        self._draw()

    def _draw(self) -> None:
        if self._tick.isActive() and (notice := notice_of(self._line, self._now_s())) is not None:
            self._show(notice)

    def _show(self, notice: Notice) -> None:
        self._words.setText(notice.words)
        self._words.setToolTip(notice.words)
        self._offer = notice.offer
        self._try.retranslate()
        self._try.setVisible(bool(notice.offer))
        self._tone = notice.tone
        restate(self, f"banner-{notice.tone}")
        self._words.style().polish(self._words)
        self._paint_icon(self._themes.look)
        self.show()

    def _paint_icon(self, look: Look) -> None:
        name = "check" if self._tone == "ok" else "offline" if self._tone == "warn" else "warn"
        self._icon.setPixmap(icons.pixmap(name, look.color(self._tone), 16, self.devicePixelRatioF()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The whole strip is the button, for those who miss it."""
        if self._try.isVisible() and event.button() is Qt.MouseButton.LeftButton:
            self._do()

    def _offer_words(self) -> str:
        return tr("Sign in again…") if self._offer == "join" else tr("Try now")

    def _do(self) -> None:
        (self.join_wanted if self._offer == "join" else self.connect_wanted).emit()

    def changeEvent(self, event: QEvent) -> None:
        """Another language."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self._draw()
