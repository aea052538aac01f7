"""Files to and from the server over HTTP, the port `Media`: up in parts, down by ranges (P-75, P-76)."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Final
from weakref import WeakValueDictionary

import httpx

from client.adapters.http_answers import bearer, new_client, reaching, refused
from client.adapters.http_names import safe_extension
from client.core.effects import DownloadFile, UploadFile
from protocol.limits import DOWNLOAD_PART_BYTES, FILE_MAX_BYTES, MIB, UPLOAD_PART_BYTES
from protocol.problems import (
    DataReadOnly,
    DiskFull,
    MediaChanged,
    MediaDamaged,
    MediaEmpty,
    MediaIsFolder,
    MediaOffset,
    MediaTooLarge,
    MediaUnknown,
    MediaUnreadable,
    MediaVanished,
    Problem,
    TransferInterrupted,
)
from protocol.values import MediaId

Progress = Callable[[int, int], None]

TUS: Final = {"Tus-Resumable": "1.0.0"}
PIECE_BYTES: Final = DOWNLOAD_PART_BYTES
HASH_PIECE_BYTES: Final = MIB
PROGRESS_EVERY_S: Final = 0.05  # twenty times a second is smooth enough
STUCK_MAX: Final = 3
"""Parts in a row that did not move the offset; then it is another attempt's turn."""

_MEDIA = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class HttpMedia:
    """One call is one attempt. `close` last.

    Args:
        base_url: the server's address of the moment.
        token: the device token of the moment.
        cache_dir: where downloads are kept, by their hash; private to this profile.
    """

    def __init__(self, base_url: Callable[[], str], token: Callable[[], str], cache_dir: Path) -> None:
        self._base_url, self._token, self._cache = base_url, token, cache_dir
        self._client: httpx.AsyncClient | None = None
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def upload(self, wish: UploadFile, progress: Progress) -> MediaId:
        """Go on from where the server is; what it has already is not sent, as long as it has it.

        Raises: MediaVanished, MediaIsFolder, MediaUnreadable, MediaEmpty, MediaTooLarge, MediaChanged, all before
            the first byte; TransferInterrupted, ServerUnreachable, SignInAgain, MediaDamaged, and what the server
            says. The fact `media` names the upload as soon as there is one, so that the next attempt goes on.
        """
        found = wish.found
        if wish.source:
            try:
                return await _Upload(wish, None, self._http(), self._base_url(), self._token(), progress).pass_on()
            except MediaUnknown:
                if not found.path:
                    raise
        with _about(found.name):
            file = await asyncio.to_thread(_open_unchanged, found.path, found.name, found.size_bytes, found.sha256)
            try:
                return await _Upload(wish, file, self._http(), self._base_url(), self._token(), progress).run()
            except MediaDamaged as damaged:
                if await asyncio.to_thread(_hash, file) != found.sha256:
                    raise MediaChanged(name=found.name) from damaged
                raise
            finally:
                file.close()

    async def download(self, wish: DownloadFile, progress: Progress) -> str:
        """Go on from what is here; the path is returned only after length and SHA-256 were right.

        Raises: MediaUnknown, MediaDamaged, MediaTooLarge, TransferInterrupted, ServerUnreachable, SignInAgain,
            DiskFull, DataReadOnly.
        """
        if not _SHA256.fullmatch(wish.sha256) or not _MEDIA.fullmatch(wish.media):
            raise MediaUnknown()  # another person's device wrote these: they become a path and an address
        if wish.size_bytes > FILE_MAX_BYTES:
            raise _too_large(wish.size_bytes)
        turn = self._turns.setdefault(wish.sha256, asyncio.Lock())
        async with turn:  # two bubbles may name one file
            with _on_disk():
                return await self._fetch(wish, progress)

    async def close(self) -> None:
        """Let go of the connections; attempts that run fail."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = new_client()
        return self._client

    async def _fetch(self, wish: DownloadFile, progress: Progress) -> str:
        folder = self._cache / wish.sha256[:2]
        path = folder / (wish.sha256 + safe_extension(wish.name))
        part = folder / f"{wish.sha256}.part"
        if await asyncio.to_thread(_is_whole, path, wish):
            progress(wish.size_bytes, wish.size_bytes)
            return str(path)
        here_bytes = await asyncio.to_thread(_prepare, part, wish.size_bytes)
        if here_bytes < wish.size_bytes:
            await self._continue(wish, part, here_bytes, _Throttled(progress, wish.size_bytes))
        if not await asyncio.to_thread(_keep, part, path, wish):
            raise MediaDamaged()
        return str(path)

    async def _continue(self, wish: DownloadFile, part: Path, start: int, progress: _Throttled) -> None:
        base = self._base_url()
        headers = bearer(self._token())
        if start:
            headers |= {"Range": f"bytes={start}-", "If-Range": f'"{wish.sha256}"'}
        with reaching(base):
            async with self._http().stream("GET", f"{base}/v1/media/{wish.media}", headers=headers) as answer:
                start = await self._start_of(answer, wish, part, start)
                file = await asyncio.to_thread(open, part, "r+b")
                try:
                    await _pour(answer, file, start, wish.size_bytes, progress)
                finally:
                    await asyncio.to_thread(file.close)

    async def _start_of(self, answer: httpx.Response, wish: DownloadFile, part: Path, asked: int) -> int:
        """Where the bytes of this answer begin."""
        if answer.status_code == 200:
            return 0
        if answer.status_code == 206:
            match = re.match(r"bytes (\d{1,16})-", answer.headers.get("Content-Range", ""))
            if match and int(match[1]) == asked:
                return asked
            raise TransferInterrupted()
        if answer.status_code == 416:  # what is here does not fit what is there
            await asyncio.to_thread(part.unlink, missing_ok=True)
            raise TransferInterrupted()
        await answer.aread()
        raise refused(answer)


class _Upload:
    """One attempt to bring one file up."""

    def __init__(
        self, wish: UploadFile, file: BinaryIO | None, http: httpx.AsyncClient, base: str, token: str,
        progress: Progress,
    ) -> None:  # fmt: skip
        self._wish, self._file, self._http, self._base = wish, file, http, base
        self._headers = TUS | bearer(token)
        self._size_bytes = wish.found.size_bytes
        self._progress = _Throttled(progress, self._size_bytes)
        self._media = wish.media

    async def run(self) -> MediaId:
        offset = await self._where() if self._media else None
        if offset is None:
            offset = await self._create()
        stuck = 0
        while offset < self._size_bytes:
            self._progress(offset)
            reached = await self._append(offset)
            stuck = stuck + 1 if reached <= offset else 0
            if stuck >= STUCK_MAX:
                raise self._stop(TransferInterrupted())
            offset = reached
        self._progress(offset)
        return self._media

    async def pass_on(self) -> MediaId:
        """Have the server take its own bytes. Raises MediaUnknown if it has them no more."""
        offset = await self._create({"Upload-Source": self._wish.source})
        if offset < self._size_bytes:
            raise self._stop(TransferInterrupted())
        self._progress(offset)
        return self._media

    async def _create(self, more: Mapping[str, str] = MappingProxyType({})) -> int:
        """Asked again with the same number, the server answers with the same upload."""
        found = self._wish.found
        answer = await self._ask(
            "POST",
            "/v1/media",
            {
                "Upload-Length": str(found.size_bytes),
                "Upload-Number": str(self._wish.number),
                "Upload-Conversation": self._wish.conv,
                "Upload-Sha256": found.sha256,
                **more,
            },
        )
        if answer.status_code != 201:
            raise self._stop(refused(answer, name=found.name))
        media = answer.headers.get("Location", "").rpartition("/")[2]
        if not _MEDIA.fullmatch(media):
            raise self._stop(TransferInterrupted())
        self._media = MediaId(media)
        return self._offset_of(answer)

    async def _where(self) -> int | None:
        """How far an upload has got; None if the server has forgotten it."""
        answer = await self._ask("HEAD", f"/v1/media/{self._media}", {})
        if answer.status_code == 404:
            return None
        if answer.status_code != 200:
            raise self._stop(refused(answer, name=self._wish.found.name))
        return self._offset_of(answer)

    async def _append(self, offset: int) -> int:
        """Send one part, and return where the server stands now."""
        size_bytes = min(UPLOAD_PART_BYTES, self._size_bytes - offset)
        answer = await self._ask(
            "PATCH",
            f"/v1/media/{self._media}",
            {
                "Upload-Offset": str(offset),
                "Content-Type": "application/offset+octet-stream",
                "Content-Length": str(size_bytes),
            },
            self._pieces(offset, size_bytes),
        )
        if answer.status_code == 204:
            return self._offset_of(answer)
        problem = refused(answer, name=self._wish.found.name)
        if isinstance(problem, MediaOffset):
            return self._offset_of(answer)
        raise self._stop(problem)

    async def _pieces(self, offset: int, size_bytes: int) -> AsyncIterator[bytes]:
        end = offset + size_bytes
        assert self._file is not None
        while offset < end:
            piece = await asyncio.to_thread(_read_at, self._file, offset, min(PIECE_BYTES, end - offset))
            if not piece:
                raise self._stop(MediaChanged(name=self._wish.found.name))
            yield piece
            offset += len(piece)
            self._progress(offset)

    async def _ask(
        self, method: str, path: str, headers: dict[str, str], content: AsyncIterator[bytes] | None = None
    ) -> httpx.Response:
        with reaching(self._base, media=self._media):
            return await self._http.request(method, self._base + path, headers=self._headers | headers, content=content)

    def _offset_of(self, answer: httpx.Response) -> int:
        text = answer.headers.get("Upload-Offset", "")
        if not (text.isascii() and text.isdigit()) or int(text) > self._size_bytes:
            raise self._stop(TransferInterrupted())
        return int(text)

    def _stop(self, problem: Problem) -> Problem:
        problem.facts["media"] = self._media
        return problem


class _Throttled:
    """Tells about progress not more often than a person can see; the end is always told."""

    def __init__(self, progress: Progress, total_bytes: int) -> None:
        self._progress, self._total_bytes = progress, total_bytes
        self._now_s = asyncio.get_running_loop().time
        self._told_s = float("-inf")
        self._told_bytes = -1

    def __call__(self, done_bytes: int) -> None:
        due = self._now_s() - self._told_s >= PROGRESS_EVERY_S or done_bytes == self._total_bytes
        if due and done_bytes != self._told_bytes:
            self._told_s, self._told_bytes = self._now_s(), done_bytes
            self._progress(done_bytes, self._total_bytes)


# ------------------------------------------------------------------------------------- on threads


def _open_unchanged(path: str, name: str, size_bytes: int, sha256_hex: str) -> BinaryIO:
    """The file, if it still is the one that was looked at."""
    if os.path.isdir(path):
        raise MediaIsFolder(name=name)
    file = open(path, "rb")  # noqa: SIM115 - the caller closes it
    try:
        now_bytes = os.fstat(file.fileno()).st_size
        if now_bytes == 0:
            raise MediaEmpty(name=name)
        if now_bytes > FILE_MAX_BYTES:
            raise _too_large(now_bytes)
        if now_bytes != size_bytes or _hash(file) != sha256_hex:
            raise MediaChanged(name=name)
    except BaseException:
        file.close()
        raise
    return file


def _hash(file: BinaryIO) -> str:
    file.seek(0)
    digest = sha256()
    while piece := file.read(HASH_PIECE_BYTES):
        digest.update(piece)
    return digest.hexdigest()


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return _hash(file)


def _read_at(file: BinaryIO, offset: int, size_bytes: int) -> bytes:
    file.seek(offset)
    return file.read(size_bytes)


def _is_whole(path: Path, wish: DownloadFile) -> bool:
    """Whether the file is here already, and nothing happened to it."""
    try:
        return path.stat().st_size == wish.size_bytes and _hash_of(path) == wish.sha256
    except FileNotFoundError:
        return False


def _prepare(part: Path, size_bytes: int) -> int:
    """Make room, and return how many bytes are here from earlier attempts."""
    part.parent.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part.parent.mkdir(exist_ok=True, mode=0o700)
    with suppress(FileExistsError):
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    here_bytes = part.stat().st_size
    if here_bytes > size_bytes:
        os.truncate(part, 0)
        here_bytes = 0
    if shutil.disk_usage(part.parent).free < size_bytes - here_bytes:
        raise DiskFull()
    return here_bytes


async def _pour(answer: httpx.Response, file: BinaryIO, start: int, size_bytes: int, progress: _Throttled) -> None:
    """Write what comes; what was written stays, whatever happens next."""
    await asyncio.to_thread(_cut, file, start)
    done_bytes = start
    progress(done_bytes)
    async for piece in answer.aiter_raw(PIECE_BYTES):
        if done_bytes + len(piece) > size_bytes:
            await asyncio.to_thread(_cut, file, 0)
            raise MediaDamaged()
        await asyncio.to_thread(file.write, piece)
        done_bytes += len(piece)
        progress(done_bytes)
    if done_bytes < size_bytes:
        raise TransferInterrupted()


def _cut(file: BinaryIO, size_bytes: int) -> None:
    file.seek(size_bytes)
    file.truncate()


def _keep(part: Path, path: Path, wish: DownloadFile) -> bool:
    """Give the file its name if it is the promised one; else remove it."""
    if part.stat().st_size != wish.size_bytes or _hash_of(part) != wish.sha256:
        part.unlink()
        return False
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(part, path)
    if sys.platform != "win32":  # the name is durable when its folder is
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    return True


def _too_large(size_bytes: int) -> MediaTooLarge:
    return MediaTooLarge(size_mb=-(-size_bytes // MIB), limit_mb=FILE_MAX_BYTES // MIB)


@contextmanager
def _about(name: str) -> Iterator[None]:
    """What the disk says about a file to be sent."""
    try:
        yield
    except FileNotFoundError as error:
        raise MediaVanished(name=name) from error
    except OSError as error:
        raise MediaUnreadable(name=name) from error


@contextmanager
def _on_disk() -> Iterator[None]:
    """What the disk says about a file to be kept."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise (DiskFull() if full else DataReadOnly()) from error
