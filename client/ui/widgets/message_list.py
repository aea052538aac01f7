"""The messages of a conversation: what floats above them, and what pointer and keyboard do with them."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QModelIndex, QPoint, QPointF, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QHideEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QAbstractSlider, QWidget

from client.core.model import State
from client.ui.bubbles.ink import Part, tile_of
from client.ui.bubbles.sheet import DAY_HEIGHT
from client.ui.theme import Look, Themes
from client.ui.viewmodels.conversation import ROW, ConversationModel
from client.ui.viewmodels.rows import Row, shown_ms
from client.ui.widgets.anchored_list import AnchoredList
from client.ui.widgets.day_pill import DayPill
from client.ui.widgets.hover_bar import HoverBar, HoverKeeper
from client.ui.widgets.jump_button import JumpButton
from client.ui.words import day, tr
from protocol.values import Lid

JUMP_AT_PX = 480
FLASH_MS = 1600
JUMP_EDGE = 16
TICK_MS = 100
LOADING_AFTER_MS = 200
"""Pages come from the disk at once; what takes longer comes from the server."""
LIVE = (State.UPLOADING, State.SENDING, State.CANCELLING)
WALKING = (
    Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown
)  # fmt: skip


class MessageList(AnchoredList):
    """The messages, what floats above them, and what pointer and keyboard do with them."""

    part_clicked = Signal(object, str)
    seek_clicked = Signal(object, float)
    link_clicked = Signal(str)
    menu_wanted = Signal(object, QPoint)
    read_upto = Signal(int)
    typed = Signal(str)
    looked_at = Signal(object, str)
    copy_wanted = Signal()

    def __init__(
        self,
        themes: Themes,
        model: ConversationModel,
        now_s: Callable[[], float],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(themes.look, model, now_s, parent)
        self._themes, self._read = themes, 0
        self._dragged = Lid(0)
        self.jump_button = JumpButton(themes.look, self)
        self._day, self._loading = DayPill(themes.look, self), DayPill(themes.look, self)
        self._wait_timer = QTimer(self, singleShot=True, interval=LOADING_AFTER_MS)
        self.offers: Callable[[Lid], frozenset[str]] = lambda _lid: frozenset()
        self.bar = HoverBar(themes, self.viewport())
        self.hover = HoverKeeper(self.bar, self.viewport(), self._lid_at, self._bubble_of, lambda lid: self.offers(lid))
        self._flash = QTimer(self, singleShot=True, interval=FLASH_MS)
        self._tick = QTimer(self)
        self._tick.setInterval(TICK_MS)
        self._dress()
        self._listen()

    def _dress(self) -> None:
        self.setProperty("role", "messages")
        self.setAccessibleName(tr("Messages"))
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setDragEnabled(False)
        self.setMouseTracking(True)
        self.setMinimumWidth(280)

    def _listen(self) -> None:
        self._themes.changed.connect(self._restyle)
        self.moved.connect(self._look_around)
        self._model.repaint.connect(self._repaint)
        self._model.waiting_changed.connect(self._show_waiting)
        self._wait_timer.timeout.connect(self._show_loading)
        self._model.rowsInserted.connect(lambda *_: self._count())
        self.pictures.arrived.connect(lambda _: self.viewport().update())
        self.jump_button.clicked.connect(self._jump)
        self._tick.timeout.connect(self._repaint_live)
        self._flash.timeout.connect(lambda: self._show_flash(Lid(0)))
        self.bar.wanted.connect(self._bar_wanted)
        self.verticalScrollBar().valueChanged.connect(lambda _value: self.hover.away())
        self._model.dataChanged.connect(lambda *_: self.hover.place())
        self._model.rowsRemoved.connect(lambda *_: self.hover.away())
        self._model.modelReset.connect(self.hover.away)

    def _begin(self) -> None:
        """Of another conversation nothing has been told yet."""
        self._read = 0
        super()._begin()

    # --- going somewhere

    def show_message(self, lid: Lid) -> None:
        """Go to a message that somebody asked for, and let it stand out for a moment."""
        self.scroll_to(lid)
        if (row := self._model.shown_row_of(lid)) is not None:
            self.selectionModel().setCurrentIndex(self._model.index(row), self.selectionModel().SelectionFlag.NoUpdate)
            lid = self._model.bubble_at(row).lid
        self._show_flash(lid)
        self._flash.start()

    def _show_flash(self, lid: Lid) -> None:
        old, self.bubbles.flashed = self.bubbles.flashed, lid
        for changed in {old, lid}:
            self._repaint(changed)

    def place_of(self, lid: Lid) -> QRect:
        """Where the bubble of a message is on the screen; empty if it is not in view."""
        rect, _ = self._bubble_of(lid)
        return QRect(self.viewport().mapToGlobal(rect.topLeft()), rect.size()) if not rect.isEmpty() else QRect()

    def _bubble_of(self, lid: Lid) -> tuple[QRect, bool]:
        """The part of a bubble that is in view, and whether it is an own one."""
        row = self._model.shown_row_of(lid)
        if row is None:
            return QRect(), False
        index = self._model.index(row)
        rect = self.bubbles.bubble_rect(index, self.visualRect(index))
        return rect.intersected(self.viewport().rect()), self._model.bubble_at(row).mine

    def _lid_at(self, point: QPoint) -> Lid:
        """The message under a point; of an album the one whose tile is there."""
        index, part = self._part_at(point)
        if not index.isValid():
            return Lid(0)
        tile = tile_of(part.name) if part is not None else None
        return tile[0] if tile is not None else self._model.bubble_at(index.row()).lid

    @property
    def pointed(self) -> Lid:
        """The message that the keyboard is at; 0 if it is at none."""
        index = self.currentIndex()
        return self._pointed_lid(index) if index.isValid() else Lid(0)

    def _pointed_lid(self, index: QModelIndex) -> Lid:
        """The message that the keyboard is at; in an album the one whose tile has its ring."""
        tile = tile_of(self.bubbles.focused_part) if self.bubbles.show_focus else None
        return tile[0] if tile is not None else self._model.bubble_at(index.row()).lid

    def _jump(self) -> None:
        """First to the divider if it is below, then to the very end."""
        row = self._model.divider_row()
        if row is not None and self.visualRect(self._model.index(row)).top() > self.viewport().height():
            self.scroll_to(self._model.bubble_at(row).lid)
        else:
            self.scroll_to_end()

    def walks_beside(self, lid: Lid | None) -> bool:
        """Whether the keyboard is at a message, and at another one than this."""
        index = self.currentIndex()
        return self.bubbles.show_focus and index.isValid() and self._model.bubble_at(index.row()).lid != lid

    def selected_lids(self) -> list[Lid]:
        """The selected messages, oldest first."""
        lids = [self._model.bubble_at(row).lid for row in sorted(index.row() for index in self.selectedIndexes())]
        albums = [tuple(each.lid for each in self._model.album(lid)) or (lid,) for lid in lids]
        return list(dict.fromkeys(lid for album in albums for lid in album))

    # --- what is around the messages

    def _look_around(self) -> None:
        self._count()
        self._show_day()
        self._tell_read()
        self._watch_live()

    def _count(self) -> None:
        far = not self._model.at_end or self.px_to_end() > JUMP_AT_PX
        below = self._bottom_index()
        unread = self._model.unread_below(self._model.last_row_of(below.row())) if below.isValid() and far else 0
        self.jump_button.show_count(unread)
        self.jump_button.setVisible(far and self._model.rowCount() > 0)

    def _show_day(self) -> None:
        index = self._top_index()
        row: Row | None = index.data(ROW) if index.isValid() else None
        own_pill = row is not None and row.place.day and self.visualRect(index).top() > -DAY_HEIGHT
        if row is None or own_pill or not self._loading.isHidden() or self.verticalScrollBar().maximum() == 0:
            self._day.hide()
            return
        self._day.show_day(day(shown_ms(row.bubble), self._model.now_ms()))
        self._day.show()

    def _show_waiting(self) -> None:
        """Earlier messages are on their way: say so if it takes a while."""
        if not self._model.waiting:
            self._wait_timer.stop()
            self._loading.hide()
            self._show_day()
        elif not self._wait_timer.isActive() and self._loading.isHidden():
            self._wait_timer.start()

    def _show_loading(self) -> None:
        self._day.hide()
        self._loading.show_day(tr("Loading earlier messages…"))
        self._loading.setAccessibleName(tr("Loading earlier messages…"))
        self._loading.show()

    def _tell_read(self) -> None:
        """The newest foreign position that stands in the view of an active window."""
        if not self.isVisible() or not self.window().isActiveWindow():
            return
        below = self._bottom_index()
        for row in range(self._model.last_row_of(below.row()) if below.isValid() else -1, -1, -1):
            bubble = self._model.bubble_at(row)
            if bubble.pos and not bubble.mine:
                if bubble.pos > self._read:
                    self._read = bubble.pos
                    self.read_upto.emit(bubble.pos)
                return

    # --- what moves

    def _watch_live(self) -> None:
        """Turn the clock only while something in view is on its way."""
        live = self.isVisible() and any(self._model.bubble_at(row).state in LIVE for row in self._visible_rows())
        if live != self._tick.isActive():
            self._tick.start() if live else self._tick.stop()

    def _repaint_live(self) -> None:
        self._watch_live()
        for row in self._visible_rows():
            if self._model.bubble_at(row).state in LIVE:
                self.update(self._model.index(row))

    def _repaint(self, lid: Lid) -> None:
        if (row := self._model.shown_row_of(lid)) is not None:
            self.update(self._model.index(row))

    # --- pointer

    def _part_at(self, point: QPoint) -> tuple[QModelIndex, Part | None]:
        index = self.indexAt(point)
        if not index.isValid():
            return index, None
        return index, self.bubbles.part_at(index, self.visualRect(index), QPointF(point))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The hand over what can be clicked."""
        if self._dragged and event.buttons() & Qt.MouseButton.LeftButton:
            self._seek(self._dragged, event.position())
            return
        index, part = self._part_at(event.position().toPoint())
        lid = self._model.bubble_at(index.row()).lid if part is not None else Lid(0)
        hovered = (lid, part.name if part is not None else "")
        if hovered != self.bubbles.hovered:
            old, self.bubbles.hovered = self.bubbles.hovered[0], hovered
            for changed in {old, lid}:
                self._repaint(changed)
            if hovered[1]:
                self.looked_at.emit(*hovered)
            shape = Qt.CursorShape.PointingHandCursor if part is not None else Qt.CursorShape.ArrowCursor
            self.viewport().setCursor(shape)
        super().mouseMoveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click on a part is its own; elsewhere it selects."""
        self.bubbles.show_focus = False
        index, part = self._part_at(event.position().toPoint())
        plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        if event.button() is Qt.MouseButton.LeftButton and part is not None and plain:
            self.selectionModel().setCurrentIndex(index, self.selectionModel().SelectionFlag.NoUpdate)
            self._click(index, part, event.position())
            event.accept()
            return None
        if event.button() is Qt.MouseButton.RightButton or (not index.isValid() and plain):
            self.clearSelection()
        if event.button() is not Qt.MouseButton.LeftButton or not plain:
            return super().mousePressEvent(event) if not plain else None
        self.clearSelection()
        return None

    def _click(self, index: QModelIndex, part: Part, point: QPointF) -> None:
        lid, tile = self._model.bubble_at(index.row()).lid, tile_of(part.name)
        if tile is not None:
            self.part_clicked.emit(*tile)
        elif part.name.startswith("link:"):
            self.link_clicked.emit(part.name.removeprefix("link:"))
        elif part.name == "wave":
            self._dragged = lid
            self._seek(lid, point)
        else:
            if part.name == "more":
                self._keep_here(index)
                self._model.expand(lid)
            self.part_clicked.emit(lid, part.name)

    def _seek(self, lid: Lid, point: QPointF) -> None:
        """Where in a waveform the pointer is, or above or below of; a drag may leave its bubble."""
        row = self._model.row_of(lid)
        if row is not None:
            index = self._model.index(row)
            rect = self.bubbles.part_rect(index, self.visualRect(index), "wave")
            self.seek_clicked.emit(lid, min(1.0, max(0.0, (point.x() - rect.left()) / max(1, rect.width()))))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A drag along a waveform ends where it is."""
        self._dragged = Lid(0)
        super().mouseReleaseEvent(event)

    def _bar_wanted(self, lid: Lid, name: str) -> None:
        """A button of the bar beside a message."""
        if name == "menu":
            self.menu_wanted.emit(lid, self.bar.mapToGlobal(self.bar.rect().bottomLeft()))
        else:
            self.part_clicked.emit(lid, name)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """The menu of the message under the pointer, or of the one the keyboard is at."""
        keyboard = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if keyboard else self.indexAt(event.pos())
        if not index.isValid():
            return
        at = event.globalPos()
        lid = self._pointed_lid(index) if keyboard else self._lid_at(event.pos())
        if keyboard:
            rect = self.bubbles.bubble_rect(index, self.visualRect(index))
            at = self.viewport().mapToGlobal(rect.center())
        self.setCurrentIndex(index)
        self.menu_wanted.emit(lid, at)

    # --- keyboard

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and Down walk through messages, Left and Right through what a message offers, Return does it."""
        key, index = event.key(), self.currentIndex()
        if key in WALKING:
            self._walk(event)
        elif key in (Qt.Key.Key_Right, Qt.Key.Key_Left) and index.isValid():
            self._walk_parts(index, 1 if key == Qt.Key.Key_Right else -1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and index.isValid():
            self._do(index)
        elif key == Qt.Key.Key_Delete and index.isValid():
            self._remove(index)
        elif event.matches(QKeySequence.StandardKey.Copy):
            self.copy_wanted.emit()
        elif event.text().isprintable() and event.text() and not _with_control(event):
            self.typed.emit(event.text())
        else:
            super().keyPressEvent(event)

    def _remove(self, index: QModelIndex) -> None:
        """Of an album only the one whose tile the keyboard is at: first it goes to one."""
        lid = self._pointed_lid(index)
        if self._model.album(lid) and tile_of(self.bubbles.focused_part) is None:
            self._walk_parts(index, 1)
        else:
            self.part_clicked.emit(lid, "remove")

    def _walk(self, event: QKeyEvent) -> None:
        shown, self.bubbles.show_focus, self.bubbles.focused_part = self.bubbles.show_focus, True, ""
        if event.key() == Qt.Key.Key_End and _with_control(event):
            self.scroll_to_end()
            return
        if not shown or not self.currentIndex().isValid():
            self._stay_in_view()
        elif event.key() in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            up = event.key() == Qt.Key.Key_PageUp
            action = QAbstractSlider.SliderAction
            self.verticalScrollBar().triggerAction(action.SliderPageStepSub if up else action.SliderPageStepAdd)
        else:
            super().keyPressEvent(event)
            self.scrollTo(self.currentIndex())
        self._point_bar(self.currentIndex())
        self.viewport().update()

    def _point_bar(self, index: QModelIndex) -> None:
        """The bar stands beside the message that the keyboard is at."""
        if index.isValid():
            self.hover.key_at(self._pointed_lid(index), self.bubbles.focused_part)

    def _names(self, index: QModelIndex) -> list[str]:
        """What Right walks through: the parts of the bubble, then the bar beside it."""
        return [*self.bubbles.part_names(index), *self.hover.names(self._pointed_lid(index))]

    def _walk_parts(self, index: QModelIndex, step: int) -> None:
        names = ["", *self._names(index)]
        here = names.index(self.bubbles.focused_part) if self.bubbles.focused_part in names else 0
        self.bubbles.focused_part = names[(here + step) % len(names)]
        self.bubbles.show_focus = True
        self._point_bar(index)
        self.update(index)

    def _do(self, index: QModelIndex) -> None:
        names = self.bubbles.part_names(index)
        name, lid = self.bubbles.focused_part, self._pointed_lid(index)
        if name in self.hover.names(lid) and name not in names:
            self._bar_wanted(lid, name)
            return
        name = name if name in names else (names or [""])[0]
        if name:
            rect = self.bubbles.part_rect(index, self.visualRect(index), name)
            self._click(index, Part(name, QRectF(rect)), QPointF(rect.center()))

    def focusInEvent(self, event: QEvent) -> None:  # type: ignore[override]
        """Tab shows where the keyboard is; a click does not. Qt would begin at the oldest message: we do not."""
        fresh = not self.currentIndex().isValid()
        super().focusInEvent(event)  # type: ignore[arg-type]
        if fresh:
            self._to_lowest()
        tab = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)
        if event.reason() in tab:  # type: ignore[attr-defined]
            self.bubbles.show_focus = True

    def focusOutEvent(self, event: QEvent) -> None:  # type: ignore[override]
        """The bar belongs to the keyboard no longer."""
        super().focusOutEvent(event)  # type: ignore[arg-type]
        if not self.bar.underMouse():
            self.hover.away()

    def _stay_in_view(self) -> None:
        """Bring the keyboard to the lowest message that is seen, unless it is at one that is seen."""
        here = self.currentIndex()
        if not here.isValid() or here.row() not in self._visible_rows():
            self._to_lowest()

    def _to_lowest(self) -> None:
        self.selectionModel().setCurrentIndex(self._bottom_index(), self.selectionModel().SelectionFlag.NoUpdate)

    # --- the widget

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The lane follows the width; the place in the conversation stays."""
        super().resizeEvent(event)
        size = self.jump_button.size()
        bar = self.verticalScrollBar().width()
        self.jump_button.move(
            self.width() - bar - size.width() - JUMP_EDGE + 8, self.height() - size.height() - JUMP_EDGE + 8
        )
        for pill in (self._day, self._loading):
            pill.setGeometry(QRect(0, 4, self.viewport().width(), 32))
        self.doItemsLayout()

    def changeEvent(self, event: QEvent) -> None:
        """Another language: every row says something else. Another window in front: nothing is being read."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.setAccessibleName(tr("Messages"))
            self.bubbles.forget()
            self._model.refresh()
        elif event.type() is QEvent.Type.ActivationChange:
            self._tell_read()

    def showEvent(self, event: QShowEvent) -> None:
        """Things move again."""
        super().showEvent(event)
        self._after_move()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing moves that nobody sees."""
        super().hideEvent(event)
        self._tick.stop()

    def _restyle(self, look: Look) -> None:
        self.bubbles.restyle(look)
        self.jump_button.restyle(look)
        self._day.restyle(look)
        self._loading.restyle(look)
        self.doItemsLayout()
        self.viewport().update()


def _with_control(event: QKeyEvent) -> bool:
    held = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
    return bool(event.modifiers() & held)
