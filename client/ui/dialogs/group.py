"""A group: its name, the people in it, and what this person may do with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from client.core.model import ChatEntry, Presence
from client.ui.dialogs.frame import Choice, Dialog
from client.ui.plain import one_line
from client.ui.theme import SPACE, Themes
from client.ui.viewmodels.contacts import seed_of, title_of
from client.ui.viewmodels.group_rights import Rights, rights
from client.ui.viewmodels.nearness import presence_words
from client.ui.viewmodels.standing import member_rows
from client.ui.widgets.avatars import Avatar
from client.ui.widgets.buttons import IconButton, WordButton, Words
from client.ui.widgets.labels import PlainLabel
from client.ui.widgets.people_list import PeopleList
from client.ui.words import plural, tr
from protocol.limits import NAME_MAX_CHARS
from protocol.packets import Seat
from protocol.values import Uid

WIDTH, LIST_HEIGHT, DISC, SEARCH_FROM = 460, 312, 48, 9


class GroupDialog(Dialog):
    """The page of a group. Its buttons are wishes; what comes of them is shown when the server has said so.

    `add_wanted`, `leave_wanted`, `renamed` (the new name), `remove_wanted`, `rank_wanted` (person, role) and
    `write_wanted` (person) carry them.
    """

    add_wanted = Signal()
    leave_wanted = Signal()
    renamed = Signal(str)
    remove_wanted = Signal(str)
    rank_wanted = Signal(str, int)
    write_wanted = Signal(str)

    def __init__(
        self,
        parent: QWidget | None,
        themes: Themes,
        entry: ChatEntry,
        me: Uid,
        presence: Callable[[Uid], Presence],
        now_ms: Callable[[], int],
    ) -> None:
        super().__init__(parent, width=WIDTH)
        self.setObjectName("group_dialog")
        self._themes, self._me, self._presence, self._now_ms = themes, me, presence, now_ms
        self.entry = entry
        self.seats: list[Seat] = [Seat(member.uid, member.name, member.role) for member in entry.members]
        self.rights = Rights()
        self._disc = Avatar(DISC, themes.look, self)
        self._name, self._count = PlainLabel(role="title", elide=True), PlainLabel(role="meta", elide=True)
        self.name_field = QLineEdit(self)
        self.name_field.setMaxLength(NAME_MAX_CHARS)
        self.rename = IconButton(themes, "edit", lambda: tr("Rename the group"), parent=self)
        self.keep_name = IconButton(themes, "check", lambda: tr("Keep this name"), parent=self)
        self.search, self.list = QLineEdit(self), PeopleList(themes, LIST_HEIGHT, self)
        self._why = PlainLabel(role="meta", parent=self)
        self._why.setWordWrap(True)
        self._buttons: dict[str, WordButton] = {}
        self._arrange()
        self._listen()
        self.offer([Choice("", tr("Close"), "primary")])
        self.show_entry(entry)
        self.show_members(self.seats)
        self._edit_name(False)
        self.list.setFocus()

    # --- building

    def _arrange(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(SPACE[3])
        head.addWidget(self._disc)
        names = QVBoxLayout()
        names.setSpacing(SPACE[0])
        for part in (self._name, self.name_field, self._count):
            names.addWidget(part)
        head.addLayout(names, 1)
        head.addWidget(self.rename)
        head.addWidget(self.keep_name)
        self.body.addLayout(head)
        self.search.setProperty("role", "search")
        self.search.setPlaceholderText(tr("Search people"))
        self.search.setAccessibleName(tr("Search people"))
        self.name_field.setAccessibleName(tr("Name of the group"))
        self.list.setAccessibleName(tr("Members"))
        self.list.empty_words = tr("Nobody here has this name.")
        self.body.addWidget(self.search)
        self.body.addWidget(self.list)
        self._add_row(("write", lambda: tr("Write to them"), ""), ("rank", self._rank_words, ""),
                      ("remove", lambda: tr("Remove"), "danger"))  # fmt: skip
        self.body.addWidget(self._why)
        self._add_row(("add", lambda: tr("Add people…"), ""), ("leave", lambda: tr("Leave the group…"), "danger"))

    def _add_row(self, *buttons: tuple[str, Words, str]) -> None:
        row = QHBoxLayout()
        row.setSpacing(SPACE[2])
        for name, words, kind in buttons:
            button = self._buttons[name] = WordButton(words, kind, self)
            button.setObjectName(f"group_{name}")
            row.addWidget(button)
        row.addStretch(1)
        self.body.addLayout(row)

    def _rank_words(self) -> str:
        return tr("Make an ordinary member") if self.rights.ranked else tr("Make administrator")

    def _listen(self) -> None:
        self.search.textChanged.connect(self.list.search)
        self.list.at.connect(lambda _uid: self._judge())
        self.rename.clicked.connect(lambda: self._edit_name(True))
        self.keep_name.clicked.connect(self._rename)
        self.name_field.returnPressed.connect(self._rename)
        self.name_field.installEventFilter(self)
        self._buttons["add"].clicked.connect(self.add_wanted)
        self._buttons["leave"].clicked.connect(self.leave_wanted)
        self._buttons["write"].clicked.connect(lambda: self.write_wanted.emit(self.list.current))
        self._buttons["remove"].clicked.connect(lambda: self.remove_wanted.emit(self.list.current))
        self._buttons["rank"].clicked.connect(
            lambda: self.rank_wanted.emit(self.list.current, 0 if self.rights.ranked else 1)
        )
        self._themes.changed.connect(self._disc.restyle)

    # --- showing

    @property
    def uids(self) -> tuple[Uid, ...]:
        """Who is in the group, as shown."""
        return tuple(seat.uid for seat in self.seats)

    def show_entry(self, entry: ChatEntry) -> None:
        """Another name; or this person is not in it any more."""
        self.entry = entry
        title = one_line(title_of(entry, self._me))
        self._name.setText(title)
        self._name.setToolTip(title)
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self._disc.show_person(title_of(entry, self._me), seed_of(entry, self._me))
        self._judge()

    def show_members(self, seats: Sequence[Seat]) -> None:
        """The member table as it is now."""
        self.seats = list(seats)
        self.search.setVisible(len(seats) >= SEARCH_FROM)
        self._count.setText(plural("{count} person", "{count} people", len(seats)))
        self.show_presence()
        self._judge()

    def show_presence(self) -> None:
        """Who of them is here."""
        known = {seat.uid: self._presence(seat.uid) for seat in self.seats}
        words = {uid: presence_words(near, self._now_ms()) for uid, near in known.items()}
        self.list.show_people(member_rows(self.seats, self._me, known, words))

    def busy(self, busy: bool) -> None:
        """While the server is asked nothing else is wished."""
        for button in self._buttons.values():
            button.setEnabled(not busy)
        if not busy:
            self._judge()

    def tell(self, words: str) -> None:
        """Why something did not happen."""
        self._why.setProperty("role", "danger")
        self._why.style().polish(self._why)
        self._say(words)

    def _say(self, words: str) -> None:
        self._why.setText(words)
        self._why.setVisible(bool(words))
        self._fit()

    def _judge(self) -> None:
        """What may be done with the person the keyboard is at; a greyed button says why."""
        chosen = self.list.current
        self.rights = rights(self.seats, self._me, chosen, away=self.entry.away)
        someone = chosen not in ("", self._me)
        reasons = {
            "add": self.rights.add, "leave": self.rights.leave, "remove": self.rights.remove,
            "rank": self.rights.rank, "write": "" if someone else tr("Choose another person first"),
        }  # fmt: skip
        for name, why in reasons.items():
            button = self._buttons[name]
            button.setEnabled(not why)
            button.setToolTip(why)
            button.setAccessibleDescription(why)
        self._buttons["rank"].retranslate()
        self.rename.setEnabled(not self.rights.rename)
        self._why.setProperty("role", "meta")
        self._why.style().polish(self._why)
        # What is greyed for the chosen person is said without a pointer as well; of oneself one knows.
        about = self.rights.remove or self.rights.rank if someone else ""
        self._say(self.rights.add if self.entry.away else about)

    # --- the name

    def _edit_name(self, editing: bool) -> None:
        for part in (self._name, self._count, self.rename):
            part.setVisible(not editing)
        self.name_field.setVisible(editing)
        self.keep_name.setVisible(editing)
        if editing:
            self.name_field.setText(self.entry.title)
            self.name_field.selectAll()
            self.name_field.setFocus()

    def _rename(self) -> None:
        name = self.name_field.text().strip()
        self._edit_name(False)
        self.rename.setFocus()
        if name and name != self.entry.title:
            self.renamed.emit(name)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Escape in the field keeps the old name, and the dialog open."""
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress:
            if event.key() == Qt.Key.Key_Escape:
                self._edit_name(False)
                self.rename.setFocus()
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._rename()
                return True
        return False
