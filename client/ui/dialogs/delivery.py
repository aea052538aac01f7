"""How far an own message got: counts, and one line for each person."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QWidget

from client.core.model import Bubble, Receipt
from client.ui import icons
from client.ui.bubbles.sentences import content_words
from client.ui.dialogs.frame import Choice, Dialog
from client.ui.theme import SPACE, Themes
from client.ui.viewmodels.standing import TABLE_MAX, count_lines, receipt_rows
from client.ui.widgets.buttons import WordButton
from client.ui.widgets.labels import PlainLabel
from client.ui.widgets.people_list import ROW_HEIGHT, PeopleList
from client.ui.words import tr

WIDTH, ROWS_MAX, QUOTE_CHARS = 460, 6, 90


class DeliveryDialog(Dialog):
    """Answers `trace` or "". In a large group the table comes when it is asked for: `table_wanted` (P-52).

    Args:
        reads: whether this person tells what they have read, and so is told what others have (P-73).
    """

    table_wanted = Signal()

    def __init__(
        self,
        parent: QWidget | None,
        themes: Themes,
        bubble: Bubble,
        now_ms: int,
        *,
        reads: bool,
        receipts: Sequence[Receipt] | None = None,
    ) -> None:
        quote = content_words(bubble)
        super().__init__(parent, tr("Delivery"), quote[:QUOTE_CHARS] + ("…" if len(quote) > QUOTE_CHARS else ""),
                         width=WIDTH)  # fmt: skip
        self.setObjectName("delivery_dialog")
        self._themes, self.bubble, self._now_ms, self._reads = themes, bubble, now_ms, reads
        self._receipts = list(receipts) if receipts is not None else None
        self._card = QFrame(self)
        self._card.setProperty("role", "card")
        self._grid = QGridLayout(self._card)
        self._grid.setContentsMargins(SPACE[4], SPACE[3], SPACE[4], SPACE[3])
        self._grid.setHorizontalSpacing(SPACE[3])
        self.list = PeopleList(themes, ROW_HEIGHT, self)
        self.list.setAccessibleName(tr("People"))
        self.list.setSelectionMode(PeopleList.SelectionMode.NoSelection)
        self.more = WordButton(lambda: tr("Show each person"), "link", self)
        self._note = PlainLabel(role="hint", parent=self)
        self._note.setWordWrap(True)
        for part in (self._card, self.list, self.more, self._note):
            self.body.addWidget(part, 0, Qt.AlignmentFlag.AlignLeft if part is self.more else Qt.AlignmentFlag(0))
        self.more.clicked.connect(self._ask_table)
        self.offer([Choice("trace", tr("Delivery trace")), Choice("", tr("Close"), "primary")])
        self.show_bubble(bubble)

    @property
    def large(self) -> bool:
        """Whether only counts are known until the table is asked for."""
        return self.bubble.of > TABLE_MAX

    def show_bubble(self, bubble: Bubble) -> None:
        """Other counts."""
        self.bubble = bubble
        self._draw()

    def show_receipts(self, receipts: Sequence[Receipt]) -> None:
        """The table."""
        self._receipts = list(receipts)
        self._draw()

    def _ask_table(self) -> None:
        self.more.setEnabled(False)
        self.table_wanted.emit()

    def _draw(self) -> None:
        self._draw_counts()
        rows = receipt_rows(self._receipts or [], self._now_ms)
        self.list.show_people(rows)
        self.list.setVisible(bool(rows))
        self.list.setFixedHeight(self._themes.look.px(ROW_HEIGHT) * max(1, min(len(rows), ROWS_MAX)))
        self.more.setVisible(self._receipts is None)
        self.more.setEnabled(True)
        self._note.setText(
            "" if self._reads else tr("You do not tell what you have read, so this is not shown either.")
        )
        self._note.setVisible(not self._reads)
        if self._note.text():
            self._note.setFixedHeight(self._note.heightForWidth(WIDTH - 2 * SPACE[5]))
        self._fit()

    def _draw_counts(self) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        look = self._themes.look
        for row, (icon, token, words) in enumerate(count_lines(self.bubble, self._receipts, reads=self._reads)):
            picture, said = PlainLabel(parent=self._card), PlainLabel(words, parent=self._card)
            picture.setPixmap(
                icons.pixmap(icon, look.color(token), 16, self.devicePixelRatioF(), look.color("bg_input"))
            )
            self._grid.addWidget(picture, row, 0)
            self._grid.addWidget(said, row, 1)
        self._grid.setColumnStretch(1, 1)
