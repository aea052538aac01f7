"""The people that “@” may mean, over the text field: the keyboard stays in the field and chooses from here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent, QColor, QIcon, QKeyEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QFrame, QListWidget, QListWidgetItem, QTextEdit, QVBoxLayout, QWidget

from client.core.model import Member
from client.ui.bubbles.textblock import units
from client.ui.plain import one_line
from client.ui.theme import SPACE, Look, Themes
from client.ui.viewmodels.mentions import Asked, asked_at, candidates, found
from client.ui.widgets.avatars import avatar_pixmap
from client.ui.widgets.composer_bar import MessageField
from client.ui.words import tr
from protocol.content import Mention
from protocol.values import Uid

WIDTH, AVATAR = 280, 24
MEMBER = Qt.ItemDataRole.UserRole + 1
CHOOSING = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab)


class MentionList(QFrame):
    """Watches a field; `people` tells who is in the conversation, nobody where names are not offered."""

    chosen = Signal(str)

    def __init__(
        self, themes: Themes, field: MessageField, people: Callable[[], Sequence[Member]], me: Uid, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setObjectName("mention_list")
        self.setProperty("role", "popup")
        self._themes, self._field, self._people, self._me, self._page = themes, field, people, me, parent
        self._asked: Asked | None = None
        self._left = -1
        self.list = QListWidget(self)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setAccessibleName(tr("People here"))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.itemClicked.connect(lambda _item: self.choose())
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE[1], SPACE[1], SPACE[1], SPACE[1])
        column.addWidget(self.list)
        field.textChanged.connect(self._look)
        field.cursorPositionChanged.connect(self._look)
        field.installEventFilter(self)
        themes.changed.connect(self._restyle)
        self.hide()

    # --- asking

    def mentions(self, text: str) -> list[Mention]:
        """Who is named in a text of this conversation."""
        return found(text, self._people())

    def _look(self) -> None:
        """Something was typed, or the cursor went elsewhere."""
        self._mark()
        text, cursor = self._field.toPlainText(), self._field.textCursor()
        asked = None
        if not self._field.composing and not cursor.hasSelection() and self._people():
            asked = asked_at(text, signs(text, cursor.position()))
        if asked is None or asked.start != self._left:
            self._left = -1
        members = candidates(self._people(), self._me, asked.words) if asked and self._left < 0 else []
        if not members or (asked is not None and _is_whole(asked.words, members)):
            self.hide()
            return
        self._asked = asked
        self._fill(members)

    def _fill(self, members: Sequence[Member]) -> None:
        look = self._themes.look
        self.list.clear()
        for member in members:
            disc = avatar_pixmap(member.name, member.uid, look, AVATAR, self.devicePixelRatioF())
            icon = QIcon(disc)
            icon.addPixmap(disc, QIcon.Mode.Selected)
            item = QListWidgetItem(icon, one_line(member.name), self.list)
            item.setData(MEMBER, member)
        self.list.setIconSize(avatar_pixmap("A", "", look, AVATAR).size())
        self.list.setCurrentRow(0)
        self._place()
        self.show()
        self.raise_()
        QAccessible.updateAccessibility(QAccessibleEvent(self.list, QAccessible.Event.Focus))

    def _place(self) -> None:
        """Above the field, at its left edge."""
        self.list.setFixedHeight(sum(self.list.sizeHintForRow(row) for row in range(self.list.count())) + 2)
        self.setFixedWidth(min(WIDTH, self._page.width() - 2 * SPACE[2]))
        self.adjustSize()
        top = self._field.mapTo(self._page, QPoint(0, 0))
        self.move(top.x(), max(0, top.y() - self.height() - SPACE[1]))

    # --- choosing

    def choose(self) -> None:
        """Put the name into the text, with a space behind it."""
        row, asked = self.list.currentRow(), self._asked
        self.hide()
        if row < 0 or asked is None:
            return
        text, member = self._field.toPlainText(), self.list.item(row).data(MEMBER)
        cursor = self._field.textCursor()
        cursor.setPosition(units(text, asked.start))
        cursor.setPosition(units(text, asked.end), QTextCursor.MoveMode.KeepAnchor)
        space = "" if text[asked.end : asked.end + 1] == " " else " "
        cursor.insertText(f"@{one_line(member.name)}{space}")
        self._field.setTextCursor(cursor)
        self.chosen.emit(member.uid)

    def leave(self) -> None:
        """Not this one: the list stays away until another at sign is typed."""
        self._left = self._asked.start if self._asked is not None else -1
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Up, Down, Return, Tab and Escape belong to the list while it is open, all others to the field."""
        if event.type() is QEvent.Type.FocusOut:
            self.hide()
        if self.isHidden() or self._field.composing or not isinstance(event, QKeyEvent):
            return False
        if event.type() is QEvent.Type.ShortcutOverride and event.key() == Qt.Key.Key_Escape:
            event.accept()
            return True
        return event.type() is QEvent.Type.KeyPress and self._key(event)

    def _key(self, event: QKeyEvent) -> bool:
        key, row, count = event.key(), self.list.currentRow(), self.list.count()
        if event.modifiers() not in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier):
            return False
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.list.setCurrentRow((row + (1 if key == Qt.Key.Key_Down else -1)) % count)
        elif key in CHOOSING:
            self.choose()
        elif key == Qt.Key.Key_Escape:
            self.leave()
        else:
            return False
        return True

    # --- showing names in the field

    def _mark(self) -> None:
        """Names stand out in the field; only drawn over it, so that no input method is disturbed."""
        people = self._people()
        text = self._field.toPlainText() if people else ""
        named = found(text, people) if "@" in text or "＠" in text else []
        marked = [self._selection(text, each, self._themes.look.color("text_link")) for each in named]
        if marked or self._field.extraSelections():
            self._field.setExtraSelections(marked)

    def _selection(self, text: str, mention: Mention, color: QColor) -> QTextEdit.ExtraSelection:
        made, style = QTextEdit.ExtraSelection(), QTextCharFormat()
        style.setForeground(color)
        cursor = QTextCursor(self._field.document())
        cursor.setPosition(units(text, mention.start))
        cursor.setPosition(units(text, mention.start + mention.length), QTextCursor.MoveMode.KeepAnchor)
        made.cursor, made.format = cursor, style  # type: ignore[attr-defined]
        return made

    def _restyle(self, look: Look) -> None:
        self._mark()


def _is_whole(words: str, members: Sequence[Member]) -> bool:
    """Whether the name is there already, and nothing longer is being typed."""
    named = any(one_line(member.name) == words.rstrip() for member in members)
    return named and (words.endswith(" ") or len(members) == 1)


def signs(text: str, place: int) -> int:
    """Python's place in a text for Qt's, which counts in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")[: 2 * place].decode("utf-16-le", "replace"))
