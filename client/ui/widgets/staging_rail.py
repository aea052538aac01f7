"""The rail above the text field: tiles of files that wait for Send, in the order in which they will go."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImageReader,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from client.ui import icons
from client.ui.bubbles.pictures import Pictures
from client.ui.plain import one_line
from client.ui.theme import RADIUS_FIELD, SPACE, Look, Themes
from client.ui.viewmodels.staging import FITTED_SIDE_PX, Staged, Tray
from client.ui.widgets.buttons import CheckBox, IconButton
from client.ui.widgets.labels import PlainLabel
from client.ui.words import plural, size_words, tr

TILE, HEIGHT, CROSS = 96, 140, 24
TOTAL_MIN = 110
"""Less room than this is none for how many files wait, and how large they are."""
WORTH_SAYING = 0.9
"""What is made less than a tenth smaller is not promised to be smaller."""
GLYPHS = {"picture": "picture", "voice": "voice", "video": "video", "file": "file"}


class Tile(QWidget):
    """One file: its picture, or an icon with its name; a cross takes it away."""

    removed = Signal(str)
    dragged = Signal(str, int)
    stepped = Signal(str, int)

    def __init__(self, themes: Themes, staged: Staged, pictures: Pictures, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("staged_tile")
        self._themes, self._staged, self._pictures = themes, staged, pictures
        self.setFixedSize(TILE, TILE)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._pressed_x: float | None = None
        name = one_line(staged.name)
        self.setToolTip(f"{name} · {size_words(staged.size_bytes)}")
        self.setAccessibleName(f"{name}, {size_words(staged.size_bytes)}")
        self.setAccessibleDescription(tr("Alt and an arrow moves it, Delete takes it away"))
        cross = IconButton(
            themes, "close", lambda: tr("Take it away"), size=CROSS, icon_size=14, color=QColor("white"), parent=self
        )
        cross.setStyleSheet("QToolButton { background: rgba(0, 0, 0, 166); border-radius: 12px; padding: 2px; }")
        cross.move(TILE - CROSS - 4, 4)
        cross.clicked.connect(lambda: self.removed.emit(staged.path))
        pictures.arrived.connect(self._arrived)
        themes.changed.connect(self._restyle)

    @property
    def path(self) -> str:
        """Which file it is."""
        return self._staged.path

    # --- another place: by a drag, or by Alt and an arrow

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A drag may begin."""
        if event.button() is Qt.MouseButton.LeftButton:
            self._pressed_x = event.globalPosition().x()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell how many places it is dragged away."""
        if self._pressed_x is None:
            return
        step = TILE + SPACE[2]
        places = round((event.globalPosition().x() - self._pressed_x) / step)
        if places:
            self._pressed_x += places * step
            self.dragged.emit(self.path, -places if self._mirrored() else places)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """It stays where it is."""
        self._pressed_x = None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows go from tile to tile; with Alt they take the tile along. Delete takes it away."""
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if (step := steps.get(Qt.Key(event.key()))) is not None:
            step = -step if self._mirrored() else step
            along = event.modifiers() & Qt.KeyboardModifier.AltModifier
            (self.dragged if along else self.stepped).emit(self.path, step)
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removed.emit(self.path)
        else:
            super().keyPressEvent(event)

    def _mirrored(self) -> bool:
        return self.layoutDirection() is Qt.LayoutDirection.RightToLeft

    # Methods, not lambdas: they are disconnected when the tile goes.
    def _arrived(self, path: str) -> None:
        if path == self._staged.path:
            self.update()

    def _restyle(self, _look: Look) -> None:
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The picture, or an icon over the name."""
        look, box = self._themes.look, QRectF(self.rect())
        with QPainter(self) as painter:
            painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
            frame = QPainterPath()
            frame.addRoundedRect(box, RADIUS_FIELD, RADIUS_FIELD)
            painter.fillPath(frame, look.color("bg_input"))
            painter.setClipPath(frame)
            if self._staged.guess != "picture" or not self._paint_picture(painter, box):
                self._paint_name(painter, box)
            if self.hasFocus():
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(look.color("focus"), 4))
                painter.drawRoundedRect(box, RADIUS_FIELD, RADIUS_FIELD)

    def _paint_name(self, painter: QPainter, box: QRectF) -> None:
        """An icon, and the name below it."""
        look = self._themes.look
        spot = QRectF(0, 0, 28, 28)
        spot.moveCenter(box.center() - QRectF(0, 0, 0, 28).center())
        icons.paint(painter, GLYPHS[self._staged.guess], spot, look.color("accent"))
        painter.setFont(look.font("meta"))
        painter.setPen(look.color("text_2"))
        line = QRectF(8, TILE - 30, TILE - 16, 22)
        words = painter.fontMetrics().elidedText(
            one_line(self._staged.name), Qt.TextElideMode.ElideMiddle, int(line.width())
        )
        painter.drawText(line, Qt.AlignmentFlag.AlignCenter, words)

    def _paint_picture(self, painter: QPainter, box: QRectF) -> bool:
        side = round(TILE * self.devicePixelRatioF())
        picture = self._pictures.file(self._staged.path, QSize(side, side))
        if picture is None:
            return False
        size = picture.size().scaled(box.size().toSize(), Qt.AspectRatioMode.KeepAspectRatioByExpanding)
        at = QRectF(0, 0, size.width(), size.height())
        at.moveCenter(box.center())
        painter.drawPixmap(at, picture, QRectF(picture.rect()))
        return True


class StagingRail(QFrame):
    """`changed` carries the tray after the person took something away, moved it or turned the switch.

    `more_wanted` is “+”, `compress_wanted` carries whether pictures and films are to be made smaller.
    """

    changed = Signal(object)
    more_wanted = Signal()
    compress_wanted = Signal(bool)

    def __init__(self, themes: Themes, pictures: Pictures, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "composer")
        self._themes, self._pictures, self._tray = themes, pictures, Tray()
        self._tiles = QHBoxLayout()
        self._tiles.setSpacing(SPACE[2])
        self._tiles.setContentsMargins(SPACE[3], SPACE[2], SPACE[3], 0)
        self._total, self._as_files = PlainLabel(role="meta", elide=True, parent=self), CheckBox(themes, self)
        self._compress = CheckBox(themes, self)
        self._compress.setObjectName("compress")
        self._compress.toggled.connect(self._compress_toggled)
        self._as_files.setObjectName("as_files")
        self._as_files.toggled.connect(self._switch)
        self._arrange()
        self.retranslate()
        self.hide()

    def _arrange(self) -> None:
        holder = QWidget()
        holder.setLayout(self._tiles)
        area = QScrollArea(self)
        area.setWidget(holder)
        area.setWidgetResizable(True)
        area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        area.setFixedHeight(TILE + SPACE[2] + 12)
        below = self._below = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        below.setContentsMargins(SPACE[3], 0, SPACE[3], SPACE[1])
        below.setSpacing(SPACE[3])
        below.addWidget(self._total, 1)
        for box in (self._compress, self._as_files):
            box.setMinimumWidth(1)
        below.addWidget(self._compress)
        below.addWidget(self._as_files)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(area)
        column.addLayout(below)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Beside one another, or below where there is no room for that."""
        super().resizeEvent(event)
        boxes = [box for box in (self._compress, self._as_files) if not box.isHidden()]
        wanted = sum(box.sizeHint().width() + SPACE[3] for box in boxes) + TOTAL_MIN + 2 * SPACE[3]
        way = QBoxLayout.Direction
        self._below.setDirection(way.LeftToRight if wanted <= self.width() else way.TopToBottom)

    def show_tray(self, tray: Tray, *, small: bool = True) -> None:
        """Draw what waits; nothing waits, nothing is shown. `small`: pictures and films are made smaller."""
        before, after = [tile.path for tile in self.tiles], [staged.path for staged in tray.files]
        if sorted(before) != sorted(after) or tray.full != self._tray.full:
            self._rebuild(tray)
        elif before != after:
            self._put_in_order(after)
        self._tray = tray
        kinds = {staged.guess for staged in tray.files}
        for box, on in ((self._as_files, tray.as_files), (self._compress, small)):
            box.blockSignals(True)
            box.setChecked(on)
            box.blockSignals(False)
        self._as_files.setVisible(kinds != {"file"})
        self._compress.setVisible(bool(kinds & {"picture", "video"}) and not tray.as_files)
        self._count()
        self.setVisible(bool(tray.files))

    @property
    def tiles(self) -> list[Tile]:
        """What is shown, in its order."""
        items = [self._tiles.itemAt(place) for place in range(self._tiles.count())]
        return [tile for item in items if item is not None and isinstance(tile := item.widget(), Tile)]

    def _put_in_order(self, paths: list[str]) -> None:
        """The same tiles, so that the one under the pointer stays under it."""
        for place, path in enumerate(paths):
            tile = next(tile for tile in self.tiles if tile.path == path)
            self._tiles.removeWidget(tile)
            self._tiles.insertWidget(place, tile)

    def _drag(self, path: str, places: int) -> None:
        here = [staged.path for staged in self._tray.files].index(path)
        self.changed.emit(self._tray.moved(path, here + places))

    def _step(self, path: str, places: int) -> None:
        """The keyboard goes to the next tile."""
        tiles = self.tiles
        here = next(place for place, tile in enumerate(tiles) if tile.path == path)
        tiles[max(0, min(len(tiles) - 1, here + places))].setFocus(Qt.FocusReason.TabFocusReason)

    def _rebuild(self, tray: Tray) -> None:
        while (item := self._tiles.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for staged in tray.files:
            tile = Tile(self._themes, staged, self._pictures)
            tile.removed.connect(lambda path: self.changed.emit(self._tray.without(path)))
            tile.dragged.connect(self._drag)
            tile.stepped.connect(self._step)
            self._tiles.addWidget(tile)
        if not tray.full:
            more = IconButton(self._themes, "add", lambda: tr("Add another file"), size=TILE, icon_size=24)
            more.clicked.connect(self.more_wanted)
            self._tiles.addWidget(more)
        self._tiles.addStretch(1)

    def _switch(self, on: bool) -> None:
        self.changed.emit(replace(self._tray, as_files=on))

    def _compress_toggled(self, on: bool) -> None:
        self._count()
        self.compress_wanted.emit(on)

    def _count(self) -> None:
        """How many, how large, how large about when they go, and how many messages they will be."""
        tray = self._tray
        said = [plural("{count} file", "{count} files", len(tray.files)), size_words(tray.size_bytes)]
        if self._compress.isChecked() and not tray.as_files:
            about = sum(small_bytes(staged) for staged in tray.files)
            if about < tray.size_bytes * WORTH_SAYING:
                said.append(tr("about {size} when sent", size=size_words(about)))
            if tray.large_films:
                said.append(tr("large films are made smaller first"))
        if len(tray.albums) > 1:
            said.append(plural("{count} album", "{count} albums", len(tray.albums)))
        self._total.setText(" · ".join(said))
        self._total.setToolTip(self._total.text())

    def retranslate(self) -> None:
        """Say it in another language."""
        self._compress.setText(tr("Compress images"))
        self._compress.setToolTip(tr("Pictures are fitted to 2,048 px, and large films made smaller. Off: as they are"))
        self._as_files.setText(tr("Send as plain files"))
        self._as_files.setToolTip(tr("The other side gets exactly these files, with a name instead of a picture"))
        self.setAccessibleName(tr("Files to send"))
        self._count()

    def changeEvent(self, event: QEvent) -> None:
        """Another language."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()


def small_bytes(staged: Staged) -> int:
    """About how large a file will be once it was made smaller: pictures by their header, films are not foretold."""
    if staged.guess != "picture":
        return staged.size_bytes
    return _fitted_bytes(staged.path, staged.size_bytes)


@lru_cache(maxsize=256)
def _fitted_bytes(path: str, size_bytes: int) -> int:
    size = QImageReader(path).size()
    longest = max(size.width(), size.height())
    return round(size_bytes * (FITTED_SIDE_PX / longest) ** 2) if longest > FITTED_SIDE_PX else size_bytes
