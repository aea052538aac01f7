"""Recording a voice note or a video: from sources to one finished file, without a clipped end.

One capture session; what a source gives waits in a queue until the encoder takes it, and the file is closed only when
the last piece was taken. Voice: m4a, AAC, mono, 32 kbit/s. Video: mp4, MPEG-4 and AAC, which needs no other program.
"""

from __future__ import annotations

from array import array
from collections import deque
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QElapsedTimer, QObject, QSize, QUrl, Signal
from PySide6.QtMultimedia import (
    QAudioBuffer,
    QAudioBufferInput,
    QMediaCaptureSession,
    QMediaFormat,
    QMediaRecorder,
    QVideoFrame,
    QVideoFrameInput,
)

from client.ui.sound.sources import BLOCK_MS, FrameSource, SoundSource, sound_format

VOICE_BITS_PER_S = 32_000
VIDEO_BITS_PER_S = 1_500_000
FRAMES_PER_S = 25.0
SHORTEST_MS = 400
WAITING_FRAMES_MAX = 8

Phase = Literal["idle", "opening", "recording", "paused", "closing"]


class Recorder(QObject):
    """One recording after another. Never two at once.

    `began` comes with the first sound (a microphone may take a second), `level` with each 100 ms as 0…1, `finished`
    with the path of the closed file and its length, `failed` with the code of a Problem. `discarded` says that a
    recording was thrown away: on request, or because it was shorter than 0.4 s.
    """

    began = Signal()
    level = Signal(float)
    finished = Signal(str, int)
    discarded = Signal(bool)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.phase: Phase = "idle"
        self.duration_ms = 0
        self._keep = True
        self._path = Path()
        self._since_block, self._frame_us = QElapsedTimer(), -1000
        self._sound: SoundSource | None = None
        self._frames: FrameSource | None = None
        self._blocks: deque[QAudioBuffer] = deque()
        self._pictures: deque[QVideoFrame] = deque()
        self._session: QMediaCaptureSession | None = None
        self._recorder: QMediaRecorder | None = None
        self._audio_in: QAudioBufferInput | None = None
        self._video_in: QVideoFrameInput | None = None

    def start(
        self, path: Path, sound: SoundSource, frames: FrameSource | None = None, size: QSize | None = None
    ) -> None:
        """Record into `path` until `finish` or `discard`. The sources become children of the recorder."""
        assert self.phase == "idle", self.phase
        self._path, self._keep, self.duration_ms = path, True, 0
        self._since_block.invalidate()
        self._frame_us = -1000
        self._build(video=frames is not None, size=size)
        self.phase = "opening"
        self._sound, self._frames = sound, frames
        for source in (sound, frames):
            if source is not None:
                source.setParent(self)
                source.failed.connect(self._source_failed)
        sound.block.connect(self._take_block)
        if frames is not None:
            frames.frame.connect(self._take_frame)
            frames.start()
        sound.start()

    def pause(self) -> None:
        """Leave out what comes now; the file stays open."""
        if self.phase == "recording":
            self.phase = "paused"

    def resume(self) -> None:
        """Go on where `pause` stopped."""
        if self.phase == "paused":
            self.phase = "recording"

    def finish(self) -> None:
        """Close the file when the encoder has taken everything; then `finished`."""
        self._end(keep=self.duration_ms >= SHORTEST_MS)

    def discard(self) -> None:
        """Throw the recording away; then `discarded(True)`."""
        self._end(keep=False)

    # ---------------------------------------------------------------------------------------- building

    def _build(self, *, video: bool, size: QSize | None) -> None:
        self._session = QMediaCaptureSession(self)
        self._recorder = QMediaRecorder(self)
        self._audio_in = QAudioBufferInput(self)
        self._session.setAudioBufferInput(self._audio_in)
        self._audio_in.readyToSendAudioBuffer.connect(self._pump)
        if video:
            self._video_in = QVideoFrameInput(self)
            self._session.setVideoFrameInput(self._video_in)
            self._video_in.readyToSendVideoFrame.connect(self._pump)
        self._session.setRecorder(self._recorder)
        self._shape(self._recorder, video=video, size=size)
        self._recorder.recorderStateChanged.connect(self._state_changed)
        self._recorder.errorOccurred.connect(self._recorder_failed)
        self._recorder.record()

    def _shape(self, recorder: QMediaRecorder, *, video: bool, size: QSize | None) -> None:
        shape = QMediaFormat(QMediaFormat.FileFormat.MPEG4 if video else QMediaFormat.FileFormat.Mpeg4Audio)
        shape.setAudioCodec(QMediaFormat.AudioCodec.AAC)
        recorder.setEncodingMode(QMediaRecorder.EncodingMode.AverageBitRateEncoding)
        recorder.setAudioBitRate(VOICE_BITS_PER_S)
        recorder.setAudioChannelCount(1)
        recorder.setAudioSampleRate(sound_format().sampleRate())
        if video:
            shape.setVideoCodec(QMediaFormat.VideoCodec.MPEG4)
            recorder.setVideoBitRate(VIDEO_BITS_PER_S)
            if size is not None:
                recorder.setVideoResolution(size)
        recorder.setMediaFormat(shape)
        recorder.setOutputLocation(QUrl.fromLocalFile(str(self._path)))

    # ----------------------------------------------------------------------------------------- feeding

    def _take_block(self, block: QAudioBuffer) -> None:
        if self.phase == "opening":
            self.phase = "recording"
            self.began.emit()
        if self.phase != "recording":
            return
        self.duration_ms += block.duration() // 1000
        self._since_block.start()
        self.level.emit(loudness(block))
        self._blocks.append(block)
        self._pump()

    def _take_frame(self, frame: QVideoFrame) -> None:
        """Pictures before the first sound are left out, so that both begin together."""
        if self.phase == "recording" and len(self._pictures) < WAITING_FRAMES_MAX:
            frame.setStartTime(self._frame_time_us())
            if frame.streamFrameRate() <= 0:
                frame.setStreamFrameRate(FRAMES_PER_S)
            self._pictures.append(frame)
            self._pump()

    def _frame_time_us(self) -> int:
        """Where a picture belongs, by the sound: since the last block some time has passed. Always later than the last
        one, or the encoder gives up."""
        since_ms = min(BLOCK_MS - 1, self._since_block.elapsed()) if self._since_block.isValid() else 0
        self._frame_us = max(self._frame_us + 1000, (self.duration_ms + since_ms) * 1000)
        return self._frame_us

    def _pump(self) -> None:
        while self._blocks and self._audio_in is not None and self._audio_in.sendAudioBuffer(self._blocks[0]):
            self._blocks.popleft()
        while self._pictures and self._video_in is not None and self._video_in.sendVideoFrame(self._pictures[0]):
            self._pictures.popleft()
        if self.phase == "closing" and not self._blocks and not self._pictures and self._recorder is not None:
            self._recorder.stop()

    # ------------------------------------------------------------------------------------------ ending

    def _end(self, *, keep: bool) -> None:
        if self.phase in ("idle", "closing"):
            return
        self._keep, self.phase = keep, "closing"
        for source in (self._sound, self._frames):
            if source is not None:
                source.stop()
        if not keep:
            self._blocks.clear()
            self._pictures.clear()
        self._pump()

    def _state_changed(self, state: QMediaRecorder.RecorderState) -> None:
        if state == QMediaRecorder.RecorderState.StoppedState and self.phase != "idle":
            self._settle()

    def _settle(self, problem: str = "") -> None:
        keep, path, duration_ms = self._keep and not problem, self._path, self.duration_ms
        self._take_down()
        if keep:
            self.finished.emit(str(path), duration_ms)
            return
        path.unlink(missing_ok=True)
        if problem:
            self.failed.emit(problem)
        else:
            self.discarded.emit(duration_ms >= SHORTEST_MS)

    def _take_down(self) -> None:
        self.phase = "idle"
        for part in (self._sound, self._frames, self._recorder, self._audio_in, self._video_in, self._session):
            if part is not None:
                part.deleteLater()
        self._sound = self._frames = None
        self._recorder = self._audio_in = self._video_in = self._session = None
        self._blocks.clear()
        self._pictures.clear()

    def _source_failed(self, code: str) -> None:
        """An unplugged microphone ends the recording; what was said until then is kept."""
        if self.phase in ("recording", "paused") and self.duration_ms >= SHORTEST_MS:
            self.finish()
        elif self.phase != "idle":
            for source in (self._sound, self._frames):
                if source is not None:
                    source.stop()
            self._settle(code)

    def _recorder_failed(self, error: QMediaRecorder.Error, _text: str) -> None:
        if error == QMediaRecorder.Error.NoError or self.phase == "idle":
            return
        out_of_space = error == QMediaRecorder.Error.OutOfSpaceError
        for source in (self._sound, self._frames):
            if source is not None:
                source.stop()
        self._settle("disk_full" if out_of_space else "store_failed")


def loudness(block: QAudioBuffer) -> float:
    """The loudest sample of a block of 16 bit sound, as 0…1."""
    samples = array("h", bytes(block.constData() or b""))
    return max(max(samples, default=0), -min(samples, default=0)) / 32768
