"""Choose several people of this server: for a new group, or to add them to one."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QPushButton, QWidget

from client.ui.dialogs.frame import Choice, Dialog
from client.ui.theme import Themes
from client.ui.viewmodels.standing import PersonRow
from client.ui.widgets.labels import PlainLabel
from client.ui.widgets.people_list import PeopleList
from client.ui.words import plural, tr
from protocol.limits import MEMBERS_MAX, NAME_MAX_CHARS
from protocol.packets import Person
from protocol.values import Uid

LIST_HEIGHT = 300


class PickPeopleDialog(Dialog):
    """Answers `ok`, `invite` or ""; `chosen` are the people then, and `title` the name of a new group.

    Args:
        naming: whether a name for the group is asked for as well.
        room: how many may be chosen at most.
    """

    def __init__(
        self,
        parent: QWidget | None,
        themes: Themes,
        people: Sequence[Person] = (),
        *,
        naming: bool,
        room: int = MEMBERS_MAX - 1,
    ) -> None:
        super().__init__(parent, tr("New group") if naming else tr("Add people"))
        self.setObjectName("new_group_dialog" if naming else "add_people_dialog")
        self._people, self._naming, self._room = list(people), naming, room
        self._chosen: dict[Uid, None] = {}
        self.name, self.search = QLineEdit(self), QLineEdit(self)
        self.list, self._count = PeopleList(themes, LIST_HEIGHT, self), PlainLabel(role="meta", parent=self)
        self.name.setObjectName("group_title")
        self.name.setPlaceholderText(tr("Name of the group"))
        self.name.setAccessibleName(tr("Name of the group"))
        self.name.setMaxLength(NAME_MAX_CHARS)
        self.search.setProperty("role", "search")
        self.search.setPlaceholderText(tr("Search people"))
        self.search.setAccessibleName(tr("Search people"))
        self.list.setAccessibleName(tr("People"))
        for part in (self.name, self.search, self.list, self._count):
            self.body.addWidget(part)
        self.name.setVisible(naming)
        self.offer([
            Choice("invite", tr("Invite someone…")), Choice("", tr("Cancel")),
            Choice("ok", tr("Make the group") if naming else tr("Add"), "primary"),
        ])  # fmt: skip
        self._listen()
        self._draw()
        (self.name if naming else self.search).setFocus()

    def _listen(self) -> None:
        self.list.done.connect(lambda uid: self.toggle(Uid(uid)))
        self.search.textChanged.connect(self._search)
        self.search.returnPressed.connect(self._toggle_first)
        self.name.textChanged.connect(lambda _text: self._draw())

    @property
    def chosen(self) -> tuple[Uid, ...]:
        """Whom the person has chosen, in that order."""
        return tuple(self._chosen)

    @property
    def title(self) -> str:
        """The name of the new group."""
        return self.name.text().strip()

    def show_people(self, people: Sequence[Person]) -> None:
        """The list as it is known now."""
        self._people = list(people)
        self._draw()

    def toggle(self, uid: Uid) -> None:
        """Choose a person, or not any more."""
        if uid in self._chosen:
            del self._chosen[uid]
        elif len(self._chosen) < self._room:
            self._chosen[uid] = None
        self._draw()

    def _search(self, text: str) -> None:
        self.list.search(text)
        self._say_why_empty()

    def _toggle_first(self) -> None:
        if self.search.text() and self.list.people.rowCount():
            self.toggle(self.list.people.row(0).uid)
            self.search.clear()

    def _draw(self) -> None:
        order = sorted(self._people, key=lambda person: person.name.casefold())
        self.list.show_people([
            PersonRow(person.uid, person.name, chosen=person.uid in self._chosen) for person in order
        ])  # fmt: skip
        self._say_why_empty()
        full = len(self._chosen) >= self._room
        count = plural("{count} person chosen", "{count} people chosen", len(self._chosen))
        self._count.setText(f"{count} · {tr('no more fit into a group')}" if full else count)
        button = self.findChild(QPushButton, "answer_ok")
        if isinstance(button, QPushButton):
            button.setEnabled(bool(self._chosen) and (bool(self.title) or not self._naming))

    def _say_why_empty(self) -> None:
        self.list.empty_words = (
            tr("Nobody here has this name.") if self._people else tr("Everybody on this server is in the group.")
        )
        if not self._people and self._naming:
            self.list.empty_words = tr("Nobody else is here yet. Invite someone; it takes a minute.")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return in the name goes on to the people."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            here = self.focusWidget()
            if here is self.name:
                self.search.setFocus()
                return
            if here in (self.search, self.list):
                return
        super().keyPressEvent(event)
