"""The recordings that were not sent: found again at the start, each in its conversation, until sent or thrown away."""

from __future__ import annotations

import shutil
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from client.ui.sound.segments import Draft, is_empty, read_draft
from client.ui.words import duration, tr
from protocol.values import ConvId

UNDO_MS = 5000


class Drafts(QObject):
    """What lies in the profile's folder of recordings. `changed` names the conversation whose drafts are others now."""

    changed = Signal(str)

    def __init__(self, root: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._root = root
        self._drafts: dict[Path, Draft] = {}
        self._away: dict[Path, Draft] = {}
        self._doomed: set[Path] = set()
        self._look()

    def _look(self) -> None:
        """A crash left them, or the window was closed. A folder in which nothing was said is removed."""
        for folder in sorted(path for path in self._root.iterdir() if path.is_dir()):
            draft = read_draft(folder)
            if draft is not None:
                self._drafts[folder] = draft
            elif is_empty(folder):
                shutil.rmtree(folder, ignore_errors=True)

    def finished(self) -> list[tuple[Draft, Path]]:
        """Files that were made of recordings which still wait: sent a moment before a crash, or not quite."""
        files = [path for path in self._root.iterdir() if path.is_file()]
        return [
            (draft, path)
            for draft in self._drafts.values()
            for path in files
            if path.stem.startswith(f"{draft.folder.name}-")
        ]

    def of(self, conv: ConvId) -> Draft | None:
        """The newest recording that waits in a conversation."""
        found = [draft for draft in self._drafts.values() if draft.conv == conv]
        return max(found, key=lambda draft: draft.began_ms, default=None)

    @property
    def convs(self) -> list[ConvId]:
        """Where recordings wait."""
        return sorted({draft.conv for draft in self._drafts.values()})

    def words(self, conv: ConvId) -> str:
        """“voice 0:42”: what the row of the conversation says of it; empty if there is none."""
        draft = self.of(conv)
        if draft is None:
            return ""
        length = duration(draft.duration_ms)
        return tr("video {length}", length=length) if draft.kind == "video" else tr("voice {length}", length=length)

    def keep(self, draft: Draft) -> None:
        """It waits in its conversation."""
        self._away.pop(draft.folder, None)
        self._doomed.discard(draft.folder)
        self._drafts[draft.folder] = draft
        self.changed.emit(draft.conv)

    def hide(self, draft: Draft) -> None:
        """It is being sent, or perhaps thrown away: `keep` brings it back, `drop` ends it."""
        self._away[draft.folder] = draft
        if self._drafts.pop(draft.folder, None) is not None:
            self.changed.emit(draft.conv)

    def drop(self, draft: Draft) -> None:
        """It is gone."""
        self._away.pop(draft.folder, None)
        known = self._drafts.pop(draft.folder, None)
        shutil.rmtree(draft.folder, ignore_errors=True)
        if known is not None:
            self.changed.emit(draft.conv)

    def discard(self, draft: Draft) -> None:
        """It is gone in five seconds, unless somebody wants it back."""
        self.hide(draft)
        self._doomed.add(draft.folder)
        QTimer.singleShot(UNDO_MS, self, lambda: self._drop_if_doomed(draft))

    def close(self) -> None:
        """Nobody can want anything back any more."""
        for draft in [draft for folder, draft in self._away.items() if folder in self._doomed]:
            self._drop_if_doomed(draft)

    def _drop_if_doomed(self, draft: Draft) -> None:
        if draft.folder in self._doomed:
            self._doomed.discard(draft.folder)
            self.drop(draft)
