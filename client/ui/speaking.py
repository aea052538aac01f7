"""What becomes of a recording: it is sent, kept in its conversation, or thrown away and perhaps wanted back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from client.app.chat import Chat
from client.ui.dialogs.frame import Choice, ask
from client.ui.drafts import Drafts
from client.ui.errands import Errands
from client.ui.notebook import Notebook
from client.ui.recording import Recording
from client.ui.sound.finish import Finished, finish
from client.ui.sound.segments import Draft, Span
from client.ui.words import problem_words, tr
from protocol.problems import Problem


class Speaking(QObject):
    """`undo_wanted` carries a sentence and what brings the recording back; `sent`: one is in its conversation."""

    undo_wanted = Signal(str, object)
    sent = Signal()

    def __init__(
        self,
        chat: Chat,
        recording: Recording,
        drafts: Drafts,
        errands: Errands,
        notebook: Notebook,
        window: QWidget,
        say: Callable[[str], None],
    ) -> None:
        super().__init__(recording)
        self._chat, self._recording, self._drafts, self._errands = chat, recording, drafts, errands
        self._notebook, self._window, self._say = notebook, window, say
        recording.send_wanted.connect(lambda draft, span: self._errands.start(self._send(draft, span)))
        recording.discarded.connect(self._offer_back)

    def ask(self) -> None:
        """Escape: what is to become of it?"""
        self._errands.once(self._keep_or_discard)

    async def tidy(self) -> None:
        """At the start: a recording whose message is there was sent; what was made of another is made again."""
        for draft, path in self._drafts.finished():
            if await self._chat.shows_file(str(path)):
                self._drafts.drop(draft)
            else:
                await asyncio.to_thread(path.unlink, missing_ok=True)

    async def _send(self, draft: Draft, span: Span) -> None:
        """It waits in its conversation until its message is safe there."""
        self._drafts.hide(draft)
        made: Finished | None = None
        try:
            out = self._notebook.recordings / f"{draft.folder.name}-{span.first_ms}-{span.last_ms}"
            made = await finish(draft, span, out, self._chat.join_recording)
            await self._chat.send_file(
                draft.conv, str(made.path), draft.kind, bins=made.bins, note=draft.kind == "video"
            )
        except Problem as why:
            if made is not None:
                with suppress(OSError):
                    made.path.unlink(missing_ok=True)
            self._drafts.keep(draft)
            self._say(problem_words(why))
        else:
            self._drafts.drop(draft)
            self.sent.emit()

    def _offer_back(self, draft: Draft) -> None:
        self.undo_wanted.emit(tr("The recording was discarded."), lambda: self._drafts.keep(draft))

    async def _keep_or_discard(self) -> None:
        answer = await ask(
            self._window,
            tr("Stop recording?"),
            tr("The recording can wait in this chat until you send it."),
            [
                Choice("discard", tr("Discard"), "danger"),
                Choice("keep", tr("Keep as draft")),
                Choice("", tr("Go on"), "primary"),
            ],
        )
        if answer == "discard":
            self._recording.discard()
        elif answer == "keep":
            self._recording.keep()
