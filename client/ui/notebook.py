"""What a window remembers of itself: its place, its text size, whether it has a server of its own."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

from protocol.values import ConvId

FILE_NAME = "window.ini"


class Notebook:
    """Notes in the profile's folder. Nothing in here is needed to find a message again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._notes = QSettings(str(folder / FILE_NAME), QSettings.Format.IniFormat)

    @property
    def hosts(self) -> bool:
        """Whether this profile's server is the bundled one, in this folder."""
        return self._notes.value("server/bundled", "false") == "true"

    @hosts.setter
    def hosts(self, yes: bool) -> None:
        self._notes.setValue("server/bundled", "true" if yes else "false")
        self._notes.sync()

    @property
    def scale(self) -> float:
        """The text size, 1.0 is as designed."""
        try:
            return float(str(self._notes.value("text/scale", "1.0")))
        except ValueError:
            return 1.0

    @scale.setter
    def scale(self, scale: float) -> None:
        self._notes.setValue("text/scale", f"{scale:.2f}")

    def speed(self, conv: ConvId) -> float:
        """How fast this person listens in a conversation, 1.0 is as it was said."""
        try:
            return float(str(self._notes.value(f"speed/{conv}", "1.0")))
        except ValueError:
            return 1.0

    def keep_speed(self, conv: ConvId, speed: float) -> None:
        """From now on here."""
        self._notes.setValue(f"speed/{conv}", f"{speed:g}")

    def bytes_of(self, key: str) -> QByteArray:
        """A state that Qt once gave us; empty if there is none."""
        found = self._notes.value(key)
        return found if isinstance(found, QByteArray) else QByteArray()

    def keep_bytes(self, key: str, state: QByteArray) -> None:
        """Keep a state of Qt's."""
        self._notes.setValue(key, state)

    def device(self, kind: str) -> str:
        """The key of the `microphone` or `camera` that was chosen; empty: what the system prefers."""
        return str(self._notes.value(f"sound/{kind}", ""))

    def keep_device(self, kind: str, key: str) -> None:
        """Use it from now on."""
        self._notes.setValue(f"sound/{kind}", key)
        self._notes.sync()

    @property
    def server_folder(self) -> Path:
        """Where the bundled server keeps its data."""
        return self.folder / "server"

    @property
    def recordings(self) -> Path:
        """Where recordings and pasted pictures wait until they are sent."""
        folder = self.folder / "recordings"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder
