"""“Forward”: one or several conversations to pass messages on to, with a field to find one."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, Qt
from PySide6.QtGui import QIcon, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from client.core.model import ChatEntry
from client.ui import icons
from client.ui.dialogs.frame import Choice, Dialog
from client.ui.plain import one_line
from client.ui.theme import RADIUS_SMALL, Look
from client.ui.viewmodels.contacts import folded, seed_of, title_of
from client.ui.widgets.avatars import avatar_pixmap
from client.ui.words import plural, tr
from protocol.values import ConvId, Uid

AVATAR, LIST_HEIGHT = 36, 300
AnyIndex = QModelIndex | QPersistentModelIndex
CONV, FOUND = Qt.ItemDataRole.UserRole + 1, Qt.ItemDataRole.UserRole + 2


class Targets(QListWidget):
    """The conversations. Return and Space tick one; Control with Return sends, as everywhere."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return ticks like Space does."""
        item = self.currentItem()
        plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and plain and item is not None:
            tick(item)
        else:
            super().keyPressEvent(event)


class TickPainter(QStyledItemDelegate):
    """Boxes in the colours of the theme, with a tick that is more than a colour."""

    def __init__(self, look: Look, parent: QWidget) -> None:
        super().__init__(parent)
        self._look = look

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """The row as always, and its box."""
        super().paint(painter, option, index)
        styled = QStyleOptionViewItem(option)
        self.initStyleOption(styled, index)
        widget: QWidget = option.widget  # type: ignore[attr-defined]
        element = QStyle.SubElement.SE_ItemViewItemCheckIndicator
        box = QRectF(widget.style().subElementRect(element, styled, widget))
        box = box.adjusted(-1, -1, 1, 1)
        ticked = index.data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked.value
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._look.color("accent" if ticked else "border_ctl"), 1.5))
        painter.setBrush(self._look.color("accent" if ticked else "bg_input"))
        painter.drawRoundedRect(box, RADIUS_SMALL, RADIUS_SMALL)
        if ticked:
            icons.paint(painter, "check", box.adjusted(1, 1, -1, -1), self._look.color("on_accent"))
        painter.restore()


def tick(item: QListWidgetItem) -> None:
    """Choose a conversation, or no longer."""
    ticked = item.checkState() is Qt.CheckState.Checked
    item.setCheckState(Qt.CheckState.Unchecked if ticked else Qt.CheckState.Checked)


class ForwardDialog(Dialog):
    """Answers `forward`, or ""; `chosen` are the conversations, in the order of the list."""

    def __init__(
        self, parent: QWidget | None, look: Look, entries: Sequence[ChatEntry], me: Uid, *, count: int = 1
    ) -> None:
        super().__init__(parent, plural("Forward {count} message", "Forward {count} messages", count))
        self.setObjectName("forward_dialog")
        self.search, self.list = QLineEdit(self), Targets(self)
        self.search.setProperty("role", "search")
        self.search.setPlaceholderText(tr("Search chats"))
        self.search.setAccessibleName(tr("Search chats"))
        self.search.setClearButtonEnabled(True)
        self.list.setAccessibleName(tr("Chats"))
        self.list.setItemDelegate(TickPainter(look, self.list))
        self.list.setFixedHeight(LIST_HEIGHT)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setIconSize(avatar_pixmap("A", "", look, AVATAR).size())
        self.body.addWidget(self.search)
        self.body.addWidget(self.list)
        for entry in entries:
            if not entry.away:
                self._add(entry, look, me)
        self.search.textChanged.connect(lambda _text: self._filter())
        self.search.returnPressed.connect(self._tick_first)
        self.list.itemChanged.connect(lambda _item: self._count())
        self.list.itemPressed.connect(self._press)
        self.list.itemClicked.connect(self._clicked)
        self._pressed = Qt.CheckState.Unchecked
        self._count()
        self.search.setFocus()

    def _add(self, entry: ChatEntry, look: Look, me: Uid) -> None:
        disc = avatar_pixmap(title_of(entry, me), seed_of(entry, me), look, AVATAR, self.devicePixelRatioF())
        icon = QIcon(disc)
        icon.addPixmap(disc, QIcon.Mode.Selected)
        item = QListWidgetItem(icon, one_line(title_of(entry, me)), self.list)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable)
        item.setCheckState(Qt.CheckState.Unchecked)
        item.setToolTip(one_line(title_of(entry, me)))
        item.setData(CONV, entry.conv)
        item.setData(FOUND, folded(" ".join([item.text(), *(member.name for member in entry.members)])))

    @property
    def chosen(self) -> list[ConvId]:
        """What is ticked, also what the search hides now."""
        return [ConvId(str(item.data(CONV))) for item in self._items() if item.checkState() is Qt.CheckState.Checked]

    def _items(self) -> list[QListWidgetItem]:
        return [self.list.item(row) for row in range(self.list.count())]

    def _filter(self) -> None:
        wanted = folded(self.search.text()).split()
        for item in self._items():
            item.setHidden(not all(word in item.data(FOUND) for word in wanted))

    def _tick_first(self) -> None:
        """Return in the field ticks what was found; with nothing typed it sends."""
        if not self.search.text().strip():
            if self.chosen:
                self.answer("forward")
            return
        shown = [item for item in self._items() if not item.isHidden()]
        if shown:
            tick(shown[0])
            self.search.clear()

    def _press(self, item: QListWidgetItem) -> None:
        self._pressed = item.checkState()

    def _clicked(self, item: QListWidgetItem) -> None:
        """A click anywhere in the row ticks it; Qt has done so already if it was on the box."""
        if self._pressed == item.checkState():
            tick(item)

    def _count(self) -> None:
        """The button says how many."""
        count = len(self.chosen)
        words = plural("Forward to {count} chat", "Forward to {count} chats", count) if count else tr("Forward")
        button = self.findChild(QPushButton, "answer_forward")
        if button is None:
            self.offer([Choice("", tr("Cancel")), Choice("forward", words, "primary")])
            button = self.findChild(QPushButton, "answer_forward")
            assert button is not None
        button.setText(words)
        button.setEnabled(bool(count))
        button.setAutoDefault(False)
        button.setDefault(False)
