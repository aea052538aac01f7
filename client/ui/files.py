"""What can be done with the file of a message: bring it here, hold that, look at it, keep it somewhere, ask for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from PySide6.QtCore import QMimeData, QStandardPaths, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from client.app.chat import Chat
from client.core.model import Bubble, State, TransferProgress
from client.ui.dialogs.frame import Choice, ask
from client.ui.errands import Errands
from client.ui.plain import isolate
from client.ui.viewmodels.conversation import ConversationModel
from client.ui.viewmodels.rows import Face
from client.ui.words import problem_words, tr
from protocol.content import Picture, Video, Voice
from protocol.problems import Problem
from protocol.values import Lid

PROGRAMS = frozenset((
    ".app", ".appimage", ".apk", ".application", ".bat", ".bash", ".chm", ".cmd", ".com", ".command", ".cpl", ".csh",
    ".deb", ".desktop", ".dll", ".dmg", ".docm", ".dotm", ".exe", ".gadget", ".hta", ".htm", ".html", ".inf", ".iso",
    ".jar", ".jnlp", ".js", ".jse", ".library-ms", ".lnk", ".msc", ".msi", ".msix", ".msp", ".mst", ".osx", ".pif",
    ".pkg", ".pl", ".potm", ".ppam", ".ppsm", ".pptm", ".ps1", ".psm1", ".py", ".pyw", ".rb", ".reg", ".rpm", ".run",
    ".scf", ".scpt", ".scr", ".sct", ".search-ms", ".settingcontent-ms", ".sh", ".sldm", ".svg", ".terminal", ".tool",
    ".url", ".vb", ".vbe", ".vbs", ".vhd", ".vhdx", ".webloc", ".workflow", ".ws", ".wsc", ".wsf", ".wsh", ".xhtml",
    ".xlam", ".xll", ".xlsb", ".xlsm", ".xltm", ".xht", ".zsh",
))  # fmt: skip
"""Endings of what may run when it is opened, or of a document that may bring programs: the person is asked first."""


def may_run(name: str) -> bool:
    """Whether a file could be a program, by the ending of its name; a dot or space at its end hides nothing."""
    return os.path.splitext(name.rstrip(". \t"))[1].lower().strip() in PROGRAMS


class Files:
    """The hands of MessageActions that hold files.

    Args:
        play: begins a sound or a film.
        look: shows a picture; False if it cannot be shown here.
        ask_again: begins an answer with these words in the field.
        say: tells the person a sentence.
    """

    def __init__(
        self,
        chat: Chat,
        model: ConversationModel,
        errands: Errands,
        window: QWidget,
        *,
        play: Callable[[Bubble], object],
        look: Callable[[Bubble, str], bool],
        ask_again: Callable[[Bubble, str], None],
        say: Callable[[str], None],
        native_dialogs: bool = True,
    ) -> None:
        self._chat, self._model, self._errands, self._window = chat, model, errands, window
        self._play, self._look, self._ask, self._say = play, look, ask_again, say
        self._native = native_dialogs

    def do(self, bubble: Bubble, part: str) -> bool:
        """Do what a part of a bubble, or an entry of its menu, stands for. False if that is no wish of this kind."""
        wishes: dict[str, Callable[[Bubble], Coroutine[Any, Any, None]]] = {
            "download": self.fetch, "download_all": self.fetch_all, "stop": self._stop, "hold": self._hold,
            "resume": self._resume, "open": self.open, "save": self._choose_place, "folder": self._show_folder,
            "copy_file": self._copy, "ask_again": self._ask_again, "outside": self.outside,
        }  # fmt: skip
        if part in wishes:
            self._errands.start(wishes[part](bubble))
        return part in wishes

    # --- here, and how far

    async def fetch(self, bubble: Bubble) -> None:
        """Download it, or go on with that."""
        file = bubble.attachment
        if file is not None and not bubble.path:
            self._model.progress(TransferProgress(bubble.lid, "down", bubble.here_bytes, file.size_bytes))
        try:
            await self._chat.fetch(bubble.lid)
        except Problem:
            self._model.settle(bubble.lid)
            raise

    async def fetch_all(self, bubble: Bubble) -> None:
        """Everything of its album that is not here."""
        for row in self._model.album(bubble.lid):
            if row.face in ("away", "paused"):
                await self.fetch(row.bubble)

    async def _stop(self, bubble: Bubble) -> None:
        await self._chat.stop_fetch(bubble.lid)
        self._model.settle(bubble.lid)

    async def _hold(self, bubble: Bubble) -> None:
        await self._chat.pause(bubble.lid)

    async def _resume(self, bubble: Bubble) -> None:
        if bubble.state is State.UPLOADING:
            await self._chat.resume(bubble.lid)
        else:
            await self.fetch(bubble)

    async def _ask_again(self, bubble: Bubble) -> None:
        """Nothing is said for the person: the question stands in the field, and they send it."""
        self._ask(bubble, tr("Could you send {file} again?", file=isolate(self._chat.file_name(bubble))))

    # --- looking at it

    async def open(self, bubble: Bubble) -> None:
        """Show it here if that can be, else with another program."""
        if not bubble.path:
            return
        if isinstance(bubble.body, Video | Voice) and not bubble.why:
            self._play(bubble)
            return
        path = await self._chat.checked_path(bubble.lid)
        if isinstance(bubble.body, Picture) and not bubble.why and self._look(bubble, path):
            return
        await self.outside(bubble)

    async def outside(self, bubble: Bubble) -> None:
        """With another program, whatever could be made of it here."""
        path = await self._chat.checked_path(bubble.lid)
        if await self._allowed(bubble, path) and not QDesktopServices.openUrl(QUrl.fromLocalFile(path)):
            self._say(tr("No program was found for this file. Save it, and open it from there."))

    async def _allowed(self, bubble: Bubble, path: str) -> bool:
        """What may be a program is opened only by who expected it (SEC-28), and so is what is not as it was said."""
        name = self._chat.file_name(bubble)
        if not bubble.why and not may_run(name) and not may_run(path):
            return True
        words = tr("{file} can be a program or contain one. Open it only if you expected it.", file=isolate(name))
        if bubble.why:
            words = problem_words(bubble.why)
        choices = [Choice("open", tr("Open"), "danger"), Choice("save", tr("Save as…")), Choice("", tr("Cancel"))]
        answer = await ask(self._window, tr("Open this file?"), words, choices)
        if answer == "save":
            await self._choose_place(bubble)
        return answer == "open"

    # --- keeping it

    async def _choose_place(self, bubble: Bubble) -> None:
        """Where to; a file that is there already keeps its place, and the copy gets a number."""
        if not bubble.path:
            return
        name = self._chat.file_name(bubble)
        dialog = QFileDialog(self._window, tr("Save as"), str(self._downloads()))
        dialog.setObjectName("save_dialog")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if not self._native:
            dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
        dialog.selectFile(name)
        dialog.fileSelected.connect(lambda to: self._errands.start(self._save(bubble.lid, to)))
        dialog.open()

    def _downloads(self) -> Path:
        """Where the person keeps what was downloaded."""
        system = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DownloadLocation)
        chosen = (self._chat.settings.downloads, system)
        return next((Path(folder) for folder in chosen if folder and os.path.isdir(folder)), Path.home())

    async def _save(self, lid: Lid, to: str) -> None:
        saved = await self._chat.save_copy(lid, to)
        self._say(tr("Saved as {file}", file=isolate(os.path.basename(saved))))

    async def _show_folder(self, bubble: Bubble) -> None:
        if bubble.path:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(bubble.path).parent)))

    async def _copy(self, bubble: Bubble) -> None:
        """To the clipboard, as a file manager would."""
        path = await self._chat.checked_path(bubble.lid)
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(path)])
        QGuiApplication.clipboard().setMimeData(data)
        self._say(tr("The file is on the clipboard"))


def file_entries(bubble: Bubble, face: Face) -> list[tuple[str, str, str]]:
    """What the menu offers for a file: what to do, an icon, words."""
    if bubble.path and bubble.attachment is not None:
        shown = isinstance(bubble.body, Video | Voice) and not bubble.why
        kept = [
            ("open", "play" if shown else "file", tr("Open")),
            ("save", "save", tr("Save as…")),
            ("folder", "folder", tr("Show in folder")),
            ("copy_file", "copy", tr("Copy file")),
        ]
        return [*kept, *_moving_entries(bubble, face)]
    return _moving_entries(bubble, face)


def _moving_entries(bubble: Bubble, face: Face) -> list[tuple[str, str, str]]:
    resume = ("resume", "download", tr("Resume the download"))
    forget = ("stop", "stop", tr("Stop the download"))
    if face == "stopped":
        return [("resend" if bubble.code else "resume", "arrow_up", tr("Resume the upload"))]
    offered: dict[str, list[tuple[str, str, str]]] = {
        "away": [("download", "download", tr("Download"))],
        "loading": [("hold", "pause", tr("Pause the download")), forget],
        "paused": [resume, forget],
        "uploading": [("hold", "pause", tr("Pause the upload"))],
        "gone": [] if bubble.mine else [("ask_again", "reply", tr("Ask sender again"))],
    }
    return offered.get(face, [])
