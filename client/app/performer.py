"""Does what the core asks of the world: talk on the wire, look into files, carry them. Decides nothing.

What takes long runs beside the loop and comes back as an event.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Literal, TypeAlias

from client.app.packet_log import packets_line
from client.app.tasks import Tasks
from client.core.effects import (
    Connect,
    DownloadFile,
    FindOwnAbove,
    HangUp,
    InspectFile,
    Send,
    StopTransfer,
    UploadFile,
)
from client.core.events import (
    Event,
    Fetched,
    FetchStopped,
    FileInspected,
    Heard,
    OwnAbove,
    Received,
    Uploaded,
    UploadStopped,
    WireDown,
    WireUp,
)
from client.core.model import TransferProgress
from client.ports import Parts
from protocol.codec import Garbled
from protocol.packets import FromServer
from protocol.problems import Problem
from protocol.values import Lid, MediaId

log = logging.getLogger(__name__)

GOING_AWAY = 1001  # close code of the WebSocket
Asked: TypeAlias = Connect | HangUp | Send | InspectFile | UploadFile | DownloadFile | StopTransfer | FindOwnAbove


class Performer:
    """The wire's listener and the runner's performer.

    The core counts its connections from 1, and is built anew now and then. Numbers on the real wire never
    repeat, so that what an old connection still says is nobody's.
    """

    def __init__(
        self,
        parts: Parts,
        tasks: Tasks,
        post: Callable[[Event], None],
        progressed: Callable[[TransferProgress], None],
    ) -> None:
        self._parts, self._tasks, self._post, self._progressed = parts, tasks, post, progressed
        self._wire = parts.open_wire(self)
        self._url = ""
        self._base = self._highest = 0
        self._open: set[int] = set()
        self._closed = asyncio.Event()
        self._transfers: dict[Lid, asyncio.Task[None]] = {}
        self._facts: dict[Lid, dict[str, object]] = {}

    def aim(self, url: str) -> None:
        """Connect to this line from now on."""
        self._url = url

    def facts_of(self, lid: Lid) -> dict[str, object]:
        """What the last Problem of this bubble's file said beside its code."""
        return self._facts.get(lid, {})

    def do(self, effect: Asked) -> None:
        """Begin it. Never blocks."""
        match effect:
            case Connect(wire):
                self._highest = self._base + wire
                self._open.add(self._highest)
                self._closed.clear()
                self._wire.connect(self._highest, self._url)
            case HangUp(wire, close):
                self._wire.hang_up(self._base + wire, close)
            case Send(wire, packets):
                log.debug("> %s", packets_line(packets))
                self._wire.send(self._base + wire, packets)
            case StopTransfer(lid):
                self._stop(lid)
            case InspectFile():
                self._begin(effect.lid, self._inspect(effect))
            case UploadFile():
                self._begin(effect.lid, self._upload(effect))
            case DownloadFile():
                self._begin(effect.lid, self._download(effect))
            case FindOwnAbove():
                self._tasks.start(self._find(effect, self._base), "find own messages")

    def drop(self) -> None:
        """Leave the line and every transfer: the core that asked for them is gone."""
        self._leave()
        self._base = self._highest
        for lid in tuple(self._transfers):
            self._stop(lid)

    def _leave(self) -> None:
        for wire in tuple(self._open):
            self._wire.hang_up(wire, GOING_AWAY)

    async def closed(self, within_s: float) -> None:
        """Wait until no connection is open, or until the time is up."""
        if self._open:
            try:
                async with asyncio.timeout(within_s):
                    await self._closed.wait()
            except TimeoutError:
                log.warning("! the line was not closed within %.1f s", within_s)

    # ------------------------------------------------------------------------------ what the wire says

    def up(self, wire: int) -> None:
        self._hear(WireUp(wire - self._base))

    def progressed(self, wire: int) -> None:
        self._hear(Heard(wire - self._base))

    def received(self, wire: int, packets: list[FromServer | Garbled]) -> None:
        log.debug("< %s", packets_line(packets))
        self._hear(Received(wire - self._base, tuple(packets)))

    def down(self, wire: int, close: int, retry_ms: int, why: str = "") -> None:
        log.info("- line %d down, close code %d", wire, close)
        self._open.discard(wire)
        if not self._open:
            self._closed.set()
        self._hear(WireDown(wire - self._base, close, retry_ms, why))

    def _hear(self, event: WireUp | Heard | Received | WireDown) -> None:
        if event.wire > 0:
            self._post(event)

    # ------------------------------------------------------------------------------------------- files

    def _begin(self, lid: Lid, work: Coroutine[Any, Any, None]) -> None:
        self._stop(lid)
        self._facts.pop(lid, None)
        task = self._tasks.start(work, f"transfer of bubble {lid}")
        self._transfers[lid] = task
        task.add_done_callback(lambda done: self._ended(lid, done))

    def _ended(self, lid: Lid, task: asyncio.Task[None]) -> None:
        if self._transfers.get(lid) is task:
            del self._transfers[lid]

    def _stop(self, lid: Lid) -> None:
        task = self._transfers.pop(lid, None)
        if task is not None:
            task.cancel()

    async def _inspect(self, wish: InspectFile) -> None:
        try:
            found = await self._parts.worker.inspect(wish.path, wish.name, wish.kind)
        except Exception as error:
            self._post(UploadStopped(wish.lid, *self._reason(wish.lid, error)))
        else:
            self._post(FileInspected(wish.lid, found))

    async def _upload(self, wish: UploadFile) -> None:
        try:
            media = await self._parts.media.upload(wish, self._meter(wish.lid, "up"))
        except Exception as error:
            # The upload that was begun goes on another time, if the answer names it.
            media = MediaId(str(getattr(error, "facts", {}).get("media", "")))
            self._post(UploadStopped(wish.lid, *self._reason(wish.lid, error), media))
        else:
            self._post(Uploaded(wish.lid, media))

    async def _download(self, wish: DownloadFile) -> None:
        try:
            path = await self._parts.media.download(wish, self._meter(wish.lid, "down"))
        except Exception as error:
            self._post(FetchStopped(wish.lid, *self._reason(wish.lid, error)))
        else:
            self._post(Fetched(wish.lid, path))

    async def _find(self, wish: FindOwnAbove, base: int) -> None:
        """A disk that cannot answer costs this session; the next one asks again."""
        try:
            own = await self._parts.messages.own_above(wish.bases)
        except Problem as problem:
            log.warning("! own messages were not found: %s", problem.code)
            self._leave()
        else:
            if base == self._base:
                self._post(OwnAbove(own))

    def _reason(self, lid: Lid, error: Exception) -> tuple[str, bool]:
        """A Problem speaks for itself; anything else is our mistake, and trying again would repeat it."""
        if isinstance(error, Problem):
            self._facts[lid] = error.facts
            log.info("- transfer of bubble %d: %s", lid, error.code)
            return error.code, error.can_retry
        log.error("! transfer of bubble %d", lid, exc_info=error)
        return Problem.code, False

    def _meter(self, lid: Lid, way: Literal["up", "down"]) -> Callable[[int, int], None]:
        return lambda done_bytes, total_bytes: self._progressed(TransferProgress(lid, way, done_bytes, total_bytes))
