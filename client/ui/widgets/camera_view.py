"""What the camera sees while a video note is recorded: a square, mirrored, with a ring that fills in a minute."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from client.ui.theme import Themes
from client.ui.words import tr

SIDE, RADIUS = 320, 24
RING, RING_GAP = 4, 4


class CameraView(QWidget):
    """A square of 320 px. `show_picture` takes a square picture, `show_share` how much of the time is over."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self._image, self._share, self._mirrored = QImage(), 0.0, True
        self.setFixedSize(SIDE, SIDE)
        self.setAccessibleName(tr("Camera"))
        themes.changed.connect(lambda _: self.update())

    def sizeHint(self) -> QSize:
        """A square."""
        return QSize(SIDE, SIDE)

    def clear(self) -> None:
        """Another recording."""
        self._image, self._share = QImage(), 0.0
        self.update()

    def show_picture(self, picture: QImage, *, mirrored: bool = True) -> None:
        """The next picture: as in a mirror while it is recorded, as others will see it when it is looked at again."""
        self._image, self._mirrored = picture, mirrored
        self.update()

    def show_share(self, share: float) -> None:
        """How far the ring is closed, 0…1."""
        self._share = max(0.0, min(1.0, share))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The ring, and the picture inside it."""
        look = self._themes.look
        with QPainter(self) as painter:
            painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
            self._paint_ring(painter)
            inset = RING + RING_GAP
            box = QRectF(self.rect()).adjusted(inset, inset, -inset, -inset)
            painter.setClipPath(_rounded(box, RADIUS))
            painter.fillRect(box, look.color("bg_input"))
            if self._image.isNull():
                painter.setPen(look.color("text_2"))
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, tr("Waiting for the camera…"))
                return
            if self._mirrored:
                painter.translate(self.width(), 0)
                painter.scale(-1, 1)
            painter.drawImage(box, self._image)

    def _paint_ring(self, painter: QPainter) -> None:
        """Once around, from the middle of the upper edge, with the clock."""
        look, half = self._themes.look, RING / 2
        path = _rounded(QRectF(self.rect()).adjusted(half, half, -half, -half), RADIUS + RING_GAP + half)
        painter.setBrush(look.color("bg_window"))
        painter.setPen(QPen(look.color("border_ctl"), RING))
        painter.drawPath(path)
        if self._share <= 0:
            return
        around = path.length() / RING
        pen = QPen(look.color("rec_dot"), RING, Qt.PenStyle.CustomDashLine, Qt.PenCapStyle.FlatCap)
        pen.setDashPattern([max(0.01, around * self._share), around])
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen)
        painter.drawPath(path)


def _rounded(box: QRectF, radius: float) -> QPainterPath:
    """A square with round corners that begins in the middle of its upper edge and goes with the clock."""
    path, side = QPainterPath(), 2 * radius
    path.moveTo(box.center().x(), box.top())
    path.arcTo(QRectF(box.right() - side, box.top(), side, side), 90, -90)
    path.arcTo(QRectF(box.right() - side, box.bottom() - side, side, side), 0, -90)
    path.arcTo(QRectF(box.left(), box.bottom() - side, side, side), 270, -90)
    path.arcTo(QRectF(box.left(), box.top(), side, side), 180, -90)
    path.closeSubpath()
    return path
