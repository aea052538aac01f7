"""Files on their way down (P-76): only on a click, and then until they are here, over restarts too.

One attempt is an effect; whether and when there is another is decided here.
"""

from __future__ import annotations

from client.core.effects import (
    DownloadFile,
    DropCopy,
    Output,
    SaveFetch,
    SaveFetched,
    SaveFetchGone,
    SavePath,
    StopTransfer,
    Told,
)
from client.core.events import (
    Drop,
    Event,
    Fetch,
    Fetched,
    FetchStopped,
    Internal,
    Kept,
    Missing,
    Pause,
    SessionDown,
    SessionUp,
    StopFetch,
    Tick,
)
from client.core.model import Wanted
from client.core.runs import Runs
from protocol.limits import DOWNLOADS_AT_ONCE
from protocol.values import Lid, replace


class Fetches:
    """The machine of downloads."""

    def __init__(self, fetches: tuple[Wanted, ...]) -> None:
        self._wanted = {wanted.lid: wanted for wanted in fetches}
        self._runs = Runs(DOWNLOADS_AT_ONCE, self._wanted)

    def handle(self, event: Event | Internal, now_s: float) -> list[Output]:
        match event:
            case Fetch(lid) if lid not in self._wanted or self._wanted[lid].held:
                return self._want(event, now_s)
            case Fetched(lid, path, why, at_ms) if lid in self._wanted:
                self._forget(lid)
                return [SaveFetched(lid, path, "", why, at_ms), *self._start(now_s)]
            case FetchStopped(lid) if lid in self._wanted:
                return [*self._stopped(event, now_s), *self._start(now_s)]
            case Pause(lid) if lid in self._wanted and not self._wanted[lid].held:
                return [*self._hold(lid), *self._start(now_s)]
            case StopFetch(lid) | Drop(lid) if lid in self._wanted:
                return [*self._let_go(lid), *self._start(now_s)]
            case Kept(lid, path, before):
                return [SavePath(lid, path), DropCopy(before)]
            case Missing(lid):
                return [SavePath(lid, "")]
            case SessionUp():
                self._runs.up(now_s)
                return self._start(now_s)
            case SessionDown():
                self._runs.down()
            case Tick():
                return self._start(now_s)
        return []

    def next_wakeup_s(self) -> float | None:
        """When an interrupted download is due again."""
        return self._runs.wakeup_s(self._due())

    def _want(self, wish: Fetch, now_s: float) -> list[Output]:
        wanted = Wanted(wish.lid, wish.media, wish.size_bytes, wish.sha256, wish.name, wish.kind)
        self._wanted[wish.lid] = wanted
        self._runs.anew(wish.lid, now_s)
        return [SaveFetch(wanted), *self._start(now_s)]

    def _hold(self, lid: Lid) -> list[Output]:
        stop = self._stop(lid)
        self._wanted[lid] = replace(self._wanted[lid], held=True)
        self._runs.anew(lid)
        return [SaveFetch(self._wanted[lid]), *stop]

    def _let_go(self, lid: Lid) -> list[Output]:
        stop = self._stop(lid)
        self._forget(lid)
        return [SaveFetchGone(lid), *stop]

    def _stopped(self, stopped: FetchStopped, now_s: float) -> list[Output]:
        lid, code = stopped.lid, stopped.code
        if stopped.can_retry:
            return [Told(code, lid)] if self._runs.fail(lid, now_s, stopped.wait_s, moves=stopped.moves) else []
        self._forget(lid)
        return [SaveFetched(lid, "", code), Told(code, lid)]

    def _start(self, now_s: float) -> list[Output]:
        """What is due, in the order it was asked for."""
        return [self._download(self._wanted[lid]) for lid in self._runs.take(self._due(), now_s)]

    def _download(self, wanted: Wanted) -> DownloadFile:
        return DownloadFile(wanted.lid, wanted.media, wanted.size_bytes, wanted.sha256, wanted.name, wanted.kind)

    def _due(self) -> list[Lid]:
        return [lid for lid, wanted in self._wanted.items() if not wanted.held]

    def _stop(self, lid: Lid) -> list[Output]:
        return [StopTransfer(lid)] if self._runs.busy(lid) else []

    def _forget(self, lid: Lid) -> None:
        del self._wanted[lid]
        self._runs.forget(lid)
