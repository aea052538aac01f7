"""Reactions under a bubble: one chip for each emoji with its count; a click adds one's own or takes it back."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPen

from client.ui.bubbles.ink import Ink, Part
from client.ui.plain import one_line
from client.ui.theme import Look
from client.ui.viewmodels.rows import Row
from client.ui.words import tr

HEIGHT, PAD, GAP, ROW_GAP, EDGE = 26, 8, 4, 4, 4
MARK = "chip:"
NAMES_MAX = 12


@dataclass(frozen=True, slots=True)
class Chip:
    """One emoji, how many chose it, and whether this person did."""

    emoji: str
    count: str
    own: bool
    rect: QRectF
    emoji_px: float


class Chips:
    """The chips of a bubble, in as many rows as they need; `size` is that of all of them."""

    def __init__(self, row: Row, look: Look, width: float) -> None:
        self._pending = row.waiting_change
        self._emoji_font, self._count_font = look.font("body"), look.font("meta")
        self._own_font = QFont(self._count_font)
        self._own_font.setWeight(QFont.Weight.Bold)
        self._height = max(HEIGHT, look.px(HEIGHT))
        self.chips: list[Chip] = []
        self.size = QSizeF()
        self._lay(row, width)
        self.parts = [Part(MARK + chip.emoji, chip.rect) for chip in self.chips]

    def _lay(self, row: Row, width: float) -> None:
        left, top, widest = 0.0, float(EDGE), 0.0
        for emoji, uids in row.bubble.reactions:
            own, count = row.me in uids, str(len(uids))
            shown = one_line(emoji)
            emoji_px = QFontMetricsF(self._emoji_font).horizontalAdvance(shown)
            wide = math.ceil(emoji_px + 5 + QFontMetricsF(self._own_font).horizontalAdvance(count) + 2 * PAD)
            if left and left + wide > width:
                left, top = 0.0, top + self._height + ROW_GAP
            self.chips.append(Chip(shown, count, own, QRectF(left, top, wide, self._height), emoji_px))
            left += wide + GAP
            widest = max(widest, left - GAP)
        self.size = QSizeF(widest, top + self._height)

    def paint(self, painter: QPainter, at: QPointF, ink: Ink) -> None:
        """Draw them."""
        for chip in self.chips:
            self._paint_chip(painter, chip, chip.rect.translated(at), ink)

    def _paint_chip(self, painter: QPainter, chip: Chip, box: QRectF, ink: Ink) -> None:
        look, hovered = ink.look, ink.hovered == MARK + chip.emoji
        ground = "bg_selected" if chip.own else "bg_hover" if hovered else "bg_window"
        edge = look.color("accent" if chip.own or hovered else "border_ctl")
        pen = QPen(edge, 1.5 if chip.own else 1)
        if chip.own and self._pending:
            pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.setBrush(look.color(ground))
        inner = box.adjusted(1, 1, -1, -1)
        painter.drawRoundedRect(inner, inner.height() / 2, inner.height() / 2)
        painter.setPen(look.color("text_1"))
        painter.setFont(self._emoji_font)
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(box.adjusted(PAD, 0, 0, 0), flags, chip.emoji)
        painter.setFont(self._own_font if chip.own else self._count_font)
        painter.setPen(look.color("text_1" if chip.own else "text_2"))
        painter.drawText(box.adjusted(PAD + chip.emoji_px + 5, 0, 0, 0), flags, chip.count)


def reactors_words(row: Row, emoji: str) -> str:
    """Who chose an emoji: “You, Ben Okafor and 3 others”."""
    for (shown, uids), names in zip(row.bubble.reactions, row.reactors, strict=False):
        if one_line(shown) != emoji:
            continue
        people = [
            tr("You") if uid == row.me else one_line(name) or tr("Somebody")
            for uid, name in zip(uids, names, strict=False)
        ]
        people.sort(key=lambda name: name != tr("You"))
        rest = len(people) - NAMES_MAX
        said = ", ".join(people[:NAMES_MAX])
        return tr("{names} and {count} more", names=said, count=rest) if rest > 0 else said
    return ""
