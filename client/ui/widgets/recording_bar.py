"""The bar that stands where the text field was while a voice note or a video is recorded."""

from __future__ import annotations

from collections import deque

from PySide6.QtCore import QElapsedTimer, QEvent, QObject, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QCursor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QWidget

from client.ui.theme import SPACE, Themes
from client.ui.widgets.buttons import IconButton
from client.ui.widgets.labels import PlainLabel
from client.ui.words import tr

HEIGHT = 56
BAR, GAP = 2, 1
HOLD_MS, AWAY_PX = 350, 48
BLINK_MS, SILENCE_MS, SILENT = 500, 1500, 0.01
LONGEST_MS = 60 * 60 * 1000
LAST_MS = 60 * 1000


class LevelBars(QWidget):
    """One bar for each 100 ms, newest at the right."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self._levels: deque[float] = deque(maxlen=800)
        self.setMinimumWidth(40)
        self.setFixedHeight(32)
        themes.changed.connect(lambda _: self.update())

    def push(self, level: float) -> None:
        """The next 100 ms, 0…1."""
        self._levels.append(level)
        self.update()

    def clear(self) -> None:
        """A new recording."""
        self._levels.clear()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Bars from the right edge on."""
        with QPainter(self) as painter:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._themes.look.color("wave_play"))
            middle, right = self.height() / 2, float(self.width())
            for level in reversed(self._levels):
                right -= BAR + GAP
                if right < 0:
                    break
                high = max(2.0, min(1.0, level) ** 0.6 * (self.height() - 2))
                painter.drawRect(QRectF(right, middle - high / 2, BAR, high))


class RedDot(QWidget):
    """Recording: it pulses. Paused: it stands still and is hollow."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes, self._bright, self._still = themes, True, False
        self.setFixedSize(16, 16)
        self._timer = QTimer(self, interval=BLINK_MS)
        self._timer.timeout.connect(self._turn)

    def run(self, *, still: bool) -> None:
        """Pulse, or stand still."""
        self._still, self._bright = still, True
        self._timer.stop() if still else self._timer.start()
        self.update()

    def end(self) -> None:
        """Nothing is recorded."""
        self._timer.stop()

    def _turn(self) -> None:
        self._bright = not self._bright
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A disc or a ring."""
        color = self._themes.look.color("rec_dot")
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            if self._still:
                painter.setPen(color)
                painter.drawEllipse(QPointF(8, 8), 4.5, 4.5)
                return
            painter.setOpacity(1.0 if self._bright else 0.35)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color)
            painter.drawEllipse(QPointF(8, 8), 5, 5)


def time_words(duration_ms: int) -> str:
    """0:07.4"""
    seconds = duration_ms // 1000
    return f"{seconds // 60}:{seconds % 60:02}.{duration_ms % 1000 // 100}"


class RecordingBar(QFrame):
    """Discard, time, bars, pause, Send. It draws what the recorder does and decides nothing."""

    discard_wanted = Signal()
    pause_wanted = Signal()
    send_wanted = Signal()
    keep_or_discard_wanted = Signal()

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "composer")
        self.setObjectName("recording_bar")
        self.setMinimumHeight(HEIGHT)
        self._held = QElapsedTimer()
        self._loud = False
        self.discard = IconButton(themes, "trash", lambda: tr("Discard"), size=40, parent=self)
        self.pause = IconButton(themes, "pause", lambda: tr("Pause (Space)"), size=40, parent=self)
        self.send = IconButton(
            themes, "send", lambda: tr("Send"), size=40, token="on_accent", kind="round", parent=self
        )

        self._dot, self._bars = RedDot(themes, self), LevelBars(themes, self)
        self._time = PlainLabel("0:00.0", parent=self)
        self._hint = PlainLabel(role="meta", parent=self)
        self._arrange()
        self._listen()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def _arrange(self) -> None:
        self._time.setMinimumWidth(self._time.fontMetrics().horizontalAdvance("00:00.0") + 4)
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE[2], SPACE[2], SPACE[2], SPACE[2])
        row.setSpacing(SPACE[2])
        for widget in (self.discard, self._dot, self._time):
            row.addWidget(widget)
        row.addWidget(self._bars, 1)
        row.addWidget(self._hint)
        row.addWidget(self.pause)
        row.addWidget(self.send)

    def _listen(self) -> None:
        self.discard.clicked.connect(self.discard_wanted)
        self.pause.clicked.connect(self.pause_wanted)
        self.send.clicked.connect(self.send_wanted)

    # --- what the recorder does

    def begin(self, *, held: bool = False) -> None:
        """A recording opens. `held`: the pointer is down, and holding it is push-to-talk."""
        self._bars.clear()
        self._loud = False
        self._time.setText("0:00.0")
        self._hint.setText(tr("Waiting for the microphone…"))
        self.show_paused(False)
        if held and (app := QApplication.instance()) is not None:
            self._held.start()
            app.installEventFilter(self)

    def began(self) -> None:
        """The first sound has come."""
        self._hint.setText("")
        if self._held.isValid():
            self._hint.setText(tr("Let go to send"))

    def show_level(self, level: float, duration_ms: int) -> None:
        """100 ms more."""
        self._bars.push(level)
        self._time.setText(time_words(duration_ms))
        self._loud = self._loud or level > SILENT
        if not self._loud and duration_ms >= SILENCE_MS:
            self._hint.setText(tr("We hear nothing. Is the microphone on?"))
        elif duration_ms >= LONGEST_MS - LAST_MS:
            left_s = max(0, (LONGEST_MS - duration_ms) // 1000)
            self._hint.setText(tr("{seconds} s left", seconds=left_s))
        elif self._loud and not self._held.isValid():
            self._hint.setText("")

    def show_paused(self, paused: bool) -> None:
        """Another button, a still dot."""
        self._dot.run(still=paused)
        if paused:
            self.pause.show_icon("microphone", _resume_words)
        else:
            self.pause.show_icon("pause", _pause_words)

    def end(self) -> None:
        """The recording is over."""
        self._dot.end()
        self._let_go()

    # --- keys and the pointer

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space pauses, Return sends, Escape asks."""
        match event.key():
            case Qt.Key.Key_Space:
                self.pause_wanted.emit()
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self.send_wanted.emit()
            case Qt.Key.Key_Escape:
                self.keep_or_discard_wanted.emit()
            case _:
                super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The pointer that started us is let go, wherever it is by then."""
        if event.type() is QEvent.Type.MouseButtonRelease and isinstance(event, QMouseEvent):
            self._released()
        return False

    def _released(self) -> None:
        held_ms = self._held.elapsed() if self._held.isValid() else 0
        self._let_go()
        if held_ms < HOLD_MS:
            self._hint.setText("")
            return
        away = self.rect().adjusted(-AWAY_PX, -AWAY_PX, AWAY_PX, AWAY_PX)
        inside = away.contains(self.mapFromGlobal(QCursor.pos()))
        (self.send_wanted if inside else self.discard_wanted).emit()

    def _let_go(self) -> None:
        self._held.invalidate()
        if (app := QApplication.instance()) is not None:
            app.removeEventFilter(self)


def _pause_words() -> str:
    return tr("Pause (Space)")


def _resume_words() -> str:
    return tr("Go on (Space)")
