"""The data folder and the file that says how commands reach the server."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from protocol.problems import DataReadOnly, DiskFull, Problem, StoreFailed
from server.stores.folder import Door, find_door, offer_door, prepare_folder, withdraw_door

DOOR = Door("http://127.0.0.1:8787", "secret")


def test_the_door_is_found_where_it_was_offered(tmp_path: Path) -> None:
    path = tmp_path / "admin.json"
    assert find_door(path) is None
    offer_door(path, Door("http://127.0.0.1:1", "older"))
    offer_door(path, DOOR)
    assert find_door(path) == DOOR
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    withdraw_door(path)
    withdraw_door(path)
    assert find_door(path) is None


@pytest.mark.parametrize("text", ["", "{}", "[]", "nonsense", '{"url": 5}', "\x00"])
def test_a_damaged_door_is_no_door(tmp_path: Path, text: str) -> None:
    (tmp_path / "admin.json").write_text(text)
    assert find_door(tmp_path / "admin.json") is None


def test_modes_are_tightened_and_never_loosened(tmp_path: Path) -> None:
    """SEC-46; what a link points at is not ours to change."""
    data, outside = tmp_path / "data", tmp_path / "outside"
    prepare_folder(data)
    outside.write_text("")
    outside.chmod(0o644)
    (data / "link").symlink_to(outside)
    for name, mode in (("loose", 0o664), ("tight", 0o400)):
        (data / name).write_text("")
        (data / name).chmod(mode)
    data.chmod(0o777)

    prepare_folder(data)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (data, data / "loose", data / "tight", outside)]
    assert modes == [0o700, 0o600, 0o400, 0o644]


@pytest.mark.parametrize(
    ("number", "problem"),
    [(errno.ENOSPC, DiskFull), (errno.EROFS, DataReadOnly), (errno.EACCES, DataReadOnly), (errno.EIO, StoreFailed)],
)
def test_a_refusing_disk_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, problem: type[Problem]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(problem):
        prepare_folder(tmp_path / "new")
    monkeypatch.setattr("os.open", refuse)
    with pytest.raises(problem):
        offer_door(tmp_path / "admin.json", DOOR)


def test_a_folder_without_write_permission_is_refused_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(DataReadOnly):
        prepare_folder(tmp_path)
    assert stat.S_IMODE(os.stat(tmp_path).st_mode) == 0o755
