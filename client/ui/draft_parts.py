"""What waits in a conversation beside the words, over restarts: the files on the rail and the answer in the field."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from client.app.chat import Chat
from client.ports import DraftPart
from client.ui.attaching import Attaching
from client.ui.errands import Errands
from client.ui.viewmodels.staging import Tray, look_at
from client.ui.writing import Writing
from protocol.problems import Problem
from protocol.values import ConvId, Lid


class DraftParts:
    """Keeps them as they change; `load` brings back what waited when the program ended."""

    def __init__(self, chat: Chat, attaching: Attaching, writing: Writing, errands: Errands) -> None:
        self._chat, self._attaching, self._writing, self._errands = chat, attaching, writing, errands
        self._known: dict[ConvId, list[DraftPart]] | None = None
        self._saving: set[ConvId] = set()
        attaching.changed = self._changed

    async def load(self) -> None:
        """Once, at the start. A file that is gone is not asked for again."""
        known = await self._chat.draft_parts()
        trays = {conv: await asyncio.to_thread(_tray, parts) for conv, parts in known.items()}
        self._known = known
        for conv, tray in trays.items():
            if not self._attaching.tray(conv).files:
                self._attaching.put(conv, tray)
        for parts in list(known.values()):
            await self._answer(parts)

    async def _answer(self, parts: Sequence[DraftPart]) -> None:
        lid = next((part.value for part in parts if part.kind == "reply"), "")
        if lid.isdigit():
            with suppress(Problem):
                self._writing.answer_again(await self._chat.bubble(Lid(int(lid))))

    def _changed(self, conv: ConvId) -> None:
        if self._known is not None and conv and self._parts(conv) != self._known.get(conv, []):
            self._errands.start(self._save(conv))

    async def _save(self, conv: ConvId) -> None:
        """The newest state, one save after another."""
        assert self._known is not None
        if conv in self._saving:
            return
        self._saving.add(conv)
        try:
            while (parts := self._parts(conv)) != self._known.get(conv, []):
                await self._chat.set_draft_parts(conv, parts)
                self._known[conv] = parts
        finally:
            self._saving.discard(conv)

    def _parts(self, conv: ConvId) -> list[DraftPart]:
        tray = self._attaching.tray(conv)
        parts = [DraftPart("file", staged.path) for staged in tray.files]
        parts += [DraftPart("as_files")] if tray.files and tray.as_files else []
        parts += [DraftPart("split")] if tray.files and tray.split else []
        lid = self._writing.answers(conv)
        return [*parts, DraftPart("reply", str(lid))] if lid else parts


def _tray(parts: Sequence[DraftPart]) -> Tray:
    tray = Tray()
    for part in parts:
        if part.kind == "file":
            with suppress(Problem):
                tray = tray.add(look_at(part.value))
    kinds = {part.kind for part in parts}
    return replace(tray, as_files="as_files" in kinds, split="split" in kinds) if tray.files else tray
