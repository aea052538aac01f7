"""Sound, through the real worker."""

from __future__ import annotations

import base64
import os
import struct
import sys
from pathlib import Path
from typing import Any

import pytest

from client.worker import sniff, sounds, waveform
from client.worker.source import opened
from tests.client.worker import media
from tests.client.worker.talk import WorkerProcess

SINE = ("-f", "lavfi", "-i", "sine=440:d=1")
SILENCE = ("-f", "lavfi", "-i", "anullsrc=r=48000:cl=mono:d=1")


def bins_of(said: dict[str, Any]) -> tuple[int, ...]:
    return waveform.unpack(base64.b64decode(said["waveform"], validate=True))


def half_silent(path: Path, *options: str) -> Path:
    """A second of silence, then a second of a tone."""
    media.ffmpeg(*SILENCE, *SINE, "-filter_complex", "[0:a][1:a]concat=n=2:v=0:a=1", *options, path)
    return path


def assert_half_silent(said: dict[str, Any]) -> None:
    bins = bins_of(said)
    assert max(bins[:45]) <= 3, bins
    assert min(bins[60:95]) >= 20, bins


def test_the_sample_voice_note(worker: WorkerProcess) -> None:
    said = worker.inspect(media.SAMPLES / "voice.ogg")
    assert (said["kind"], said["type"]) == ("voice", "audio/ogg")
    assert 5000 < said["duration_ms"] < 8000
    assert len(said["waveform"]) == 84
    bins = bins_of(said)
    assert max(bins) == 31
    assert len(set(bins)) > 12, "speech goes up and down"
    assert (said["width"], said["height"], said["preview"]) == (0, 0, "")


@pytest.mark.parametrize(
    ("suffix", "options", "type_"),
    [
        (".ogg", ("-c:a", "libopus"), "audio/ogg"),
        (".ogg", ("-c:a", "libvorbis"), "audio/ogg"),
        (".m4a", (), "audio/mp4"),
        (".mp3", (), "audio/mpeg"),
        (".wav", ("-c:a", "pcm_s24le"), "audio/wav"),
        (".wav", ("-c:a", "pcm_f32le"), "audio/wav"),
        (".webm", ("-c:a", "libopus"), "audio/webm"),
        (".mp4", ("-c:a", "aac"), "audio/mp4"),
    ],
)
def test_every_format_of_the_list(
    worker: WorkerProcess, tmp_path: Path, suffix: str, options: tuple[str, ...], type_: str
) -> None:
    said = worker.inspect(half_silent(tmp_path / f"x{suffix}", *options))
    assert (said["kind"], said["type"]) == ("voice", type_)
    assert abs(said["duration_ms"] - 2000) < 120
    assert_half_silent(said)


@pytest.mark.parametrize("sample_bytes", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_wave_needs_no_other_program(tmp_path: Path, sample_bytes: int, channels: int) -> None:
    path = media.wav(tmp_path / "x.wav", 2.0, 16_000, sample_bytes, channels)
    with WorkerProcess(tmp_path, {"PATH": str(tmp_path)}) as alone:
        said = alone.inspect(path, "voice")
    assert (said["kind"], said["duration_ms"]) == ("voice", 2000)
    assert_half_silent(said)


def test_a_wave_of_ten_minutes_is_folded(worker: WorkerProcess, tmp_path: Path) -> None:
    said = worker.inspect(media.wav(tmp_path / "x.wav", 600.0, 4000))
    assert said["duration_ms"] == 600_000
    assert_half_silent(said)


def test_a_very_short_sound_is_stretched(worker: WorkerProcess, tmp_path: Path) -> None:
    said = worker.inspect(media.wav(tmp_path / "x.wav", 0.03))
    assert said["duration_ms"] == 30
    assert bins_of(said)[99] > 0


def test_without_ffmpeg_a_voice_note_is_still_one(tmp_path: Path) -> None:
    files = [half_silent(tmp_path / "x.m4a"), half_silent(tmp_path / "x.ogg", "-c:a", "libopus")]
    files += [half_silent(tmp_path / "v.ogg", "-c:a", "libvorbis")]
    with WorkerProcess(tmp_path, {"PATH": str(tmp_path)}) as alone:
        for path in files:
            said = alone.inspect(path)
            assert (said["kind"], said["waveform"]) == ("voice", "")
            assert abs(said["duration_ms"] - 2000) < 120
        assert alone.inspect(half_silent(tmp_path / "x.mp3"))["duration_ms"] == 0


def test_ten_hours_of_silence_fill_nothing_and_are_a_plain_file(tmp_path: Path) -> None:
    path = tmp_path / "x.mp3"
    options = ("-b:a", "8k", "-ar", "8000", "-write_xing", "0")
    media.ffmpeg("-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono:d=600", *options, tmp_path / "part.mp3")
    path.write_bytes((tmp_path / "part.mp3").read_bytes() * 60)
    with WorkerProcess(tmp_path) as process:
        said = process.inspect(path)
        assert (said["kind"], said["waveform"]) == ("file", "")
        assert process.memory_mb() < 150


@pytest.mark.skipif(sys.platform == "win32", reason="the slow program is a shell script")
def test_a_sound_that_takes_too_long_is_drawn_as_far_as_it_was_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow ffmpeg gives half a second and then nothing more; the container says that there are two."""
    path = half_silent(tmp_path / "x.ogg", "-c:a", "libopus")
    slow = tmp_path / "bin" / "ffmpeg"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nhead -c 8000 /dev/urandom\nexec sleep 600\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", str(slow.parent), prepend=os.pathsep)
    monkeypatch.setattr(sounds, "HEARD_WITHIN_S", 0.5)
    with opened(str(path), path.stat().st_size) as source:
        sound = sounds.listen(source, sniff.OGG)
    assert abs(sound.duration_ms - 2000) < 20
    assert min(sound.bins[:20]) > 20
    assert set(sound.bins[30:]) == {0}


def test_an_ogg_that_lies_about_its_length_is_as_long_as_it_sounds(worker: WorkerProcess, tmp_path: Path) -> None:
    """The clock of the last page says 1,000 hours; the checksum is made to fit."""
    data = bytearray(half_silent(tmp_path / "x.ogg", "-c:a", "libopus").read_bytes())
    last = data.rfind(b"OggS")
    data[last + 6 : last + 14] = struct.pack("<q", 1000 * 3600 * 48_000)
    data[last + 22 : last + 26] = bytes(4)
    data[last + 22 : last + 26] = struct.pack("<I", ogg_sum(bytes(data[last:])))
    lying = tmp_path / "lying.ogg"
    lying.write_bytes(bytes(data))
    said = worker.inspect(lying)
    assert said["kind"] in ("voice", "file")
    assert said["duration_ms"] < 10_000


def ogg_sum(page: bytes) -> int:
    register = 0
    for byte in page:
        register ^= byte << 24
        for _ in range(8):
            register = (register << 1 ^ (0x04C11DB7 if register & 0x80000000 else 0)) & 0xFFFFFFFF
    return register


def test_the_sound_of_a_film_may_be_wished_as_voice(worker: WorkerProcess) -> None:
    said = worker.inspect(media.SAMPLES / "video.mp4", "voice")
    assert (said["kind"], said["type"]) == ("voice", "audio/mp4")
    assert len(said["waveform"]) == 84
