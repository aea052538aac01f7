"""The chat list as a Qt model, and the filter that the search field turns."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
)

from client.core.model import Bubble, ChatEntry, Presence
from client.ui.bubbles.sentences import notice_people, preview
from client.ui.plain import one_line
from client.ui.viewmodels.rows import NOTICES, shown_ms
from client.ui.words import list_time, plural, tr
from protocol.values import ConvId, Uid, replace

ENTRY = Qt.ItemDataRole.UserRole + 1
AnyIndex = QModelIndex | QPersistentModelIndex


class ChatsModel(QAbstractListModel):
    """The conversations, newest first, as the shell gave them."""

    def __init__(self, me: Uid, now_ms: Callable[[], int], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.me, self.now_ms = me, now_ms
        self._entries: list[ChatEntry] = []
        self._named: dict[ConvId, int] = {}
        self._doing: dict[ConvId, str] = {}
        self.recorded: Callable[[ConvId], str] = lambda conv: ""
        self._online: frozenset[Uid] = frozenset()

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """How many conversations there are."""
        return 0 if parent.isValid() else len(self._entries)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The ChatEntry for the painter, its title, and a sentence for screen readers."""
        if not index.isValid() or index.row() >= len(self._entries):
            return None
        entry = self._entries[index.row()]
        if role == ENTRY:
            return entry
        if role == Qt.ItemDataRole.DisplayRole:
            return title_of(entry, self.me)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self.sentence(entry)
        return None

    def entry(self, row: int) -> ChatEntry:
        """The conversation of a row."""
        return self._entries[row]

    def row_of(self, conv: ConvId) -> int | None:
        """The row of a conversation."""
        return next((row for row, entry in enumerate(self._entries) if entry.conv == conv), None)

    def show(self, entries: Sequence[ChatEntry]) -> None:
        """Take the list as it is now. Rows that stay are moved, so that a selection stays on its chat."""
        wanted = {entry.conv for entry in entries}
        for row in range(len(self._entries) - 1, -1, -1):
            if self._entries[row].conv not in wanted:
                self.beginRemoveRows(QModelIndex(), row, row)
                del self._entries[row]
                self.endRemoveRows()
        for row, entry in enumerate(entries):
            self._put(row, entry)

    def merge(self, bubbles: Sequence[Bubble]) -> None:
        """Other states: where one of these is the last message of a chat, the row says what its bubble says."""
        changed = {bubble.lid: bubble for bubble in bubbles}
        self.note(bubbles)
        for row, entry in enumerate(self._entries):
            if entry.last is not None and (last := changed.get(entry.last.lid)) is not None and last != entry.last:
                self._entries[row] = replace(entry, last=last)
                self.dataChanged.emit(self.index(row), self.index(row))

    def show_doing(self, conv: ConvId, words: str) -> None:
        """What others do there now stands in place of the last message; empty: nothing."""
        if self._doing.get(conv, "") != words:
            self._doing[conv] = words
            self._redraw(lambda entry: entry.conv == conv)

    def draft_words(self, entry: ChatEntry) -> str:
        """What waits to be sent in a conversation: a recording, or words."""
        return self.recorded(entry.conv) or entry.draft

    def show_recorded(self, conv: ConvId) -> None:
        """Another recording waits there, or none any more."""
        self._redraw(lambda entry: entry.conv == conv)

    def doing(self, entry: ChatEntry) -> str:
        """What others do in a conversation now."""
        return self._doing.get(entry.conv, "")

    def show_online(self, presence: Iterable[Presence]) -> None:
        """Of these people it is known whether they are here."""
        told = {one.uid: one.online for one in presence}
        online = frozenset({uid for uid in self._online if uid not in told} | {uid for uid, on in told.items() if on})
        changed, self._online = self._online ^ online, online
        if changed:
            self._redraw(lambda entry: bool(changed & self._others(entry)))

    def online(self, entry: ChatEntry) -> bool:
        """Whether the other person of a direct conversation is here."""
        return entry.form == "direct" and bool(self._online & self._others(entry))

    def _others(self, entry: ChatEntry) -> set[Uid]:
        return {member.uid for member in entry.members if member.uid != self.me}

    def _redraw(self, which: Callable[[ChatEntry], bool]) -> None:
        for row, entry in enumerate(self._entries):
            if which(entry):
                self.dataChanged.emit(self.index(row), self.index(row))

    def note(self, bubbles: Iterable[Bubble]) -> None:
        """Remember where somebody else named this person."""
        for bubble in bubbles:
            if bubble.mine or all(mention.uid != self.me for mention in bubble.mentions):
                continue
            if bubble.pos > self._named.get(bubble.conv, 0):
                self._named[bubble.conv] = bubble.pos
                if (row := self.row_of(bubble.conv)) is not None:
                    self.dataChanged.emit(self.index(row), self.index(row))

    def names_me(self, entry: ChatEntry) -> bool:
        """Whether somebody named this person in what is unread here."""
        last = entry.last
        newest = last is not None and not last.mine and any(each.uid == self.me for each in last.mentions)
        return bool(entry.unread) and (newest or self._named.get(entry.conv, 0) > entry.read_upto)

    def _put(self, row: int, entry: ChatEntry) -> None:
        here = self.row_of(entry.conv)
        if here is None:
            self.beginInsertRows(QModelIndex(), row, row)
            self._entries.insert(row, entry)
            self.endInsertRows()
            return
        if here != row:
            # Rows before `row` are in place already, so a chat only ever moves up.
            self.beginMoveRows(QModelIndex(), here, here, QModelIndex(), row)
            self._entries.insert(row, self._entries.pop(here))
            self.endMoveRows()
        if self._entries[row] != entry:
            self._entries[row] = entry
            self.dataChanged.emit(self.index(row), self.index(row))

    def sentence(self, entry: ChatEntry) -> str:
        """“Anna Li, 3 unread messages, See you there, 14:02”"""
        parts = [one_line(title_of(entry, self.me))]
        if entry.unread:
            parts.append(plural("{count} unread message", "{count} unread messages", entry.unread))
        if self.names_me(entry):
            parts.append(tr("you are named"))
        if entry.needs_you:
            parts.append(tr("a message is not confirmed"))
        if self.online(entry):
            parts.append(tr("online"))
        if draft := self.draft_words(entry):
            parts.append(f"{tr('Draft:')} {one_line(draft)}")
        parts.append(self.doing(entry) or second_line(entry, self.me)[1])
        if entry.last is not None:
            parts.append(list_time(shown_ms(entry.last), self.now_ms()))
        return ", ".join(filter(None, parts))


def title_of(entry: ChatEntry, me: Uid) -> str:
    """What a conversation is called: its title, the other person, or the people in it."""
    if entry.form == "self":
        return tr("Saved messages")
    others = [member.name for member in entry.members if member.uid != me]
    return entry.title or ", ".join(others) or tr("Unnamed")


def seed_of(entry: ChatEntry, me: Uid) -> str:
    """What chooses the colour of a conversation's disc: the other person, or the group itself."""
    if entry.form == "direct":
        return next((member.uid for member in entry.members if member.uid != me), entry.conv)
    return entry.conv


def second_line(entry: ChatEntry, me: Uid) -> tuple[str, str]:
    """An icon's name and the words under a chat's title: the last message, with its author in a group."""
    last = entry.last
    if last is None or (entry.form != "group" and isinstance(last.body, NOTICES)):
        return "", tr("No messages yet")
    names = {member.uid: member.name for member in entry.members}
    about, by = names.get(last.uid, ""), ""
    if isinstance(last.body, NOTICES):
        about, by = notice_people(last.body, names, me)
    icon, said = preview(last, about, by)
    if entry.form == "group" and not isinstance(last.body, NOTICES):
        who = tr("You") if last.mine else one_line(about)
        said = f"{who}: {said}" if who else said
    return icon, said


class ChatsFilter(QSortFilterProxyModel):
    """Only the chats whose title or people have what was typed, without minding case and accents."""

    def __init__(self, model: ChatsModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wanted: list[str] = []
        self._model = model
        self.setSourceModel(model)

    def search(self, text: str) -> None:
        """Every word of `text` must be found."""
        self.beginFilterChange()
        self._wanted = folded(text).split()
        self.endFilterChange()

    def filterAcceptsRow(self, source_row: int, source_parent: AnyIndex) -> bool:
        """Whether a chat is shown."""
        if not self._wanted:
            return True
        entry = self._model.entry(source_row)
        text = folded(" ".join([title_of(entry, self._model.me), *(member.name for member in entry.members)]))
        return all(word in text for word in self._wanted)


def folded(text: str) -> str:
    """Text for comparing: “Łukasz Müller” is found by “muller”."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign))
