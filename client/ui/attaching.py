"""What waits on the rail of each conversation, and how files, pictures and recordings come to lie there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog, QWidget

from client.app.chat import Chat
from client.ui.dialogs.frame import Choice, ask
from client.ui.errands import Errands
from client.ui.viewmodels.staging import STAGED_MAX, Tray, look_at
from client.ui.widgets.composer_bar import ComposerBar
from client.ui.widgets.staging_rail import StagingRail
from client.ui.words import plural, problem_words, tr
from protocol.limits import MEDIA_PER_MESSAGE_MAX
from protocol.problems import Problem
from protocol.values import ConvId
from protocol.values import replace as change


class Attaching:
    """The trays of all conversations; the rail shows that of the open one, unless a message is being changed."""

    def __init__(
        self,
        rail: StagingRail,
        composer: ComposerBar,
        errands: Errands,
        window: QWidget,
        *,
        chat: Chat,
        conv: Callable[[], ConvId],
        editing: Callable[[], bool],
        say: Callable[[str], None],
        picture_path: Callable[[], Path],
        native_dialogs: bool,
    ) -> None:
        self._rail, self._composer, self._errands, self._window = rail, composer, errands, window
        self._chat, self._conv, self._editing, self._say = chat, conv, editing, say
        self._picture_path, self._native = picture_path, native_dialogs
        self._trays: dict[ConvId, Tray] = {}
        self.changed: Callable[[ConvId], None] = lambda conv: None
        rail.changed.connect(lambda tray: self.put(self._conv(), tray))
        rail.compress_wanted.connect(self._compress)
        rail.more_wanted.connect(self.choose_files)
        composer.attach_wanted.connect(self.choose_files)
        composer.field.files_offered.connect(self.offer)
        composer.field.image_offered.connect(self._offer_image)

    def tray(self, conv: ConvId) -> Tray:
        """What waits in a conversation."""
        return self._trays.get(conv, Tray())

    def show(self) -> None:
        """Show what waits in the open conversation."""
        self.put(self._conv(), self.tray(self._conv()))

    def put(self, conv: ConvId, tray: Tray) -> None:
        """Something else waits there now."""
        self._trays[conv] = tray
        if conv == self._conv():
            self._rail.show_tray(Tray() if self._editing() else tray, small=self.compresses)
            self._composer.has_files(bool(tray.files))
        self.changed(conv)

    def choose_files(self) -> None:
        """The attach dialog."""
        if not self._conv():
            return
        dialog = QFileDialog(self._window, tr("Attach files"))
        dialog.setObjectName("attach_dialog")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if not self._native:
            dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
        dialog.filesSelected.connect(self.offer)
        dialog.open()

    def offer(self, paths: Sequence[str], *, as_files: bool | None = None, conv: ConvId | None = None) -> None:
        """Put files on the rail, that of the open conversation unless another is named; what cannot be is named."""
        conv = self._conv() if conv is None else conv
        if not conv:
            return
        if self._editing() and conv == self._conv():
            self._say(tr("Save or cancel the change first, then attach files."))
            return
        tray = self.tray(conv)
        if as_files is not None:
            tray = replace(tray, as_files=as_files)
        tray, left, refused = taken(tray, paths)
        self.put(conv, tray)
        if refused:
            self._say("\n".join(refused[:3]))
        if left and not tray.split:
            self._errands.start(self._ask_to_split(conv, left))
        self._composer.setFocus()

    async def _ask_to_split(self, conv: ConvId, paths: Sequence[str]) -> None:
        """More than one message holds: several albums, or only what fits."""
        most = MEDIA_PER_MESSAGE_MAX
        count = len(self.tray(conv).files) + len(paths)
        answer = await ask(
            self._window,
            tr("Split into albums?"),
            tr("One album holds {most} files, and you chose {all}. They can be sent as several.", most=most, all=count),
            [
                Choice("", tr("Only the first {most}", most=most)),
                Choice("split", tr("Split into albums"), "primary"),
            ],
        )
        if answer == "split":
            tray, _, refused = taken(replace(self.tray(conv), split=True), paths)
            self.put(conv, tray)
            if refused:
                self._say("\n".join(refused[:3]))

    @property
    def compresses(self) -> bool:
        """Whether pictures and films are made smaller before they are sent."""
        return self._chat.settings.compress

    def _compress(self, on: bool) -> None:
        """The choice holds for the next time too."""
        if on != self.compresses:
            self._errands.start(self._chat.change_settings(change(self._chat.settings, compress=on)))

    def add(self, conv: ConvId, path: str) -> None:
        """One file more, whichever conversation is open."""
        self.put(conv, self.tray(conv).add(look_at(path)))

    def _offer_image(self, image: QImage) -> None:
        """A pasted picture becomes a file first."""
        self._errands.start(self._keep_image(image, self._picture_path()))

    async def _keep_image(self, image: QImage, path: Path) -> None:
        if await asyncio.to_thread(lambda: image.save(str(path))):
            self.offer([str(path)])
        else:
            self._say(problem_words("store_failed"))


def taken(tray: Tray, paths: Sequence[str]) -> tuple[Tray, list[str], list[str]]:
    """The tray with these files, those that do not fit any more, and why some cannot be sent."""
    left: list[str] = []
    refused: list[str] = []
    for path in paths:
        try:
            staged = look_at(path)
        except Problem as why:
            refused.append(problem_words(why))
            continue
        if tray.full and tray.add(staged) != tray:
            left.append(path)
        else:
            tray = tray.add(staged)
    if left and tray.split:
        refused.append(plural("At most {count} file at once.", "At most {count} files at once.", STAGED_MAX))
    return tray, left, refused
