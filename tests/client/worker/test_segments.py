"""The segments of a recording become one file, whatever happened to the last of them."""

from __future__ import annotations

import json
import math
import struct
import subprocess
import wave
from pathlib import Path
from typing import Any

import pytest

from tests.client.worker import media
from tests.client.worker.talk import WorkerProcess

RATE_HZ = 48_000
H264 = ("-c:v", "libx264", "-preset", "ultrafast")


def tone(seconds: float) -> bytes:
    count = int(seconds * RATE_HZ)
    return struct.pack(f"<{count}h", *(int(9000 * math.sin(place * 0.06)) for place in range(count)))


def voice(folder: Path, *seconds: float) -> Path:
    folder.mkdir()
    for number, length in enumerate(seconds, 1):
        (folder / f"{number:06}.pcm").write_bytes(tone(length))
    return folder


def films(folder: Path, count: int, suffix: str = ".mp4") -> Path:
    folder.mkdir()
    for number in range(1, count + 1):
        media.film(folder / f"{number:06}{suffix}", 1.0, *H264, source=f"testsrc=s=320x180:r=25:decimals={number % 3}")
    return folder


def streams(path: Path) -> dict[str, Any]:
    words = [
        "ffprobe",
        "-v",
        "error",
        "-count_frames",
        "-show_entries",
        "format=duration:stream=codec_name,nb_read_frames",
    ]
    said: dict[str, Any] = json.loads(subprocess.run([*words, "-of", "json", path], stdout=-1, check=True).stdout)
    return said


def joined(worker: WorkerProcess, folder: Path, kind: str) -> Path:
    said = worker.ask("join", folder, kind)
    assert "ok" in said, said
    return Path(said["ok"]["file"])


def test_voice_becomes_opus(worker: WorkerProcess, tmp_path: Path) -> None:
    path = joined(worker, voice(tmp_path / "rec", 2.0, 2.0, 1.0), "voice")
    said = streams(path)
    assert (path.suffix, said["streams"][0]["codec_name"]) == (".ogg", "opus")
    assert abs(float(said["format"]["duration"]) - 5.0) < 0.1
    assert path.stat().st_size < 5 * 48_000 / 8
    assert len(list((tmp_path / "rec").iterdir())) == 3, "the segments stay"


def test_a_segment_that_ends_in_half_a_sample_loses_that_half_alone(tmp_path: Path) -> None:
    folder = voice(tmp_path / "rec", 0.5, 0.5)
    with (folder / "000001.pcm").open("ab") as segment:
        segment.write(b"\x7f")
    with WorkerProcess(tmp_path / "out", {"PATH": str(tmp_path)}) as alone:
        path = joined(alone, folder, "voice")
    with wave.open(str(path)) as heard:
        assert (heard.getnchannels(), heard.getsampwidth(), heard.getframerate()) == (1, 2, RATE_HZ)
        assert heard.readframes(RATE_HZ * 2) == tone(0.5) * 2


def test_films_are_joined_without_touching_a_picture(worker: WorkerProcess, tmp_path: Path) -> None:
    path = joined(worker, films(tmp_path / "rec", 3), "video")
    said = streams(path)
    assert (said["streams"][0]["codec_name"], said["streams"][0]["nb_read_frames"]) == ("h264", "75")
    assert abs(float(said["format"]["duration"]) - 3.0) < 0.1
    assert worker.inspect(path)["kind"] == "video"


def test_a_film_that_was_never_finished_is_left_out(worker: WorkerProcess, tmp_path: Path) -> None:
    folder = films(tmp_path / "rec", 3)
    whole = (folder / "000003.mp4").read_bytes()
    (folder / "000003.mp4").write_bytes(whole[: whole.index(b"moov") - 4])
    assert streams(joined(worker, folder, "video"))["streams"][0]["nb_read_frames"] == "50"


def test_matroska_is_joined_too(worker: WorkerProcess, tmp_path: Path) -> None:
    assert streams(joined(worker, films(tmp_path / "rec", 2, ".mkv"), "video"))["streams"][0]["nb_read_frames"] == "50"


def test_without_ffmpeg_one_film_is_copied_and_many_stay(tmp_path: Path) -> None:
    with WorkerProcess(tmp_path / "out", {"PATH": str(tmp_path)}) as alone:
        one = films(tmp_path / "one", 1)
        assert joined(alone, one, "video").read_bytes() == (one / "000001.mp4").read_bytes()
        said = alone.ask("join", films(tmp_path / "many", 2), "video")
    assert (said["problem"], said["facts"]) == ("cannot_join", {"reason": "no_ffmpeg"})
    assert len(list((tmp_path / "many").iterdir())) == 2


@pytest.mark.parametrize("kind", ["voice", "video"])
def test_nothing_to_join_is_a_problem_with_a_sentence(worker: WorkerProcess, tmp_path: Path, kind: str) -> None:
    (tmp_path / "rec").mkdir()
    assert worker.ask("join", tmp_path / "rec", kind)["problem"] == "cannot_join"
    for name in ("000001.pcm", "000001.mp4", "notes.txt", "000002.pcm.part"):
        (tmp_path / "rec" / name).touch()
    assert worker.ask("join", tmp_path / "rec", kind)["problem"] == "cannot_join"
    assert worker.ask("join", tmp_path / "gone", kind)["problem"] == "media_vanished"


def test_a_link_that_leads_out_of_the_folder_is_not_followed(worker: WorkerProcess, tmp_path: Path) -> None:
    folder = voice(tmp_path / "rec", 0.5)
    (tmp_path / "secret").write_bytes(tone(3.0))
    (folder / "000002.pcm").symlink_to(tmp_path / "secret")
    assert "ok" not in worker.ask("join", folder, "voice")
