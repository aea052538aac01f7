"""The chat list: a search field over rows of 64 px, each one conversation."""

from __future__ import annotations

from PySide6.QtCore import (
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QPointF,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QAction,
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFontMetricsF,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from client.core.model import ChatEntry, State
from client.ui import icons
from client.ui.bubbles.marks import mark_of
from client.ui.plain import one_line
from client.ui.theme import Look, Themes
from client.ui.viewmodels.contacts import ENTRY, ChatsFilter, ChatsModel, second_line, seed_of, title_of
from client.ui.viewmodels.rows import Row, shown_ms
from client.ui.widgets.avatars import paint_avatar, paint_online
from client.ui.widgets.badge import paint_badge
from client.ui.widgets.composer_bar import drop_paths
from client.ui.words import list_time, tr
from protocol.values import ConvId

ROW_HEIGHT, EDGE, AVATAR, GAP = 64, 12, 48, 12
BAR, MARK, ICON, FAILED = 3, 16, 16, 18
AnyIndex = QModelIndex | QPersistentModelIndex


class ChatDelegate(QStyledItemDelegate):
    """Draws one row: disc, title and time, last message and what it needs."""

    def __init__(self, look: Look, model: ChatsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.look, self.model = look, model

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        """64 px, more when the text is larger."""
        return QSize(200, max(ROW_HEIGHT, self.look.px(44) + 20))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Draw a conversation."""
        entry: ChatEntry | None = index.data(ENTRY)
        if entry is None:
            return
        rect = QRectF(option.rect)  # type: ignore[attr-defined]
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        state: QStyle.StateFlag = option.state  # type: ignore[attr-defined]
        self._paint_ground(painter, rect, state)
        view = option.widget  # type: ignore[attr-defined]
        if isinstance(view, ChatView) and view.under_drag == index:
            self._paint_target(painter, rect)
        disc = QRectF(rect.left() + EDGE, rect.center().y() - AVATAR / 2, AVATAR, AVATAR)
        paint_avatar(painter, disc, title_of(entry, self.model.me), seed_of(entry, self.model.me), self.look)
        if self.model.online(entry):
            chosen = option.state & QStyle.StateFlag.State_Selected  # type: ignore[attr-defined]
            paint_online(painter, disc, self.look, "bg_selected" if chosen else "bg_sidebar")
        line = self.look.px(22)
        words = QRectF(disc.right() + GAP, 0, rect.right() - EDGE - disc.right() - GAP, line)
        words.moveTop(rect.center().y() - line)
        self._paint_title(painter, words, entry)
        self._paint_last(painter, words.translated(0, line), entry)
        painter.restore()

    def _paint_ground(self, painter: QPainter, rect: QRectF, state: QStyle.StateFlag) -> None:
        flag = QStyle.StateFlag
        if state & flag.State_Selected:
            painter.fillRect(rect, self.look.color("bg_selected"))
            painter.fillRect(QRectF(rect.left(), rect.top(), BAR, rect.height()), self.look.color("accent"))
        elif state & flag.State_MouseOver:
            painter.fillRect(rect, self.look.color("bg_hover"))
        if state & flag.State_HasFocus and state & flag.State_KeyboardFocusChange:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(self.look.color("focus"))
            painter.drawRoundedRect(rect.adjusted(2, 2, -2, -2), 6, 6)

    def _paint_target(self, painter: QPainter, rect: QRectF) -> None:
        """What is let go here goes to this chat."""
        painter.setBrush(self.look.color("bg_selected"))
        painter.setPen(QPen(self.look.color("accent"), 2, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(rect.adjusted(4, 3, -4, -3), 8, 8)

    def _paint_title(self, painter: QPainter, line: QRectF, entry: ChatEntry) -> None:
        look = self.look
        time = list_time(shown_ms(entry.last), self.model.now_ms()) if entry.last else ""
        painter.setFont(look.font("meta"))
        painter.setPen(look.color("text_2"))
        painter.drawText(line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, time)
        room = line.width() - (QFontMetricsF(look.font("meta")).horizontalAdvance(time) + 8 if time else 0)
        font = look.font("name_unread" if entry.unread else "name")
        _elided(painter, line, room, one_line(title_of(entry, self.model.me)), font, look.color("text_1"))

    def _paint_last(self, painter: QPainter, line: QRectF, entry: ChatEntry) -> None:
        right = self._paint_need(painter, line, entry)
        left = line.left()
        color = self.look.color("text_1" if entry.unread else "text_2")
        if draft := self.model.draft_words(entry):
            word = tr("Draft:") + " "
            font = self.look.font("body")
            left += _elided(painter, line, right - left, word, font, self.look.color("danger"))
            said = one_line(draft)
        elif said := self.model.doing(entry):
            color = self.look.color("text_link")
        else:
            left = self._paint_mark(painter, line, left, entry)
            icon, said = second_line(entry, self.model.me)
            if icon:
                spot = QRectF(left, line.center().y() - ICON / 2, ICON, ICON)
                icons.paint(painter, icon, spot, color)
                left = spot.right() + 5
        place = QRectF(left, line.top(), max(0.0, right - left), line.height())
        _elided(painter, place, place.width(), said, self.look.font("body"), color)

    def _paint_mark(self, painter: QPainter, line: QRectF, left: float, entry: ChatEntry) -> float:
        """How far the last message got, if it is ours."""
        mark = mark_of(Row(entry.last, form=entry.form)) if entry.last is not None else None
        if mark is None or entry.last is None or entry.last.state in (State.NEEDS_YOU, State.REFUSED):
            return left
        spot = QRectF(left, line.center().y() - MARK / 2, MARK, MARK)
        name = "mark_sending" if mark.icon == "ring" else mark.icon
        icons.paint(painter, name, spot, self.look.color(mark.token), self.look.color("bg_sidebar"))
        return spot.right() + 5

    def _paint_need(self, painter: QPainter, line: QRectF, entry: ChatEntry) -> float:
        """At the right: what needs the person, or how much is unread. Returns where the words must end."""
        middle = line.center().y()
        if entry.needs_you:
            spot = QRectF(line.right() - FAILED, middle - FAILED / 2, FAILED, FAILED)
            icons.paint(painter, "mark_needs_you", spot, self.look.color("danger"))
            return spot.left() - 8
        if entry.unread:
            words = str(min(entry.unread, 1000)) if entry.unread <= 999 else "999+"
            wide = max(20.0, QFontMetricsF(self.look.font("badge")).horizontalAdvance(words) + 12)
            box = paint_badge(painter, QPointF(line.right() - wide / 2, middle), entry.unread, self.look)
            if self.model.names_me(entry):
                spot = QRectF(box.left() - 6 - FAILED, middle - FAILED / 2, FAILED, FAILED)
                icons.paint(painter, "at", spot, self.look.color("accent"))
                return spot.left() - 8
            return box.left() - 8
        return line.right()


def _elided(painter: QPainter, line: QRectF, room: float, words: str, font: object, color: QColor) -> float:
    """Draw words on one line, cut with … ; return how wide they became. Their own direction does not move them."""
    painter.setFont(font)  # type: ignore[arg-type]
    painter.setPen(color)
    shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, int(max(0, room)))
    flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute
    painter.drawText(QRectF(line.left(), line.top(), room, line.height()), flags, shown)
    return painter.fontMetrics().horizontalAdvance(shown)


class ChatView(QListView):
    """The rows. Return opens, the menu key asks for the menu, other keys go to the search field."""

    opened = Signal(QModelIndex)
    dropped = Signal(QModelIndex, list)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "chats")
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setUniformItemSizes(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.empty_words = ""
        self.under_drag = QPersistentModelIndex()
        self.setAcceptDrops(True)

    # --- files dropped on a row

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files from elsewhere."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """The row under the pointer, unless nothing can be said there."""
        index = self.indexAt(event.position().toPoint())
        entry: ChatEntry | None = index.data(ENTRY) if index.isValid() else None
        if entry is None or entry.away:
            self._drag_over(QModelIndex())
            event.ignore()
        else:
            self._drag_over(index)
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Not here."""
        self._drag_over(QModelIndex())

    def dropEvent(self, event: QDropEvent) -> None:
        """For the conversation of this row; nothing is sent without Send."""
        index, paths = self.indexAt(event.position().toPoint()), drop_paths(event)
        self._drag_over(QModelIndex())
        if index.isValid() and paths:
            event.acceptProposedAction()
            self.dropped.emit(index, paths)

    def _drag_over(self, index: QModelIndex) -> None:
        self.under_drag = QPersistentModelIndex(index)
        self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return opens the chat the keyboard is at."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.opened.emit(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The rows, or why there are none."""
        super().paintEvent(event)
        if self.empty_words and self.model() is not None and not self.model().rowCount():
            with QPainter(self.viewport()) as painter:
                painter.setPen(self.palette().placeholderText().color())
                flags = Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap
                painter.drawText(self.viewport().rect().adjusted(24, 48, -24, 0), flags, self.empty_words)


class ContactList(QFrame):
    """Search field and chats. `chosen` names the conversation that the person wants to see.

    `moved`: other rows may be seen now; `dropped` carries a conversation and the files that were let go on its row.
    """

    chosen = Signal(str)
    dropped = Signal(str, list)
    menu_wanted = Signal(str, QPoint)
    moved = Signal()

    def __init__(self, themes: Themes, model: ChatsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "sidebar")
        self.model, self._themes = model, themes
        self._filter = ChatsFilter(model, self)
        self._selected = ConvId("")
        self._delegate = ChatDelegate(themes.look, model, self)
        self.search, self.view = QLineEdit(self), ChatView(self)
        self.search.setProperty("role", "search")
        self.search.setClearButtonEnabled(True)
        self._glass = QAction(self)
        self.search.addAction(self._glass, QLineEdit.ActionPosition.LeadingPosition)
        self.view.setModel(self._filter)
        self.view.setItemDelegate(self._delegate)
        self._arrange()
        self._listen()
        self.retranslate()
        self._restyle(themes.look)

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        field = QVBoxLayout()
        field.setContentsMargins(EDGE, 8, EDGE, 0)
        field.addWidget(self.search)
        column.addLayout(field)
        column.addWidget(self.view, 1)

    def _listen(self) -> None:
        self._themes.changed.connect(self._restyle)
        self.search.textChanged.connect(self._search)
        self.search.returnPressed.connect(self._choose_first)
        self.view.clicked.connect(self._choose)
        self.view.opened.connect(self._choose)
        self.view.dropped.connect(lambda index, paths: self.dropped.emit(index.data(ENTRY).conv, paths))
        self.view.customContextMenuRequested.connect(self._menu)
        self.view.verticalScrollBar().valueChanged.connect(lambda _: self.moved.emit())
        for changed in (self._filter.rowsInserted, self._filter.rowsMoved, self._filter.rowsRemoved):
            changed.connect(lambda *_: self.moved.emit())
        for changed in (self.model.rowsInserted, self.model.rowsMoved, self.model.rowsRemoved):
            changed.connect(lambda *_: self._mark_selected())

    def retranslate(self) -> None:
        """Say everything again in the language of now."""
        self.search.setPlaceholderText(tr("Search  Ctrl+K"))
        self.search.setAccessibleName(tr("Search chats"))
        self.view.setAccessibleName(tr("Chats"))
        self._say_why_empty()
        self.view.viewport().update()

    def _say_why_empty(self) -> None:
        wanted = one_line(self.search.text())
        self.view.empty_words = tr("Nothing for “{words}”", words=wanted) if wanted else tr("No chats yet")

    def changeEvent(self, event: QEvent) -> None:
        """Another language."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()

    def _restyle(self, look: Look) -> None:
        self._delegate.look = look
        self._glass.setIcon(icons.icon("search", look, "text_3", 16))
        self.view.doItemsLayout()
        self.view.viewport().update()

    # --- choosing

    def select(self, conv: ConvId) -> None:
        """Show which conversation is open, without telling that it was chosen."""
        self._selected = conv
        self._mark_selected()

    def _mark_selected(self) -> None:
        row = self.model.row_of(self._selected)
        index = self._filter.mapFromSource(self.model.index(row)) if row is not None else QModelIndex()
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect
        if index.isValid():
            self.view.selectionModel().setCurrentIndex(index, flags)
        else:
            self.view.clearSelection()

    def shown(self) -> list[ChatEntry]:
        """The conversations whose rows are seen now, and half a screen around them."""
        count, height = self._filter.rowCount(), self.view.viewport().height()
        first = self.view.indexAt(QPoint(4, 1)).row()
        if first < 0:
            return []
        tall = max(1, self.view.visualRect(self._filter.index(first, 0)).height())
        rows = height // tall + 1
        around = range(max(0, first - rows // 2), min(count, first + rows + rows // 2 + 1))
        return [self._filter.index(row, 0).data(ENTRY) for row in around]

    def focus_search(self) -> None:
        """Ctrl+K."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def leave_search(self) -> None:
        """Escape in the search field: all chats again."""
        if self.search.hasFocus():
            self.search.clear()
            self.view.setFocus()

    def next(self, step: int) -> None:
        """Choose the chat `step` rows further, as Alt+Down does."""
        count = self._filter.rowCount()
        if not count:
            return
        here = self.view.currentIndex()
        row = (here.row() + step) % count if here.isValid() else 0
        self._choose(self._filter.index(row, 0))

    def _search(self, text: str) -> None:
        self._filter.search(text)
        self._say_why_empty()
        self._mark_selected()

    def _choose_first(self) -> None:
        if self._filter.rowCount():
            self._choose(self._filter.index(0, 0))

    def _choose(self, index: QModelIndex) -> None:
        entry: ChatEntry = index.data(ENTRY)
        self.select(entry.conv)
        self.chosen.emit(entry.conv)

    def _menu(self, at: QPoint) -> None:
        index = self.view.indexAt(at)
        if index.isValid():
            entry: ChatEntry = index.data(ENTRY)
            self.menu_wanted.emit(entry.conv, self.view.viewport().mapToGlobal(at))
