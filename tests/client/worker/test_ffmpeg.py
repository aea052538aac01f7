"""How the programs are called."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from client.worker import ffmpeg
from client.worker.source import Undecodable, opened
from tests.client.worker import media

ROOMY = 1 << 30


def test_the_demuxer_and_the_protocol_are_fixed(tmp_path: Path) -> None:
    with opened(str(media.SAMPLES / "voice.ogg"), ROOMY) as source:
        options = ffmpeg.read_options(source, "ogg")
    assert options[options.index("-f") + 1] == "ogg"
    assert options[options.index("-protocol_whitelist") + 1] == "file"
    assert options[-1].startswith("file:")


def test_a_probe_tells_length_streams_and_sizes() -> None:
    with opened(str(media.SAMPLES / "video.mp4"), ROOMY) as source:
        said = ffmpeg.probe(source, "mp4")
    assert said == ffmpeg.Probe(duration_ms=3600, videos=1, sounds=1, sizes=((640, 360),))


def test_a_file_of_another_format_is_not_guessed() -> None:
    with opened(str(media.SAMPLES / "video.mp4"), ROOMY) as source, pytest.raises(Undecodable):
        ffmpeg.probe(source, "wav")


def test_a_playlist_opens_nothing_else(tmp_path: Path) -> None:
    """Called with every demuxer of ours, a list of other files never gives their sound."""
    listed = tmp_path / "list"
    listed.write_text(f"ffconcat version 1.0\nfile {media.SAMPLES}/voice.ogg\n")
    after = ["-map", "0:a:0", "-f", "s16le", "pipe:1"]
    for demuxer in ("mp4", "matroska", "ogg", "wav"):
        with opened(str(listed), ROOMY) as source, ffmpeg.stream(source, demuxer, [], after, 5.0) as pcm:
            assert pcm.read() == b""


def test_a_stream_is_ended_after_its_time(tmp_path: Path) -> None:
    media.wav(tmp_path / "x.wav", 60.0)
    slowly = ["-re"]
    after = ["-f", "s16le", "pipe:1"]
    began_s = time.monotonic()
    with (
        opened(str(tmp_path / "x.wav"), ROOMY) as source,
        ffmpeg.stream(source, "wav", slowly, after, 0.3) as pcm,
    ):
        assert len(pcm.read()) < 60 * 8000 * 2
    assert time.monotonic() - began_s < 10


def test_without_the_programs_there_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "PATH", str(tmp_path))
    with opened(str(media.SAMPLES / "video.mp4"), ROOMY) as source:
        assert ffmpeg.probe(source, "mp4") is None
        assert ffmpeg.convert(source, "mp4", [], str(tmp_path / "y.mp4"), 5.0, print) is False
        assert ffmpeg.encode([b"x"], [], [], str(tmp_path / "y.ogg"), 5.0) is False
        assert ffmpeg.concat(tmp_path, ["1"], [], str(tmp_path / "y.mp4"), 5.0) is False
        with pytest.raises(Undecodable), ffmpeg.stream(source, "mp4", [], [], 5.0):
            pass
