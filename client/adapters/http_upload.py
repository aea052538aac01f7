"""One attempt to bring one file up, as a client of tus 1.0 (P-75, https://tus.io/protocols/resumable-upload).

Our own server is told in headers what `Upload-Metadata` says as well, and checks the whole file in the end: it gets
long stretches without a stop. Any other server of tus is served too: it may leave out the offset of a creation, put
files where it likes on its own host, and ask to wait. There, and after a file that arrived damaged, every part carries
its checksum.
"""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import BinaryIO, Final, NamedTuple
from urllib.parse import urljoin, urlsplit

import httpx

from client.adapters.http_answers import bearer, reaching, refused
from client.adapters.http_ledger import because
from client.core.effects import UploadFile
from protocol.limits import MIB, UPLOAD_PART_BYTES
from protocol.problems import MediaChanged, MediaDamaged, MediaOffset, Problem, TransferInterrupted, UploadChecksum
from protocol.values import MediaId

TUS: Final = {"Tus-Resumable": "1.0.0"}
UPLOADS_PATH: Final = "/v1/media"
PIECE_BYTES: Final = MIB // 2
"""What is handed to the line at once; progress is told between two of them."""
STRETCH_PARTS, STRETCH_S = 16, 0.5
"""Parts in one request, at most, and for how long they keep the line busy: our server makes each of them durable."""
ON_THE_WAY_BYTES: Final = 3 * UPLOAD_PART_BYTES
"""What may be in the buffers of a fast line: it has gone, and not arrived. On a slow line it is one part."""
STUCK_MAX: Final = 3
"""Parts in a row that did not move the offset; then it is another attempt's turn."""
GONE: Final = (404, 410)
CHECKSUM_WRONG: Final = 460

_MEDIA = re.compile(r"[A-Za-z0-9_-]{1,64}")


class _Part(NamedTuple):
    """A part of the file, read once, and hashed if that is wanted."""

    offset: int
    data: bytes
    sha256: bytes

    @property
    def end(self) -> int:
        return self.offset + len(self.data)


class Upload:
    """One attempt.

    Args:
        places: where uploads of this run are at the server, by their number: `media`, and the whole address.
        tell: hears how many bytes have gone.
        careful: every part carries its checksum.
    """

    def __init__(
        self, wish: UploadFile, file: BinaryIO | None, http: httpx.AsyncClient, base: str, token: str,
        places: Places, tell: Callable[[int], None], *, careful: bool = False,
    ) -> None:  # fmt: skip
        self._careful, self._stretch_parts = careful, 1
        self._wish, self._file, self._http, self._base = wish, file, http, base
        self._headers = TUS | bearer(token)
        self._size_bytes = wish.found.size_bytes
        self._places, self._tell = places, tell
        self._now_s = asyncio.get_running_loop().time
        self._media, self._url = wish.media, places.url_of(base, wish.media)
        self._next: asyncio.Future[_Part] | None = None

    async def run(self) -> MediaId:
        """Go on from where the server is, to the last byte."""
        offset = await self._where() if self._media else None
        if offset is None:
            offset = await self._create()
        try:
            await self._send_from(offset)
        finally:
            await self._read_no_more()
        return self._media

    async def pass_on(self) -> MediaId:
        """Have the server take its own bytes. Raises MediaUnknown if it has them no more."""
        offset = await self._create({"Upload-Source": self._wish.source})
        if offset < self._size_bytes:
            raise self._stop(TransferInterrupted())
        self._tell(offset)
        return self._media

    async def _send_from(self, offset: int) -> None:
        stuck = 0
        while offset < self._size_bytes:
            self._tell(offset)
            reached = await self._append(offset)
            if reached is None:  # the server let it go in the meantime
                reached = await self._create()
            stuck = stuck + 1 if reached <= offset else 0
            if stuck >= STUCK_MAX:
                raise self._stop(TransferInterrupted())
            offset = reached
        self._tell(offset)

    # --------------------------------------------------------------------------------------- requests

    async def _create(self, more: Mapping[str, str] = MappingProxyType({})) -> int:
        """Asked again with the same number, our server answers with the same upload."""
        found, wish = self._wish.found, self._wish
        facts = {"conversation": wish.conv, "number": str(wish.number), "sha256": found.sha256}
        if "Upload-Source" in more:
            facts["source"] = more["Upload-Source"]
        answer = await self._ask(
            "POST",
            self._base + UPLOADS_PATH,
            {
                "Upload-Length": str(found.size_bytes),
                "Upload-Metadata": _metadata(facts),
                "Upload-Number": str(wish.number),
                "Upload-Conversation": wish.conv,
                "Upload-Sha256": found.sha256,
                **more,
            },
        )
        if answer.status_code != 201:
            raise self._stop(refused(answer, name=found.name))
        self._take_place(answer.headers.get("Location", ""))
        self._careful |= "Upload-Offset" not in answer.headers  # not one of ours: nobody checks the whole file
        return self._offset_of(answer, 0)

    def _take_place(self, location: str) -> None:
        """Where the upload is: on the same host, or nowhere. The token is for that host alone."""
        url = urljoin(self._base + UPLOADS_PATH, location)
        media = url.rpartition("/")[2]
        here, there = urlsplit(self._base), urlsplit(url)
        if (here.scheme, here.netloc) != (there.scheme, there.netloc) or not is_media_id(media):
            raise self._stop(TransferInterrupted())
        self._media, self._url = MediaId(media), url
        self._places.put(self._wish.number, self._media, url)

    async def _where(self) -> int | None:
        """How far an upload has got; None if the server has forgotten it."""
        answer = await self._ask("HEAD", self._url, {})
        if answer.status_code in GONE:
            return None
        if answer.status_code not in (200, 204):
            raise self._stop(refused(answer, name=self._wish.found.name))
        return self._offset_of(answer)

    async def _append(self, offset: int) -> int | None:
        """Send one part or more, and return where the server stands now; None if it has forgotten the upload."""
        first = await self._part_at(offset)
        end = first.end if self._careful else min(offset + self._stretch_parts * UPLOAD_PART_BYTES, self._size_bytes)
        headers = {
            "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(end - offset),
        }
        if self._careful:
            headers["Upload-Checksum"] = f"sha256 {b64encode(first.sha256).decode()}"
        begun_s = self._now_s()
        answer = await self._ask("PATCH", self._url, headers, self._pieces(first, end))
        if answer.status_code == 204:
            self._learn((end - offset) / max(self._now_s() - begun_s, 1e-3))
            return self._offset_of(answer)
        if answer.status_code in GONE:
            return None
        return await self._other_answer(answer, offset, end)

    def _learn(self, bytes_per_s: float) -> None:
        """The faster the line, the longer the stretch; a slow one tells after each part what has arrived."""
        self._stretch_parts = max(1, min(STRETCH_PARTS, int(bytes_per_s * STRETCH_S / UPLOAD_PART_BYTES)))

    async def _other_answer(self, answer: httpx.Response, offset: int, end: int) -> int:
        problem = refused(answer, name=self._wish.found.name)
        if isinstance(problem, MediaOffset):
            reached = await self._where() if "Upload-Offset" not in answer.headers else self._offset_of(answer)
            return offset if reached is None else reached
        if isinstance(problem, UploadChecksum) or (isinstance(problem, MediaDamaged) and end < self._size_bytes):
            return offset  # damaged on the way: the same part again
        raise self._stop(problem)

    async def _ask(
        self, method: str, url: str, headers: dict[str, str], content: AsyncIterator[bytes] | None = None
    ) -> httpx.Response:
        with reaching(self._base, media=self._media):
            why = because("upload", self._wish.lid, self._wish.conv)
            return await self._http.request(
                method, url, headers=self._headers | headers, content=content, extensions=why
            )

    # ------------------------------------------------------------------------------------------ bytes

    async def _part_at(self, offset: int) -> _Part:
        """The part at this offset, and the next one is read while it goes out."""
        part = await self._reading() if self._next is not None else None
        if part is None or part.offset != offset:
            self._next = self._begin_reading(offset)
            part = await self._reading()
        self._next = self._begin_reading(part.end) if part.end < self._size_bytes else None
        return part

    def _begin_reading(self, offset: int) -> asyncio.Future[_Part]:
        return asyncio.get_running_loop().run_in_executor(None, self._read, offset)

    async def _reading(self) -> _Part:
        """Who is stopped while waiting leaves the thread its file: `run` waits for it."""
        assert self._next is not None
        await asyncio.wait((self._next,))
        reading, self._next = self._next, None
        return reading.result()

    def _read(self, offset: int) -> _Part:
        assert self._file is not None
        self._file.seek(offset)
        data = _exactly(self._file, min(UPLOAD_PART_BYTES, self._size_bytes - offset))
        if data is None:
            raise self._stop(MediaChanged(name=self._wish.found.name))
        return _Part(offset, data, sha256(data).digest() if self._careful else b"")

    async def _read_no_more(self) -> None:
        """The file is closed next: nobody reads in it any more."""
        if self._next is not None:
            await asyncio.wait((self._next,))
            self._next.exception()

    async def _pieces(self, part: _Part, end: int) -> AsyncIterator[bytes]:
        begin = part.offset
        on_the_way_bytes = min(ON_THE_WAY_BYTES, end - part.end)
        while True:
            for start in range(0, len(part.data), PIECE_BYTES):
                piece = part.data[start : start + PIECE_BYTES]
                yield piece
                self._tell(max(begin, part.offset + start + len(piece) - on_the_way_bytes))
            if part.end >= end:
                return
            part = await self._part_at(part.end)

    def _offset_of(self, answer: httpx.Response, otherwise: int | None = None) -> int:
        text = answer.headers.get("Upload-Offset", "" if otherwise is None else str(otherwise))
        if not (text.isascii() and text.isdigit()) or int(text) > self._size_bytes:
            raise self._stop(TransferInterrupted())
        return int(text)

    def _stop(self, problem: Problem) -> Problem:
        problem.facts["media"] = self._media
        return problem


class Places:
    """Where the uploads of this run are, as their server said it."""

    def __init__(self) -> None:
        self._media: dict[int, MediaId] = {}
        self._urls: dict[MediaId, str] = {}

    def put(self, number: int, media: MediaId, url: str) -> None:
        """An upload was created."""
        self._media[number], self._urls[media] = media, url

    def media_of(self, number: int) -> MediaId:
        """Its id, empty if it is not known here."""
        return self._media.get(number, MediaId(""))

    def url_of(self, base: str, media: MediaId) -> str:
        """Its address; where our server has it if nothing else was said in this run."""
        url = self._urls.get(media, "")
        return url if url.startswith(base + "/") else f"{base}{UPLOADS_PATH}/{media}"

    def forget(self, number: int) -> None:
        """It is over."""
        self._urls.pop(self._media.pop(number, MediaId("")), None)


def is_media_id(text: str) -> bool:
    """Whether this can be the id of a file: it becomes an address."""
    return _MEDIA.fullmatch(text) is not None


def _metadata(facts: Mapping[str, str]) -> str:
    return ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in facts.items())


def _exactly(file: BinaryIO, size_bytes: int) -> bytes | None:
    """So many bytes of an unbuffered file; None if it ends before."""
    data = file.read(size_bytes)
    while data and len(data) < size_bytes:
        more = file.read(size_bytes - len(data))
        if not more:
            return None
        data += more
    return data or None
