"""Pictures as pixels: only kinds that are known, and never more memory than there is room for."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QImage, QImageReader
from pytestqt.qtbot import QtBot

from client.ui.bubbles import pictures
from client.ui.pixels import ALLOCATION_MIB, FORMATS, PIXELS_MAX, PictureReader, bounded, read_picture


def painted(path: Path, width: int = 40, height: int = 30) -> str:
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor("teal"))
    assert image.save(str(path))
    return str(path)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
def test_known_kinds_are_read(qtbot: QtBot, tmp_path: Path, name: str) -> None:
    image = read_picture(painted(tmp_path / name))
    assert image is not None
    assert image.size() == QSize(40, 30)


@pytest.mark.parametrize("name", ["a.bmp", "a.ppm"])
def test_other_kinds_are_not_whatever_their_name(qtbot: QtBot, tmp_path: Path, name: str) -> None:
    path = painted(tmp_path / name)
    renamed = Path(path).rename(tmp_path / "a.jpg")
    assert read_picture(str(renamed)) is None
    drawing = tmp_path / "drawing.svg"
    drawing.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    assert read_picture(str(drawing)) is None
    assert read_picture(str(tmp_path / "not there")) is None


def test_the_list_reads_no_other_kinds_than_the_viewer() -> None:
    assert set(pictures.FORMATS) <= set(FORMATS)
    assert QImageReader.allocationLimit() == ALLOCATION_MIB == 64


@pytest.mark.parametrize(
    ("size", "read"),
    [
        (QSize(4000, 3000), QSize(4000, 3000)),
        (QSize(8000, 6000), QSize(4000, 3000)),
        (QSize(20_000, 10_000), QSize(5000, 2500)),
        (QSize(60_000, 60_000), QSize(7500, 7500)),
        (QSize(), QSize(-1, -1)),
    ],
)
def test_what_is_too_large_is_read_smaller(size: QSize, read: QSize) -> None:
    assert bounded(size) == read


def test_a_large_photo_is_read_within_the_limit(qtbot: QtBot, tmp_path: Path) -> None:
    image = read_picture(painted(tmp_path / "large.jpg", 6000, 5000))
    assert image is not None
    assert image.width() * image.height() <= PIXELS_MAX
    assert image.width() == 3000


def test_files_are_read_beside_the_window(qtbot: QtBot, tmp_path: Path) -> None:
    reader = PictureReader()
    came: list[tuple[str, object]] = []
    reader.came.connect(lambda path, image: came.append((path, image is not None)))
    here, gone = painted(tmp_path / "a.png"), str(tmp_path / "gone.png")
    reader.read(here)
    reader.read(gone)
    assert came == []
    qtbot.waitUntil(lambda: len(came) == 2)
    assert dict(came) == {here: True, gone: False}
