"""The bar that stands where the text field was while a voice note or a video is recorded, or waits to be sent."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal

from PySide6.QtCore import QElapsedTimer, QEvent, QObject, QPoint, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QCursor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QMenu, QWidget

from client.ui import icons
from client.ui.plain import isolate, one_line
from client.ui.sound.sources import Named
from client.ui.theme import SPACE, Themes
from client.ui.widgets.buttons import IconButton, WordButton
from client.ui.widgets.labels import PlainLabel
from client.ui.widgets.trim_strip import TrimStrip
from client.ui.words import tr

HEIGHT = 56
BAR, GAP = 2, 1
HOLD_MS, AWAY_PX = 350, 48
BLINK_MS, SILENCE_MS, SILENT = 500, 1500, 0.01
LONGEST_MS, VIDEO_LONGEST_MS = 60 * 60 * 1000, 60 * 1000
LAST_MS, VIDEO_LAST_MS = 60 * 1000, 10 * 1000
Face = Literal["live", "paused", "draft"]


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


class SilenceLine(QFrame):
    """The yellow line over the bar: nothing is heard of the microphone, and which others there are."""

    choose_wanted = Signal(QPoint)

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "banner-warn")
        self.setObjectName("silence_line")
        self._themes = themes
        self._icon, self._words = PlainLabel(parent=self), PlainLabel(parent=self)
        self._words.setWordWrap(True)
        self.choose = WordButton(lambda: tr("Another microphone…"), "link", self)
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE[4], SPACE[1], SPACE[2], SPACE[1])
        row.setSpacing(SPACE[2])
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._words, 1)
        row.addWidget(self.choose)
        self.choose.clicked.connect(lambda: self.choose_wanted.emit(self.choose.mapToGlobal(QPoint(0, 0))))
        themes.changed.connect(lambda _: self._restyle())
        self._restyle()
        self.hide()

    @property
    def words(self) -> str:
        """What it says now, empty if nothing."""
        return "" if self.isHidden() else self._words.text()

    def say(self, device: str) -> None:
        """Name the microphone of which nothing is heard."""
        name = one_line(device)
        words = (
            tr("We hear nothing from “{name}”", name=isolate(name))
            if name
            else tr("We hear nothing. Is the microphone on?")
        )
        self._words.setText(words)
        self.setAccessibleName(words)
        self.show()

    def _restyle(self) -> None:
        look = self._themes.look
        self._icon.setPixmap(icons.pixmap("warn", look.color("warn"), 16, self.devicePixelRatioF()))


class RecordingBar(QFrame):
    """Discard, time, bars, pause, Send. It draws what the recorder does and decides nothing.

    Three faces: `live` while something is recorded, `paused`, and `draft` for a recording that waits to be sent.
    """

    discard_wanted = Signal()
    pause_wanted = Signal()
    listen_wanted = Signal()
    retake_wanted = Signal()
    send_wanted = Signal()
    keep_or_discard_wanted = Signal()
    devices_wanted = Signal(QPoint)

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "composer")
        self.setObjectName("recording_bar")
        self.setMinimumHeight(HEIGHT)
        self.face: Face = "live"
        self._held, self._from = QElapsedTimer(), QPoint()
        self._video = self._loud = False
        self.silence = SilenceLine(themes)
        self.discard = IconButton(themes, "trash", lambda: tr("Discard"), size=40, parent=self)
        self.devices = IconButton(themes, "settings", lambda: tr("Microphone and camera"), size=40, parent=self)
        self.retake = IconButton(themes, "camera", lambda: tr("Record again"), size=40, parent=self)
        self.listen = IconButton(themes, "play", _listen_words, size=40, parent=self)
        self.pause = IconButton(themes, "pause", _pause_words, size=40, parent=self)
        self.send = IconButton(
            themes, "send", lambda: tr("Send"), size=40, token="on_accent", kind="round", parent=self
        )

        self._dot, self._bars, self.strip = RedDot(themes, self), LevelBars(themes, self), TrimStrip(themes, self)
        self._time = PlainLabel("0:00.0", parent=self)
        self._hint = PlainLabel(role="meta", elide=True, parent=self)
        self._arrange()
        self._listen()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def _arrange(self) -> None:
        self._time.setMinimumWidth(self._time.fontMetrics().horizontalAdvance("00:00.0") + 4)
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE[2], SPACE[2], SPACE[2], SPACE[2])
        row.setSpacing(SPACE[1])
        for widget in (self.discard, self._dot, self._time):
            row.addWidget(widget)
        row.addSpacing(SPACE[1])
        row.addWidget(self._bars, 1)
        row.addWidget(self.strip, 1)
        row.addWidget(self._hint, 1)
        for button in (self.devices, self.retake, self.listen, self.pause, self.send):
            row.addWidget(button)

    def _listen(self) -> None:
        self.discard.clicked.connect(self.discard_wanted)
        self.pause.clicked.connect(self.pause_wanted)
        self.listen.clicked.connect(self.listen_wanted)
        self.retake.clicked.connect(self.retake_wanted)
        self.send.clicked.connect(self.send_wanted)
        self.silence.choose_wanted.connect(self.devices_wanted)
        self.devices.clicked.connect(lambda: self.devices_wanted.emit(self.devices.mapToGlobal(QPoint(0, 0))))
        self.strip.trimmed.connect(self._show_span)

    # --- what the recorder does

    def begin(self, *, held: bool = False, video: bool = False) -> None:
        """A recording opens. `held`: the pointer is down, and holding it is push-to-talk."""
        self._video, self._loud = video, False
        self._bars.clear()
        self._time.setText("0:00.0")
        self._say(tr("Waiting for the microphone…"))
        self._wear("live")
        if held and (app := QApplication.instance()) is not None:
            self._held.start()
            self._from = QCursor.pos()
            app.installEventFilter(self)

    def began(self) -> None:
        """The first sound has come."""
        self._say(tr("Let go to send, up to keep going") if self._held.isValid() else "")

    def heard_from(self) -> None:
        """Another microphone: it has its own time to be heard."""
        self._loud = False
        self.silence.hide()

    def show_level(self, level: float, duration_ms: int, device: str = "") -> None:
        """100 ms more. `device` is the name of what is listened to."""
        self._bars.push(level)
        self._time.setText(time_words(duration_ms))
        if not self._loud and level > SILENT:
            self._loud = True
            self.silence.hide()
        if not self._loud and duration_ms >= SILENCE_MS and self.silence.isHidden():
            self.silence.say(device)
        longest_ms, last_ms = (VIDEO_LONGEST_MS, VIDEO_LAST_MS) if self._video else (LONGEST_MS, LAST_MS)
        if duration_ms >= longest_ms - last_ms:
            left_s = max(0, (longest_ms - duration_ms + 999) // 1000)
            self._say(tr("{seconds} s left", seconds=left_s))
        elif self._loud and not self._held.isValid():
            self._say("")

    def show_paused(self, levels: Sequence[int], duration_ms: int) -> None:
        """It stands still: the whole of it is shown, to be listened to and cut."""
        self._show_whole(levels, duration_ms)
        self._wear("paused")

    def show_going_on(self) -> None:
        """It goes on."""
        self._wear("live")

    def show_draft(self, levels: Sequence[int], duration_ms: int, *, video: bool) -> None:
        """A recording that waits to be sent."""
        self._video = video
        self._show_whole(levels, duration_ms)
        self._wear("draft")

    def show_listening(self, *, playing: bool, at_ms: int) -> None:
        """Where it is while it is listened to."""
        self.strip.show_place(at_ms if playing else -1)
        if playing:
            self.listen.show_icon("pause", _stop_words)
        else:
            self.listen.show_icon("play", _listen_words)

    def end(self) -> None:
        """The recording is over."""
        self._dot.end()
        self.silence.hide()
        self._let_go()

    def _show_whole(self, levels: Sequence[int], duration_ms: int) -> None:
        self.strip.show_recording(levels, duration_ms)
        self._say("")
        self._show_span()

    def _show_span(self) -> None:
        first_ms, last_ms = self.strip.span
        self._time.setText(time_words(last_ms - first_ms))

    def _say(self, words: str) -> None:
        """Beside the bars; where there is little room, its end is left out."""
        self._hint.setText(words)
        self._hint.setVisible(bool(words))
        self._hint.setToolTip(words)

    def _wear(self, face: Face) -> None:
        self.face = face
        live = face == "live"
        self._dot.run(still=not live)
        self._bars.setVisible(live)
        self.strip.setVisible(not live)
        self.listen.setVisible(not live)
        self.devices.setVisible(live)
        self.pause.setVisible(face != "draft")
        self.retake.setVisible(not live and self._video)
        if face == "paused":
            self.pause.show_icon("record", _resume_words)
        else:
            self.pause.show_icon("pause", _pause_words)

    # --- devices

    def pop_up_devices(
        self, at: QPoint, groups: Sequence[tuple[str, Sequence[Named], str, Callable[[str], None]]]
    ) -> QMenu:
        """A menu with what is plugged in now: title, devices, the key of the chosen one, and what choosing does."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for title, devices, chosen, choose in groups:
            menu.addSection(title)
            for device in devices:
                action = menu.addAction(one_line(device.name))
                action.setCheckable(True)
                action.setChecked(device.key == chosen)
                action.triggered.connect(lambda _on=False, key=device.key, choose=choose: choose(key))
            if not devices:
                menu.addAction(tr("None is plugged in")).setEnabled(False)
        menu.popup(QPoint(at.x(), at.y() - menu.sizeHint().height()))
        return menu

    # --- keys and the pointer

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space pauses or listens, Return sends, Escape asks."""
        match event.key():
            case Qt.Key.Key_Space:
                (self.listen_wanted if self.face == "draft" else self.pause_wanted).emit()
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self.send_wanted.emit()
            case Qt.Key.Key_Escape if self.face != "draft":
                self.keep_or_discard_wanted.emit()
            case _:
                super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The pointer that started us is moved, or let go, wherever it is by then."""
        if isinstance(event, QMouseEvent):
            if event.type() is QEvent.Type.MouseButtonRelease:
                self._released()
            elif event.type() is QEvent.Type.MouseMove:
                self._moved(event.globalPosition().toPoint() - self._from)
        return False

    def _moved(self, way: QPoint) -> None:
        """Up: it goes on without the pointer. Anywhere else: it is thrown away."""
        if not self._held.isValid():
            return
        if way.y() <= -AWAY_PX and -way.y() >= abs(way.x()):
            self._let_go()
            self._say(tr("Goes on by itself"))
        elif max(abs(way.x()), abs(way.y())) > AWAY_PX:
            self._let_go()
            self.discard_wanted.emit()

    def _released(self) -> None:
        """A click starts a recording that goes on by itself; what was held is sent."""
        held_ms = self._held.elapsed() if self._held.isValid() else 0
        self._let_go()
        if held_ms < HOLD_MS:
            self._say("")
        else:
            self.send_wanted.emit()

    def _let_go(self) -> None:
        self._held.invalidate()
        if (app := QApplication.instance()) is not None:
            app.removeEventFilter(self)


def _pause_words() -> str:
    return tr("Pause (Space)")


def _resume_words() -> str:
    return tr("Go on (Space)")


def _listen_words() -> str:
    return tr("Listen")


def _stop_words() -> str:
    return tr("Stop")
