"""What is recorded in the window is kept, whatever ends it; and what the person's hand does to it."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtMultimedia import QAudioBuffer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from client.ui import recording as recording_module
from client.ui.drafts import Drafts
from client.ui.notebook import Notebook
from client.ui.recording import Recording
from client.ui.sound.segments import BLOCK_BYTES, Draft, Span
from client.ui.sound.sources import DrawnSource, Named, SoundSource, Sources, sound_format
from client.ui.theme import Themes
from client.ui.widgets import recording_bar
from client.ui.widgets.camera_view import CameraView
from client.ui.widgets.recording_bar import RecordingBar
from client.ui.words import problem_words, speak
from protocol.values import ConvId

pytestmark = pytest.mark.qt_log_ignore("No RHI backend")
HERE, THERE = ConvId("c1"), ConvId("c2")
LOUD, QUIET = b"\x00\x40" * (BLOCK_BYTES // 2), bytes(BLOCK_BYTES)


class Mic(SoundSource):
    """Says what the test says, block by block."""

    def start(self) -> None:
        """Nothing comes by itself."""

    def stop(self) -> None:
        """Nothing ends."""

    def say(self, blocks: int = 1, samples: bytes = LOUD) -> None:
        for _ in range(blocks):
            self.block.emit(QAudioBuffer(samples, sound_format()))


class Studio:
    """A bar, a camera's square and a recording, without the rest of the window."""

    def __init__(self, qtbot: QtBot, themes: Themes, folder: Path) -> None:
        self.mics: list[Mic] = []
        self.plugged = [Named("usb", "USB Mic"), Named("built-in", "Built-in")]
        self.asked: list[str] = []
        self.notebook, self.bar, self.view = Notebook(folder), RecordingBar(themes), CameraView(themes)
        self.drafts = Drafts(self.notebook.recordings)
        sources = Sources(self._mic, lambda key: DrawnSource(), lambda: self.plugged, lambda: [Named("cam", "Cam")])
        self.now_ms = 1000
        self.recording = Recording(sources, self.notebook, self.drafts, self._now_ms, self.bar, self.view)
        self.sent: list[tuple[Draft, Span]] = []
        self.said: list[str] = []
        self.dropped: list[Draft] = []
        self.recording.send_wanted.connect(lambda draft, span: self.sent.append((draft, span)))
        self.recording.said.connect(self.said.append)
        self.recording.discarded.connect(self.dropped.append)
        for widget in (self.bar, self.bar.silence, self.view):
            qtbot.addWidget(widget)
        self.bar.resize(700, 56)
        self.bar.show()

    def _mic(self, key: str) -> Mic:
        self.asked.append(key)
        self.mics.append(Mic())
        return self.mics[-1]

    def _now_ms(self) -> int:
        self.now_ms += 1
        return self.now_ms

    @property
    def mic(self) -> Mic:
        return self.mics[-1]

    def record(self, blocks: int = 10, samples: bytes = LOUD, *, held: bool = False) -> None:
        self.recording.start(HERE, "voice", held=held)
        self.mic.say(blocks, samples)

    def hint(self) -> str:
        return self.bar._hint.text()

    def folders(self) -> list[str]:
        return sorted(path.name for path in self.notebook.recordings.iterdir())


@pytest.fixture
def studio(qtbot: QtBot, themes: Themes, tmp_path: Path) -> Studio:
    return Studio(qtbot, themes, tmp_path)


# --- how it ends


def test_send_sends_all_of_it(studio: Studio) -> None:
    studio.record(12)
    studio.bar.send.click()

    ((draft, span),) = studio.sent
    assert (draft.conv, draft.kind, draft.duration_ms, span) == (HERE, "voice", 1200, Span(0, 1200))
    assert not studio.recording.running


def test_another_chat_makes_it_a_draft_of_its_own_chat(studio: Studio) -> None:
    studio.record()
    studio.recording.show(THERE)
    shown = [studio.recording.shown]
    assert studio.drafts.words(HERE) == "voice 0:01"
    studio.recording.show(HERE)
    assert [*shown, studio.recording.shown] == [False, True]
    assert studio.bar.face == "draft"
    studio.bar.send.click()
    assert [draft.conv for draft, _ in studio.sent] == [HERE]


def test_an_unplugged_microphone_makes_it_a_draft_and_sends_nothing(studio: Studio) -> None:
    """What was said so far is perhaps half a sentence: the person decides."""
    studio.record()
    studio.recording._ending = "send"
    studio.mic.failed.emit("microphone_missing")

    assert studio.sent == []
    assert studio.drafts.words(HERE) == "voice 0:01"
    assert studio.said == [f"{problem_words('microphone_missing')} What was recorded is kept here."]
    assert studio.bar.face == "draft"


def test_a_full_disk_keeps_what_is_there(studio: Studio) -> None:
    studio.record()
    assert studio.recording._tape is not None
    studio.recording._tape.sync()
    studio.recording._tape.trouble = "disk_full"
    studio.mic.say()

    assert studio.drafts.words(HERE) == "voice 0:01"
    assert studio.said == [f"{problem_words('disk_full')} What was recorded is kept here."]


Usage = namedtuple("Usage", "total used free")


def test_a_disk_that_becomes_nearly_full_ends_it_as_a_draft(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    studio.record(10)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 10**12, 199_999_999))
    studio.mic.say(30)

    assert studio.drafts.of(HERE) is not None
    assert studio.said == [
        "The disk is nearly full. Free some space before you record. What was recorded is kept here."
    ]


def test_on_a_nearly_full_disk_nothing_is_begun(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 10**12, 0))
    studio.recording.start(HERE, "voice")

    assert not studio.recording.running
    assert studio.said == ["The disk is nearly full. Free some space before you record."]
    assert studio.folders() == []


def test_a_disk_that_does_not_tell_is_tried(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> Usage:
        raise OSError

    monkeypatch.setattr(shutil, "disk_usage", refuse)
    studio.record()
    assert studio.recording.running


def test_a_folder_that_cannot_be_made_is_said(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_facts: object) -> None:
        raise PermissionError

    monkeypatch.setattr(recording_module, "Tape", refuse)
    studio.recording.start(HERE, "video")
    assert studio.said == [problem_words("store_failed")]
    assert not studio.recording.running


def test_too_short_is_said_and_leaves_nothing(studio: Studio) -> None:
    studio.record(3)
    studio.bar.send.click()

    assert studio.sent == []
    assert studio.said == ["Too short. Hold the button, or click it to record."]
    assert studio.folders() == []


def test_the_longest_one_ends_as_a_draft_and_counts_down_before(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (recording_module, recording_bar):
        monkeypatch.setattr(module, "LONGEST_MS", 62_000)
    studio.recording.start(HERE, "voice")
    studio.mic.say(19)
    assert studio.hint() == ""
    studio.mic.say(2)
    assert studio.hint() == "60 s left"
    studio.mic.say(600)

    draft = studio.drafts.of(HERE)
    assert draft is not None
    assert draft.duration_ms == 62_000
    assert studio.said == ["It cannot be longer. What was recorded is kept here."]


def test_a_video_note_is_a_minute_at_most(studio: Studio) -> None:
    studio.recording.start(HERE, "video")
    studio.mic.say(501)
    assert studio.hint() == "10 s left"
    studio.mic.say(100)
    assert studio.drafts.words(HERE) == "video 1:00"


def test_a_recording_that_waits_is_not_recorded_over(studio: Studio) -> None:
    studio.record()
    studio.recording.keep()
    studio.recording.start(HERE, "voice")
    assert not studio.recording.running
    assert len(studio.folders()) == 1


# --- throwing it away, and wanting it back


def test_what_was_discarded_is_gone_after_five_seconds(
    studio: Studio, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.ui.drafts.UNDO_MS", 10)
    studio.record()
    studio.bar.discard.click()
    assert studio.drafts.of(HERE) is None
    assert len(studio.dropped) == 1
    qtbot.waitUntil(lambda: studio.folders() == [])


def test_until_then_it_can_be_had_back(studio: Studio) -> None:
    studio.record()
    studio.bar.discard.click()
    studio.drafts.keep(studio.dropped[0])

    studio.drafts.close()
    assert studio.bar.face == "draft"
    assert len(studio.folders()) == 1, "what is wanted back is not thrown away when the window closes"


def test_a_closing_window_throws_away_what_nobody_wanted_back(studio: Studio) -> None:
    studio.record()
    studio.bar.discard.click()
    studio.drafts.close()
    assert studio.folders() == []


def test_a_draft_can_be_discarded_too(studio: Studio) -> None:
    studio.record()
    studio.recording.keep()
    studio.bar.discard.click()
    assert len(studio.dropped) == 1
    assert not studio.recording.shown


def test_a_video_can_be_taken_again(studio: Studio) -> None:
    studio.recording.start(HERE, "video")
    studio.mic.say(10)
    studio.bar.pause.click()
    studio.bar.retake.click()

    assert studio.recording.running
    assert studio.recording.kind == "video"
    assert studio.recording.duration_ms == 0
    assert len(studio.dropped) == 1


# --- after a crash


def test_what_a_crash_left_is_found_in_its_chat(studio: Studio) -> None:
    studio.record(42)
    assert studio.recording._tape is not None
    studio.recording._tape.sync()

    found = Drafts(studio.notebook.recordings)
    assert found.convs == [HERE]
    assert found.words(HERE) == "voice 0:04"
    assert found.words(THERE) == ""
    speak("zh_CN")
    assert found.words(HERE) == "语音 0:04"


def test_where_nothing_was_said_nothing_stays(studio: Studio) -> None:
    studio.record(0)
    assert len(studio.folders()) == 1
    assert Drafts(studio.notebook.recordings).convs == []
    assert studio.folders() == []


def test_other_things_in_the_folder_are_left_alone(studio: Studio) -> None:
    (studio.notebook.recordings / "picture-1.png").write_bytes(b"x")
    (studio.notebook.recordings / "empty").mkdir()

    assert Drafts(studio.notebook.recordings).convs == []
    assert studio.folders() == ["empty", "picture-1.png"]


# --- the pointer


def held(studio: Studio, monkeypatch: pytest.MonkeyPatch, for_ms: int = 500) -> None:
    monkeypatch.setattr(recording_bar, "HOLD_MS", 0 if for_ms >= 350 else 10_000)
    studio.record(held=True)


def test_held_is_push_to_talk(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    held(studio, monkeypatch)
    assert studio.hint() == "Let go to send, up to keep going"
    QTest.mouseRelease(studio.bar, Qt.MouseButton.LeftButton)
    assert len(studio.sent) == 1


def test_a_click_goes_on_without_the_pointer(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    held(studio, monkeypatch, 100)
    QTest.mouseRelease(studio.bar, Qt.MouseButton.LeftButton)
    assert studio.sent == []
    assert studio.recording.running


@pytest.mark.parametrize("way", [QPoint(-49, 0), QPoint(60, 10), QPoint(0, 49), QPoint(-70, -50)])
def test_moved_away_it_is_discarded(studio: Studio, monkeypatch: pytest.MonkeyPatch, way: QPoint) -> None:
    held(studio, monkeypatch)
    studio.bar._moved(way)
    assert len(studio.dropped) == 1
    QTest.mouseRelease(studio.bar, Qt.MouseButton.LeftButton)
    assert studio.sent == []


@pytest.mark.parametrize("way", [QPoint(0, -47), QPoint(20, 20), QPoint(-48, 0)])
def test_a_trembling_hand_does_nothing(studio: Studio, monkeypatch: pytest.MonkeyPatch, way: QPoint) -> None:
    held(studio, monkeypatch)
    studio.bar._moved(way)
    assert studio.recording.running
    assert studio.dropped == []


def test_moved_up_it_goes_on_by_itself(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    held(studio, monkeypatch)
    studio.bar._moved(QPoint(10, -48))
    QTest.mouseRelease(studio.bar, Qt.MouseButton.LeftButton)
    studio.bar._moved(QPoint(500, 500))
    assert studio.recording.running
    assert studio.hint() == "Goes on by itself"


def test_the_pointer_is_followed_wherever_it_is(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    held(studio, monkeypatch)
    window = studio.bar.windowHandle()
    QTest.mouseMove(window, window.mapFromGlobal(studio.bar._from) + QPoint(-90, 0))
    assert len(studio.dropped) == 1


# --- silence and devices


def test_silence_names_the_microphone_after_one_and_a_half_seconds(studio: Studio) -> None:
    studio.record(14, QUIET)
    assert studio.bar.silence.words == ""
    studio.mic.say(1, QUIET)
    assert studio.bar.silence.words == "We hear nothing from “\u2068USB Mic\u2069”"
    studio.mic.say(1, LOUD)
    assert studio.bar.silence.words == ""


@pytest.mark.qt_log_ignore("does not support (raise|grabbing)", extend=True)
def test_the_list_of_microphones_is_made_each_time_it_opens(studio: Studio, qtbot: QtBot) -> None:
    def names() -> list[str]:
        studio.bar.devices.click()
        (menu,) = [menu for menu in studio.bar.findChildren(QMenu) if menu.isVisible()]
        said = [action.text() for action in menu.actions() if not action.isSeparator()]
        menu.close()
        return said

    studio.record()
    assert names() == ["USB Mic", "Built-in"]
    studio.plugged.append(Named("new", "Headset"))
    assert names() == ["USB Mic", "Built-in", "Headset"]
    studio.plugged.clear()
    assert names() == ["None is plugged in"]


def test_another_microphone_goes_on_in_the_same_recording_and_is_remembered(studio: Studio) -> None:
    studio.record(16, QUIET)
    studio.recording._choose_microphone("built-in")
    assert studio.bar.silence.words == ""
    studio.mic.say(10)
    studio.bar.send.click()

    assert studio.asked == ["", "built-in"]
    assert studio.sent[0][0].duration_ms == 2600
    assert Notebook(studio.notebook.folder).device("microphone") == "built-in"


def test_another_camera_goes_on_in_the_same_recording(studio: Studio) -> None:
    studio.recording.start(HERE, "video")
    studio.mic.say(5)
    studio.recording._choose_camera("cam")
    assert studio.recording.running
    assert studio.notebook.device("camera") == "cam"


# --- pause, listen, trim


def test_a_pause_shows_all_of_it_with_two_handles(studio: Studio) -> None:
    faces: list[str] = []
    studio.bar.pause_wanted.connect(lambda: faces.append(studio.bar.face))
    studio.record(30)
    studio.bar.pause.click()
    assert studio.bar.strip.span == Span(0, 3000)
    studio.mic.say(5)
    assert studio.recording.duration_ms == 3000
    studio.bar.pause.click()
    assert faces == ["paused", "live"]
    studio.mic.say(5)
    assert studio.recording.duration_ms == 3500


def test_what_was_cut_off_is_not_sent(studio: Studio) -> None:
    studio.record(30)
    studio.bar.pause.click()
    strip = studio.bar.strip
    strip.setFocus()
    QTest.keyClick(strip, Qt.Key.Key_Right)
    QTest.keyClick(strip, Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    studio.bar.send.click()

    assert studio.sent[0][1] == Span(100, 2000)
    assert studio.bar._time.text() == "0:01.9"


def test_the_handles_follow_the_pointer_and_leave_something(studio: Studio) -> None:
    studio.record(30)
    studio.bar.pause.click()
    strip, middle = studio.bar.strip, studio.bar.strip.height() // 2
    strip.resize(308, 32)
    QTest.mousePress(strip, Qt.MouseButton.LeftButton, pos=QPoint(5, middle))
    QTest.mouseMove(strip, QPoint(4 + 100, middle))
    assert strip.span == Span(1000, 3000)
    QTest.mouseMove(strip, QPoint(600, middle))
    assert strip.span == Span(2600, 3000)
    QTest.mouseRelease(strip, Qt.MouseButton.LeftButton)


def test_it_can_be_listened_to_while_it_stands_still(studio: Studio, qtbot: QtBot) -> None:
    studio.record(10)
    studio.bar.pause.click()
    studio.bar.listen.click()
    qtbot.waitUntil(lambda: studio.recording._player.position_ms > 0, timeout=10_000)
    assert studio.bar.strip._at_ms > 0
    qtbot.waitUntil(lambda: studio.recording._player.lid is None, timeout=10_000)
    assert studio.bar.strip._at_ms == -1
    assert not list(studio.notebook.recordings.glob("*/listen.wav"))
    studio.bar.pause.click()
    studio.mic.say(1)
    assert studio.recording.duration_ms == 1100


def test_a_film_shows_its_pictures_while_it_is_listened_to(studio: Studio, qtbot: QtBot) -> None:
    studio.recording.start(HERE, "video")
    studio.mic.say(1)
    qtbot.waitUntil(lambda: not studio.view._image.isNull())
    for _ in range(9):
        studio.mic.say(1)
        qtbot.wait(20)
    studio.recording.keep()
    studio.recording.show(HERE)
    assert not studio.view.isHidden()
    assert not studio.view._mirrored, "as others will see it"
    studio.bar.listen.click()
    qtbot.waitUntil(lambda: studio.recording._player.lid is None, timeout=10_000)


def test_keys(studio: Studio) -> None:
    asked: list[bool] = []
    studio.bar.keep_or_discard_wanted.connect(lambda: asked.append(True))
    studio.record(10)
    QTest.keyClick(studio.bar, Qt.Key.Key_Space)
    assert studio.bar.face == "paused"
    QTest.keyClick(studio.bar, Qt.Key.Key_Escape)
    assert asked == [True]
    QTest.keyClick(studio.bar, Qt.Key.Key_Return)
    assert len(studio.sent) == 1
