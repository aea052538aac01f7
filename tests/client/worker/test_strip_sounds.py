"""Sounds say nothing of who made them, and not one sample changes."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from client.worker import sniff, strip_sounds
from client.worker.source import opened
from client.worker.strip import strip
from tests.client.worker import media

ROOMY = 1 << 30
CANARY = b"CANARY-PLACE"
TAGS = ("title=CANARY-PLACE", "artist=CANARY-PLACE", "comment=CANARY-PLACE", "location=CANARY-PLACE")


def stripped(path: Path) -> Path | None:
    with opened(str(path), ROOMY) as source:
        return strip(source, sniff.sniff(source), path.parent / "out")


def told(path: Path, *options: str) -> Path:
    words = [word for tag in TAGS for word in ("-metadata", tag)]
    media.ffmpeg("-f", "lavfi", "-i", "sine=d=1", *words, *options, path)
    return path


def samples(path: Path) -> bytes:
    return media.ffmpeg("-i", path, "-f", "s16le", "pipe:1")


def assert_only_talk_is_gone(path: Path) -> Path:
    before = path.read_bytes()
    copy = stripped(path)
    assert copy is not None
    assert CANARY in before
    assert CANARY not in copy.read_bytes()
    assert path.read_bytes() == before
    assert samples(copy) == samples(path)
    assert stripped(copy) is None, "a clean copy has nothing more to take out"
    return copy


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        (".ogg", ("-c:a", "libopus")), (".ogg", ("-c:a", "libvorbis")), (".mp3", ()),
        (".mp3", ("-write_id3v1", "1", "-id3v2_version", "4")), (".m4a", ()), (".wav", ()),
        (".wav", ("-write_bext", "1")),
        (".webm", ("-c:a", "libopus")),
    ],
)  # fmt: skip
def test_each_format_keeps_its_samples(tmp_path: Path, suffix: str, options: tuple[str, ...]) -> None:
    assert_only_talk_is_gone(told(tmp_path / f"x{suffix}", *options))


@pytest.mark.parametrize("options", [(".ogg", "-c:a", "libopus"), (".m4a",), (".webm", "-c:a", "libopus")])
def test_what_nobody_signed_is_sent_as_it_is(tmp_path: Path, options: tuple[str, ...]) -> None:
    path = tmp_path / f"x{options[0]}"
    media.ffmpeg("-f", "lavfi", "-i", "sine=d=1", *options[1:], path)
    assert stripped(path) is None


def test_the_samples_of_the_voice_note_of_the_samples_stay() -> None:
    with opened(str(media.SAMPLES / "voice.ogg"), ROOMY) as source:
        assert strip_sounds.ogg_pieces(source) is None


def test_a_cover_that_goes_over_several_pages_is_gone(tmp_path: Path) -> None:
    cover = ("-metadata", "METADATA_BLOCK_PICTURE=" + "CANARY-PLACE" * 9000)
    copy = assert_only_talk_is_gone(told(tmp_path / "x.ogg", "-c:a", "libopus", *cover))
    assert copy.stat().st_size > 100_000


def test_an_ape_tag_goes(tmp_path: Path) -> None:
    path = told(tmp_path / "x.mp3")
    body = CANARY * 3
    foot = strip_sounds.APE_SIGN + struct.pack("<IIII", 2000, len(body) + 32, 1, 0) + bytes(8)
    path.write_bytes(path.read_bytes() + body + foot)
    assert_only_talk_is_gone(path)


@pytest.mark.parametrize(
    "data",
    [
        b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + bytes(50), b"ID3\x04\0\0\0\0\0\x0a" + bytes(10),
        b"OggS" + bytes(22) + b"\xff" + bytes(40), b"OggS" + bytes(22) + b"\1\x0c" + b"OpusTags\xff\xff\xff\xff",
        b"OggS" + bytes(22) + b"\1\x14" + b"OpusTags\0\0\0\0\1\0\0\0\xff\xff\xff\xff",
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_left_alone(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    assert stripped(path) is None


def test_a_wave_that_says_more_than_it_has_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(
        media.wav_head(8000, 16_000) + b"LIST" + struct.pack("<I", 12) + CANARY + b"data\xff\xff\xff\xff" + b"ab" * 90
    )
    copy = stripped(path)
    assert copy is not None
    assert CANARY not in copy.read_bytes()
    assert copy.read_bytes().endswith(b"ab" * 90)
