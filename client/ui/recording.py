"""Recording in the window: joins recorder, sources, bar, camera view, and the recordings that wait to be sent."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, QPoint, QThreadPool, Signal
from PySide6.QtGui import QImage

from client.ui.drafts import Drafts
from client.ui.notebook import Notebook
from client.ui.sound import segments
from client.ui.sound.player import Player
from client.ui.sound.recorder import SHORTEST_MS, Recorder
from client.ui.sound.segments import LISTEN, NEARLY_FULL_BYTES, SEGMENT_MS, Draft, Kind, Span, Tape
from client.ui.sound.sources import Named, Sources
from client.ui.widgets.camera_view import CameraView
from client.ui.widgets.recording_bar import LONGEST_MS, VIDEO_LONGEST_MS, RecordingBar
from client.ui.words import problem_words, tr
from protocol.values import ConvId, Lid

Ending = Literal["send", "keep", "discard"]
NEARLY_FULL, TOO_LONG = "disk_nearly_full", "longest"
LISTENED = Lid(-1)


class Recording(QObject):
    """At most one recording; it belongs to the conversation in which it was begun.

    `send_wanted` carries a Draft and the Span of it to be sent, `discarded` a Draft that may be wanted back; `began`
    and `ended` frame a recording, `changed` says that `shown` is another; `said` is a sentence for the person.
    """

    send_wanted = Signal(object, object)
    discarded = Signal(object)
    began = Signal()
    ended = Signal()
    changed = Signal()
    said = Signal(str)
    _prepared = Signal(int, str, object)

    def __init__(
        self,
        sources: Sources,
        notebook: Notebook,
        drafts: Drafts,
        now_ms: Callable[[], int],
        bar: RecordingBar,
        view: CameraView,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._sources, self._notebook, self.drafts, self._now_ms = sources, notebook, drafts, now_ms
        self._bar, self._view = bar, view
        self._recorder = Recorder(self)
        self._player = Player(self)
        self._tape: Tape | None = None
        self._conv, self._kind, self._ending = ConvId(""), "voice", "keep"
        self._span: Span | None = None
        self._reason = ""
        self._here = ConvId("")
        self._draft: Draft | None = None
        self._films: Iterator[tuple[int, bytes]] = iter(())
        self._looked_ms = self._turn = self._heard_from_ms = 0
        self._heard: Path | None = None
        self._prepared.connect(self._play)
        self._listen()

    def _listen(self) -> None:
        recorder, bar = self._recorder, self._bar
        recorder.began.connect(bar.began)
        recorder.level.connect(self._level)
        recorder.seen.connect(self._view.show_picture)
        recorder.ended.connect(self._ended)
        bar.send_wanted.connect(self.send)
        bar.discard_wanted.connect(self.discard)
        bar.pause_wanted.connect(self.toggle_pause)
        bar.listen_wanted.connect(self.listen)
        bar.retake_wanted.connect(self.retake)
        bar.devices_wanted.connect(self._offer_devices)
        bar.strip.trimmed.connect(self._stop_listening)
        bar.strip.sought.connect(self._listen_from)
        self._player.changed.connect(self._show_place)
        self._player.ended.connect(lambda _lid: self._stop_listening())
        self._player.failed.connect(lambda _lid: self.said.emit(problem_words("playback_failed")))
        self.drafts.changed.connect(self._drafts_changed)

    # --- what is shown

    @property
    def running(self) -> bool:
        """Whether something is being recorded, or paused."""
        return self._recorder.phase != "idle"

    @property
    def kind(self) -> Kind:
        """What is being recorded."""
        return self._kind  # type: ignore[return-value]

    @property
    def duration_ms(self) -> int:
        """How much has been recorded."""
        return self._recorder.duration_ms

    @property
    def shown(self) -> bool:
        """Whether the bar has something to show in the open conversation."""
        return self.running or self._draft is not None

    def show(self, conv: ConvId) -> None:
        """This conversation is open now; what was being recorded in another waits there."""
        if self.running and conv != self._conv:
            self.keep()
        self._here = conv
        self._show_draft()

    def _drafts_changed(self, conv: str) -> None:
        if conv == self._here:
            self._show_draft()

    def _show_draft(self) -> None:
        if self.running:
            return
        self._stop_listening()
        draft = self.drafts.of(self._here) if self._here else None
        if draft is not None:
            self._bar.show_draft(draft.levels, draft.duration_ms, video=draft.kind == "video")
            self._show_first_picture(draft)
        self._view.setVisible(draft is not None and draft.kind == "video")
        self._draft = draft
        self.changed.emit()

    def _show_first_picture(self, draft: Draft) -> None:
        self._view.clear()
        first = next(segments.pictures(draft.folder, draft.span), None)
        if first is not None:
            self._view.show_picture(QImage.fromData(first[1]), mirrored=False)

    # --- recording

    def start(self, conv: ConvId, kind: Kind, *, held: bool = False) -> None:
        """Begin; whatever is missing is said in words."""
        if self.running or self.drafts.of(conv) is not None:
            return
        if self._room_bytes() < NEARLY_FULL_BYTES:
            self.said.emit(_words(NEARLY_FULL))
            return
        sound = self._sources.sound(self._notebook.device("microphone"))
        if sound is None:
            self.said.emit(problem_words("microphone_missing"))
            return
        frames = self._sources.camera(self._notebook.device("camera")) if kind == "video" else None
        if kind == "video" and frames is None:
            sound.deleteLater()
            self.said.emit(problem_words("camera_missing"))
            return
        try:
            self._tape = Tape(self._new_folder(kind), conv, kind, self._now_ms())
        except OSError:
            for source in (sound, frames):
                if source is not None:
                    source.deleteLater()
            self.said.emit(problem_words("disk_full" if self._room_bytes() == 0 else "store_failed"))
            return
        self._conv, self._here, self._kind, self._ending, self._span = conv, conv, kind, "keep", None
        self._reason, self._looked_ms = "", 0
        self._bar.begin(held=held, video=kind == "video")
        self._view.clear()
        self._view.setVisible(kind == "video")
        self._recorder.start(self._tape, sound, frames)
        if self._recorder.phase != "idle":
            self.began.emit()
            self._bar.setFocus()

    def toggle_pause(self) -> None:
        """Stand still, or go on."""
        self._stop_listening()
        if self._recorder.phase == "paused":
            self._recorder.resume()
            self._bar.show_going_on()
        elif self._recorder.phase == "recording" and self._tape is not None:
            self._recorder.pause()
            self._bar.show_paused(bytes(self._tape.levels), self._tape.duration_ms)

    def send(self) -> None:
        """Send what is between the handles; all of it if there are none yet."""
        if self.running:
            self._span = self._bar.strip.span if self._bar.face == "paused" else None
            self._end("send")
        elif self._draft is not None:
            draft, span = self._draft, self._bar.strip.span
            self._stop_listening()
            self.send_wanted.emit(draft, span)

    def keep(self) -> None:
        """Stop; it waits in its conversation until it is sent."""
        self._end("keep")

    def discard(self) -> None:
        """Throw it away; for a moment it can be had back."""
        if self.running:
            self._end("discard")
        elif self._draft is not None:
            draft = self._draft
            self._stop_listening()
            self.drafts.discard(draft)
            self.discarded.emit(draft)

    def retake(self) -> None:
        """Throw it away and begin again."""
        conv, kind = (self._conv, self.kind) if self.running else (self._here, "video")
        self.discard()
        self.start(conv, kind)

    def _end(self, ending: Ending) -> None:
        self._ending = ending
        self._stop_listening()
        self._recorder.stop()

    def _new_folder(self, kind: Kind) -> Path:
        root, stem = self._notebook.recordings, f"{kind}-{self._now_ms()}"
        names = (stem if not turn else f"{stem}-{turn}" for turn in range(1000))
        return next(root / name for name in names if not (root / name).exists())

    def _room_bytes(self) -> int:
        try:
            return shutil.disk_usage(self._notebook.recordings).free
        except OSError:
            return NEARLY_FULL_BYTES  # a disk that does not tell is tried

    # --- what the recorder says

    def _level(self, level: float) -> None:
        duration_ms = self._recorder.duration_ms
        longest_ms = VIDEO_LONGEST_MS if self._kind == "video" else LONGEST_MS
        self._bar.show_level(level, duration_ms, self._device_name())
        self._view.show_share(duration_ms / VIDEO_LONGEST_MS)
        if duration_ms >= longest_ms:
            self._reason = TOO_LONG
        elif duration_ms - self._looked_ms >= SEGMENT_MS:
            self._looked_ms = duration_ms
            if self._room_bytes() < NEARLY_FULL_BYTES:
                self._reason = NEARLY_FULL
        if self._reason:
            self.keep()

    def _ended(self, code: str) -> None:
        assert self._tape is not None
        tape, self._tape = self._tape, None
        draft = segments.read_draft(tape.folder)
        self._bar.end()
        self._view.hide()
        self._settle(draft, tape.folder, code or self._reason)
        self._show_draft()
        self.ended.emit()

    def _settle(self, draft: Draft | None, folder: Path, code: str) -> None:
        """Sent only if that was wished and nothing went wrong; what was said is never thrown away but by a wish."""
        if draft is None or draft.duration_ms < SHORTEST_MS:
            shutil.rmtree(folder, ignore_errors=True)
            too_short = tr("Too short. Hold the button, or click it to record.")
            if code or self._ending != "discard":
                self.said.emit(_words(code) if code else too_short)
        elif self._ending == "discard" and not code:
            self.drafts.discard(draft)
            self.discarded.emit(draft)
        elif self._ending == "send" and not code:
            self.send_wanted.emit(draft, self._span or draft.span)
        else:
            self.drafts.keep(draft)
            if code:
                self.said.emit(f"{_words(code)} {tr('What was recorded is kept here.')}")

    # --- listening to it

    def listen(self) -> None:
        """Play what is between the handles, or stop."""
        if self._player.lid is not None:
            self._stop_listening()
        else:
            self._listen_from(self._bar.strip.span.first_ms)

    def _listen_from(self, first_ms: int) -> None:
        folder = self._tape.folder if self._tape is not None else self._draft.folder if self._draft else None
        if folder is None or self._recorder.phase not in ("idle", "paused"):
            return
        self._stop_listening()
        span = Span(first_ms, self._bar.strip.span.last_ms)
        turn = self._turn
        QThreadPool.globalInstance().start(lambda: self._prepare(turn, folder, span))

    def _prepare(self, turn: int, folder: Path, span: Span) -> None:
        """On a thread: an hour is a large file."""
        try:
            segments.write_wav(folder, span, folder / LISTEN)
            where = str(folder)
        except OSError:
            where = ""
        with suppress(RuntimeError):  # the window is closed by now
            self._prepared.emit(turn, where, span)

    def _play(self, turn: int, where: str, span: Span) -> None:
        """Unless something else was wished meanwhile."""
        if turn != self._turn:
            return
        if not where:
            self.said.emit(problem_words("store_failed"))
            return
        folder = Path(where)
        self._heard = folder / LISTEN
        self._heard_from_ms = span.first_ms
        video = (
            self._kind == "video" if self._tape is not None else self._draft is not None and self._draft.kind == "video"
        )
        self._films = segments.pictures(folder, span) if video else iter(())
        self._player.play(LISTENED, str(folder / LISTEN), span.last_ms - span.first_ms)

    def _show_place(self) -> None:
        playing = self._player.lid is not None
        at_ms = self._player.position_ms
        self._bar.show_listening(playing=playing, at_ms=self._heard_from_ms + at_ms)
        if playing:
            self._show_film_at(at_ms)

    def _show_film_at(self, at_ms: int) -> None:
        """The newest picture that is due."""
        due = b""
        for when_ms, data in self._films:
            due = data
            if when_ms >= at_ms:
                break
        if due:
            self._view.show_picture(QImage.fromData(due), mirrored=False)

    def _stop_listening(self) -> None:
        """What was made to be listened to is as large as the recording: it goes at once."""
        self._turn += 1
        self._player.stop()
        heard, self._heard = self._heard, None
        if heard is not None:
            with suppress(OSError):
                heard.unlink(missing_ok=True)

    # --- devices

    def _device_name(self) -> str:
        if not self._bar.silence.isHidden() or self._recorder.duration_ms > 2 * SEGMENT_MS:
            return ""
        return self._chosen(self._sources.microphones(), "microphone").name

    def _chosen(self, devices: list[Named], kind: str) -> Named:
        key = self._notebook.device(kind)
        return next((device for device in devices if device.key == key), devices[0] if devices else Named("", ""))

    def _offer_devices(self, at: QPoint) -> None:
        """The list is made anew each time."""
        heard, seen = self._sources.microphones(), self._sources.cameras()
        groups = [(tr("Microphone"), heard, self._chosen(heard, "microphone").key, self._choose_microphone)]
        if self._kind == "video":
            groups.append((tr("Camera"), seen, self._chosen(seen, "camera").key, self._choose_camera))
        self._bar.pop_up_devices(at, groups)

    def _choose_microphone(self, key: str) -> None:
        """From here on, and the next time."""
        self._notebook.keep_device("microphone", key)
        sound = self._sources.sound(key)
        if sound is not None:
            self._bar.heard_from()
            self._recorder.change_sound(sound)

    def _choose_camera(self, key: str) -> None:
        self._notebook.keep_device("camera", key)
        frames = self._sources.camera(key)
        if frames is not None:
            self._recorder.change_frames(frames)


def _words(code: str) -> str:
    """Why a recording ended by itself."""
    if code == NEARLY_FULL:
        return tr("The disk is nearly full. Free some space before you record.")
    if code == TOO_LONG:
        return tr("It cannot be longer.")
    return problem_words(code)
