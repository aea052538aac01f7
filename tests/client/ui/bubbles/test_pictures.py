"""Pictures: read once, kept by size, and never more of a hostile file than its first bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QSize
from PySide6.QtGui import QImageWriter

from client.ui.bubbles.media import box_of, type_words
from client.ui.bubbles.pictures import Pictures
from client.ui.bubbles.voice import bars
from protocol.content import Attachment
from protocol.limits import PREVIEW_MAX_BYTES
from protocol.values import MediaId
from tests.stages import people

SIZE = QSize(200, 100)


def test_a_preview_is_there_at_once_and_stays(qtbot: Any) -> None:
    pictures = Pictures()
    data = people.jpeg(people.landscape())
    first = pictures.preview(data)
    assert first is not None
    assert first.width() == 320
    assert pictures.preview(data) is first


def test_what_is_not_a_preview_is_nothing(qtbot: Any) -> None:
    pictures = Pictures()
    assert pictures.preview(b"") is None
    assert pictures.preview(b"no picture") is None
    assert pictures.preview(b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>") is None
    assert pictures.preview(people.jpeg(people.landscape(1000, 700))) is None
    assert pictures.preview(people.jpeg(people.landscape()) + bytes(PREVIEW_MAX_BYTES)) is None


@pytest.mark.parametrize("format_", [b"JPEG", b"WEBP", b"PNG", b"BMP", b"PPM"])
def test_of_a_message_only_the_two_kinds_of_preview_are_decoded(qtbot: Any, format_: bytes) -> None:
    data, buffer = QByteArray(), QBuffer()
    buffer.setBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    assert QImageWriter(buffer, QByteArray(format_)).write(people.landscape(40, 30))
    drawn = Pictures().preview(bytes(data.data()))
    assert (drawn is not None) == (format_ in (b"JPEG", b"WEBP"))


def test_a_file_comes_scaled_from_its_thread(qtbot: Any, tmp_path: Path) -> None:
    pictures, path = Pictures(), people.saved(tmp_path)
    with qtbot.waitSignal(pictures.arrived) as told:
        assert pictures.file(path, SIZE) is None
    assert told.args == [path]
    picture = pictures.file(path, SIZE)
    assert picture is not None
    assert picture.width() == 200
    assert 100 <= picture.height() < 200


def test_a_file_that_is_no_picture_is_told_as_nothing(qtbot: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(b"GIF89a")
    pictures = Pictures()
    with qtbot.waitSignal(pictures.arrived):
        pictures.file(str(path), SIZE)
    assert pictures.file(str(path), SIZE) is None


def test_a_giant_is_not_read(qtbot: Any, tmp_path: Path) -> None:
    path = tmp_path / "wide.png"
    people.landscape(8200, 4).save(str(path))
    pictures = Pictures()
    with qtbot.waitSignal(pictures.arrived):
        pictures.file(str(path), SIZE)
    assert pictures.file(str(path), SIZE) is None


def test_memory_is_bounded(qtbot: Any) -> None:
    pictures = Pictures(kept_bytes=3 * 320 * 213 * 4)
    data = [people.jpeg(people.landscape(hour=hour / 10)) for hour in range(8)]
    for one in data:
        pictures.preview(one)
    assert pictures.kept_bytes <= 3 * 320 * 213 * 4
    pictures.forget()
    assert pictures.kept_bytes == 0


def file(name: str = "a.jpg", kind: str = "image/jpeg", width: int = 0, height: int = 0) -> Attachment:
    return Attachment(MediaId("m"), name, kind, 1, "", width, height)


def test_boxes() -> None:
    wide = box_of(file(width=4000, height=2000), 400)
    assert (wide.width(), wide.height()) == (360, 180)
    assert box_of(file(width=1000, height=4000), 400).height() == 360
    assert box_of(file(width=10, height=10), 400).width() == 120
    assert box_of(file(width=2000, height=1000), 200).width() == 200
    assert box_of(file(), 200).width() == 200


def test_types() -> None:
    assert type_words(file("photo.jpeg")) == "JPEG"
    assert type_words(file("photo", "image/png")) == "PNG"
    assert type_words(file(".hidden", "application/x-tar")) == "TAR"
    assert type_words(file("x.verylongending", "text/plain")) == "PLAIN"


def test_bars_are_the_loudest_of_what_they_stand_for() -> None:
    assert bars((0, 31, 0, 0), 2) == [1.0, 0.0]
    assert len(bars((1,) * 100, 500)) == 100
