"""One player for everything that sounds: what plays, how far it is, how fast."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, QUrl, Signal
from PySide6.QtMultimedia import QAudioOutput, QMediaDevices, QMediaPlayer, QVideoSink

from protocol.values import Lid

SPEEDS = (1.0, 1.5, 2.0, 0.75)
"""A click on the speed chip goes round these; the voice keeps its pitch."""
SILENT_END_MS = 250


class Player(QObject):
    """Plays the file of one bubble at a time.

    `changed` says that `lid`, `position_ms`, `duration_ms`, `paused` or `speed` is another; `ended(lid)` that it was
    heard to its end; `failed(lid)` that it cannot be played here.
    """

    changed = Signal()
    ended = Signal(object)
    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.lid: Lid | None = None
        self.speed = 1.0
        self._known_ms = 0
        self._output = QAudioOutput(self)
        self._player = QMediaPlayer(self)
        self._devices = QMediaDevices(self)
        self._devices.audioOutputsChanged.connect(self._find_output)
        self._find_output()
        self._silent_end = QTimer(self, singleShot=True, interval=SILENT_END_MS)
        self._silent_end.timeout.connect(self._ended)
        self._player.positionChanged.connect(self._moved)
        self._player.durationChanged.connect(lambda _ms: self.changed.emit())
        self._player.playbackStateChanged.connect(lambda _state: self.changed.emit())
        self._player.mediaStatusChanged.connect(self._status_changed)
        self._player.errorOccurred.connect(self._error_occurred)

    @property
    def position_ms(self) -> int:
        """How far it is."""
        return self._player.position()

    @property
    def duration_ms(self) -> int:
        """How long it is; what the message said until the file is open."""
        return self._player.duration() or self._known_ms

    @property
    def paused(self) -> bool:
        """Whether it is not running."""
        return self._player.playbackState() != QMediaPlayer.PlaybackState.PlayingState

    def show_on(self, sink: QVideoSink | None) -> None:
        """Draw the pictures of what plays there."""
        self._player.setVideoSink(sink)  # type: ignore[arg-type]  # None is none

    def play(self, lid: Lid, path: str, duration_ms: int = 0, *, from_ms: int = 0) -> None:
        """Play a file, or go on with it."""
        if self.lid != lid:
            self.stop()
            self.lid, self._known_ms = lid, duration_ms
            self._player.setSource(QUrl.fromLocalFile(path))
        if from_ms:
            self._player.setPosition(from_ms)
        self._player.setPlaybackRate(self.speed)
        self._player.play()
        self.changed.emit()

    def pause(self) -> None:
        """Stand still."""
        self._player.pause()

    def toggle(self) -> None:
        """Pause or go on."""
        if self.lid is not None:
            self._player.pause() if not self.paused else self._player.play()

    def seek(self, fraction: float) -> None:
        """Go to a place between 0 and 1."""
        self._player.setPosition(int(max(0.0, min(1.0, fraction)) * self.duration_ms))

    def skip(self, seconds: float) -> None:
        """Go forward, or back."""
        self._player.setPosition(max(0, min(self.duration_ms, self.position_ms + int(seconds * 1000))))

    def next_speed(self) -> None:
        """Another speed: 1, 1.5, 2, 0.75 times."""
        place = SPEEDS.index(self.speed) if self.speed in SPEEDS else -1
        self.speed = SPEEDS[(place + 1) % len(SPEEDS)]
        self._player.setPlaybackRate(self.speed)
        self.changed.emit()

    def volume(self, share: float) -> None:
        """Between 0 and 1."""
        self._output.setVolume(share)

    def stop(self) -> None:
        """Forget what plays."""
        if self.lid is not None:
            self.lid = None
            self._player.stop()
            self._player.setSource(QUrl())
            self.changed.emit()

    def _find_output(self) -> None:
        """Sound needs a loudspeaker; without one a note still runs, and its bars move."""
        device = QMediaDevices.defaultAudioOutput()
        if device.isNull():
            self._player.setAudioOutput(None)  # type: ignore[arg-type]  # none is None
        else:
            self._output.setDevice(device)
            self._player.setAudioOutput(self._output)

    def _moved(self, position_ms: int) -> None:
        """Without a loudspeaker a sound comes to its end and does not say so."""
        if 0 < self._player.duration() <= position_ms and not self.paused:
            self._silent_end.start()
        else:
            self._silent_end.stop()
        self.changed.emit()

    def _status_changed(self, status: QMediaPlayer.MediaStatus) -> None:
        if status == QMediaPlayer.MediaStatus.EndOfMedia:
            self._ended()

    def _ended(self) -> None:
        self._silent_end.stop()
        if self.lid is not None:
            lid = self.lid
            self.stop()
            self.ended.emit(lid)

    def _error_occurred(self, error: QMediaPlayer.Error, _text: str) -> None:
        if error != QMediaPlayer.Error.NoError and self.lid is not None:
            lid = self.lid
            self.stop()
            self.failed.emit(lid)
