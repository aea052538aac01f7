"""What a shelf for files promises; every implementation that can run here must keep it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocol.problems import MediaDamaged, MediaOffset, MediaUnknown, TransferInterrupted, UploadChecksum
from protocol.values import MediaId
from server.blobs import files, memory
from server.ports import Blobs, Found, Held

PICTURE = MediaId("picture".ljust(26, "a"))
OTHER = MediaId("other".ljust(26, "a"))
BYTES = bytes(range(256)) * 40
HASH = hashlib.sha256(BYTES).digest()


@pytest.fixture(params=["memory", "files"])
async def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Blobs]:
    if request.param == "memory":
        async with memory.open_blobs("memory:", lambda: 1_000) as held:
            yield held
    else:
        async with files.open_blobs((tmp_path / "media").as_uri(), lambda: 1_000) as filed:
            yield filed


def read(found: Found) -> bytes:
    return found.data if isinstance(found, Held) else found.path.read_bytes()[found.start :]


async def put_whole(blobs: Blobs, media: MediaId) -> None:
    await blobs.begin(media, 0)
    await blobs.append(media, 0, BYTES)
    assert await blobs.finish(media, len(BYTES), HASH) == HASH


async def test_pieces_become_the_whole_file(blobs: Blobs) -> None:
    assert await blobs.begin(PICTURE, 0) == 0
    assert await blobs.append(PICTURE, 0, BYTES[:100]) == 100
    assert await blobs.append(PICTURE, 100, BYTES[100:]) == len(BYTES)
    assert await blobs.settle(PICTURE) == len(BYTES)
    await blobs.finish(PICTURE, len(BYTES), HASH)

    assert read(await blobs.open_from(PICTURE, 0)) == BYTES
    assert read(await blobs.open_from(PICTURE, 1_000)) == BYTES[1_000:]


async def test_a_file_passed_on_lives_on_its_own(blobs: Blobs) -> None:
    await put_whole(blobs, PICTURE)
    await blobs.share(PICTURE, OTHER)
    await blobs.share(PICTURE, OTHER)
    assert {each.media for each in await blobs.shelved()} == {PICTURE, OTHER}

    await blobs.remove(PICTURE)
    assert read(await blobs.open_from(OTHER, 0)) == BYTES
    with pytest.raises(MediaUnknown):
        await blobs.share(PICTURE, MediaId("third".ljust(26, "a")))


@pytest.mark.parametrize("wrong", [0, 99, 101])
async def test_a_wrong_offset_is_refused_with_the_right_one(blobs: Blobs, wrong: int) -> None:
    await blobs.begin(PICTURE, 0)
    await blobs.append(PICTURE, 0, BYTES[:100])

    with pytest.raises(MediaOffset) as refused:
        await blobs.append(PICTURE, wrong, b"x")
    assert refused.value.facts == {"offset": 100}
    assert await blobs.append(PICTURE, 100, BYTES[100:]) == len(BYTES)
    await blobs.finish(PICTURE, len(BYTES), HASH)


async def test_beginning_again_goes_on_where_it_stands(blobs: Blobs) -> None:
    await blobs.begin(PICTURE, 0)
    await blobs.append(PICTURE, 0, BYTES[:100])
    assert await blobs.begin(PICTURE, 0) == 100


async def test_what_was_not_begun_takes_nothing(blobs: Blobs) -> None:
    with pytest.raises(TransferInterrupted):
        await blobs.append(PICTURE, 0, b"x")
    with pytest.raises(MediaUnknown):
        await blobs.settle(PICTURE)


@pytest.mark.parametrize(("size", "sha256"), [(len(BYTES) + 1, HASH), (len(BYTES), bytes(32))])
async def test_a_damaged_file_is_thrown_away(blobs: Blobs, size: int, sha256: bytes) -> None:
    await blobs.begin(PICTURE, 0)
    await blobs.append(PICTURE, 0, BYTES)

    with pytest.raises(MediaDamaged):
        await blobs.finish(PICTURE, size, sha256)
    with pytest.raises(MediaUnknown):
        await blobs.open_from(PICTURE, 0)
    assert await blobs.shelved() == []
    assert await blobs.begin(PICTURE, 0) == 0


async def test_finishing_what_never_began_is_damage(blobs: Blobs) -> None:
    with pytest.raises(MediaDamaged):
        await blobs.finish(PICTURE, 1, HASH)


async def test_a_finished_file_is_finished_for_ever(blobs: Blobs) -> None:
    await put_whole(blobs, PICTURE)

    await blobs.finish(PICTURE, len(BYTES), HASH)
    assert await blobs.begin(PICTURE, 5) == len(BYTES)
    assert await blobs.settle(PICTURE) == len(BYTES)
    assert read(await blobs.open_from(PICTURE, 0)) == BYTES


async def test_an_unfinished_file_cannot_be_read(blobs: Blobs) -> None:
    await blobs.begin(PICTURE, 0)
    await blobs.append(PICTURE, 0, BYTES)
    with pytest.raises(MediaUnknown):
        await blobs.open_from(PICTURE, 0)


async def test_removing_works_on_parts_on_whole_files_and_twice(blobs: Blobs) -> None:
    await put_whole(blobs, PICTURE)
    await blobs.begin(OTHER, 0)
    assert {each.media for each in await blobs.shelved()} == {PICTURE, OTHER}

    for media in (PICTURE, OTHER, PICTURE):
        await blobs.remove(media)
    assert await blobs.shelved() == []
    with pytest.raises(MediaUnknown):
        await blobs.open_from(PICTURE, 0)


async def test_free_room_is_a_number_of_bytes(blobs: Blobs) -> None:
    assert 0 < await blobs.free_bytes() <= await blobs.total_bytes()


async def test_the_hash_of_a_file_is_told_where_none_was_promised(blobs: Blobs) -> None:
    await blobs.begin(PICTURE, 0)
    await blobs.append(PICTURE, 0, BYTES)
    assert await blobs.finish(PICTURE, len(BYTES), b"") == HASH
    assert await blobs.finish(PICTURE, len(BYTES), b"") == HASH
    with pytest.raises(MediaDamaged):
        await blobs.finish(OTHER, 1, b"")


async def test_what_is_on_trial_counts_only_when_it_was_accepted(blobs: Blobs) -> None:
    await blobs.begin(PICTURE, 0)
    await blobs.append(PICTURE, 0, BYTES[:100])
    await blobs.hold(PICTURE, "sha1")
    assert await blobs.append(PICTURE, 100, BYTES[100:5_000]) == 5_000
    assert await blobs.append(PICTURE, 5_000, BYTES[5_000:]) == len(BYTES)
    assert await blobs.begin(PICTURE, 100) == await blobs.settle(PICTURE) == 100
    await blobs.accept(PICTURE, hashlib.sha1(BYTES[100:]).digest())
    assert await blobs.begin(PICTURE, 100) == await blobs.settle(PICTURE) == len(BYTES)
    assert await blobs.finish(PICTURE, len(BYTES), HASH) == HASH


@pytest.mark.parametrize("judged", [True, False])
async def test_what_is_not_accepted_is_gone_and_the_rest_is_whole(blobs: Blobs, judged: bool) -> None:
    await blobs.begin(PICTURE, 0)
    await blobs.append(PICTURE, 0, BYTES[:100])
    await blobs.hold(PICTURE, "sha256")
    await blobs.append(PICTURE, 100, b"something else")
    if judged:
        with pytest.raises(UploadChecksum):
            await blobs.accept(PICTURE, HASH)
    else:
        await blobs.drop(PICTURE)
    await blobs.drop(PICTURE)
    assert await blobs.settle(PICTURE) == 100
    await blobs.append(PICTURE, 100, BYTES[100:])
    assert await blobs.finish(PICTURE, len(BYTES), HASH) == HASH


async def test_one_trial_at_a_time_and_none_without_a_part(blobs: Blobs) -> None:
    with pytest.raises(TransferInterrupted):
        await blobs.hold(PICTURE, "sha1")
    await blobs.drop(PICTURE)
    await blobs.begin(PICTURE, 0)
    with pytest.raises(TransferInterrupted):
        await blobs.accept(PICTURE, b"")
    await blobs.hold(PICTURE, "sha1")
    with pytest.raises(TransferInterrupted):
        await blobs.hold(PICTURE, "sha1")


async def test_a_file_is_not_finished_by_what_is_on_trial(blobs: Blobs) -> None:
    await blobs.begin(PICTURE, 0)
    await blobs.hold(PICTURE, "sha1")
    await blobs.append(PICTURE, 0, BYTES)
    with pytest.raises(MediaDamaged):
        await blobs.finish(PICTURE, len(BYTES), HASH)
