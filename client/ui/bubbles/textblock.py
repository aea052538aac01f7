"""Words laid out once: paragraphs with their own direction, links in colour, a cut after so many lines."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from typing import TypeAlias

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QTextCharFormat, QTextLayout, QTextOption

from client.ui import plain
from client.ui.bubbles.ink import Ink, Part

Named: TypeAlias = tuple[int, int, bool]
"""Where a person is named: first sign, how many, and whether it is the reader."""
TALL = 1.25
"""A line that is so much taller than usual (stacked accents, large signs) gets its own height."""


class TextBlock:
    """Text in a column of `width` px. `line_px` is the distance of lines; after `lines_max` lines it is `cut`."""

    def __init__(
        self,
        text: str,
        font: QFont,
        width: float,
        *,
        line_px: float,
        lines_max: int | None = None,
        token: str = "text_1",
        with_links: bool = True,
        people: Sequence[Named] = (),
    ) -> None:
        self._people = people
        self._token, self._line_px = token, line_px
        self._metrics = QFontMetricsF(font)
        self.links = plain.links(text) if with_links else []
        self.cut = False
        self.last_line_px = 0.0
        self.last_is_rtl = False
        self.parts: list[Part] = []
        self._paragraphs: list[tuple[QTextLayout, list[tuple[int, int, str]], list[tuple[int, int, bool]]]] = []
        self._widest, self._bottom, self._lines = 0.0, 0.0, 0
        self._lay(text, font, width, lines_max)
        self.size = QSizeF(math.ceil(self._widest), math.ceil(self._bottom))

    def _lay(self, text: str, font: QFont, width: float, lines_max: int | None) -> None:
        start = 0
        for paragraph in text.split("\n"):
            end = start + len(paragraph)
            links = [(at - start, size, url) for at, size, url in self.links if start <= at < end]
            if lines_max is not None and self._lines >= lines_max:
                self.cut = True
                return
            named = [(at - start, size, mine) for at, size, mine in self._people if start <= at < end]
            self._paragraph(paragraph, links, named, font, width, lines_max)
            start = end + 1

    def _paragraph(
        self,
        text: str,
        links: list[tuple[int, int, str]],
        named: list[Named],
        font: QFont,
        width: float,
        lines_max: int | None,
    ) -> None:
        layout = QTextLayout(text, font)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        rtl = _starts_rtl(text)
        option.setTextDirection(Qt.LayoutDirection.RightToLeft if rtl else Qt.LayoutDirection.LeftToRight)
        layout.setTextOption(option)
        wide = [(units(text, at), units(text, at + size), url) for at, size, url in links]
        people = [(units(text, at), units(text, at + size), mine) for at, size, mine in named]
        layout.setCacheEnabled(True)
        layout.beginLayout()
        while (line := layout.createLine()).isValid():
            if lines_max is not None and self._lines >= lines_max:
                self.cut = True
                break
            line.setLineWidth(width)
            height = self._line_px if line.height() <= self._line_px * TALL else line.height()
            ascent = (height - self._metrics.height()) / 2 + self._metrics.ascent()
            if height != self._line_px:
                ascent = line.ascent()
            line.setPosition(QPointF(0, self._bottom + ascent - line.ascent()))
            self._bottom += height
            self._lines += 1
            self.last_line_px, self.last_is_rtl = line.naturalTextWidth(), rtl
            self._widest = max(self._widest, self.last_line_px)
        layout.endLayout()
        self._paragraphs.append((layout, wide, people))

    def fit(self, width: float) -> None:
        """Take the final width of the bubble: lines that begin at the right move to its edge."""
        for layout, _, _ in self._paragraphs:
            if layout.textOption().textDirection() is not Qt.LayoutDirection.RightToLeft:
                continue
            for number in range(layout.lineCount()):
                line = layout.lineAt(number)
                shift = width - line.naturalTextRect().right()
                line.setPosition(line.position() + QPointF(shift, 0))

    def paint(self, painter: QPainter, at: QPointF, ink: Ink) -> None:
        """Draw the words."""
        painter.setPen(ink.look.color(self._token))
        for layout, links, people in self._paragraphs:
            formats = _link_formats(links, ink.look.color("text_link"))
            layout.draw(painter, at, formats + _people_formats(people, ink) if people else formats)

    def link_at(self, point: QPointF) -> str:
        """The address under a point relative to the block, or nothing."""
        for layout, links, _ in self._paragraphs:
            for number in range(layout.lineCount() if links else 0):
                line = layout.lineAt(number)
                if not line.naturalTextRect().contains(point):
                    continue
                at = line.xToCursor(point.x(), line.CursorPosition.CursorOnCharacter)
                return next((url for start, end, url in links if start <= at < end), "")
        return ""

    def shape(self) -> QRectF:
        """The block's rectangle at its own corner."""
        return QRectF(QPointF(0, 0), self.size)


def _link_formats(links: list[tuple[int, int, str]], color: QColor) -> list[QTextLayout.FormatRange]:
    made = []
    for start, end, _ in links:
        part = QTextLayout.FormatRange()
        part.start, part.length = start, end - start
        style = QTextCharFormat()
        style.setForeground(color)
        style.setFontUnderline(True)
        part.format = style
        made.append(part)
    return made


def _people_formats(people: list[tuple[int, int, bool]], ink: Ink) -> list[QTextLayout.FormatRange]:
    """Names of people stand out; the reader's own lies on yellow as well."""
    made = []
    for start, end, mine in people:
        part = QTextLayout.FormatRange()
        part.start, part.length = start, end - start
        style = QTextCharFormat()
        style.setForeground(ink.look.color("warn" if mine else "text_link"))
        if mine:
            style.setBackground(ink.look.color("warn_bg"))
        part.format = style
        made.append(part)
    return made


def units(text: str, place: int) -> int:
    """Qt counts in UTF-16 units, Python in signs."""
    return len(text[:place].encode("utf-16-le", "surrogatepass")) // 2


def _starts_rtl(text: str) -> bool:
    """Whether the first letter with a direction is written from right to left."""
    for sign in text:
        kind = unicodedata.bidirectional(sign)
        if kind in ("R", "AL"):
            return True
        if kind == "L":
            return False
    return False
