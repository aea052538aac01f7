"""An album in a bubble: its pictures and films as one mosaic, each a tile with a face and a click of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QPainter, QPainterPath

from client.ui import icons
from client.ui.bubbles.ink import ON_PILL, PILL, Ink, Part, tile_name, tile_of
from client.ui.bubbles.marks import mark_of, settled
from client.ui.bubbles.media import MediaBlock, paint_pill, pill_height
from client.ui.plain import one_line
from client.ui.theme import RADIUS_MEDIA, Look
from client.ui.viewmodels.albums import missing_bytes
from client.ui.viewmodels.rows import Row
from client.ui.words import size_words, tr

WIDTH, GAP = 360, 2
RATIO_MIN, RATIO_MAX = 0.6, 2.2
ROW_MIN, ROW_MAX, IN_ROW_MAX = 84, 260, 3
NARROW = 72
"""A tile narrower than this has hardly room for its button."""
LEAST_SHARE = 5
LINE, MARK, MARK_EDGE = 28, 16, 6
TALL = {2: 0.62, 3: 0.9, 4: 0.95, 5: 0.95, 6: 1.0}
"""How tall a mosaic of so many tiles wants to be, in widths."""
TALLEST = 1.25


@lru_cache(maxsize=256)
def arrange(ratios: tuple[float, ...], width: int) -> tuple[tuple[int, int, int, int], ...]:
    """Where the tiles stand: left, top, width, height of each, for these proportions (width by height), in order."""
    if len(ratios) == 3 and ratios[0] < 1:
        return _one_and_two(width)
    wanted = TALL.get(len(ratios), TALLEST) * width
    best = min(_splits(len(ratios)), key=lambda split: _cost(split, ratios, width, wanted))
    tiles, top, at = [], 0, 0
    for count in best:
        line = ratios[at : at + count]
        height = round(min(ROW_MAX, max(ROW_MIN, _height(line, width))))
        tiles += [(left, top, wide, height) for left, wide in _widths(line, width)]
        top, at = top + height + GAP, at + count
    return tuple(tiles)


def _one_and_two(width: int) -> tuple[tuple[int, int, int, int], ...]:
    """A tall one at the left, two at its right."""
    left, high = round(width * 0.62), round(width * 0.86)
    right, upper = width - left - GAP, (high - GAP) // 2
    return (
        (0, 0, left, high),
        (left + GAP, 0, right, upper),
        (left + GAP, upper + GAP, right, high - upper - GAP),
    )


def _splits(count: int) -> Iterator[tuple[int, ...]]:
    """Every way to lay so many tiles into lines."""
    if not count:
        yield ()
    for first in range(1, min(IN_ROW_MAX, count) + 1):
        for rest in _splits(count - first):
            yield (first, *rest)


def _cost(split: tuple[int, ...], ratios: Sequence[float], width: int, wanted: float) -> float:
    total, strain, at = 0.0, 0.0, 0
    for count in split:
        line = ratios[at : at + count]
        height = _height(line, width)
        strain += 3 * max(0.0, NARROW - min(line) * height) / NARROW
        strain += max(0.0, ROW_MIN + 20 - height) / ROW_MIN + max(0.0, height - ROW_MAX) / ROW_MAX
        total, at = total + height + GAP, at + count
    return abs(total - wanted) / wanted + strain


def _height(line: Sequence[float], width: int) -> float:
    return (width - GAP * (len(line) - 1)) / sum(line)


def _widths(line: Sequence[float], width: int) -> Iterator[tuple[int, int]]:
    """Left edge and width of each tile of a line; the last one ends where the mosaic ends.

    None is narrower than a fifth of the mosaic: the wide ones give, and show a little less of their pictures.
    """
    height, least, left = _height(line, width), width // LEAST_SHARE, 0
    beyond = [max(1.0, ratio * height - least) for ratio in line]
    shrink = (width - GAP * (len(line) - 1) - least * len(line)) / sum(beyond)
    for extra in beyond[:-1]:
        wide = least + round(extra * shrink)
        yield left, wide
        left += wide + GAP
    yield left, width - left


def ratio_of(row: Row) -> float:
    """The proportion of a tile: that of its picture, unless it would be a mere strip."""
    file = row.bubble.attachment
    if file is None or not file.width or not file.height:
        return 1.3
    return round(min(RATIO_MAX, max(RATIO_MIN, file.width / file.height)), 2)


class MosaicBlock:
    """Tiles, and below them the way to all that is not here. Parts of tiles have names that say whose they are."""

    def __init__(self, row: Row, look: Look, width_max: float) -> None:
        self._rows = row.album
        width = int(min(WIDTH, width_max))
        places = arrange(tuple(ratio_of(each) for each in row.album), width)
        self.tiles = [QRectF(*place) for place in places]
        self._blocks = [
            MediaBlock(each, tile.size(), radius=0) for each, tile in zip(row.album, self.tiles, strict=True)
        ]
        self._picture = QRectF(0, 0, width, max(tile.bottom() for tile in self.tiles))
        missing = missing_bytes(row)
        self.offer = tr("Download all ({size})", size=size_words(missing)) if missing else ""
        self.line_px = float(look.px(LINE)) if missing else 0.0
        self.size = QSizeF(width, self._picture.height() + self.line_px)
        self._line = QRectF(0, self._picture.bottom(), width, self.line_px)
        self.parts = list(self._clickable(look))

    def _clickable(self, look: Look) -> Iterator[Part]:
        for row, block, tile in zip(self._rows, self._blocks, self.tiles, strict=True):
            for part in block.parts:
                yield Part(tile_name(row.lid, part.name), part.rect.translated(tile.topLeft()))
            if _marked(row):
                yield Part(tile_name(row.lid, "mark"), _mark_spot(tile))
            if not block.parts:
                yield Part(tile_name(row.lid, "none"), tile)
        if self.offer:
            yield Part("download_all", self._line.adjusted(4, 2, -80, -2))

    def paint(self, painter: QPainter, at: QPointF, ink: Ink) -> None:
        """Draw the tiles with round corners around all of them."""
        painter.save()
        shape = QPainterPath()
        shape.addRoundedRect(self._picture.translated(at), RADIUS_MEDIA, RADIUS_MEDIA)
        painter.setClipPath(shape, Qt.ClipOperation.IntersectClip)
        whose = tile_of(ink.hovered)
        for row, block, tile in zip(self._rows, self._blocks, self.tiles, strict=True):
            hovered = whose[1] if whose is not None and whose[0] == row.lid else ""
            block.paint(painter, at + tile.topLeft(), replace(ink, hovered=hovered))
            self._paint_state(painter, row, tile.translated(at), ink)
        painter.restore()
        if self.offer:
            self._paint_offer(painter, self._line.translated(at), ink)

    def _paint_state(self, painter: QPainter, row: Row, tile: QRectF, ink: Ink) -> None:
        """What is of this tile alone: how far its message got, and what others think of it."""
        mark = mark_of(row)
        if mark is not None and _marked(row):
            spot = _mark_spot(tile)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(PILL)
            painter.drawEllipse(spot)
            name = "mark_sending" if mark.icon == "ring" else mark.icon
            icons.paint(painter, name, spot.adjusted(4, 4, -4, -4), ON_PILL)
        if row.bubble.reactions:
            said = "  ".join(
                one_line(emoji) + (f" {len(uids)}" if len(uids) > 1 else "") for emoji, uids in row.bubble.reactions
            )
            corner = tile.bottomLeft() + QPointF(5, -5 - pill_height(ink))
            paint_pill(painter, corner, said, ink, tile.width() - 10)

    def _paint_offer(self, painter: QPainter, line: QRectF, ink: Ink) -> None:
        font = ink.look.font("meta")
        if ink.hovered == "download_all":
            font = type(font)(font)
            font.setUnderline(True)
        painter.setFont(font)
        painter.setPen(ink.look.color("text_link"))
        painter.drawText(line.adjusted(8, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, self.offer)


def _marked(row: Row) -> bool:
    """Whether a tile shows its own mark: an own message that has not arrived, and whose upload says nothing itself."""
    return row.bubble.mine and row.face not in ("uploading", "stopped") and not settled(row)


def _mark_spot(tile: QRectF) -> QRectF:
    side = MARK + 8
    return QRectF(tile.right() - side - MARK_EDGE, tile.top() + MARK_EDGE, side, side)
