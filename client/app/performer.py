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
    DropCopy,
    FindOwnAbove,
    ForgetUpload,
    HangUp,
    InspectFile,
    KeepSent,
    MakeSmaller,
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
    Kept,
    Made,
    MakingStopped,
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
Asked: TypeAlias = (
    Connect
    | HangUp
    | Send
    | InspectFile
    | MakeSmaller
    | UploadFile
    | DownloadFile
    | StopTransfer
    | ForgetUpload
    | DropCopy
    | KeepSent
    | FindOwnAbove
)


AboutFiles: TypeAlias = (
    StopTransfer | InspectFile | MakeSmaller | UploadFile | DownloadFile | ForgetUpload | DropCopy | KeepSent
)


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
        self._ending: dict[Lid, asyncio.Task[None]] = {}
        self._facts: dict[Lid, dict[str, object]] = {}
        self._began: dict[Lid, tuple[int, int]] = {}

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
            case FindOwnAbove():
                self._tasks.start(self._find(effect, self._base), "find own messages")
            case _:
                self._do_with_files(effect)

    def _do_with_files(self, effect: AboutFiles) -> None:
        match effect:
            case StopTransfer(lid):
                self._stop(lid)
            case InspectFile():
                self._begin(effect.lid, self._inspect(effect))
            case MakeSmaller():
                self._begin(effect.lid, self._make_smaller(effect))
            case UploadFile():
                self._begin(effect.lid, self._upload(effect))
            case DownloadFile():
                self._begin(effect.lid, self._download(effect))
            case ForgetUpload(lid):
                self._tasks.start(self._forget(effect, self._ending.get(lid)), "forget an upload")
            case DropCopy(path):
                self._tasks.start(self._drop(path), "drop a copy")
            case KeepSent():
                self._tasks.start(self._keep_sent(effect), "keep what was sent")

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
        for known in (self._transfers, self._ending):
            if known.get(lid) is task:
                del known[lid]

    def _stop(self, lid: Lid) -> None:
        task = self._transfers.pop(lid, None)
        if task is not None:
            self._ending[lid] = task
            task.cancel()

    async def _inspect(self, wish: InspectFile) -> None:
        look = self._parts.worker.inspect(wish.path, wish.name, wish.kind, wish.quality)
        try:
            found = await self._parts.media.watched(wish.path, look)
        except Exception as error:
            self._post(UploadStopped(wish.lid, *self._reason(wish.lid, error)))
        else:
            self._post(FileInspected(wish.lid, found))

    async def _make_smaller(self, wish: MakeSmaller) -> None:
        """Without a smaller copy the file goes as it is."""
        try:
            made = await self._parts.worker.make_smaller(wish.path, wish.kind, self._meter(wish.lid, "make"))
        except Exception as error:
            self._post(MakingStopped(wish.lid, self._reason(wish.lid, error)[0]))
        else:
            self._post(Made(wish.lid, "" if made is None else str(made)))

    async def _upload(self, wish: UploadFile) -> None:
        try:
            media = await self._parts.media.upload(wish, self._meter(wish.lid, "up"))
        except Exception as error:
            # The upload that was begun goes on another time, if the answer names it.
            media = MediaId(str(getattr(error, "facts", {}).get("media", "")))
            self._post(
                UploadStopped(wish.lid, *self._reason(wish.lid, error), media, _wait_s(error), self._moves(wish.lid))
            )
        else:
            self._began.pop(wish.lid, None)
            self._post(Uploaded(wish.lid, media))

    async def _download(self, wish: DownloadFile) -> None:
        try:
            path = await self._parts.media.download(wish, self._meter(wish.lid, "down"))
            looked = await self._parts.worker.look(path, wish.kind, wish.name)
        except Exception as error:
            self._post(FetchStopped(wish.lid, *self._reason(wish.lid, error), _wait_s(error), self._moves(wish.lid)))
        else:
            self._began.pop(wish.lid, None)
            self._post(Fetched(wish.lid, path, looked.why, self._parts.clock.wall_ms()))

    # --------------------------------------------------------------------------------- what is left over

    async def _forget(self, wish: ForgetUpload, ending: asyncio.Task[None] | None) -> None:
        """Only when the last attempt has let go: two of us never talk about one upload."""
        if ending is not None:
            await asyncio.wait((ending,))
        await self._parts.media.forget(wish)

    async def _keep_sent(self, wish: KeepSent) -> None:
        path = await self._parts.media.keep_sent(wish)
        for copy in wish.copies:
            await self._parts.media.drop(copy)
        if path:
            self._post(Kept(wish.lid, path, wish.path))

    async def _drop(self, path: str) -> None:
        """A file that some bubble shows stays, and so does one of which nobody can say it now."""
        if not self._parts.media.is_ours(path):
            return
        try:
            shown = await self._parts.messages.shows_file(path)
        except Problem as problem:
            log.warning("! a copy stays: %s", problem.code)
        else:
            if not shown:
                await self._parts.media.drop(path)

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

    def _meter(self, lid: Lid, way: Literal["up", "down", "make"]) -> Callable[[int, int], None]:
        begins = True

        def tell(done: int, total: int) -> None:
            nonlocal begins
            if begins and way != "make":
                self._began[lid] = (self._began.get(lid, (done, done))[1], done)
            begins = False
            self._progressed(TransferProgress(lid, way, done, total))

        return tell

    def _moves(self, lid: Lid) -> bool:
        """Whether the last attempt began further than the one before it: then that one had brought something."""
        before_bytes, bytes_ = self._began.get(lid, (0, 0))
        return bytes_ > before_bytes


def _wait_s(error: Exception) -> float:
    """How long the server asked to wait."""
    retry_ms = getattr(error, "facts", {}).get("retry_ms", 0)
    return retry_ms / 1000 if isinstance(retry_ms, int) else 0.0
