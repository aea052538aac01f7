"""Small parts of the conversation page: header, the yellow line, the empty chat, the two places to drop files on."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from client.core.model import ChatEntry, State
from client.ui import icons
from client.ui.plain import isolate, one_line
from client.ui.theme import RADIUS_MEDIA, SPACE, Look, Themes
from client.ui.viewmodels.contacts import seed_of, title_of
from client.ui.viewmodels.rows import shown_ms
from client.ui.widgets.avatars import Avatar
from client.ui.widgets.buttons import IconButton, WordButton, restate
from client.ui.widgets.labels import PlainLabel
from client.ui.words import list_time, plural, tr
from protocol.values import Uid

HEADER, AVATAR, BIG_AVATAR = 56, 36, 96
HINT_MS, HINT_PX = 8000, 360


def second_words(entry: ChatEntry, me: Uid, now_ms: int) -> str:
    """The line under the name: who is in a group; of one person, what the last message tells."""
    if entry.form == "self":
        return tr("Only you can read this")
    if entry.away:
        return tr("You are not in this group any more")
    if entry.form == "group":
        people = plural("{count} person", "{count} people", len(entry.members))
        names = ", ".join(one_line(member.name) for member in entry.members if member.uid != me)
        return f"{people}: {names}" if names else people
    last = entry.last
    if last is None:
        return ""
    if last.mine and last.state is State.STORED:
        return tr("offline, the server keeps your messages")
    if last.mine or not last.ts or last.uid == Uid(""):
        return ""
    return tr("last message {time}", time=list_time(shown_ms(last), now_ms))


class Header(QFrame):
    """Who this conversation is with. 56 px; the arrow is there when the list is not."""

    back_wanted = Signal()
    menu_wanted = Signal()
    info_wanted = Signal()
    trace_wanted = Signal()
    media_wanted = Signal()

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "header")
        self.setFixedHeight(HEADER)
        self.back = IconButton(themes, "back", lambda: tr("Back to the chats (Esc)"), parent=self)
        self.avatar = Avatar(AVATAR, themes.look, self)
        self._name = PlainLabel(role="title", elide=True, parent=self)
        self._second = PlainLabel(role="meta", elide=True, parent=self)
        self.info = IconButton(themes, "people", lambda: tr("People in this group (Alt+Return)"), parent=self)
        self.info.setObjectName("group_info")
        self.media = IconButton(themes, "picture", lambda: tr("Media and files (Ctrl+Shift+G)"), parent=self)
        self.media.setObjectName("chat_media")
        self.menu = IconButton(themes, "menu", lambda: tr("More"), parent=self)
        self.menu.setObjectName("chat_menu")
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE[4], 0, SPACE[2], 0)
        row.setSpacing(SPACE[3])
        row.addWidget(self.back)
        row.addWidget(self.avatar)
        names = QVBoxLayout()
        names.setSpacing(0)
        names.addStretch(1)
        names.addWidget(self._name)
        names.addWidget(self._second)
        names.addStretch(1)
        row.addLayout(names, 1)
        row.addWidget(self.media)
        row.addWidget(self.info)
        row.addWidget(self.menu)
        self.back.clicked.connect(self.back_wanted)
        self.info.clicked.connect(self.info_wanted)
        self.media.clicked.connect(self.media_wanted)
        self.menu.clicked.connect(self.menu_wanted)
        themes.changed.connect(self.avatar.restyle)
        self.back.hide()

    @property
    def second(self) -> str:
        """The line under the name."""
        return self._second.text()

    def show_entry(self, entry: ChatEntry, me: Uid, now_ms: int, *, near: str = "", doing: str = "") -> None:
        """Name, disc and second line: what is being done there, else whether the person is here, else what is known."""
        title = one_line(title_of(entry, me))
        self._name.setText(title)
        self._name.setToolTip(title)
        second = doing or near or second_words(entry, me, now_ms)
        restate(self._second, "doing" if doing else "online" if near == tr("online") else "meta")
        self.info.setVisible(entry.form == "group")
        self._second.setText(second)
        self._second.setVisible(bool(second))
        self.avatar.show_person(title_of(entry, me), seed_of(entry, me))
        self.setAccessibleName(", ".join(filter(None, (title, second))))


class AwayBar(QFrame):
    """Stands where the text field was: nothing can be said in a group that one has left."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "composer")
        self.setObjectName("away_bar")
        self._words = PlainLabel(role="hint", parent=self)
        self._words.setWordWrap(True)
        self._words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE[4], SPACE[1], SPACE[4], SPACE[1])
        row.addWidget(self._words)
        self.retranslate()

    def retranslate(self) -> None:
        """Say it in another language."""
        self._words.setText(tr("You are not in this group any more. What was said stays here; nothing new comes."))
        self.setAccessibleName(self._words.text())

    def changeEvent(self, event: QEvent) -> None:
        """Another language."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()


class HintLine(QFrame):
    """The yellow line over the text field: why something was refused. It goes by itself, or by a click."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "banner-warn")
        self.setObjectName("hint_line")
        self._themes = themes
        self._icon, self._words = PlainLabel(parent=self), PlainLabel(parent=self)
        self._words.setWordWrap(True)
        self._close = IconButton(themes, "close", lambda: tr("Close"), size=28, icon_size=14, parent=self)
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE[4], SPACE[1], SPACE[2], SPACE[1])
        row.setSpacing(SPACE[2])
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._words, 1)
        row.addWidget(self._close)
        self._timer = QTimer(self, singleShot=True, interval=HINT_MS)
        self._timer.timeout.connect(self.hide)
        self._close.clicked.connect(self.hide)
        themes.changed.connect(self._restyle)
        self._restyle(themes.look)
        self.hide()

    @property
    def words(self) -> str:
        """What it says now, empty if nothing."""
        return "" if self.isHidden() else self._words.text()

    def say(self, words: str) -> None:
        """Say why."""
        self._words.setText(words)
        self.setAccessibleName(words)
        self.show()
        self._timer.start()

    def _restyle(self, look: Look) -> None:
        self._icon.setPixmap(icons.pixmap("warn", look.color("warn"), 16, self.devicePixelRatioF()))


class EmptyChat(QWidget):
    """Nothing has been said yet: the person's disc, and three greetings to begin with."""

    greeted = Signal(str)

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._avatar = Avatar(BIG_AVATAR, themes.look, self)
        self._name, self._hint = PlainLabel(role="heading", parent=self), PlainLabel(role="hint", parent=self)
        self._buttons = [
            WordButton(words, parent=self)
            for words in (lambda: tr("Hello!"), lambda: tr("Hi, how are you?"), lambda: "👋")
        ]
        column = QVBoxLayout(self)
        column.setSpacing(SPACE[3])
        column.addStretch(1)
        for part in (self._avatar, self._name, self._hint):
            column.addWidget(part, 0, Qt.AlignmentFlag.AlignHCenter)
        row = QHBoxLayout()
        row.addStretch(1)
        for button in self._buttons:
            row.addWidget(button)
            button.clicked.connect(lambda _checked=False, each=button: self.greeted.emit(each.text()))
        row.addStretch(1)
        column.addLayout(row)
        column.addStretch(1)
        themes.changed.connect(self._avatar.restyle)

    def show_entry(self, entry: ChatEntry, me: Uid) -> None:
        """Whom to greet."""
        title = one_line(title_of(entry, me))
        self._name.setText(title)
        self._avatar.show_person(title_of(entry, me), seed_of(entry, me))
        self._hint.setText(tr("Say hello to {name}", name=isolate(title)))


class NoChat(QWidget):
    """No conversation is open: the mark, and what one can do."""

    new_chat_wanted = Signal()
    invite_wanted = Signal()

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._mark = PlainLabel(parent=self)
        self._title, self._hint = PlainLabel(role="title", parent=self), PlainLabel(role="hint", parent=self)
        self._hint.setWordWrap(True)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._hint.setFixedWidth(HINT_PX)
        new = WordButton(lambda: tr("New chat"), "primary", self)
        invite = WordButton(lambda: tr("Invite someone"), parent=self)
        column = QVBoxLayout(self)
        column.setSpacing(SPACE[3])
        column.addStretch(1)
        for part in (self._mark, self._title, self._hint):
            column.addWidget(part, 0, Qt.AlignmentFlag.AlignHCenter)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(invite)
        row.addWidget(new)
        row.addStretch(1)
        column.addSpacing(SPACE[2])
        column.addLayout(row)
        column.addStretch(1)
        new.clicked.connect(self.new_chat_wanted)
        invite.clicked.connect(self.invite_wanted)
        themes.changed.connect(self._restyle)
        self._any = False
        self._restyle(themes.look)

    def show_chats(self, *, any_chats: bool) -> None:
        """Whether there is something to choose from."""
        self._any = any_chats
        self._title.setText(tr("Choose a chat") if any_chats else tr("No chats yet"))
        choose = tr("Choose somebody on the left, or begin a new chat.")
        begin = tr("Begin with somebody on this server, or invite someone who is not here yet.")
        self._hint.setText(choose if any_chats else begin)
        self._hint.setFixedHeight(self._hint.heightForWidth(HINT_PX))

    def _restyle(self, look: Look) -> None:
        lines = icons.ALREADY_ACROSS
        self._mark.setPixmap(icons.hexagram_pixmap(lines, look.color("border_ctl"), 72, self.devicePixelRatioF()))
        self.show_chats(any_chats=self._any)

    def changeEvent(self, event: QEvent) -> None:
        """Another language."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.show_chats(any_chats=self._any)


class DropTargets(QWidget):
    """Lies over the page while files are dragged over it: drop them as pictures, or as plain files."""

    def __init__(self, themes: Themes, parent: QWidget) -> None:
        super().__init__(parent)
        self._parent, self._themes, self._upper = parent, themes, True
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    @property
    def as_files(self) -> bool:
        """Whether the pointer is over the lower half."""
        return not self._upper

    def point_at(self, y: float) -> None:
        """Where the pointer is."""
        self._upper = y < self.height() / 2
        self.update()

    def cover(self) -> None:
        """Show it over the whole page."""
        self.setGeometry(self._parent.rect())
        self.show()
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Two frames, the chosen one filled."""
        look, half = self._themes.look, self.height() / 2
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.fillRect(self.rect(), look.color("bg_window"))
            targets = ((True, tr("Send as pictures"), "picture"), (False, tr("Send as files"), "file"))
            for upper, words, glyph in targets:
                box = QRectF(16, 16 if upper else half + 8, self.width() - 32, half - 24)
                chosen = upper == self._upper
                painter.setBrush(look.color("bg_selected" if chosen else "bg_input"))
                painter.setPen(QPen(look.color("accent" if chosen else "border_ctl"), 2, Qt.PenStyle.DashLine))
                painter.drawRoundedRect(box, RADIUS_MEDIA, RADIUS_MEDIA)
                spot = QRectF(0, 0, 40, 40)
                spot.moveCenter(box.center())
                spot.translate(0, -20)
                icons.paint(painter, glyph, spot, look.color("accent"))
                painter.setPen(look.color("text_1"))
                painter.setFont(look.font("title"))
                painter.drawText(box.translated(0, 28), Qt.AlignmentFlag.AlignCenter, words)
