"""Files on a real disk: what a crash, a full disk and a hostile name leave behind."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocol.problems import DataReadOnly, DiskFull, MediaUnknown, Problem, StoreFailed, TransferInterrupted
from protocol.values import MediaId
from server.blobs import files
from server.blobs.files import FileBlobs, open_blobs
from server.ports import OnDisk

PICTURE = MediaId("picture".ljust(26, "a"))
BYTES = os.urandom(3_000)
HASH = hashlib.sha256(BYTES).digest()


@pytest.fixture
async def blobs(tmp_path: Path) -> AsyncIterator[FileBlobs]:
    async with open_blobs(tmp_path.as_uri(), lambda: 0) as opened:
        yield opened


def part_of(root: Path) -> Path:
    return root / "part" / PICTURE


async def append_and_settle(blobs: FileBlobs, piece: bytes) -> None:
    await blobs.append(PICTURE, 1_000, piece)
    await blobs.settle(PICTURE)


async def test_after_a_crash_the_part_is_cut_to_what_was_recorded(tmp_path: Path) -> None:
    """S8: the bytes are there, the offset is not; they come again, and the hash is right."""
    async with open_blobs(tmp_path.as_uri(), lambda: 0) as before:
        await before.begin(PICTURE, 0)
        await before.append(PICTURE, 0, BYTES[:2_000])
    with part_of(tmp_path).open("ab") as torn:
        torn.write(b"bytes behind the end")

    async with open_blobs(tmp_path.as_uri(), lambda: 0) as after:
        assert await after.begin(PICTURE, 1_000) == 1_000
        await after.append(PICTURE, 1_000, BYTES[1_000:])
        await after.finish(PICTURE, len(BYTES), HASH)
        assert (tmp_path / "whole" / PICTURE).read_bytes() == BYTES


async def test_after_a_crash_less_than_recorded_is_what_counts(tmp_path: Path) -> None:
    """S8, the other way: offset := min(recorded, size)."""
    (tmp_path / "part").mkdir()
    part_of(tmp_path).write_bytes(BYTES[:500])
    async with open_blobs(tmp_path.as_uri(), lambda: 0) as after:
        assert await after.begin(PICTURE, 1_000) == 500


async def test_after_a_crash_nothing_that_was_on_trial_is_believed(tmp_path: Path) -> None:
    async with open_blobs(tmp_path.as_uri(), lambda: 0) as before:
        await before.begin(PICTURE, 0)
        await before.append(PICTURE, 0, BYTES[:1_000])
        recorded = await before.settle(PICTURE)
        await before.hold(PICTURE, "sha1")
        await before.append(PICTURE, 1_000, b"x" * 500)
        assert await before.settle(PICTURE) == recorded == 1_000
    assert part_of(tmp_path).stat().st_size == 1_500

    async with open_blobs(tmp_path.as_uri(), lambda: 0) as after:
        assert await after.begin(PICTURE, recorded) == 1_000
        await after.append(PICTURE, 1_000, BYTES[1_000:])
        assert await after.finish(PICTURE, len(BYTES), HASH) == HASH


async def test_a_part_on_trial_is_not_at_rest(blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closed it would be forgotten."""
    monkeypatch.setattr(files, "OPEN_PARTS_MAX", 1)
    await blobs.begin(PICTURE, 0)
    await blobs.hold(PICTURE, "sha1")
    await blobs.append(PICTURE, 0, BYTES)
    await blobs.settle(PICTURE)
    await blobs.begin(MediaId("b" * 26), 0)
    await blobs.accept(PICTURE, hashlib.sha1(BYTES).digest())
    assert await blobs.settle(PICTURE) == len(BYTES)


async def test_where_the_disk_takes_no_hints_it_is_as_true(blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EINVAL, "no hints here")

    monkeypatch.setattr(os, "posix_fadvise", refuse, raising=False)
    await blobs.begin(PICTURE, 0)
    await blobs.append(PICTURE, 0, BYTES)
    assert await blobs.finish(PICTURE, len(BYTES), HASH) == HASH


async def test_only_the_owner_of_the_computer_can_read(blobs: FileBlobs, tmp_path: Path) -> None:
    """SEC-46, also when the modes had been loosened."""
    await blobs.begin(PICTURE, 0)
    assert stat.S_IMODE(part_of(tmp_path).stat().st_mode) == 0o600
    (tmp_path / "part").chmod(0o755)
    async with open_blobs(tmp_path.as_uri(), lambda: 0):
        assert stat.S_IMODE((tmp_path / "part").stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "a" * 25, "A" * 26, "a/" * 13, "." * 26, "\0" * 26])
async def test_a_name_cannot_leave_the_folder(blobs: FileBlobs, name: str) -> None:
    """SEC-27."""
    for attempt in (
        blobs.begin(MediaId(name), 0),
        blobs.open_from(MediaId(name), 0),
        blobs.remove(MediaId(name)),
    ):
        with pytest.raises(MediaUnknown):
            await attempt


@pytest.mark.parametrize(("number", "problem"), [(errno.ENOSPC, DiskFull), (errno.EIO, StoreFailed)])
@pytest.mark.parametrize("call", ["write", "fsync"])
async def test_a_refusing_disk_is_said_and_costs_only_what_was_not_recorded(
    blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch, call: str, number: int, problem: type[Exception]
) -> None:
    await blobs.begin(PICTURE, 0)
    await blobs.append(PICTURE, 0, BYTES[:1_000])
    await blobs.settle(PICTURE)

    def refuse(*_: object) -> int:
        raise OSError(number, "the disk said no")

    with monkeypatch.context() as broken:
        broken.setattr(f"os.{call}", refuse)
        with pytest.raises(problem):
            await append_and_settle(blobs, BYTES[1_000:])
    with pytest.raises(TransferInterrupted):
        await blobs.append(PICTURE, 1_000, b"x")

    assert await blobs.begin(PICTURE, 1_000) == 1_000
    await blobs.append(PICTURE, 1_000, BYTES[1_000:])
    await blobs.finish(PICTURE, len(BYTES), HASH)


async def test_few_descriptors_are_kept_and_parts_at_rest_come_back(
    blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(files, "OPEN_PARTS_MAX", 2)
    await blobs.begin(PICTURE, 0)
    await blobs.append(PICTURE, 0, BYTES[:1_000])
    await blobs.settle(PICTURE)
    for letter in "bcde":
        await blobs.begin(MediaId(letter * 26), 0)

    with pytest.raises(TransferInterrupted):
        await blobs.append(PICTURE, 1_000, BYTES[1_000:])
    assert await blobs.begin(PICTURE, 1_000) == 1_000
    await blobs.append(PICTURE, 1_000, BYTES[1_000:])
    await blobs.finish(PICTURE, len(BYTES), HASH)
    assert await blobs.open_from(PICTURE, 7) == OnDisk(tmp_path / "whole" / PICTURE, 7)


async def test_a_file_that_vanished_is_unknown(blobs: FileBlobs, tmp_path: Path) -> None:
    await blobs.begin(PICTURE, 0)
    await blobs.append(PICTURE, 0, BYTES)
    await blobs.finish(PICTURE, len(BYTES), HASH)
    (tmp_path / "whole" / PICTURE).unlink()
    with pytest.raises(MediaUnknown):
        await blobs.open_from(PICTURE, 0)


@pytest.mark.parametrize(("number", "problem"), [(errno.ENOSPC, DiskFull), (errno.EROFS, DataReadOnly)])
async def test_a_shelf_that_cannot_be_made_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, problem: type[Problem]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(problem):
        await open_blobs(tmp_path.as_uri(), lambda: 0).__aenter__()


async def test_where_a_file_has_but_one_name_it_is_copied(
    blobs: FileBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EPERM, "no second names on this disk")

    monkeypatch.setattr(os, "link", refused)
    other = MediaId("other".ljust(26, "a"))
    await blobs.begin(PICTURE, 0)
    await blobs.append(PICTURE, 0, BYTES)
    await blobs.finish(PICTURE, len(BYTES), HASH)
    await blobs.share(PICTURE, other)

    assert (tmp_path / "whole" / other).read_bytes() == BYTES
    assert list((tmp_path / "part").iterdir()) == []


async def test_a_file_that_vanishes_while_it_is_passed_on_is_said(
    blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def vanished(*_: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "gone")

    monkeypatch.setattr(os, "link", vanished)
    await blobs.begin(PICTURE, 0)
    await blobs.append(PICTURE, 0, BYTES)
    await blobs.finish(PICTURE, len(BYTES), HASH)
    with pytest.raises(StoreFailed):
        await blobs.share(PICTURE, MediaId("other".ljust(26, "a")))
