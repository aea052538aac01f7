"""A file on its way down: the part that was asked for, never faster than it is read (P-76, SEC-30)."""

from __future__ import annotations

import asyncio
import errno
from contextlib import closing, suppress
from io import BufferedReader

from aiohttp import hdrs, web

from protocol.limits import KIB, MIB
from protocol.problems import MediaUnknown
from server.ports import Found, Held, Upload

READ_BYTES = 256 * KIB  # of a file, where the kernel cannot send it by itself
DOWN_PART_BYTES = 4 * MIB  # of a download, which must be read within …
STALLED_MAX_S = 120.0  # … so long: 35 KB/s
DOWN = {
    "Content-Type": "application/octet-stream",  # the true type is inside the message
    "Content-Disposition": 'attachment; filename="file"',
    "Accept-Ranges": "bytes",
}


def wanted_range(request: web.Request, upload: Upload) -> range | None:
    """The bytes that were asked for, or None for all of them. Raises ValueError if there are none such."""
    validator = request.headers.get(hdrs.IF_RANGE)
    if hdrs.RANGE not in request.headers or validator not in (None, f'"{upload.sha256.hex()}"'):
        return None
    start, stop = request.http_range.start, request.http_range.stop
    wanted = range(upload.size_bytes)[start:stop]
    if not wanted:
        raise ValueError("no such bytes")
    return wanted


async def send(request: web.Request, answer: web.StreamResponse, found: Found, head: bool) -> web.StreamResponse:
    """Headers, then the bytes, unless only the headers were asked for."""
    if isinstance(found, Held):
        await answer.prepare(request)
        if not head:
            await answer.write(found.data[: answer.content_length])
        return answer
    try:
        file = await asyncio.to_thread(open, found.path, "rb")
    except FileNotFoundError as gone:
        raise MediaUnknown() from gone
    with closing(file):
        await answer.prepare(request)
        if not head:
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
        if not (piece := await asyncio.to_thread(file.read, min(count, READ_BYTES))):
            raise OSError(errno.EIO, "the file is shorter than its row says")
        await answer.write(piece)
        count -= len(piece)
