"""Saved files: under a safe name, over nothing, never to be run, and marked as come from elsewhere."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import stat
from pathlib import Path

import pytest

from client.adapters import file_marks
from client.adapters.file_marks import (
    QUARANTINE,
    ZONE,
    ZONE_STREAM,
    MarkedFiles,
    mark_of,
    mark_quarantine,
    mark_zone,
    quarantine_words,
)
from client.adapters.http_names import safe_name
from protocol.problems import DiskFull, SaveFailed

PARTS = (
    "..", "/", "\\", ":", "\0", "\n", "\u202e", "\u2066", "\u200b", "\u0301", "CON", "nul", "COM1", "lpt9", ".",
    " ", "~", "$", "*", "?", '"', "<", ">", "|", "a", "Z", "既济", "🐈", "é", ".exe", ".jpg", ".tar.gz", "x" * 90,
    "山" * 90, "\ud800", "\U000e0041", "-rf", "%00", "desktop.ini", "::$DATA", ":Zone.Identifier", "C:", "file://",
    "\u2028", "ﷺ" * 20,
)  # fmt: skip
HOSTILE, EVERY = 5000, 17


def read(path: str) -> bytes:
    return Path(path).read_bytes()


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = tmp_path / "cache"
    path.write_bytes(b"what came")
    path.chmod(0o777)
    return str(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "Downloads"
    made.mkdir()
    return made


async def test_a_copy_is_never_written_over_another_file(source: str, folder: Path) -> None:
    files = MarkedFiles(safe_name)
    names = [Path(await files.save(source, str(folder / "report.pdf"))).name for _ in range(3)]
    assert names == ["report.pdf", "report (2).pdf", "report (3).pdf"]
    (folder / "report.pdf").write_bytes(b"mine")
    await files.save(source, str(folder / "report.pdf"))
    assert (folder / "report.pdf").read_bytes() == b"mine"


async def test_a_link_is_not_followed(source: str, folder: Path) -> None:
    (folder / "a.txt").symlink_to(folder / "elsewhere.txt")
    assert Path(await MarkedFiles(safe_name).save(source, str(folder / "a.txt"))).name == "a (2).txt"
    assert not (folder / "elsewhere.txt").exists()


async def test_what_is_saved_cannot_be_run(source: str, folder: Path) -> None:
    saved = await MarkedFiles(safe_name).save(source, str(folder / "run.sh"))
    assert not os.stat(saved).st_mode & (stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    assert read(saved) == b"what came"


def test_5000_hostile_names_stay_in_the_folder(folder: Path, tmp_path: Path) -> None:
    empty = tmp_path / "nothing"
    empty.touch()
    files = MarkedFiles(safe_name, mark=lambda path: None)
    said = ["".join(parts) for parts in itertools.islice(itertools.product(PARTS, repeat=3), 0, None, EVERY)]
    assert len(said) >= HOSTILE
    names = {files.name(name) for name in said}
    assert len(names) > HOSTILE / 3
    for name in names:
        assert 0 < len(name) <= 120
        assert Path(name).name == name
        assert not name.endswith((".", " "))
        assert not name.startswith(".")
        assert Path(files._save(str(empty), folder / name)) == folder / name
    assert {path.name for path in folder.iterdir()} == names
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Downloads", "nothing"]


async def test_every_copy_is_marked_once_it_is_whole(source: str, folder: Path) -> None:
    seen: list[tuple[str, bytes]] = []
    files = MarkedFiles(safe_name, mark=lambda path: seen.append((path, Path(path).read_bytes())))
    saved = await files.save(source, str(folder / "a.pdf"))
    assert seen == [(saved, b"what came")]


def test_each_system_has_its_mark() -> None:
    assert mark_of("win32") is mark_zone
    assert mark_of("darwin") is mark_quarantine
    assert mark_of("linux")("/nowhere") is None


def test_windows_hears_that_a_file_came_from_the_internet(folder: Path) -> None:
    path = folder / "a.exe"
    path.touch()
    mark_zone(str(path))
    stream = folder / ("a.exe" + ZONE_STREAM)  # here it is a file of this name; there a stream of the other
    assert stream.read_bytes() == ZONE.encode() == b"[ZoneTransfer]\r\nZoneId=3\r\n"
    mark_zone(str(folder / "no" / "such"))  # a disk without streams: the file stays as it is


def test_macos_gets_its_attribute(folder: Path) -> None:
    path, seen = folder / "a.pkg", []
    path.touch()
    os.utime(path, (0x65F0_0000, 0x65F0_0000))
    mark_quarantine(str(path), lambda *facts: seen.append(facts))
    assert seen == [(os.fsencode(path), QUARANTINE.encode(), b"0081;65f00000;Hexagram;")]
    assert quarantine_words(1) == b"0081;00000001;Hexagram;"
    mark_quarantine(str(folder / "gone"))


async def test_why_it_cannot_be_saved(source: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SaveFailed):
        await MarkedFiles(safe_name).save(source, str(folder / "no" / "folder" / "a"))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(DiskFull):
        await MarkedFiles(safe_name).save(source, str(folder / "a.txt"))
    assert os.listdir(folder) == [], "no half of a file stays"


async def test_at_some_time_there_are_enough_copies(source: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_marks, "NAMES_MAX", 3)
    files = MarkedFiles(safe_name)
    await files.save(source, str(folder / "a"))
    await files.save(source, str(folder / "a"))
    with pytest.raises(SaveFailed):
        await files.save(source, str(folder / "a"))
