"""What the person prefers: the dialog that asks, the size of the text, and what a choice does to the window at once."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QWidget

from client.app.chat import Chat
from client.app.settings import Settings
from client.ui.dialogs.settings import SettingsDialog
from client.ui.dialogs.settings_sound import SoundDialog
from client.ui.errands import Errands
from client.ui.notebook import Notebook
from client.ui.sound.sources import Sources
from client.ui.storage_page import StoragePage
from client.ui.theme import SCALE_MAX, SCALE_MIN, Themes
from client.ui.widgets.composer_bar import ComposerBar
from client.ui.words import speak


class Preferences(QObject):
    """Every change applies at once. `devices_wanted` is the way from the dialog to this person's devices."""

    devices_wanted = Signal()

    def __init__(
        self,
        chat: Chat,
        themes: Themes,
        notebook: Notebook,
        errands: Errands,
        composer: ComposerBar,
        window: QWidget,
        storage: StoragePage,
        sources: Sources,
    ) -> None:
        super().__init__(window)
        self._sources = sources
        self._storage = storage
        self._chat, self._themes, self._notebook, self._errands = chat, themes, notebook, errands
        self._composer, self._window = composer, window
        self._shown: SettingsDialog | None = None

    def show(self) -> None:
        """The dialog, beside whatever else goes on."""
        dialog = SettingsDialog(self._window, self._themes, self._chat.settings, self._notebook.scale)
        dialog.changed.connect(lambda settings: self._errands.start(self._change(settings)))
        dialog.scaled.connect(lambda scale: self._zoom_to(scale))
        dialog.devices_wanted.connect(self.devices_wanted)
        dialog.data_wanted.connect(self._storage.show)
        dialog.sound_wanted.connect(self._show_sound)
        dialog.finished.connect(self._closed)
        self._shown = dialog
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _show_sound(self) -> None:
        dialog = SoundDialog(self._window, self._themes, self._notebook, self._sources)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def changed_elsewhere(self) -> None:
        """Another device of this person chose something."""
        if self._shown is not None:
            self._shown.show_settings(self._chat.settings)

    def apply(self, settings: Settings, *, language: bool = True) -> None:
        """Theme, language and keys as chosen."""
        self._themes.choose(settings.theme)
        self._composer.field.send_on_enter = settings.send_on_enter
        if language:
            speak(settings.language or "system")

    def zoom(self, step: float) -> None:
        """Larger or smaller text; 0 is as designed."""
        self._zoom_to(self._notebook.scale + step if step else 1.0)

    def _zoom_to(self, scale: float) -> None:
        """A text size, kept for the next time."""
        self._notebook.scale = max(SCALE_MIN, min(SCALE_MAX, scale))
        self._themes.zoom(self._notebook.scale)

    def _closed(self) -> None:
        self._shown = None

    async def _change(self, settings: Settings) -> None:
        before = self._chat.settings
        await self._chat.change_settings(settings)
        self.apply(settings, language=settings.language != before.language)
