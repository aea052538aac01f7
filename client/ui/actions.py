"""What can be done with one message: download, open, save, send again, cancel, copy, look at its trace."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from client.app.chat import Chat
from client.core.model import Bubble, Finding, State
from client.ui import icons
from client.ui.afterwards import Afterwards
from client.ui.dialogs.frame import Choice, ask
from client.ui.dialogs.resend import ResendDialog
from client.ui.dialogs.trace import TraceDialog
from client.ui.errands import Errands
from client.ui.files import Files, file_entries
from client.ui.playback import Playback
from client.ui.theme import Themes
from client.ui.viewmodels.conversation import ConversationModel
from client.ui.viewmodels.rights import OVER, Right, words_of
from client.ui.viewmodels.rows import STUCK, Face
from client.ui.words import tr
from protocol.content import Text, Video, Voice
from protocol.values import Lid

UNDECIDED = ("not_there", "no_answer", "file_gone", "refused")
"""Findings whose dialog has nothing left to ask once the message arrived."""
TAKEN = (State.ACCEPTED, State.STORED, State.DELIVERED, State.READ)
"""Own messages that the server has: there is somebody to ask who has them."""
ON_ITS_WAY = (State.QUEUED, State.SENDING)


class MessageActions:
    """The hands of the conversation page.

    Args:
        window: the parent of dialogs and menus.
        say: tells the person a sentence.
        edit: puts a text into the field.
        choose_file: opens the attach dialog.
        afterwards: what is done to messages that are there already.
        selected: the messages that are selected.
        delivery: shows who has an own message; answers `trace` if that is wanted next.
    """

    def __init__(
        self,
        chat: Chat,
        themes: Themes,
        model: ConversationModel,
        errands: Errands,
        playback: Playback,
        view: Callable[[Bubble], None],
        window: QWidget,
        *,
        say: Callable[[str], None],
        edit: Callable[[str], None],
        choose_file: Callable[[], None],
        afterwards: Afterwards,
        selected: Callable[[], list[Lid]],
        delivery: Callable[[Bubble], Coroutine[Any, Any, str]] | None = None,
        native_dialogs: bool = True,
    ) -> None:
        self._afterwards, self._selected = afterwards, selected
        self._delivery = delivery
        self._chat, self._themes, self._model, self._errands = chat, themes, model, errands
        self._playback, self._view, self._window = playback, view, window
        self._say, self._edit, self._choose_file = say, edit, choose_file
        self.files = Files(
            chat, model, errands, window, play=self._play, look=self._look, ask_again=self._ask_again, say=say,
            native_dialogs=native_dialogs,
        )  # fmt: skip
        self._asking: ResendDialog | None = None
        self._found = ""

    @property
    def asking(self) -> Lid:
        """About which message a dialog is open; 0 if none is."""
        return self._asking.lid if self._asking is not None else Lid(0)

    def do(self, lid: Lid, part: str) -> None:
        """Do what a part of a bubble, or an entry of its menu, stands for."""
        bubble = self._model.bubble(lid)
        if bubble is not None:
            self.act(bubble, part)

    def act(self, bubble: Bubble, part: str) -> None:
        """The same of a message that need not be on the page."""
        if self._afterwards.do(bubble, part) or self.files.do(bubble, part):
            return
        parked = bubble.state in (State.NEEDS_YOU, State.REFUSED)
        wishes: dict[str, Callable[[Bubble], object]] = {
            "play": self._play,
            "pause": self._play,
            "speed": lambda _: self._playback.next_speed(),
            "mark": self._mark,
            "copy": self._copy,
        }
        errands: dict[str, Callable[[Bubble], Coroutine[Any, Any, None]]] = {
            "cancel": self._give_up,
            "resend": self.ask if parked else self._resend,
            "edit": self._edit_again,
            "delete": self._delete,
            "remove": self._remove,
            "trace": self._trace,
            "info": self._info,
            "ask": self.ask,
        }
        if part in wishes:
            wishes[part](bubble)
        elif part in errands:
            self._errands.start(errands[part](bubble))

    def seek(self, lid: Lid, share: float) -> None:
        """A click into a waveform."""
        bubble = self._model.bubble(lid)
        if bubble is not None and bubble.path:
            self._playback.seek(bubble, share)

    # --- sound and pictures

    def _play(self, bubble: Bubble) -> None:
        if not bubble.path:
            return
        if isinstance(bubble.body, Voice) or (isinstance(bubble.body, Video) and bubble.body.note):
            self._playback.toggle(bubble)
        elif isinstance(bubble.body, Video):
            self._view(bubble)

    def _look(self, bubble: Bubble, _path: str) -> bool:
        self._view(bubble)
        return True

    def _ask_again(self, bubble: Bubble, words: str) -> None:
        """As an answer to the message whose file is gone, if it can be answered."""
        self._afterwards.do(bubble, "reply")
        self._edit(words)

    # --- sending again

    def _mark(self, bubble: Bubble) -> None:
        undecided = bubble.state in (State.NEEDS_YOU, State.REFUSED, State.CANCELLED, State.LONG_AGO)
        if undecided:
            self._errands.start(self.ask(bubble))
        else:
            self._errands.start(self._info(bubble) if bubble.state in TAKEN else self._trace(bubble))

    async def _info(self, bubble: Bubble) -> None:
        """Who has it; from there the trace is one press away."""
        if self._delivery is None or await self._delivery(bubble) == "trace":
            await self._trace(bubble)

    async def ask(self, bubble: Bubble) -> None:
        """Open the dialog that asks the server first, and do what the person decides."""
        if self._asking is not None:
            return
        peer = self._peer(bubble)
        dialog = ResendDialog(self._window, bubble, peer, lambda: self._ask(bubble.lid))
        self._asking, self._found = dialog, ""
        try:
            answer = await dialog.run()
        finally:
            self._asking = None
        await self._decided(bubble, answer)

    async def _ask(self, lid: Lid) -> Finding:
        finding = await self._chat.ask(lid)
        self._found = finding.found
        return finding

    async def _decided(self, bubble: Bubble, answer: str) -> None:
        match answer:
            case "resend":
                await self._resend(bubble)
            case "edit":
                await self._edit_again(bubble)
            case "delete":
                await self._give_up(bubble)
            case "choose":
                self._choose_file()
                await self._give_up(bubble)

    def changed(self, bubble: Bubble) -> None:
        """A late answer: the open dialog has nothing left to ask."""
        arrived = bubble.state in (State.ACCEPTED, State.STORED, State.DELIVERED, State.READ)
        if self._asking is None or self._asking.lid != bubble.lid or not arrived or self._found not in UNDECIDED:
            return
        self._asking.settle()
        self._say(tr("It arrived after all"))

    def _peer(self, bubble: Bubble) -> str:
        row = self._model.row_of(bubble.lid)
        return self._model.row(row).peer if row is not None else ""

    async def _resend(self, bubble: Bubble) -> None:
        await self._chat.resend(bubble.lid)

    async def _edit_again(self, bubble: Bubble) -> None:
        """What waits gets other words in its place. Those of what is over go back into the field."""
        if "edit" in self._afterwards.rights(bubble):
            self._afterwards.do(bubble, "reword")
        elif isinstance(bubble.body, Text):
            self._edit(bubble.body.text)
            await self._give_up(bubble)

    async def _remove(self, bubble: Bubble) -> None:
        """The Delete key: whatever takes a message away where it stands now."""
        if "recall" in self._afterwards.rights(bubble):
            self._afterwards.do(bubble, "recall")
        elif bubble.mine and (bubble.state.unsettled or bubble.state is State.UPLOADING or bubble.state in OVER):
            await self._delete(bubble)

    async def _delete(self, bubble: Bubble) -> None:
        if bubble.state in OVER:
            await self._chat.remove(bubble.lid)
            return
        answer = await ask(
            self._window,
            tr("Do not send this message?"),
            tr("If it has reached the server already, that is said here; otherwise nobody gets it."),
            [Choice("", tr("Keep")), Choice("delete", tr("Delete"), "danger")],
        )
        if answer == "delete":
            await self._give_up(bubble)

    async def _give_up(self, bubble: Bubble) -> None:
        if bubble.state.unsettled or bubble.state is State.UPLOADING:
            await self._chat.cancel(bubble.lid)
        elif bubble.state in (State.REFUSED, State.CANCELLED, State.LONG_AGO):
            await self._chat.remove(bubble.lid)

    # --- looking

    def _copy(self, bubble: Bubble) -> None:
        if words := words_of(bubble):
            QGuiApplication.clipboard().setText(words)

    def copy(self, lids: list[Lid]) -> None:
        """The texts of several messages, one below the other."""
        bubbles = [bubble for lid in lids if (bubble := self._model.bubble(lid)) is not None]
        texts = [words for bubble in bubbles if (words := words_of(bubble))]
        if texts:
            QGuiApplication.clipboard().setText("\n".join(texts))

    async def _trace(self, bubble: Bubble) -> None:
        seen = await self._chat.trace(bubble.lid)
        await TraceDialog(self._window, self._themes, bubble, seen, self._peer(bubble)).answered()

    def menu(self, lid: Lid, at: QPoint) -> None:
        """Everything that can be done with this message."""
        bubble = self._model.bubble(lid)
        row = self._model.row_of(lid)
        if bubble is None or row is None or self._model.row(row).system:
            return
        menu = QMenu(self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setObjectName("message_menu")
        many = self._selected()
        if lid in many and len(many) > 1:
            self._fill_many(menu, many)
        else:
            for part, icon, words in entries(bubble, self._model.row(row).face, self._afterwards.rights(bubble)):
                action = menu.addAction(icons.icon(icon, self._themes.look), words)
                action.setData(part)
                action.triggered.connect(lambda _checked=False, each=part: self.do(lid, each))
        menu.popup(at)

    def _fill_many(self, menu: QMenu, lids: list[Lid]) -> None:
        """What can be done with several messages at once."""
        bubbles = [bubble for lid in lids if (bubble := self._model.bubble(lid)) is not None]
        may = frozenset().union(*(self._afterwards.rights(bubble) for bubble in bubbles))
        if "forward" in may:
            action = menu.addAction(icons.icon("forward", self._themes.look), tr("Forward selected messages…"))
            action.triggered.connect(lambda _checked=False: self._errands.start(self._afterwards.forward(lids)))
        if "copy" in may:
            action = menu.addAction(icons.icon("copy", self._themes.look), tr("Copy selected text"))
            action.triggered.connect(lambda _checked=False: self.copy(lids))


def entries(bubble: Bubble, face: Face, may: frozenset[Right]) -> list[tuple[str, str, str]]:
    """What the menu of a message offers: what to do, an icon, words and the keys that do the same."""
    told: list[tuple[Right, str, str, str, str]] = [
        ("reply", "reply", "reply", tr("Reply"), "Ctrl+Shift+R"),
        ("react", "react", "react", tr("React…"), "Ctrl+Shift+E"),
        ("edit", "reword", "edit", tr("Edit"), ""),
        ("copy", "copy", "copy", tr("Copy text"), "Ctrl+C"),
        ("forward", "forward", "forward", tr("Forward…"), "Ctrl+Shift+S"),
    ]
    offered = [(part, icon, _with_keys(words, keys)) for right, part, icon, words, keys in told if right in may]
    offered += file_entries(bubble, face) if not bubble.recalled else []
    offered += _change_entries(bubble)
    if bubble.mine and bubble.state in (State.NEEDS_YOU, State.REFUSED):
        offered += [("ask", "resend", tr("Resend…")), ("delete", "trash", _with_keys(tr("Delete"), "Del"))]
    elif bubble.mine and (bubble.state in ON_ITS_WAY or bubble.state is State.UPLOADING):
        offered.append(("cancel", "close", _with_keys(tr("Do not send it"), "Del")))
    elif "delete" in may:
        offered.append(("delete", "trash", _with_keys(tr("Delete here"), "Del")))
    offered += _looking_entries(bubble, may)
    if "recall" in may:
        offered.append(("recall", "recall", _with_keys(tr("Remove for everybody…"), "Del")))
    return offered


def _looking_entries(bubble: Bubble, may: frozenset[Right]) -> list[tuple[str, str, str]]:
    offered: list[tuple[str, str, str]] = []
    if bubble.mine and bubble.state in (*ON_ITS_WAY, State.ACCEPTED, State.STORED):
        offered.append(("ask", "info", tr("What became of it?")))
    if bubble.mine and bubble.state in TAKEN:
        offered.append(("info", "info", tr("Delivery…")))
    if "versions" in may:
        offered.append(("versions", "clock", tr("What it said before…")))
    offered.append(("trace", "trace", _with_keys(tr("Delivery trace"), "Ctrl+D")))
    return offered


def _with_keys(words: str, keys: str) -> str:
    """Qt shows what follows a tab at the right, as it shows a shortcut."""
    return f"{words}\t{QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)}" if keys else words


def _change_entries(bubble: Bubble) -> list[tuple[str, str, str]]:
    """A change that the server has not taken can be tried again, or given up."""
    give_up = ("drop", "close", tr("Give the change up"))
    if bubble.change in STUCK:
        return [("again", "resend", tr("Try the change again")), give_up]
    return [give_up] if bubble.change is State.QUEUED else []
