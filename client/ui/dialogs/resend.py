"""“Resend?”: asks the server first what became of the message, then says what it knows and what can be done."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from client.core.model import Bubble, Finding
from client.ui.bubbles.sentences import preview
from client.ui.dialogs.frame import Choice, Dialog
from client.ui.plain import isolate
from client.ui.theme import SPACE
from client.ui.widgets.labels import PlainLabel
from client.ui.words import clock_s, problem_words, tr
from protocol.content import Text


@dataclass(frozen=True, slots=True)
class Told:
    """What the dialog says, and what it offers; the default is last."""

    title: str
    words: str
    choices: tuple[Choice, ...]


def told_of(finding: Finding, bubble: Bubble, peer: str) -> Told:
    """The six findings in words (and two that only a message of long ago or a cancelled one can have)."""
    name = isolate(peer)
    close = Choice("close", tr("Close"), "primary")
    fine = Choice("close", tr("OK"), "primary")
    later, delete = Choice("", tr("Decide later")), Choice("delete", tr("Delete"), "danger")
    edit = Choice("edit", tr("Edit"), "primary")
    anew = Choice("resend", tr("Send as a new message"), "primary")
    match finding.found:
        case "delivered":
            words = tr("{name}'s device has it. Only the receipt was lost.", name=name)
            if finding.ts:
                words = tr(
                    "{name}'s device has it; the server took it at {time}. Only the receipt was lost.",
                    name=name, time=clock_s(finding.ts),
                )  # fmt: skip
            return Told(tr("It was delivered"), words, (close,))
        case "on_server":
            words = tr("{name} has not fetched it yet. You do not need to send it again.", name=name)
            return Told(tr("It is safe on the server"), words, (Choice("", tr("Keep waiting")), fine))
        case "not_there":
            words = tr("The network failed before it arrived. Nobody has it.")
            return Told(
                tr("It did not reach the server"), words, (delete, later, Choice("resend", tr("Resend"), "primary"))
            )
        case "no_answer":
            words = tr(
                "No connection. {name} may or may not have it. Sending again is safe: it keeps the same number, "
                "and {name} sees it once.",
                name=name,
            )
            resend = Choice("resend", tr("Resend when online"), "primary")
            return Told(tr("We cannot tell yet"), words, (delete, later, resend))
        case "file_gone":
            words = tr("{file} cannot be found any more.", file=isolate(_file_name(bubble)))
            again = Choice("choose", tr("Choose file again"), "primary")
            return Told(tr("The file is no longer on the disk"), words, (delete, again))
        case "refused":
            words = problem_words(finding.code or "problem")
            last = edit if isinstance(bubble.body, Text) else anew
            return Told(tr("The server refused it"), words, (delete, last))
        case "cancelled":
            words = tr("You cancelled it. Nobody has it.")
            return Told(tr("It was not sent"), words, (Choice("", tr("Close")), anew))
    words = tr("It was sent so long ago that the server has forgotten it. {name} may have it.", name=name)
    return Told(tr("We cannot tell any more"), words, (Choice("", tr("Close")), anew))


class ResendDialog(Dialog):
    """Opens with a spinner, asks, then speaks. `settle` closes it when the answer came by itself."""

    def __init__(
        self,
        parent: QWidget | None,
        bubble: Bubble,
        peer: str,
        ask: Callable[[], Awaitable[Finding]] | None = None,
    ) -> None:
        super().__init__(parent, tr("Asking the server…"), "")
        self.setObjectName("resend_dialog")
        self.lid = bubble.lid
        self._bubble, self._peer, self._ask = bubble, peer, ask
        self.body.addWidget(_quotation(bubble))
        self._spinner = QProgressBar(self)
        self._spinner.setRange(0, 0)
        self._spinner.setTextVisible(False)
        self._spinner.setAccessibleName(tr("Asking the server…"))
        self.body.addWidget(self._spinner)
        self.offer([Choice("", tr("Decide later"))])

    async def run(self) -> str:
        """Ask while the dialog is open; return delete, edit, resend, choose, close or "" (later)."""
        waiting = asyncio.get_running_loop().create_task(self._find_out()) if self._ask else None
        try:
            return await self.answered()
        finally:
            if waiting is not None:
                waiting.cancel()

    async def _find_out(self) -> None:
        assert self._ask is not None
        self.show_finding(await self._ask())

    def show_finding(self, finding: Finding) -> None:
        """The server has spoken, or has not."""
        self._spinner.hide()
        told = told_of(finding, self._bubble, self._peer)
        self.say(told.title, told.words)
        self.offer(told.choices)
        if self.isVisible():
            self.adjustSize()

    def settle(self) -> None:
        """It arrived after all: nothing is left to ask."""
        self.answer("arrived")


def _quotation(bubble: Bubble) -> QWidget:
    """The first words of the message, so that one knows which it is."""
    card = QFrame()
    card.setProperty("role", "card")
    row = QHBoxLayout(card)
    row.setContentsMargins(SPACE[3], SPACE[2], SPACE[3], SPACE[2])
    column = QVBoxLayout()
    row.addLayout(column)
    _, said = preview(bubble)
    words = PlainLabel(said, elide=True)
    words.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    column.addWidget(words)
    return card


def _file_name(bubble: Bubble) -> str:
    file = bubble.attachment
    return os.path.basename(bubble.path) or (file.name if file is not None else "")
