"""A device that was ended: what it had not sent, and the way to join once more with a code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QProgressBar, QPushButton, QVBoxLayout, QWidget

from client.ui import icons
from client.ui.dialogs.frame import Choice, Dialog
from client.ui.invites import read_invite
from client.ui.theme import SPACE, Themes
from client.ui.widgets.labels import PlainLabel
from client.ui.words import plural, problem_words, tr
from protocol.problems import Problem

WIDTH, SHOWN_MAX = 460, 5


@dataclass(frozen=True, slots=True)
class Unsent:
    """A message that was not sent: where it was written, what it says, when."""

    title: str
    icon: str
    words: str
    time: str


def unsent_card(themes: Themes, unsent: Sequence[Unsent]) -> QFrame:
    """The first few of them, and how many there are beside."""
    card = QFrame()
    card.setProperty("role", "card")
    column = QVBoxLayout(card)
    column.setContentsMargins(SPACE[4], SPACE[3], SPACE[4], SPACE[3])
    column.setSpacing(SPACE[2])
    for one in unsent[:SHOWN_MAX]:
        column.addLayout(_line(themes, one))
    if len(unsent) > SHOWN_MAX:
        column.addWidget(
            PlainLabel(plural("and {count} more", "and {count} more", len(unsent) - SHOWN_MAX), role="meta")
        )
    card.setAccessibleName("\n".join(f"{one.title}: {one.words}" for one in unsent[:SHOWN_MAX]))
    return card


def _line(themes: Themes, one: Unsent) -> QVBoxLayout:
    column, upper, lower = QVBoxLayout(), QHBoxLayout(), QHBoxLayout()
    column.setSpacing(0)
    lower.setSpacing(6)
    upper.setSpacing(SPACE[3])
    upper.addWidget(PlainLabel(one.title, role="name", elide=True), 1)
    upper.addWidget(PlainLabel(one.time, role="meta"))
    if one.icon:
        picture = PlainLabel()
        picture.setPixmap(icons.pixmap(one.icon, themes.look.color("text_2"), 16, 2.0))
        lower.addWidget(picture)
    lower.addWidget(PlainLabel(one.words, elide=True), 1)
    column.addLayout(upper)
    column.addLayout(lower)
    return column


class LeftOverDialog(Dialog):
    """Offers to send, as this device, what the device before it had not sent (P-64). Answers `send` or ""."""

    def __init__(self, parent: QWidget | None, themes: Themes, unsent: Sequence[Unsent]) -> None:
        count = len(unsent)
        super().__init__(
            parent,
            plural("{count} message was not sent", "{count} messages were not sent", count),
            tr("They waited when this device was ended. Send them now, as new messages? What the server has already "
               "is never sent twice."),
            width=WIDTH,
        )  # fmt: skip
        self.setObjectName("left_over_dialog")
        self.body.addWidget(unsent_card(themes, unsent))
        send = plural("Send {count} message", "Send {count} messages", count)
        self.offer([Choice("", tr("Not now")), Choice("send", send, "primary")])


class RejoinDialog(Dialog):
    """Asks for a code and joins with it: `join` does the work and raises the Problem why it could not.

    Answers `joined` or "".
    """

    def __init__(
        self,
        parent: QWidget | None,
        themes: Themes,
        start: Callable[..., object],
        join: Callable[[str, str], Awaitable[None]],
        server: str,
        unsent: Sequence[Unsent] = (),
    ) -> None:
        super().__init__(
            parent,
            tr("This device is not signed in any more"),
            tr(
                "It was ended, here or on another device. Everything stays readable. To go on, choose “My devices” and "
                "“Add a device” on another of your devices, and paste the line from there."
            ),
            width=WIDTH,
        )
        self.setObjectName("rejoin_dialog")
        self._start, self._join = start, join
        if unsent:
            count = len(unsent)
            self.body.addWidget(
                PlainLabel(
                    plural("{count} message was not sent:", "{count} messages were not sent:", count), role="name"
                )
            )
            self.body.addWidget(unsent_card(themes, unsent))
        self.server, self.code = QLineEdit(server, self), QLineEdit(self)
        for field, words in ((self.server, tr("Server or the line")), (self.code, tr("Device code"))):
            label = PlainLabel(words, role="meta", parent=self)
            label.setBuddy(field)
            field.setAccessibleName(words)
            self.body.addWidget(label)
            self.body.addWidget(field)
        self._problem, self._busy = PlainLabel(role="danger", parent=self), QProgressBar(self)
        self._problem.setWordWrap(True)
        self._busy.setRange(0, 0)
        self.body.addWidget(self._problem)
        self.body.addWidget(self._busy)
        self._busy.hide()
        self._problem.hide()
        self.server.textChanged.connect(self._split)
        self.offer([Choice("", tr("Later")), Choice("join", tr("Join"), "primary")])
        self.code.setFocus()

    def answer(self, answer: str) -> None:
        """“Join” leaves the dialog open until it has worked."""
        if answer != "join":
            super().answer(answer)
        elif not self.code.text().strip():
            self.code.setFocus()
        elif self._busy.isHidden():
            self._start(self._try())

    def _split(self, text: str) -> None:
        parts = read_invite(text)
        if parts is not None:
            self.server.setText(parts[0])
            self.code.setText(parts[1])

    async def _try(self) -> None:
        self._say("")
        self._wait(waiting=True)
        try:
            await self._join(self.server.text().strip(), self.code.text().strip())
        except Problem as why:
            self._wait(waiting=False)
            self._say(problem_words(why))
        else:
            super().answer("joined")

    def _wait(self, *, waiting: bool) -> None:
        self._busy.setVisible(waiting)
        for field in (self.server, self.code, *self.findChildren(QPushButton, "answer_join")):
            field.setEnabled(not waiting)
        self._fit()

    def _say(self, words: str) -> None:
        self._problem.setText(words)
        self._problem.setVisible(bool(words))
        self._problem.setFixedHeight(self._problem.heightForWidth(WIDTH - 2 * SPACE[5]) if words else 0)
        self._fit()
