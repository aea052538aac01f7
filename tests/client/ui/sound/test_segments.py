"""What was recorded is on the disk and can be read, whatever happened to who wrote it."""

from __future__ import annotations

import os
import stat
import wave
from array import array
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from client.ui.sound import segments
from client.ui.sound.segments import (
    BLOCK_BYTES,
    Draft,
    Span,
    Tape,
    bins_of,
    cut,
    levels_of,
    loudest,
    pictures,
    read_draft,
    sound,
    write_wav,
)
from protocol.content import unpack_bins
from protocol.values import ConvId

CONV = ConvId("c1")


def block(number: int) -> bytes:
    """100 ms whose samples all say which block it is."""
    return array("h", [number + 1] * (BLOCK_BYTES // 2)).tobytes()


def tape(tmp_path: Path, kind: segments.Kind = "voice", blocks: int = 45) -> Tape:
    made = Tape(tmp_path / "r1", CONV, kind, 1234)
    for number in range(blocks):
        made.add_sound(block(number), (number + 1) / 255)
    return made


def told(draft: Draft | None) -> Draft:
    assert draft is not None
    return draft


def test_segments_of_two_seconds_lie_there_for_this_person_alone(tmp_path: Path) -> None:
    made = tape(tmp_path)
    made.close()
    folder = tmp_path / "r1"

    sizes = {path.name: path.stat().st_size for path in folder.glob("*.pcm")}
    assert sizes == {"000001.pcm": 192_000, "000002.pcm": 192_000, "000003.pcm": 5 * BLOCK_BYTES}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_each_segment_is_durable_before_the_next_one_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    real = os.fsync

    def note(handle: int) -> None:
        synced.append(os.path.basename(os.readlink(f"/proc/self/fd/{handle}")))
        real(handle)

    monkeypatch.setattr(os, "fsync", note)
    made = tape(tmp_path, blocks=21)
    made.sync()

    assert synced.index("manifest.json") < synced.index("000001.pcm") < len(synced) - 1
    made.close()


def test_what_was_recorded_is_read_back_sample_by_sample(tmp_path: Path) -> None:
    made = tape(tmp_path)
    made.close()
    draft = told(read_draft(tmp_path / "r1"))

    assert (draft.conv, draft.kind, draft.began_ms, draft.duration_ms) == (CONV, "voice", 1234, 4500)
    assert b"".join(sound(draft.folder, draft.span)) == b"".join(block(number) for number in range(45))
    assert list(draft.levels) == list(range(1, 46))
    assert draft == made.draft()


def test_a_process_that_was_killed_leaves_everything_that_was_added(tmp_path: Path) -> None:
    """No buffer of ours stands between the block and the file."""
    made = tape(tmp_path, blocks=25)
    made.sync()

    assert told(read_draft(tmp_path / "r1")).duration_ms == 2500
    made.close()


def test_a_torn_end_costs_only_itself(tmp_path: Path) -> None:
    made = tape(tmp_path, "video", blocks=25)
    made.add_picture(0, lambda: b"first")
    made.add_picture(40, lambda: b"second")
    made.close()
    folder = tmp_path / "r1"
    with (folder / "000002.pcm").open("ab") as file:
        file.write(b"\1")
    (folder / "levels").write_bytes((folder / "levels").read_bytes()[:10])
    torn = next(folder.glob("*.pics"))
    torn.write_bytes(torn.read_bytes()[:-1])

    draft = told(read_draft(folder))
    assert draft.duration_ms == 2500
    assert len(draft.levels) == 25, "levels that were not written come from the samples"
    assert list(pictures(folder, draft.span)) == [(0, b"first")]


@pytest.mark.parametrize(
    "manifest", [b"", b"[]", b'{"kind":"film","conv":"c","began_ms":1}', b"{", b'{"kind":"voice"}']
)
def test_a_folder_that_is_no_recording_is_left_alone(tmp_path: Path, manifest: bytes) -> None:
    tape(tmp_path).close()
    (tmp_path / "r1" / "manifest.json").write_bytes(manifest)

    assert read_draft(tmp_path / "r1") is None
    assert read_draft(tmp_path / "nowhere") is None


def test_nothing_said_is_no_draft(tmp_path: Path) -> None:
    tape(tmp_path, blocks=0).close()

    assert read_draft(tmp_path / "r1") is None


def test_a_part_is_cut_out_on_the_sample(tmp_path: Path) -> None:
    tape(tmp_path).close()
    draft = told(read_draft(tmp_path / "r1"))
    span = Span(1900, 2200)

    folder = cut(draft, span)
    assert b"".join(path.read_bytes() for path in sorted(folder.glob("*.pcm"))) == block(19) + block(20) + block(21)
    assert list(levels_of(draft, span)) == [20, 21, 22]
    assert cut(draft, draft.span) == draft.folder, "all of it needs no copy"
    assert told(read_draft(draft.folder)) == draft, "the recording itself is untouched"


def test_a_wav_to_listen_to(tmp_path: Path) -> None:
    tape(tmp_path).close()
    write_wav(tmp_path / "r1", Span(100, 300), tmp_path / "listen.wav")

    with wave.open(str(tmp_path / "listen.wav")) as heard:
        assert (heard.getnchannels(), heard.getframerate(), heard.getnframes()) == (1, 48_000, 9600)


def test_a_full_disk_ends_it_with_a_code_and_keeps_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tape(tmp_path, blocks=30)
    made.sync()

    def refuse(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(segments, "_open", refuse)
    for number in range(30, 50):
        made.add_sound(block(number), 0.1)
    made.close()

    assert made.trouble == "disk_full"
    assert told(read_draft(tmp_path / "r1")).duration_ms == 4000


def test_another_refusal_has_another_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tape(tmp_path, blocks=0)

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(segments, "_open", refuse)
    made.add_sound(block(0), 0.1)
    made.close()

    assert made.trouble == "store_failed"


def test_a_hundred_bins_with_the_loudest_moment_at_the_top() -> None:
    bins = unpack_bins(bins_of([0] * 500 + [200] * 10 + [50] * 490))

    assert len(bins) == 100
    assert bins[50] == 31
    assert bins[10] == 0
    assert bins[80] == round(31 * 0.5)
    assert set(unpack_bins(bins_of([]))) == {0}
    assert set(unpack_bins(bins_of([7, 7, 7]))) == {31}


def test_the_loudest_sample_counts_whatever_its_sign() -> None:
    assert loudest(array("h", [0, 100, -16384]).tobytes()) == 0.5
    assert loudest(b"") == 0.0


class Slow:
    """A file that takes a few bytes at a time, as a disk does that is nearly full."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: bytes) -> int:
        return self._file.write(data[:1001])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def test_a_disk_that_takes_a_few_bytes_at_a_time_gets_them_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = segments._open
    monkeypatch.setattr(
        segments, "_open", lambda path: Slow(real(path)) if path.suffix in (".pcm", ".pics") else real(path)
    )
    made = tape(tmp_path, "video", blocks=25)
    made.add_picture(0, lambda: b"p" * 5000)
    made.close()

    draft = told(read_draft(tmp_path / "r1"))
    assert b"".join(sound(draft.folder, draft.span)) == b"".join(block(number) for number in range(25))
    assert list(pictures(draft.folder, draft.span)) == [(0, b"p" * 5000)]


def test_after_the_first_refusal_nothing_more_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came behind a hole would be heard at the wrong moment."""
    made = tape(tmp_path, blocks=20)
    made.sync()
    real = segments._open

    def refuse(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(segments, "_open", refuse)
    made.add_sound(block(20), 0.1)
    made.sync()
    monkeypatch.setattr(segments, "_open", real)
    made.add_sound(block(21), 0.1)
    made.add_picture(0, lambda: b"late")
    made.close()

    assert told(read_draft(tmp_path / "r1")).duration_ms == 2000
