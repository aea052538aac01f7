"""The small line at the end of a bubble: when, and for own messages how far."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from client.core.model import State
from client.ui import icons
from client.ui.bubbles.ink import ON_PILL, PILL, Ink, Part, ring
from client.ui.bubbles.marks import QUIET_MS, Mark, count_words, mark_of, settled
from client.ui.theme import Look
from client.ui.viewmodels.rows import Row, shown_ms
from client.ui.words import clock, tr

ICON, GAP = 16, 4
DELAYED_MS = 60_000
PILL_PAD = 7


def visible(row: Row) -> bool:
    """Inside a run only the last bubble says when, unless there is something to say."""
    return row.place.last or row.bubble.edited or not settled(row) or delayed(row)


def delayed(row: Row) -> bool:
    """Whether an own message left more than a minute after it was written."""
    bubble = row.bubble
    return bubble.mine and bool(bubble.ts) and bubble.ts - bubble.at_ms > DELAYED_MS


def meta_words(row: Row) -> str:
    """14:02, or how it came to be later; in a group first how many have it."""
    return " · ".join(filter(None, (count_words(row), _when(row))))


def _when(row: Row) -> str:
    bubble = row.bubble
    if delayed(row):
        return tr("written {written} · sent {sent}", written=clock(bubble.at_ms), sent=clock(bubble.ts))
    if bubble.state is State.CANCELLED:
        return tr("cancelled {time}", time=clock(shown_ms(bubble)))
    if bubble.edited and not bubble.recalled:
        return tr("edited {time}", time=clock(shown_ms(bubble)))
    return clock(shown_ms(bubble))


class Meta:
    """Time and mark, measured."""

    def __init__(self, row: Row, look: Look) -> None:
        self._row, self._font = row, look.font("meta")
        self._words, self._mark = meta_words(row), mark_of(row)
        self._icon = look.px(ICON)
        words_px = math.ceil(QFontMetricsF(self._font).horizontalAdvance(self._words))
        mark_px = GAP + self._icon if self._mark else 0
        self.size = QSizeF(words_px + mark_px, look.px(16))
        spot = QRectF(self.size.width() - self._icon, (self.size.height() - self._icon) / 2, self._icon, self._icon)
        self.parts = [Part("mark", spot.adjusted(-3, -3, 3, 3))] if self._mark else []
        if row.bubble.edited and not row.bubble.recalled:
            self.parts.append(Part("edited", QRectF(-4, -2, words_px + 6, self.size.height() + 4)))
        self._spot = spot

    def paint(self, painter: QPainter, at: QPointF, ink: Ink, *, pill: bool = False) -> None:
        """Draw it; as a pill over a picture all of it is white."""
        if pill:
            box = QRectF(at, self.size).adjusted(-PILL_PAD, -2, PILL_PAD, 2)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(PILL)
            painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)
        painter.setFont(self._font)
        painter.setPen(ON_PILL if pill else ink.look.color("text_2"))
        painter.drawText(QRectF(at, self.size), Qt.AlignmentFlag.AlignVCenter, self._words)
        if self._mark is not None and not self._too_early(ink):
            color = ON_PILL if pill else ink.look.color(self._mark.token)
            ground = QColor("#404040") if pill else ink.ground
            self._paint_mark(painter, self._mark, self._spot.translated(at), color, ground, ink)

    def _too_early(self, ink: Ink) -> bool:
        bubble = self._row.bubble
        return bubble.state is State.SENDING and 0 <= ink.now_ms - bubble.at_ms < QUIET_MS

    def _paint_mark(self, painter: QPainter, mark: Mark, spot: QRectF, color: QColor, ground: QColor, ink: Ink) -> None:
        if mark.icon == "ring":
            ring(painter, spot.adjusted(1, 1, -1, -1), self._row.share, color, 2)
        elif mark.icon == "mark_sending" and ink.phase:
            painter.save()
            painter.translate(spot.center())
            painter.rotate(360 * ink.phase)
            icons.paint(painter, mark.icon, spot.translated(-spot.center()), color, ground)
            painter.restore()
        else:
            icons.paint(painter, mark.icon, spot, color, ground)
