"""Where sound and pictures come from: a microphone, a camera, or an invented tone and invented frames.

Every source has one shape, so that a test swaps only the source and everything behind it is the real thing.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from PySide6.QtCore import QElapsedTimer, QIODevice, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtMultimedia import (
    QAudio,
    QAudioBuffer,
    QAudioDevice,
    QAudioFormat,
    QAudioSource,
    QCamera,
    QCameraDevice,
    QMediaCaptureSession,
    QMediaDevices,
    QVideoFrame,
    QVideoSink,
)

SOUND_RATE_HZ = 48_000
BLOCK_MS = 100
FRAME_MS = 40


def sound_format() -> QAudioFormat:
    """Mono, 48 kHz, 16 bit: what the encoder gets."""
    made = QAudioFormat()
    made.setSampleRate(SOUND_RATE_HZ)
    made.setChannelCount(1)
    made.setSampleFormat(QAudioFormat.SampleFormat.Int16)
    return made


class SoundSource(QObject):
    """Gives blocks of sound once started. `failed` carries the code of a Problem."""

    block = Signal(QAudioBuffer)
    failed = Signal(str)

    def start(self) -> None:
        """Begin; the first block may take a second."""
        raise NotImplementedError

    def flush(self) -> None:
        """Give what has come and fills no block yet: the end of a word must not wait for one."""

    def stop(self) -> None:
        """End at once; nothing more is given."""
        raise NotImplementedError


class MicSource(SoundSource):
    """The microphone, read in blocks of 100 ms. Pulled out, it fails, even if its driver says nothing."""

    def __init__(self, device: QAudioDevice, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._device = device
        self._source: QAudioSource | None = None
        self._stream: QIODevice | None = None
        self._waiting = bytearray()
        self._devices = QMediaDevices(self)
        self._devices.audioInputsChanged.connect(self._look_whether_there)

    def start(self) -> None:
        self._source = QAudioSource(self._device, sound_format(), self)
        self._source.stateChanged.connect(self._watch)
        stream: QIODevice | None = self._source.start()
        self._stream = stream
        if stream is None:
            self.failed.emit("microphone_missing")
            return
        stream.readyRead.connect(self._read)

    def flush(self) -> None:
        self._read()
        if self._waiting:
            rest, self._waiting = bytes(self._waiting[: len(self._waiting) // 2 * 2]), bytearray()
            self.block.emit(QAudioBuffer(rest, sound_format()))

    def stop(self) -> None:
        self._stream = None
        if self._source is not None:
            source, self._source = self._source, None
            source.stop()
            source.deleteLater()

    def _read(self) -> None:
        if self._stream is None:
            return
        self._waiting += bytes(self._stream.readAll().data())
        block_bytes = SOUND_RATE_HZ * BLOCK_MS // 1000 * 2
        while len(self._waiting) >= block_bytes:
            block = bytes(self._waiting[:block_bytes])
            del self._waiting[:block_bytes]
            self.block.emit(QAudioBuffer(block, sound_format()))

    def _watch(self, state: QAudio.State) -> None:
        broken = self._source is not None and self._source.error().name != QAudio.Error.NoError.name
        if state == QAudio.State.StoppedState and broken:
            self.failed.emit("microphone_missing")

    def _look_whether_there(self) -> None:
        if self._source is not None and all(each.id() != self._device.id() for each in QMediaDevices.audioInputs()):
            self.failed.emit("microphone_missing")


class ToneSource(SoundSource):
    """An invented tone that swells and fades, in real time: the microphone of tests, stages and the demo."""

    def __init__(self, parent: QObject | None = None, *, hz: float = 330.0, block_ms: int = BLOCK_MS) -> None:
        super().__init__(parent)
        self._hz = hz
        self._sample = 0
        self._timer = QTimer(self, interval=block_ms, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._give)

    def start(self) -> None:
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def _give(self) -> None:
        count = SOUND_RATE_HZ * BLOCK_MS // 1000
        turn = 2 * math.pi / SOUND_RATE_HZ
        samples = array(
            "h",
            (
                int(20_000 * abs(math.sin(n * turn * 0.9)) * math.sin(n * turn * self._hz))
                for n in range(self._sample, self._sample + count)
            ),
        )
        self._sample += count
        self.block.emit(QAudioBuffer(samples.tobytes(), sound_format()))


class FrameSource(QObject):
    """Gives video frames once started."""

    frame = Signal(QVideoFrame)
    failed = Signal(str)

    def start(self) -> None:
        """Begin."""
        raise NotImplementedError

    def stop(self) -> None:
        """End at once."""
        raise NotImplementedError


class CameraSource(FrameSource):
    """The camera. Pulled out, it fails, even if its driver says nothing."""

    def __init__(self, device: QCameraDevice, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._camera = QCamera(device, self)
        self._sink = QVideoSink(self)
        self._session = QMediaCaptureSession(self)
        self._session.setCamera(self._camera)
        self._session.setVideoSink(self._sink)
        self._sink.videoFrameChanged.connect(self.frame)
        self._camera.errorOccurred.connect(lambda _error, _text: self.failed.emit("camera_missing"))
        self._devices = QMediaDevices(self)
        self._devices.videoInputsChanged.connect(self._look_whether_there)

    def start(self) -> None:
        self._camera.start()

    def stop(self) -> None:
        self._camera.stop()

    def _look_whether_there(self) -> None:
        key = self._camera.cameraDevice().id()
        if all(each.id() != key for each in QMediaDevices.videoInputs()):
            self.failed.emit("camera_missing")


class DrawnSource(FrameSource):
    """Frames that are drawn: the camera of tests and stages. `draw` paints one at a time in seconds."""

    def __init__(
        self,
        parent: QObject | None = None,
        *,
        size: QSize = QSize(480, 480),  # noqa: B008 - a constant value type
        draw: Callable[[QPainter, QSize, float], None] | None = None,
    ) -> None:
        super().__init__(parent)
        self._size, self._draw = size, draw or _moving_sun
        self._clock = QElapsedTimer()
        self._timer = QTimer(self, interval=FRAME_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._give)

    def start(self) -> None:
        self._clock.start()
        self._timer.start()
        self._give()

    def stop(self) -> None:
        self._timer.stop()

    def _give(self) -> None:
        image = QImage(self._size, QImage.Format.Format_RGBA8888)
        painter = QPainter(image)
        self._draw(painter, self._size, self._clock.elapsed() / 1000)
        painter.end()
        self.frame.emit(QVideoFrame(image))


def _moving_sun(painter: QPainter, size: QSize, at_s: float) -> None:
    painter.fillRect(0, 0, size.width(), size.height(), QColor("#2B6CB0"))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor("#F6C453"))
    side = size.height() // 3
    painter.drawEllipse(int(at_s * 80) % size.width(), side, side, side)


class ClipSource(FrameSource):
    """Given pictures, one after the other and again from the first: what a camera would have seen."""

    def __init__(self, pictures: Sequence[QImage], parent: QObject | None = None, *, every_ms: int = FRAME_MS) -> None:
        super().__init__(parent)
        self._pictures, self._place = pictures, 0
        self._timer = QTimer(self, interval=every_ms, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._give)

    def start(self) -> None:
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def _give(self) -> None:
        picture = self._pictures[self._place % len(self._pictures)]
        self._place += 1
        self.frame.emit(QVideoFrame(picture))


class Named(NamedTuple):
    """A microphone or a camera, as the system names it. `key` stays the same when it is plugged in again."""

    key: str
    name: str


def _nothing() -> list[Named]:
    return []


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a window takes sound and pictures from; None is a computer without microphone or camera.

    `sound` and `camera` take the key of a device; with an empty or an unknown one they take what the system prefers.
    `microphones` and `cameras` list what is plugged in now, what the system prefers first.
    """

    sound: Callable[[str], SoundSource | None]
    camera: Callable[[str], FrameSource | None]
    microphones: Callable[[], list[Named]] = _nothing
    cameras: Callable[[], list[Named]] = _nothing


def _key(device: QAudioDevice | QCameraDevice) -> str:
    return bytes(device.id().data()).decode("utf-8", "replace")


def _microphone(key: str) -> SoundSource | None:
    known = {_key(device): device for device in QMediaDevices.audioInputs()}
    device = known.get(key, QMediaDevices.defaultAudioInput())
    return None if device.isNull() else MicSource(device)


def _camera(key: str) -> FrameSource | None:
    known = {_key(device): device for device in QMediaDevices.videoInputs()}
    device = known.get(key, QMediaDevices.defaultVideoInput())
    return None if device.isNull() else CameraSource(device)


def _microphones() -> list[Named]:
    found = sorted(QMediaDevices.audioInputs(), key=lambda device: not device.isDefault())
    return [Named(_key(device), device.description()) for device in found]


def _cameras() -> list[Named]:
    found = sorted(QMediaDevices.videoInputs(), key=lambda device: not device.isDefault())
    return [Named(_key(device), device.description()) for device in found]


SYSTEM = Sources(_microphone, _camera, _microphones, _cameras)
INVENTED = Sources(
    lambda _key: ToneSource(),
    lambda _key: DrawnSource(),
    lambda: [Named("tone", "Tone"), Named("tone2", "Second tone")],
    lambda: [Named("sun", "Moving sun")],
)
"""A tone and a moving sun, for tests and for pictures of the window."""
