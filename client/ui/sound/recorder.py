"""Recording a voice note or a video: from sources to the disk, block by block, without a clipped end.

Nothing is encoded meanwhile: what a source gives is on the disk before anything is made of it, so that neither a crash
nor a full disk nor an encoder can take it away.
"""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QBuffer, QElapsedTimer, QIODevice, QObject, QRect, Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtMultimedia import QAudioBuffer, QVideoFrame

from client.ui.sound.segments import BLOCK_MS, Tape, loudest
from client.ui.sound.sources import FrameSource, SoundSource

SIDE_PX = 480
JPEG_QUALITY = 88
SHORTEST_MS = 400
FRAME_EVERY_MS = 30
"""A camera may give more pictures than a video note has."""

Phase = Literal["idle", "opening", "recording", "paused"]


class Recorder(QObject):
    """One recording after another. Never two at once.

    `began` comes with the first sound (a microphone may take a second), `level` with each 100 ms as 0…1, `seen` with
    each picture as it is kept: a square of 480 px. `ended` carries the code of a Problem, empty if it was `stop`.
    """

    began = Signal()
    level = Signal(float)
    seen = Signal(QImage)
    ended = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.phase: Phase = "idle"
        self._tape: Tape | None = None
        self._since_block, self._since_frame = QElapsedTimer(), QElapsedTimer()
        self._frame_ms, self._ending = -1, False
        self._sound: SoundSource | None = None
        self._frames: FrameSource | None = None

    @property
    def duration_ms(self) -> int:
        """How much has been recorded."""
        return self._tape.duration_ms if self._tape is not None else 0

    def start(self, tape: Tape, sound: SoundSource, frames: FrameSource | None = None) -> None:
        """Record onto `tape` until `stop`. The sources become children of the recorder."""
        assert self.phase == "idle", self.phase
        self._tape, self.phase, self._ending = tape, "opening", False
        self._since_block.invalidate()
        self._since_frame.invalidate()
        self._frame_ms = -1
        self._listen_to(sound)
        if frames is not None:
            self._look_at(frames)

    def change_sound(self, sound: SoundSource) -> None:
        """Another microphone from here on."""
        if self.phase == "idle":
            sound.deleteLater()
            return
        self._leave(self._sound)
        self._listen_to(sound)

    def change_frames(self, frames: FrameSource) -> None:
        """Another camera from here on."""
        if self._frames is None:
            frames.deleteLater()
            return
        self._leave(self._frames)
        self._look_at(frames)

    def pause(self) -> None:
        """Leave out what comes now; what was said until now is in."""
        if self.phase == "recording" and self._sound is not None:
            self._sound.flush()
            if self._ending:
                return
            self.phase = "paused"
            if self._tape is not None:
                self._tape.sync()

    def resume(self) -> None:
        """Go on where `pause` stopped."""
        if self.phase == "paused":
            self.phase = "recording"

    def stop(self) -> None:
        """Nothing more is taken; what was taken is on the disk when `ended` is heard."""
        self._end("")

    # --- what comes

    def _listen_to(self, sound: SoundSource) -> None:
        self._sound = sound
        sound.setParent(self)
        sound.failed.connect(self._source_failed)
        sound.block.connect(self._take_block)
        sound.start()

    def _look_at(self, frames: FrameSource) -> None:
        self._frames = frames
        frames.setParent(self)
        frames.failed.connect(self._source_failed)
        frames.frame.connect(self._take_frame)
        if self._ending:  # the microphone failed at once
            frames.deleteLater()
            self._frames = None
        else:
            frames.start()

    def _take_block(self, block: QAudioBuffer) -> None:
        if self.phase == "opening":
            self.phase = "recording"
            self.began.emit()
        if self.phase != "recording" or self._tape is None:
            return
        samples = bytes(block.constData() or b"")
        loud = loudest(samples)
        self._tape.add_sound(samples, loud)
        self._since_block.start()
        self.level.emit(loud)
        if self._tape.trouble:
            self._end(self._tape.trouble)

    def _take_frame(self, frame: QVideoFrame) -> None:
        """Pictures before the first sound are shown and left out, so that both begin together."""
        if self._since_frame.isValid() and self._since_frame.elapsed() < FRAME_EVERY_MS:
            return
        self._since_frame.start()
        picture = square(frame.toImage())
        if picture.isNull():
            return
        self.seen.emit(picture)
        if self.phase == "recording" and self._tape is not None:
            self._tape.add_picture(self._frame_time_ms(), lambda: jpeg(picture))

    def _frame_time_ms(self) -> int:
        """Where a picture belongs, by the sound: since the last block some time has passed. Always later than the last
        one."""
        since_ms = min(BLOCK_MS - 1, self._since_block.elapsed()) if self._since_block.isValid() else 0
        self._frame_ms = max(self._frame_ms + 1, self.duration_ms + since_ms)
        return self._frame_ms

    # --- ending

    def _end(self, code: str) -> None:
        if self.phase == "idle" or self._tape is None:
            return
        if self.phase == "recording" and self._sound is not None and not code:
            self._sound.flush()
        if self._ending:
            return  # the disk refused the last block
        self._ending, self.phase = True, "idle"
        self._leave(self._sound)
        self._leave(self._frames)
        self._sound = self._frames = None
        tape = self._tape
        tape.close()
        self.ended.emit(code or tape.trouble)

    def _leave(self, source: SoundSource | FrameSource | None) -> None:
        if source is not None:
            source.blockSignals(True)
            source.stop()
            source.deleteLater()

    def _source_failed(self, code: str) -> None:
        """An unplugged microphone ends the recording; what was said until then is kept."""
        self._end(code)


def square(picture: QImage) -> QImage:
    """The middle of a picture as a square of 480 px: cut, never stretched."""
    side = min(picture.width(), picture.height())
    if side <= 0:
        return QImage()
    box = QRect((picture.width() - side) // 2, (picture.height() - side) // 2, side, side)
    part = picture if picture.size() == box.size() else picture.copy(box)
    if side != SIDE_PX:
        part = part.scaled(
            SIDE_PX, SIDE_PX, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
    return part.convertToFormat(QImage.Format.Format_RGB32)


def jpeg(picture: QImage) -> bytes:
    """A picture as a JPEG."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    picture.save(buffer, "JPG", JPEG_QUALITY)  # type: ignore[call-overload]
    return bytes(buffer.data().data())
