"""The viewer: one picture or film over the whole window, on a dark layer, with its neighbours one key away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QEvent, QObject, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QImage, QKeyEvent, QResizeEvent
from PySide6.QtMultimedia import QVideoFrame, QVideoSink
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QVBoxLayout, QWidget

from client.ui.pixels import PictureReader
from client.ui.sound.player import Player
from client.ui.theme import SPACE, Themes
from client.ui.widgets.buttons import IconButton, WordButton, Words
from client.ui.widgets.canvas import ZOOM_STEP, Canvas
from client.ui.widgets.labels import PlainLabel
from client.ui.widgets.mini_player import SeekBar, SpeedButton
from client.ui.words import duration, size_share, size_words, tr
from protocol.values import Lid

WHITE = QColor("white")
TOP, BOTTOM, SIDE, ARROW = 56, 56, 16, 48
SKIP_S, LOUDER = 5.0, 0.1
NAME_PX, VOLUME_PX, OFFER_PX, WIDE_PX = 280, 88, 420, 680
NEAR_END_MS = 1000
"""A film that was left so shortly before its end begins anew."""
STYLE = """
#viewer_panel, #viewer_offer { background: #0B0F14; }
#viewer_offer { border: 1px solid #3A4652; border-radius: 12px; }
QToolButton { border-radius: 8px; }
QToolButton:hover { background: #26313C; }
#viewer_step { background: rgba(38, 49, 60, 225); border-radius: 24px; }
#viewer_step:hover { background: #3A4652; }
QPushButton[kind="link"] { color: white; }
"""

Shape = Literal["away", "loading", "ready", "gone", "unread"]
"""What there is to see: the preview, the preview while the file comes, the file, nothing any more, no decoder."""


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One picture or film of a conversation, the `place`-th of `count`. `path` is empty while it is not here."""

    lid: Lid
    film: bool
    who: str
    when: str
    place: int
    count: int
    shape: Shape
    path: str = ""
    preview: QImage | None = None
    size: QSize = QSize()
    duration_ms: int = 0
    done_bytes: int = 0
    size_bytes: int = 0


class Viewer(QWidget):
    """Lies over its parent.

    `wanted(lid, part)` is a wish about what is shown: save, copy_file, folder, forward, show (where it was said),
    download, stop, outside (in another program). `stepped` asks for a neighbour, -1 or 1; `film_wanted` for a film to
    begin; `closed` says that it is gone.
    """

    wanted = Signal(object, str)
    stepped = Signal(int)
    film_wanted = Signal()
    speed_chosen = Signal(float)
    opened = Signal()
    closed = Signal()

    def __init__(self, themes: Themes, player: Player, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("viewer")
        self.setStyleSheet(STYLE)
        self._parent, self._player = parent, player
        self._item: Exhibit | None = None
        self._left_ms: dict[Lid, int] = {}
        self._was_full = False
        self._sink = QVideoSink(self)
        self._reader = PictureReader(self)
        self.canvas = Canvas(self)
        self._build(themes)
        self._listen()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        parent.installEventFilter(self)
        self.hide()

    # --- building

    def _build(self, themes: Themes) -> None:
        def button(icon: str, words: Words, size: int = 40) -> IconButton:
            return IconButton(themes, icon, words, size=size, color=WHITE, parent=self)

        self._who, self._when, self._count = (PlainLabel(parent=self) for _ in range(3))
        self._time, self._said = PlainLabel(parent=self), PlainLabel(parent=self)
        for label in (self._who, self._when, self._count, self._time, self._said):
            label.setStyleSheet(f"color: white; font-weight: {600 if label is self._who else 400};")
        self._deeds = {
            "save": button("save", lambda: tr("Save as… (Ctrl+S)")),
            "copy_file": button("copy", lambda: tr("Copy (Ctrl+C)")),
            "folder": button("folder", lambda: tr("Show in folder")),
            "forward": button("forward", lambda: tr("Forward…")),
            "show": button("message", lambda: tr("Go to the message")),
        }
        self._rotate = button("rotate", lambda: tr("Rotate (R)"))
        self._full = button("full_screen", lambda: tr("Full screen (F)"))
        self._close = button("close", lambda: tr("Close (Esc)"))
        self._before, self._after = (
            button("back", lambda: tr("Previous"), ARROW), button("next", lambda: tr("Next"), ARROW)
        )  # fmt: skip
        self._play = button("pause", _pause_words)
        self._loud = button("volume", lambda: tr("Sound off and on (M)"))
        self._seek, self._volume = SeekBar(themes, over_picture=True), SeekBar(themes, over_picture=True)
        self._volume.setFixedWidth(VOLUME_PX)
        self._speed = SpeedButton()
        self._do = WordButton(lambda: "", "primary")
        self._arrange()

    def _arrange(self) -> None:
        self._bar, self._controls, self._offer = QWidget(self), QWidget(self), QFrame(self)
        self._bar.setObjectName("viewer_panel")
        self._controls.setObjectName("viewer_panel")
        self._offer.setObjectName("viewer_offer")
        for arrow in (self._before, self._after):
            arrow.setObjectName("viewer_step")
        top = QHBoxLayout(self._bar)
        top.setContentsMargins(SPACE[4], 0, SPACE[2], 0)
        for label in (self._who, self._when, self._count):
            top.addWidget(label)
            top.addSpacing(SPACE[2])
        top.addStretch(1)
        for each in (self._rotate, self._full, *self._deeds.values(), self._close):
            top.addWidget(each)
        below = QHBoxLayout(self._controls)
        below.setContentsMargins(SPACE[4], 0, SPACE[4], 0)
        below.setSpacing(SPACE[3])
        below.addWidget(self._play)
        below.addWidget(self._seek, 1)
        for part in (self._time, self._loud, self._volume, self._speed):
            below.addWidget(part)
        offer = QVBoxLayout(self._offer)
        offer.setContentsMargins(SPACE[4], SPACE[3], SPACE[4], SPACE[3])
        offer.setSpacing(SPACE[3])
        offer.addWidget(self._said, 0, Qt.AlignmentFlag.AlignHCenter)
        offer.addWidget(self._do, 0, Qt.AlignmentFlag.AlignHCenter)

    def _listen(self) -> None:
        self._rotate.clicked.connect(self.canvas.rotate)
        self._full.clicked.connect(self._toggle_full)
        self._close.clicked.connect(self.leave)
        for part, button in self._deeds.items():
            button.clicked.connect(lambda _checked=False, each=part: self._want(each))
        self._do.clicked.connect(lambda: self._want(self._offered))
        self._before.clicked.connect(lambda: self.stepped.emit(-1))
        self._after.clicked.connect(lambda: self.stepped.emit(1))
        self._play.clicked.connect(self._toggle)
        self._loud.clicked.connect(self._mute)
        self._volume.sought.connect(self._player.volume)
        self._speed.chosen.connect(self.speed_chosen)
        self._seek.sought.connect(self._player.seek)
        self._player.changed.connect(self._follow)
        self._player.ended.connect(self._ended)
        self._player.unshown.connect(self._unread)
        self._player.failed.connect(self._unread)
        self._sink.videoFrameChanged.connect(self._frame)
        self._reader.came.connect(self._came)
        self.canvas.clicked.connect(lambda: self._toggle() if self._film and self._ready else None)

    # --- what is shown

    @property
    def lid(self) -> Lid:
        """What is shown; 0 if nothing is."""
        return self._item.lid if self._item is not None and not self.isHidden() else Lid(0)

    @property
    def item(self) -> Exhibit | None:
        """What is shown, or was the last."""
        return self._item

    @property
    def _film(self) -> bool:
        return self._item is not None and self._item.film

    @property
    def _ready(self) -> bool:
        return self._item is not None and self._item.shape == "ready"

    def show_item(self, item: Exhibit) -> None:
        """Show this; of the same thing only what is known of it now. A film that is ready asks to be begun."""
        before, self._item = self._item, item
        fresh = self.isHidden() or before is None or before.lid != item.lid
        arrived = item.shape == "ready" and (fresh or (before is not None and before.shape != "ready"))
        if fresh:
            self._leave_film(before)
            self.canvas.zoomable = not item.film
            self.canvas.show_image(item.preview or QImage(), item.size)
        self._label(item)
        if fresh:
            self._appear()
        if arrived and item.film:
            self._player.show_on(self._sink)
            self.film_wanted.emit()
        elif arrived:
            self._reader.read(item.path)

    def begin(self) -> None:
        """Play the film that is shown, from where it was left."""
        item = self._item
        if item is not None and item.film and item.path:
            self._player.show_on(self._sink)
            self._player.play(item.lid, item.path, item.duration_ms, from_ms=self._left_ms.pop(item.lid, 0))

    def leave(self) -> None:
        """Back to the messages."""
        if self.isHidden():
            return
        self._leave_film(self._item)
        self.hide()
        self._full_screen(False)
        self._player.show_on(None)
        self.canvas.show_image(QImage())
        self.closed.emit()

    def _leave_film(self, item: Exhibit | None) -> None:
        """Where it stands is remembered for the next time."""
        if item is None or not item.film or self._player.lid != item.lid:
            return
        here_ms = self._player.position_ms
        if 0 < here_ms < self._player.duration_ms - NEAR_END_MS:
            self._left_ms[item.lid] = here_ms
        self._player.stop()

    def _appear(self) -> None:
        self._place()
        self.show()
        self.raise_()
        self.setFocus()
        self.opened.emit()

    def _label(self, item: Exhibit) -> None:
        self._when.setText(item.when)
        self._count.setText(tr("{place} of {count}", place=item.place, count=item.count) if item.count > 1 else "")
        self.setAccessibleName(", ".join(filter(None, (item.who, item.when, self._count.text()))))
        self._rotate.setVisible(not item.film and self._ready)
        self._controls.setVisible(item.film and self._ready)
        self._before.setVisible(item.place > 1)
        self._after.setVisible(item.place < item.count)
        self._say(item)
        self._fit(item)
        self._lay()

    def _fit(self, item: Exhibit) -> None:
        """In a narrow window only what matters most; keys do the rest."""
        wide, here = self.width() >= WIDE_PX, bool(item.path)
        for part in ("save", "copy_file", "folder"):
            self._deeds[part].setVisible(here and (wide or part == "save"))
        for spare in (self._when, self._full, self._volume):
            spare.setVisible(wide)
        metrics = self._who.fontMetrics()
        self._who.setText(metrics.elidedText(item.who, Qt.TextElideMode.ElideRight, NAME_PX if wide else NAME_PX // 3))

    def _say(self, item: Exhibit) -> None:
        """What is not here is offered with its size; nothing comes by itself (P-76)."""
        said, self._offered, words = {
            "away": (size_words(item.size_bytes), "download", tr("Download")),
            "loading": (size_share(item.done_bytes, item.size_bytes), "stop", tr("Stop the download")),
            "gone": (tr("No longer on the server"), "", ""),
            "unread": (
                tr("This film cannot be shown here.") if item.film else tr("This picture cannot be shown here."),
                "outside", tr("Open in another program"),
            ),
        }.get(item.shape, ("", "", ""))  # fmt: skip
        self._said.setText(said)
        self._do.setText(words)
        self._do.setVisible(bool(words))
        self._offer.setVisible(bool(said))

    def menu(self) -> QMenu:
        """The same deeds as the buttons, in words."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setObjectName("viewer_menu")
        here = self._item is not None and bool(self._item.path)
        for part, button in self._deeds.items():
            if here or part in ("forward", "show"):
                action = menu.addAction(button.toolTip())
                action.setData(part)
                action.triggered.connect(lambda _checked=False, each=part: self._want(each))
        return menu

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """What can be done with it; Escape closes the menu before the viewer."""
        self.menu().popup(event.globalPos())

    def _want(self, part: str) -> None:
        if self._item is not None and part:
            self.wanted.emit(self._item.lid, part)

    # --- pictures

    def _came(self, path: str, image: QImage | None) -> None:
        item = self._item
        if item is None or self.isHidden() or item.path != path or item.film:
            return
        if image is None:
            self._unread(item.lid)
        else:
            self.canvas.show_image(image, fresh=False)

    def _unread(self, lid: Lid) -> None:
        """It is here, and nothing here can make pixels of it."""
        item = self._item
        if item is not None and item.lid == lid and not self.isHidden():
            facts = {name: getattr(item, name) for name in item.__slots__}
            self._item = Exhibit(**{**facts, "shape": "unread"})
            self._label(self._item)

    def wait(self) -> None:
        """Until every picture that was asked for has been read."""
        self._reader.wait()

    # --- film

    def _toggle(self) -> None:
        if self._player.lid == self.lid:
            self._player.toggle()
        elif self._film and self._ready:
            self.film_wanted.emit()

    def _frame(self, frame: QVideoFrame) -> None:
        if self._film and frame.isValid() and self._player.lid == self.lid and not self.isHidden():
            self.canvas.show_image(frame.toImage(), fresh=False)

    def _follow(self) -> None:
        if self.isHidden() or not self._film or self._player.lid not in (None, self.lid):
            return
        paused = self._player.lid is None or self._player.paused
        self._play.show_icon("play" if paused else "pause", _play_words if paused else _pause_words)
        loud = self._player.loudness
        self._volume.show_share(loud, tr("Volume {percent} %", percent=round(100 * loud)))
        self._loud.show_icon("volume" if loud else "mute", lambda: tr("Sound off and on (M)"))
        self._speed.show_speed(self._player.speed)
        if self._player.lid is not None:
            length_ms = self._player.duration_ms
            words = f"{duration(self._player.position_ms)} / {duration(length_ms)}"
            self._time.setText(words)
            self._seek.show_share(self._player.position_ms / length_ms if length_ms else 0.0, words)

    def _ended(self, lid: Lid) -> None:
        if lid == self.lid:
            self._left_ms.pop(lid, None)
            QTimer.singleShot(0, self._follow)
            self._seek.show_share(1.0, self._time.text())

    def _mute(self) -> None:
        self._player.volume(0.0 if self._player.loudness else 1.0)

    # --- the whole screen

    def _toggle_full(self) -> None:
        self._full_screen(not self._parent.window().isFullScreen())

    def _full_screen(self, on: bool) -> None:
        """Only what we made full is made small again."""
        window = self._parent.window()
        if on and not window.isFullScreen():
            self._was_full = True
            window.setWindowState(window.windowState() | Qt.WindowState.WindowFullScreen)
        elif not on and self._was_full:
            self._was_full = False
            window.setWindowState(window.windowState() & ~Qt.WindowState.WindowFullScreen)

    # --- keys and size

    def event(self, event: QEvent) -> bool:
        """What the window has shortcuts for means something else here."""
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            held = event.modifiers() & Qt.KeyboardModifier.ControlModifier
            if held and event.key() in (Qt.Key.Key_S, Qt.Key.Key_C):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes, arrows are neighbours; a film and a picture have keys of their own."""
        key = event.key()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._want({Qt.Key.Key_S: "save", Qt.Key.Key_C: "copy_file"}.get(Qt.Key(key), ""))
        elif key == Qt.Key.Key_Escape:
            self.leave()
        elif key == Qt.Key.Key_F:
            self._toggle_full()
        elif self._film and self._ready and self._film_key(key):
            pass
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_PageUp):
            self._before.animateClick() if self._before.isVisible() else None
        elif key in (Qt.Key.Key_Right, Qt.Key.Key_PageDown):
            self._after.animateClick() if self._after.isVisible() else None
        else:
            self._picture_key(key)

    def _picture_key(self, key: int) -> None:
        if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.canvas.zoom_by(ZOOM_STEP)
        elif key == Qt.Key.Key_Minus:
            self.canvas.zoom_by(1 / ZOOM_STEP)
        elif key == Qt.Key.Key_0 and not self._film:
            self.canvas.toggle_fit()
        elif key == Qt.Key.Key_R and not self._film:
            self.canvas.rotate()

    def _film_key(self, key: int) -> bool:
        """Left and Right are seconds while it runs, and neighbours while it stands still."""
        runs = self._player.lid == self.lid and not self._player.paused
        if key == Qt.Key.Key_Space:
            self._toggle()
        elif key == Qt.Key.Key_M:
            self._mute()
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._player.volume(self._player.loudness + (LOUDER if key == Qt.Key.Key_Up else -LOUDER))
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and runs:
            self._player.skip(SKIP_S if key == Qt.Key.Key_Right else -SKIP_S)
        elif key in (Qt.Key.Key_Comma, Qt.Key.Key_Period):
            self._player.step(1 if key == Qt.Key.Key_Period else -1)
        elif Qt.Key.Key_0 <= key <= Qt.Key.Key_9:
            self._player.seek((key - Qt.Key.Key_0) / 10)
        else:
            return False
        return True

    def _place(self) -> None:
        self.setGeometry(self._parent.rect())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The bars keep to the edges."""
        if self._item is not None:
            self._fit(self._item)
        self._lay()

    def _lay(self) -> None:
        wide, high = self.width(), self.height()
        low = BOTTOM if self._film and self._ready else 0
        self._bar.setGeometry(0, 0, wide, TOP)
        self._controls.setGeometry(0, high - BOTTOM, wide, BOTTOM)
        middle = QRect(0, TOP, wide, max(1, high - TOP - low))
        self.canvas.setGeometry(middle)
        top = middle.center().y() - ARROW // 2
        self._before.move(SIDE, top)
        self._after.move(wide - SIDE - ARROW, top)
        self._offer.adjustSize()
        offer = self._offer.size().boundedTo(QSize(OFFER_PX, high))
        self._offer.setGeometry(QRect((wide - offer.width()) // 2, high - SPACE[6] - offer.height(), *offer.toTuple()))
        for over in (self._bar, self._controls, self._before, self._after, self._offer):
            over.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """As large as the window."""
        if event.type() is QEvent.Type.Resize and not self.isHidden():
            self._place()
        return False

    def changeEvent(self, event: QEvent) -> None:
        """Another language."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange and self._item is not None:
            self._label(self._item)


def _play_words() -> str:
    return tr("Play (Space)")


def _pause_words() -> str:
    return tr("Pause (Space)")
