"""A video note in a bubble: a rounded square that plays where it is, with a ring that says how far it is."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPen, QPixmap

from client.ui.bubbles.ink import ON_PILL, PILL, Ink, Part, circle_button
from client.ui.bubbles.media import PILL_EDGE, PILL_HEIGHT, MediaBlock
from client.ui.viewmodels.rows import Row
from client.ui.words import duration
from protocol.content import Video

SIDE, RADIUS = 240, 24
RING, RING_EDGE = 4.0, 2.0
DOT, DOT_GAP = 8, 8


def is_note(row: Row) -> bool:
    """Whether this is a short film of a face that plays in its bubble."""
    return isinstance(row.bubble.body, Video) and row.bubble.body.note


class NoteBlock(MediaBlock):
    """One video note. A click plays it, with its sound, and stops it; until then it has the faces of every film."""

    def __init__(self, row: Row, width_max: float) -> None:
        side = min(SIDE, width_max)
        super().__init__(row, QSizeF(side, side), RADIUS)
        if row.face == "ready":
            self.parts = [Part("pause" if self.runs else "play", QRectF(QPointF(0, 0), self.size))]

    @property
    def runs(self) -> bool:
        """Whether it plays now and does not stand still."""
        return self._row.playing is not None and not self._row.playing.paused

    @property
    def unheard(self) -> bool:
        """Whether somebody else made it, and it was not played to its end yet."""
        bubble = self._row.bubble
        return not bubble.mine and not bubble.heard and self._row.face != "gone" and not self._row.playing

    @property
    def played(self) -> float:
        """How much of it was seen, 0 to 1."""
        playing = self._row.playing
        length_s = playing.duration_s or self._file.duration_ms / 1000 if playing else 0
        return min(1.0, playing.position_s / length_s) if playing and length_s else 0.0

    def pill_words(self) -> str:
        """While it plays, how long it still is."""
        playing = self._row.playing
        if playing is None:
            return super().pill_words()
        return duration(max(0, round(1000 * (playing.duration_s - playing.position_s))))

    def paint(self, painter: QPainter, at: QPointF, ink: Ink) -> None:
        """The film, and around it the ring."""
        super().paint(painter, at, ink)
        if self._row.playing is not None:
            self._paint_ring(painter, QRectF(at, self.size))
        elif self.unheard:
            self._paint_dot(painter, QRectF(at, self.size), ink)

    def _best(self, box: QRectF, ink: Ink) -> QPixmap | None:
        """What the film shows now, else the preview."""
        playing = self._row.playing
        image = playing.screen.image if playing is not None and playing.screen is not None else None
        return QPixmap.fromImage(image) if isinstance(image, QImage) else super()._best(box, ink)

    def _paint_button(self, painter: QPainter, button: QRectF, ink: Ink) -> None:
        if self._row.face != "ready":
            super()._paint_button(painter, button, ink)
        elif not self.runs:
            circle_button(painter, button, "play", PILL, ON_PILL)

    def _paint_ring(self, painter: QPainter, box: QRectF) -> None:
        """From the middle of the top, as a clock runs; white on black is seen over every film."""
        path = ring_path(box.adjusted(RING_EDGE, RING_EDGE, -RING_EDGE, -RING_EDGE), RADIUS - RING_EDGE)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(PILL, RING))
        painter.drawPath(path)
        if self.played:
            around = path.length() / RING
            pen = QPen(ON_PILL, RING, Qt.PenStyle.CustomDashLine, Qt.PenCapStyle.FlatCap)
            pen.setDashPattern([around * self.played, around])
            painter.setPen(pen)
            painter.drawPath(path)

    def _paint_dot(self, painter: QPainter, box: QRectF, ink: Ink) -> None:
        """Behind the words in the corner."""
        metrics = painter.fontMetrics()
        left = box.left() + PILL_EDGE + 16 + metrics.horizontalAdvance(self.pill_words()) + DOT_GAP
        middle = QPointF(left + DOT / 2, box.top() + PILL_EDGE + max(PILL_HEIGHT, metrics.height() + 2) / 2)
        painter.setPen(QPen(ON_PILL, 1.5))
        painter.setBrush(ink.look.color("accent"))
        painter.drawEllipse(middle, DOT / 2 + 1, DOT / 2 + 1)


def ring_path(box: QRectF, radius: float) -> QPainterPath:
    """A rounded square as one line from the middle of its top around to there."""
    path = QPainterPath(QPointF(box.center().x(), box.top()))
    wide = 2 * radius
    path.lineTo(box.right() - radius, box.top())
    for corner, start in (
        (QRectF(box.right() - wide, box.top(), wide, wide), 90),
        (QRectF(box.right() - wide, box.bottom() - wide, wide, wide), 0),
        (QRectF(box.left(), box.bottom() - wide, wide, wide), 270),
        (QRectF(box.left(), box.top(), wide, wide), 180),
    ):
        path.arcTo(corner, start, -90)
    path.closeSubpath()
    return path
