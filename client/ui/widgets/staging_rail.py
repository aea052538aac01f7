"""The rail above the text field: tiles of files that wait for Send."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from client.ui import icons
from client.ui.bubbles.pictures import Pictures
from client.ui.plain import one_line
from client.ui.theme import RADIUS_FIELD, SPACE, Look, Themes
from client.ui.viewmodels.staging import Staged, Tray
from client.ui.widgets.buttons import CheckBox, IconButton
from client.ui.widgets.labels import PlainLabel
from client.ui.words import plural, size_words, tr

TILE, HEIGHT, CROSS = 96, 140, 24
GLYPHS = {"picture": "picture", "voice": "voice", "video": "video", "file": "file"}


class Tile(QWidget):
    """One file: its picture, or an icon with its name; a cross takes it away."""

    removed = Signal(str)

    def __init__(self, themes: Themes, staged: Staged, pictures: Pictures, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("staged_tile")
        self._themes, self._staged, self._pictures = themes, staged, pictures
        self.setFixedSize(TILE, TILE)
        name = one_line(staged.name)
        self.setToolTip(f"{name} · {size_words(staged.size_bytes)}")
        self.setAccessibleName(f"{name}, {size_words(staged.size_bytes)}")
        cross = IconButton(
            themes, "close", lambda: tr("Take it away"), size=CROSS, icon_size=14, color=QColor("white"), parent=self
        )
        cross.setStyleSheet("QToolButton { background: rgba(0, 0, 0, 166); border-radius: 12px; padding: 2px; }")
        cross.move(TILE - CROSS - 4, 4)
        cross.clicked.connect(lambda: self.removed.emit(staged.path))
        pictures.arrived.connect(self._arrived)
        themes.changed.connect(self._restyle)

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
            if self._staged.guess == "picture" and self._paint_picture(painter, box):
                return
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
    """`changed` carries the tray after the person took something away or turned the switch; `more_wanted` is “+”."""

    changed = Signal(object)
    more_wanted = Signal()

    def __init__(self, themes: Themes, pictures: Pictures, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "composer")
        self._themes, self._pictures, self._tray = themes, pictures, Tray()
        self._tiles = QHBoxLayout()
        self._tiles.setSpacing(SPACE[2])
        self._tiles.setContentsMargins(SPACE[3], SPACE[2], SPACE[3], 0)
        self._total, self._as_files = PlainLabel(role="meta", parent=self), CheckBox(themes, self)
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
        below = QHBoxLayout()
        below.setContentsMargins(SPACE[3], 0, SPACE[3], SPACE[1])
        below.addWidget(self._total, 1)
        below.addWidget(self._as_files)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(area)
        column.addLayout(below)

    def show_tray(self, tray: Tray) -> None:
        """Draw what waits; nothing waits, nothing is shown."""
        if [staged.path for staged in tray.files] != [staged.path for staged in self._tray.files]:
            self._rebuild(tray)
        self._tray = tray
        self._as_files.blockSignals(True)
        self._as_files.setChecked(tray.as_files)
        self._as_files.blockSignals(False)
        self._as_files.setVisible(any(staged.guess != "file" for staged in tray.files))
        self._count()
        self.setVisible(bool(tray.files))

    def _rebuild(self, tray: Tray) -> None:
        while (item := self._tiles.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for staged in tray.files:
            tile = Tile(self._themes, staged, self._pictures)
            tile.removed.connect(lambda path: self.changed.emit(self._tray.without(path)))
            self._tiles.addWidget(tile)
        if not tray.full:
            more = IconButton(self._themes, "add", lambda: tr("Add another file"), size=TILE, icon_size=24)
            more.clicked.connect(self.more_wanted)
            self._tiles.addWidget(more)
        self._tiles.addStretch(1)

    def _switch(self, on: bool) -> None:
        self.changed.emit(Tray(self._tray.files, on))

    def _count(self) -> None:
        words = plural("{count} file", "{count} files", len(self._tray.files))
        self._total.setText(f"{words} · {size_words(self._tray.size_bytes)}")

    def retranslate(self) -> None:
        """Say it in another language."""
        self._as_files.setText(tr("Send as plain files"))
        self._as_files.setToolTip(tr("The other side gets exactly these files, with a name instead of a picture"))
        self.setAccessibleName(tr("Files to send"))
        self._count()

    def changeEvent(self, event: QEvent) -> None:
        """Another language."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
