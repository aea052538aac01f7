"""What the camera sees, as a square and mirrored, while a video is recorded."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent
from PySide6.QtMultimedia import QVideoFrame
from PySide6.QtWidgets import QWidget

from client.ui.theme import Themes
from client.ui.words import tr

SIDE, RADIUS = 320, 24


class CameraView(QWidget):
    """A square of 320 px. `show_frame` takes what the source gives."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self._image = QImage()
        self.setFixedSize(SIDE, SIDE)

    def sizeHint(self) -> QSize:
        """A square."""
        return QSize(SIDE, SIDE)

    def clear(self) -> None:
        """Another recording."""
        self._image = QImage()
        self.update()

    def show_frame(self, frame: QVideoFrame) -> None:
        """The next picture."""
        self._image = frame.toImage()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The middle of the picture, as in a mirror."""
        box = QRectF(self.rect())
        frame = QPainterPath()
        frame.addRoundedRect(box, RADIUS, RADIUS)
        with QPainter(self) as painter:
            painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
            painter.setClipPath(frame)
            painter.fillRect(box, self._themes.look.color("bg_input"))
            if self._image.isNull():
                painter.setPen(self._themes.look.color("text_2"))
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, tr("Waiting for the camera…"))
                return
            side = min(self._image.width(), self._image.height())
            part = QRectF((self._image.width() - side) / 2, (self._image.height() - side) / 2, side, side)
            painter.translate(box.width(), 0)
            painter.scale(-1, 1)
            painter.drawImage(box, self._image, part)
