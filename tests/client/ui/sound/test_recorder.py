"""Recordings are real: invented sound and frames go to the disk, and ffprobe reads the files that are made of them."""

from __future__ import annotations

import json
import subprocess
from array import array
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QImage
from PySide6.QtMultimedia import QAudioBuffer
from pytestqt.qtbot import QtBot

from client.ui.sound.encoder import Encoder
from client.ui.sound.film import write_film
from client.ui.sound.recorder import SIDE_PX, Recorder, square
from client.ui.sound.segments import BLOCK_BYTES, Draft, Kind, Span, Tape, pictures, read_draft, sound
from client.ui.sound.sources import ClipSource, DrawnSource, FrameSource, SoundSource, ToneSource, sound_format
from protocol.values import ConvId

pytestmark = pytest.mark.qt_log_ignore("No RHI backend")  # pictures are then converted by the processor


def probe(path: Path) -> dict[str, dict[str, Any]]:
    """What ffprobe says of each stream, by its kind."""
    told = subprocess.run(
        ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", str(path)],
        capture_output=True,
        check=True,
    ).stdout
    return {stream["codec_type"]: stream for stream in json.loads(told)["streams"]}


def samples_of(path: Path) -> array[int]:
    """What a player would hear."""
    raw = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(path), "-f", "s16le", "-ac", "1", "-ar", "48000", "-"],
        capture_output=True,
        check=True,
    ).stdout
    return array("h", raw)


def onto(tmp_path: Path, kind: Kind = "voice") -> Tape:
    return Tape(tmp_path / "r1", ConvId("c1"), kind, 1)


def draft_of(tmp_path: Path) -> Draft:
    found = read_draft(tmp_path / "r1")
    assert found is not None
    return found


def stop(qtbot: QtBot, recorder: Recorder) -> str:
    with qtbot.waitSignal(recorder.ended, timeout=10_000) as ended:
        recorder.stop()
    return str(ended.args[0])


def record(qtbot: QtBot, tmp_path: Path, wanted_ms: int, frames: FrameSource | None = None) -> Draft:
    recorder = Recorder()
    recorder.start(onto(tmp_path, "video" if frames else "voice"), ToneSource(block_ms=10), frames)
    qtbot.waitUntil(lambda: recorder.duration_ms >= wanted_ms, timeout=10_000)
    assert stop(qtbot, recorder) == ""
    return draft_of(tmp_path)


def encode(qtbot: QtBot, draft: Draft, path: Path, span: Span | None = None) -> Path:
    encoder = Encoder(draft, span or draft.span, path)
    with qtbot.waitSignal(encoder.done, timeout=20_000):
        encoder.start()
    return path


class Heard(ToneSource):
    """A tone whose blocks are written down as they are given."""

    def __init__(self) -> None:
        super().__init__(block_ms=10)
        self.given: list[bytes] = []
        self.block.connect(lambda block: self.given.append(bytes(block.constData() or b"")))


def test_the_first_and_the_last_block_are_on_the_disk(qtbot: QtBot, tmp_path: Path) -> None:
    recorder, tone = Recorder(), Heard()
    levels: list[float] = []
    recorder.level.connect(levels.append)
    recorder.start(onto(tmp_path), tone)
    qtbot.waitUntil(lambda: recorder.duration_ms >= 2500, timeout=10_000)
    assert stop(qtbot, recorder) == ""

    draft = draft_of(tmp_path)
    assert b"".join(sound(draft.folder, draft.span)) == b"".join(tone.given)
    assert len(levels) == len(draft.levels) == draft.duration_ms // 100
    assert 0.3 < max(levels) <= 1.0


def test_without_another_program_a_voice_note_is_small_mono_aac(qtbot: QtBot, tmp_path: Path) -> None:
    draft = record(qtbot, tmp_path, 3000)
    path = encode(qtbot, draft, tmp_path / "voice.m4a")

    heard = probe(path)["audio"]
    assert (heard["codec_name"], heard["channels"], heard["sample_rate"]) == ("aac", 1, "48000")
    assert abs(float(heard["duration"]) * 1000 - draft.duration_ms) <= 100, "nothing is clipped"
    assert path.stat().st_size < 8000 * draft.duration_ms / 1000


def test_the_edges_of_a_voice_note_are_heard(qtbot: QtBot, tmp_path: Path) -> None:
    """A click in the first block and one in the last, silence between: both come through the encoder."""
    loud = array("h", [(-1) ** (n // 40) * 20_000 for n in range(BLOCK_BYTES // 2)]).tobytes()
    tape = onto(tmp_path)
    for block in (loud, *[bytes(BLOCK_BYTES)] * 20, loud):
        tape.add_sound(block, 0.5)
    tape.close()

    heard = samples_of(encode(qtbot, draft_of(tmp_path), tmp_path / "voice.m4a"))
    assert max(heard[:4800]) > 8000
    assert max(heard[6 * 4800 : 18 * 4800]) < 500
    assert max(heard[20 * 4800 : 22 * 4800 + 2048]) > 8000


def test_a_film_is_written_as_it_is_with_every_picture(qtbot: QtBot, tmp_path: Path) -> None:
    draft = record(qtbot, tmp_path, 2600, DrawnSource())
    seen = list(pictures(draft.folder, draft.span))
    write_film(draft.folder, draft.span, tmp_path / "film.mkv", (SIDE_PX, SIDE_PX))

    streams = probe(tmp_path / "film.mkv")
    assert (streams["video"]["codec_name"], streams["audio"]["codec_name"]) == ("mjpeg", "pcm_s16le")
    assert (streams["video"]["width"], streams["video"]["height"]) == (480, 480)
    assert int(streams["video"]["nb_read_frames"]) == len(seen) >= 3
    assert len(samples_of(tmp_path / "film.mkv")) == draft.duration_ms * 48


def test_without_another_program_a_film_is_mpeg_4_with_every_picture(qtbot: QtBot, tmp_path: Path) -> None:
    draft = record(qtbot, tmp_path, 1500, DrawnSource())
    path = encode(qtbot, draft, tmp_path / "film.mp4")

    streams = probe(path)
    assert streams["audio"]["codec_name"] == "aac"
    assert (streams["video"]["codec_name"], streams["video"]["width"]) == ("mpeg4", 480)
    assert int(streams["video"]["nb_read_frames"]) == len(list(pictures(draft.folder, draft.span)))
    assert abs(float(streams["audio"]["duration"]) * 1000 - draft.duration_ms) <= 100


def test_a_part_of_a_film_begins_and_ends_where_it_was_cut(qtbot: QtBot, tmp_path: Path) -> None:
    draft = record(qtbot, tmp_path, 2000, DrawnSource())
    span = Span(500, 1200)
    write_film(draft.folder, span, tmp_path / "film.mkv", (SIDE_PX, SIDE_PX))

    streams = probe(tmp_path / "film.mkv")
    assert len(samples_of(tmp_path / "film.mkv")) == 700 * 48
    kept = list(pictures(draft.folder, span))
    assert all(0 <= at_ms < 700 for at_ms, _ in kept)
    assert int(streams["video"].get("nb_read_frames", 0)) == len(kept)


def test_a_wide_picture_is_cut_to_a_square_and_never_stretched() -> None:
    wide = QImage(640, 360, QImage.Format.Format_RGB32)
    wide.fill(QColor("red"))
    for x in range(140, 500):
        for y in range(360):
            wide.setPixelColor(x, y, QColor("blue"))
    made = square(wide)

    assert made.size() == QSize(480, 480)
    assert {made.pixelColor(x, 240).name() for x in (2, 240, 477)} == {"#0000ff"}
    assert square(QImage()).isNull()


def test_given_pictures_stand_for_a_camera(qtbot: QtBot, tmp_path: Path) -> None:
    picture = QImage(64, 48, QImage.Format.Format_RGB32)
    picture.fill(QColor("green"))
    draft = record(qtbot, tmp_path, 800, ClipSource([picture], every_ms=40))

    kept = [QImage.fromData(data) for _, data in pictures(draft.folder, draft.span)]
    assert kept
    assert all(each.size() == QSize(480, 480) for each in kept)


def test_what_is_said_during_a_pause_is_left_out(qtbot: QtBot, tmp_path: Path) -> None:
    recorder, tone = Recorder(), ToneSource(block_ms=10)
    recorder.start(onto(tmp_path), tone)
    qtbot.waitUntil(lambda: recorder.duration_ms >= 1000, timeout=10_000)
    recorder.pause()
    before_ms = recorder.duration_ms
    assert draft_of(tmp_path).duration_ms == before_ms, "one can listen to it"
    for _ in range(5):
        qtbot.waitSignal(tone.block).wait()
    assert recorder.duration_ms == before_ms
    recorder.resume()
    qtbot.waitUntil(lambda: recorder.duration_ms > before_ms, timeout=10_000)
    after_ms = recorder.duration_ms
    stop(qtbot, recorder)

    assert draft_of(tmp_path).duration_ms == after_ms


class Pieces(SoundSource):
    """A microphone that holds half a block back until it is asked."""

    def start(self) -> None:
        """Nothing comes by itself."""

    def give(self, samples: bytes) -> None:
        self.block.emit(QAudioBuffer(samples, sound_format()))

    def flush(self) -> None:
        self.give(b"\1\0" * 100)

    def stop(self) -> None:
        """Nothing ends."""


@pytest.mark.parametrize("how", ["pause", "stop"])
def test_the_end_of_a_word_does_not_wait_for_a_whole_block(qtbot: QtBot, tmp_path: Path, how: str) -> None:
    recorder, mic = Recorder(), Pieces()
    recorder.start(onto(tmp_path), mic)
    mic.give(bytes(BLOCK_BYTES))
    getattr(recorder, how)()
    recorder.stop()

    assert b"".join(sound(tmp_path / "r1", Span(0, 1000))) == bytes(BLOCK_BYTES) + b"\1\0" * 100
    assert (tmp_path / "r1" / "000001.pcm").stat().st_size == BLOCK_BYTES + 200


def test_an_unplugged_microphone_keeps_what_was_said_and_says_why(qtbot: QtBot, tmp_path: Path) -> None:
    recorder, mic = Recorder(), ToneSource(block_ms=10)
    recorder.start(onto(tmp_path), mic)
    qtbot.waitUntil(lambda: recorder.duration_ms >= 800, timeout=10_000)
    with qtbot.waitSignal(recorder.ended, timeout=10_000) as ended:
        mic.failed.emit("microphone_missing")

    assert ended.args == ["microphone_missing"]
    assert draft_of(tmp_path).duration_ms >= 800
    assert recorder.phase == "idle"


def test_another_microphone_goes_on_where_the_first_one_was(qtbot: QtBot, tmp_path: Path) -> None:
    recorder, first, second = Recorder(), Pieces(), Pieces()
    recorder.start(onto(tmp_path), first)
    first.give(b"\1\0" * 4800)
    recorder.change_sound(second)
    second.give(b"\2\0" * 4800)
    recorder.pause()
    recorder.stop()

    heard = b"".join(sound(tmp_path / "r1", Span(0, 200)))
    assert heard == b"\1\0" * 4800 + b"\2\0" * 4800


def test_a_disk_that_refuses_ends_the_recording_with_a_code(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, tape, mic = Recorder(), onto(tmp_path), Pieces()
    recorder.start(tape, mic)
    mic.give(bytes(BLOCK_BYTES))
    tape.sync()
    tape.trouble = "disk_full"
    with qtbot.waitSignal(recorder.ended, timeout=1000) as ended:
        mic.give(bytes(BLOCK_BYTES))

    assert ended.args == ["disk_full"]
    assert draft_of(tmp_path).duration_ms == 100


def test_one_recorder_makes_one_recording_after_another(qtbot: QtBot, tmp_path: Path) -> None:
    recorder = Recorder()
    for name in ("a", "b"):
        recorder.start(Tape(tmp_path / name, ConvId("c"), "voice", 1), ToneSource(block_ms=10))
        qtbot.waitUntil(lambda: recorder.duration_ms >= 500, timeout=10_000)
        stop(qtbot, recorder)

    assert read_draft(tmp_path / "a") is not None
    assert read_draft(tmp_path / "b") is not None


def test_a_file_that_cannot_be_written_is_a_code(qtbot: QtBot, tmp_path: Path) -> None:
    draft = record(qtbot, tmp_path, 500)
    encoder = Encoder(draft, draft.span, tmp_path / "nowhere" / "voice.m4a")
    with qtbot.waitSignal(encoder.failed, timeout=10_000) as failed:
        encoder.start()

    assert failed.args == ["store_failed"]
