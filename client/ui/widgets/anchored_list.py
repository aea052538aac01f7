"""A list of bubbles that keeps its place while it grows at both ends: at the end, or where somebody reads."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QListView, QWidget

from client.ui.bubbles.delegate import BubbleDelegate
from client.ui.bubbles.pictures import Pictures
from client.ui.theme import Look
from client.ui.viewmodels.conversation import ConversationModel
from protocol.values import Lid

EDGE_PX = 800
"""This near to an end of the window the next page is loaded."""
AT_END_PX = 40
DIVIDER_TOP = 36
"""Where the divider stands after opening: below the day that stays at the top."""
STEP_PX = 48


class AnchoredList(QListView):
    """The view of a ConversationModel. It follows the end, or keeps the message at its top edge where it is."""

    moved = Signal()

    def __init__(
        self, look: Look, model: ConversationModel, now_s: Callable[[], float], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._model = model
        self._following, self._anchor = True, (Lid(0), 0)
        self._settling = self._folding = False
        self.pictures = Pictures(self)
        self.bubbles = BubbleDelegate(look, self.pictures, now_s, model.now_ms, self)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setAutoScroll(False)  # a click on a bubble that is half in view must not move it
        self.setUniformItemSizes(False)
        self.setModel(model)
        self.setItemDelegate(self.bubbles)
        model.modelReset.connect(self._begin)
        bar = self.verticalScrollBar()
        bar.setSingleStep(STEP_PX)
        bar.valueChanged.connect(self._scrolled)
        bar.rangeChanged.connect(lambda low, high: bar.setEnabled(low < high))

    # --- where it stands

    def doItemsLayout(self) -> None:
        """Lay out, then stand where we stood: at the end, or with the same message at the top edge."""
        if self._settling:
            return
        self._settling = True
        try:
            self.bubbles.set_width(self.viewport().width())
            self._fold()
            super().doItemsLayout()
            self._fill_from_below()
            self._stand()
            self._following = self._model.at_end and self.px_to_end() <= AT_END_PX
        finally:
            self._settling = False
        self._after_move()

    def _fold(self) -> None:
        """Hide the rows that are shown in that of another message; the keyboard goes to where they are seen."""
        if not self._model.has_albums and not self._folding:
            return
        self._folding = self._model.has_albums
        for row in range(self._model.rowCount()):
            if (folded := self._model.folded(row)) != self.isRowHidden(row):
                self.setRowHidden(row, folded)
        here = self.currentIndex()
        if here.isValid() and self.isRowHidden(here.row()):
            shown = self._model.shown_row_of(self._model.bubble_at(here.row()).lid)
            flag = QItemSelectionModel.SelectionFlag.NoUpdate
            self.selectionModel().setCurrentIndex(self._model.index(shown or 0), flag)

    def _fill_from_below(self) -> None:
        """A conversation shorter than the view stands at its bottom."""
        wanted = max(0, self.viewport().height() - (self.contentsSize().height() - self.bubbles.spacer_px))
        if wanted != self.bubbles.spacer_px:
            self.bubbles.spacer_px = wanted
            super().doItemsLayout()

    def _stand(self) -> None:
        bar = self.verticalScrollBar()
        if self._following:
            bar.setValue(bar.maximum())
            return
        lid, offset = self._anchor
        if (row := self._model.shown_row_of(lid)) is not None:
            top = self.visualRect(self._model.index(row)).top()
            bar.setValue(bar.value() + top - offset)

    def _remember(self) -> None:
        """Which message stands at the top edge, and how far above it begins."""
        index = self._top_index()
        if index.isValid():
            self._anchor = (self._model.bubble_at(index.row()).lid, self.visualRect(index).top())

    def _top_index(self) -> QModelIndex:
        middle = self.viewport().width() // 2
        return next((found for y in (1, 8) if (found := self.indexAt(QPoint(middle, y))).isValid()), QModelIndex())

    def _bottom_index(self) -> QModelIndex:
        at = QPoint(self.viewport().width() // 2, self.viewport().height() - 2)
        found = self.indexAt(at)
        if found.isValid() or not self._model.rowCount():
            return found
        last = self._model.bubble_at(self._model.rowCount() - 1).lid
        return self._model.index(self._model.shown_row_of(last) or 0)

    def _scrolled(self) -> None:
        if self._settling:
            return
        self._following = self._model.at_end and self.px_to_end() <= AT_END_PX
        self._remember()
        self._after_move()

    def _after_move(self) -> None:
        bar = self.verticalScrollBar()
        if self._model.rowCount():
            if bar.value() - bar.minimum() < EDGE_PX:
                self._model.want_older()
            if self.px_to_end() < EDGE_PX:
                self._model.want_newer()
        self.moved.emit()

    def px_to_end(self) -> int:
        """How far above the end of the window we are."""
        return self.verticalScrollBar().maximum() - self.verticalScrollBar().value()

    def _begin(self) -> None:
        """Another conversation, or another window of it: the divider if there is one, else the end."""
        row = self._model.divider_row()
        self._following = row is None
        if row is not None:
            self._anchor = (self._model.bubble_at(row).lid, DIVIDER_TOP)
        self.bubbles.forget()
        self.scheduleDelayedItemsLayout()

    # --- going somewhere

    def scroll_to_end(self) -> None:
        """To the newest message, and stay there."""
        self._following = True
        if not self._model.at_end:
            self._model.want_end()
        self.scheduleDelayedItemsLayout()

    def scroll_to(self, lid: Lid) -> None:
        """Bring a message into view, if it is in the window."""
        if (row := self._model.shown_row_of(lid)) is not None:
            self._following = False
            self.executeDelayedItemsLayout()
            self.scrollTo(self._model.index(row), QAbstractItemView.ScrollHint.PositionAtCenter)

    def _keep_here(self, index: QModelIndex) -> None:
        """What grows grows downwards: the message stays where it is."""
        self._following = False
        self._anchor = (self._model.bubble_at(index.row()).lid, self.visualRect(index).top())

    def _visible_rows(self) -> range:
        top, bottom = self._top_index(), self._bottom_index()
        if not top.isValid() or not bottom.isValid():
            return range(0)
        return range(top.row(), self._model.last_row_of(bottom.row()) + 1)
