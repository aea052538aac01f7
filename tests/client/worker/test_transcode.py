"""Smaller copies for sending."""

from __future__ import annotations

from pathlib import Path

from tests.client.worker import media
from tests.client.worker.talk import WorkerProcess


def test_a_film_becomes_h264_in_mp4_of_at_most_1280_a_side(worker: WorkerProcess, tmp_path: Path) -> None:
    path = tmp_path / "x.mkv"
    media.ffmpeg(
        "-f", "lavfi", "-i", "testsrc=s=1601x901:r=10:d=1", "-f", "lavfi", "-i", "sine=d=1",
        "-c:v", "mpeg4", "-q:v", "2", "-metadata", "title=CANARY", path,
    )  # fmt: skip
    made = worker.ask("make_smaller", path, "video")["ok"]
    copy = Path(made["file"])
    assert (made["type"], copy.suffix) == ("video/mp4", ".mp4")
    assert copy.stat().st_size < path.stat().st_size
    assert worker.progress[-1] == (1003, 1003)
    assert copy.read_bytes().index(b"moov") < copy.read_bytes().index(b"mdat"), "it starts to play at once"
    assert b"CANARY" not in copy.read_bytes()
    said = worker.inspect(copy)
    assert (said["kind"], said["width"], said["height"]) == ("video", 1280, 720)


def test_a_wave_becomes_opus_in_ogg(worker: WorkerProcess, tmp_path: Path) -> None:
    made = worker.ask("make_smaller", media.wav(tmp_path / "x.wav", 2.0), "voice")["ok"]
    copy = Path(made["file"])
    assert (made["type"], b"OpusHead" in copy.read_bytes()) == ("audio/ogg", True)
    said = worker.inspect(copy)
    assert said["kind"] == "voice"
    assert abs(said["duration_ms"] - 2000) < 120


def test_what_cannot_be_made_is_refused_and_leaves_nothing(worker: WorkerProcess, tmp_path: Path) -> None:
    before = set(worker.out_dir.iterdir())
    text = tmp_path / "x.txt"
    text.write_text("words")
    silent = media.film(tmp_path / "silent.mp4")
    picture = media.quarters(tmp_path / "x.png", 40, 40)
    for path, kind in ((text, "video"), (silent, "voice"), (picture, "picture"), (picture, "video")):
        said = worker.ask("make_smaller", path, kind)
        assert said["problem"] == "cannot_make_smaller"
        assert said["facts"] == {"name": path.name, "reason": "no_format"}
    assert set(worker.out_dir.iterdir()) == before


def test_without_ffmpeg_it_is_refused(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path, {"PATH": str(tmp_path)}) as alone:
        said = alone.ask("make_smaller", media.wav(tmp_path / "x.wav"), "voice")
    assert (said["problem"], said["facts"]) == ("ffmpeg_missing", {"name": "x.wav"})


def test_a_copy_that_would_be_larger_is_not_kept(worker: WorkerProcess, tmp_path: Path) -> None:
    tiny = tmp_path / "x.ogg"
    media.ffmpeg("-f", "lavfi", "-i", "sine=d=2", "-ac", "1", "-c:a", "libopus", "-b:a", "6k", tiny)
    before = set(worker.out_dir.iterdir())
    assert worker.ask("make_smaller", tiny, "voice")["ok"] == {"file": "", "type": ""}
    assert set(worker.out_dir.iterdir()) == before


def test_what_is_longer_than_four_hours_is_refused(worker: WorkerProcess, tmp_path: Path) -> None:
    long = media.wav(tmp_path / "x.wav", 0.1)
    data = bytearray(long.read_bytes())
    data[24:32] = (1).to_bytes(4, "little") + (2).to_bytes(4, "little")
    long.write_bytes(bytes(data) + bytes(40_000))
    data[4:8] = data[40:44] = (40_000).to_bytes(4, "little")
    long.write_bytes(bytes(data) + bytes(40_000))
    assert worker.ask("make_smaller", long, "voice")["problem"] == "cannot_make_smaller"
