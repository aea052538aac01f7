"""Data and storage: what is kept of files and how much may be, where files are saved, and what every day cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from client.core.spending import CacheKind, Spending
from client.ui.dialogs.frame import Choice, Dialog
from client.ui.plain import one_line
from client.ui.theme import SPACE, Themes
from client.ui.widgets.buttons import ComboBox, WordButton
from client.ui.widgets.labels import PlainLabel
from client.ui.words import plural, size_words, tr
from protocol.values import ConvId, replace

WIDTH, TABLE_HIGH, ROW_HIGH = 560, 190, 32
ROWS_MAX = 200
"""More than so many are no table that somebody reads."""
LIMITS_MIB = (256, 512, 1024, 2048, 5120, 10_240, 20_480, 51_200, 0)
KINDS: tuple[CacheKind, ...] = ("picture", "voice", "video", "file")


class DataDialog(Dialog):
    """`clear_wanted` names a kind, or "" for all; `limit_chosen` is in MiB, 0 for none.

    Args:
        limit_mib: how much of files may be kept now.
        title_of: what a conversation is called.
    """

    clear_wanted = Signal(str)
    limit_chosen = Signal(int)
    folder_wanted = Signal()

    def __init__(
        self, parent: QWidget | None, themes: Themes, limit_mib: int, folder: str, title_of: Callable[[ConvId], str]
    ) -> None:
        super().__init__(parent, tr("Data and storage"), width=WIDTH)
        self.setObjectName("data_dialog")
        self._themes, self._title_of = themes, title_of
        self._spending: Sequence[Spending] = ()
        self.sizes: dict[CacheKind, PlainLabel] = {}
        self.clears: dict[str, WordButton] = {}
        self.total = PlainLabel(role="name", parent=self)
        self.limit, self.by = self._limits(limit_mib), self._views()
        self.folder = PlainLabel(role="meta", elide=True, parent=self)
        self._grid, self._scroll = QGridLayout(), QScrollArea(self)
        self._problem = PlainLabel(role="danger", parent=self)
        self._build_kept()
        self._build_spent()
        self.body.addWidget(self._problem)
        self.show_folder(folder)
        self.tell("")
        self.offer([Choice("", tr("Close"), "primary")])

    # --- building

    def _build_kept(self) -> None:
        words = PlainLabel(
            tr("What you downloaded is kept here. Clearing takes it off this computer; the messages stay."),
            role="hint", parent=self,
        )  # fmt: skip
        words.setWordWrap(True)
        words.ensurePolished()
        words.setFixedHeight(words.heightForWidth(WIDTH - 2 * SPACE[5]))
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE[3])
        grid.setVerticalSpacing(SPACE[1])
        grid.setColumnStretch(1, 1)
        for row, kind in enumerate(KINDS):
            self._add_kind(grid, row, kind)
        self._add_line(grid, len(KINDS), self.total, "")
        self.body.addWidget(words)
        self.body.addLayout(grid)
        self.body.addLayout(self._line(tr("Keep at most"), self.limit))
        change = WordButton(lambda: tr("Change…"), "link", self)
        change.setObjectName("downloads_folder")
        change.clicked.connect(self.folder_wanted)
        self.body.addLayout(self._line(tr("Save files in"), self.folder, change))

    def _add_kind(self, grid: QGridLayout, row: int, kind: CacheKind) -> None:
        self.sizes[kind] = PlainLabel(role="meta", parent=self)
        self._add_line(grid, row, self.sizes[kind], kind)

    def _add_line(self, grid: QGridLayout, row: int, size: PlainLabel, kind: CacheKind | str) -> None:
        name = kind_words(kind)
        button = WordButton(lambda: tr("Clear") if kind else tr("Clear all"), "link", self)
        button.setObjectName(f"clear_{kind or 'all'}")
        button.setAccessibleName(f"{button.text()}: {name}")
        button.clicked.connect(lambda: self.clear_wanted.emit(kind))
        self.clears[kind] = button
        grid.setRowMinimumHeight(row, self._themes.look.px(ROW_HIGH))
        grid.addWidget(PlainLabel(name, role="body" if kind else "name", parent=self), row, 0)
        grid.addWidget(size, row, 1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        grid.addWidget(button, row, 2, Qt.AlignmentFlag.AlignRight)

    def _line(self, words: str, *parts: QWidget) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(SPACE[3])
        line.addWidget(PlainLabel(words, role="body", parent=self))
        line.addWidget(parts[0], 1)
        for part in parts[1:]:
            line.addWidget(part)
        return line

    def _build_spent(self) -> None:
        self.body.addSpacing(SPACE[1])
        self.body.addLayout(self._line(tr("Sent and received in 90 days"), self.by))
        inside = QWidget()
        self._grid.setContentsMargins(0, 0, SPACE[2], 0)
        self._grid.setHorizontalSpacing(SPACE[4])
        self._grid.setVerticalSpacing(SPACE[1])
        self._grid.setColumnStretch(0, 1)
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(self._grid)
        column.addStretch(1)
        self._scroll.setWidget(inside)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFixedHeight(self._themes.look.px(TABLE_HIGH))
        self._scroll.setAccessibleName(tr("Sent and received in 90 days"))
        self.body.addWidget(self._scroll)

    def _limits(self, now_mib: int) -> ComboBox:
        combo = ComboBox(self._themes, self)
        for value in sorted({*LIMITS_MIB, now_mib}, key=lambda mib: (not mib, mib)):
            combo.addItem(_limit_words(value), value)
        combo.setCurrentIndex(combo.findData(now_mib))
        combo.setAccessibleName(tr("Keep at most"))
        combo.currentIndexChanged.connect(lambda _row: self.limit_chosen.emit(combo.currentData()))
        return combo

    def _views(self) -> ComboBox:
        combo = ComboBox(self._themes, self)
        combo.addItem(tr("Each day"), "day")
        combo.addItem(tr("Each conversation"), "conv")
        combo.setAccessibleName(tr("Sent and received in 90 days"))
        combo.currentIndexChanged.connect(lambda _row: self.show_spending(self._spending))
        return combo

    # --- showing

    def show_sizes(self, sizes: Mapping[CacheKind, int]) -> None:
        """How much is kept of each kind."""
        for kind in KINDS:
            self.sizes[kind].setText(size_words(sizes.get(kind, 0)))
            self.clears[kind].setVisible(bool(sizes.get(kind)))
        self.total.setText(size_words(sum(sizes.values())))
        self.clears[""].setVisible(any(sizes.values()))

    def show_folder(self, folder: str) -> None:
        """Where files are saved."""
        self.folder.setText(folder)
        self.folder.setToolTip(folder)

    def show_spending(self, spending: Sequence[Spending]) -> None:
        """What was sent and received, as the person wants to see it."""
        self._spending = spending
        while (item := self._grid.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        rows = spending if self.by.currentData() == "day" else per_conversation(spending)
        if not rows:
            self._grid.addWidget(PlainLabel(tr("Nothing yet"), role="hint"), 0, 0)
            return
        self._add_row(0, tr("Conversation"), tr("Sent"), tr("Received"), "hint", "")
        for place, row in enumerate(rows[:ROWS_MAX], 1):
            name = one_line(self._title_of(row.conv)) if row.conv else tr("No conversation")
            name = f"{row.day} · {name}" if row.day else name
            requests = plural("{count} request", "{count} requests", row.requests)
            self._add_row(
                place, name, size_words(row.sent_bytes), size_words(row.received_bytes), "body", f"{name}: {requests}"
            )

    def _add_row(self, place: int, name: str, sent: str, received: str, role: str, tip: str) -> None:
        first = PlainLabel(name, role=role, elide=True)
        first.setToolTip(tip)
        self._grid.addWidget(first, place, 0)
        for column, words in enumerate((sent, received), 1):
            number: QLabel = PlainLabel(words, role="hint" if role == "hint" else "meta")
            number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self._grid.addWidget(number, place, column)

    def tell(self, words: str) -> None:
        """Why something did not happen."""
        self._problem.setText(words)
        self._problem.setVisible(bool(words))
        self._fit()


def per_conversation(spending: Iterable[Spending]) -> list[Spending]:
    """The same summed over the days, the dearest first."""
    sums: dict[ConvId, Spending] = {}
    for row in spending:
        before = sums.get(row.conv, Spending("", row.conv, 0, 0, 0))
        sums[row.conv] = replace(
            before,
            requests=before.requests + row.requests,
            sent_bytes=before.sent_bytes + row.sent_bytes,
            received_bytes=before.received_bytes + row.received_bytes,
        )
    return sorted(sums.values(), key=lambda row: -row.sent_bytes - row.received_bytes)


def kind_words(kind: str) -> str:
    """What a kind of files is called; "" is all of them."""
    return {
        "picture": tr("Pictures"),
        "voice": tr("Voice notes"),
        "video": tr("Videos"),
        "file": tr("Files"),
    }.get(kind, tr("All together"))


def _limit_words(limit_mib: int) -> str:
    if not limit_mib:
        return tr("No limit")
    return f"{limit_mib // 1024} GiB" if limit_mib % 1024 == 0 else f"{limit_mib} MiB"
