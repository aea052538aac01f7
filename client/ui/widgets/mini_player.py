"""The strip under the header while something plays: it goes on when the person looks at another chat."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QSizePolicy, QWidget

from client.ui.sound.player import SPEED_CHOICES
from client.ui.theme import SPACE, Themes
from client.ui.widgets.buttons import IconButton, WordButton
from client.ui.widgets.labels import PlainLabel
from client.ui.words import duration, tr

HEIGHT, THICK, KNOB = 40, 4, 6
NAME_MAX, NAME_PART = 160, 5


class SeekBar(QWidget):
    """How far it is; a click or a drag goes elsewhere. Always left to right, as time runs."""

    sought = Signal(float)

    def __init__(self, themes: Themes, *, over_picture: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes, self._over, self._share = themes, over_picture, 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(24)
        self.setMinimumWidth(60)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        themes.changed.connect(lambda _: self.update())

    def show_share(self, share: float, words: str) -> None:
        """0…1, and the same in words."""
        self._share = max(0.0, min(1.0, share))
        self.setAccessibleName(words)
        self.update()

    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(160, 24)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go there."""
        if event.button() is Qt.MouseButton.LeftButton:
            self._seek(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._seek(event.position().x())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and Right, a twentieth at a time."""
        step = {Qt.Key.Key_Left: -0.05, Qt.Key.Key_Right: 0.05}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self.sought.emit(max(0.0, min(1.0, self._share + step)))

    def _seek(self, x: float) -> None:
        self.show_share((x - KNOB) / max(1, self.width() - 2 * KNOB), self.accessibleName())
        self.sought.emit(self._share)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A groove, the part that was played, a knob."""
        look = self._themes.look
        done = Qt.GlobalColor.white if self._over else look.color("accent")
        rest = Qt.GlobalColor.gray if self._over else look.color("border_ctl")
        middle, wide = self.height() / 2, self.width() - 2 * KNOB
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(rest)
            painter.drawRoundedRect(QRectF(KNOB, middle - THICK / 2, wide, THICK), 2, 2)
            painter.setBrush(done)
            painter.drawRoundedRect(QRectF(KNOB, middle - THICK / 2, wide * self._share, THICK), 2, 2)
            painter.drawEllipse(QPointF(KNOB + wide * self._share, middle), KNOB, KNOB)
            if self.hasFocus():
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(look.color("focus"))
                painter.drawEllipse(QPointF(KNOB + wide * self._share, middle), KNOB + 2, KNOB + 2)


def speed_words(speed: float) -> str:
    """1×, 1.5×"""
    return f"{speed:g}×"


class SpeedButton(WordButton):
    """How fast it plays; a click offers every speed there is."""

    chosen = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(lambda: speed_words(1.0), "link", parent)
        self._speed = 1.0
        self.clicked.connect(self._offer)

    def show_speed(self, speed: float) -> None:
        """This is how fast it is."""
        self._speed = speed
        self.setText(speed_words(speed))
        self.setAccessibleName(tr("Speed {speed}", speed=speed_words(speed)))

    def retranslate(self) -> None:
        """A number is the same in every language; what it means is not."""
        self.show_speed(getattr(self, "_speed", 1.0))
        self.setToolTip(tr("Speed"))

    def menu_of_speeds(self) -> QMenu:
        """One line a speed, a tick at the present one."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setObjectName("speed_menu")
        for speed in SPEED_CHOICES:
            action = menu.addAction(speed_words(speed))
            action.setCheckable(True)
            action.setChecked(speed == self._speed)
            action.triggered.connect(lambda _checked=False, each=speed: self.chosen.emit(each))
        return menu

    def _offer(self) -> None:
        menu = self.menu_of_speeds()
        below = self.mapToGlobal(self.rect().bottomRight())
        menu.popup(below - QPoint(menu.sizeHint().width(), 0))


class MiniPlayer(QFrame):
    """Play or pause, who, seek bar, time, speed, close."""

    toggled = Signal()
    sought = Signal(float)
    speed_chosen = Signal(float)
    closed = Signal()
    shown = Signal()

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "header")
        self.setObjectName("mini_player")
        self.setFixedHeight(HEIGHT)
        self._play = IconButton(themes, "pause", _pause_words, size=32, token="accent", parent=self)
        self._who = WordButton(lambda: "", "link", self)
        self._who.setToolTip(tr("Show where it is"))
        self._seek = SeekBar(themes, parent=self)
        self._time = PlainLabel(role="meta", parent=self)
        self._speed = SpeedButton(self)
        self._close = IconButton(themes, "close", lambda: tr("Stop playing"), size=32, icon_size=16, parent=self)
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE[2], 0, SPACE[2], 0)
        row.setSpacing(SPACE[2])
        row.addWidget(self._play)
        row.addWidget(self._who)
        row.addWidget(self._seek, 1)
        row.addWidget(self._time)
        row.addWidget(self._speed)
        row.addWidget(self._close)
        self._play.clicked.connect(self.toggled)
        self._who.clicked.connect(self.shown)
        self._seek.sought.connect(self.sought)
        self._speed.chosen.connect(self.speed_chosen)
        self._close.clicked.connect(self.closed)
        self.hide()

    def show_playing(self, who: str, position_ms: int, duration_ms: int, *, paused: bool, speed: float) -> None:
        """What plays now."""
        self._play.show_icon("play" if paused else "pause", _play_words if paused else _pause_words)
        room = min(NAME_MAX, self.width() // NAME_PART)
        self._who.setText(self._who.fontMetrics().elidedText(who, Qt.TextElideMode.ElideRight, room))
        words = f"{duration(position_ms)} / {duration(duration_ms)}"
        self._time.setText(words)
        self._seek.show_share(position_ms / duration_ms if duration_ms else 0.0, words)
        self._speed.show_speed(speed)
        self.show()

    def changeEvent(self, event: QEvent) -> None:
        """Another language."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self._who.setToolTip(tr("Show where it is"))


def _play_words() -> str:
    return tr("Play")


def _pause_words() -> str:
    return tr("Pause")
