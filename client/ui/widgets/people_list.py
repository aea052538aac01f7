"""A list of people, painted row by row: members of a group, who has a message, whom to add."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from client.ui import icons
from client.ui.plain import one_line
from client.ui.theme import Look, Themes
from client.ui.viewmodels.contacts import folded
from client.ui.viewmodels.standing import PersonRow
from client.ui.widgets.avatars import paint_avatar, paint_online
from protocol.values import Uid

ROW_HEIGHT, EDGE, AVATAR, GAP, ICON, BOX = 52, 8, 36, 12, 16, 20
PERSON = Qt.ItemDataRole.UserRole + 1
AnyIndex = QModelIndex | QPersistentModelIndex


class PeopleModel(QAbstractListModel):
    """Rows of people; a search leaves those whose name has every word of it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._all: list[PersonRow] = []
        self._rows: list[PersonRow] = []
        self._wanted = ""

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """How many people are shown."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The PersonRow for the painter, the name, and a sentence for screen readers."""
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == PERSON:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return one_line(row.name)
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return row.sentence if role == Qt.ItemDataRole.AccessibleTextRole else None
        return None

    def show(self, rows: Sequence[PersonRow]) -> None:
        """Other people, or the same ones with other words; rows that stay are redrawn in their place."""
        self._all = list(rows)
        self._filter()

    def search(self, text: str) -> None:
        """Only those whose name has every word of `text`."""
        self._wanted = text
        self._filter()

    def row(self, place: int) -> PersonRow:
        """One row that is shown."""
        return self._rows[place]

    def place_of(self, uid: Uid) -> int | None:
        """Where a person is shown."""
        return next((place for place, row in enumerate(self._rows) if row.uid == uid), None)

    def _filter(self) -> None:
        words = folded(self._wanted).split()
        rows = [row for row in self._all if all(word in folded(row.name) for word in words)]
        if [row.uid for row in rows] == [row.uid for row in self._rows]:
            self._rows = rows
            if rows:
                self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))
            return
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()


class PeopleDelegate(QStyledItemDelegate):
    """Disc, name and second line; words and an icon, or a box with a tick, at the right."""

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.look = look

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        """52 px, more when the text is larger."""
        return QSize(200, max(ROW_HEIGHT, self.look.px(36) + 16))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Draw a person."""
        row: PersonRow | None = index.data(PERSON)
        if row is None:
            return
        rect = QRectF(option.rect)  # type: ignore[attr-defined]
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = self._paint_ground(painter, rect, option.state)  # type: ignore[attr-defined]
        disc = QRectF(rect.left() + EDGE, rect.center().y() - AVATAR / 2, AVATAR, AVATAR)
        paint_avatar(painter, disc, row.name, row.uid, self.look)
        if row.online:
            paint_online(painter, disc, self.look, ground)
        words = QRectF(disc.right() + GAP, rect.top(), rect.right() - EDGE - disc.right() - GAP, rect.height())
        words.setRight(self._paint_right(painter, words, row))
        self._paint_words(painter, words, row)
        painter.restore()

    def _paint_ground(self, painter: QPainter, rect: QRectF, state: QStyle.StateFlag) -> str:
        flag, token = QStyle.StateFlag, "bg_window"
        if state & flag.State_Selected:
            token = "bg_selected"
        elif state & flag.State_MouseOver:
            token = "bg_hover"
        if token != "bg_window":
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self.look.color(token))
            painter.drawRoundedRect(rect.adjusted(0, 1, 0, -1), 8, 8)
        if state & flag.State_HasFocus and state & flag.State_KeyboardFocusChange:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self.look.color("focus"), 2))
            painter.drawRoundedRect(rect.adjusted(1, 2, -1, -2), 8, 8)
        return token

    def _paint_right(self, painter: QPainter, line: QRectF, row: PersonRow) -> float:
        """What stands at the right; returns where the name must end."""
        right = line.right()
        if row.chosen is not None:
            return self._paint_box(painter, QRectF(right - BOX, line.center().y() - BOX / 2, BOX, BOX), row.chosen)
        if row.icon:
            spot = QRectF(right - ICON, line.center().y() - ICON / 2, ICON, ICON)
            icons.paint(painter, row.icon, spot, self.look.color(row.token), self.look.color("bg_window"))
            right = spot.left() - 6
        if row.beside:
            font = self.look.font("meta")
            width = min(QFontMetricsF(font).horizontalAdvance(row.beside) + 1, line.width() * 0.55)
            painter.setFont(font)
            painter.setPen(self.look.color("text_2"))
            spot = QRectF(right - width, line.top(), width, line.height())
            shown = painter.fontMetrics().elidedText(row.beside, Qt.TextElideMode.ElideRight, int(width) + 1)
            painter.drawText(spot, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, shown)
            right = spot.left() - 8
        return right

    def _paint_box(self, painter: QPainter, box: QRectF, chosen: bool) -> float:
        look = self.look
        painter.setPen(QPen(look.color("accent" if chosen else "border_ctl"), 1.5))
        painter.setBrush(look.color("accent" if chosen else "bg_input"))
        painter.drawEllipse(box)
        if chosen:
            icons.paint(painter, "check", box.adjusted(3, 3, -3, -3), look.color("on_accent"))
        return box.left() - 8

    def _paint_words(self, painter: QPainter, line: QRectF, row: PersonRow) -> None:
        upper, lower = QRectF(line), QRectF(line)
        if row.below:
            middle = line.center().y()
            upper = QRectF(line.left(), middle - self.look.px(19), line.width(), self.look.px(20))
            lower = QRectF(line.left(), middle + 1, line.width(), self.look.px(16))
            self._elided(painter, lower, row.below, "meta", "online" if row.online else "text_2")
        self._elided(painter, upper, one_line(row.name), "body", "text_1")

    def _elided(self, painter: QPainter, line: QRectF, words: str, font: str, token: str) -> None:
        painter.setFont(self.look.font(font))
        painter.setPen(self.look.color(token))
        shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, int(max(0, line.width())))
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute
        painter.drawText(line, flags, shown)


class PeopleList(QListView):
    """The rows. `done` carries the person that was clicked or got Return, `at` the one the keyboard is at."""

    done = Signal(str)
    at = Signal(str)

    def __init__(self, themes: Themes, height: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.people = PeopleModel(self)
        self._delegate = PeopleDelegate(themes.look, self)
        self.empty_words = ""
        self.setModel(self.people)
        self.setItemDelegate(self._delegate)
        self.setFixedHeight(height)
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.clicked.connect(lambda index: self.done.emit(self.people.row(index.row()).uid))
        self.selectionModel().currentChanged.connect(lambda *_: self.at.emit(self.current))
        self.people.modelReset.connect(self._keep)
        themes.changed.connect(self._restyle)
        self._kept = Uid("")

    @property
    def current(self) -> Uid:
        """Whom the keyboard is at; empty for nobody."""
        index = self.currentIndex()
        return self.people.row(index.row()).uid if index.isValid() else Uid("")

    def show_people(self, rows: Sequence[PersonRow]) -> None:
        """Show these; the keyboard stays at its person."""
        self._kept = self.current
        self.people.show(rows)

    def search(self, text: str) -> None:
        """Show whose name has these words."""
        self._kept = self.current
        self.people.search(text)

    def choose(self, uid: Uid) -> None:
        """Put the keyboard at a person."""
        place = self.people.place_of(uid)
        if place is not None:
            flags = self.selectionModel().SelectionFlag.ClearAndSelect
            self.selectionModel().setCurrentIndex(self.people.index(place), flags)

    def _keep(self) -> None:
        if self.people.place_of(self._kept) is not None:
            self.choose(self._kept)
        else:
            self.at.emit("")

    def _restyle(self, look: Look) -> None:
        self._delegate.look = look
        self.doItemsLayout()
        self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return and Space are a click."""
        index = self.currentIndex()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and index.isValid():
            self.done.emit(self.current)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The rows, or why there are none."""
        super().paintEvent(event)
        if self.empty_words and not self.people.rowCount():
            with QPainter(self.viewport()) as painter:
                painter.setFont(self._delegate.look.font("body"))
                painter.setPen(self._delegate.look.color("text_3"))
                flags = Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap
                painter.drawText(self.viewport().rect().adjusted(24, 32, -24, 0), flags, self.empty_words)
