"""The boxes of a film."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from client.worker import boxes
from client.worker.source import Undecodable, opened
from tests.client.worker import media

ROOMY = 1 << 30


def box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, name) + body


def test_tracks_and_length_of_a_real_film(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    media.ffmpeg(
        "-f",
        "lavfi",
        "-i",
        "testsrc=s=320x180:d=2",
        "-f",
        "lavfi",
        "-i",
        "sine=d=2",
        "-pix_fmt",
        "yuv420p",
        path,
    )
    with opened(str(path), ROOMY) as source:
        said = boxes.movie(source)
    assert said.sizes == ((320, 180),)
    assert said.sounds == 1
    assert abs(said.duration_ms - 2000) < 60


def test_a_long_clock_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(box(b"moov", box(b"mvhd", bytes([1]) + bytes(19) + struct.pack(">IQ", 1000, 7200_000))))
    with opened(str(path), ROOMY) as source:
        assert boxes.movie(source).duration_ms == 7200_000


def test_a_long_box_and_one_that_goes_to_the_end(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(struct.pack(">I4sQ", 1, b"free", 20) + b"abcd" + struct.pack(">I4s", 0, b"mdat") + b"rest")
    with opened(str(path), ROOMY) as source:
        assert [(found.name, found.start, found.end) for found in boxes.boxes(source)] == [
            (b"free", 0, 20),
            (b"mdat", 20, 32),
        ]


def test_cut_data_is_no_lie(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(box(b"free", b"") + struct.pack(">I4s", 999, b"mdat") + b"cut")
    with opened(str(path), ROOMY) as source:
        assert [found.name for found in boxes.boxes(source)] == [b"free", b"mdat"]


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">I4s", 999, b"moov") + b"cut",
        struct.pack(">I4s", 4, b"moov") + b"short",
        box(b"free", b"") * (boxes.BOXES_MAX + 1),
        box(b"moov", box(b"mvhd", b"\0" * 5)),
        box(b"moov", box(b"mvhd", b"\0" * 32)),
    ],
)
def test_boxes_that_lie_are_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    with opened(str(path), ROOMY) as source, pytest.raises(Undecodable):
        boxes.movie(source)


def test_remarks_that_name_a_place_are_found(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with_place = box(b"udta", box(b"\xa9xyz", b"\0\x12\x15\xc7+35.0000+103.0000/"))
    path.write_bytes(box(b"moov", box(b"udta", box(b"name", b"holiday")) + with_place))
    with opened(str(path), ROOMY) as source:
        assert [(found.name, found.start) for found in boxes.telling(source)] == [(b"udta", 8 + 23)]
