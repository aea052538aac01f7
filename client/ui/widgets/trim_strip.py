"""The finished waveform of a recording with a handle at each end: what lies outside them is left out."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from client.ui.sound.segments import BLOCK_MS, Span
from client.ui.theme import Themes
from client.ui.words import duration, tr

BAR, GAP, HANDLE, REACH_PX = 2, 1, 4, 12
LEAST_MS = 400
STEP_MS, LARGE_STEP_MS = BLOCK_MS, 10 * BLOCK_MS


class TrimStrip(QWidget):
    """`trimmed` says that other ends were chosen, `sought` where somebody clicked between them, in milliseconds.

    The keyboard moves the left handle with Left and Right, the right one with Control and these.
    """

    trimmed = Signal()
    sought = Signal(int)

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self._levels: Sequence[int] = ()
        self._length_ms, self._at_ms = 0, -1
        self._span = Span(0, 0)
        self._held = ""
        self.setMinimumWidth(40)
        self.setFixedHeight(32)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        themes.changed.connect(lambda _: self.update())
        self._say()

    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(200, 32)

    @property
    def span(self) -> Span:
        """What is kept."""
        return self._span

    def show_recording(self, levels: Sequence[int], length_ms: int) -> None:
        """Another recording, or more of it; all of it is kept."""
        self._levels, self._length_ms, self._at_ms = levels, length_ms, -1
        self._span = Span(0, length_ms)
        self._say()
        self.update()

    def show_place(self, at_ms: int) -> None:
        """Where it plays; -1: nowhere."""
        if at_ms != self._at_ms:
            self._at_ms = at_ms
            self.update()

    # --- the pointer and the keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the nearer handle, or listen from here."""
        x = event.position().x()
        left, right = self._x(self._span.first_ms), self._x(self._span.last_ms)
        if min(abs(x - left), abs(x - right)) > REACH_PX:
            self.sought.emit(max(self._span.first_ms, min(self._span.last_ms, self._ms(x))))
        elif abs(x - left) < abs(x - right):
            self._held = "left"
        else:
            self._held = "right"

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Draw the handle along."""
        x = event.position().x()
        if self._held:
            self._move(self._held, self._ms(x))
            return
        near = min(abs(x - self._x(self._span.first_ms)), abs(x - self._x(self._span.last_ms))) <= REACH_PX
        self.setCursor(Qt.CursorShape.SizeHorCursor if near else Qt.CursorShape.PointingHandCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let it go."""
        self._held = ""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and Right move a handle, with Control the right one, with Shift further."""
        way = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
        if not way:
            super().keyPressEvent(event)
            return
        held = event.modifiers()
        step_ms = way * (LARGE_STEP_MS if held & Qt.KeyboardModifier.ShiftModifier else STEP_MS)
        if held & Qt.KeyboardModifier.ControlModifier:
            self._move("right", self._span.last_ms + step_ms)
        else:
            self._move("left", self._span.first_ms + step_ms)

    def _move(self, handle: str, to_ms: int) -> None:
        """On whole blocks, and never so near that nothing would be left."""
        to_ms = round(to_ms / BLOCK_MS) * BLOCK_MS
        first, last = self._span
        if handle == "left":
            span = Span(max(0, min(to_ms, last - LEAST_MS)), last)
        else:
            span = Span(first, max(first + LEAST_MS, min(to_ms, self._length_ms)))
        if span != self._span and self._length_ms > LEAST_MS:
            self._span = span
            self._say()
            self.update()
            self.trimmed.emit()

    def _x(self, at_ms: int) -> float:
        room = self.width() - 2 * HANDLE
        return HANDLE + room * at_ms / max(1, self._length_ms)

    def _ms(self, x: float) -> int:
        return int((x - HANDLE) / max(1, self.width() - 2 * HANDLE) * self._length_ms)

    # --- drawing and saying

    def paintEvent(self, event: QPaintEvent) -> None:
        """All bars; those outside are pale. Time runs from left to right in every language."""
        look, middle = self._themes.look, self.height() / 2
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            left, right = self._x(self._span.first_ms), self._x(self._span.last_ms)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.color("bg_selected"))
            painter.drawRoundedRect(QRectF(left, 1, right - left, self.height() - 2), 4, 4)
            for place, level in enumerate(self._bars()):
                x = HANDLE + place * (BAR + GAP)
                inside = left <= x <= right
                painter.setOpacity(1.0 if inside else 0.35)
                painter.setBrush(look.color("wave_play" if inside else "wave_idle"))
                high = max(2.0, (level / 255) ** 0.6 * (self.height() - 8))
                painter.drawRect(QRectF(x, middle - high / 2, BAR, high))
            painter.setOpacity(1.0)
            self._paint_handles(painter, left, right)
            if self._at_ms >= 0:
                painter.setPen(look.color("text_1"))
                at = self._x(min(self._at_ms, self._length_ms))
                painter.drawLine(QPointF(at, 1), QPointF(at, self.height() - 1))

    def _paint_handles(self, painter: QPainter, left: float, right: float) -> None:
        look = self._themes.look
        painter.setBrush(look.color("focus" if self.hasFocus() else "accent"))
        for x in (left, right):
            painter.drawRoundedRect(QRectF(x - HANDLE / 2, 0, HANDLE, self.height()), 2, 2)

    def _bars(self) -> list[int]:
        """As many as there is room for, each the loudest moment that falls into it."""
        count, room = len(self._levels), max(1, (self.width() - 2 * HANDLE) // (BAR + GAP))
        if not count:
            return [0] * room
        edges = [place * count // room for place in range(room + 1)]
        return [max(self._levels[a : max(a + 1, b)]) for a, b in zip(edges, edges[1:], strict=False)]

    def _say(self) -> None:
        self.setAccessibleName(
            tr("From {first} to {last}", first=duration(self._span.first_ms), last=duration(self._span.last_ms))
        )
        self.setToolTip(tr("Draw the ends inwards to leave something out"))

    def changeEvent(self, event: QEvent) -> None:
        """Another language."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self._say()
