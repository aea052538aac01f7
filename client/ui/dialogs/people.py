"""“New chat”: everybody on this server, with a field to find one."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QLineEdit, QListWidget, QListWidgetItem, QWidget

from client.ui.dialogs.frame import Choice, Dialog
from client.ui.plain import one_line
from client.ui.theme import Look
from client.ui.widgets.avatars import avatar_pixmap
from client.ui.widgets.labels import PlainLabel
from client.ui.words import tr
from protocol.packets import Person

AVATAR, LIST_HEIGHT = 36, 280
UID = Qt.ItemDataRole.UserRole + 1


class PeopleDialog(Dialog):
    """Answers with the uid of the person chosen, `invite`, `group`, or ""."""

    def __init__(self, parent: QWidget | None, look: Look, people: Sequence[Person] = ()) -> None:
        super().__init__(parent, tr("New chat"))
        self.setObjectName("people_dialog")
        self._look = look
        self.search, self.list = QLineEdit(self), QListWidget(self)
        self.search.setProperty("role", "search")
        self.search.setPlaceholderText(tr("Search people"))
        self.search.setAccessibleName(tr("Search people"))
        self.list.setAccessibleName(tr("People"))
        self.list.setFixedHeight(LIST_HEIGHT)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setIconSize(avatar_pixmap("A", "", look, AVATAR).size())
        self._empty = _hint()
        self.body.addWidget(self.search)
        self.body.addWidget(self.list)
        self.body.addWidget(self._empty)
        group = Choice("group", tr("New group…"))
        self.offer([Choice("invite", tr("Invite someone…")), group, Choice("", tr("Cancel"))])
        self.search.textChanged.connect(lambda _text: self._filter())
        self.search.returnPressed.connect(self._choose_first)
        self.list.itemActivated.connect(self._choose)
        self.list.itemClicked.connect(self._choose)
        self.show_people(people)
        self.search.setFocus()

    def show_people(self, people: Sequence[Person]) -> None:
        """The list as it is known now."""
        self.list.clear()
        for person in people:
            disc = avatar_pixmap(person.name, person.uid, self._look, AVATAR, self.devicePixelRatioF())
            item = QListWidgetItem(QIcon(disc), one_line(person.name), self.list)
            item.setData(UID, person.uid)
        first = bool(people) and self.search.isHidden()
        self._empty.setVisible(not people)
        self.list.setVisible(bool(people))
        self.search.setVisible(bool(people))
        self._filter()
        if first:
            self.search.setFocus()

    def _filter(self) -> None:
        wanted = self.search.text().strip().casefold()
        for row in range(self.list.count()):
            item = self.list.item(row)
            item.setHidden(wanted not in item.text().casefold())

    def _choose_first(self) -> None:
        shown = [self.list.item(row) for row in range(self.list.count()) if not self.list.item(row).isHidden()]
        if shown:
            self._choose(shown[0])

    def _choose(self, item: QListWidgetItem) -> None:
        self.answer(str(item.data(UID)))


def _hint() -> PlainLabel:
    label = PlainLabel(tr("Nobody else is here yet. Invite someone; it takes a minute."), role="hint")
    label.setWordWrap(True)
    return label
