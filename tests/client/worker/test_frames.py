"""Films, through the real worker."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from tests.client.worker import media
from tests.client.worker.talk import WorkerProcess
from tests.client.worker.test_pictures import preview_of

TESTSRC = "testsrc=s=320x180:r=25"


def starts_with(colour: str, seconds: float, path: Path) -> Path:
    """A film of one colour that becomes a test picture."""
    graph = f"color={colour}:s=320x180:r=25:d={seconds}[a];{TESTSRC}:d=2[b];[a][b]concat"
    media.ffmpeg("-filter_complex", graph, "-pix_fmt", "yuv420p", path)
    return path


def test_the_sample_film_shows_the_lake_and_not_the_black_before_it(worker: WorkerProcess, tmp_path: Path) -> None:
    said = worker.inspect(media.SAMPLES / "video.mp4")
    assert (said["kind"], said["type"]) == ("video", "video/mp4")
    assert (said["width"], said["height"], said["duration_ms"]) == (640, 360, 3600)
    assert said["stripped"] is False
    shown = preview_of(said, tmp_path)
    assert (shown.width, shown.height) == (320, 180)
    assert 60 < shown.mean() < 200


@pytest.mark.parametrize("colour", ["black", "white", "0x807060"])
def test_dark_glaring_and_uniform_frames_are_passed_over(worker: WorkerProcess, tmp_path: Path, colour: str) -> None:
    shown = preview_of(worker.inspect(starts_with(colour, 1.5, tmp_path / "x.mp4")), tmp_path)
    assert len({shown.at(x / 8, 0.3) for x in range(9)}) > 4, "the bars of the test picture"


def test_a_film_that_stays_black_shows_its_first_frame(worker: WorkerProcess, tmp_path: Path) -> None:
    shown = preview_of(worker.inspect(starts_with("black", 4.0, tmp_path / "x.mp4")), tmp_path)
    assert shown.mean() < 8


@pytest.mark.parametrize(
    ("suffix", "options", "type_"),
    [
        (".mov", (), "video/quicktime"),
        (".webm", ("-c:v", "libvpx-vp9", "-b:v", "200k", "-deadline", "realtime"), "video/webm"),
        (".mkv", ("-c:v", "mpeg4"), "video/x-matroska"),
        (".mp4", ("-c:v", "mpeg4"), "video/mp4"),
    ],
)
def test_the_other_containers(
    worker: WorkerProcess, tmp_path: Path, suffix: str, options: tuple[str, ...], type_: str
) -> None:
    said = worker.inspect(media.film(tmp_path / f"x{suffix}", 1.0, *options))
    assert (said["kind"], said["type"]) == ("video", type_)
    assert (said["width"], said["height"]) == (320, 180)
    assert abs(said["duration_ms"] - 1000) < 80


def test_a_turned_film_stands_upright(worker: WorkerProcess, tmp_path: Path) -> None:
    lying, turned = media.film(tmp_path / "lying.mp4"), tmp_path / "turned.mp4"
    media.ffmpeg("-i", lying, "-c", "copy", "-metadata:s:v:0", "rotate=90", turned)
    said = worker.inspect(turned)
    assert (said["width"], said["height"]) == (180, 320)
    assert preview_of(said, tmp_path).height == 320


def test_a_film_named_as_a_picture_is_a_film(worker: WorkerProcess, tmp_path: Path) -> None:
    path = media.film(tmp_path / "x.mp4").rename(tmp_path / "x.png")
    assert worker.inspect(path, "picture")["kind"] == "video"


def test_a_name_with_signs_that_decoders_read_as_patterns(worker: WorkerProcess, tmp_path: Path) -> None:
    path = media.film(tmp_path / "x.mp4").rename(tmp_path / "既济 %03d | concat:a 'b.mp4")
    said = worker.inspect(path)
    assert (said["kind"], said["name"]) == ("video", path.name)


def test_a_film_with_too_large_pictures_is_a_plain_file(worker: WorkerProcess, tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    options = ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p")
    media.ffmpeg("-f", "lavfi", "-i", "color=red:s=8000x8000:r=1", "-frames:v", "1", *options, path)
    said = worker.inspect(path)
    assert (said["kind"], said["preview"]) == ("file", "")


def test_a_film_that_cannot_be_shown_is_a_plain_file_and_no_voice_note(worker: WorkerProcess, tmp_path: Path) -> None:
    """Its sound could be heard; but it is a film, and the person would miss the picture."""
    path = tmp_path / "x.mp4"
    media.ffmpeg(
        "-f", "lavfi", "-i", "color=red:s=8000x8000:r=1:d=1", "-f", "lavfi", "-i", "sine=d=1",
        "-map", "0", "-map", "1", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-c:a", "aac", path,
    )  # fmt: skip
    assert worker.inspect(path)["kind"] == "file"
    assert worker.inspect(path, "voice")["kind"] == "voice"


def test_a_film_without_sound_wished_as_voice_is_a_film(worker: WorkerProcess, tmp_path: Path) -> None:
    assert worker.inspect(media.film(tmp_path / "x.mp4"), "voice")["kind"] == "video"


def test_a_film_with_too_many_streams_is_a_plain_file(worker: WorkerProcess, tmp_path: Path) -> None:
    maps = ("-map", "0:v", "-map", "0:v", "-map", "0:v")
    path = tmp_path / "x.mp4"
    media.ffmpeg("-f", "lavfi", "-i", TESTSRC, "-t", "0.4", "-pix_fmt", "yuv420p", *maps, path)
    assert worker.inspect(path)["kind"] == "file"


def test_without_ffprobe_the_boxes_and_the_counts_tell_the_length(tmp_path: Path) -> None:
    film = media.film(tmp_path / "x.mp4", 2.0)
    webm = media.film(tmp_path / "x.webm", 2.0, "-c:v", "libvpx", "-b:v", "200k", "-deadline", "realtime")
    with WorkerProcess(tmp_path, {"PATH": str(tmp_path)}) as alone:
        assert alone.ready["tools"] == []
        for path in (film, webm):
            said = alone.inspect(path)
            assert said["kind"] == "video"
            assert abs(said["duration_ms"] - 2000) < 80
            assert base64.b64decode(said["preview"])
