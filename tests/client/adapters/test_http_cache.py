"""The folder of downloads, as files: strange ones are no part of it, and nothing outside is touched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from client.adapters.http_cache import Cache
from client.adapters.http_media import HttpMedia
from protocol.problems import DataReadOnly

SHA = "ab" * 32


def put(folder: Path, name: str, data: bytes = b"12345") -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return str(path)


def test_whole_files_and_beginnings_are_told_apart(tmp_path: Path) -> None:
    whole, part = put(tmp_path, f"ab/{SHA}.tar.gz"), put(tmp_path, f"ab/{SHA}.part", b"1")
    found = {file.path: file for file in Cache(tmp_path).stored()}

    assert set(found) == {whole, part}
    assert (found[whole].size_bytes, found[whole].part_of) == (5, "")
    assert (found[part].size_bytes, found[part].part_of) == (1, SHA)


def test_what_others_put_there_is_left_alone(tmp_path: Path) -> None:
    strange = [put(tmp_path, name) for name in ("notes.txt", "ab/notes.txt", f"abc/{SHA}", f"cd/{SHA}", f"ab/ab/{SHA}")]
    os.symlink(strange[0], tmp_path / "ab" / f"{'cd' * 32}.txt")
    cache = Cache(tmp_path)

    assert cache.stored() == []
    assert not any(cache.remove(path) for path in strange)
    assert all(os.path.exists(path) for path in strange)


def test_nothing_outside_the_folder_goes(tmp_path: Path) -> None:
    mine = put(tmp_path, f"pictures/ab/{SHA}.png")
    cache = Cache(tmp_path / "media")

    assert not cache.remove(mine)
    assert not cache.remove(str(tmp_path / "media" / ".." / "pictures" / f"{SHA}.png"))
    assert os.path.exists(mine)


def test_one_of_two_files_of_a_folder_goes(tmp_path: Path) -> None:
    one, two = put(tmp_path, f"ab/{SHA}.png"), put(tmp_path, f"ab/{SHA}.jpg")
    cache = Cache(tmp_path)

    assert cache.remove(one)
    assert os.path.exists(two)
    assert cache.remove(two)
    assert cache.stored() == []
    assert cache.remove(two), "it is gone, whoever took it"


async def test_a_folder_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "media").write_text("a file where the folder should be")
    media = HttpMedia(lambda: "", lambda: "", tmp_path / "media")
    with pytest.raises(DataReadOnly):
        await media.stored()


def test_using_a_file_does_not_look_like_changing_it(tmp_path: Path) -> None:
    path = put(tmp_path, f"ab/{SHA}.png")
    os.utime(path, ns=(1, 2))
    Cache(tmp_path).used(path, 5_000)
    facts = os.stat(path)

    assert (facts.st_atime_ns, facts.st_mtime_ns) == (5_000_000_000, 2)
    assert Cache(tmp_path).stored()[0].used_ns == 5_000_000_000
    Cache(tmp_path).used(str(tmp_path / "ab" / "gone"), 1)
