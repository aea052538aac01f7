"""Recordings are real files: made by the real encoder from invented sound and frames, read back by ffprobe."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QSize
from PySide6.QtMultimedia import QAudioBuffer
from pytestqt.qtbot import QtBot

from client.ui.sound.recorder import Recorder, loudness
from client.ui.sound.sources import DrawnSource, SoundSource, ToneSource, sound_format


def probe(path: str) -> dict[str, dict[str, Any]]:
    """What ffprobe says of each stream, by its kind."""
    told = subprocess.run(
        ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", path],
        capture_output=True,
        check=True,
    ).stdout
    return {stream["codec_type"]: stream for stream in json.loads(told)["streams"]}


def record(qtbot: QtBot, recorder: Recorder, path: Path, wanted_ms: int, *, video: bool = False) -> tuple[str, int]:
    """Record for a while and return what `finished` said."""
    recorder.start(path, ToneSource(block_ms=10), DrawnSource() if video else None, QSize(480, 480) if video else None)
    qtbot.waitUntil(lambda: recorder.duration_ms >= wanted_ms, timeout=10_000)
    with qtbot.waitSignal(recorder.finished, timeout=10_000) as finished:
        recorder.finish()
    return tuple(finished.args)


def test_a_voice_note_is_small_mono_aac_with_every_block_in_it(qtbot: QtBot, tmp_path: Path) -> None:
    levels: list[float] = []
    recorder = Recorder()
    recorder.level.connect(levels.append)

    path, duration_ms = record(qtbot, recorder, tmp_path / "voice.m4a", 3000)

    sound = probe(path)["audio"]
    assert (sound["codec_name"], sound["channels"], sound["sample_rate"]) == ("aac", 1, "48000")
    assert abs(float(sound["duration"]) * 1000 - duration_ms) < 50, "nothing is clipped"
    assert Path(path).stat().st_size < 8000 * duration_ms / 1000
    assert len(levels) == duration_ms // 100
    assert 0.3 < max(levels) <= 1.0


def test_a_video_has_sound_and_pictures(qtbot: QtBot, tmp_path: Path) -> None:
    path, _ = record(qtbot, Recorder(), tmp_path / "video.mp4", 1500, video=True)

    streams = probe(path)
    assert streams["audio"]["codec_name"] == "aac"
    assert (streams["video"]["codec_name"], streams["video"]["width"]) == ("mpeg4", 480)
    assert int(streams["video"]["nb_read_frames"]) >= 3


def test_what_is_said_during_a_pause_is_left_out(qtbot: QtBot, tmp_path: Path) -> None:
    recorder = Recorder()
    tone = ToneSource(block_ms=10)
    recorder.start(tmp_path / "voice.m4a", tone)
    qtbot.waitUntil(lambda: recorder.duration_ms >= 1000, timeout=10_000)
    recorder.pause()
    before_ms = recorder.duration_ms
    for _ in range(5):
        qtbot.waitSignal(tone.block).wait()
    assert recorder.duration_ms == before_ms
    recorder.resume()
    qtbot.waitUntil(lambda: recorder.duration_ms > before_ms, timeout=10_000)
    with qtbot.waitSignal(recorder.finished, timeout=10_000) as finished:
        recorder.finish()

    assert abs(float(probe(finished.args[0])["audio"]["duration"]) * 1000 - finished.args[1]) < 50


def test_a_discarded_recording_leaves_no_file(qtbot: QtBot, tmp_path: Path) -> None:
    recorder = Recorder()
    recorder.start(tmp_path / "voice.m4a", ToneSource(block_ms=10))
    qtbot.waitUntil(lambda: recorder.duration_ms >= 500, timeout=10_000)
    with qtbot.waitSignal(recorder.discarded, timeout=10_000):
        recorder.discard()

    assert list(tmp_path.iterdir()) == []
    assert recorder.phase == "idle"


def test_a_slip_of_the_finger_is_not_a_message(qtbot: QtBot, tmp_path: Path) -> None:
    """Below 0.4 s nothing is sent, and the person is told why: `discarded(False)`."""
    recorder = Recorder()
    with qtbot.waitSignal(recorder.began, timeout=10_000):
        recorder.start(tmp_path / "voice.m4a", ToneSource(block_ms=10))
    with qtbot.waitSignal(recorder.discarded, timeout=10_000) as discarded:
        recorder.finish()

    assert discarded.args == [False]
    assert list(tmp_path.iterdir()) == []


def test_one_recorder_makes_one_recording_after_another(qtbot: QtBot, tmp_path: Path) -> None:
    recorder = Recorder()

    first, _ = record(qtbot, recorder, tmp_path / "1.m4a", 500)
    second, _ = record(qtbot, recorder, tmp_path / "2.m4a", 500)

    assert probe(first).keys() == probe(second).keys() == {"audio"}


class Unplugged(ToneSource):
    """A microphone that is pulled out."""


def test_an_unplugged_microphone_keeps_what_was_said(qtbot: QtBot, tmp_path: Path) -> None:
    recorder, mic = Recorder(), Unplugged(block_ms=10)
    recorder.start(tmp_path / "voice.m4a", mic)
    qtbot.waitUntil(lambda: recorder.duration_ms >= 800, timeout=10_000)
    with qtbot.waitSignal(recorder.finished, timeout=10_000) as finished:
        mic.failed.emit("microphone_missing")

    assert finished.args[1] >= 800


class Silent(SoundSource):
    """A microphone that never gives anything."""

    def start(self) -> None:
        """Nothing comes."""

    def stop(self) -> None:
        """Nothing ends."""


def test_a_microphone_that_fails_at_once_is_a_problem_with_a_code(qtbot: QtBot, tmp_path: Path) -> None:
    recorder, mic = Recorder(), Silent()
    recorder.start(tmp_path / "voice.m4a", mic)
    with qtbot.waitSignal(recorder.failed, timeout=10_000) as failed:
        mic.failed.emit("microphone_missing")

    assert failed.args == ["microphone_missing"]
    assert recorder.phase == "idle"


@pytest.mark.parametrize(("sample", "loud"), [(0, 0.0), (16384, 0.5), (-32768, 1.0)])
def test_loudness_is_the_loudest_sample(sample: int, loud: float) -> None:
    data = sample.to_bytes(2, "little", signed=True) + bytes(6)

    assert loudness(QAudioBuffer(data, sound_format())) == loud
