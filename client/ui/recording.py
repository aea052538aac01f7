"""Recording a voice note or a video in the window: joins the recorder, its sources, the bar and the camera's square."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, QSize, Signal

from client.ui.sound.recorder import Recorder
from client.ui.sound.sources import Sources
from client.ui.widgets.camera_view import CameraView
from client.ui.widgets.recording_bar import LONGEST_MS, RecordingBar
from client.ui.words import problem_words, tr
from protocol.values import ConvId

VIDEO_SIDE = 480
VIDEO_LONGEST_MS = 60_000
Kind = Literal["voice", "video"]
Ending = Literal["send", "stage"]


class Recording(QObject):
    """At most one recording; it belongs to the conversation in which it was begun.

    `made` carries conversation, path, kind, and whether to send it or to put it on the rail; `began` and `ended`
    frame a recording; `said` is a sentence for the person.
    """

    made = Signal(str, str, str, str)
    began = Signal()
    ended = Signal()
    said = Signal(str)

    def __init__(
        self,
        sources: Sources,
        folder: Callable[[], Path],
        now_ms: Callable[[], int],
        bar: RecordingBar,
        view: CameraView,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._sources, self._folder, self._now_ms = sources, folder, now_ms
        self._bar, self._view = bar, view
        self._recorder = Recorder(self)
        self._conv, self._kind, self._ending = ConvId(""), "voice", "send"
        self._listen()

    def _listen(self) -> None:
        recorder, bar = self._recorder, self._bar
        recorder.began.connect(bar.began)
        recorder.level.connect(self._level)
        recorder.finished.connect(self._finished)
        recorder.discarded.connect(self._discarded)
        recorder.failed.connect(self._failed)
        bar.send_wanted.connect(self.send)
        bar.discard_wanted.connect(self.discard)
        bar.pause_wanted.connect(self.toggle_pause)

    @property
    def running(self) -> bool:
        """Whether something is being recorded, or paused, or closed."""
        return self._recorder.phase != "idle"

    @property
    def kind(self) -> Kind:
        """What is being recorded."""
        return self._kind  # type: ignore[return-value]

    def start(self, conv: ConvId, kind: Kind, *, held: bool = False) -> None:
        """Begin; a missing microphone or camera is said in words."""
        if self.running:
            return
        sound = self._sources.sound()
        if sound is None:
            self.said.emit(problem_words("microphone_missing"))
            return
        frames = self._sources.camera() if kind == "video" else None
        if kind == "video" and frames is None:
            sound.deleteLater()
            self.said.emit(problem_words("camera_missing"))
            return
        self._conv, self._kind, self._ending = conv, kind, "send"
        self._bar.begin(held=held)
        path = self._folder() / f"{kind}-{self._now_ms()}.{'m4a' if kind == 'voice' else 'mp4'}"
        if frames is not None:
            self._view.clear()
            frames.frame.connect(self._view.show_frame)
        self._view.setVisible(frames is not None)
        self._recorder.start(path, sound, frames, QSize(VIDEO_SIDE, VIDEO_SIDE) if frames is not None else None)
        self.began.emit()
        self._bar.setFocus()

    def toggle_pause(self) -> None:
        """Stand still, or go on."""
        if self._recorder.phase == "paused":
            self._recorder.resume()
        else:
            self._recorder.pause()
        self._bar.show_paused(self._recorder.phase == "paused")

    def send(self) -> None:
        """Close the file and send it."""
        self._ending = "send"
        self._recorder.finish()

    def stage(self) -> None:
        """Close the file and keep it on the rail of its conversation: nothing that was said is lost."""
        self._ending = "stage"
        self._recorder.finish()

    def discard(self) -> None:
        """Throw it away."""
        self._recorder.discard()

    # --- what the recorder says

    def _level(self, level: float) -> None:
        duration_ms = self._recorder.duration_ms
        self._bar.show_level(level, duration_ms)
        if duration_ms >= (VIDEO_LONGEST_MS if self._kind == "video" else LONGEST_MS):
            self.stage()

    def _finished(self, path: str, _duration_ms: int) -> None:
        self._over()
        self.made.emit(self._conv, path, self._kind, self._ending)

    def _discarded(self, long_enough: bool) -> None:
        self._over()
        if not long_enough:
            self.said.emit(tr("Too short. Hold the button, or click it to record."))

    def _failed(self, code: str) -> None:
        self._over()
        self.said.emit(problem_words(code))

    def _over(self) -> None:
        self._bar.end()
        self._view.hide()
        self.ended.emit()
