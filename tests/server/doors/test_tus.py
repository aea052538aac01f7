"""Uploads as any tus 1.0 client does them: what it is told, what it may say, what is taken back (P-60, P-75)."""

from __future__ import annotations

import asyncio
import hashlib
from base64 import b64encode
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime

import httpx
import pytest

from protocol.limits import FILE_MAX_BYTES, UPLOAD_KEEP_S, UPLOAD_METADATA_MAX_CHARS
from protocol.problems import MediaUnknown
from protocol.values import MediaId, replace
from server.doors.body import PIECE_BYTES
from server.ports import Identity, Joined
from tests.server.doors.conftest import TALK, House, begin, key, offset_of, promise, put

DATA = hashlib.shake_128(b"a file for any client").digest(200_000)
HASH = hashlib.sha256(DATA).hexdigest()
BYTES = {"Content-Type": "application/offset+octet-stream", "Tus-Resumable": "1.0.0"}


def said(**facts: str) -> str:
    """`Upload-Metadata` as clients write it."""
    return ",".join(f"{name} {b64encode(value.encode()).decode()}" for name, value in facts.items())


def checksum(data: bytes, algorithm: str = "sha1") -> str:
    return f"{algorithm} {b64encode(hashlib.new(algorithm, data).digest()).decode()}"


async def announce(house: House, who: Joined, size_bytes: int = len(DATA), **facts: str) -> httpx.Response:
    """What a client says that knows nothing of us but the metadata we want."""
    metadata = said(**({"conversation": TALK} | facts))
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(size_bytes), "Upload-Metadata": metadata}
    return await house.http.post("/v1/media", headers=key(who) | headers)


async def bring(house: House, who: Joined, address: str, offset: int, data: bytes, **more: str) -> httpx.Response:
    headers = {name.replace("_", "-"): value for name, value in more.items()}
    return await house.http.patch(
        address, headers=key(who) | BYTES | {"Upload-Offset": str(offset)} | headers, content=data
    )


@pytest.mark.parametrize("path", ["/v1/media", "/v1/media/anything"])
async def test_it_says_what_it_understands_to_whoever_asks(house: House, path: str) -> None:
    answer = await house.http.options(path)
    wanted = {
        "tus-resumable": "1.0.0",
        "tus-version": "1.0.0",
        "tus-extension": "creation,creation-with-upload,expiration,checksum,termination",
        "tus-max-size": str(FILE_MAX_BYTES),
        "tus-checksum-algorithm": "sha1,sha256",
    }
    assert answer.status_code == 204
    assert {name: answer.headers.get(name) for name in wanted} == wanted


@pytest.mark.parametrize("method", ["POST", "HEAD", "PATCH", "DELETE"])
async def test_another_version_is_refused_with_ours_and_nothing_is_done(
    house: House, alice: Joined, method: str
) -> None:
    address = await begin(house, alice, DATA)
    headers = key(alice) | BYTES | {"Tus-Resumable": "0.2.2", "Upload-Offset": "0"}
    answer = await house.http.request(
        method, "/v1/media" if method == "POST" else address, headers=headers, content=b"x"
    )
    assert (answer.status_code, answer.headers["Tus-Version"]) == (412, "1.0.0")
    assert await offset_of(house, alice, address) == 0


async def test_every_answer_names_the_version(house: House, alice: Joined) -> None:
    address = await begin(house, alice, DATA)
    answers = [
        await house.http.post("/v1/media"),
        await house.http.get("/v1/media/unknown", headers=key(alice)),
        await house.http.put(address, headers=key(alice)),
        await house.http.get("/v1/media/a/b/c"),
        await bring(house, alice, address, 7, b"x"),
        await bring(house, alice, address, 0, b"x"),
        await house.http.get(address, headers={"Origin": "http://example.org"}),
    ]
    assert [answer.status_code for answer in answers] == [401, 404, 405, 404, 409, 204, 403]
    assert {answer.headers.get("Tus-Resumable") for answer in answers} == {"1.0.0"}


async def test_a_client_that_knows_only_tus_uploads_and_is_told_the_hash(house: House, alice: Joined) -> None:
    """The hash is not promised: the server's own becomes that of the file (P-75)."""
    made = await announce(house, alice, filename="a picture, perhaps.png")
    assert (made.status_code, made.headers["Upload-Offset"]) == (201, "0")
    address = made.headers["Location"]
    part = await bring(house, alice, address, 0, DATA[:1000])
    assert (part.status_code, part.headers["Upload-Offset"], part.headers.get("ETag")) == (204, "1000", None)
    rest = await bring(house, alice, address, 1000, DATA[1000:])
    assert (rest.status_code, rest.headers["ETag"]) == (204, f'"{HASH}"')
    got = await house.http.get(address, headers=key(alice))
    assert (got.content, got.headers["ETag"]) == (DATA, f'"{HASH}"')


async def test_a_hash_that_was_never_promised_survives_a_crash_between_name_and_row(
    house: House, alice: Joined
) -> None:
    """S9: the file is whole, the row does not know it yet."""
    address = (await announce(house, alice)).headers["Location"]
    await bring(house, alice, address, 0, DATA)
    await house.writer.run(lambda db: db.execute("update upload set done = 0, offset = 5, sha256 = x''"))
    await house.restart()
    assert await offset_of(house, alice, address) == len(DATA)
    assert (await house.http.get(address, headers=key(alice))).headers["ETag"] == f'"{HASH}"'


async def test_metadata_says_the_same_as_our_own_headers(house: House, alice: Joined) -> None:
    first, again = [await announce(house, alice, number="7", sha256=HASH) for _ in range(2)]
    assert first.headers["Location"] == again.headers["Location"] == await begin(house, alice, DATA, 7)
    short = {**key(alice), "Upload-Length": str(len(DATA)), "Upload-Metadata": said(conv=TALK, number="7")}
    assert (await house.http.post("/v1/media", headers=short)).headers["Location"] == first.headers["Location"]
    other = await announce(house, alice, number="7", sha256="00" * 32)
    assert (other.status_code, other.json()) == (409, {"code": "media_changed"})


async def test_without_a_number_each_promise_is_a_new_one(house: House, alice: Joined) -> None:
    addresses = {(await announce(house, alice)).headers["Location"] for _ in range(3)}
    assert len(addresses) == 3
    rows = await house.writer.read(lambda db: db.execute("select number from upload order by number").fetchall())
    assert rows == [(-3,), (-2,), (-1,)]


async def test_what_a_client_says_of_a_file_is_told_again_until_it_is_whole(house: House, alice: Joined) -> None:
    """And no longer: the server keeps no names of files."""
    address = (await announce(house, alice, filename="secret.txt")).headers["Location"]
    tus = {**key(alice), "Tus-Resumable": "1.0.0"}
    metadata = said(conversation=TALK, filename="secret.txt")
    assert (await house.http.head(address, headers=tus)).headers["Upload-Metadata"] == metadata
    await bring(house, alice, address, 0, DATA)
    assert "Upload-Metadata" not in (await house.http.head(address, headers=tus)).headers
    rows = await house.writer.read(lambda db: db.execute("select metadata from upload").fetchall())
    assert rows == [("",)]


@pytest.mark.parametrize(
    "metadata",
    [
        "",
        said(filename="x"),
        f"conversation {TALK}",
        said(conversation=TALK) + "," + said(conversation=TALK),
        "conversation /w==",
        said(conversation=TALK, sha256="ab"),
        said(conversation=TALK, sha256="no hexadecimal"),
        said(conversation=TALK, number="-1"),
        said(conversation=TALK, filename="x" * UPLOAD_METADATA_MAX_CHARS),
    ],
)
async def test_metadata_that_cannot_be_read_is_refused(house: House, alice: Joined, metadata: str) -> None:
    headers = {**key(alice), "Tus-Resumable": "1.0.0", "Upload-Length": "5", "Upload-Metadata": metadata}
    answer = await house.http.post("/v1/media", headers=headers)
    assert (answer.status_code, answer.json()) == (400, {"code": "bad_frame"})


async def test_keys_without_a_value_and_spaces_between_pairs_are_read(house: House, alice: Joined) -> None:
    headers = {**key(alice), "Upload-Length": "5", "Upload-Metadata": f"is_private, {said(conversation=TALK)}"}
    assert (await house.http.post("/v1/media", headers=headers)).status_code == 201


async def test_a_length_that_is_not_known_yet_is_not_understood(house: House, alice: Joined) -> None:
    headers = {**key(alice), "Upload-Defer-Length": "1", "Upload-Metadata": said(conversation=TALK)}
    assert (await house.http.post("/v1/media", headers=headers)).status_code == 400


async def test_the_first_bytes_may_come_with_the_promise(house: House, alice: Joined) -> None:
    headers = promise(alice, DATA) | BYTES
    made = await house.http.post("/v1/media", headers=headers, content=DATA[:1000])
    assert (made.status_code, made.headers["Upload-Offset"]) == (201, "1000")
    again = await house.http.post("/v1/media", headers=headers, content=DATA[:1000])
    assert (again.headers["Location"], again.headers["Upload-Offset"]) == (made.headers["Location"], "1000")
    assert (await bring(house, alice, made.headers["Location"], 1000, DATA[1000:])).status_code == 204

    whole = await house.http.post("/v1/media", headers=promise(alice, b"all", 2) | BYTES, content=b"all")
    assert (whole.status_code, whole.headers["Upload-Offset"]) == (201, "3")
    assert (await house.http.get(whole.headers["Location"], headers=key(alice))).content == b"all"


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
async def test_a_part_that_is_what_it_should_be_is_kept(house: House, alice: Joined, algorithm: str) -> None:
    address = await begin(house, alice, DATA)
    for start, stop in ((0, 70_000), (70_000, len(DATA))):
        part = DATA[start:stop]
        answer = await bring(house, alice, address, start, part, Upload_Checksum=checksum(part, algorithm))
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(stop))
    assert (await house.http.get(address, headers=key(alice))).content == DATA


async def test_of_a_part_that_is_not_what_it_should_be_nothing_is_kept(house: House, alice: Joined) -> None:
    address = await begin(house, alice, DATA)
    await bring(house, alice, address, 0, DATA[:1000])
    answer = await bring(house, alice, address, 1000, b"x" * 150_000, Upload_Checksum=checksum(DATA[1000:151_000]))
    assert (answer.status_code, answer.json()) == (460, {"code": "upload_checksum"})
    assert await offset_of(house, alice, address) == 1000
    await house.restart()
    assert await offset_of(house, alice, address) == 1000
    assert (await bring(house, alice, address, 1000, DATA[1000:])).status_code == 204
    assert (await house.http.get(address, headers=key(alice))).content == DATA


async def test_a_last_part_that_is_wrong_costs_only_itself(house: House, alice: Joined) -> None:
    """Without a checksum of its own the whole upload would be thrown away."""
    address = await begin(house, alice, DATA)
    wrong = await bring(house, alice, address, 0, b"x" * len(DATA), Upload_Checksum=checksum(DATA))
    assert wrong.status_code == 460
    assert (await bring(house, alice, address, 0, DATA, Upload_Checksum=checksum(DATA))).status_code == 204


@pytest.mark.parametrize("value", ["md5 Kq5s", "sha1", "sha1 !", "", "SHA1 Kq5sNclPz7QV2+lfQIuc6R7oRu0="])
async def test_a_checksum_that_nobody_can_check_is_refused(house: House, alice: Joined, value: str) -> None:
    address = await begin(house, alice, DATA)
    answer = await bring(house, alice, address, 0, DATA[:10], Upload_Checksum=value)
    assert answer.status_code in (400, 460)
    assert await offset_of(house, alice, address) == 0


async def test_a_checked_part_whose_line_breaks_is_not_kept(house: House, alice: Joined) -> None:
    """Nobody can say whether it was what it should be."""
    data = bytes(5 * PIECE_BYTES)
    address = await begin(house, alice, data)
    _, writer = await asyncio.open_connection("127.0.0.1", house.port)
    head = (
        f"PATCH {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {alice.token}\r\nUpload-Offset: 0\r\n"
        f"Upload-Checksum: {checksum(data)}\r\nContent-Type: application/offset+octet-stream\r\n"
        f"Content-Length: {len(data)}\r\n\r\n"
    )
    writer.write(head.encode() + data[:-1])
    await writer.drain()
    part = house.root / "media" / "part" / address.rsplit("/")[-1]
    while not part.exists() or not part.stat().st_size:
        assert await offset_of(house, alice, address) == 0
    during = await bring(house, alice, address, 0, data, Upload_Checksum=checksum(data))
    assert during.status_code in (409, 503)
    writer.transport.abort()
    while (answer := await bring(house, alice, address, 0, data)).status_code != 204:
        assert await offset_of(house, alice, address) == 0
    assert answer.headers["Upload-Offset"] == str(len(data))


async def test_an_upload_that_was_ended_is_gone_and_its_room_is_free(house: House, alice: Joined) -> None:
    address = await begin(house, alice, DATA)
    await bring(house, alice, address, 0, DATA[:1000])
    assert await house.uploads.pending_bytes() == len(DATA) - 1000
    ended = await house.http.delete(address, headers=key(alice) | {"Tus-Resumable": "1.0.0"})
    assert (ended.status_code, ended.content) == (204, b"")
    assert await house.uploads.pending_bytes() == await house.uploads.used_bytes(alice.uid) == 0
    assert await house.blobs.shelved() == []
    tus = {**key(alice), "Tus-Resumable": "1.0.0"}
    answers = [
        await house.http.head(address, headers=tus),
        await bring(house, alice, address, 1000, DATA[1000:]),
        await house.http.delete(address, headers=tus),
        await house.http.get(address, headers=key(alice)),
    ]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert await begin(house, alice, DATA) != address


async def test_an_upload_that_is_ended_while_its_bytes_come_leaves_nothing(house: House, alice: Joined) -> None:
    address = await begin(house, alice, DATA)
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    head = (
        f"PATCH {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {alice.token}\r\nUpload-Offset: 0\r\n"
        f"Content-Type: application/offset+octet-stream\r\nContent-Length: {len(DATA)}\r\n\r\n"
    )
    writer.write(head.encode() + DATA[:1000])
    part = house.root / "media" / "part" / address.rsplit("/")[-1]
    while not part.exists():
        await offset_of(house, alice, address)
    assert (await house.http.delete(address, headers=key(alice))).status_code == 204
    writer.write(DATA[1000:])
    assert b" 503 " in await reader.readline()
    writer.close()
    assert await house.blobs.shelved() == []
    assert await house.uploads.known([address.rsplit("/")[-1]]) == set()  # type: ignore[list-item]


@pytest.mark.parametrize("when", ["between two pieces", "before the last record"])
async def test_bytes_of_an_upload_whose_row_is_gone_are_not_kept(
    house: House, alice: Joined, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """As when a sweep takes it in the same moment: no file without a row, and nobody is told that it is here."""
    media = MediaId((await begin(house, alice, DATA)).rsplit("/")[-1])
    who = Identity(alice.uid, alice.did, alice.name)
    finish = house.blobs.finish

    async def gone_meanwhile(media: MediaId, size_bytes: int, sha256: bytes) -> bytes:
        await house.uploads.end(media)
        return await finish(media, size_bytes, sha256)

    async def pieces() -> AsyncIterator[bytes]:
        yield DATA[:1000]
        if when == "between two pieces":
            await house.uploads.end(media)
        yield DATA[1000:]

    monkeypatch.setattr(house.blobs, "finish", gone_meanwhile)
    with pytest.raises(MediaUnknown):
        await house.media.append(who, media, 0, pieces())
    assert await house.blobs.shelved() == []


async def test_a_whole_file_goes_as_long_as_no_message_names_it(house: House, alice: Joined) -> None:
    address = await put(house, alice, DATA)
    await house.pin(address.rsplit("/")[-1], pos=3)
    refused = await house.http.delete(address, headers=key(alice))
    assert (refused.status_code, refused.json()) == (409, {"code": "cancel_too_late"})
    assert (await house.http.get(address, headers=key(alice))).content == DATA
    await house.unpin(address.rsplit("/")[-1])
    assert (await house.http.delete(address, headers=key(alice))).status_code == 204
    assert (await house.http.get(address, headers=key(alice))).status_code == 404


async def test_it_says_until_when_an_upload_is_kept_and_keeps_its_word(house: House, alice: Joined) -> None:
    """P-75: 24 hours after the last byte."""

    def until(answer: httpx.Response) -> int:
        return round(parsedate_to_datetime(answer.headers["Upload-Expires"]).timestamp() * 1000)

    keep_ms = round(UPLOAD_KEEP_S * 1000)
    made = await announce(house, alice)
    address = made.headers["Location"]
    assert until(made) == house.now_ms + keep_ms
    house.now_ms += 5_000
    assert until(await bring(house, alice, address, 0, DATA[:1000])) == house.now_ms + keep_ms
    tus = {**key(alice), "Tus-Resumable": "1.0.0"}
    assert until(await house.http.head(address, headers=tus)) == house.now_ms + keep_ms

    house.now_ms += keep_ms
    assert (await house.http.head(address, headers=tus)).status_code == 200
    house.now_ms += keep_ms + 1
    gone = await bring(house, alice, address, 1000, DATA[1000:])
    assert (gone.status_code, gone.json()) == (410, {"code": "upload_expired"})
    assert await house.blobs.shelved() == []
    assert (await house.http.head(address, headers=tus)).status_code == 404

    whole = await bring(house, alice, (await announce(house, alice)).headers["Location"], 0, DATA)
    assert "Upload-Expires" not in whole.headers


async def test_a_promise_that_expired_is_made_anew_under_its_number(house: House, alice: Joined) -> None:
    address = await begin(house, alice, DATA)
    await bring(house, alice, address, 0, DATA[:1000])
    house.now_ms += round(UPLOAD_KEEP_S * 1000) + 1
    again = await house.http.post("/v1/media", headers=promise(alice, DATA))
    assert (again.status_code, again.headers["Upload-Offset"]) == (201, "0")
    assert again.headers["Location"] != address
    assert await house.blobs.shelved() != []


@pytest.mark.parametrize("over", ["POST", "GET"])
async def test_who_can_only_say_get_and_post_says_the_rest_in_a_header(house: House, alice: Joined, over: str) -> None:
    address = await begin(house, alice, DATA)
    tus = {**key(alice), **BYTES}
    patched = await house.http.post(
        address, headers=tus | {"X-HTTP-Method-Override": "PATCH", "Upload-Offset": "0"}, content=DATA[:1000]
    )
    assert (patched.status_code, patched.headers["Upload-Offset"]) == (204, "1000")
    asked = await house.http.request(over, address, headers=tus | {"X-HTTP-Method-Override": "HEAD"})
    assert (asked.headers["Upload-Offset"], asked.content) == ("1000", b"")
    await bring(house, alice, address, 1000, DATA[1000:])
    seen = await house.http.request(over, address, headers=key(alice) | {"X-HTTP-Method-Override": "GET"})
    assert seen.content == DATA
    ended = await house.http.request(over, address, headers=tus | {"X-HTTP-Method-Override": "DELETE"})
    assert ended.status_code == 204
    nothing = await house.http.post(address, headers=tus)
    assert nothing.status_code == 405


async def test_a_file_that_is_here_from_this_person_is_not_sent_again(house: House, alice: Joined, bob: Joined) -> None:
    """From any of their devices, into any conversation; other people's files are nobody's business (SEC-21)."""
    address = await put(house, alice, DATA)
    again = await house.http.post("/v1/media", headers=promise(alice, DATA, 2))
    assert (again.status_code, again.headers["Upload-Offset"]) == (201, str(len(DATA)))
    assert again.headers["Location"] != address
    phone = await house.accounts.join(
        "", await house.accounts.new_device_code(Identity(alice.uid, alice.did, alice.name)), "", "phone"
    )
    second = await house.http.post("/v1/media", headers=promise(phone, DATA))
    assert (second.status_code, second.headers["Upload-Offset"]) == (201, str(len(DATA)))

    assert (await house.http.delete(address, headers=key(alice))).status_code == 204
    assert (await house.http.get(again.headers["Location"], headers=key(alice))).content == DATA
    assert (await house.http.get(second.headers["Location"], headers=key(phone))).content == DATA
    assert await house.uploads.used_bytes(alice.uid) == len(DATA)

    foreign = await house.http.post("/v1/media", headers=promise(bob, DATA))
    assert (foreign.status_code, foreign.headers["Upload-Offset"]) == (201, "0")
    unsaid = await announce(house, alice)
    assert unsaid.headers["Upload-Offset"] == "0"


async def test_a_file_whose_bytes_vanished_is_sent_again(house: House, alice: Joined) -> None:
    first = await put(house, alice, DATA)
    (house.root / "media" / "whole" / first.rsplit("/")[-1]).unlink()
    again = await put(house, alice, DATA, 2)
    assert (await house.http.get(again, headers=key(alice))).content == DATA


async def test_a_file_is_passed_on_by_metadata_too(house: House, alice: Joined, bob: Joined) -> None:
    address = await put(house, alice, DATA)
    source = address.rsplit("/")[-1]
    assert (await announce(house, bob, source=source)).status_code == 404
    await house.pin(source, pos=3)
    passed = await announce(house, bob, source=source)
    assert (passed.status_code, passed.headers["Upload-Offset"]) == (201, str(len(DATA)))
    assert passed.headers["ETag"] == f'"{HASH}"'
    (house.root / "media" / "whole" / source).unlink()
    assert (await announce(house, bob, source=source)).status_code == 404
    assert (await announce(house, bob, size_bytes=5, source=source)).status_code == 404


async def test_how_large_a_file_may_be_is_for_the_operator_to_say(house: House, alice: Joined) -> None:
    house.rules = replace(house.rules, file_max_bytes=1000)
    await house.restart()
    assert (await house.http.options("/v1/media")).headers["Tus-Max-Size"] == "1000"
    answer = await announce(house, alice, size_bytes=1001)
    assert (answer.status_code, answer.json()["code"]) == (413, "media_too_large")
    assert (await announce(house, alice, size_bytes=1000)).status_code == 201
