"""Pictures that are made to fit, and those that are left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from client.worker import fit, sniff
from client.worker.source import opened
from tests.client.worker import media
from tests.client.worker.talk import WorkerProcess

CLOUDS = "nullsrc=s={w}x{h},geq=r='128+90*sin(X/37+Y/51)':g='128+90*cos(X/29)':b='X*255/W'"


def clouds(path: Path, width: int, height: int, *options: str) -> Path:
    """A picture of many colours without sharp edges."""
    media.ffmpeg("-f", "lavfi", "-i", CLOUDS.format(w=width, h=height), "-frames:v", "1", *options, path)
    return path


def small(worker: WorkerProcess, path: Path) -> dict[str, Any]:
    return worker.inspect(path, "picture", quality="small")


def test_a_large_jpeg_fits_stands_upright_and_says_nothing(worker: WorkerProcess, tmp_path: Path) -> None:
    path, smooth = tmp_path / "x.jpg", media.quarters(tmp_path / "x.png", 3000, 2000)
    media.ffmpeg("-i", smooth, "-vf", "noise=alls=30", "-q:v", "2", path)
    media.jpeg_with(path, media.jpeg_segment(0xE1, b"Exif\0\0" + media.tiff(6)))
    said = small(worker, path)
    copy = Path(said["file"])
    assert (said["type"], said["width"], said["height"]) == ("image/jpeg", 1365, 2048)
    assert said["size_bytes"] == copy.stat().st_size < path.stat().st_size
    assert b"CANARY-PLACE" not in copy.read_bytes()
    shown = media.decode(copy)
    assert (shown.width, shown.height) == (1365, 2048)
    red, lime, blue = shown.at(0.75, 0.25), shown.at(0.75, 0.75), shown.at(0.25, 0.25)
    assert (red[0] > 200, lime[1] > 200, blue[2] > 200) == (True, True, True)
    assert worker.inspect(path)["width"] == 2000, "as it is unless it is asked for"


@pytest.mark.parametrize(("width", "height"), [(640, 480), (2048, 600)])
def test_what_fits_already_stays_as_it_is(worker: WorkerProcess, tmp_path: Path, width: int, height: int) -> None:
    path = clouds(tmp_path / "x.jpg", width, height)
    said = small(worker, path)
    assert media.decode(Path(said["file"])) == media.decode(path)


def test_a_photograph_in_a_png_becomes_a_jpeg(worker: WorkerProcess, tmp_path: Path) -> None:
    path = clouds(tmp_path / "x.png", 900, 700)
    said = small(worker, path)
    assert (said["type"], said["width"], said["height"]) == ("image/jpeg", 900, 700)
    assert said["size_bytes"] < path.stat().st_size / 2


def test_a_drawing_and_a_picture_that_moves_stay_as_they_are(worker: WorkerProcess, tmp_path: Path) -> None:
    moving = tmp_path / "moving.webp"
    media.ffmpeg("-f", "lavfi", "-i", "testsrc=s=2100x100:r=2:d=1", "-loop", "0", "-c:v", "libwebp_anim", moving)
    apng = tmp_path / "moving.png"
    media.ffmpeg("-f", "lavfi", "-i", "testsrc=s=2100x100:r=2:d=1", "-f", "apng", apng)
    drawings = [
        media.quarters(tmp_path / "x.png", 3000, 2000), media.quarters(tmp_path / "x.gif", 3000, 100),
        media.quarters(tmp_path / "grey.png", 2600, 100, "-pix_fmt", "gray"),
        clouds(tmp_path / "palette.png", 2600, 100, "-pix_fmt", "pal8"), moving, apng,
    ]  # fmt: skip
    for path in drawings:
        said = small(worker, path)
        assert said["kind"] == "picture", path
        assert (said["type"], max(said["width"], said["height"]) > 2048) == (worker.inspect(path)["type"], True), path


def test_what_shines_through_stays_so(worker: WorkerProcess, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    graph = CLOUDS.format(w=2400, h=600).replace("geq=", "format=rgba,geq=a='X*255/W':")
    media.ffmpeg("-f", "lavfi", "-i", graph, "-frames:v", "1", path)
    said = small(worker, path)
    assert (said["type"], said["width"], said["height"]) == ("image/webp", 2048, 512)
    assert Path(said["file"]).read_bytes()[20] & 0x10, "the flag for transparency"


def test_a_large_webp_stays_a_webp(worker: WorkerProcess, tmp_path: Path) -> None:
    said = small(worker, clouds(tmp_path / "x.webp", 2500, 1000, "-quality", "95"))
    assert (said["type"], said["width"]) == ("image/webp", 2048)


def test_a_copy_that_would_be_larger_is_not_made(tmp_path: Path) -> None:
    path = clouds(tmp_path / "x.jpg", 2100, 900)
    with opened(str(path), 1 << 30) as source:
        assert fit.fit(source, sniff.JPEG, tmp_path / "out", 1000) is None
    assert not (tmp_path / "out").exists()


def test_the_colours_are_said_again_and_those_of_print_are_not(worker: WorkerProcess, tmp_path: Path) -> None:
    def profile(space: bytes) -> bytes:
        return b"ICC_PROFILE\0\x01\x01" + bytes(16) + space + b"CANARY-COLOUR" + bytes(60)

    for space, is_kept in ((b"RGB ", True), (b"CMYK", False)):
        path = media.jpeg_with(clouds(tmp_path / "x.jpg", 2600, 900), media.jpeg_segment(0xE2, profile(space)))
        data = Path(small(worker, path)["file"]).read_bytes()
        assert (b"CANARY-COLOUR" in data) is is_kept


def test_a_broken_picture_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\nshort")
    with opened(str(path), 1 << 30) as source:
        assert fit.fit(source, sniff.PNG, tmp_path, 1 << 30) is None


def test_films_that_are_worth_making_smaller_are_named(worker: WorkerProcess, tmp_path: Path) -> None:
    h264 = ("-c:v", "libx264", "-preset", "ultrafast")
    wide = "testsrc=s=1400x100:r=5"
    assert worker.inspect(media.film(tmp_path / "x.mp4", 1.0, *h264))["large"] is False
    assert worker.inspect(media.film(tmp_path / "wide.mp4", 1.0, *h264, source=wide))["large"] is True
    assert worker.inspect(media.film(tmp_path / "x.mkv", 1.0, *h264))["large"] is True
    assert worker.inspect(media.film(tmp_path / "old.mp4", 1.0, "-c:v", "mpeg4"))["large"] is True
    assert worker.inspect(media.SAMPLES / "photo.jpg")["large"] is False
    with WorkerProcess(tmp_path, {"PATH": str(tmp_path)}) as alone:
        assert alone.inspect(tmp_path / "wide.mp4")["large"] is False
