"""Files over HTTP: up as tus 1.0 has it, down by ranges (P-75, P-76, SEC-30)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing

from aiohttp import hdrs, web

from protocol.problems import BadFrame
from protocol.values import MediaId
from server.app.media import Media
from server.doors import tus
from server.doors.answers import refusal, signed_in
from server.doors.body import Body, Buffers
from server.doors.sending import DOWN, send, wanted_range
from server.ports import Accounts, Identity, Upload

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class MediaRoutes:
    """`/v1/media`. Reads requests and writes answers; what it means is decided by `Media`."""

    def __init__(self, media: Media, accounts: Accounts) -> None:
        self._media, self._accounts = media, accounts
        self._buffers = Buffers()
        self._of_all: dict[str, Handler] = {"OPTIONS": self.options, "POST": self.create}
        self._of_one: dict[str, Handler] = {
            "OPTIONS": self.options,
            "HEAD": self.head,
            "PATCH": self.append,
            "GET": self.fetch,
            "DELETE": self.end,
            "POST": self.nothing,
        }

    def routes(self) -> list[web.RouteDef]:
        """The addresses of this door; each takes the methods of its table, also under another name."""
        return [
            *(web.route(method, "/v1/media", self.all) for method in self._of_all),
            *(web.route(method, "/v1/media/{media}", self.one) for method in self._of_one if method != "GET"),
            web.get("/v1/media/{media}", self.one, allow_head=False),
        ]

    async def all(self, request: web.Request) -> web.StreamResponse:
        """What is asked of all files."""
        return await _asked(self._of_all, request)

    async def one(self, request: web.Request) -> web.StreamResponse:
        """What is asked of one file."""
        return await _asked(self._of_one, request)

    async def nothing(self, request: web.Request) -> web.StreamResponse:
        """A POST to one file only carries another method (`X-HTTP-Method-Override`)."""
        await signed_in(request, self._accounts)
        raise web.HTTPMethodNotAllowed(request.method, self._of_one)

    async def options(self, _: web.Request) -> web.Response:
        """What this server understands, for whoever asks; it says nothing about anybody."""
        return web.Response(status=204, headers=tus.abilities(self._media.file_max_bytes))

    async def create(self, request: web.Request) -> web.Response:
        """Promise room for a file, and perhaps bring its first bytes; asked again, answers the same."""
        who = await signed_in(request, self._accounts)
        tus.check_version(request)
        upload = await self._media.create(who, tus.wish(request))
        if tus.brings_bytes(request) and not upload.offset:
            upload = await self._take(who, upload.media, 0, request)
        return self._told(upload, 201, Location=f"/v1/media/{upload.media}")

    async def head(self, request: web.Request) -> web.StreamResponse:
        """With `Tus-Resumable`: how far the upload is. Without: what a download would say."""
        if "Tus-Resumable" not in request.headers:
            return await self.fetch(request)
        who = await signed_in(request, self._accounts)
        tus.check_version(request)
        upload = await self._media.where(who, _media(request))
        more = {"Upload-Length": str(upload.size_bytes)}
        if upload.metadata:
            more["Upload-Metadata"] = upload.metadata
        return self._told(upload, 200, **more)

    async def append(self, request: web.Request) -> web.Response:
        """Take bytes at an offset. The answer's offset is durable."""
        who = await signed_in(request, self._accounts)
        tus.check_version(request)
        if request.content_type != tus.OFFSET_TYPE:
            return refusal(BadFrame(), 415)
        offset = tus.number(request.headers.get("Upload-Offset", ""))
        return self._told(await self._take(who, _media(request), offset, request), 204)

    async def end(self, request: web.Request) -> web.Response:
        """Let go of an upload."""
        who = await signed_in(request, self._accounts)
        tus.check_version(request)
        await self._media.terminate(who, _media(request))
        return web.Response(status=204)

    async def fetch(self, request: web.Request) -> web.StreamResponse:
        """Send a file, or the part that was asked for."""
        who = await signed_in(request, self._accounts)
        upload = await self._media.look(who, _media(request))
        headers = DOWN | _etag(upload)
        try:
            wanted = wanted_range(request, upload)
        except ValueError:
            unsatisfied = {"Content-Range": f"bytes */{upload.size_bytes}"}
            return web.Response(status=416, headers=headers | unsatisfied)
        sent = wanted or range(upload.size_bytes)
        if wanted is not None:
            headers["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{upload.size_bytes}"
        found = await self._media.read(upload, sent.start)
        answer = web.StreamResponse(status=206 if wanted else 200, headers=headers)
        answer.content_length = len(sent)
        return await send(request, answer, found, head=tus.method_of(request) == hdrs.METH_HEAD)

    async def _take(self, who: Identity, media: MediaId, offset: int, request: web.Request) -> Upload:
        checksum = tus.checksum(request)
        async with aclosing(Body(request.content, self._buffers).pieces()) as pieces:
            return await self._media.append(who, media, offset, pieces, checksum)

    def _told(self, upload: Upload, status: int, **more: str) -> web.Response:
        """How far an upload is, until when it is kept, and the hash of a whole file."""
        facts = {"Upload-Offset": str(upload.offset), **more, **tus.until(self._media.expires_ms(upload))}
        return web.Response(status=status, headers=facts | (_etag(upload) if upload.done else {}))


async def _asked(table: dict[str, Handler], request: web.Request) -> web.StreamResponse:
    method = tus.method_of(request)
    if method not in table:
        raise web.HTTPMethodNotAllowed(method, table)
    return await table[method](request)


def _media(request: web.Request) -> MediaId:
    return MediaId(request.match_info["media"])


def _etag(upload: Upload) -> dict[str, str]:
    return {"ETag": f'"{upload.sha256.hex()}"'}
