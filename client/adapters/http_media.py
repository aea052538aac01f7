"""Files to and from the server over HTTP, the port `Media`: up in parts, down by ranges (P-75, P-76)."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path
from typing import BinaryIO, Final
from weakref import WeakValueDictionary

import httpx

from client.adapters.http_answers import bearer, new_client, reaching, refused
from client.adapters.http_cache import Cache
from client.adapters.http_files import Files, Part, about, hash_of, on_disk, too_large
from client.adapters.http_ledger import Ledger, because
from client.adapters.http_upload import TUS, Places, Upload, is_media_id
from client.core.effects import DownloadFile, ForgetUpload, KeepSent, UploadFile
from client.core.model import Inspected
from client.core.spending import Stored
from protocol.limits import DOWNLOAD_PART_BYTES, FILE_MAX_BYTES
from protocol.problems import MediaChanged, MediaDamaged, MediaUnknown, Problem, TransferInterrupted
from protocol.values import MediaId, replace

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]

WRITE_BYTES: Final = 8 * DOWNLOAD_PART_BYTES
"""Gathered before the disk is asked: fewer hops between threads."""
WRITE_EVERY_S: Final = 0.2  # a slow line: what came is on the disk soon, whoever is killed
PROGRESS_EVERY_S: Final = 0.05  # twenty times a second is smooth enough

_SHA256 = re.compile(r"[0-9a-f]{64}")


class HttpMedia:
    """One call is one attempt. `close` last.

    Args:
        base_url: the server's address of the moment.
        token: the device token of the moment.
        cache_dir: where downloads are kept, by their hash; private to this profile.
        own_dirs: folders of copies and of recordings that were made here; the first is that of copies.
        ledger: where each request is written down.
    """

    def __init__(
        self,
        base_url: Callable[[], str],
        token: Callable[[], str],
        cache_dir: Path,
        own_dirs: Sequence[Path] = (),
        ledger: Ledger | None = None,
    ) -> None:
        self._ledger, self._cache = ledger or Ledger(), Cache(cache_dir)
        self._base_url, self._token = base_url, token
        self._files, self._places = Files(cache_dir, own_dirs), Places()
        self._client: httpx.AsyncClient | None = None
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def upload(self, wish: UploadFile, progress: Progress) -> MediaId:
        """Go on from where the server is; what it has already is not sent, as long as it has it.

        Raises: MediaVanished, MediaIsFolder, MediaUnreadable, MediaEmpty, MediaTooLarge, MediaChanged, all before
            the first byte; TransferInterrupted, ServerUnreachable, SignInAgain, MediaDamaged, and what the server
            says. The fact `media` names the upload as soon as there is one, so that the next attempt goes on.
        """
        found = wish.found
        tell = _Throttled(progress, found.size_bytes)
        if wish.source:
            try:
                return await Upload(wish, None, self._http(), *self._where(), self._places, tell).pass_on()
            except MediaUnknown:
                if not found.path:
                    raise
        with about(found.name):
            file = await asyncio.to_thread(
                self._files.open_unchanged, found.path, found.name, found.size_bytes, found.sha256
            )
            try:
                return await self._send(wish, file, tell)
            finally:
                file.close()

    async def _send(self, wish: UploadFile, file: BinaryIO, tell: _Throttled) -> MediaId:
        """What arrived damaged is sent once more, with a checksum on every part, unless it is damaged here."""
        found = wish.found
        try:
            return await Upload(wish, file, self._http(), *self._where(), self._places, tell).run()
        except MediaDamaged as damaged:
            self._files.forget(found.path)
            if await asyncio.to_thread(hash_of, file) != found.sha256:
                raise MediaChanged(name=found.name) from damaged
        anew = replace(wish, media=MediaId(""))
        return await Upload(anew, file, self._http(), *self._where(), self._places, tell, careful=True).run()

    async def download(self, wish: DownloadFile, progress: Progress) -> str:
        """Go on from what is here; the path is returned only after length and SHA-256 were right.

        Raises: MediaUnknown, MediaDamaged, MediaTooLarge, TransferInterrupted, ServerUnreachable, SignInAgain,
            DiskFull, DataReadOnly.
        """
        if not _SHA256.fullmatch(wish.sha256) or not is_media_id(wish.media):
            raise MediaUnknown()  # another person's device wrote these: they become a path and an address
        if wish.size_bytes > FILE_MAX_BYTES:
            raise too_large(wish.size_bytes)
        turn = self._turns.setdefault(wish.sha256, asyncio.Lock())
        async with turn:  # two bubbles may name one file
            with on_disk():
                return await self._fetch(wish, progress)

    async def forget(self, wish: ForgetUpload) -> None:
        """Tell the server that an upload ends here; whatever comes of that, it forgets by itself as well (P-75)."""
        media = self._places.media_of(wish.number) or wish.media
        if not is_media_id(media):
            return
        base, token = self._where()
        url = self._places.url_of(base, media)
        self._places.forget(wish.number)
        try:
            with reaching(base):
                why = because("cancel", wish.lid)
                answer = await self._http().delete(url, headers=TUS | bearer(token), extensions=why)
            log.info("- upload %s is over: %d", media, answer.status_code)
        except Problem as problem:
            log.info("- upload %s stays for a while: %s", media, problem.code)

    async def close(self) -> None:
        """Let go of the connections; attempts that run fail."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    # ------------------------------------------------------------------------------------ on this disk

    async def watched(self, path: str, look: Awaitable[Inspected]) -> Inspected:
        """Await `look` at this file, and remember the hash it found for as long as nobody touches the file."""
        before = self._files.stamp(path)
        found = await look
        after = self._files.stamp(found.path)
        if found.path != path or after == before:  # a copy was made for us alone
            self._files.trust(found.path, after, found.sha256)
        return found

    async def here_bytes(self, sha256: str) -> int:
        """How much of a file has come that is not here yet."""
        return await asyncio.to_thread(self._files.here_bytes, sha256) if _SHA256.fullmatch(sha256) else 0

    async def unchanged(self, path: str, size_bytes: int, sha256: str) -> bool:
        """Whether a file that came is still here as it came. Raises DataReadOnly."""
        with on_disk():
            return await asyncio.to_thread(self._files.is_whole, Path(path), size_bytes, sha256)

    async def keep_sent(self, wish: KeepSent) -> str:
        """Put a recording where downloads are, and return that path; empty if it is not one of ours."""
        if not self._files.is_ours(wish.path) or not _SHA256.fullmatch(wish.sha256):
            return ""
        return await asyncio.to_thread(self._files.adopt, wish.sent, wish.sha256, wish.name)

    async def drop(self, path: str) -> None:
        """Remove a copy or a recording of ours; any other file stays."""
        await asyncio.to_thread(self._files.drop, path)

    def is_ours(self, path: str) -> bool:
        """Whether a file is a copy or a recording that was made here."""
        return self._files.is_ours(path)

    async def sweep(self, needed: Collection[str]) -> None:
        """Remove the copies that were left behind, except these."""
        await asyncio.to_thread(self._files.sweep, needed)

    async def stored(self) -> list[Stored]:
        """What lies where downloads are kept, also what is still coming. Raises DataReadOnly."""
        with on_disk():
            return await asyncio.to_thread(self._cache.stored)

    async def remove(self, path: str) -> bool:
        """Take a file away from there; whether it is gone. No file elsewhere is touched."""
        self._files.forget(path)
        return await asyncio.to_thread(self._cache.remove, path)

    async def used(self, path: str, at_ms: int) -> None:
        """The person looked at this file then: those that nobody looked at since go before it."""
        await asyncio.to_thread(self._cache.used, path, at_ms)

    # ----------------------------------------------------------------------------------------- down

    async def _fetch(self, wish: DownloadFile, progress: Progress) -> str:
        files, place = self._files, self._files.place_of(wish.sha256, wish.name)
        if await asyncio.to_thread(files.is_whole, place, wish.size_bytes, wish.sha256):
            progress(wish.size_bytes, wish.size_bytes)
            return str(place)
        part = await asyncio.to_thread(files.begin, wish.sha256, wish.size_bytes)
        try:
            if part.size_bytes < wish.size_bytes:
                await self._continue(wish, part, _Throttled(progress, wish.size_bytes))
            await asyncio.to_thread(files.keep, part, place, wish.size_bytes, wish.sha256)
        finally:
            part.close()
        return str(place)

    async def _continue(self, wish: DownloadFile, part: Part, tell: _Throttled) -> None:
        base, token = self._where()
        headers = bearer(token)
        if part.size_bytes:
            headers |= {"Range": f"bytes={part.size_bytes}-", "If-Range": f'"{wish.sha256}"'}
        with reaching(base):
            url, why = f"{base}/v1/media/{wish.media}", because("download", wish.lid)
            async with self._http().stream("GET", url, headers=headers, extensions=why) as answer:
                await _fits(answer, part)
                await self._pour(answer, part, wish.size_bytes, tell)

    async def _pour(self, answer: httpx.Response, part: Part, size_bytes: int, tell: _Throttled) -> None:
        """Write what comes, in the order it comes; what was written stays, whatever happens next."""
        sink = _Sink(part, size_bytes, tell)
        try:
            async for piece in answer.aiter_raw():
                await sink.take(piece)
        finally:
            await sink.flush()
            if part.size_bytes < size_bytes:
                self._files.interrupted(part)
        if part.size_bytes < size_bytes:
            raise TransferInterrupted()

    # -------------------------------------------------------------------------------------- details

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = new_client(self._ledger)
        return self._client

    def _where(self) -> tuple[str, str]:
        return self._base_url(), self._token()


async def _fits(answer: httpx.Response, part: Part) -> None:
    """Whether the bytes of this answer go on behind those that are here; from the beginning, they take their place."""
    if answer.status_code == 200:
        if part.size_bytes:
            await asyncio.to_thread(part.empty)
        return
    if answer.status_code == 206:
        match = re.match(r"bytes (\d{1,16})-", answer.headers.get("Content-Range", ""))
        if match and int(match[1]) == part.size_bytes:
            return
        raise TransferInterrupted()
    if answer.status_code == 416:  # what is here does not fit what is there
        await asyncio.to_thread(part.empty)
        raise TransferInterrupted()
    await answer.aread()
    raise refused(answer)


class _Sink:
    """Writes on a thread what was gathered, while more comes."""

    def __init__(self, part: Part, size_bytes: int, tell: _Throttled) -> None:
        self._part, self._size_bytes, self._tell = part, size_bytes, tell
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0
        self._writing: asyncio.Future[None] | None = None
        self._taken_bytes = part.size_bytes
        self._now_s = asyncio.get_running_loop().time
        self._written_s = self._now_s()
        tell(self._taken_bytes)

    async def take(self, piece: bytes) -> None:
        """Raises MediaDamaged for more than was promised, and what the disk says."""
        self._taken_bytes += len(piece)
        if self._taken_bytes > self._size_bytes:
            await self._written()
            await asyncio.to_thread(self._part.empty)
            self._gathered, self._gathered_bytes = [], 0
            raise MediaDamaged()
        self._gathered.append(piece)
        self._gathered_bytes += len(piece)
        self._tell(self._taken_bytes)
        if self._gathered_bytes >= WRITE_BYTES or self._now_s() - self._written_s >= WRITE_EVERY_S:
            await self._write()

    async def flush(self) -> None:
        """Everything that came is in the file, also when the attempt was stopped."""
        if self._gathered:
            await self._write()
        await self._written()

    async def _write(self) -> None:
        await self._written()
        pieces, self._gathered, self._gathered_bytes = self._gathered, [], 0
        self._written_s = self._now_s()
        self._writing = asyncio.get_running_loop().run_in_executor(None, self._append, pieces)

    async def _written(self) -> None:
        if self._writing is None:
            return
        await asyncio.wait((self._writing,))  # a thread is not stopped in the middle, whoever waits for it
        writing, self._writing = self._writing, None
        writing.result()

    def _append(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            self._part.write(piece)


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
