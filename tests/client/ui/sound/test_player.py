"""One player for everything that sounds; no sound card is needed to know where it stands."""

from __future__ import annotations

import math
import shutil
import struct
import subprocess
import wave
from pathlib import Path

import pytest
from PySide6.QtMultimedia import QAudioBufferOutput, QAudioFormat, QVideoSink
from pytestqt.qtbot import QtBot

import resources
from client.ui.sound.player import FRAME_S, SPEED_CHOICES, SPEEDS, Player
from protocol.values import Lid

VOICE = str(next((Path(resources.__file__).parent / "samples").glob("voice.*")))
VIDEO = str(Path(resources.__file__).parent / "samples" / "video.mp4")
FIRST, SECOND = Lid(1), Lid(2)
RATE = 48_000


def playing(qtbot: QtBot) -> Player:
    """A player that has opened the sample voice note."""
    player = Player()
    player.play(FIRST, VOICE, 1234)
    qtbot.waitUntil(lambda: player.position_ms > 0, timeout=10_000)
    return player


def test_a_voice_note_plays_pauses_and_goes_on(qtbot: QtBot) -> None:
    player = playing(qtbot)
    assert [player.paused] == [False]

    player.toggle()
    assert [player.paused] == [True]
    assert player.lid == FIRST
    player.play(FIRST, VOICE)
    assert [player.paused] == [False]
    player.stop()


def test_the_length_of_the_message_is_shown_until_the_file_is_open(qtbot: QtBot) -> None:
    player = Player()
    player.play(FIRST, VOICE, 1234)
    assert player.duration_ms in (1234, 0) or player.duration_ms > 4000

    qtbot.waitUntil(lambda: player.duration_ms > 4000, timeout=10_000)
    player.stop()


def test_another_note_takes_the_place_of_the_first(qtbot: QtBot) -> None:
    player = playing(qtbot)
    player.play(SECOND, VOICE)

    assert player.lid == SECOND
    player.stop()
    assert player.lid is None


def test_a_note_ends_once_and_is_forgotten(qtbot: QtBot) -> None:
    player = playing(qtbot)
    with qtbot.waitSignal(player.ended, timeout=15_000) as ended:
        player.seek(0.97)

    assert ended.args == [FIRST]
    assert player.lid is None


def test_seeking_and_skipping_stay_inside(qtbot: QtBot) -> None:
    player = playing(qtbot)
    player.pause()
    player.seek(0.5)
    qtbot.waitUntil(lambda: abs(player.position_ms - player.duration_ms / 2) < 400, timeout=10_000)
    player.skip(-100)
    qtbot.waitUntil(lambda: player.position_ms == 0, timeout=10_000)
    player.stop()


def test_the_speed_chip_goes_round(qtbot: QtBot) -> None:
    player = Player()
    seen = []
    for _ in SPEEDS:
        player.next_speed()
        seen.append(player.speed)

    assert seen == [1.5, 2.0, 2.5, 0.5, 0.75, 1.0]


def test_what_cannot_be_played_says_so(qtbot: QtBot, tmp_path: Path) -> None:
    broken = tmp_path / "broken.m4a"
    broken.write_bytes(b"this is no sound")
    player = Player()
    with qtbot.waitSignal(player.failed, timeout=10_000) as failed:
        player.play(FIRST, str(broken))

    assert failed.args == [FIRST]
    assert player.lid is None


def test_a_speed_is_chosen_within_what_can_be_understood(qtbot: QtBot) -> None:
    player = Player()
    player.set_speed(0.1)
    assert player.speed == 0.5
    player.set_speed(9)
    assert player.speed == 2.5
    assert set(SPEEDS) <= set(SPEED_CHOICES)


def tone(path: Path, seconds: float = 3.0) -> str:
    """440 Hz, nothing else."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        steps = (math.sin(2 * math.pi * 440 * step / RATE) for step in range(int(RATE * seconds)))
        out.writeframes(struct.pack(f"<{int(RATE * seconds)}h", *(int(12_000 * height) for height in steps)))
    return str(path)


def pitch_hz(samples: list[int], rate: int) -> float:
    """How often a clean tone rises through zero in a second."""
    rises = [place for place in range(1, len(samples)) if samples[place - 1] < 0 <= samples[place]]
    return (len(rises) - 1) * rate / (rises[-1] - rises[0])


def test_twice_as_fast_is_not_twice_as_high(qtbot: QtBot, tmp_path: Path) -> None:
    form = QAudioFormat()
    form.setSampleRate(RATE)
    form.setChannelCount(1)
    form.setSampleFormat(QAudioFormat.SampleFormat.Int16)
    samples: list[int] = []
    ear = QAudioBufferOutput(form)
    ear.audioBufferReceived.connect(lambda heard: samples.extend(memoryview(heard.constData()).cast("h")))
    player = Player()
    player._player.setAudioBufferOutput(ear)
    player.set_speed(2.0)
    player.play(FIRST, tone(tmp_path / "tone.wav"))

    qtbot.waitUntil(lambda: len(samples) > RATE, timeout=10_000)
    player.stop()
    assert pitch_hz(samples[RATE // 4 : RATE], RATE) == pytest.approx(440, abs=8)
    assert player._player.playbackRate() == 2.0


def film(path: Path, *how: str, rate: int = 30) -> str:
    """A second and a half of moving bars."""
    source = f"testsrc=size=128x96:rate={rate}:duration=1.6"
    subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", source, *how, "-y", str(path)], check=True
    )
    return str(path)


needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


@needs_ffmpeg
def test_a_film_that_nothing_here_can_decode_is_for_another_program(qtbot: QtBot, tmp_path: Path) -> None:
    path = film(tmp_path / "new.mp4", "-c:v", "libsvtav1", "-preset", "12")
    player, sink = Player(), QVideoSink()
    over: list[object] = []
    player.ended.connect(over.append)
    player.show_on(sink)
    with qtbot.waitSignal(player.unshown, timeout=10_000) as unshown:
        player.play(FIRST, path)

    assert unshown.args == [FIRST]
    assert over == []
    assert player.lid is None


@needs_ffmpeg
def test_a_film_is_stepped_through_by_its_own_rate(qtbot: QtBot, tmp_path: Path) -> None:
    path = film(tmp_path / "slow.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p", rate=10)
    player, sink = Player(), QVideoSink()
    player.show_on(sink)
    player.play(FIRST, path)
    qtbot.waitUntil(lambda: player.position_ms > 0 and sink.videoFrame().isValid(), timeout=10_000)
    assert player.frame_s == pytest.approx(0.1, abs=0.001)

    player.pause()
    player.seek(0.5)
    qtbot.waitUntil(lambda: abs(player.position_ms - 800) < 60, timeout=10_000)
    before_ms = player.position_ms
    player.step(2)
    assert player.paused
    qtbot.waitUntil(lambda: abs(player.position_ms - before_ms - 200) < 60, timeout=10_000)
    player.stop()


def test_a_film_that_begins_late_is_not_taken_for_one_without_pictures(qtbot: QtBot) -> None:
    player, sink = Player(), QVideoSink()
    unshown: list[object] = []
    player.unshown.connect(unshown.append)
    player.show_on(sink)
    player.play(FIRST, VIDEO, from_ms=2000)
    qtbot.waitUntil(lambda: player.position_ms > 2000 and sink.videoFrame().isValid(), timeout=10_000)
    player.stop()
    assert unshown == []


def test_a_sound_has_no_rate_of_pictures(qtbot: QtBot) -> None:
    assert Player().frame_s == FRAME_S
