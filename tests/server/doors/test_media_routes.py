"""Files up and down over real sockets: interrupted, damaged, foreign, in parts."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path

import httpx
import pytest

from protocol.limits import DISK_KEEP_FREE_BYTES, FILE_MAX_BYTES, MIB
from protocol.problems import DiskFull
from server.doors import sending
from server.doors.body import PIECE_BYTES
from server.ports import Joined
from tests.server.doors.conftest import TALK, House, begin, key, offset_of, promise, put, send

DATA = hashlib.shake_128(b"a file").digest(300_000)  # the same in every process that collects these tests
HASH = hashlib.sha256(DATA).hexdigest()


async def test_a_file_comes_back_as_it_went(house: House, alice: Joined) -> None:
    address = await put(house, alice, DATA)
    answer = await house.http.get(address, headers=key(alice))
    assert answer.content == DATA


async def test_a_download_is_never_shown_never_guessed_and_never_kept(house: House, alice: Joined) -> None:
    """SEC-30."""
    answer = await house.http.get(await put(house, alice, DATA), headers=key(alice))
    assert answer.status_code == 200
    wanted = {
        "etag": f'"{HASH}"',
        "accept-ranges": "bytes",
        "content-type": "application/octet-stream",
        "content-disposition": 'attachment; filename="file"',
        "content-security-policy": "sandbox; default-src 'none'",
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
        "content-length": str(len(DATA)),
        "server": "hexagram",
    }
    assert {name: answer.headers.get(name) for name in wanted} == wanted


async def test_a_download_can_be_looked_at_without_being_sent(house: House, alice: Joined) -> None:
    answer = await house.http.head(await put(house, alice, DATA), headers=key(alice))
    assert (answer.headers["content-length"], answer.content) == (str(len(DATA)), b"")


async def test_announcing_twice_is_announcing_once(house: House, alice: Joined) -> None:
    address = await begin(house, alice, DATA, number=7)
    assert await begin(house, alice, DATA, number=7) == address
    assert await begin(house, alice, DATA, number=8) != address

    await send(house, alice, address, 0, DATA[:1000])
    again = await house.http.post("/v1/media", headers=promise(alice, DATA, 7))
    assert (again.headers["Location"], again.headers["Upload-Offset"]) == (address, "1000")


async def test_a_number_is_not_used_for_two_files(house: House, alice: Joined) -> None:
    await begin(house, alice, DATA, number=7)
    answer = await house.http.post("/v1/media", headers=promise(alice, b"another", 7))
    assert (answer.status_code, answer.json()) == (409, {"code": "media_changed"})


async def test_the_same_number_of_two_devices_is_two_files(house: House, alice: Joined, bob: Joined) -> None:
    assert await begin(house, alice, DATA) != await begin(house, bob, DATA)


@pytest.mark.parametrize("wrong", [0, 999, 1001])
async def test_a_wrong_offset_is_answered_with_the_right_one(house: House, alice: Joined, wrong: int) -> None:
    address = await begin(house, alice, DATA)
    await send(house, alice, address, 0, DATA[:1000])

    answer = await send(house, alice, address, wrong, DATA[wrong:])
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (409, "1000")
    assert answer.json() == {"code": "media_offset", "facts": {"offset": 1000}}
    assert (await send(house, alice, address, 1000, DATA[1000:])).status_code == 204


async def test_after_the_last_byte_every_offset_but_the_end_is_wrong(house: House, alice: Joined) -> None:
    address = await put(house, alice, DATA)
    answer = await send(house, alice, address, 0, DATA)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (409, str(len(DATA)))
    assert await offset_of(house, alice, address) == len(DATA)


async def test_more_than_was_promised_is_refused(house: House, alice: Joined) -> None:
    address = await begin(house, alice, DATA)
    answer = await send(house, alice, address, 0, DATA + b"!")
    assert (answer.status_code, answer.json()["code"]) == (413, "media_too_large")


async def test_a_damaged_file_is_thrown_away_and_its_number_is_free(house: House, alice: Joined) -> None:
    address = await begin(house, alice, DATA)
    answer = await send(house, alice, address, 0, b"x" + DATA[1:])
    assert (answer.status_code, answer.json()) == (460, {"code": "media_damaged"})
    assert (await house.http.get(address, headers=key(alice))).status_code == 404
    assert await house.blobs.shelved() == []
    assert await put(house, alice, DATA) != address


async def test_a_line_that_breaks_keeps_what_came(house: House, alice: Joined) -> None:
    data, sent_bytes = DATA * 6, 3 * PIECE_BYTES + 1000
    address = await begin(house, alice, data)
    _, writer = await asyncio.open_connection("127.0.0.1", house.port)
    head = (
        f"PATCH {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {alice.token}\r\n"
        "Upload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\n"
        f"Content-Length: {len(data)}\r\n\r\n"
    )
    writer.write(head.encode() + data[:sent_bytes])
    while (kept := await offset_of(house, alice, address)) == 0:
        pass  # the first piece is on its way to the disk
    writer.transport.abort()

    assert PIECE_BYTES <= kept <= await offset_of(house, alice, address) <= sent_bytes
    kept = await offset_of(house, alice, address)
    assert (await send(house, alice, address, kept, data[kept:])).status_code == 204
    assert (await house.http.get(address, headers=key(alice))).content == data


async def test_a_crash_between_the_bytes_and_the_offset(house: House, alice: Joined) -> None:
    """S8: bytes behind the recorded offset are not believed; they come again."""
    address = await begin(house, alice, DATA)
    await send(house, alice, address, 0, DATA[:1000])
    with (house.root / "media" / "part" / address.rsplit("/")[-1]).open("ab") as part:
        part.write(b"never recorded")

    await house.restart()
    assert await offset_of(house, alice, address) == 1000
    assert (await send(house, alice, address, 1000, DATA[1000:])).status_code == 204
    assert (await house.http.get(address, headers=key(alice))).content == DATA


async def test_a_crash_between_the_name_and_the_row(house: House, alice: Joined) -> None:
    """S9: the file is there, the row says unfinished; asking finishes it."""
    address = await put(house, alice, DATA)
    await house.writer.run(lambda db: db.execute("update upload set done = 0, offset = 1000"))

    await house.restart()
    assert await offset_of(house, alice, address) == len(DATA)
    assert (await house.http.get(address, headers=key(alice))).content == DATA


async def test_a_crash_before_the_hash_was_checked(house: House, alice: Joined) -> None:
    address = await begin(house, alice, DATA)
    await send(house, alice, address, 0, DATA[:-1])
    media = address.rsplit("/")[-1]
    with (house.root / "media" / "part" / media).open("ab") as part:
        part.write(DATA[-1:])
    await house.writer.run(lambda db: db.execute("update upload set offset = size"))

    await house.restart()
    assert await offset_of(house, alice, address) == len(DATA)
    assert (await house.http.get(address, headers=key(alice))).content == DATA


@pytest.mark.parametrize(
    ("asked", "sent", "said"),
    [
        ("bytes=0-0", DATA[:1], "bytes 0-0/300000"),
        ("bytes=100-199", DATA[100:200], "bytes 100-199/300000"),
        ("bytes=299000-", DATA[299_000:], "bytes 299000-299999/300000"),
        ("bytes=-5", DATA[-5:], "bytes 299995-299999/300000"),
        ("bytes=-999999", DATA, "bytes 0-299999/300000"),
        ("bytes=299999-999999", DATA[-1:], "bytes 299999-299999/300000"),
    ],
)
async def test_a_part_can_be_asked_for(house: House, alice: Joined, asked: str, sent: bytes, said: str) -> None:
    headers = {**key(alice), "Range": asked, "If-Range": f'"{HASH}"'}
    answer = await house.http.get(await put(house, alice, DATA), headers=headers)
    assert (answer.status_code, answer.headers["Content-Range"]) == (206, said)
    assert answer.content == sent


@pytest.mark.parametrize("asked", ["bytes=300000-", "bytes=5-2", "bytes=x-y", "lines=1-2", "bytes=0-1,5-6"])
async def test_a_part_that_does_not_exist(house: House, alice: Joined, asked: str) -> None:
    address = await put(house, alice, DATA)
    answer = await house.http.get(address, headers={**key(alice), "Range": asked})
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, "bytes */300000")


async def test_a_part_of_another_file_is_the_whole_file(house: House, alice: Joined) -> None:
    headers = {**key(alice), "Range": "bytes=5-9", "If-Range": '"another"'}
    answer = await house.http.get(await put(house, alice, DATA), headers=headers)
    assert (answer.status_code, answer.content) == (200, DATA)


async def test_who_sees_the_message_sees_the_file(house: House, alice: Joined, bob: Joined) -> None:
    """SEC-21, S11: what is foreign and what does not exist look the same."""
    carol, dave = await house.join("carol"), await house.join("dave")
    await house.seat(carol.uid, since=8)
    await house.seat(dave.uid, since=1, until=4)
    address = await put(house, alice, DATA)

    async def seen_by(who: Joined) -> int:
        whole = await house.http.get(address, headers=key(who))
        part = await house.http.get(address, headers={**key(who), "Range": "bytes=0-9"})
        head = await house.http.head(address, headers=key(who))
        nothing = await house.http.get(f"/v1/media/{'x' * 26}", headers=key(who))
        assert head.status_code == whole.status_code
        assert part.status_code == (206 if whole.status_code == 200 else whole.status_code)
        if whole.status_code != 200:
            assert (whole.status_code, whole.content) == (nothing.status_code, nothing.content)
        return whole.status_code

    assert [await seen_by(who) for who in (alice, bob, carol, dave)] == [200, 404, 404, 404]
    await house.pin(address.rsplit("/")[-1], pos=5)
    assert [await seen_by(who) for who in (alice, bob, carol, dave)] == [200, 200, 404, 404]
    await house.unpin(address.rsplit("/")[-1])
    assert [await seen_by(who) for who in (alice, bob, carol, dave)] == [200, 404, 404, 404]


async def test_a_file_is_passed_on_without_its_bytes(house: House, alice: Joined, bob: Joined) -> None:
    """P-75: a new row on the same bytes, for who may see them."""
    address = await put(house, alice, DATA)
    source = {"Upload-Source": address.rsplit("/")[-1]}
    hidden = await house.http.post("/v1/media", headers=promise(bob, DATA, 9, **source))
    assert (hidden.status_code, hidden.json()) == (404, {"code": "media_unknown"})

    await house.pin(address.rsplit("/")[-1], pos=5)
    answers = [await house.http.post("/v1/media", headers=promise(bob, DATA, 9, **source)) for _ in range(2)]
    assert [(answer.status_code, answer.headers["Upload-Offset"]) for answer in answers] == [(201, str(len(DATA)))] * 2
    assert answers[0].headers["Location"] == answers[1].headers["Location"] != address
    other = await house.http.post("/v1/media", headers=promise(bob, b"something else", 10, **source))
    assert other.status_code == 404

    await house.unpin(address.rsplit("/")[-1])
    assert (await house.http.get(answers[0].headers["Location"], headers=key(bob))).content == DATA


async def test_nobody_touches_a_foreign_upload(house: House, alice: Joined, bob: Joined) -> None:
    address = await begin(house, alice, DATA)
    assert (await send(house, bob, address, 0, DATA)).status_code == 404
    head = await house.http.head(address, headers={**key(bob), "Tus-Resumable": "1.0.0"})
    assert head.status_code == 404
    assert await offset_of(house, alice, address) == 0


async def test_an_unfinished_file_is_not_there_yet(house: House, alice: Joined) -> None:
    address = await begin(house, alice, DATA)
    await send(house, alice, address, 0, DATA[:-1])
    assert (await house.http.get(address, headers=key(alice))).status_code == 404


async def test_a_file_that_vanished_from_the_shelf_is_unknown(house: House, alice: Joined) -> None:
    address = await put(house, alice, DATA)
    (house.root / "media" / "whole" / address.rsplit("/")[-1]).unlink()
    answer = await house.http.get(address, headers=key(alice))
    assert (answer.status_code, answer.json()) == (404, {"code": "media_unknown"})


@pytest.mark.parametrize("name", ["x", "..%2f..%2fdata.sqlite", "a" * 26, "%00" * 26])
async def test_an_unknown_name_is_unknown(house: House, alice: Joined, name: str) -> None:
    assert (await house.http.get(f"/v1/media/{name}", headers=key(alice))).status_code == 404
    assert (await send(house, alice, f"/v1/media/{name}", 0, b"x")).status_code == 404


async def test_only_a_member_may_upload_into_a_conversation(house: House, alice: Joined) -> None:
    mallory = await house.join("mallory")
    answer = await house.http.post("/v1/media", headers=promise(mallory, DATA))
    assert (answer.status_code, answer.json()) == (403, {"code": "unknown_conversation"})


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"Upload_Length": str(FILE_MAX_BYTES + 1)}, 413, "media_too_large"),
        ({"Upload_Length": "0"}, 422, "media_empty"),
        ({"Upload_Length": "-5"}, 400, "bad_frame"),
        ({"Upload_Length": "9" * 30}, 400, "bad_frame"),
        ({"Upload_Number": "one"}, 400, "bad_frame"),
        ({"Upload_Sha256": "abc"}, 400, "bad_frame"),
        ({"Upload_Sha256": "00"}, 400, "bad_frame"),
        ({"Upload_Conversation": ""}, 400, "bad_frame"),
        ({"Tus_Resumable": "0.2.2"}, 412, "version_unknown"),
        ({"Authorization": "Bearer nobody"}, 401, "sign_in_again"),
        ({"Authorization": ""}, 401, "sign_in_again"),
    ],
)
async def test_an_announcement_that_cannot_be_kept_is_refused(
    house: House, alice: Joined, changed: dict[str, str], status: int, code: str
) -> None:
    answer = await house.http.post("/v1/media", headers=promise(alice, DATA, 1, **changed))
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_the_wrong_kind_of_bytes_is_refused(house: House, alice: Joined) -> None:
    headers = {**key(alice), "Upload-Offset": "0", "Content-Type": "text/plain"}
    answer = await house.http.patch(await begin(house, alice, DATA), headers=headers, content=b"x")
    assert answer.status_code == 415


async def test_a_full_disk_takes_no_promise_it_cannot_keep(
    house: House, alice: Joined, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SEC-25: open promises count too, and one that was refused leaves nothing behind."""

    async def little_room() -> int:
        return DISK_KEEP_FREE_BYTES + len(DATA) + 10

    async def large_disk() -> int:
        return 20 * DISK_KEEP_FREE_BYTES

    monkeypatch.setattr(house.blobs, "free_bytes", little_room)
    monkeypatch.setattr(house.blobs, "total_bytes", large_disk)
    first = await house.http.post("/v1/media", headers=promise(alice, DATA, 1))
    second = await house.http.post("/v1/media", headers=promise(alice, DATA, 2))
    assert first.status_code == 201
    assert (second.status_code, second.json()) == (507, {"code": "disk_full"})
    assert await house.uploads.pending_bytes() == len(DATA)


async def test_two_uploads_of_one_file_at_once_leave_one_true_file(house: House, alice: Joined) -> None:
    address = await begin(house, alice, DATA)
    answers = await asyncio.gather(*(send(house, alice, address, 0, DATA) for _ in range(3)))
    assert {answer.status_code for answer in answers} <= {204, 409}
    kept = await offset_of(house, alice, address)
    if kept < len(DATA):
        await send(house, alice, address, kept, DATA[kept:])
    assert (await house.http.get(address, headers=key(alice))).content == DATA


async def test_leftovers_go_after_a_day_and_named_files_stay(house: House, alice: Joined) -> None:
    """P-75, S9; the clock is turned by hand."""
    named, unnamed = await put(house, alice, DATA, 1), await put(house, alice, DATA[1:], 2)
    unfinished = await begin(house, alice, DATA[2:], 3)
    await send(house, alice, unfinished, 0, DATA[:10])
    await house.pin(named.rsplit("/")[-1], pos=3)
    orphan = house.root / "media" / "whole" / "orphan".ljust(26, "a")
    orphan.write_bytes(b"its row was lost")
    for path in (house.root / "media").rglob("*a*"):
        os.utime(path, (house.now_ms / 1000,) * 2)

    house.now_ms += 24 * 3600 * 1000
    swept = await house.housekeeping.sweep()
    assert (swept.uploads, swept.orphans) == (0, 0)

    house.now_ms += 1
    swept = await house.housekeeping.sweep()
    assert (swept.uploads, swept.orphans) == (2, 1)
    statuses = [(await house.http.get(each, headers=key(alice))).status_code for each in (named, unnamed, unfinished)]
    assert statuses == [200, 404, 404]
    assert [path.name for path in (house.root / "media" / "whole").iterdir()] == [named.rsplit("/")[-1]]
    assert list((house.root / "media" / "part").iterdir()) == []


async def test_the_conversation_of_an_upload_is_kept(house: House, alice: Joined) -> None:
    media = (await put(house, alice, DATA)).rsplit("/")[-1]
    row = await house.writer.read(
        lambda db: db.execute("select conv, did, number, done from upload where media = ?", [media]).fetchone()
    )
    assert row == (TALK, int(alice.did), 1, 1)


async def test_another_shelf_is_another_url_and_nothing_else(tmp_path: Path) -> None:
    house = House(tmp_path, "memory:")
    await house.open()
    try:
        alice = await house.join("alice")
        await house.seat(alice.uid)
        address = await put(house, alice, DATA)
        whole = await house.http.get(address, headers=key(alice))
        part = await house.http.get(address, headers={**key(alice), "Range": "bytes=5-9"})
        head = await house.http.head(address, headers=key(alice))
        assert (whole.content, part.content, head.content) == (DATA, DATA[5:10], b"")
        assert head.headers["Content-Length"] == str(len(DATA))
    finally:
        await house.close()


async def without_sendfile(*_: object) -> int:
    raise NotImplementedError


async def test_without_sendfile_the_bytes_are_the_same(
    house: House, alice: Joined, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncio.get_running_loop(), "sendfile", without_sendfile)
    address = await put(house, alice, DATA)
    assert (await house.http.get(address, headers=key(alice))).content == DATA
    part = await house.http.get(address, headers={**key(alice), "Range": "bytes=1-299998"})
    assert part.content == DATA[1:-1]


async def test_a_disk_that_refuses_in_the_middle_keeps_what_was_durable(
    house: House, alice: Joined, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = await begin(house, alice, DATA)
    await send(house, alice, address, 0, DATA[:1000])

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no room")

    with monkeypatch.context() as broken:
        broken.setattr("os.write", full)
        answer = await send(house, alice, address, 1000, DATA[1000:])
    assert (answer.status_code, answer.json()) == (507, {"code": "disk_full"})
    assert await offset_of(house, alice, address) == 1000
    assert (await send(house, alice, address, 1000, DATA[1000:])).status_code == 204


async def test_a_sweep_that_is_refused_is_put_off(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    slept: list[float] = []

    async def refused(_: int) -> list[str]:
        raise DiskFull

    async def one_round(delay_s: float) -> None:
        slept.append(delay_s)
        raise asyncio.CancelledError

    monkeypatch.setattr(house.uploads, "drop_stale", refused)
    monkeypatch.setattr("asyncio.sleep", one_round)
    with pytest.raises(asyncio.CancelledError):
        await house.housekeeping.run()
    assert slept == [3600.0]
    assert "the sweep was put off: disk_full" in caplog.text


@pytest.mark.parametrize("sendfile", [True, False])
async def test_a_file_that_became_shorter_is_cut_off_and_not_waited_for(
    house: House, alice: Joined, monkeypatch: pytest.MonkeyPatch, sendfile: bool
) -> None:
    if not sendfile:
        monkeypatch.setattr(asyncio.get_running_loop(), "sendfile", without_sendfile)
    address = await put(house, alice, DATA)
    with (house.root / "media" / "whole" / address.rsplit("/")[-1]).open("r+b") as file:
        file.truncate(1000)
    with pytest.raises(httpx.RemoteProtocolError):
        await house.http.get(address, headers=key(alice))


async def test_a_reader_that_stands_still_is_let_go(
    house: House, alice: Joined, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SEC-19: it would hold a file and a connection for ever."""
    monkeypatch.setattr(sending, "STALLED_MAX_S", 0.05)
    data = bytes(20 * MIB)
    address = await put(house, alice, data)
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port, limit=1024)
    writer.write(f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {alice.token}\r\n\r\n".encode())
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    let_go = asyncio.Event()
    monkeypatch.setattr(sending, "closing", lambda file: announcing(file, let_go))
    await let_go.wait()
    writer.transport.resume_reading()  # type: ignore[attr-defined]
    got = 0
    with suppress(ConnectionError):
        while piece := await reader.read(MIB):
            got += len(piece)
    writer.close()
    assert got < len(data)


@contextmanager
def announcing(file: BufferedReader, closed: asyncio.Event) -> Iterator[None]:
    try:
        yield
    finally:
        file.close()
        closed.set()
