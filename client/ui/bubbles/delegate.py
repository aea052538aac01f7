"""Draws the rows of a conversation, and says which part of a bubble is where."""

from __future__ import annotations

import html
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QPointF, QRect, QSize
from PySide6.QtGui import QHelpEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
    QWidget,
)

from client.core.model import Bubble
from client.ui.bubbles.chips import MARK, reactors_words
from client.ui.bubbles.ink import TILE, Ink, Part, tile_of
from client.ui.bubbles.marks import long_words
from client.ui.bubbles.pictures import Pictures
from client.ui.bubbles.sheet import Sheet
from client.ui.theme import Look
from client.ui.viewmodels.conversation import ROW, ConversationModel
from client.ui.viewmodels.rows import Row
from client.ui.words import clock, exact_size, one_line, problem_words, tr
from protocol.values import Lid

SHEETS_KEPT = 1200
"""Two windows full of rows."""
TAIL_PX = 12
WALKED = (
    "play", "pause", "download", "download_all", "hold", "resume", "cancel", "open", "ask_again", "more", "resend",
    "edit", "copy", "delete", "again", "drop", "quote",
)  # fmt: skip
"""The order in which the Right key walks through what a message offers; then its reactions, and at last these."""
WALKED_LAST = ("edited", "mark")
OF_FILES = ("download", "hold", "resume", "resend", "open", "play", "pause", "ask_again")
"""Parts whose tool tip says which file it is."""
AnyIndex = QModelIndex | QPersistentModelIndex


class BubbleDelegate(QStyledItemDelegate):
    """The painter of a message list. Measured rows are kept until the row, the width or the look changes."""

    def __init__(
        self,
        look: Look,
        pictures: Pictures,
        now_s: Callable[[], float],
        now_ms: Callable[[], int],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._look, self.pictures, self._now_s, self._now_ms = look, pictures, now_s, now_ms
        self._sheets: OrderedDict[Lid, tuple[Row, Sheet]] = OrderedDict()
        self._width = 0
        self.spacer_px = 0
        self.hovered: tuple[Lid, str] = (Lid(0), "")
        self.focused_part = ""
        self.show_focus = False
        self.flashed = Lid(0)
        self.notes: dict[Lid, str] = {}

    # --- measuring

    def restyle(self, look: Look) -> None:
        """Draw in another theme or size."""
        self._look = look
        self._sheets.clear()

    def forget(self) -> None:
        """Measure everything anew: another language, another day."""
        self._sheets.clear()

    def set_width(self, width: int) -> None:
        """How wide the list is now."""
        if width != self._width:
            self._width = width
            self._sheets.clear()

    def sheet(self, row: Row) -> Sheet:
        """The measured row, from memory if nothing changed."""
        kept = self._sheets.get(row.lid)
        if kept is not None and (kept[0] is row or kept[0] == row):
            self._sheets.move_to_end(row.lid)
            return kept[1]
        made = Sheet(row, self._width, self._look, self._now_ms())
        self._sheets[row.lid] = (row, made)
        self._sheets.move_to_end(row.lid)
        if len(self._sheets) > SHEETS_KEPT:
            self._sheets.popitem(last=False)
        return made

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        """The row's exact height."""
        row = index.data(ROW)
        if row is None or row.folded:
            return QSize(self._width, 0)
        return QSize(self._width, self.sheet(row).height + self._lead(index) + self._tail(index))

    def _lead(self, index: AnyIndex) -> int:
        """The first row carries the empty room above a short conversation."""
        return self.spacer_px if index.row() == 0 else 0

    def _tail(self, index: AnyIndex) -> int:
        """The last row carries the room below the conversation."""
        model, last = index.model(), index.row()
        if isinstance(model, ConversationModel):
            last = model.last_row_of(last)
        return TAIL_PX if last == model.rowCount() - 1 else 0

    # --- asking

    def part_at(self, index: AnyIndex, rect: QRect, point: QPointF) -> Part | None:
        """Which part of a bubble is under a point of the viewport; `rect` is the row's place there."""
        row = index.data(ROW)
        return None if row is None else self.sheet(row).part_at(point - self._corner(index, rect))

    def part_rect(self, index: AnyIndex, rect: QRect, name: str) -> QRect:
        """Where a part is in the viewport; empty if the row has none of this name."""
        row: Row = index.data(ROW)
        found = next((part for part in self.sheet(row).parts if part.name == name), None)
        if found is None:
            return QRect()
        return found.rect.translated(self._corner(index, rect)).toAlignedRect()

    def bubble_rect(self, index: AnyIndex, rect: QRect) -> QRect:
        """Where the bubble itself is in the viewport."""
        row: Row = index.data(ROW)
        return self.sheet(row).bubble.translated(self._corner(index, rect)).toAlignedRect()

    def part_names(self, index: AnyIndex) -> list[str]:
        """The parts that the Right key walks through, most useful first."""
        row = index.data(ROW)
        if row is None:
            return []
        names = [part.name for part in self.sheet(row).parts]
        chips = [name for name in names if name.startswith(MARK)]
        tiles = [name for name in names if name.startswith(TILE)]
        walked = [name for name in WALKED if name in names]
        return tiles + walked + chips + [name for name in WALKED_LAST if name in names]

    def _corner(self, index: AnyIndex, rect: QRect) -> QPointF:
        return QPointF(rect.left(), rect.top() + self._lead(index))

    # --- drawing

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Draw one row."""
        row = index.data(ROW)
        if row is None or row.folded:
            return
        sheet = self.sheet(row)
        sheet.paint(painter, self._corner(index, option.rect), self._ink(option, row, sheet))

    def _ink(self, option: QStyleOptionViewItem, row: Row, sheet: Sheet) -> Ink:
        state: QStyle.StateFlag = option.state  # type: ignore[attr-defined]
        selected = bool(state & QStyle.StateFlag.State_Selected)
        current = self.show_focus and bool(state & QStyle.StateFlag.State_HasFocus)
        now_s = self._now_s()
        flashed = row.lid == self.flashed
        ground = "bubble_sys" if row.system else sheet.ground_token(selected or flashed)
        return Ink(
            look=self._look, pictures=self.pictures, dpr=painter_dpr(option), now_s=now_s, now_ms=self._now_ms(),
            phase=now_s % 2 / 2, hovered=self.hovered[1] if self.hovered[0] == row.lid else "",
            focused=self.focused_part if current else "", selected=selected or flashed, current=current or flashed,
            ground=self._look.color(ground),
        )  # fmt: skip

    # --- tool tips

    def helpEvent(
        self, event: QHelpEvent, view: QAbstractItemView, option: QStyleOptionViewItem, index: AnyIndex
    ) -> bool:
        """Show in words what a mark or a file is."""
        if event.type() is not QEvent.Type.ToolTip or not index.isValid():
            return False
        part = self.part_at(index, option.rect, QPointF(event.pos()))  # type: ignore[attr-defined]
        words = self.tip(index.data(ROW), part) if part else ""
        # A tool tip guesses whether its text is markup: it is told, and what came from elsewhere is escaped (SEC-37).
        QToolTip.showText(event.globalPos(), f"<qt>{html.escape(words)}</qt>" if words else "", view)
        return True

    def tip(self, row: Row, part: Part) -> str:
        """The words of a part's tool tip."""
        if (tile := tile_of(part.name)) is not None:
            whose = next((each for each in row.album if each.lid == tile[0]), row)
            return self.tip(replace(whose, album=()), Part(tile[1], part.rect))
        if part.name == "mark":
            return long_words(row, self._now_s())
        if part.name.startswith(MARK):
            return reactors_words(row, part.name.removeprefix(MARK))
        if part.name == "edited":
            return self.notes.get(row.lid) or tr("Click to see what it said before")
        if part.name in ("again", "drop"):
            return problem_words(row.bubble.change_code or "problem")
        if part.name.startswith("link:"):
            return part.name.removeprefix("link:")
        return file_tip(row.bubble) if part.name in OF_FILES else ""


def file_tip(bubble: Bubble) -> str:
    """The name that the sender gave it, its exact size, the first signs of its hash, and since when it is here."""
    file = bubble.attachment
    if file is None:
        return ""
    here = tr("Downloaded {time}", time=clock(bubble.fetched_ms)) if bubble.fetched_ms and bubble.path else ""
    digest = f"SHA-256 {one_line(file.sha256[:8])}…" if file.sha256 else ""
    return " · ".join(filter(None, (one_line(file.name), exact_size(file.size_bytes), digest, here)))


def painter_dpr(option: QStyleOptionViewItem) -> float:
    """The pixels per logical pixel of the widget that is painted."""
    widget: QWidget | None = option.widget  # type: ignore[attr-defined]
    return widget.devicePixelRatioF() if widget is not None else 1.0
