"""One player for everything that sounds: what plays, how far it is, how fast."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, QUrl, Signal
from PySide6.QtMultimedia import QAudioOutput, QMediaDevices, QMediaMetaData, QMediaPlayer, QVideoFrame, QVideoSink

from protocol.values import Lid

SPEED_MIN, SPEED_MAX = 0.5, 2.5
SPEEDS = (1.0, 1.5, 2.0, 2.5, 0.5, 0.75)
"""A click on the speed chip goes round these; the voice keeps its pitch."""
SPEED_CHOICES = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5)
"""What the menu of speeds offers."""
SILENT_END_MS = 250
BLIND_MS = 1500
"""A film that has run so long and shown nothing cannot be shown here."""
FRAME_S = 0.04
"""How long a picture of a film stands that does not say its rate."""


class Player(QObject):
    """Plays the file of one bubble at a time.

    `changed` says that `lid`, `position_ms`, `duration_ms`, `paused` or `speed` is another; `ended(lid)` that it was
    heard to its end; `failed(lid)` that it cannot be played here; `unshown(lid)` that its pictures cannot be decoded
    here, which another program may know how to.
    """

    changed = Signal()
    ended = Signal(object)
    failed = Signal(object)
    unshown = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.lid: Lid | None = None
        self.speed = 1.0
        self._known_ms = 0
        self._share, self._from_ms, self._blind_ms = 1.0, 0, 0
        self._seen = self._film = False
        self._sink: QVideoSink | None = None
        self._output = QAudioOutput(self)
        self._player = QMediaPlayer(self)
        self._player.setPitchCompensation(True)
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

    @property
    def frame_s(self) -> float:
        """How long one picture of the film stands."""
        rate = self._player.metaData().value(QMediaMetaData.Key.VideoFrameRate)
        return 1 / rate if isinstance(rate, int | float) and rate > 0 else FRAME_S

    @property
    def loudness(self) -> float:
        """The volume, 0 to 1."""
        return self._share

    def show_on(self, sink: QVideoSink | None) -> None:
        """Draw the pictures of what plays there."""
        if self._sink is not None:
            self._sink.videoFrameChanged.disconnect(self._saw)
        self._sink = sink
        if sink is not None:
            sink.videoFrameChanged.connect(self._saw)
        self._player.setVideoSink(sink)  # type: ignore[arg-type]  # None is none

    def play(self, lid: Lid, path: str, duration_ms: int = 0, *, from_ms: int = 0) -> None:
        """Play a file, or go on with it."""
        if self.lid != lid:
            self.stop()
            self.lid, self._known_ms = lid, duration_ms
            self._seen, self._film = False, self._sink is not None
            self._from_ms = self._blind_ms = from_ms
            self._player.setSource(QUrl.fromLocalFile(path))
        elif from_ms:
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
        self._go(int(max(0.0, min(1.0, fraction)) * self.duration_ms))

    def skip(self, seconds: float) -> None:
        """Go forward, or back."""
        self._go(max(0, min(self.duration_ms, self.position_ms + round(seconds * 1000))))

    def _go(self, to_ms: int) -> None:
        self._from_ms, self._blind_ms = 0, to_ms
        self._player.setPosition(to_ms)

    def step(self, frames: int) -> None:
        """Some pictures forward, or back; what runs stands still first."""
        self.pause()
        self.skip(frames * self.frame_s)

    def next_speed(self) -> None:
        """Another speed: 1, 1.5, 2, 2.5, 0.5, 0.75 times."""
        place = SPEEDS.index(self.speed) if self.speed in SPEEDS else -1
        self.set_speed(SPEEDS[(place + 1) % len(SPEEDS)])

    def set_speed(self, speed: float) -> None:
        """Between 0.5 and 2.5 times; the pitch stays."""
        self.speed = max(SPEED_MIN, min(SPEED_MAX, speed))
        self._player.setPlaybackRate(self.speed)
        self.changed.emit()

    def volume(self, share: float) -> None:
        """Between 0 and 1."""
        self._share = max(0.0, min(1.0, share))
        self._output.setVolume(self._share)
        self.changed.emit()

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
        if self._film and not self._seen and position_ms - self._blind_ms > BLIND_MS:
            self._cannot_show()
            return
        self.changed.emit()

    def _saw(self, frame: QVideoFrame) -> None:
        self._seen |= frame.isValid()

    def _cannot_show(self) -> None:
        """Its sound alone would be taken for all of it."""
        lid = self.lid
        self.stop()
        self.unshown.emit(lid)

    def _status_changed(self, status: QMediaPlayer.MediaStatus) -> None:
        opened = status in (QMediaPlayer.MediaStatus.LoadedMedia, QMediaPlayer.MediaStatus.BufferedMedia)
        if opened and self._from_ms:
            from_ms, self._from_ms = self._from_ms, 0
            self._player.setPosition(from_ms)
        elif status == QMediaPlayer.MediaStatus.EndOfMedia:
            self._ended()

    def _ended(self) -> None:
        self._silent_end.stop()
        if self.lid is not None and self._film and not self._seen:
            self._cannot_show()
        elif self.lid is not None:
            lid = self.lid
            self.stop()
            self.ended.emit(lid)

    def _error_occurred(self, error: QMediaPlayer.Error, _text: str) -> None:
        if error != QMediaPlayer.Error.NoError and self.lid is not None:
            lid = self.lid
            self.stop()
            self.failed.emit(lid)
