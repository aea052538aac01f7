"""What a file is, by its first bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from client.worker import sniff
from client.worker.sniff import Size
from client.worker.source import Source, Undecodable, opened
from tests.client.worker import media

ROOMY = 1 << 30


@contextmanager
def source_of(path: Path, data: bytes | None = None) -> Iterator[Source]:
    if data is not None:
        path.write_bytes(data)
    with opened(str(path), ROOMY) as source:
        yield source


@pytest.mark.parametrize(
    ("head", "type_"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        (b"RIFF\0\0\0\0AVI LIST\0", "application/octet-stream"),
        (b"OggS\0\x02", "audio/ogg"),
        (b"\0\0\0\x20ftypisom", "video/mp4"),
        (b"\0\0\0\x20ftyp3gp5", "video/mp4"),
        (b"\0\0\0\x14ftypqt  ", "video/quicktime"),
        (b"\0\0\0\x20ftypM4A ", "audio/mp4"),
        (b"\0\0\0\x18ftypheic", "application/octet-stream"),
        (b"\x1aE\xdf\xa3\x9fB\x82\x84webm", "video/webm"),
        (b"\x1aE\xdf\xa3\x9fB\x82\x88matroska", "video/x-matroska"),
        (b"\x1aE\xdf\xa3\x9fB\x82\x88whatever", "application/octet-stream"),
        (b"ID3\x04\0", "audio/mpeg"),
        (b"\xff\xfb\x90\x64", "audio/mpeg"),
        (b"\xff\xff\xff\xff", "application/octet-stream"),
        (b"%PDF-1.7\n", "application/pdf"),
        (b"PK\x03\x04", "application/zip"),
        ("既济".encode(), "text/plain"),
        (b"#!/bin/sh\n", "text/plain"),
        (b"\x7fELF\x02\x01", "application/octet-stream"),
        (b"caf\xe9 in an old coding", "application/octet-stream"),
    ],
)
def test_the_type_is_in_the_first_bytes_and_not_in_the_name(tmp_path: Path, head: bytes, type_: str) -> None:
    with source_of(tmp_path / "name.png", head) as source:
        assert sniff.sniff(source).type == type_


def test_only_archives_may_be_told_apart_by_their_name(tmp_path: Path) -> None:
    with source_of(tmp_path / "x.DOCX", b"PK\x03\x04") as source:
        assert sniff.sniff(source).type.endswith("wordprocessingml.document")


def test_a_letter_cut_by_the_end_of_the_head_is_still_text(tmp_path: Path) -> None:
    with source_of(tmp_path / "long.txt", b"a" + "济".encode() * 4000) as source:
        assert sniff.sniff(source).type == "text/plain"


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".gif"])
def test_the_size_of_real_pictures_is_read(tmp_path: Path, suffix: str) -> None:
    path = media.quarters(tmp_path / f"x{suffix}", 128, 96)
    with source_of(path) as source:
        assert sniff.picture_size(source, sniff.sniff(source)) == Size(128, 96)


def test_lossless_webp_too(tmp_path: Path) -> None:
    path = media.quarters(tmp_path / "x.webp", 128, 96, "-lossless", "1")
    assert b"VP8L" in path.read_bytes()[:40]
    with source_of(path) as source:
        assert sniff.picture_size(source, sniff.WEBP) == Size(128, 96)


def test_the_orientation_is_read_in_all_three_formats(tmp_path: Path) -> None:
    jpeg = media.quarters(tmp_path / "x.jpg", 64, 32)
    media.jpeg_with(jpeg, media.jpeg_segment(0xE1, b"Exif\0\0" + media.tiff(6)))
    png = media.png_with(media.quarters(tmp_path / "x.png", 64, 32), media.png_chunk(b"eXIf", media.tiff(8)))
    webp = media.webp_with(media.quarters(tmp_path / "x.webp", 64, 32), 64, 32, media.tiff(5))
    for path, what, orientation in ((jpeg, sniff.JPEG, 6), (png, sniff.PNG, 8), (webp, sniff.WEBP, 5)):
        with source_of(path) as source:
            size = sniff.picture_size(source, what)
            assert size == Size(64, 32, orientation)
            assert size.seen() == (32, 64)


@pytest.mark.parametrize(
    ("what", "data"),
    [
        (sniff.JPEG, b"\xff\xd8\xff"),
        (sniff.JPEG, b"\xff\xd8\x12\x34\x56"),
        (sniff.JPEG, b"\xff\xd8\xff\xd9\0\0\0\0"),
        (sniff.JPEG, b"\xff\xd8\xff\xda\0\x04ab"),
        (sniff.JPEG, b"\xff\xd8" + b"\xff" * 300_000),
        (sniff.PNG, b"\x89PNG\r\n\x1a\n"),
        (sniff.PNG, b"\x89PNG\r\n\x1a\n" + b"\0\0\0\0IDAT\0\0\0\0" * 200_001),
        (sniff.WEBP, b"RIFF"),
        (sniff.WEBP, b"RIFF\x20\0\0\0WEBPVP8 \0\0\0\0"),
        (sniff.WEBP, b"RIFF\xff\xff\xff\x7fWEBP" + b"ABCD\0\0\0\0" * 200_001),
        (sniff.GIF, b"GIF89a"),
    ],
)
def test_a_header_that_is_none_ends_in_bounded_steps(tmp_path: Path, what: sniff.Format, data: bytes) -> None:
    with source_of(tmp_path / "x", data) as source, pytest.raises(Undecodable):
        sniff.picture_size(source, what)


def test_fill_bytes_and_markers_without_a_body_are_stepped_over(tmp_path: Path) -> None:
    frame = media.jpeg_segment(0xC2, struct.pack(">BHHB", 8, 5, 9, 1))
    with source_of(tmp_path / "x", b"\xff\xd8\xff\xff\x01" + frame + b"\xff\xda\0\x02") as source:
        assert sniff.picture_size(source, sniff.JPEG) == Size(9, 5)
