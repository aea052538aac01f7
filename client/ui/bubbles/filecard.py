"""A file in a bubble: a tile with its extension, its name cut in the middle, its size."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen

from client.ui import icons
from client.ui.bubbles.ink import Ink, Part, ring
from client.ui.bubbles.media import share_of, type_words
from client.ui.plain import one_line
from client.ui.theme import Look
from client.ui.viewmodels.rows import Row
from client.ui.words import size_pair, size_words, tr

WIDTH, TILE, GAP, BADGE = 276, 44, 12, 20
CLICKS = {
    "away": "download", "loading": "stop", "ready": "open", "uploading": "cancel", "stopped": "resend", "gone": ""
}  # fmt: skip


class FileBlock:
    """One file. A click anywhere does what its face offers."""

    def __init__(self, row: Row, look: Look, width_max: float) -> None:
        file = row.bubble.attachment
        assert file is not None
        self._row, self._file, self._look = row, file, look
        self.size = QSizeF(min(look.px(WIDTH), width_max), look.px(48))
        tile = look.px(TILE)
        self._tile = QRectF(0, (self.size.height() - tile) / 2, tile, tile)
        self._left = tile + GAP
        self.last_line_px = self._left + self._line_px()
        name = CLICKS[row.face]
        self.parts = [Part(name, QRectF(QPointF(0, 0), self.size))] if name else []

    def label(self) -> tuple[str, str]:
        """The words under the name, and what can be done, which is coloured like a link."""
        face, progress = self._row.face, self._row.progress
        size = size_words(self._file.size_bytes)
        if face in ("loading", "uploading") and progress:
            return size_pair(progress.done_bytes, progress.total_bytes), ""
        if face == "stopped":
            done = progress.done_bytes if progress else 0
            return size_pair(done, self._file.size_bytes), tr("Resume")
        if face == "away":
            return size, tr("Try again") if self._row.bubble.code else tr("Download")
        if face == "gone":
            return tr("No longer on the server"), ""
        return size, tr("Open") if face == "ready" else ""

    def _line_px(self) -> float:
        return QFontMetricsF(self._look.font("meta")).horizontalAdvance(" · ".join(filter(None, self.label())))

    def paint(self, painter: QPainter, at: QPointF, ink: Ink) -> None:
        """Draw the tile and the two lines beside it."""
        self._paint_tile(painter, self._tile.translated(at), ink)
        left, room = at.x() + self._left, self.size.width() - self._left
        painter.setFont(ink.look.font("name"))
        painter.setPen(ink.look.color("text_1"))
        name = one_line(self._file.name) or tr("File")
        shown = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, int(room))
        bottom = at.y() + self.size.height()
        high, low = ink.look.px(20), ink.look.px(18)
        title = QRectF(left, bottom - low - high - 4, room, high)
        painter.drawText(title, Qt.AlignmentFlag.AlignVCenter, shown)
        self._paint_line(painter, QRectF(left, bottom - low, room, low), ink)

    def _paint_line(self, painter: QPainter, line: QRectF, ink: Ink) -> None:
        said, offered = self.label()
        painter.setFont(ink.look.font("meta"))
        painter.setPen(ink.look.color("text_2"))
        said += " · " if offered else ""
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, said)
        painter.setPen(ink.look.color("text_link"))
        step = QFontMetricsF(ink.look.font("meta")).horizontalAdvance(said)
        painter.drawText(line.adjusted(step, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, offered)

    def _paint_tile(self, painter: QPainter, tile: QRectF, ink: Ink) -> None:
        gone = self._row.face == "gone"
        ground = ink.look.color("bubble_sys" if gone else "accent")
        color = ink.look.color("text_2" if gone else "on_accent")
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(tile, 10, 10)
        side = tile.width() * 0.46
        middle = QRectF(0, 0, side, side)
        middle.moveCenter(tile.center())
        if self._row.face in ("loading", "uploading"):
            ring(painter, tile.adjusted(6, 6, -6, -6), share_of(self._row), color)
            icons.paint(painter, "close", middle.adjusted(3, 3, -3, -3), color)
        elif gone or self._row.face == "stopped":
            icons.paint(painter, "broken" if gone else "resend", middle, color)
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
