"""What the window does about data and storage: shows what is kept and what was spent, clears, and keeps choices."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from client.app.chat import Chat
from client.core.spending import CacheKind
from client.ui.dialogs.settings_data import KINDS, DataDialog
from client.ui.errands import Errands
from client.ui.theme import Themes
from client.ui.words import problem_words, tr
from protocol.problems import Problem
from protocol.values import ConvId, replace


class StoragePage(QObject):
    """One dialog at most.

    Args:
        title_of: what a conversation is called.
    """

    def __init__(
        self,
        chat: Chat,
        themes: Themes,
        errands: Errands,
        window: QWidget,
        *,
        title_of: Callable[[ConvId], str],
        native_dialogs: bool = True,
    ) -> None:
        super().__init__(window)
        self._chat, self._themes, self._errands, self._window = chat, themes, errands, window
        self._title_of, self._native_dialogs = title_of, native_dialogs
        self.shown: DataDialog | None = None

    def show(self) -> None:
        """The dialog, beside whatever else goes on."""
        settings = self._chat.settings
        folder = str(downloads_folder(settings.downloads))
        dialog = self.shown = DataDialog(self._window, self._themes, settings.cache_mib, folder, self._title_of)
        dialog.clear_wanted.connect(lambda kind: self._errands.start(self._clear(dialog, kind)))
        dialog.limit_chosen.connect(lambda mib: self._errands.start(self._limit(dialog, mib)))
        dialog.folder_wanted.connect(self._choose_folder)
        dialog.finished.connect(self._closed)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
        self._errands.start(self._refresh(dialog))

    def _closed(self) -> None:
        self.shown = None

    async def _refresh(self, dialog: DataDialog) -> None:
        try:
            sizes, spending = await self._chat.storage.sizes(), await self._chat.spending()
        except Problem as why:
            if self.shown is dialog:
                dialog.tell(problem_words(why))
            return
        if self.shown is dialog:
            dialog.show_sizes(sizes)
            dialog.show_spending(spending)

    async def _clear(self, dialog: DataDialog, kind: str) -> None:
        wanted: CacheKind | None = next((one for one in KINDS if one == kind), None)
        await self._chat.storage.clear(wanted)
        await self._refresh(dialog)

    async def _limit(self, dialog: DataDialog, limit_mib: int) -> None:
        await self._chat.change_settings(replace(self._chat.settings, cache_mib=limit_mib))
        await self._chat.storage.trim()
        await self._refresh(dialog)

    def _choose_folder(self) -> None:
        now = str(downloads_folder(self._chat.settings.downloads))
        picker = QFileDialog(self.shown or self._window, tr("Save files in"), now)
        picker.setFileMode(QFileDialog.FileMode.Directory)
        picker.setOption(QFileDialog.Option.ShowDirsOnly)
        if not self._native_dialogs:
            picker.setOption(QFileDialog.Option.DontUseNativeDialog)
        picker.fileSelected.connect(lambda folder: self._errands.start(self._keep_folder(folder)))
        picker.finished.connect(picker.deleteLater)
        picker.open()

    async def _keep_folder(self, folder: str) -> None:
        await self._chat.change_settings(replace(self._chat.settings, downloads=folder))
        if self.shown is not None:
            self.shown.show_folder(folder)


def downloads_folder(chosen: str) -> Path:
    """Where files are saved: as chosen, else where this computer keeps downloads, as long as that is there."""
    system = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DownloadLocation)
    return next((Path(folder) for folder in (chosen, system) if folder and os.path.isdir(folder)), Path.home())
