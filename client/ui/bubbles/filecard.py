"""A file in a bubble: a tile with its extension, its name cut in the middle, its size, and why it is no more."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen

from client.ui import icons
from client.ui.bubbles.ink import Ink, Part, ring
from client.ui.bubbles.media import moved_words, offered, type_words
from client.ui.plain import one_line
from client.ui.theme import Look
from client.ui.viewmodels.rows import Row
from client.ui.words import problem_words, size_words, tr

WIDTH, TILE, GAP, BADGE, CROSS, WHY_GAP = 276, 44, 12, 20, 24, 6
WHY_MAX = 200
"""A sentence has no more lines than fit into this."""


class FileBlock:
    """One file. A click anywhere does what its face offers."""

    def __init__(self, row: Row, look: Look, width_max: float) -> None:
        file = row.bubble.attachment
        assert file is not None
        self._row, self._file, self._look = row, file, look
        width = min(look.px(WIDTH), width_max)
        self._card = QRectF(0, 0, width, look.px(48))
        tile = look.px(TILE)
        self._tile = QRectF(0, (self._card.height() - tile) / 2, tile, tile)
        self._left = tile + GAP
        self._cross = QRectF(width - CROSS, 0, CROSS, CROSS) if row.face in ("uploading", "stopped") else QRectF()
        self.why = problem_words(row.bubble.why) if row.bubble.why else ""
        self._why = self._place_why(width)
        self.size = QSizeF(width, self._why.bottom() if self.why else self._card.height())
        self.last_line_px = width if self.why else self._left + self._line_px()
        name = "open" if row.face == "ready" else offered(row)
        crossed = [Part("cancel", self._cross)] if not self._cross.isEmpty() else []
        self.parts = [*crossed, Part(name, self._card)] if name else crossed

    def _place_why(self, width: float) -> QRectF:
        """Below the card, over all its width."""
        box = QRectF(0, self._card.bottom() + WHY_GAP, width, self._look.px(WHY_MAX))
        flags = Qt.TextFlag.TextWordWrap
        high = QFontMetricsF(self._look.font("meta")).boundingRect(box, flags, self.why).height()
        return QRectF(box.left(), box.top(), width, math.ceil(high))

    def label(self) -> tuple[str, str]:
        """The words under the name, and what can be done, which is coloured like a link."""
        face, size = self._row.face, size_words(self._file.size_bytes)
        if moved := moved_words(self._row):
            said, _, way_out = moved.rpartition(" · ")
            return (said, way_out) if said and face in ("paused", "stopped") else (moved, "")
        if face == "away":
            return size, tr("Try again") if self._row.bubble.code else tr("Download")
        if face == "gone":
            return tr("No longer on the server"), tr("Ask again") if offered(self._row) else ""
        return size, tr("Open") if face == "ready" else ""

    def _line_px(self) -> float:
        return QFontMetricsF(self._look.font("meta")).horizontalAdvance(" · ".join(filter(None, self.label())))

    def paint(self, painter: QPainter, at: QPointF, ink: Ink) -> None:
        """Draw the tile and the two lines beside it."""
        self._paint_tile(painter, self._tile.translated(at), ink)
        left, room = at.x() + self._left, self._card.width() - self._left
        title_room = room - (CROSS + 4 if not self._cross.isEmpty() else 0)
        painter.setFont(ink.look.font("name"))
        painter.setPen(ink.look.color("text_1"))
        name = one_line(self._file.name) or tr("File")
        shown = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, int(title_room))
        bottom = at.y() + self._card.height()
        high, low = ink.look.px(20), ink.look.px(18)
        title = QRectF(left, bottom - low - high - 4, room, high)
        painter.drawText(title, Qt.AlignmentFlag.AlignVCenter, shown)
        self._paint_line(painter, QRectF(left, bottom - low, room, low), ink)
        if not self._cross.isEmpty():
            color = ink.look.color("text_1" if ink.hovered == "cancel" else "text_2")
            icons.paint(painter, "close", self._cross.translated(at).adjusted(5, 5, -5, -5), color)
        if self.why:
            painter.setPen(ink.look.color("text_2"))
            painter.setFont(ink.look.font("meta"))
            painter.drawText(self._why.translated(at), Qt.TextFlag.TextWordWrap, self.why)

    def _paint_line(self, painter: QPainter, line: QRectF, ink: Ink) -> None:
        said, way_out = self.label()
        painter.setFont(ink.look.font("meta"))
        painter.setPen(ink.look.color("text_2"))
        said += " · " if way_out else ""
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, said)
        painter.setPen(ink.look.color("text_link"))
        step = QFontMetricsF(ink.look.font("meta")).horizontalAdvance(said)
        painter.drawText(line.adjusted(step, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, way_out)

    def _paint_tile(self, painter: QPainter, tile: QRectF, ink: Ink) -> None:
        face, gone = self._row.face, self._row.face == "gone"
        ground = ink.look.color("bubble_sys" if gone else "accent")
        color = ink.look.color("text_2" if gone else "on_accent")
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(tile, 10, 10)
        side = tile.width() * 0.46
        middle = QRectF(0, 0, side, side)
        middle.moveCenter(tile.center())
        if face in ("loading", "uploading", "paused", "stopped"):
            ring(painter, tile.adjusted(5, 5, -5, -5), self._row.share, color)
            icon = {"paused": "arrow_down", "stopped": "arrow_up"}.get(face, "pause")
            icons.paint(painter, icon, middle.adjusted(3, 3, -3, -3), color)
        elif gone:
            icons.paint(painter, "broken", middle, color)
        else:
            self._paint_type(painter, tile, middle, ink)

    def _paint_type(self, painter: QPainter, tile: QRectF, middle: QRectF, ink: Ink) -> None:
        ending = type_words(self._file) if "." in self._file.name else ""
        painter.setPen(ink.look.color("on_accent"))
        if ending and len(ending) <= 4:
            painter.setFont(ink.look.font("tile"))
            painter.drawText(tile, Qt.AlignmentFlag.AlignCenter, ending)
        else:
            icons.paint(painter, "file", middle, ink.look.color("on_accent"))
        if self._row.face == "away":
            self._paint_badge(painter, tile, ink)

    def _paint_badge(self, painter: QPainter, tile: QRectF, ink: Ink) -> None:
        """A small arrow at the tile's corner: the file is not here yet."""
        badge = QRectF(tile.right() - BADGE + 5, tile.bottom() - BADGE + 5, BADGE, BADGE)
        painter.setPen(QPen(ink.ground, 2))
        painter.setBrush(ink.look.color("text_link"))
        painter.drawEllipse(badge)
        icons.paint(painter, "arrow_down", badge.adjusted(4.5, 4.5, -4.5, -4.5), ink.ground)
