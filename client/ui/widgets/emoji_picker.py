"""Choosing an emoji for a message: the usual six, and behind “more” all of them, by group and by word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFont, QGuiApplication, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from client.ui.emoji import USUAL, Emoji, find, groups, name_of
from client.ui.theme import FONTS, RADIUS_FIELD, SPACE, Look, Themes
from client.ui.widgets.buttons import IconButton, restate
from client.ui.words import spoken, tr

BUTTON, CELL, COLUMNS, ROWS = 40, 40, 8, 6
SIGN_PX = 22
AnyIndex = QModelIndex | QPersistentModelIndex
GROUP_WORDS = {
    "smileys-emotion": lambda: tr("Smileys"),
    "people-body": lambda: tr("People"),
    "animals-nature": lambda: tr("Animals and nature"),
    "food-drink": lambda: tr("Food and drink"),
    "travel-places": lambda: tr("Travel and places"),
    "activities": lambda: tr("Activities"),
    "objects": lambda: tr("Objects"),
    "symbols": lambda: tr("Symbols"),
    "flags": lambda: tr("Flags"),
}


def sign_font(look: Look) -> QFont:
    """A font for one sign that fills a button."""
    font = QFont(look.font("body"))
    font.setPixelSize(round(SIGN_PX * look.font("body").pixelSize() / FONTS["body"][0]))
    return font


class SignsModel(QAbstractListModel):
    """The signs of one group, or those that were found."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._signs: Sequence[Emoji] = ()

    def show(self, signs: Sequence[Emoji]) -> None:
        """Other signs."""
        self.beginResetModel()
        self._signs = signs
        self.endResetModel()

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """How many there are."""
        return 0 if parent.isValid() else len(self._signs)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The sign; its name as a tool tip and for screen readers."""
        if not index.isValid() or index.row() >= len(self._signs):
            return None
        emoji = self._signs[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return emoji.sign
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return emoji.name(spoken())
        return None


class SignPainter(QStyledItemDelegate):
    """One sign in the middle of its cell."""

    def __init__(self, look: Look, parent: QWidget) -> None:
        super().__init__(parent)
        self.look = look

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        """All cells are alike."""
        return QSize(self.look.px(CELL), self.look.px(CELL))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """The sign, on a ground where the pointer or the keyboard is."""
        rect, state = option.rect, option.state  # type: ignore[attr-defined]
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        focused = bool(state & QStyle.StateFlag.State_HasFocus)
        if focused or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(self.look.color("focus") if focused else Qt.PenStyle.NoPen)
            painter.setBrush(self.look.color("bg_hover"))
            painter.drawRoundedRect(rect.adjusted(2, 2, -2, -2), RADIUS_FIELD, RADIUS_FIELD)
        painter.setFont(sign_font(self.look))
        painter.setPen(self.look.color("text_1"))
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, str(index.data()))
        painter.restore()


class SignsView(QListView):
    """The grid. Return and Space choose."""

    chosen = Signal(str)

    def __init__(self, look: Look, parent: QWidget) -> None:
        super().__init__(parent)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.signs = SignsModel(self)
        self.setModel(self.signs)
        self.setItemDelegate(SignPainter(look, self))
        self.clicked.connect(lambda index: self.chosen.emit(str(index.data())))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return and Space choose the sign the keyboard is at."""
        keys = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)
        if event.key() in keys and self.currentIndex().isValid():
            self.chosen.emit(str(self.currentIndex().data()))
        else:
            super().keyPressEvent(event)


class EmojiPicker(QFrame):
    """Pops up beside a message. `chosen` tells the sign; an own one that was chosen before is marked."""

    chosen = Signal(str)

    def __init__(self, themes: Themes, parent: QWidget, own: str = "") -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("emoji_picker")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setProperty("role", "popup")
        self.setAccessibleName(tr("Choose a reaction"))
        self._themes, self._own = themes, own
        self._signs = [own, *USUAL] if own and own not in USUAL else list(USUAL)
        self.usual = [self._sign_button(sign) for sign in self._signs]
        self.more = IconButton(themes, "add", lambda: tr("More emoji"), size=BUTTON)
        self.search, self.grid = QLineEdit(self), SignsView(themes.look, self)
        self._tabs, self._group = QButtonGroup(self), next(iter(groups()))
        self._rest = QWidget(self)
        self._arrange()
        self.more.clicked.connect(self.expand)
        self.search.textChanged.connect(self._search)
        self.search.returnPressed.connect(self._choose_first)
        self.grid.chosen.connect(self._choose)

    def _sign_button(self, sign: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(sign)
        button.setFont(sign_font(self._themes.look))
        button.setStyleSheet(f"font-size: {sign_font(self._themes.look).pixelSize()}px;")
        button.setFixedSize(BUTTON, BUTTON)
        name = name_of(sign, spoken())
        own = sign == self._own
        button.setToolTip(tr("{name}, chosen", name=name) if own else name)
        button.setAccessibleName(button.toolTip())
        if own:
            restate(button, "own")
        button.clicked.connect(lambda: self._choose(sign))
        return button

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE[1], SPACE[1], SPACE[1], SPACE[1])
        column.setSpacing(SPACE[1])
        row = QHBoxLayout()
        row.setSpacing(SPACE[0])
        for button in (*self.usual, self.more):
            row.addWidget(button)
        row.addStretch(1)
        column.addLayout(row)
        column.addWidget(self._rest)
        self._arrange_rest()
        self._rest.hide()

    def _arrange_rest(self) -> None:
        self.search.setProperty("role", "search")
        self.search.setPlaceholderText(tr("Search emoji"))
        self.search.setAccessibleName(tr("Search emoji"))
        self.search.setClearButtonEnabled(True)
        self.grid.setAccessibleName(tr("Emoji"))
        cell = self._themes.look.px(CELL)
        self.grid.setFixedSize(COLUMNS * cell + 14, ROWS * cell)
        column = QVBoxLayout(self._rest)
        column.setContentsMargins(SPACE[1], 0, SPACE[1], SPACE[1])
        column.setSpacing(SPACE[1])
        column.addWidget(self.search)
        tabs = QHBoxLayout()
        tabs.setSpacing(0)
        for name, signs in groups().items():
            tabs.addWidget(self._tab(name, signs[0].sign))
        column.addLayout(tabs)
        column.addWidget(self.grid)

    def _tab(self, name: str, sign: str) -> QToolButton:
        tab = QToolButton(self._rest)
        tab.setText(sign)
        tab.setCheckable(True)
        tab.setFixedSize(36, 32)
        words = GROUP_WORDS[name]()
        tab.setToolTip(words)
        tab.setAccessibleName(words)
        tab.clicked.connect(lambda: self.show_group(name))
        self._tabs.addButton(tab)
        return tab

    # --- showing

    def expand(self) -> None:
        """All of them."""
        self._rest.show()
        self.more.hide()
        self._tabs.buttons()[0].setChecked(True)
        self.show_group(self._group)
        self.adjustSize()
        self.search.setFocus()
        self._stay_on_screen()

    def show_group(self, name: str) -> None:
        """One group, from its beginning."""
        self._group = name
        self.search.clear()
        self.grid.signs.show(groups()[name])
        self.grid.scrollToTop()

    def _search(self, words: str) -> None:
        self.grid.signs.show(find(words) if words.strip() else groups()[self._group])

    def show_at(self, rect: QRect, *, right: bool) -> None:
        """Beside this rectangle of the screen, at its right or left edge; above it if there is room."""
        self.adjustSize()
        left = rect.right() - self.width() if right else rect.left()
        self.move(QPoint(left, rect.top() - self.height() - SPACE[1]))
        self._stay_on_screen()
        self.show()
        first = next((button for button in self.usual if button.text() == self._own), self.usual[0])
        first.setFocus(Qt.FocusReason.PopupFocusReason)

    def _stay_on_screen(self) -> None:
        screen = QGuiApplication.screenAt(self.geometry().center()) or QGuiApplication.primaryScreen()
        room = screen.availableGeometry()
        left = max(room.left(), min(self.x(), room.right() - self.width()))
        top = max(room.top(), min(self.y(), room.bottom() - self.height()))
        self.move(left, top)

    # --- choosing

    def _choose_first(self) -> None:
        if self.grid.signs.rowCount():
            self._choose(str(self.grid.signs.index(0, 0).data()))

    def _choose(self, sign: str) -> None:
        self.close()
        self.chosen.emit(sign)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and Right walk through the six; a letter begins to search; Escape closes."""
        key, row = event.key(), [*self.usual, self.more]
        here = next((place for place, button in enumerate(row) if button.hasFocus()), None)
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and here is not None:
            shown = [button for button in row if not button.isHidden()]
            shown[(here + (1 if key == Qt.Key.Key_Right else -1)) % len(shown)].setFocus(Qt.FocusReason.TabFocusReason)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and here is not None:
            row[here].click()
        elif key == Qt.Key.Key_Escape:
            self.close()
        elif event.text().strip() and event.text().isprintable() and here is not None:
            self.expand()
            self.search.setText(event.text())
        else:
            super().keyPressEvent(event)
