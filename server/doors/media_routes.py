"""Files over HTTP: up in parts in the shape of tus 1.0.0, down by ranges (P-75, P-76, SEC-30)."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from io import BufferedReader

from aiohttp import hdrs, web

from protocol.limits import KIB, MIB
from protocol.problems import BadFrame, MediaUnknown, TransferInterrupted
from protocol.values import NUMBER_MAX, ConvId, MediaId
from server.app.media import Media
from server.doors.answers import refusal, signed_in
from server.ports import Accounts, Found, Held, NewUpload, Upload

TUS = {"Tus-Resumable": "1.0.0", "Cache-Control": "no-store"}
OFFSET_TYPE = "application/offset+octet-stream"
PIECE_BYTES = 256 * KIB  # gathered before the disk is asked: fewer hops between threads
DOWN_PART_BYTES = 4 * MIB  # of a download, which must be read within …
STALLED_MAX_S = 120.0  # … so long: 35 KB/s
SILENCE_MAX_S = 30.0  # an upload that says nothing for so long is let go; its part stays
DOWN = {
    "Content-Type": "application/octet-stream",  # the true type is inside the message
    "Content-Disposition": 'attachment; filename="file"',
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Accept-Ranges": "bytes",
}


class MediaRoutes:
    """`/v1/media`. Reads requests and writes answers; what it means is decided by `Media`."""

    def __init__(self, media: Media, accounts: Accounts) -> None:
        self._media, self._accounts = media, accounts

    def routes(self) -> list[web.RouteDef]:
        """The addresses of this door."""
        return [
            web.post("/v1/media", self.create),
            web.head("/v1/media/{media}", self.head),
            web.patch("/v1/media/{media}", self.append),
            web.get("/v1/media/{media}", self.fetch, allow_head=False),
        ]

    async def create(self, request: web.Request) -> web.Response:
        """Promise room for a file; asked again, answers the same."""
        who = await signed_in(request, self._accounts)
        _check_tus(request)
        upload = await self._media.create(who, _wish(request))
        facts = {"Location": f"/v1/media/{upload.media}", "Upload-Offset": str(upload.offset)}
        return web.Response(status=201, headers=TUS | facts)

    async def head(self, request: web.Request) -> web.StreamResponse:
        """With `Tus-Resumable`: how far the upload is. Without: what a download would say."""
        if "Tus-Resumable" not in request.headers:
            return await self.fetch(request)
        who = await signed_in(request, self._accounts)
        _check_tus(request)
        upload = await self._media.where(who, _media(request))
        facts = {"Upload-Offset": str(upload.offset), "Upload-Length": str(upload.size_bytes)}
        return web.Response(headers=TUS | facts)

    async def append(self, request: web.Request) -> web.Response:
        """Take bytes at an offset. The answer's offset is durable."""
        who = await signed_in(request, self._accounts)
        _check_tus(request)
        if request.content_type != OFFSET_TYPE:
            return refusal(BadFrame(), 415)
        offset = _number(request, "Upload-Offset")
        upload = await self._media.append(who, _media(request), offset, _pieces(request))
        return web.Response(status=204, headers=TUS | {"Upload-Offset": str(upload.offset)})

    async def fetch(self, request: web.Request) -> web.StreamResponse:
        """Send a file, or the part that was asked for."""
        who = await signed_in(request, self._accounts)
        upload = await self._media.look(who, _media(request))
        headers = DOWN | {"ETag": f'"{upload.sha256.hex()}"'}
        try:
            wanted = _range(request, upload)
        except ValueError:
            unsatisfied = {"Content-Range": f"bytes */{upload.size_bytes}"}
            return web.Response(status=416, headers=headers | unsatisfied)
        sent = wanted or range(upload.size_bytes)
        if wanted is not None:
            headers["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{upload.size_bytes}"
        found = await self._media.read(upload, sent.start)
        answer = web.StreamResponse(status=206 if wanted else 200, headers=headers)
        answer.content_length = len(sent)
        return await _send(request, answer, found)


def _media(request: web.Request) -> MediaId:
    return MediaId(request.match_info["media"])


def _wish(request: web.Request) -> NewUpload:
    try:
        sha256 = bytes.fromhex(request.headers.get("Upload-Sha256", ""))
    except ValueError:
        sha256 = b""
    conv = request.headers.get("Upload-Conversation", "")
    if len(sha256) != 32 or not conv:
        raise BadFrame()
    size_bytes, number = _number(request, "Upload-Length"), _number(request, "Upload-Number")
    return NewUpload(ConvId(conv), number, size_bytes, sha256, MediaId(request.headers.get("Upload-Source", "")))


def _number(request: web.Request, name: str) -> int:
    text = request.headers.get(name, "")
    if not (text.isascii() and text.isdigit()) or len(text) > 16 or int(text) > NUMBER_MAX:
        raise BadFrame()
    return int(text)


def _check_tus(request: web.Request) -> None:
    """An upload of another version of tus is not understood."""
    if request.headers.get("Tus-Resumable", "1.0.0") != "1.0.0":
        raise BadFrame()


async def _pieces(request: web.Request) -> AsyncIterator[bytes]:
    """The body in pieces of bounded size; what came before an interruption is handed on first."""
    gathered = bytearray()
    try:
        while chunk := await _chunk(request):
            gathered += chunk
            if len(gathered) >= PIECE_BYTES:
                yield bytes(gathered)
                gathered.clear()
    except TransferInterrupted:
        if gathered:
            yield bytes(gathered)
        raise
    if gathered:
        yield bytes(gathered)


async def _chunk(request: web.Request) -> bytes:
    """What has come, or nothing at the end. Raises: TransferInterrupted."""
    try:
        async with asyncio.timeout(SILENCE_MAX_S):
            return await request.content.readany()
    except (TimeoutError, ConnectionError, web.PayloadAccessError) as stop:
        raise TransferInterrupted() from stop


def _range(request: web.Request, upload: Upload) -> range | None:
    """The bytes that were asked for, or None for all of them. Raises ValueError if there are none such."""
    validator = request.headers.get(hdrs.IF_RANGE)
    if hdrs.RANGE not in request.headers or validator not in (None, f'"{upload.sha256.hex()}"'):
        return None
    start, stop = request.http_range.start, request.http_range.stop
    wanted = range(upload.size_bytes)[start:stop]
    if not wanted:
        raise ValueError("no such bytes")
    return wanted


async def _send(request: web.Request, answer: web.StreamResponse, found: Found) -> web.StreamResponse:
    """Headers, then the bytes, unless only the headers were asked for."""
    if isinstance(found, Held):
        await answer.prepare(request)
        if request.method != hdrs.METH_HEAD:
            await answer.write(found.data[: answer.content_length])
        return answer
    try:
        file = await asyncio.to_thread(open, found.path, "rb")
    except FileNotFoundError as gone:
        raise MediaUnknown() from gone
    with closing(file):
        await answer.prepare(request)
        if request.method != hdrs.METH_HEAD:
            await _send_file(request, answer, file, found.start)
    return answer


async def _send_file(request: web.Request, answer: web.StreamResponse, file: BufferedReader, start: int) -> None:
    """Part by part, as fast as the reader reads.

    A reader that stands still is let go, and so is one whose file cannot be read to its end: the length was
    promised, so nothing but a cut says that it is not kept.
    """
    stop = start + (answer.content_length or 0)
    try:
        for offset in range(start, stop, DOWN_PART_BYTES):
            async with asyncio.timeout(STALLED_MAX_S):
                await _send_part(request, answer, file, offset, min(DOWN_PART_BYTES, stop - offset))
    except OSError as stopped:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError from stopped


async def _send_part(
    request: web.Request, answer: web.StreamResponse, file: BufferedReader, offset: int, count: int
) -> None:
    """By the kernel where the loop can; else through a small buffer. Raises OSError if not all could be sent."""
    if (transport := request.transport) is None:
        raise ConnectionResetError
    with suppress(NotImplementedError):  # uvloop has no sendfile
        if await asyncio.get_running_loop().sendfile(transport, file, offset, count) < count:
            raise OSError(errno.EIO, "the file is shorter than its row says")
        return
    file.seek(offset)
    while count > 0:
        if not (piece := await asyncio.to_thread(file.read, min(count, PIECE_BYTES))):
            raise OSError(errno.EIO, "the file is shorter than its row says")
        await answer.write(piece)
        count -= len(piece)
