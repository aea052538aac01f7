"""How much of files is taken: of a person, of a device in a day, of the disk; how a refusal is said (SEC-24, -25)."""

from __future__ import annotations

import asyncio
import hashlib

import httpx
import pytest

from protocol.limits import DISK_KEEP_FREE_BYTES, GIB, MIB, UPLOAD_BURST, UPLOAD_EVERY_S
from protocol.values import replace
from server.core.rules import UploadRules
from server.ports import Joined
from tests.server.doors.conftest import House, begin, key, promise, put, send

DATA = hashlib.shake_128(b"room").digest(10_000)


async def ask(house: House, who: Joined, size_bytes: int, number: int = 1) -> httpx.Response:
    """Promise a file of this size."""
    headers = promise(who, b"", number) | {"Upload-Length": str(size_bytes), "Upload-Sha256": f"{number:064x}"}
    return await house.http.post("/v1/media", headers=headers)


async def with_rules(house: House, rules: UploadRules) -> None:
    house.rules = rules
    await house.restart()


async def test_a_person_fills_no_more_than_their_share(house: House, alice: Joined, bob: Joined) -> None:
    """SEC-25: promises count in full, from all of their devices; other people's share is their own."""
    await with_rules(house, UploadRules(person_max_bytes=3 * MIB))
    assert (await ask(house, alice, 2 * MIB, 1)).status_code == 201
    refused = await ask(house, alice, MIB + 1, 2)
    assert (refused.status_code, refused.json()) == (507, {"code": "person_full", "facts": {"limit_mb": 3}})
    assert (await house.writer.read(lambda db: db.execute("select count(*) from upload").fetchone())) == (1,)
    assert (await ask(house, alice, MIB, 3)).status_code == 201
    assert (await ask(house, bob, 3 * MIB)).status_code == 201
    assert (await ask(house, alice, 2 * MIB, 1)).status_code == 201


async def test_what_was_ended_leaves_room(house: House, alice: Joined) -> None:
    await with_rules(house, UploadRules(person_max_bytes=MIB))
    first = await ask(house, alice, MIB, 1)
    assert (await ask(house, alice, MIB, 2)).status_code == 507
    await house.http.delete(first.headers["Location"], headers=key(alice))
    assert (await ask(house, alice, MIB, 2)).status_code == 201


async def test_one_file_in_many_places_fills_the_share_once(house: House, alice: Joined, bob: Joined) -> None:
    """The copies are names of the same bytes; whoever has one of them carries it once."""
    await with_rules(house, UploadRules(person_max_bytes=len(DATA) + 10))
    address = await put(house, alice, DATA)
    await house.pin(address.rsplit("/")[-1], pos=3)
    for number in range(2, 6):
        assert (await house.http.post("/v1/media", headers=promise(alice, DATA, number))).status_code == 201
    assert await house.uploads.used_bytes(alice.uid) == len(DATA)
    source = {"Upload-Source": address.rsplit("/")[-1]}
    assert (await house.http.post("/v1/media", headers=promise(bob, DATA, 1, **source))).status_code == 201
    assert await house.uploads.used_bytes(bob.uid) == len(DATA)
    assert (await ask(house, alice, 11, 9)).status_code == 507
    assert (await ask(house, alice, 10, 9)).status_code == 201


async def test_two_promises_at_once_do_not_share_one_room(house: House, alice: Joined) -> None:
    await with_rules(house, UploadRules(person_max_bytes=MIB))
    answers = await asyncio.gather(*(ask(house, alice, MIB, number) for number in range(1, 5)))
    assert sorted(answer.status_code for answer in answers) == [201, 507, 507, 507]


@pytest.mark.parametrize(
    ("total", "free", "rules", "status"),
    [
        (10 * GIB, GIB + 1000, UploadRules(), 201),
        (10 * GIB, GIB + 999, UploadRules(), 507),
        (1000 * GIB, DISK_KEEP_FREE_BYTES + 1000, UploadRules(), 201),
        (1000 * GIB, DISK_KEEP_FREE_BYTES + 999, UploadRules(), 507),
        (10 * GIB, 1000, UploadRules(keep_free_bytes=0), 201),
        (10 * GIB, 5 * MIB + 999, UploadRules(keep_free_bytes=5 * MIB), 507),
    ],
)
async def test_a_part_of_the_disk_stays_free(
    house: House,
    alice: Joined,
    monkeypatch: pytest.MonkeyPatch,
    total: int,
    free: int,
    rules: UploadRules,
    status: int,
) -> None:
    """SEC-25: a tenth or 5 GiB, the smaller one."""
    await with_rules(house, rules)

    async def of_disk() -> int:
        return total

    async def left() -> int:
        return free

    monkeypatch.setattr(house.blobs, "total_bytes", of_disk)
    monkeypatch.setattr(house.blobs, "free_bytes", left)
    answer = await ask(house, alice, 1000)
    assert answer.status_code == status
    if status == 507:
        assert answer.json() == {"code": "disk_full"}
        assert await house.uploads.pending_bytes() == 0


async def test_fifty_files_at_once_and_then_one_each_1_2_seconds(house: House, alice: Joined, bob: Joined) -> None:
    """SEC-24: for each device; what was promised before is no new promise, what is here is not sent."""
    for number in range(1, int(UPLOAD_BURST) + 1):
        assert (await ask(house, alice, 5, number)).status_code == 201
    refused = await ask(house, alice, 5, 99)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate")
    assert refused.headers["Retry-After"] == "2"
    assert (await ask(house, alice, 5, 1)).status_code == 201
    assert (await ask(house, bob, 5, 1)).status_code == 201
    house.now_ms += round(UPLOAD_EVERY_S * 1000) + 1
    assert [(await ask(house, alice, 5, number)).status_code for number in (99, 100)] == [201, 429]


async def test_a_day_has_room_for_so_many_bytes_of_a_device(house: House, alice: Joined) -> None:
    """SEC-24: what came and what was promised; it fills again with time, and what was let in goes on."""
    await with_rules(house, UploadRules(day_bytes=3 * len(DATA)))
    first = await begin(house, alice, DATA, 1)
    assert (await ask(house, alice, 2 * len(DATA), 2)).status_code == 201
    refused = await ask(house, alice, 1, 3)
    assert (refused.status_code, refused.json()["code"]) == (429, "uploads_today")
    assert int(refused.headers["Retry-After"]) == pytest.approx(24 * 3600 / (3 * len(DATA)), abs=1)
    assert (await send(house, alice, first, 0, DATA)).status_code == 204
    assert (await ask(house, alice, 1, 3)).status_code == 429
    house.now_ms += 8 * 3600 * 1000
    assert [(await ask(house, alice, size, number)).status_code for number, size in ((3, len(DATA)), (4, 100))] == [
        201,
        429,
    ]
    again = await house.http.post("/v1/media", headers=promise(alice, DATA, 5))
    assert (again.status_code, again.headers["Upload-Offset"]) == (201, str(len(DATA)))


async def test_an_operator_may_take_as_much_as_comes(house: House, alice: Joined) -> None:
    await with_rules(house, UploadRules(person_max_bytes=0, day_bytes=0, per_s=0.0, burst=1.0))
    for number in range(1, 60):
        assert (await ask(house, alice, 200 * MIB, number)).status_code == 201


async def test_one_device_brings_a_bounded_number_of_files_at_the_same_moment(
    house: House, alice: Joined, bob: Joined
) -> None:
    await with_rules(house, replace(house.rules, open_max=2))
    addresses = [await begin(house, alice, DATA + bytes([number]), number) for number in (1, 2, 3)]
    lines = []
    for address in addresses[:2]:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        head = (
            f"PATCH {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {alice.token}\r\n"
            "Upload-Offset: 0\r\n"
            f"Content-Type: application/offset+octet-stream\r\nContent-Length: {len(DATA) + 1}\r\n\r\n"
        )
        writer.write(head.encode() + b"x")
        lines.append((reader, writer))
    while (answer := await send(house, alice, addresses[2], 0, b"")).status_code == 204:
        pass  # the two are on their way
    assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (429, "uploads_many", "1")
    assert (await put(house, bob, DATA)).startswith("/v1/media/")
    for _, writer in lines:
        writer.transport.abort()
    while (await send(house, alice, addresses[2], 0, DATA + bytes([3]))).status_code != 204:
        pass  # their ends are noticed
