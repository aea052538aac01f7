"""Place and device are gone, and not one pixel changes."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from client.worker import exif, sniff
from client.worker.source import opened
from client.worker.strip import strip
from tests.client.worker import media

ROOMY = 1 << 30
CANARY = b"CANARY-PLACE"


def stripped(path: Path) -> Path | None:
    with opened(str(path), ROOMY) as source:
        return strip(source, sniff.sniff(source), path.parent / "out")


def size_of(path: Path) -> sniff.Size:
    with opened(str(path), ROOMY) as source:
        return sniff.picture_size(source, sniff.sniff(source))


def telling_jpeg(path: Path, *options: str, orientation: int = 6, tail: bytes = b"") -> Path:
    media.quarters(path, 96, 64, *options)
    return media.jpeg_with(
        path,
        media.jpeg_segment(0xE1, b"Exif\0\0" + media.tiff(orientation)),
        media.jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + CANARY),
        media.jpeg_segment(0xED, b"Photoshop 3.0\0" + CANARY),
        media.jpeg_segment(0xFE, CANARY),
        tail=tail,
    )


def assert_only_talk_is_gone(path: Path, orientation: int) -> None:
    before = path.read_bytes()
    copy = stripped(path)
    assert copy is not None
    assert CANARY in before
    assert CANARY not in copy.read_bytes()
    assert path.read_bytes() == before
    assert media.decode(copy) == media.decode(path)
    assert size_of(copy).orientation == orientation
    assert stripped(copy) is None, "a clean copy has nothing more to take out"


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_jpeg_keeps_its_pixels_and_which_way_is_up(tmp_path: Path, orientation: int) -> None:
    assert_only_talk_is_gone(telling_jpeg(tmp_path / "x.jpg", orientation=orientation), orientation)


def test_what_hides_behind_the_end_of_a_jpeg_goes(tmp_path: Path) -> None:
    path = media.quarters(tmp_path / "x.jpg", 96, 64)
    hidden = path.read_bytes()
    assert_only_talk_is_gone(media.jpeg_with(path, tail=hidden + CANARY), 1)


def test_the_colours_of_a_jpeg_stay(tmp_path: Path) -> None:
    path = telling_jpeg(tmp_path / "x.jpg")
    profile = media.jpeg_segment(0xE2, b"ICC_PROFILE\0\x01\x01" + b"colours")
    media.jpeg_with(path, profile, media.jpeg_segment(0xE2, b"MPF\0" + CANARY))
    copy = stripped(path)
    assert copy is not None
    assert profile in copy.read_bytes()
    assert CANARY not in copy.read_bytes()


def test_a_jpeg_with_several_scans_and_restarts(tmp_path: Path) -> None:
    from_scans = media.SAMPLES / "photo.jpg"
    path = tmp_path / "x.jpg"
    path.write_bytes(from_scans.read_bytes())
    copy = stripped(path)
    assert copy is not None
    assert b"Sample Phone" in path.read_bytes()
    assert b"Sample Phone" not in copy.read_bytes()
    assert media.decode(copy) == media.decode(path)
    assert size_of(copy) == sniff.Size(1600, 1200, 6)


def test_a_second_scan_is_part_of_the_picture(tmp_path: Path) -> None:
    """A progressive picture goes on behind its first scan, with tables in between."""
    scan = b"\xff\xda\0\x02" + b"\x12\xff\x00\x34\xff\xd0\x56"
    data = b"\xff\xd8" + media.jpeg_segment(0xC2, b"\x08\0\x01\0\x01\x01") + scan
    data += media.jpeg_segment(0xC4, b"table\xff\xd9inside") + scan + b"\xff\xd9"
    path = tmp_path / "x.jpg"
    path.write_bytes(data + CANARY)
    copy = stripped(path)
    assert copy is not None
    assert copy.read_bytes() == data


def test_a_cut_jpeg_is_stripped_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes((media.SAMPLES / "photo.jpg").read_bytes()[:120_000])
    copy = stripped(path)
    assert copy is not None
    assert b"Sample Phone" not in copy.read_bytes()
    assert copy.read_bytes()[-100_000:] == path.read_bytes()[-100_000:]


def test_a_png_keeps_its_pixels_and_which_way_is_up(tmp_path: Path) -> None:
    path = media.quarters(tmp_path / "x.png", 96, 64)
    told = media.png_chunk(b"tEXt", b"Comment\0" + CANARY), media.png_chunk(b"eXIf", media.tiff(8))
    assert_only_talk_is_gone(media.png_with(path, *told, tail=b"behind"), 8)


@pytest.mark.parametrize("options", [(), ("-lossless", "1")])
def test_a_webp_keeps_its_pixels_and_which_way_is_up(tmp_path: Path, options: tuple[str, ...]) -> None:
    path = media.quarters(tmp_path / "x.webp", 96, 64, *options)
    assert_only_talk_is_gone(media.webp_with(path, 96, 64, media.tiff(6)), 6)
    assert_only_talk_is_gone(media.webp_with(path, 96, 64, media.tiff(1)), 1)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".gif"])
def test_a_silent_picture_is_sent_as_it_is(tmp_path: Path, suffix: str) -> None:
    path = media.quarters(tmp_path / f"x{suffix}", 64, 64, "-bitexact")
    first = stripped(path)
    assert stripped(first or path) is None


def test_a_picture_that_only_says_which_way_is_up_is_sent_as_it_is(tmp_path: Path) -> None:
    path = media.quarters(tmp_path / "x.jpg", 64, 64)
    clean = stripped(path) or path
    media.jpeg_with(clean, media.jpeg_segment(0xE1, b"Exif\0\0" + exif.only_orientation(6)))
    assert stripped(clean) is None


def test_the_place_of_a_film_becomes_free_space_and_nothing_moves(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    media.film(path, 1.0, "-metadata", "location=+35.0000+103.0000/", "-metadata", "title=holiday")
    assert b"loci" in path.read_bytes()
    copy = stripped(path)
    assert copy is not None
    assert b"loci" not in copy.read_bytes()
    assert copy.stat().st_size == path.stat().st_size
    assert media.decode(copy) == media.decode(path)
    assert stripped(copy) is None


def test_a_film_without_a_place_is_sent_as_it_is(tmp_path: Path) -> None:
    assert stripped(media.film(tmp_path / "x.mp4", 0.5)) is None


def test_what_cannot_be_understood_is_left_alone(tmp_path: Path) -> None:
    for name, path in media.hostile(tmp_path).items():
        before = path.read_bytes()
        stripped(path)
        assert path.read_bytes() == before, name
    assert not list(tmp_path.glob("out/*.txt"))


def test_a_copy_cut_short_by_a_full_disk_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = telling_jpeg(tmp_path / "x.jpg")
    monkeypatch.setattr("client.worker.strip._copy_pieces", full)
    with pytest.raises(OSError, match="No space"):
        stripped(path)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_copy_that_has_no_folder_is_told(tmp_path: Path) -> None:
    path = telling_jpeg(tmp_path / "x.jpg")
    (tmp_path / "out").touch()  # where the folder should be
    with pytest.raises(OSError):
        stripped(path)


def gif_blocks(label: int, *blocks: bytes) -> bytes:
    return bytes((0x21, label)) + b"".join(bytes((len(block),)) + block for block in blocks) + b"\0"


def test_a_gif_keeps_its_pictures_and_their_timing(tmp_path: Path) -> None:
    path = tmp_path / "x.gif"
    media.ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x48:r=5:d=1", path)
    frames = media.ffmpeg("-i", path, "-f", "framemd5", "pipe:1")
    data = path.read_bytes()
    place = data.index(b"\x21\xff\x0bNETSCAPE2.0")
    told = gif_blocks(0xFE, CANARY, CANARY) + gif_blocks(0xFF, b"XMP DataXMP", CANARY)
    path.write_bytes(data[:place] + told + data[place:-1] + gif_blocks(0xFE, CANARY) + b";PK hidden" + CANARY)
    copy = stripped(path)
    assert copy is not None
    assert copy.read_bytes() == data
    assert media.ffmpeg("-i", copy, "-f", "framemd5", "pipe:1") == frames
    assert stripped(copy) is None


def test_a_cut_gif_is_stripped_as_far_as_it_goes(tmp_path: Path) -> None:
    path = media.quarters(tmp_path / "x.gif", 64, 64)
    data = path.read_bytes()
    place = data.index(b"\x21\xff")
    path.write_bytes(data[:place] + gif_blocks(0xFE, CANARY) + data[place:-40])
    copy = stripped(path)
    assert copy is not None
    assert copy.read_bytes() == data[:-40]


@pytest.mark.parametrize("codec", ["libx264", "libvpx"])
def test_a_matroska_says_neither_who_nor_where_and_nothing_moves(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "x.mkv"
    tags = ("title=CANARY-PLACE", "LOCATION=CANARY-PLACE", "MAKE=CANARY-PLACE")
    attached = tmp_path / "notes.txt"
    attached.write_bytes(CANARY * 30)
    words = [word for tag in tags for word in ("-metadata", tag)]
    media.film(path, 1.0, "-c:v", codec, *words, "-attach", str(attached), "-metadata:s:1", "mimetype=text/plain")
    frames = media.ffmpeg("-i", path, "-map", "0:v", "-f", "framemd5", "pipe:1")
    copy = stripped(path)
    assert copy is not None
    assert CANARY in path.read_bytes()
    assert CANARY not in copy.read_bytes()
    assert copy.stat().st_size == path.stat().st_size
    assert media.ffmpeg("-i", copy, "-map", "0:v", "-f", "framemd5", "pipe:1") == frames
    assert stripped(copy) is None


def test_a_matroska_of_nobody_is_sent_as_it_is(tmp_path: Path) -> None:
    assert stripped(media.film(tmp_path / "x.mkv", 0.5, "-c:v", "libx264")) is None


def test_the_device_of_a_film_becomes_free_space_too(tmp_path: Path) -> None:
    for number, tags in enumerate(
        (("make=CANARY-PLACE", "model=CANARY-PLACE"), ("com.apple.quicktime.model=CANARY-PLACE",))
    ):
        words = [word for tag in tags for word in ("-metadata", tag)]
        path = media.film(tmp_path / f"{number}.mov", 0.5, "-movflags", "use_metadata_tags" if number else "0", *words)
        assert CANARY in path.read_bytes()
        copy = stripped(path)
        assert copy is not None
        assert CANARY not in copy.read_bytes()
        assert media.decode(copy) == media.decode(path)
