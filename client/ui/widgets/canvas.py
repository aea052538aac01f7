"""An image on a dark ground that is fitted, zoomed at the pointer, dragged and turned."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from client.ui.theme import SPACE

GROUND = QColor("#0B0F14")
MARGIN = 48
ZOOM_MIN, ZOOM_MAX, ZOOM_STEP = 0.1, 8.0, 1.2


class Canvas(QWidget):
    """An image that is fitted, zoomed at the pointer, dragged and turned. `clicked` is a click without a drag."""

    clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image, self._natural = QImage(), QSize()
        self._zoom, self._at, self._turns = 0.0, QPointF(), 0
        self._grabbed: QPointF | None = None
        self._moved = False
        self.zoomable = True
        self.setMouseTracking(True)

    def show_image(self, image: QImage, natural: QSize | None = None, *, fresh: bool = True) -> None:
        """Draw this; a fresh one is fitted. A preview has the `natural` size of what it stands for."""
        size = natural if natural is not None and not natural.isEmpty() else image.size()
        same_shape = size.width() * self._natural.height() == size.height() * self._natural.width()
        self._image, self._natural = image, size
        if fresh or not same_shape:
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
        size = QSizeF(self._natural)
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
            size = self._natural
            painter.drawImage(QRectF(-size.width() / 2, -size.height() / 2, size.width(), size.height()), self._image)
