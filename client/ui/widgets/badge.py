"""A number on a coloured pill."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from client.ui.theme import Look


def paint_badge(painter: QPainter, center: QPointF, count: int, look: Look, token: str = "badge") -> QRectF:
    """A number on a coloured pill around `center`; returns its rectangle."""
    words = str(count) if count <= 999 else "999+"
    painter.setFont(look.font("badge"))
    metrics = painter.fontMetrics()
    height = max(20, metrics.height() + 2)
    box = QRectF(0, 0, max(height, metrics.horizontalAdvance(words) + 12), height)
    box.moveCenter(center)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(look.color(token))
    painter.drawRoundedRect(box, height / 2, height / 2)
    painter.setPen(look.color("on_badge"))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
    return box
