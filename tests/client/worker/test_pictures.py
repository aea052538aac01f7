"""Pictures, through the real worker."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from tests.client.worker import media
from tests.client.worker.media import Pixels
from tests.client.worker.talk import WorkerProcess

PREVIEW_BYTES_MAX = 12 * 1024
RED, GREEN, BLUE, WHITE = (254, 0, 0), (0, 255, 0), (0, 0, 254), (255, 255, 255)


def preview_of(answer: dict[str, Any], folder: Path) -> Pixels:
    data = base64.b64decode(answer["preview"])
    assert 0 < len(data) <= PREVIEW_BYTES_MAX
    lead = {"image/jpeg": b"\xff\xd8\xff", "image/webp": b"RIFF"}[answer["preview_type"]]
    assert data.startswith(lead)
    return media.decode_bytes(data, folder)


def corners(picture: Pixels) -> list[tuple[int, int, int]]:
    return [picture.at(x, y) for x, y in ((0.2, 0.2), (0.8, 0.2), (0.2, 0.8), (0.8, 0.8))]


def assert_like(seen: list[tuple[int, int, int]], wanted: list[tuple[int, int, int]]) -> None:
    for one, other in zip(seen, wanted, strict=True):
        assert all(abs(a - b) < 40 for a, b in zip(one, other, strict=True)), (seen, wanted)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".gif"])
def test_each_format_is_a_picture_with_its_size_and_preview(worker: WorkerProcess, tmp_path: Path, suffix: str) -> None:
    path = media.quarters(tmp_path / f"x{suffix}", 800, 600)
    said = worker.inspect(path)
    assert said["kind"] == "picture"
    assert (said["width"], said["height"]) == (800, 600)
    assert said["name"] == f"x{suffix}"
    shown = preview_of(said, tmp_path)
    assert (shown.width, shown.height) == (320, 240)
    assert_like(corners(shown), [RED, GREEN, BLUE, WHITE])


UPRIGHT = {
    1: [RED, GREEN, BLUE, WHITE],
    2: [GREEN, RED, WHITE, BLUE],
    3: [WHITE, BLUE, GREEN, RED],
    4: [BLUE, WHITE, RED, GREEN],
    5: [RED, BLUE, GREEN, WHITE],
    6: [BLUE, RED, WHITE, GREEN],
    7: [WHITE, GREEN, BLUE, RED],
    8: [GREEN, WHITE, RED, BLUE],
}


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_the_preview_stands_upright_and_so_does_the_size(
    worker: WorkerProcess, tmp_path: Path, orientation: int
) -> None:
    path = media.quarters(tmp_path / "x.jpg", 640, 400)
    media.jpeg_with(path, media.jpeg_segment(0xE1, b"Exif\0\0" + media.tiff(orientation)))
    said = worker.inspect(path)
    assert (said["width"], said["height"]) == ((400, 640) if orientation >= 5 else (640, 400))
    shown = preview_of(said, tmp_path)
    assert (shown.width < shown.height) is (orientation >= 5)
    assert_like(corners(shown), UPRIGHT[orientation])


def test_the_sample_photo(worker: WorkerProcess, tmp_path: Path) -> None:
    original = media.SAMPLES / "photo.jpg"
    said = worker.inspect(original, "picture")
    assert (said["kind"], said["type"]) == ("picture", "image/jpeg")
    assert (said["width"], said["height"]) == (1200, 1600)
    copy = Path(said["file"])
    assert copy.parent == worker.out_dir
    assert (said["size_bytes"], said["sha256"]) == (
        copy.stat().st_size,
        hashlib.sha256(copy.read_bytes()).hexdigest(),
    )
    assert said["stripped"] is True
    assert copy.stat().st_mode & 0o077 == 0 or os.name != "posix", "for the person alone"
    assert b"Sample Phone" not in copy.read_bytes()
    assert media.decode(copy) == media.decode(original)
    shown = preview_of(said, tmp_path)
    assert (shown.width, shown.height) == (240, 320)
    sun, water = shown.at(0.66, 0.29), shown.at(0.1, 0.95)
    assert sum(sun) > 650
    assert sum(water) < 300


def test_without_stripping_the_file_is_the_original(worker: WorkerProcess) -> None:
    original = media.SAMPLES / "photo.jpg"
    said = worker.inspect(original, strip_location=False)
    assert said["file"] == str(original)
    assert said["sha256"] == hashlib.sha256(original.read_bytes()).hexdigest()


def test_even_noise_fits_into_twelve_kilobytes(worker: WorkerProcess, tmp_path: Path) -> None:
    said = worker.inspect(media.noise(tmp_path / "x.png", 640, 640))
    shown = preview_of(said, tmp_path)
    assert shown.width == shown.height
    assert shown.width >= 128


def test_a_calm_picture_uses_what_there_is_for_quality(worker: WorkerProcess) -> None:
    said = worker.inspect(media.SAMPLES / "photo.jpg")
    assert len(base64.b64decode(said["preview"])) > PREVIEW_BYTES_MAX * 0.8


def test_a_small_picture_is_not_enlarged(worker: WorkerProcess, tmp_path: Path) -> None:
    shown = preview_of(worker.inspect(media.quarters(tmp_path / "x.png", 40, 20)), tmp_path)
    assert (shown.width, shown.height) == (40, 20)


def test_a_very_thin_picture_keeps_both_sides(worker: WorkerProcess, tmp_path: Path) -> None:
    said = worker.inspect(media.quarters(tmp_path / "x.png", 8000, 4))
    assert (said["width"], said["height"]) == (8000, 4)
    shown = preview_of(said, tmp_path)
    assert (shown.width, shown.height) == (320, 1)


@pytest.mark.parametrize("pixels", ["gray", "rgba", "ya8", "gray16be", "rgba64be", "pal8"])
def test_every_kind_of_png_has_a_preview(worker: WorkerProcess, tmp_path: Path, pixels: str) -> None:
    path = media.quarters(tmp_path / "x.png", 400, 300, "-pix_fmt", pixels)
    said = worker.inspect(path)
    assert said["kind"] == "picture"
    assert preview_of(said, tmp_path).at(0.8, 0.8)[0] > 220


def test_transparency_is_laid_on_paper(worker: WorkerProcess, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    media.ffmpeg("-f", "lavfi", "-i", "color=black@0.0:s=200x100,format=rgba", "-frames:v", "1", path)
    shown = preview_of(worker.inspect(path), tmp_path)
    assert min(shown.at(0.5, 0.5)) > 250


def test_a_jpeg_that_is_cut_shows_what_there_is(worker: WorkerProcess, tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes((media.SAMPLES / "photo.jpg").read_bytes()[:120_000])
    said = worker.inspect(path)
    assert (said["kind"], said["width"]) == ("picture", 1200)
    assert preview_of(said, tmp_path).height == 320
