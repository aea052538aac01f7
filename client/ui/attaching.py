"""What waits on the rail of each conversation, and how files, pictures and recordings come to lie there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog, QWidget

from client.ui.errands import Errands
from client.ui.viewmodels.staging import Tray, look_at
from client.ui.widgets.composer_bar import ComposerBar
from client.ui.widgets.staging_rail import StagingRail
from client.ui.words import plural, problem_words, tr
from protocol.limits import MEDIA_PER_MESSAGE_MAX
from protocol.problems import Problem
from protocol.values import ConvId


class Attaching:
    """The trays of all conversations; the rail shows that of the open one, unless a message is being changed."""

    def __init__(
        self,
        rail: StagingRail,
        composer: ComposerBar,
        errands: Errands,
        window: QWidget,
        *,
        conv: Callable[[], ConvId],
        editing: Callable[[], bool],
        say: Callable[[str], None],
        picture_path: Callable[[], Path],
        native_dialogs: bool,
    ) -> None:
        self._rail, self._composer, self._errands, self._window = rail, composer, errands, window
        self._conv, self._editing, self._say = conv, editing, say
        self._picture_path, self._native = picture_path, native_dialogs
        self._trays: dict[ConvId, Tray] = {}
        rail.changed.connect(lambda tray: self.put(self._conv(), tray))
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
            self._rail.show_tray(Tray() if self._editing() else tray)
            self._composer.has_files(bool(tray.files))

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

    def offer(self, paths: Sequence[str], *, as_files: bool | None = None) -> None:
        """Put files on the rail; what cannot be sent is named, with the reason."""
        conv = self._conv()
        if not conv:
            return
        if self._editing():
            self._say(tr("Save or cancel the change first, then attach files."))
            return
        tray, refused = self.tray(conv), []
        for path in paths:
            if tray.full:
                most = MEDIA_PER_MESSAGE_MAX
                refused.append(plural("At most {count} file at once.", "At most {count} files at once.", most))
                break
            try:
                tray = tray.add(look_at(path))
            except Problem as why:
                refused.append(problem_words(why))
        if as_files is not None:
            tray = Tray(tray.files, as_files)
        self.put(conv, tray)
        if refused:
            self._say("\n".join(refused[:3]))
        self._composer.setFocus()

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
