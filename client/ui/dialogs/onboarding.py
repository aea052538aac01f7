"""The first start: begin a team on this computer, or join with an invite. Nothing else is asked but a name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from client.ui import icons
from client.ui.invites import read_invite
from client.ui.theme import SPACE, Look, Themes
from client.ui.widgets.buttons import PressButton, WordButton, Words
from client.ui.widgets.labels import PlainLabel
from client.ui.words import problem_words, tr
from protocol.problems import Problem

WIDTH, MARK = 560, 64
StartTeam = Callable[[str], Awaitable[None]]
JoinTeam = Callable[[str, str, str], Awaitable[None]]


class RowButton(PressButton):
    """A large choice: icon, title, one line of words."""

    def __init__(self, themes: Themes, icon: str, title: Words, words: Words, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes, self._icon, self._title_words, self._line_words = themes, icon, title, words
        self.setProperty("kind", "row")
        self.setMinimumHeight(76)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._picture = PlainLabel(parent=self)
        self._title, self._line = PlainLabel(role="title", parent=self), PlainLabel(role="meta", parent=self)
        self._line.setWordWrap(True)
        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(SPACE[4], SPACE[3], SPACE[4], SPACE[3])
        row.setSpacing(SPACE[4])
        row.addWidget(self._picture)
        column = QVBoxLayout()
        column.setSpacing(SPACE[0])
        column.addWidget(self._title)
        column.addWidget(self._line)
        row.addLayout(column, 1)
        for part in (self._picture, self._title, self._line):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        themes.changed.connect(self.restyle)
        self.restyle(themes.look)
        self.retranslate()

    def sizeHint(self) -> QSize:
        """As high as its words."""
        return self._row.sizeHint().expandedTo(QSize(0, 76))

    def restyle(self, look: Look) -> None:
        """Draw in another theme."""
        self._picture.setPixmap(icons.pixmap(self._icon, look.color("accent"), 28, self.devicePixelRatioF()))

    def retranslate(self) -> None:
        """Say it in another language."""
        self._title.setText(self._title_words())
        self._line.setText(self._line_words())
        self.setAccessibleName(self._title_words())
        self.setAccessibleDescription(self._line_words())


class Form(QWidget):
    """Some fields, a sentence about what went wrong, a spinner, and two buttons."""

    back = Signal()
    done = Signal()

    def __init__(self, title: Words, hint: Words, button: Words, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title_words, self._hint_words = title, hint
        self._title, self._hint = PlainLabel(role="heading", parent=self), PlainLabel(role="hint", parent=self)
        self._problem = PlainLabel(role="danger", parent=self)
        for label in (self._hint, self._problem):
            label.setWordWrap(True)
        self._busy = QProgressBar(self)
        self._busy.setRange(0, 0)
        self.fields = QVBoxLayout()
        self.fields.setSpacing(SPACE[1])
        self._names: list[tuple[PlainLabel, QLineEdit, Words]] = []
        self._back, self._go = WordButton(lambda: tr("Back"), parent=self), WordButton(button, "primary", self)
        self._go.setObjectName("go")
        self._back.clicked.connect(self.back)
        self._go.clicked.connect(self.done)
        self._arrange()
        self.set_busy(False)
        self.say("")

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE[3])
        for part in (self._title, self._hint):
            column.addWidget(part)
        column.addLayout(self.fields)
        column.addWidget(self._problem)
        column.addStretch(1)
        column.addWidget(self._busy)
        buttons = QHBoxLayout()
        buttons.addWidget(self._back)
        buttons.addStretch(1)
        buttons.addWidget(self._go)
        column.addLayout(buttons)

    def field(self, name: str, words: Words) -> QLineEdit:
        """One more field under its name."""
        label, field = PlainLabel(role="meta", parent=self), QLineEdit(self)
        field.setObjectName(name)
        field.returnPressed.connect(self.done)
        label.setBuddy(field)
        self.fields.addWidget(label)
        self.fields.addWidget(field)
        self.fields.addSpacing(SPACE[1])
        self._names.append((label, field, words))
        self.retranslate()
        return field

    def say(self, words: str) -> None:
        """What went wrong, or nothing."""
        self._problem.setText(words)
        self._problem.setVisible(bool(words))

    def set_busy(self, busy: bool) -> None:
        """While the server is asked."""
        self._busy.setVisible(busy)
        self._go.setEnabled(not busy)
        self._back.setEnabled(not busy)
        for _, field, _ in self._names:
            field.setEnabled(not busy)

    def retranslate(self) -> None:
        """Say it in another language."""
        self._title.setText(self._title_words())
        self._hint.setText(self._hint_words())
        for label, field, words in self._names:
            label.setText(words())
            field.setAccessibleName(words())


class Onboarding(QWidget):
    """A window of its own. `start_team` and `join_team` do the work and raise the Problem why they could not."""

    closed = Signal()
    joined = Signal()

    def __init__(
        self, themes: Themes, start: Callable[..., object], start_team: StartTeam | None, join_team: JoinTeam,
        server: str = "",
    ) -> None:  # fmt: skip
        super().__init__()
        self.setObjectName("onboarding")
        self._themes, self._start, self._done = themes, start, False
        self._start_team, self._join_team = start_team, join_team
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowIcon(icons.app_icon())
        self.setFixedWidth(WIDTH)
        self._pages = QStackedWidget(self)
        self._mark = PlainLabel(parent=self)
        self._mark.setPixmap(icons.app_icon().pixmap(MARK, MARK))
        self._pages.addWidget(self._build_choice())
        self._pages.addWidget(self._build_team())
        self._pages.addWidget(self._build_invite(server))
        self._pages.addWidget(self._build_device())
        column = QVBoxLayout(self)
        column.setContentsMargins(SPACE[6] + 8, SPACE[6], SPACE[6] + 8, SPACE[6])
        column.setSpacing(SPACE[4])
        column.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._pages)
        self.retranslate()
        if server:
            self.show_invite()

    def _build_choice(self) -> QWidget:
        page = QWidget()
        self._welcome, self._says = PlainLabel(role="heading"), PlainLabel(role="hint")
        self._says.setWordWrap(True)
        self.team = RowButton(
            self._themes, "people", lambda: tr("Start a new team on this computer"),
            lambda: tr("Its server runs here, beside the window. You only choose a name."),
        )  # fmt: skip
        self.invite = RowButton(
            self._themes, "invite", lambda: tr("I have an invite"),
            lambda: tr("Paste the line that somebody sent you."),
        )  # fmt: skip
        self.team.setObjectName("choose_team")
        self.invite.setObjectName("choose_invite")
        self.team.clicked.connect(self.show_team)
        self.invite.clicked.connect(self.show_invite)
        self.device = RowButton(
            self._themes, "device", lambda: tr("Add this device to my account"),
            lambda: tr("Paste the code that another device of yours shows."),
        )  # fmt: skip
        self.device.setObjectName("choose_device")
        self.device.clicked.connect(self.show_device)
        self.team.setVisible(self._start_team is not None)
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE[3])
        for part in (self._welcome, self._says, self.team, self.invite, self.device):
            column.addWidget(part)
        column.addStretch(1)
        return page

    def _build_team(self) -> Form:
        self._team_form = Form(
            lambda: tr("Start a new team"),
            lambda: tr("Others find you by this name. Messages and files stay on this computer."),
            lambda: tr("Start"),
        )
        self.team_name = self._team_form.field("team_name", lambda: tr("Your name"))
        self._team_form.done.connect(self._begin_team)
        self._team_form.back.connect(self.show_choice)
        return self._team_form

    def _build_invite(self, server: str) -> Form:
        self._invite_form = Form(
            lambda: tr("Join with an invite"),
            lambda: tr("Paste the whole line into the first field, or fill in its parts."),
            lambda: tr("Join"),
        )
        self.server = self._invite_form.field("invite_server", lambda: tr("Server or invite line"))
        self.code = self._invite_form.field("invite_code", lambda: tr("Code"))
        self.name = self._invite_form.field("invite_name", lambda: tr("Your name"))
        self.server.setText(server)
        self._length = len(server)
        self.server.textChanged.connect(self._look_for_line)
        self.server.editingFinished.connect(self._split)
        self._invite_form.done.connect(self._begin_invite)
        self._invite_form.back.connect(self.show_choice)
        return self._invite_form

    def _build_device(self) -> Form:
        self._device_form = Form(
            lambda: tr("Add this device"),
            lambda: tr("On the other device choose “My devices”, then “Add a device”, and paste the line here."),
            lambda: tr("Join"),
        )
        self.device_server = self._device_form.field("device_server", lambda: tr("Server or the line"))
        self.device_code = self._device_form.field("device_code", lambda: tr("Device code"))
        self.device_server.textChanged.connect(self._split_device)
        self._device_form.done.connect(self._begin_device)
        self._device_form.back.connect(self.show_choice)
        return self._device_form

    def _split_device(self, text: str) -> None:
        parts = read_invite(text)
        if parts is not None:
            self.device_server.setText(parts[0])
            self.device_code.setText(parts[1])

    def _begin_device(self) -> None:
        """Another device has its person's name already."""
        for field in (self.device_server, self.device_code):
            if not field.text().strip():
                field.setFocus()
                return
        server, code = self.device_server.text().strip(), self.device_code.text().strip()
        self._start(self._try(self._device_form, self._join_team(server, "", code)))

    def _look_for_line(self, text: str) -> None:
        """A pasted line fills two fields at once; one that is typed, when its field is left."""
        pasted, self._length = len(text) - self._length > 1, len(text)
        if pasted and self._split():
            self.name.setFocus()

    def _split(self) -> bool:
        parts = read_invite(self.server.text())
        if parts is not None:
            self.server.setText(parts[0])
            self.code.setText(parts[1])
        return parts is not None

    # --- going

    def show_choice(self) -> None:
        """Back to the beginning."""
        self._pages.setCurrentIndex(0)
        self.team.setFocus()

    def show_team(self) -> None:
        """Ask for a name."""
        self._pages.setCurrentIndex(1)
        self.team_name.setFocus()

    def show_invite(self) -> None:
        """Ask for the invite."""
        self._pages.setCurrentIndex(2)
        (self.code if self.server.text() else self.server).setFocus()

    def show_device(self) -> None:
        """Ask for the code of another device."""
        self._pages.setCurrentIndex(3)
        self.device_server.setFocus()

    def _begin_team(self) -> None:
        name = self.team_name.text().strip()
        if name and self._start_team is not None:
            self._start(self._try(self._team_form, self._start_team(name)))
        else:
            self.team_name.setFocus()

    def _begin_invite(self) -> None:
        values = [field.text().strip() for field in (self.server, self.name, self.code)]
        for field, value in zip((self.server, self.name, self.code), values, strict=True):
            if not value:
                field.setFocus()
                return
        server, name, code = values
        self._start(self._try(self._invite_form, self._join_team(server, name, code)))

    async def _try(self, form: Form, work: Awaitable[None]) -> None:
        form.say("")
        form.set_busy(True)
        try:
            await work
        except Problem as why:
            form.say(problem_words(why))
        else:
            self._done = True
            self.joined.emit()
        finally:
            form.set_busy(False)

    def retranslate(self) -> None:
        """Say it in another language."""
        self.setWindowTitle("Hexagram")
        self._welcome.setText(tr("Welcome to Hexagram"))
        self._says.setText(tr("Every message arrives once, and says where it is."))
        for part in (self.team, self.invite, self.device, self._team_form, self._invite_form, self._device_form):
            part.retranslate()

    def changeEvent(self, event: QEvent) -> None:
        """Another language."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape goes one step back."""
        if event.key() == Qt.Key.Key_Escape and self._pages.currentIndex():
            self.show_choice()
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Closed without joining."""
        super().closeEvent(event)
        if not self._done:
            self.closed.emit()
