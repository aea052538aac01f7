"""The elements of a Matroska."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from client.worker import matroska
from client.worker.boxes import Movie
from client.worker.source import Undecodable, opened
from tests.client.worker import media

ROOMY = 1 << 30


def element(name: int, body: bytes) -> bytes:
    size = (1 << 56 | len(body)).to_bytes(8, "big")
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + size + body


def whole(number: int) -> bytes:
    return number.to_bytes(4, "big")


def said(path: Path, data: bytes) -> Movie:
    path.write_bytes(data)
    with opened(str(path), ROOMY) as source:
        return matroska.movie(source)


def test_tracks_and_length_of_a_real_film(tmp_path: Path) -> None:
    for name, options in (("x.mkv", ("-c:v", "libx264")), ("x.webm", ("-c:v", "libvpx"))):
        path = tmp_path / name
        sound = ("-f", "lavfi", "-i", "sine=d=2")
        media.ffmpeg("-f", "lavfi", "-i", "testsrc=s=320x180:d=2", *sound, *options, "-pix_fmt", "yuv420p", path)
        with opened(str(path), ROOMY) as source:
            film = matroska.movie(source)
        assert (film.sizes, film.sounds) == (((320, 180),), 1)
        assert abs(film.duration_ms - 2000) < 60


def test_the_tick_is_heeded_and_a_live_film_has_no_length(tmp_path: Path) -> None:
    ticks = element(matroska.TICK_NS, whole(2_000_000)) + element(matroska.DURATION, struct.pack(">d", 1500.0))
    assert said(tmp_path / "x", element(matroska.SEGMENT, element(matroska.INFO, ticks))).duration_ms == 3000
    track = element(matroska.TRACK, element(matroska.TRACK_TYPE, b"\1") + element(matroska.CODEC, b"V_VP8"))
    live = matroska.SEGMENT.to_bytes(4, "big") + b"\x01" + b"\xff" * 7 + element(matroska.TRACKS, track)
    cluster = matroska.CLUSTER.to_bytes(4, "big")
    for ending in (cluster + b"\x01" + b"\xff" * 7 + b"rest", element(matroska.CLUSTER, b"rest")):
        film = said(tmp_path / "x", live + ending)
        assert film == Movie(0, ((0, 0),), 0, (b"V_VP8",))


@pytest.mark.parametrize("length", [struct.pack(">f", float("nan")), struct.pack(">d", float("inf")), b"abc", b""])
def test_a_length_that_is_none_is_not_known(tmp_path: Path, length: bytes) -> None:
    info = element(matroska.INFO, element(matroska.DURATION, length))
    assert said(tmp_path / "x", element(matroska.SEGMENT, info)).duration_ms == 0


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\0", b"\x1a", element(matroska.SEGMENT, element(0xEC, b"") * 20_001),
        element(matroska.SEGMENT, element(matroska.TRACKS, element(matroska.TRACK, element(0x83, bytes(9))))),
    ],
)  # fmt: skip
def test_what_is_no_matroska_is_told(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Undecodable):
        said(tmp_path / "x", data)


@pytest.mark.parametrize("length", [2, 3, 100, 128, 129, 5000])
def test_nothing_is_exactly_as_long_as_what_it_stands_for(length: int) -> None:
    lead = matroska.void(matroska.Element(0, 10, 12, 10 + length))
    data = lead + bytes(length - len(lead))
    name, name_bytes = matroska._number(data, keeps_mark=True)
    size, size_bytes = matroska._number(data[1:], keeps_mark=False)
    assert (name, name_bytes + size_bytes + size) == (matroska.VOID, length)
