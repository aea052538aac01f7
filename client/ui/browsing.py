"""The media of the open conversation, over its messages: what a click there does, and where it leads."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QMenu, QWidget

from client.app.chat import Chat
from client.core.model import Bubble, TransferProgress
from client.ui import icons
from client.ui.bubbles.media import offered
from client.ui.bubbles.pictures import Pictures
from client.ui.errands import Errands
from client.ui.files import file_entries
from client.ui.playback import Playback
from client.ui.theme import Themes
from client.ui.viewmodels.media import MediaModel
from client.ui.viewmodels.rows import Row
from client.ui.widgets.media_tab import TABS, MediaTab
from client.ui.words import tr
from protocol.content import Picture, Video, Voice
from protocol.values import ConvId, Lid, Uid


class Browsing(QObject):
    """Opens and closes the tab. It reads this disk alone; only a click on something downloads that (P-76).

    Args:
        over: what the tab lies over, from there to the bottom of `page`.
        view: looks at a picture or film.
        act: does what a wish about a bubble says, as its menu would.
        show: goes to where a bubble stands.
    """

    def __init__(
        self,
        chat: Chat,
        themes: Themes,
        pictures: Pictures,
        errands: Errands,
        playback: Playback,
        page: QWidget,
        over: QWidget,
        *,
        name: Callable[[Uid], str],
        view: Callable[[Bubble], object],
        act: Callable[[Bubble, str], object],
        show: Callable[[Lid], object],
    ) -> None:
        super().__init__(page)
        self._themes, self._errands, self._playback = themes, errands, playback
        self._page, self._over = page, over
        self._view, self._act, self._show = view, act, show
        self._conv = ConvId("")
        self.model = MediaModel(chat, errands.start, name, self)
        self.tab = MediaTab(themes, self.model, pictures, chat.wall_ms, page)
        self.tab.hide()
        self.tab.back_wanted.connect(self.leave)
        self.tab.tab_wanted.connect(self._fill)
        self.tab.chosen.connect(self._choose)
        self.tab.show_wanted.connect(self._go)
        self.tab.menu_wanted.connect(lambda bubble, at: self.menu_of(bubble).popup(at))
        pictures.arrived.connect(lambda _path: self.tab.view.viewport().update())
        playback.player.changed.connect(lambda: self.model.play(playback.playing) if self.shown else None)
        over.installEventFilter(self)

    @property
    def shown(self) -> bool:
        """Whether the tab is open."""
        return not self.tab.isHidden()

    def open(self, conv: ConvId) -> None:
        """The media of this conversation, pictures first."""
        self._conv = conv
        self._place()
        self.tab.show()
        self.tab.raise_()
        self.tab.show_tab(0)
        self.tab.view.setFocus()

    def leave(self) -> None:
        """Back to the messages."""
        if self.shown:
            self.tab.hide()
            self._over.setFocus()

    def _fill(self, place: int) -> None:
        if self.shown:
            self._errands.start(self.model.open(self._conv, TABS[place][0]))

    def _choose(self, bubble: Bubble) -> None:
        """Look at it, play it, open it; or, for what is not here, what its bubble offers."""
        face = Row(bubble).face
        if isinstance(bubble.body, Picture | Video):
            self._view(bubble)
        elif face != "ready":
            self._act(bubble, offered(Row(bubble)))
        elif isinstance(bubble.body, Voice):
            self._playback.toggle(bubble)
        else:
            self._act(bubble, "open")

    def _go(self, bubble: Bubble) -> None:
        self.leave()
        self._show(bubble.lid)

    def menu_of(self, bubble: Bubble) -> QMenu:
        """What can be done with the file, and where it was said."""
        menu = QMenu(self.tab)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setObjectName("media_menu")
        show = menu.addAction(icons.icon("message", self._themes.look), tr("Go to the message"))
        show.triggered.connect(lambda: self._go(bubble))
        for part, icon, words in (*file_entries(bubble, Row(bubble).face), ("forward", "forward", tr("Forward…"))):
            action = menu.addAction(icons.icon(icon, self._themes.look), words)
            action.setData(part)
            action.triggered.connect(lambda _checked=False, each=part: self._act(bubble, each))
        return menu

    # --- what changed

    def bubbles_changed(self, bubbles: Sequence[Bubble]) -> None:
        """New ones, or other states."""
        if self.shown:
            self.model.merge(bubbles)

    def dropped(self, lid: Lid) -> None:
        """A bubble is gone."""
        self.model.drop(lid)

    def progressed(self, progress: TransferProgress) -> None:
        """A file has got further."""
        self.model.progress(progress)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The tab keeps to its place."""
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Move) and self.shown:
            self._place()
        return False

    def _place(self) -> None:
        top = self._over.geometry().top()
        self.tab.setGeometry(0, top, self._page.width(), self._page.height() - top)
