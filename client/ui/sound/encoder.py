"""A finished recording becomes a file by Qt's own encoder, where there is no other program for it.

What lies on the disk waits in a queue until the encoder takes it, and the file is closed only when the last piece was
taken. Voice: m4a, AAC, mono. Video: mp4, MPEG-4 and AAC.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QObject, QSize, QTimer, QUrl, Signal
from PySide6.QtGui import QImage
from PySide6.QtMultimedia import (
    QAudioBuffer,
    QAudioBufferInput,
    QMediaCaptureSession,
    QMediaFormat,
    QMediaRecorder,
    QVideoFrame,
    QVideoFrameInput,
)

from client.ui.sound.recorder import SIDE_PX
from client.ui.sound.segments import Draft, Span, pictures, sound
from client.ui.sound.sources import sound_format

VOICE_BITS_PER_S = 32_000
VIDEO_BITS_PER_S = 1_500_000
FRAMES_PER_S = 25.0


class Encoder(QObject):
    """Writes one file. `done` says that it is closed, `failed` carries the code of a Problem; the file is gone then."""

    done = Signal()
    failed = Signal(str)

    def __init__(self, draft: Draft, span: Span, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path, self._over = path, False
        self._blocks: Iterator[bytes] = sound(draft.folder, span)
        self._block = self._next_block()
        self._pictures: Iterator[tuple[int, bytes]] = iter(())
        self._video = draft.kind == "video"
        if self._video:
            self._pictures = pictures(draft.folder, span)
        self._picture = self._next_picture()
        self._session, self._recorder = QMediaCaptureSession(self), QMediaRecorder(self)
        self._audio_in = QAudioBufferInput(self)
        self._video_in: QVideoFrameInput | None = None

    def start(self) -> None:
        """Begin; the answer is a signal."""
        self._session.setAudioBufferInput(self._audio_in)
        self._audio_in.readyToSendAudioBuffer.connect(self._pump)
        if self._video:
            self._video_in = QVideoFrameInput(self)
            self._session.setVideoFrameInput(self._video_in)
            self._video_in.readyToSendVideoFrame.connect(self._pump)
        self._session.setRecorder(self._recorder)
        self._shape(self._recorder)
        self._recorder.recorderStateChanged.connect(self._state_changed)
        self._recorder.errorOccurred.connect(self._recorder_failed)
        self._recorder.record()
        QTimer.singleShot(0, self, self._pump)

    def _shape(self, recorder: QMediaRecorder) -> None:
        shape = QMediaFormat(QMediaFormat.FileFormat.MPEG4 if self._video else QMediaFormat.FileFormat.Mpeg4Audio)
        shape.setAudioCodec(QMediaFormat.AudioCodec.AAC)
        recorder.setEncodingMode(QMediaRecorder.EncodingMode.AverageBitRateEncoding)
        recorder.setAudioBitRate(VOICE_BITS_PER_S)
        recorder.setAudioChannelCount(1)
        recorder.setAudioSampleRate(sound_format().sampleRate())
        if self._video:
            shape.setVideoCodec(QMediaFormat.VideoCodec.MPEG4)
            recorder.setVideoBitRate(VIDEO_BITS_PER_S)
            recorder.setVideoResolution(QSize(SIDE_PX, SIDE_PX))
        recorder.setMediaFormat(shape)
        recorder.setOutputLocation(QUrl.fromLocalFile(str(self._path)))

    # --- feeding

    def _next_block(self) -> QAudioBuffer | None:
        data = next(self._blocks, None)
        return QAudioBuffer(data, sound_format()) if data is not None else None

    def _next_picture(self) -> QVideoFrame | None:
        for at_ms, data in self._pictures:
            picture = QImage.fromData(data)
            if not picture.isNull():
                frame = QVideoFrame(picture)
                frame.setStartTime(at_ms * 1000)
                frame.setStreamFrameRate(FRAMES_PER_S)
                return frame
        return None

    def _pump(self) -> None:
        if self._over:
            return
        while self._block is not None and self._audio_in.sendAudioBuffer(self._block):
            self._block = self._next_block()
        while self._picture is not None and self._video_in is not None:
            if not self._video_in.sendVideoFrame(self._picture):
                break
            self._picture = self._next_picture()
        if self._block is None and self._picture is None:
            self._over = True
            self._recorder.stop()

    # --- ending

    def _state_changed(self, state: QMediaRecorder.RecorderState) -> None:
        if state == QMediaRecorder.RecorderState.StoppedState and self._over:
            self.done.emit()

    def _recorder_failed(self, error: QMediaRecorder.Error, _text: str) -> None:
        if error == QMediaRecorder.Error.NoError:
            return
        self._over = True
        self._path.unlink(missing_ok=True)
        full = error == QMediaRecorder.Error.OutOfSpaceError
        self.failed.emit("disk_full" if full else "store_failed")
