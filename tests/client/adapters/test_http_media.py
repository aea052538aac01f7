"""Files go up and down in attempts; each goes on where the one before it was torn, and ends with a true hash."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO

import pytest
from aiohttp import web

from client.adapters import http_files, http_media, http_upload
from client.adapters.http_media import HttpMedia
from client.core.effects import DownloadFile, ForgetUpload, KeepSent, UploadFile
from client.core.model import Inspected
from protocol.limits import FILE_MAX_BYTES, MIB, UPLOAD_PART_BYTES
from protocol.problems import (
    DiskFull,
    MediaChanged,
    MediaDamaged,
    MediaEmpty,
    MediaIsFolder,
    MediaTooLarge,
    MediaUnknown,
    MediaVanished,
    Problem,
    ServerFull,
    ServerUnreachable,
    SignInAgain,
    TransferInterrupted,
    UnknownConversation,
    UploadsMany,
)
from protocol.values import ConvId, Lid, MediaId, replace
from tests.client.adapters.web_server import MediaServer, refusal, serving

DATA = bytes(range(256)) * 40_000  # 10 MB: three parts
MEDIA = MediaId(MediaServer.MEDIA)
METADATA = (
    "conversation Y2hhdA==,number NDcxMQ==,"
    f"sha256 {base64.b64encode(hashlib.sha256(DATA).hexdigest().encode()).decode()}"
)


class Told:
    """Keeps the progress that was told."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int]] = []

    def __call__(self, done: int, total: int) -> None:
        self.steps.append((done, total))


@asynccontextmanager
async def media_at(url: str, cache: Path) -> AsyncIterator[HttpMedia]:
    media = HttpMedia(lambda: url, lambda: "secret", cache)
    try:
        yield media
    finally:
        await media.close()


def file_with(tmp_path: Path, data: bytes = DATA) -> Path:
    path = tmp_path / "cat.jpg"
    path.write_bytes(data)
    return path


def up(path: Path, data: bytes = DATA, media: str = "", size: int | None = None) -> UploadFile:
    size_bytes = len(data) if size is None else size
    found = Inspected("file", "", path.name, size_bytes, hashlib.sha256(data).hexdigest(), str(path))
    return UploadFile(Lid(1), ConvId("chat"), 4711, found, MediaId(media))


def room(free_bytes: int) -> SimpleNamespace:
    return SimpleNamespace(free=free_bytes)


def down(data: bytes = DATA, name: str = "cat.JPG", **more: object) -> DownloadFile:
    plain = {"media": MEDIA, "size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return DownloadFile(Lid(1), name=name, **plain | more)  # type: ignore[arg-type]


def content(path: str) -> bytes:
    return Path(path).read_bytes()


def spoil(path: str) -> None:
    """One byte of a file becomes another."""
    with open(path, "r+b") as file:
        file.write(b"!")


# ---------------------------------------------------------------------------------------------------- up


async def test_a_file_goes_up_in_parts(tmp_path: Path) -> None:
    server, told = MediaServer(), Told()
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        assert await media.upload(up(file_with(tmp_path)), told) == MEDIA

    assert server.stored == DATA
    assert server.asked == [
        ("POST", "4711"), ("PATCH", "0"), ("PATCH", str(UPLOAD_PART_BYTES)),
    ]  # fmt: skip
    assert server.checksums == [], "our server checks the whole file"
    assert server.promised == {
        "Upload-Length": str(len(DATA)), "Upload-Number": "4711", "Upload-Conversation": "chat",
        "Upload-Sha256": hashlib.sha256(DATA).hexdigest(), "Upload-Metadata": METADATA,
    }  # fmt: skip
    assert server.tokens == {"Bearer secret"}
    assert told.steps == sorted(set(told.steps))
    assert told.steps[-1] == (len(DATA), len(DATA))


async def test_over_a_slow_line_each_part_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_upload, "STRETCH_S", 0.0)
    server = MediaServer()
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        assert await media.upload(up(file_with(tmp_path)), Told()) == MEDIA
    assert server.asked[1:] == [("PATCH", str(part * UPLOAD_PART_BYTES)) for part in range(3)]


async def test_to_a_server_that_is_not_ours_every_part_goes_with_its_checksum(tmp_path: Path) -> None:
    server = MediaServer()
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        server.created = {"Location": f"{url}/v1/media/{MEDIA}"}
        assert await media.upload(up(file_with(tmp_path)), Told()) == MEDIA
    assert server.stored == DATA
    assert server.asked[1:] == [("PATCH", str(part * UPLOAD_PART_BYTES)) for part in range(3)]
    assert len(server.checksums) == 3


async def test_an_upload_is_where_its_server_says_but_on_no_other_host(tmp_path: Path) -> None:
    server = MediaServer(b"sma")
    elsewhere = [web.patch("/files/{media}", server.append), web.head("/files/{media}", server.head)]
    async with serving([*server.routes(), *elsewhere]) as url, media_at(url, tmp_path / "cache") as media:
        server.created = {"Location": "/files/abc", "Upload-Offset": "3"}
        path = file_with(tmp_path, b"small")
        assert await media.upload(up(path, b"small"), Told()) == "abc"
        assert await media.upload(up(path, b"small", media="abc"), Told()) == "abc"
        assert server.asked[-1] == ("HEAD", "1.0.0")
        for location in ("http://127.0.0.1:9/v1/media/abc", "https" + url[4:] + "/v1/media/abc", "/files/a%20b", ""):
            server.created = {"Location": location}
            with pytest.raises(TransferInterrupted):
                await media.upload(up(path, b"small"), Told())


async def test_what_the_server_forgot_in_the_middle_begins_anew(tmp_path: Path) -> None:
    server = MediaServer()
    server.faults = [web.Response(status=201, headers={"Location": f"/v1/media/{MEDIA}", "Upload-Offset": "0"})]
    server.knows = False
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        assert await media.upload(up(file_with(tmp_path)), Told()) == MEDIA
    assert server.asked[:4] == [("POST", "4711"), ("PATCH", "0"), ("POST", "4711"), ("PATCH", "0")]


async def test_a_server_that_forgets_again_and_again_is_given_up(tmp_path: Path) -> None:
    server = MediaServer()
    created = {"Location": f"/v1/media/{MEDIA}", "Upload-Offset": "0"}
    server.faults = [web.Response(status=201, headers=created), *(
        web.Response(status=status, headers=created) for status in (404, 201, 410, 201, 404, 201)
    )]  # fmt: skip
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        with pytest.raises(TransferInterrupted):
            await media.upload(up(file_with(tmp_path)), Told())


async def test_a_part_that_arrived_damaged_goes_again(tmp_path: Path) -> None:
    server = MediaServer()
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        server.created = {"Location": f"/v1/media/{MEDIA}"}
        created = web.Response(status=201, headers=server.created)
        server.faults = [created, refusal(460, "upload_checksum"), web.Response(status=460)]
        assert await media.upload(up(file_with(tmp_path)), Told()) == MEDIA
        assert [offset for method, offset in server.asked if method == "PATCH"][:3] == ["0", "0", "0"]
    assert server.stored == DATA


async def test_a_server_that_does_not_say_where_it_is_is_asked(tmp_path: Path) -> None:
    server = MediaServer(DATA[:5_000])
    server.faults = [
        web.Response(status=201, headers={"Location": f"/v1/media/{MEDIA}", "Upload-Offset": "0"}),
        web.Response(status=409),
    ]
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        server.promised = {"Upload-Length": str(len(DATA)), "Upload-Sha256": hashlib.sha256(DATA).hexdigest()}
        assert await media.upload(up(file_with(tmp_path)), Told()) == MEDIA
    assert server.asked[2:4] == [("HEAD", "1.0.0"), ("PATCH", "5000")]


@pytest.mark.parametrize(("said", "wait_ms"), [("7", 7_000), ("soon", None), ("1000000", None)])
async def test_a_server_may_ask_to_wait(tmp_path: Path, said: str, wait_ms: int | None) -> None:
    server = MediaServer()
    server.faults = [web.Response(status=429, headers={"Retry-After": said})]
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        with pytest.raises(UploadsMany) as refused:
            await media.upload(up(file_with(tmp_path)), Told())
    assert refused.value.can_retry
    assert refused.value.facts.get("retry_ms") == wait_ms


async def test_an_upload_that_is_cancelled_is_over_at_the_server(tmp_path: Path) -> None:
    server = MediaServer()
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        await media.forget(ForgetUpload(Lid(1), MediaId(""), 4711))
        assert server.asked == [], "nobody knows of it"
        await media.upload(up(file_with(tmp_path)), Told())
        await media.forget(ForgetUpload(Lid(1), MediaId(""), 4711))
        assert server.asked[-1] == ("DELETE", "1.0.0")
        assert not server.knows
        server.faults = [web.Response(status=500)]
        await media.forget(ForgetUpload(Lid(1), MEDIA, 5))
        await media.forget(ForgetUpload(Lid(1), MediaId("../x"), 6))
        assert len([method for method, _ in server.asked if method == "DELETE"]) == 2
    async with media_at("http://127.0.0.1:9", tmp_path / "cache") as media:
        await media.forget(ForgetUpload(Lid(1), MEDIA, 5))


async def test_a_file_that_was_looked_at_is_not_read_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server, wish = MediaServer(), up(file_with(tmp_path))
    hashed: list[str] = []
    hash_of = http_files.hash_of

    def read(file: BinaryIO) -> str:
        hashed.append("read")
        return hash_of(file)

    monkeypatch.setattr(http_files, "hash_of", read)

    async def look() -> Inspected:
        return wish.found

    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        assert await media.watched(wish.found.path, look()) == wish.found
        await media.upload(wish, Told())
        await media.upload(wish, Told())
        assert hashed == []
        os.utime(wish.found.path, ns=(5, 5))
        await media.upload(wish, Told())
        await media.upload(wish, Told())
        assert hashed == ["read"], "somebody may have written into it"


async def test_a_file_that_was_written_while_it_was_looked_at_is_read_again(tmp_path: Path) -> None:
    path = file_with(tmp_path)
    wish = up(path)

    async def look() -> Inspected:
        path.write_bytes(bytes(len(DATA)))
        os.utime(path, ns=(5, 5))
        return wish.found

    async with media_at("http://127.0.0.1:9", tmp_path / "cache") as media:
        await media.watched(str(path), look())
        with pytest.raises(MediaChanged):
            await media.upload(wish, Told())


async def test_what_came_is_known_to_be_as_it_came(tmp_path: Path) -> None:
    server, wish = MediaServer(DATA), down()
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        assert await media.here_bytes(wish.sha256) == 0
        server.faults = [1_000_000]
        with pytest.raises(TransferInterrupted):
            await media.download(wish, Told())
        assert 0 < await media.here_bytes(wish.sha256) <= 1_000_000
        path = await media.download(wish, Told())
        assert await media.unchanged(path, wish.size_bytes, wish.sha256)
        spoil(path)
        assert not await media.unchanged(path, wish.size_bytes, wish.sha256)
        assert not await media.unchanged(path + "x", wish.size_bytes, wish.sha256)
        assert await media.here_bytes("../x") == 0


async def test_recordings_that_were_sent_move_to_the_downloads_and_copies_go(tmp_path: Path) -> None:
    copies, recordings = tmp_path / "copies", tmp_path / "recordings"
    voice, opus, left, photo = recordings / "v.m4a", copies / "v.ogg", copies / "left.jpg", tmp_path / "sea.jpg"
    for path in (voice, opus, left, photo):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(DATA[:9])
    digest = hashlib.sha256(DATA[:9]).hexdigest()
    media = HttpMedia(lambda: "", lambda: "", tmp_path / "cache", (copies, recordings))
    sent = KeepSent(Lid(1), str(voice), str(opus), digest, "v.ogg", (str(opus),))
    kept = await media.keep_sent(sent)
    assert Path(kept) == tmp_path / "cache" / digest[:2] / f"{digest}.ogg"
    assert content(kept) == DATA[:9]
    assert await media.keep_sent(sent) == kept
    assert await media.keep_sent(replace(sent, path=str(photo))) == "", "the person's own file stays where it is"
    assert await media.keep_sent(replace(sent, sha256="../../x")) == ""
    assert await media.keep_sent(replace(sent, sent=str(copies / "gone"), sha256="ab" * 32)) == ""

    assert media.is_ours(str(voice))
    assert not media.is_ours(str(photo))
    assert not media.is_ours("")
    await media.sweep({str(opus)})
    assert (opus.exists(), left.exists(), voice.exists()) == (True, False, True)
    for path in (opus, voice, photo):
        await media.drop(str(path))
    assert (opus.exists(), voice.exists(), photo.exists()) == (False, False, True)
    await media.drop(str(opus))


async def test_an_interrupted_upload_goes_on_where_the_server_is(tmp_path: Path) -> None:
    server = MediaServer()
    server.faults = [web.Response(status=201, headers={"Location": f"/v1/media/{MEDIA}", "Upload-Offset": "0"}), 1_000]
    server.promised = {"Upload-Length": str(len(DATA)), "Upload-Sha256": hashlib.sha256(DATA).hexdigest()}
    path = file_with(tmp_path)
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        with pytest.raises(TransferInterrupted) as torn:
            await media.upload(up(path), Told())
        assert torn.value.facts["media"] == MEDIA
        assert torn.value.can_retry
        told = Told()
        await media.upload(up(path, media=MEDIA), told)

    assert server.stored == DATA
    assert ("HEAD", "1.0.0") in server.asked
    assert ("PATCH", "1000") in server.asked
    assert told.steps[0] == (1_000, len(DATA))


async def test_the_server_knows_the_right_offset(tmp_path: Path) -> None:
    server = MediaServer(DATA[:5_000])
    server.faults = [web.Response(status=201, headers={"Location": f"/v1/media/{MEDIA}", "Upload-Offset": "0"})]
    server.promised = {"Upload-Length": str(len(DATA)), "Upload-Sha256": hashlib.sha256(DATA).hexdigest()}
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        await media.upload(up(file_with(tmp_path)), Told())

    assert server.stored == DATA


async def test_a_server_that_gets_nowhere_is_left_for_now(tmp_path: Path) -> None:
    server = MediaServer()
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        server.faults = [web.Response(status=201, headers={"Location": f"/v1/media/{MEDIA}", "Upload-Offset": "0"})]
        server.faults += [refusal(409, "media_offset", Upload_Offset="0") for _ in range(9)]
        with pytest.raises(TransferInterrupted):
            await media.upload(up(file_with(tmp_path)), Told())

    assert len(server.asked) == 4


async def test_a_forgotten_upload_is_made_anew(tmp_path: Path) -> None:
    server = MediaServer()
    server.knows = False
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        await media.upload(up(file_with(tmp_path, b"small"), b"small", media=MEDIA), Told())

    assert [way for way, _ in server.asked] == ["HEAD", "POST", "PATCH"]


async def test_a_complete_upload_needs_no_more_bytes(tmp_path: Path) -> None:
    server = MediaServer(b"small")
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        assert await media.upload(up(file_with(tmp_path, b"small"), b"small", media=MEDIA), Told()) == MEDIA

    assert [way for way, _ in server.asked] == ["HEAD"]


@pytest.mark.parametrize(
    ("wish", "problem"),
    [
        (lambda folder: up(folder / "gone"), MediaVanished),
        (lambda folder: up(folder), MediaIsFolder),
        (lambda folder: up(file_with(folder, b""), b"", size=0), MediaEmpty),
        (lambda folder: up(file_with(folder, b"other!"), b"before"), MediaChanged),
        (lambda folder: up(file_with(folder, b"longer"), b"short"), MediaChanged),
    ],
)
async def test_nothing_is_asked_about_a_file_that_cannot_go(tmp_path: Path, wish, problem) -> None:  # type: ignore[no-untyped-def]
    server = MediaServer()
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        with pytest.raises(problem) as refused:
            await media.upload(wish(tmp_path), Told())

    assert server.asked == []
    assert not refused.value.can_retry
    assert "…" not in refused.value.for_person()


async def test_a_file_that_is_too_large_is_not_begun(tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(FILE_MAX_BYTES + 1)
    async with media_at("http://127.0.0.1:9", tmp_path / "cache") as media:
        with pytest.raises(MediaTooLarge) as refused:
            await media.upload(up(path, b"", size=FILE_MAX_BYTES + 1), Told())
    assert refused.value.facts == {"size_mb": FILE_MAX_BYTES // MIB + 1, "limit_mb": FILE_MAX_BYTES // MIB}


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (lambda: refusal(403, "unknown_conversation"), UnknownConversation),
        (lambda: refusal(401, "sign_in_again"), SignInAgain),
        (lambda: refusal(507, "disk_full"), ServerFull),
        (lambda: refusal(503, "from_the_future"), Problem),
        (lambda: web.Response(status=502, text="<html>"), TransferInterrupted),
        (lambda: web.Response(status=201), TransferInterrupted),
    ],
)
async def test_what_the_server_says_comes_back_as_a_problem(tmp_path: Path, answer, problem) -> None:  # type: ignore[no-untyped-def]
    server = MediaServer()
    server.faults = [answer()]
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        with pytest.raises(problem):
            await media.upload(up(file_with(tmp_path, b"small"), b"small"), Told())


@pytest.mark.parametrize("offset", ["", "-1", "soon", "99999999"])
async def test_an_offset_that_cannot_be_is_not_believed(tmp_path: Path, offset: str) -> None:
    server = MediaServer()
    where = {"Location": f"/v1/media/{MEDIA}", "Upload-Offset": offset}
    server.faults = [web.Response(status=201, headers=where)]
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        with pytest.raises(TransferInterrupted):
            await media.upload(up(file_with(tmp_path, b"small"), b"small"), Told())
    assert server.stored == b""


async def test_an_ended_token_leaves_the_upload_known(tmp_path: Path) -> None:
    async def ended(_: web.Request) -> web.Response:
        return web.Response(status=401)

    async with (
        serving([web.head("/v1/media/{media}", ended)]) as url,
        media_at(url, tmp_path / "cache") as media,
    ):
        with pytest.raises(SignInAgain) as refused:
            await media.upload(up(file_with(tmp_path, b"small"), b"small", media=MEDIA), Told())
    assert refused.value.facts["media"] == MEDIA


async def test_damage_on_the_way_and_a_change_of_the_file_are_told_apart(tmp_path: Path) -> None:
    server = MediaServer()
    path = file_with(tmp_path, b"before")
    created = {"Location": f"/v1/media/{MEDIA}", "Upload-Offset": "0"}
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        server.faults = [web.Response(status=201, headers=created), refusal(460, "media_damaged")]
        assert await media.upload(up(path, b"before"), Told()) == MEDIA
        assert len(server.checksums) == 1, "what arrived damaged is sent again with care"
        server.stored.clear()

        again = [web.Response(status=201, headers=created), refusal(460, "media_damaged")]
        server.faults = [web.Response(status=201, headers=created), refusal(460, "media_damaged"), *again]
        with pytest.raises(MediaDamaged):
            await media.upload(up(path, b"before"), Told())

        server.faults = [web.Response(status=201, headers=created), refusal(460, "media_damaged")]

        def change(done: int, total: int) -> None:
            path.write_bytes(b"after!")

        with pytest.raises(MediaChanged):
            await media.upload(up(path, b"before"), change)


async def test_nobody_listens(tmp_path: Path) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        async with media_at(url, tmp_path / "cache") as media:
            with pytest.raises(ServerUnreachable) as unreachable:
                await media.upload(up(file_with(tmp_path, b"small"), b"small"), Told())
            with pytest.raises(ServerUnreachable):
                await media.download(down(), Told())
    assert unreachable.value.facts["address"] == url


async def sharing(answers: list[web.Response], asked: list[dict[str, str]]) -> web.RouteDef:
    async def create(request: web.Request) -> web.Response:
        asked.append({name: value for name, value in request.headers.items() if name.startswith("Upload")})
        return answers.pop(0)

    return web.post("/v1/media", create)


def made(offset: int) -> web.Response:
    return web.Response(status=201, headers={"Location": f"/v1/media/{MEDIA}", "Upload-Offset": str(offset)})


async def test_what_the_server_has_is_not_sent_again(tmp_path: Path) -> None:
    asked: list[dict[str, str]] = []
    told, wish = Told(), replace(up(tmp_path / "gone.jpg"), source=MediaId("theirs"))
    route = await sharing([made(len(DATA)), made(3)], asked)
    async with serving([route]) as url, media_at(url, tmp_path / "cache") as media:
        assert await media.upload(wish, told) == MEDIA
        with pytest.raises(TransferInterrupted):
            await media.upload(wish, told)
    assert asked[0]["Upload-Source"] == "theirs"
    assert told.steps == [(len(DATA), len(DATA))]


async def test_what_the_server_has_lost_is_sent_if_it_is_here(tmp_path: Path) -> None:
    lost = web.json_response({"code": "media_unknown"}, status=404)
    again = web.json_response({"code": "media_unknown"}, status=404)
    asked: list[dict[str, str]] = []
    wish = replace(up(file_with(tmp_path)), source=MediaId("theirs"))
    route = await sharing([lost, made(len(DATA)), again], asked)
    async with serving([route]) as url, media_at(url, tmp_path / "cache") as media:
        assert await media.upload(wish, Told()) == MEDIA
        assert ["Upload-Source" in headers for headers in asked] == [True, False]
        with pytest.raises(MediaUnknown):
            await media.upload(replace(wish, found=replace(wish.found, path="")), Told())


# -------------------------------------------------------------------------------------------------- down


async def test_a_file_comes_down_under_its_hash(tmp_path: Path) -> None:
    server, told = MediaServer(DATA), Told()
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        path = await media.download(down(), told)
        again = await media.download(down(), told)

    name = hashlib.sha256(DATA).hexdigest()
    assert path == str(tmp_path / "cache" / name[:2] / f"{name}.jpg")
    assert content(path) == DATA
    assert (again, server.asked) == (path, [("GET", "")])
    assert told.steps[-1] == (len(DATA), len(DATA))
    assert [str(file) for file in (tmp_path / "cache").rglob("*.*")] == [path]
    assert os.name == "nt" or os.stat(path).st_mode & 0o077 == 0


async def test_a_torn_download_goes_on_where_it_was(tmp_path: Path) -> None:
    server = MediaServer(DATA)
    server.faults = [6_000_000]
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        with pytest.raises(TransferInterrupted):
            await media.download(down(), Told())
        [part] = (tmp_path / "cache").rglob("*.part")
        here = part.stat().st_size
        told = Told()
        path = await media.download(down(), told)

    assert 0 < here <= 6_000_000
    assert server.asked[-1] == ("GET", f"bytes={here}-")
    assert told.steps[0] == (here, len(DATA))
    assert content(path) == DATA


async def test_a_server_without_ranges_starts_again(tmp_path: Path) -> None:
    server = MediaServer(b"0123456789")
    wish = down(b"0123456789")
    part = tmp_path / "cache" / wish.sha256[:2] / f"{wish.sha256}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"01234")
    server.faults = [web.Response(body=b"0123456789")]
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        path = await media.download(wish, Told())

    assert content(path) == b"0123456789"


async def test_a_whole_part_needs_no_more_bytes(tmp_path: Path) -> None:
    wish = down(b"0123456789")
    part = tmp_path / "cache" / wish.sha256[:2] / f"{wish.sha256}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"0123456789")
    async with media_at("http://127.0.0.1:9", tmp_path / "cache") as media:
        assert content(await media.download(wish, Told())) == b"0123456789"


@pytest.mark.parametrize("stored", [DATA[:-1] + b"!", DATA + b"more"], ids=["other bytes", "too many"])
async def test_what_is_not_what_was_promised_is_not_kept(tmp_path: Path, stored: bytes) -> None:
    server = MediaServer(stored)
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        with pytest.raises(MediaDamaged):
            await media.download(down(), Told())
    assert sum(file.stat().st_size for file in (tmp_path / "cache").rglob("*") if file.is_file()) == 0


async def test_a_damaged_file_in_the_cache_is_fetched_again(tmp_path: Path) -> None:
    server = MediaServer(DATA)
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        path = await media.download(down(), Told())
        spoil(path)
        await media.download(down(), Told())
    assert content(path) == DATA


async def test_a_file_that_is_gone(tmp_path: Path) -> None:
    server = MediaServer(DATA)
    server.faults = [refusal(404, "media_unknown")]
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        with pytest.raises(MediaUnknown) as gone:
            await media.download(down(), Told())
    assert not gone.value.can_retry


async def test_a_part_that_fits_no_more_is_thrown_away(tmp_path: Path) -> None:
    server = MediaServer(b"0123456789")
    wish = down(b"0123456789")
    part = tmp_path / "cache" / wish.sha256[:2] / f"{wish.sha256}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"01234")
    server.faults = [web.Response(status=416)]
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        with pytest.raises(TransferInterrupted):
            await media.download(wish, Told())
        assert content(await media.download(wish, Told())) == b"0123456789"


@pytest.mark.parametrize(
    "more", [{"sha256": "../../escape"}, {"sha256": "A" * 64}, {"media": MediaId("../admin/invites")}]
)
async def test_a_strange_address_is_never_asked_for(tmp_path: Path, more: dict[str, object]) -> None:
    server = MediaServer(DATA)
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        with pytest.raises(MediaUnknown):
            await media.download(down(**more), Told())  # type: ignore[arg-type]
    assert server.asked == []


async def test_two_bubbles_with_one_file_fetch_it_once(tmp_path: Path) -> None:
    server = MediaServer(DATA)
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        first, second = await asyncio.gather(media.download(down(), Told()), media.download(down(), Told()))
    assert first == second
    assert len(server.asked) == 1


async def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    async with media_at("http://127.0.0.1:9", tmp_path / "cache") as media:
        with pytest.raises(Problem) as refused:
            await media.download(down(), Told())
    assert refused.value.code == "data_read_only"


async def test_what_is_too_large_or_has_no_room_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = MediaServer(DATA)
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        with pytest.raises(MediaTooLarge):
            await media.download(down(size_bytes=FILE_MAX_BYTES + 1), Told())
        monkeypatch.setattr("client.adapters.http_files.shutil.disk_usage", lambda path: room(9))
        with pytest.raises(DiskFull) as full:
            await media.download(down(), Told())
    assert full.value.can_retry
    assert server.asked == []


async def test_a_short_answer_is_not_the_end(tmp_path: Path) -> None:
    server = MediaServer(DATA)
    server.faults = [web.Response(body=DATA[:1_000])]
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        with pytest.raises(TransferInterrupted):
            await media.download(down(), Told())
        assert content(await media.download(down(), Told())) == DATA
    assert server.asked[-1] == ("GET", "bytes=1000-")


async def test_a_range_that_was_not_asked_for(tmp_path: Path) -> None:
    server = MediaServer(DATA)
    server.faults = [1_000_000, web.Response(status=206, headers={"Content-Range": "bytes 5-9/10"}, body=b"x")]
    async with serving(server.routes()) as url, media_at(url, tmp_path / "cache") as media:
        for _ in range(2):
            with pytest.raises(TransferInterrupted):
                await media.download(down(), Told())
        assert content(await media.download(down(), Told())) == DATA


async def test_stopping_keeps_what_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """StopFetch cancels the task; the part stays for the next click."""
    monkeypatch.setattr(http_media, "PROGRESS_EVERY_S", 0.0)
    arrived = asyncio.Event()
    release = asyncio.Event()

    async def slowly(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        answer.content_length = len(DATA)
        await answer.prepare(request)
        await answer.write(DATA[:3_000_000])
        await release.wait()
        return answer

    def told(done: int, total: int) -> None:
        if done == 3_000_000:
            arrived.set()

    async with (
        serving([web.get("/v1/media/{media}", slowly)]) as url,
        media_at(url, tmp_path / "cache") as media,
        asyncio.TaskGroup() as tasks,
    ):
        task = tasks.create_task(media.download(down(), told))
        await arrived.wait()
        task.cancel()
        release.set()
    [part] = (tmp_path / "cache").rglob("*.part")
    assert part.stat().st_size == 3_000_000, "also what had not been written yet"
    assert DATA.startswith(part.read_bytes())
