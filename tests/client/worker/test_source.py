"""Opening what a person chose."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from client.worker.source import Refusal, measured, opened

ROOMY = 1 << 30


def refusal(path: Path | str, limit: int = ROOMY) -> Refusal:
    with pytest.raises(Refusal) as told, opened(str(path), limit):
        pass
    return told.value


def test_size_and_hash_are_of_what_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"ab" * 3_000_000)
    assert measured(str(path), ROOMY) == (6_000_000, hashlib.sha256(b"ab" * 3_000_000).hexdigest())


def test_a_vanished_file_is_named_without_its_folder(tmp_path: Path) -> None:
    told = refusal(tmp_path / "gone.txt")
    assert (told.code, told.facts) == ("media_vanished", {"name": "gone.txt"})


def test_a_folder_that_became_a_file_is_vanished_too(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    assert refusal(tmp_path / "file" / "inside").code == "media_vanished"


def test_a_folder_is_told_apart(tmp_path: Path) -> None:
    assert refusal(tmp_path).code == "media_is_folder"


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert refusal(tmp_path / "empty").code == "media_empty"


def test_a_too_large_file_is_refused_with_both_sizes(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as sparse:
        sparse.truncate(30_000_000)
    told = refusal(path, 20_000_000)
    assert (told.code, told.facts) == ("media_too_large", {"name": "large", "size_mb": 30, "limit_mb": 20})


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes in folders")
def test_a_pipe_without_a_writer_does_not_hold_us(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe").code == "media_unreadable"


def test_a_name_that_no_system_takes_is_unreadable() -> None:
    assert refusal("a\0b").code == "media_unreadable"


def test_decoders_get_a_name_without_signs_of_the_person(tmp_path: Path) -> None:
    path = tmp_path / "a%03d|file:x.png"
    path.write_bytes(b"inside")
    with opened(str(path), ROOMY) as source:
        path.unlink()
        assert source.name == "a%03d|file:x.png"
        if os.path.exists("/proc/self/fd"):
            assert "%" not in source.decoder_name
            assert Path(source.decoder_name).read_bytes() == b"inside"
