"""The viewer: one picture or video over the whole window, on a dark layer."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QImageReader,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtMultimedia import QVideoFrame, QVideoSink
from PySide6.QtWidgets import QHBoxLayout, QWidget

from client.ui.sound.player import Player
from client.ui.theme import SPACE, Themes
from client.ui.widgets.buttons import IconButton, WordButton, Words
from client.ui.widgets.labels import PlainLabel
from client.ui.widgets.mini_player import SeekBar, speed_words
from client.ui.words import duration, tr
from protocol.values import Lid

GROUND = QColor("#0B0F14")
WHITE = QColor("white")
MARGIN, TOP, BOTTOM = 48, 56, 56
ZOOM_MIN, ZOOM_MAX, ZOOM_STEP = 0.1, 8.0, 1.2
SIDE_MAX = 6000
"""A larger picture is read at this size: it is still sharper than any screen."""
SKIP_S, FRAME_S = 5.0, 0.04
FORMATS = (b"jpeg", b"jpg", b"png", b"webp", b"gif", b"bmp")


def read_picture(path: str) -> QImage | None:
    """A picture file, turned as its maker wanted, at most 6000 px wide or high; None if it cannot be read."""
    reader = QImageReader(path)
    reader.setAutoTransform(True)
    if not reader.canRead() or bytes(reader.format().data()) not in FORMATS:
        return None
    size = reader.size()
    if max(size.width(), size.height()) > SIDE_MAX:
        reader.setScaledSize(size.scaled(QSize(SIDE_MAX, SIDE_MAX), Qt.AspectRatioMode.KeepAspectRatio))
    image = reader.read()
    return None if image.isNull() else image


class Canvas(QWidget):
    """An image that is fitted, zoomed at the pointer, dragged and turned. `clicked` is a click without a drag."""

    clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image = QImage()
        self._zoom, self._at, self._turns = 0.0, QPointF(), 0
        self._grabbed: QPointF | None = None
        self._moved = False
        self.zoomable = True
        self.setMouseTracking(True)

    def show_image(self, image: QImage, *, fresh: bool = True) -> None:
        """Draw this; a fresh one is fitted."""
        same_size = image.size() == self._image.size()
        self._image = image
        if fresh or not same_size:
            self._zoom, self._at = 0.0, QPointF()
        if fresh:
            self._turns = 0
        self.update()

    @property
    def zoom(self) -> float:
        """Screen pixels per picture pixel."""
        return self._zoom or self._fitting()

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Larger or smaller, keeping what is under `at` where it is."""
        if self._image.isNull() or not self.zoomable:
            return
        old = self.zoom
        new = max(ZOOM_MIN, min(ZOOM_MAX, old * factor))
        anchor = (at if at is not None else QPointF(self.rect().center())) - QPointF(self.rect().center())
        self._at = anchor - (anchor - self._at) * (new / old)
        self._zoom = new
        self.update()

    def toggle_fit(self, at: QPointF | None = None) -> None:
        """1:1, or fitted again."""
        if self._zoom:
            self._zoom, self._at = 0.0, QPointF()
            self.update()
        else:
            self.zoom_by(1.0 / self._fitting(), at)

    def rotate(self) -> None:
        """A quarter turn to the right."""
        self._turns = (self._turns + 1) % 4
        self._zoom, self._at = 0.0, QPointF()
        self.update()

    def _size(self) -> QSizeF:
        size = QSizeF(self._image.size())
        return size.transposed() if self._turns % 2 else size

    def _fitting(self) -> float:
        size = self._size()
        if size.isEmpty():
            return 1.0
        room = QSizeF(max(1, self.width() - 2 * MARGIN), max(1, self.height() - 2 * SPACE[4]))
        fit = min(room.width() / size.width(), room.height() / size.height())
        return fit if not self.zoomable else min(1.0, fit)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the pointer."""
        self.zoom_by(ZOOM_STEP ** (event.angleDelta().y() / 120), event.position())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold."""
        if event.button() is Qt.MouseButton.LeftButton:
            self._grabbed, self._moved = event.position(), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag."""
        if self._grabbed is None:
            return
        step = event.position() - self._grabbed
        if self._moved or step.manhattanLength() > 4:
            self._moved = True
            self._at += step
            self._grabbed = event.position()
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        if self._grabbed is not None and not self._moved:
            self.clicked.emit()
        self._grabbed = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """1:1 and back."""
        if self.zoomable:
            self.toggle_fit(event.position())

    def paintEvent(self, event: QPaintEvent) -> None:
        """The image in its place."""
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), GROUND)
            if self._image.isNull():
                return
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.zoom < 3)
            painter.translate(QPointF(self.rect().center()) + self._at)
            painter.rotate(90 * self._turns)
            painter.scale(self.zoom, self.zoom)
            size = self._image.size()
            painter.drawImage(QRectF(-size.width() / 2, -size.height() / 2, size.width(), size.height()), self._image)


class Viewer(QWidget):
    """Lies over its parent. `save_wanted` and `open_wanted` carry the bubble's number; `closed` says it is gone."""

    save_wanted = Signal(object)
    folder_wanted = Signal(object)
    opened = Signal()
    closed = Signal()

    def __init__(self, themes: Themes, player: Player, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("viewer")
        self._parent, self._player, self.lid = parent, player, Lid(0)
        self._path, self._known_ms = "", 0
        self._video = False
        self._sink = QVideoSink(self)
        self._sink.videoFrameChanged.connect(self._frame)
        self.canvas = Canvas(self)
        self._who, self._when = PlainLabel(parent=self), PlainLabel(parent=self)
        self._bar, self._controls = QWidget(self), QWidget(self)
        self._seek = SeekBar(themes, over_picture=True, parent=self._controls)
        self._time = PlainLabel(parent=self._controls)
        self._build(themes)
        self._listen()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        parent.installEventFilter(self)
        self.hide()

    def _build(self, themes: Themes) -> None:
        for label, strong in ((self._who, True), (self._when, False), (self._time, False)):
            label.setStyleSheet(f"color: white; font-weight: {600 if strong else 400};")
        for panel in (self._bar, self._controls):
            panel.setObjectName("viewer_panel")
            panel.setStyleSheet(
                "#viewer_panel { background: #0B0F14; }"
                "QToolButton:hover { background: #26313c; } QPushButton { color: white; }"
            )

        def button(icon: str, words: Words, size: int = 40) -> IconButton:
            return IconButton(themes, icon, words, size=size, color=WHITE)

        self._rotate = button("rotate", lambda: tr("Rotate"))
        self._save = button("save", lambda: tr("Save as… (Ctrl+S)"))
        self._folder = button("folder", lambda: tr("Show in folder"))
        self._close = button("close", lambda: tr("Close (Esc)"))
        self._play = button("pause", _pause_words)
        self._speed = WordButton(lambda: "1×", "link")
        top = QHBoxLayout(self._bar)
        top.setContentsMargins(SPACE[4], 0, SPACE[2], 0)
        top.addWidget(self._who)
        top.addSpacing(SPACE[2])
        top.addWidget(self._when)
        top.addStretch(1)
        for each in (self._rotate, self._save, self._folder, self._close):
            top.addWidget(each)
        below = QHBoxLayout(self._controls)
        below.setContentsMargins(SPACE[4], 0, SPACE[4], 0)
        below.setSpacing(SPACE[3])
        below.addWidget(self._play)
        below.addWidget(self._seek, 1)
        below.addWidget(self._time)
        below.addWidget(self._speed)

    def _listen(self) -> None:
        self._rotate.clicked.connect(self.canvas.rotate)
        self._save.clicked.connect(lambda: self.save_wanted.emit(self.lid))
        self._folder.clicked.connect(lambda: self.folder_wanted.emit(self.lid))
        self._close.clicked.connect(self.leave)
        self._play.clicked.connect(self._toggle)
        self._speed.clicked.connect(self._player.next_speed)
        self._seek.sought.connect(self._player.seek)
        self._player.changed.connect(self._follow)
        self._player.ended.connect(self._ended)
        self.canvas.clicked.connect(lambda: self._toggle() if self._video else None)

    # --- showing

    def show_picture(self, lid: Lid, path: str, who: str, when: str) -> bool:
        """Show a picture file; False if it cannot be read."""
        image = read_picture(path)
        if image is None:
            return False
        self._open(lid, who, when, video=False)
        self.canvas.show_image(image)
        return True

    def show_video(self, lid: Lid, path: str, who: str, when: str, poster: QImage, duration_ms: int) -> None:
        """Play a video file; `poster` until its first frame."""
        self._path, self._known_ms = path, duration_ms
        self._open(lid, who, when, video=True)
        self.canvas.show_image(poster)
        self._player.show_on(self._sink)
        self._player.play(lid, path, duration_ms)

    def _open(self, lid: Lid, who: str, when: str, *, video: bool) -> None:
        self.lid, self._video = lid, video
        self.canvas.zoomable = not video
        self._who.setText(who)
        self._when.setText(when)
        self.setAccessibleName(f"{who}, {when}")
        self._rotate.setVisible(not video)
        self._controls.setVisible(video)
        self._place()
        self.show()
        self.raise_()
        self.setFocus()
        self.opened.emit()

    def leave(self) -> None:
        """Back to the messages."""
        if self.isHidden():
            return
        self.hide()
        if self._video and self._player.lid == self.lid:
            self._player.stop()
        self._player.show_on(None)
        self.canvas.show_image(QImage())
        self.closed.emit()

    # --- video

    def _toggle(self) -> None:
        if self._player.lid == self.lid:
            self._player.toggle()
        else:
            self._player.show_on(self._sink)
            self._player.play(self.lid, self._path, self._known_ms)

    def _frame(self, frame: QVideoFrame) -> None:
        if self._video and frame.isValid() and not self.isHidden():
            self.canvas.show_image(frame.toImage(), fresh=False)

    def _follow(self) -> None:
        if self.isHidden() or not self._video or self._player.lid not in (None, self.lid):
            return
        paused = self._player.lid is None or self._player.paused
        self._play.show_icon("play" if paused else "pause", _play_words if paused else _pause_words)
        if self._player.lid is None:
            return
        length_ms = self._player.duration_ms
        words = f"{duration(self._player.position_ms)} / {duration(length_ms)}"
        self._time.setText(words)
        self._seek.show_share(self._player.position_ms / length_ms if length_ms else 0.0, words)
        self._speed.setText(speed_words(self._player.speed))

    def _ended(self, lid: Lid) -> None:
        if lid == self.lid and not self.isHidden():
            QTimer.singleShot(0, self._follow)
            self._seek.show_share(1.0, self._time.text())

    # --- keys and size

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes; plus, minus and 0 zoom; Space plays; comma and full stop are frames; digits jump."""
        key = event.key()
        if key == Qt.Key.Key_Escape:
            self.leave()
        elif self._video and self._video_key(key):
            pass
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.canvas.zoom_by(ZOOM_STEP)
        elif key == Qt.Key.Key_Minus:
            self.canvas.zoom_by(1 / ZOOM_STEP)
        elif key == Qt.Key.Key_0:
            self.canvas.toggle_fit()
        elif key == Qt.Key.Key_R:
            self.canvas.rotate()
        elif key == Qt.Key.Key_S and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.save_wanted.emit(self.lid)

    def _video_key(self, key: int) -> bool:
        steps = {
            Qt.Key.Key_Left: -SKIP_S, Qt.Key.Key_Right: SKIP_S, Qt.Key.Key_Comma: -FRAME_S, Qt.Key.Key_Period: FRAME_S
        }  # fmt: skip
        if key == Qt.Key.Key_Space:
            self._toggle()
        elif key in steps:
            self._player.skip(steps[Qt.Key(key)])
        elif Qt.Key.Key_0 <= key <= Qt.Key.Key_9:
            self._player.seek((key - Qt.Key.Key_0) / 10)
        else:
            return False
        return True

    def _place(self) -> None:
        self.setGeometry(self._parent.rect())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The bars keep to the edges."""
        wide, high = self.width(), self.height()
        self._bar.setGeometry(0, 0, wide, TOP)
        low = BOTTOM if self._video else 0
        self.canvas.setGeometry(0, TOP, wide, max(1, high - TOP - low))
        self._controls.setGeometry(0, high - BOTTOM, wide, BOTTOM)

    def showEvent(self, event: QEvent) -> None:  # type: ignore[override]
        """Video and picture have different bars."""
        super().showEvent(event)  # type: ignore[arg-type]
        self.resizeEvent(QResizeEvent(self.size(), self.size()))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """As large as the window."""
        if event.type() is QEvent.Type.Resize and not self.isHidden():
            self._place()
        return False


def _play_words() -> str:
    return tr("Play (Space)")


def _pause_words() -> str:
    return tr("Pause (Space)")
