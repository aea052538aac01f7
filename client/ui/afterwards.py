"""What is done to messages that are there already: answered, marked, changed, taken back, passed on."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from PySide6.QtCore import QRect
from PySide6.QtWidgets import QWidget

from client.app.chat import Chat
from client.core.model import Bubble, ChatEntry
from client.ui.bubbles.chips import MARK
from client.ui.dialogs.forward import ForwardDialog
from client.ui.dialogs.frame import Choice, ask
from client.ui.dialogs.versions import VersionsDialog, tip_words
from client.ui.errands import Errands
from client.ui.plain import one_line
from client.ui.theme import Themes
from client.ui.viewmodels.conversation import ConversationModel
from client.ui.viewmodels.rights import Right, rights
from client.ui.widgets.emoji_picker import EmojiPicker
from client.ui.widgets.message_list import MessageList
from client.ui.words import plural, tr
from protocol.values import Lid, Uid


class Afterwards:
    """Beside MessageActions: the wishes that are about a message of the open conversation.

    Args:
        view: the list, which knows where a message is and can go to one.
        entry: the open conversation.
        say: tells the person a sentence.
        reply, edit: begin an answer, or other words, in the field.
    """

    def __init__(
        self,
        chat: Chat,
        themes: Themes,
        model: ConversationModel,
        view: MessageList,
        errands: Errands,
        window: QWidget,
        *,
        entry: Callable[[], ChatEntry | None],
        say: Callable[[str], None],
        reply: Callable[[Bubble], None],
        edit: Callable[[Bubble], None],
    ) -> None:
        self._chat, self._themes, self._model, self._view = chat, themes, model, view
        self._errands, self._window, self._entry = errands, window, entry
        self._say, self._reply, self._edit = say, reply, edit
        self._picker: EmojiPicker | None = None

    def rights(self, bubble: Bubble) -> frozenset[Right]:
        """What may be done with it now."""
        return rights(bubble, self._entry(), self._model.me)

    def do(self, bubble: Bubble, part: str) -> bool:
        """Do what a part of a bubble, or an entry of its menu, stands for. False if that is no wish of this kind."""
        allowed = self.rights(bubble)
        if part.startswith(MARK):
            if "react" in allowed:
                self._errands.start(self._toggle(bubble, part.removeprefix(MARK)))
            return True
        at_once: dict[str, Callable[[Bubble], None]] = {
            "react": self.pick, "reply": self._reply, "reword": self._edit,
        }  # fmt: skip
        errands: dict[str, Callable[[Bubble], Coroutine[Any, Any, None]]] = {
            "quote": self._go_to_original, "recall": self._recall, "versions": self._versions,
            "forward": self._forward, "again": self._again, "drop": self._drop,
        }  # fmt: skip
        if part == "edited":
            part = "versions"
        needs = {"reword": "edit"}.get(part, part)
        if part in at_once and needs in allowed:
            at_once[part](bubble)
        elif part in errands and (part in ("quote", "again", "drop") or needs in allowed):
            self._errands.start(errands[part](bubble))
        return part in at_once or part in errands

    # --- reactions

    def pick(self, bubble: Bubble) -> None:
        """Open the small picker beside the message."""
        self._picker = EmojiPicker(self._themes, self._window, self._own_of(bubble))
        self._picker.chosen.connect(lambda sign: self._errands.start(self._toggle_lid(bubble.lid, sign)))
        rect = self._view.place_of(bubble.lid)
        self._picker.show_at(rect if not rect.isEmpty() else self._view_rect(), right=bubble.mine)

    def _view_rect(self) -> QRect:
        return QRect(self._view.mapToGlobal(self._view.rect().center()), self._view.rect().size() * 0)

    def _own_of(self, bubble: Bubble) -> str:
        return next((emoji for emoji, uids in bubble.reactions if self._model.me in uids), "")

    async def _toggle_lid(self, lid: Lid, sign: str) -> None:
        bubble = self._model.bubble(lid)
        if bubble is not None:
            await self._toggle(bubble, sign)

    async def _toggle(self, bubble: Bubble, sign: str) -> None:
        """Choose this sign, or take it back if it was chosen."""
        own = self._own_of(bubble)
        emoji = next((emoji for emoji, _ in bubble.reactions if one_line(emoji) == sign), sign)
        await self._chat.react(bubble.lid, "" if own == emoji else emoji)

    # --- answers

    async def _go_to_original(self, bubble: Bubble) -> None:
        """Where the answered message stands; it may have to be read from the disk first."""
        if bubble.reply_lid and await self._model.around(bubble.reply_lid):
            self._view.show_message(bubble.reply_lid)
        else:
            self._say(tr("The message that this answers is not on this device."))

    # --- edits and recalls

    async def _versions(self, bubble: Bubble) -> None:
        versions = await self._chat.versions(bubble.lid)
        await VersionsDialog(self._window, versions, self._chat.wall_ms()).answered()

    async def look_back(self, lid: Lid) -> None:
        """Read what an edited message said before, for its tool tip."""
        versions = await self._chat.versions(lid)
        self._view.bubbles.notes[lid] = tip_words(versions, self._chat.wall_ms())

    async def _recall(self, bubble: Bubble) -> None:
        answer = await ask(
            self._window,
            tr("Remove this message for everybody?"),
            tr(
                "This asks the others' devices to remove it. Who has seen it has seen it, and nobody can promise that "
                "no copy stays."
            ),
            [Choice("", tr("Keep")), Choice("recall", tr("Ask to remove it"), "danger")],
        )
        if answer == "recall":
            await self._chat.recall(bubble.lid)

    async def _again(self, bubble: Bubble) -> None:
        """Try the change once more that was refused or not confirmed."""
        if bubble.change_lid:
            await self._chat.resend(bubble.change_lid)

    async def _drop(self, bubble: Bubble) -> None:
        """The change is not wanted any more: the message stays as it was."""
        if not bubble.change_lid or bubble.change is None:
            return
        if bubble.change.unsettled:
            await self._chat.cancel(bubble.change_lid)
        else:
            await self._chat.remove(bubble.change_lid)

    # --- passing on

    async def _forward(self, bubble: Bubble) -> None:
        await self.forward([bubble.lid])

    async def forward(self, lids: Sequence[Lid]) -> None:
        """Ask where to, and send these messages there."""
        bubbles = [bubble for lid in lids if (bubble := self._model.bubble(lid)) is not None]
        allowed = [bubble.lid for bubble in bubbles if "forward" in self.rights(bubble)]
        if not allowed:
            return
        look, me = self._themes.look, self._chat.me
        entries = await self._chat.chats()
        dialog = ForwardDialog(self._window, look, entries, me.uid if me else Uid(""), count=len(allowed))
        if await dialog.answered() != "forward":
            return
        for conv in dialog.chosen:
            await self._chat.forward(allowed, conv)
        count = len(dialog.chosen)
        self._say(plural("Forwarded to {count} chat", "Forwarded to {count} chats", count))
