"""What stands above a message's own words: whom it was taken from, and the message that it answers."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter

from client.ui.bubbles.ink import Ink
from client.ui.bubbles.sentences import quote_words
from client.ui.plain import isolate, one_line
from client.ui.theme import RADIUS_SMALL, Look
from client.ui.viewmodels.rows import Row
from client.ui.words import tr

BAR, PAD, LINE = 3, 8, 18
WIDTH_MIN = 120


class Heads:
    """Forwarded from … and the quotation, measured. `fit` gives them the bubble's width once it is known."""

    def __init__(self, row: Row, look: Look, width: float) -> None:
        self._row, self._look = row, look
        self._line = look.px(LINE)
        bubble = row.bubble
        self.from_whom = tr("Forwarded from {name}", name=isolate(bubble.forward.name)) if bubble.forward else ""
        self.name, self.words = _quotation(row)
        self.size = self._measure(width)
        self.quote = QRectF()
        self.fit(self.size.width())

    def _measure(self, width: float) -> QSizeF:
        meta, sender = QFontMetricsF(self._look.font("meta")), QFontMetricsF(self._look.font("sender"))
        wide, high = 0.0, 0.0
        if self.from_whom:
            wide, high = meta.horizontalAdvance(self.from_whom), self._line + 2
        if self.name:
            inner = max(sender.horizontalAdvance(self.name), meta.horizontalAdvance(self.words), WIDTH_MIN)
            wide, high = max(wide, inner + BAR + 2 * PAD), high + 2 * self._line + 12
        return QSizeF(math.ceil(min(wide + 1, width)) if high else 0.0, high)

    def fit(self, width: float) -> None:
        """Take this width."""
        if self.name:
            top = self._line + 2 if self.from_whom else 0
            self.quote = QRectF(0, top, width, 2 * self._line + 8)
        self.size.setWidth(width if self.size.height() else 0.0)

    def paint(self, painter: QPainter, at: QPointF, ink: Ink) -> None:
        """Draw both."""
        if self.from_whom:
            painter.setPen(ink.look.color("text_2"))
            line = QRectF(at, QSizeF(self.size.width(), self._line))
            _elided(painter, line, self.from_whom, "meta", ink)
        if self.name:
            self._paint_quote(painter, self.quote.translated(at), ink)

    def _paint_quote(self, painter: QPainter, box: QRectF, ink: Ink) -> None:
        color = ink.look.name_color(self._row.bubble.reply.uid) if self._row.bubble.reply else ink.look.color("accent")
        ground = type(color)(color)
        ground.setAlphaF(0.14 if ink.hovered == "quote" else 0.08)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(box, RADIUS_SMALL, RADIUS_SMALL)
        painter.setBrush(color)
        painter.drawRoundedRect(QRectF(box.left(), box.top(), BAR, box.height()), BAR / 2, BAR / 2)
        line = QRectF(box.left() + BAR + PAD, box.top() + 4, box.width() - BAR - 2 * PAD, self._line)
        painter.setPen(color)
        _elided(painter, line, self.name, "sender", ink)
        painter.setPen(ink.look.color("text_2"))
        _elided(painter, line.translated(0, self._line), self.words, "meta", ink)


def _quotation(row: Row) -> tuple[str, str]:
    """Whose words are answered, and which; nothing if none are."""
    reply = row.bubble.reply
    if reply is None:
        return "", ""
    name = tr("You") if reply.uid == row.me else one_line(row.quoted) or tr("Somebody")
    return name, tr("Removed message") if row.quote_gone else quote_words(reply)


def _elided(painter: QPainter, line: QRectF, words: str, font: str, ink: Ink) -> None:
    """One line at the left edge, whatever direction its words have."""
    painter.setFont(ink.look.font(font))
    shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, int(line.width()))
    flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute
    painter.drawText(line, flags, shown)
