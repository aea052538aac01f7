"""Whole files go from shelf to shelf, each whole or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from protocol.problems import DataReadOnly, DiskFull
from protocol.values import MediaId
from server.blobs.copies import copy_whole

ONE, TWO = MediaId("one"), MediaId("two")


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    (tmp_path / "shelf" / "whole").mkdir(parents=True)
    (tmp_path / "shelf" / "whole" / ONE).write_bytes(b"1" * 100_000)
    return tmp_path / "shelf"


def test_what_is_there_is_copied_and_what_is_not_is_told(shelf: Path, tmp_path: Path) -> None:
    assert copy_whole(shelf, tmp_path / "copy", [ONE, TWO]) == [TWO]
    assert [path.name for path in (tmp_path / "copy" / "whole").iterdir()] == [ONE]
    assert (tmp_path / "copy" / "whole" / ONE).read_bytes() == b"1" * 100_000


def test_what_was_copied_is_not_copied_again(shelf: Path, tmp_path: Path) -> None:
    copy_whole(shelf, tmp_path / "copy", [ONE])
    (shelf / "whole" / ONE).unlink()
    assert copy_whole(shelf, tmp_path / "copy", [ONE]) == []


def test_an_interrupted_copy_has_no_name(shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: Path, target: Path) -> None:
        target.write_bytes(b"1")
        raise OSError(28, "no room")

    with monkeypatch.context() as small:
        small.setattr(shutil, "copyfile", full)
        with pytest.raises(DiskFull):
            copy_whole(shelf, tmp_path / "copy", [ONE])
    assert not (tmp_path / "copy" / "whole" / ONE).exists()
    assert copy_whole(shelf, tmp_path / "copy", [ONE]) == []


def test_a_place_that_cannot_be_written_is_said_so(shelf: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").write_bytes(b"a file")
    with pytest.raises(DataReadOnly):
        copy_whole(shelf, tmp_path / "copy", [ONE])
