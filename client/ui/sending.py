"""From Return to durable: the field and the rail are emptied only when what was in them is safe; drafts meanwhile."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from client.app.chat import Chat
from client.app.writing import FileKind, Quality
from client.core.model import ChatEntry
from client.ui.attaching import Attaching
from client.ui.errands import Errands
from client.ui.widgets.composer_bar import ComposerBar
from client.ui.widgets.message_list import MessageList
from client.ui.words import problem_words
from client.ui.writing import NEW, Wish, Writing
from protocol.problems import Problem
from protocol.values import ConvId

DRAFT_AFTER_MS = 1000


class Sending(QObject):
    """Sends what waits in the field and on the rail, in the order of the Returns, and keeps drafts.

    Args:
        entry: the open conversation.
        recordings: where recordings lie; what lies there is sent as what it was recorded as.
        drafts: what stands in the fields of conversations.
        say: tells the person a sentence.
    """

    def __init__(
        self,
        chat: Chat,
        view: MessageList,
        composer: ComposerBar,
        writing: Writing,
        attaching: Attaching,
        errands: Errands,
        *,
        entry: Callable[[], ChatEntry | None],
        recordings: Callable[[], Path],
        drafts: dict[ConvId, str],
        say: Callable[[str], None],
    ) -> None:
        super().__init__(composer)
        self._chat, self._view, self._composer, self._errands = chat, view, composer, errands
        self._writing, self._attaching = writing, attaching
        self._entry, self._recordings, self._drafts, self._say = entry, recordings, drafts, say
        self._wishes: deque[Wish] = deque()  # one for each Return, until it is durable
        self._draft = QTimer(self, singleShot=True, interval=DRAFT_AFTER_MS)
        self._draft.timeout.connect(self._save_draft)

    @property
    def busy(self) -> bool:
        """Whether something that was sent is being saved still."""
        return bool(self._wishes)

    @property
    def _conv(self) -> ConvId:
        entry = self._entry()
        return entry.conv if entry is not None else ConvId("")

    # --- sending

    def send(self) -> None:
        """Send what waits on the rail and in the field; both are emptied only when it is safe (P-19)."""
        text = self._unspoken()
        self._wishes.append(Wish(self._conv, text, self._writing.take(), self._writing.mentions(text)))
        if len(self._wishes) == 1:
            self._errands.start(self._send())

    def _unspoken(self) -> str:
        """What stands in the field since the last Return, while what was sent by that is being saved still."""
        spoken = "".join(wish.text for wish in self._wishes if wish.conv == self._conv)
        return self._composer.text.removeprefix(spoken)

    async def _send(self) -> None:
        try:
            while self._wishes:
                await self._send_once(self._wishes[0])
                self._wishes.popleft()
        except Problem as why:
            self._say(problem_words(why))
            self._writing.give_back(self._wishes[0].conv, self._wishes[0].aim)
        finally:
            self._wishes.clear()

    async def _send_once(self, wish: Wish) -> None:
        conv, text = wish.conv, wish.text
        tray = self._attaching.tray(conv)
        if not tray.files:
            if text.strip():
                await self._say_words(wish)
            return
        tray = tray.named(self._chat.new_album)
        self._attaching.put(conv, tray)
        caption_at = tray.caption_at
        quality: Quality = "small" if self._chat.settings.compress else "original"
        for place, staged in enumerate(tray.files):
            caption = text if place == caption_at else ""
            kind: FileKind = "file" if tray.as_files else "auto"
            if not tray.as_files and staged.path.startswith(str(self._recordings())):
                kind = "voice" if staged.guess == "voice" else "video" if staged.guess == "video" else "auto"
            await self._chat.send_file(
                conv, staged.path, kind, caption, reply_to=wish.aim.lid or None, quality=quality,
                album="" if tray.as_files else staged.album,
            )  # fmt: skip
            wish = self._wishes[0] = replace(self._wishes[0], aim=NEW)  # one answer is enough
            self._attaching.put(conv, self._attaching.tray(conv).without(staged.path))
            if caption:
                await self._sent(conv, text)
        if caption_at is None and text.strip():
            await self._say_words(wish)

    async def _say_words(self, wish: Wish) -> None:
        await self._chat.say(wish.conv, wish.text, reply_to=wish.aim.lid or None, mentions=wish.mentions)
        await self._sent(wish.conv, wish.text)

    async def _sent(self, conv: ConvId, text: str) -> None:
        """It is durable: it leaves the field, and the draft with it."""
        self._wishes[0] = replace(self._wishes[0], text="", aim=NEW)
        if conv == self._conv:
            self._composer.take_sent(text)
            self._view.scroll_to_end()
        left = self._composer.text if conv == self._conv else self._drafts.get(conv, "").removeprefix(text)
        self._drafts[conv] = left
        self._draft.stop()
        await self._chat.set_draft(conv, left)

    # --- drafts

    def typed(self) -> None:
        """Something else stands in the field."""
        if self._conv and not self._writing.editing:
            self._drafts[self._conv] = self._composer.text
            if not self._draft.isActive():
                self._draft.start()

    def _save_draft(self) -> None:
        if self._conv and not self._wishes:
            self._errands.start(self._chat.set_draft(self._conv, self._writing.draft))

    def keep_draft(self) -> None:
        """Another conversation is opened: what stands in the field stays with this one."""
        entry = self._entry()
        if entry is not None and self._writing.draft != entry.draft:
            self._drafts[self._conv] = self._writing.draft
            self._errands.start(self._chat.set_draft(self._conv, self._writing.draft))
        self._draft.stop()

    async def flush_draft(self) -> None:
        """The window closes: what is in the field is kept."""
        if self._conv:
            await self._chat.set_draft(self._conv, self._writing.draft)
