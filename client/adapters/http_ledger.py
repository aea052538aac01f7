"""The byte ledger: every request over HTTP goes through here, is counted both ways, and says which deed caused it.

A request without a cause is our mistake: it raises where `HEXAGRAM_STRICT` is set, as in every test, and is written
down as "unknown" elsewhere. Rows are written a while later, many at once; a transfer that runs is written with what it
has cost so far, so that an end without warning loses a second of it.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final

import httpx

from client.core.spending import Because, Cause, Spent
from protocol.problems import Problem
from protocol.values import ConvId, Lid

log = logging.getLogger(__name__)

STRICT: Final = "HEXAGRAM_STRICT"
CAUSE: Final = "hexagram.cause"
WRITE_AFTER_S: Final = 1.0
WAITING_MAX: Final = 10_000
"""Rows that a full disk may leave waiting; the oldest go first."""

NO_LID, NO_CONV = Lid(0), ConvId("")

Keep = Callable[[Sequence[Spent]], Awaitable[Sequence[int]]]


class NoCauseError(RuntimeError):
    """Somebody asks the server for something that no deed of the person explains."""


def because(cause: Cause, lid: Lid = NO_LID, conv: ConvId = NO_CONV) -> dict[str, Any]:
    """The `extensions` of a request that say why it is made."""
    return {CAUSE: Because(cause, lid, conv)}


class Ledger:
    """Counts, and writes down. `close` last.

    Args:
        keep: writes rows and returns their ids; a row with an id takes the place of the one that has it.
        now_ms: wall clock milliseconds; needed where rows are kept.
        strict: whether a request without a cause raises; None: as the environment says.
    """

    def __init__(
        self,
        keep: Keep | None = None,
        now_ms: Callable[[], int] = lambda: 0,
        strict: bool | None = None,
    ) -> None:
        self._keep, self._now_ms = keep, now_ms
        self._strict = bool(os.environ.get(STRICT)) if strict is None else strict
        self._changed: dict[Running, None] = {}
        self._soon: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()

    def begin(self, request: httpx.Request) -> Running:
        """A request is about to leave. Raises NoCauseError."""
        why = request.extensions.get(CAUSE)
        if not isinstance(why, Because) or why.cause == "unknown":
            if self._strict:
                raise NoCauseError(f"{request.method} {request.url.path} has no cause")
            log.error("! %s %s has no cause", request.method, request.url.path)
            why = Because("unknown")
        return Running(self, self._now_ms(), why, request)

    def changed(self, running: Running) -> None:
        """It has cost something since it was written last."""
        if self._keep is None:
            return
        self._changed[running] = None
        if self._soon is None or self._soon.done():
            self._soon = asyncio.get_running_loop().create_task(self._write_soon())

    async def flush(self) -> None:
        """Write what is not written. A disk that cannot take it gets it another time."""
        async with self._turn:
            if self._keep is None or not self._changed:
                return
            batch, self._changed = list(self._changed), {}
            try:
                ids = await self._keep([running.row() for running in batch])
            except Problem as problem:
                log.warning("! the ledger was not written: %s", problem.code)
                self._changed = dict.fromkeys([*batch, *self._changed][-WAITING_MAX:])
                return
            for running, number in zip(batch, ids, strict=True):
                running.id = number

    async def close(self) -> None:
        """Write the rest."""
        soon, self._soon = self._soon, None
        if soon is not None:
            soon.cancel()
            await asyncio.wait((soon,))
        await self.flush()

    async def _write_soon(self) -> None:
        await asyncio.sleep(WRITE_AFTER_S)
        await asyncio.shield(self.flush())


class Running:
    """What one request has cost so far."""

    def __init__(self, ledger: Ledger, at_ms: int, because: Because, request: httpx.Request) -> None:
        self._ledger, self._at_ms, self._because = ledger, at_ms, because
        self._method, self._what = request.method, request.url.path
        self._head_bytes = _head_bytes(f"{request.method} ".encode() + request.url.raw_path, request.headers)
        self._sent_bytes = self._received_bytes = self._status = 0
        self.id = 0

    async def seen(self, name: str, info: Any) -> None:
        """What the connection does: the head leaves only once there is one."""
        if name.endswith(".send_request_headers.started"):
            self.sent(self._head_bytes)

    def sent(self, count: int) -> None:
        """So many bytes more have left."""
        self._sent_bytes += count
        self._ledger.changed(self)

    def received(self, count: int) -> None:
        """So many bytes more have come."""
        self._received_bytes += count
        self._ledger.changed(self)

    def answered(self, answer: httpx.Response) -> None:
        """The head of the answer is here."""
        self._status = answer.status_code
        reason = answer.extensions.get("reason_phrase", b"")
        self.received(_head_bytes(b"%d " % answer.status_code + reason, answer.headers))

    def row(self) -> Spent:
        """As it stands now."""
        return Spent(
            self._at_ms, self._because, self._method, self._what, self._sent_bytes, self._received_bytes,
            self._status, self.id,
        )  # fmt: skip


class CountedTransport(httpx.AsyncBaseTransport):
    """A transport of httpx whose every request is in the ledger."""

    def __init__(self, inner: httpx.AsyncBaseTransport, ledger: Ledger) -> None:
        self._inner, self._ledger = inner, ledger

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises NoCauseError, and what the transport inside raises; what was spent until then is written."""
        running = self._ledger.begin(request)
        self._ledger.changed(running)
        request.extensions = {**request.extensions, "trace": running.seen}
        request.stream = _Counted(request.stream, running.sent)
        answer = await self._inner.handle_async_request(request)
        running.answered(answer)
        answer.stream = _Counted(answer.stream, running.received)
        return answer

    async def aclose(self) -> None:
        """Let go of the connections."""
        await self._inner.aclose()


class _Counted(httpx.AsyncByteStream):
    """Tells how many bytes pass."""

    def __init__(self, inner: Any, tell: Callable[[int], None]) -> None:
        self._inner, self._tell = inner, tell

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._inner:
            self._tell(len(piece))
            yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()


def _head_bytes(first: bytes, headers: httpx.Headers) -> int:
    """The length of a head of HTTP/1.1: first line with its version, a line a header, and the empty one."""
    lines = sum(len(name) + len(value) + len(": \r\n") for name, value in headers.raw)
    return len(first) + len(" HTTP/1.1\r\n") + lines + len("\r\n")
