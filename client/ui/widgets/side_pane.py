"""The left pane: own name, search and chats, and what waits to be sent."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from client.core.model import Me
from client.ui.plain import one_line
from client.ui.theme import SPACE, Themes
from client.ui.viewmodels.contacts import ChatsModel
from client.ui.widgets.avatars import Avatar
from client.ui.widgets.buttons import IconButton
from client.ui.widgets.contact_list import ContactList
from client.ui.widgets.labels import PlainLabel
from client.ui.widgets.outbox_bar import OutboxBar
from client.ui.words import tr

OWN_AVATAR, OWN_ROW = 32, 56


class SidePane(QFrame):
    """320 px wide by default."""

    new_chat_wanted = Signal()
    menu_wanted = Signal(QPoint)

    def __init__(
        self, themes: Themes, model: ChatsModel, now_s: Callable[[], float], me: Me, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setProperty("role", "sidebar")
        self.setObjectName("side_pane")
        self.chats, self.outbox = ContactList(themes, model, self), OutboxBar(themes, now_s, self)
        self._avatar = Avatar(OWN_AVATAR, themes.look, self)
        self._name = PlainLabel(one_line(me.name), role="name", elide=True, parent=self)
        self._name.setToolTip(one_line(me.name))
        self._avatar.show_person(me.name, me.uid)
        self.new_chat = IconButton(themes, "new_chat", lambda: tr("New chat (Ctrl+N)"), parent=self)
        self.menu = IconButton(themes, "menu", lambda: tr("Menu"), parent=self)
        self.menu.setObjectName("main_menu")
        self._arrange()
        themes.changed.connect(self._avatar.restyle)
        self.new_chat.clicked.connect(self.new_chat_wanted)
        self.menu.clicked.connect(lambda: self.menu_wanted.emit(self.menu.mapToGlobal(self.menu.rect().bottomLeft())))

    def _arrange(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(SPACE[3], 0, SPACE[2], 0)
        row.setSpacing(SPACE[2])
        row.addWidget(self._avatar)
        row.addSpacing(SPACE[1])
        row.addWidget(self._name, 1)
        row.addWidget(self.new_chat)
        row.addWidget(self.menu)
        top = QWidget(self)
        top.setFixedHeight(OWN_ROW)
        top.setLayout(row)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(top)
        column.addWidget(self.chats, 1)
        column.addWidget(self.outbox)
