"""All media of a conversation: pictures and films as a grid, voice notes and files as lists; nothing is fetched."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QListView,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from client.core.model import MediaKind
from client.ui import icons
from client.ui.bubbles.ink import ON_PILL, PILL, circle_button, focus_ring, ring
from client.ui.bubbles.media import moved_words, type_words
from client.ui.bubbles.pictures import Pictures
from client.ui.plain import isolate, one_line
from client.ui.theme import RADIUS_FIELD, SPACE, Look, Themes
from client.ui.viewmodels.media import ROW, MediaModel
from client.ui.viewmodels.rows import Row, shown_ms
from client.ui.widgets.buttons import IconButton
from client.ui.widgets.labels import PlainLabel
from client.ui.words import duration, list_time, size_words, tr
from protocol.content import Video, Voice

HEADER, TILE_MIN, TILE_GAP, LINE, DISC, GO = 48, 116, 4, 64, 40, 36
EMPTY_ICON, PILL_PAD, BADGE, DOT = 48, 6, 22, 8
TABS: tuple[tuple[tuple[MediaKind, ...], str], ...] = (
    (("picture", "video"), "picture"), (("voice",), "voice"), (("file",), "file"),
)  # fmt: skip
FACE_ICONS = {
    "away": "arrow_down", "loading": "pause", "paused": "arrow_down", "uploading": "arrow_up", "stopped": "arrow_up",
    "gone": "broken",
}  # fmt: skip
AnyIndex = QModelIndex | QPersistentModelIndex


def tab_words(place: int) -> str:
    """The name of a tab."""
    return (tr("Pictures and films"), tr("Voice notes"), tr("Files"))[place]


def empty_words(place: int) -> str:
    """What stands where there is nothing."""
    return (
        tr("No pictures or films in this chat yet."), tr("No voice notes in this chat yet."),
        tr("No files in this chat yet."),
    )[place]  # fmt: skip


class MediaDelegate(QStyledItemDelegate):
    """Draws a tile of the grid, or a line of a list, with what came inside the message and nothing else."""

    def __init__(self, look: Look, pictures: Pictures, now_ms: Callable[[], int], parent: QWidget) -> None:
        super().__init__(parent)
        self.look, self._pictures, self._now_ms = look, pictures, now_ms
        self.tile, self.grid = QSize(TILE_MIN, TILE_MIN), True

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        """All alike."""
        return self.tile

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """One of them."""
        row: Row = index.data(ROW)
        rect, state = QRectF(option.rect), option.state  # type: ignore[attr-defined]
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        if self.grid:
            box = rect.adjusted(0, 0, -TILE_GAP, -TILE_GAP)
            self._paint_tile(painter, box, row)
        else:
            box = rect.adjusted(0, 1, 0, -1)
            self._paint_line(painter, box, row, bool(state & QStyle.StateFlag.State_MouseOver))
        if state & QStyle.StateFlag.State_HasFocus:
            focus_ring(painter, box.adjusted(4, 4, -4, -4), RADIUS_FIELD, self.look)
        painter.restore()

    # --- the grid

    def _paint_tile(self, painter: QPainter, box: QRectF, row: Row) -> None:
        file = row.bubble.attachment
        assert file is not None
        film = isinstance(row.bubble.body, Video)
        shape = QPainterPath()
        shape.addRoundedRect(box, RADIUS_FIELD, RADIUS_FIELD)
        painter.save()
        painter.setClipPath(shape)
        picture = self._pictures.preview(file.preview)
        if picture is None:
            painter.fillRect(box, self.look.color("bubble_sys"))
            self._icon(painter, "video" if film else "picture", box, 32, "text_3")
        else:
            painter.drawPixmap(box, picture, _square(picture))
        painter.restore()
        if film:
            self._pill(painter, box, duration(file.duration_ms))
        if row.face in FACE_ICONS:
            badge = QRectF(box.right() - BADGE - 6, box.bottom() - BADGE - 6, BADGE, BADGE)
            circle_button(painter, badge, FACE_ICONS[row.face], PILL, ON_PILL)
            if row.face == "loading":
                ring(painter, badge, row.share, ON_PILL, 2)

    def _pill(self, painter: QPainter, box: QRectF, words: str) -> None:
        painter.setFont(self.look.font("meta"))
        metrics = painter.fontMetrics()
        high = metrics.height() + 2
        pill = QRectF(box.left() + 6, box.bottom() - 6 - high, metrics.horizontalAdvance(words) + 2 * PILL_PAD, high)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(PILL)
        painter.drawRoundedRect(pill, high / 2, high / 2)
        painter.setPen(ON_PILL)
        painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, words)

    def _icon(self, painter: QPainter, name: str, box: QRectF, side: float, token: str) -> None:
        spot = QRectF(0, 0, side, side)
        spot.moveCenter(box.center())
        icons.paint(painter, name, spot, self.look.color(token))

    # --- the lists

    def _paint_line(self, painter: QPainter, box: QRectF, row: Row, hovered: bool) -> None:
        look = self.look
        if hovered:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.color("bg_hover"))
            painter.drawRoundedRect(box, RADIUS_FIELD, RADIUS_FIELD)
        disc = QRectF(box.left() + SPACE[3], box.center().y() - DISC / 2, DISC, DISC)
        self._paint_disc(painter, disc, row)
        left = disc.right() + SPACE[3]
        room = go_rect(box).left() - SPACE[2] - left
        high, low = look.px(20), look.px(18)
        top = box.center().y() - (high + low + 2) / 2
        painter.setFont(look.font("name"))
        painter.setPen(look.color("text_1"))
        name = painter.fontMetrics().elidedText(title_words(row), Qt.TextElideMode.ElideMiddle, int(room))
        painter.drawText(QRectF(left, top, room, high), Qt.AlignmentFlag.AlignVCenter, name)
        painter.setFont(look.font("meta"))
        painter.setPen(look.color("text_2"))
        words = second_words(row, self._now_ms())
        shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, int(room - DOT - 6))
        painter.drawText(QRectF(left, top + high + 2, room, low), Qt.AlignmentFlag.AlignVCenter, shown)
        if isinstance(row.bubble.body, Voice) and not row.bubble.mine and not row.bubble.heard:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.color("accent"))
            at = left + painter.fontMetrics().horizontalAdvance(shown) + 6 + DOT / 2
            painter.drawEllipse(QPointF(at, top + high + 2 + low / 2), DOT / 2, DOT / 2)
        self._icon(painter, "message", go_rect(box), 18, "text_2")

    def _paint_disc(self, painter: QPainter, disc: QRectF, row: Row) -> None:
        """Play, fetch, or the file's ending."""
        file, look, face = row.bubble.attachment, self.look, row.face
        assert file is not None
        ground = look.color("bubble_sys" if face == "gone" else "accent")
        color = look.color("text_2" if face == "gone" else "on_accent")
        voice = isinstance(row.bubble.body, Voice)
        if face == "ready" and not voice:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ground)
            painter.drawRoundedRect(disc, RADIUS_FIELD, RADIUS_FIELD)
            painter.setPen(color)
            painter.setFont(look.font("tile"))
            words = painter.fontMetrics().elidedText(type_words(file), Qt.TextElideMode.ElideRight, DISC - 4)
            painter.drawText(disc, Qt.AlignmentFlag.AlignCenter, words)
            return
        runs = row.playing is not None and not row.playing.paused
        circle_button(painter, disc, FACE_ICONS.get(face, "pause" if runs else "play"), ground, color)
        if face == "loading":
            ring(painter, disc.adjusted(3, 3, -3, -3), row.share, color, 2)


def go_rect(box: QRectF) -> QRectF:
    """Where a line offers to go to its message."""
    return QRectF(box.right() - GO - SPACE[2], box.center().y() - GO / 2, GO, GO)


def title_words(row: Row) -> str:
    """The name of a file; who spoke."""
    file = row.bubble.attachment
    if isinstance(row.bubble.body, Voice) or file is None:
        return tr("You") if row.bubble.mine else one_line(row.sender)
    return one_line(file.name) or tr("File")


def second_words(row: Row, now_ms: int) -> str:
    """How much of it is here, else how long or large it is; who sent it, and when."""
    file, voice = row.bubble.attachment, isinstance(row.bubble.body, Voice)
    assert file is not None
    known = moved_words(row)
    if row.face == "gone":
        known = tr("No longer on the server")
    size = size_words(file.size_bytes)
    known = known or (f"{duration(file.duration_ms)} · {size}" if voice else size)
    who = "" if voice else tr("You") if row.bubble.mine else isolate(one_line(row.sender))
    return " · ".join(filter(None, (known, who, list_time(shown_ms(row.bubble), now_ms))))


def _square(picture: QPixmap) -> QRectF:
    """The middle of a picture."""
    side = min(picture.width(), picture.height())
    return QRectF((picture.width() - side) / 2, (picture.height() - side) / 2, side, side)


class MediaView(QListView):
    """The tiles or lines. `chosen` is a click or Return on one, `gone_to` one on its way to the message."""

    chosen = Signal(int)
    gone_to = Signal(int)
    menu_wanted = Signal(int, QPoint)

    def __init__(self, delegate: MediaDelegate, parent: QWidget) -> None:
        super().__init__(parent)
        self._delegate = delegate
        self.setProperty("role", "messages")
        self.setItemDelegate(delegate)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.verticalScrollBar().setSingleStep(40)

    def be_grid(self, grid: bool) -> None:
        """Tiles, or lines."""
        self._delegate.grid = grid
        self.setViewMode(QListView.ViewMode.IconMode if grid else QListView.ViewMode.ListMode)
        self.setMovement(QListView.Movement.Static)
        self.setWrapping(grid)
        self._fit()

    def _fit(self) -> None:
        """As many tiles beside each other as are at least 116 px wide."""
        bar = self.verticalScrollBar()
        room = self.viewport().width() - (0 if bar.isVisible() else bar.sizeHint().width()) - 1
        columns = max(1, room // TILE_MIN)
        side = room // columns
        size = QSize(side, side) if self._delegate.grid else QSize(room, self._delegate.look.px(LINE))
        self._delegate.tile = size
        self.setGridSize(size)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Other tiles."""
        self._fit()
        super().resizeEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click."""
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        if event.button() is not Qt.MouseButton.LeftButton or not index.isValid():
            return
        goes = not self._delegate.grid and go_rect(QRectF(self.visualRect(index))).contains(event.position())
        (self.gone_to if goes else self.chosen).emit(index.row())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return opens, Ctrl+Return goes to the message."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            held = event.modifiers() & Qt.KeyboardModifier.ControlModifier
            (self.gone_to if held else self.chosen).emit(self.currentIndex().row())
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """What can be done with it."""
        index = self.indexAt(event.pos())
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            index = self.currentIndex()
        if index.isValid():
            self.menu_wanted.emit(index.row(), event.globalPos())


class MediaTab(QFrame):
    """The page: a header with a way back, three tabs, and what they hold."""

    back_wanted = Signal()
    chosen = Signal(object)
    show_wanted = Signal(object)
    menu_wanted = Signal(object, QPoint)
    tab_wanted = Signal(int)

    def __init__(
        self, themes: Themes, model: MediaModel, pictures: Pictures, now_ms: Callable[[], int],
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.setObjectName("media_tab")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._themes, self.model = themes, model
        self.tab = 0
        self.back = IconButton(themes, "back", lambda: tr("Back to the messages (Esc)"), parent=self)
        self._name = PlainLabel(role="title", elide=True)
        self._delegate = MediaDelegate(themes.look, pictures, now_ms, self)
        self.view = MediaView(self._delegate, self)
        self.view.setModel(model)
        self._nothing, self._mark = PlainLabel(role="hint", parent=self), PlainLabel(parent=self)
        self._tabs = [QPushButton(self) for _ in TABS]
        self._arrange()
        self._listen()
        self._dress(themes.look)
        self.retranslate()
        self.be_empty()

    def _arrange(self) -> None:
        head = QFrame(self)
        head.setProperty("role", "header")
        head.setFixedHeight(HEADER)
        row = QHBoxLayout(head)
        row.setContentsMargins(SPACE[2], 0, SPACE[4], 0)
        row.setSpacing(SPACE[2])
        row.addWidget(self.back)
        row.addWidget(self._name, 1)
        tabs = QHBoxLayout()
        tabs.setSpacing(SPACE[2])
        group = QButtonGroup(self)
        for button in self._tabs:
            button.setCheckable(True)
            button.setAutoDefault(False)
            group.addButton(button)
            tabs.addWidget(button)
        tabs.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(head)
        inner = QVBoxLayout()
        inner.setContentsMargins(SPACE[4], SPACE[3], SPACE[4], 0)
        inner.setSpacing(SPACE[3])
        inner.addLayout(tabs)
        inner.addWidget(self.view, 1)
        inner.addWidget(self._mark, 1, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom)
        inner.addWidget(self._nothing, 1, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        column.addLayout(inner, 1)

    def _listen(self) -> None:
        self.back.clicked.connect(self.back_wanted)
        for place, button in enumerate(self._tabs):
            button.clicked.connect(lambda _checked=False, each=place: self.show_tab(each))
        self.view.chosen.connect(lambda place: self.chosen.emit(self.model.row(place).bubble))
        self.view.gone_to.connect(lambda place: self.show_wanted.emit(self.model.row(place).bubble))
        self.view.menu_wanted.connect(lambda place, at: self.menu_wanted.emit(self.model.row(place).bubble, at))
        self.model.loaded.connect(self._look_empty)
        self.model.modelReset.connect(self._look_empty)
        self._themes.changed.connect(self._restyle)

    def be_empty(self) -> None:
        """As it is before it is opened."""
        self._tabs[0].setChecked(True)
        self.view.be_grid(True)
        self._look_empty()

    def show_tab(self, place: int) -> None:
        """Pictures and films, voice notes, or files."""
        self.tab = place
        self._tabs[place].setChecked(True)
        self.view.be_grid(place == 0)
        self.view.setAccessibleName(tab_words(place))
        self._look_empty()
        self.tab_wanted.emit(place)

    def _look_empty(self) -> None:
        empty = self.model.empty
        self.view.setVisible(not empty)
        self._nothing.setVisible(empty)
        self._mark.setVisible(empty)
        self._nothing.setText(empty_words(self.tab))
        self._mark.setPixmap(icons.pixmap(TABS[self.tab][1], self._themes.look.color("text_3"), EMPTY_ICON, 2.0))

    def _restyle(self, look: Look) -> None:
        self._delegate.look = look
        self._dress(look)
        self.view.be_grid(self.tab == 0)
        self._look_empty()

    def _dress(self, look: Look) -> None:
        """The tab that is open is filled; nothing shines through from the messages below."""
        self.setStyleSheet(f"#media_tab {{ background: {look.color('bg_canvas').name()}; }}")
        on, words, hover = (look.color(token).name() for token in ("accent", "on_accent", "bg_hover"))
        style = f"""QPushButton {{ border: 2px solid transparent; border-radius: 16px; padding: 0 12px;
            min-height: 28px; background: transparent; color: {look.color("text_2").name()}; }}
            QPushButton:hover {{ background: {hover}; }}
            QPushButton:checked {{ background: {on}; color: {words}; }}
            QPushButton:focus {{ border-color: {look.color("focus").name()}; }}"""
        for button in self._tabs:
            button.setStyleSheet(style)

    def retranslate(self) -> None:
        """Say it in another language."""
        self._name.setText(tr("Media and files"))
        self.setAccessibleName(self._name.text())
        for place, button in enumerate(self._tabs):
            button.setText(tab_words(place))

    def changeEvent(self, event: QEvent) -> None:
        """Another language."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
            self.show_tab(self.tab)
