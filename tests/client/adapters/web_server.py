"""A small server in the test's own process, that does what the test says and keeps what it was asked."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(routes: Sequence[web.RouteDef]) -> AsyncIterator[str]:
    """The address of a server with these routes, until the end of the block."""
    app = web.Application(client_max_size=1 << 30)
    app.add_routes(routes)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def refusal(status: int, code: str, **headers: str) -> web.Response:
    """An error as section 24 has it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.json_response({"code": code}, status=status, headers=named)


class MediaServer:
    """`/v1/media` in memory. `faults` are answers, or numbers of bytes to take before tearing the line, used once
    each, in order, instead of what would have been answered."""

    MEDIA = "m" * 26

    def __init__(self, stored: bytes = b"") -> None:
        self.stored = bytearray(stored)
        self.asked: list[tuple[str, str]] = []
        self.tokens: set[str | None] = set()
        self.promised: dict[str, str] = {}
        self.faults: list[web.Response | int] = []
        self.knows = True
        self.checksums: list[str] = []
        self.created: dict[str, str] | None = None

    def routes(self) -> list[web.RouteDef]:
        """The addresses of this door."""
        return [
            web.post("/v1/media", self.create),
            web.head("/v1/media/{media}", self.head),
            web.patch("/v1/media/{media}", self.append),
            web.get("/v1/media/{media}", self.fetch, allow_head=False),
            web.delete("/v1/media/{media}", self.end),
        ]

    async def create(self, request: web.Request) -> web.StreamResponse:
        self._note(request, "Upload-Number")
        if fault := self._fault(request):
            return fault
        self.promised = {name: value for name, value in request.headers.items() if name.startswith("Upload-")}
        self.knows = True
        where = {"Location": f"/v1/media/{self.MEDIA}", "Upload-Offset": str(len(self.stored))}
        return web.Response(status=201, headers=where if self.created is None else self.created)

    async def head(self, request: web.Request) -> web.StreamResponse:
        self._note(request, "Tus-Resumable")
        if not self.knows:
            return web.Response(status=404)
        return web.Response(headers={"Upload-Offset": str(len(self.stored))})

    async def append(self, request: web.Request) -> web.StreamResponse:
        self._note(request, "Upload-Offset")
        assert request.content_type == "application/offset+octet-stream"
        if self.faults and isinstance(self.faults[0], int):
            self.stored += (await request.read())[: self.faults[0]]
        if fault := self._fault(request):
            return fault
        if not self.knows:
            return web.Response(status=410)
        if int(request.headers["Upload-Offset"]) != len(self.stored):
            return refusal(409, "media_offset", Upload_Offset=str(len(self.stored)))
        data = await request.read()
        if said := request.headers.get("Upload-Checksum"):
            self.checksums.append(said)
            assert said == f"sha256 {base64.b64encode(hashlib.sha256(data).digest()).decode()}"
        self.stored += data
        whole = len(self.stored) == int(self.promised.get("Upload-Length", "-1"))
        if whole and hashlib.sha256(self.stored).hexdigest() != self.promised["Upload-Sha256"]:
            return refusal(460, "media_damaged")
        return web.Response(status=204, headers={"Upload-Offset": str(len(self.stored))})

    async def end(self, request: web.Request) -> web.StreamResponse:
        """Let go of the upload."""
        self._note(request, "Tus-Resumable")
        if fault := self._fault(request):
            return fault
        self.knows = False
        return web.Response(status=204)

    async def fetch(self, request: web.Request) -> web.StreamResponse:
        self._note(request, "Range")
        cut = len(self.stored)
        if self.faults and isinstance(self.faults[0], int):
            cut = self.faults.pop(0)  # type: ignore[assignment]
        elif fault := self._fault(request):
            return fault
        start = request.http_range.start or 0
        answer = web.StreamResponse(status=206 if start else 200)
        answer.content_length = len(self.stored) - start
        if start:
            answer.headers["Content-Range"] = f"bytes {start}-{len(self.stored) - 1}/{len(self.stored)}"
        await answer.prepare(request)
        await answer.write(bytes(self.stored[start:cut]))
        if cut < len(self.stored) and request.transport is not None:
            request.transport.close()
        return answer

    def _note(self, request: web.Request, header: str) -> None:
        self.asked.append((request.method, request.headers.get(header, "")))
        self.tokens.add(request.headers.get("Authorization"))

    def _fault(self, request: web.Request) -> web.Response | None:
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, int):
            assert request.transport is not None
            request.transport.abort()
            return web.Response(status=500)
        return fault
