"""Files on their way up and down (P-75, P-76): first the upload, then the message; a download only on a click.

An upload never holds up text: its message gets a number only when the file is at the server (P-3). One attempt is an
effect; whether and when there is another is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from client.core.effects import (
    DownloadFile,
    Effect,
    InspectFile,
    Output,
    SaveDropped,
    SaveFetched,
    SaveState,
    SaveUpload,
    StopTransfer,
    Told,
    UploadFile,
)
from client.core.events import (
    Attach,
    Cancel,
    Compose,
    Dial,
    Event,
    Fetch,
    Fetched,
    FetchStopped,
    FileInspected,
    Internal,
    PassOn,
    Recaption,
    Resend,
    SessionDown,
    SessionUp,
    StopFetch,
    Tick,
    Uploaded,
    UploadStopped,
)
from client.core.model import Inspected, State, Upload
from protocol.backoff import upload_delay_s
from protocol.content import Content, pack
from protocol.lanes import digest
from protocol.limits import DOWNLOADS_AT_ONCE, UPLOADS_AT_ONCE
from protocol.problems import ContentTooLarge
from protocol.values import Lid, MediaId, Uid, replace

LONGEST_ID = MediaId("x" * 64)
"""No file has a longer id, so what fits with this one fits with its own."""


@dataclass(slots=True)
class _Run:
    """How one transfer is doing: whether an attempt runs, attempts that failed in a row, when the next is due."""

    running: bool = False
    failures: int = 0
    due_s: float = 0.0


class Transfers:
    """The machine of uploads and downloads. `uid` is the author of what is sent."""

    def __init__(self, uid: Uid, uploads: tuple[Upload, ...]) -> None:
        self._uid = uid
        self._ready = False
        self._uploads = {upload.lid: upload for upload in uploads}
        self._fetches: dict[Lid, Fetch] = {}
        self._runs: dict[Lid, _Run] = {upload.lid: _Run() for upload in uploads}

    def handle(self, event: Event | Internal, now_s: float) -> list[Output]:
        match event:
            case Attach():
                return self._attach(event)
            case PassOn():
                return self._pass_on(event, now_s)
            case Recaption(lid, caption):
                return self._recaption(lid, caption, now_s)
            case FileInspected(lid, found) if lid in self._uploads:
                return self._inspected(lid, found, now_s)
            case Uploaded(lid, media) if lid in self._uploads:
                return [self._compose(lid, media), *self._start_waiting(now_s)]
            case UploadStopped(lid, code, can_retry, media) if lid in self._uploads:
                return [
                    *self._upload_stopped(lid, code, can_retry, media, now_s),
                    *self._start_waiting(now_s),
                ]
            case Resend(lid) if lid in self._uploads:
                return self._resume(lid, now_s)
            case Cancel(lid) if lid in self._uploads:
                return [*self._drop(lid), *self._start_waiting(now_s)]
            case _:
                return self._handle_fetch(event, now_s)

    def _handle_fetch(self, event: Event | Internal, now_s: float) -> list[Output]:
        match event:
            case Fetch(lid) if lid not in self._fetches:
                self._fetches[lid], self._runs[lid] = event, _Run()
                return self._start_waiting(now_s)
            case Fetched(lid, path) if lid in self._fetches:
                self._forget(lid)
                return [SaveFetched(lid, path), *self._start_waiting(now_s)]
            case FetchStopped(lid, code, can_retry) if lid in self._fetches:
                return [*self._fetch_stopped(lid, code, can_retry, now_s), *self._start_waiting(now_s)]
            case StopFetch(lid) if lid in self._fetches:
                self._forget(lid)
                return [StopTransfer(lid), *self._start_waiting(now_s)]
            case Dial():
                return self._look_again()
            case SessionUp():
                return self._session_up(now_s)
            case SessionDown():
                self._ready = False
            case Tick():
                return self._start_waiting(now_s)
        return []

    def next_wakeup_s(self) -> float | None:
        """When an interrupted transfer is due again."""
        if not self._ready:
            return None
        slots = {True: UPLOADS_AT_ONCE, False: DOWNLOADS_AT_ONCE}
        for run_lid, run in self._runs.items():
            slots[run_lid in self._uploads] -= run.running
        due = [
            run.due_s
            for lid, run in self._runs.items()
            if not run.running and slots[lid in self._uploads] > 0 and self._wanted(lid)
        ]
        return min(due, default=None)

    def _look_again(self) -> list[Output]:
        """After a restart: the files that nobody has looked at yet."""
        return [
            self._inspect(upload)
            for lid, upload in self._uploads.items()
            if not upload.inspected and not upload.paused and not self._runs[lid].running
        ]

    # --------------------------------------------------------------------------------------------- up

    def _attach(self, wish: Attach) -> list[Output]:
        upload = Upload(
            lid=wish.lid,
            conv=wish.conv,
            number=0,
            path=wish.path,
            name=wish.name,
            kind=wish.kind,
            caption=wish.caption,
            nonce=wish.nonce,
            at_ms=wish.at_ms,
            reply=wish.reply,
        )
        self._uploads[wish.lid], self._runs[wish.lid] = upload, _Run()
        return [SaveUpload(upload), self._inspect(upload)]

    def _pass_on(self, wish: PassOn, now_s: float) -> list[Output]:
        """The server has the bytes: nothing is looked at, and nothing is sent but the wish (P-75)."""
        found = wish.found
        upload = Upload(
            lid=wish.lid,
            conv=wish.conv,
            number=upload_number(wish.nonce, found.sha256),
            path=found.path,
            name=found.name,
            kind=found.kind,
            caption=wish.caption,
            nonce=wish.nonce,
            at_ms=wish.at_ms,
            inspected=found,
            forward=wish.forward,
            source=wish.source,
        )
        self._uploads[wish.lid], self._runs[wish.lid] = upload, _Run(due_s=now_s)
        return [SaveUpload(upload), *self._start_waiting(now_s)]

    def _recaption(self, lid: Lid, caption: str, now_s: float) -> list[Output]:
        """Nothing was said yet: the new words simply take the place of the old ones, if they fit."""
        if lid not in self._uploads:
            return [Told("not_possible_now", lid)]
        upload = replace(self._uploads[lid], caption=caption)
        try:
            self._content(upload, LONGEST_ID)
        except ContentTooLarge as refusal:
            return [Told(refusal.code, lid)]
        self._uploads[lid] = upload
        return [SaveUpload(upload), *self._start_waiting(now_s)]

    def _inspect(self, upload: Upload) -> Effect:
        self._runs[upload.lid].running = True
        return InspectFile(upload.lid, upload.path, upload.name, upload.kind)

    def _inspected(self, lid: Lid, found: Inspected, now_s: float) -> list[Output]:
        number = upload_number(self._uploads[lid].nonce, found.sha256)
        upload = replace(self._uploads[lid], inspected=found, number=number, media=MediaId(""))
        self._uploads[lid], self._runs[lid] = upload, _Run(due_s=now_s)
        try:
            self._content(upload, LONGEST_ID)
        except ContentTooLarge as refusal:  # said before the first byte goes up, not after the last
            stopped = self._upload_stopped(lid, refusal.code, False, MediaId(""), now_s)
            return [*stopped, *self._start_waiting(now_s)]
        return [SaveUpload(upload), *self._start_waiting(now_s)]

    def _content(self, upload: Upload, media: MediaId) -> bytes:
        """What the message says, once its file has this id. Raises ContentTooLarge."""
        body, reply, forward = upload.body(media), upload.reply, upload.forward
        return pack(Content(self._uid, upload.conv, upload.nonce, upload.at_ms, body, reply, forward))

    def _compose(self, lid: Lid, media: MediaId) -> Compose:
        """Only now the message gets its number (P-3)."""
        upload = self._uploads[lid]
        self._forget(lid)
        content = self._content(upload, media)
        return Compose(lid, upload.conv, content, digest(upload.conv, content), upload.at_ms, (media,))

    def _upload_stopped(self, lid: Lid, code: str, can_retry: bool, media: MediaId, now_s: float) -> list[Output]:
        upload = replace(self._uploads[lid], media=media or self._uploads[lid].media, paused=not can_retry)
        changed: list[Output] = [SaveUpload(upload)] if upload != self._uploads[lid] else []
        self._uploads[lid] = upload
        if can_retry:
            self._fail(lid, now_s)
            return changed
        self._runs[lid] = _Run()
        return [*changed, SaveState(lid, State.REFUSED, code=code), Told(code, lid)]

    def _resume(self, lid: Lid, now_s: float) -> list[Output]:
        """The person wants it again: look at the file again, for it may have changed."""
        if self._runs[lid].running:
            return []
        if self._uploads[lid].source:  # what is at the server does not change
            upload = replace(self._uploads[lid], paused=False)
            self._uploads[lid], self._runs[lid] = upload, _Run(due_s=now_s)
            return [SaveUpload(upload), SaveState(lid, State.UPLOADING), *self._start_waiting(now_s)]
        upload = replace(self._uploads[lid], paused=False, inspected=None)
        self._uploads[lid], self._runs[lid] = upload, _Run(due_s=now_s)
        return [SaveUpload(upload), SaveState(lid, State.UPLOADING), self._inspect(upload)]

    def _drop(self, lid: Lid) -> list[Output]:
        running, conv = self._runs[lid].running, self._uploads[lid].conv
        self._forget(lid)
        stop: list[Output] = [StopTransfer(lid)] if running else []
        return [*stop, SaveDropped(lid, conv)]

    # ------------------------------------------------------------------------------------------- down

    def _fetch_stopped(self, lid: Lid, code: str, can_retry: bool, now_s: float) -> list[Output]:
        if can_retry:
            first = self._runs[lid].failures == 0
            self._fail(lid, now_s)
            return [Told(code, lid)] if first else []
        self._forget(lid)
        return [SaveFetched(lid, "", code), Told(code, lid)]

    # ------------------------------------------------------------------------------------------- both

    def _session_up(self, now_s: float) -> list[Output]:
        self._ready = True
        for run in self._runs.values():
            run.failures, run.due_s = 0, now_s
        return self._start_waiting(now_s)

    def _start_waiting(self, now_s: float) -> list[Output]:
        """Start what is due, oldest first, within the slots of P-79; nothing without a session."""
        if not self._ready:
            return []
        free_up = UPLOADS_AT_ONCE - self._running(self._uploads)
        free_down = DOWNLOADS_AT_ONCE - self._running(self._fetches)
        uploads = [lid for lid in sorted(self._uploads) if self._due(lid, now_s)][:free_up]
        fetches = [lid for lid in self._fetches if self._due(lid, now_s)][:free_down]
        for lid in uploads + fetches:
            self._runs[lid].running = True
        return [*map(self._upload, uploads), *map(self._download, fetches)]

    def _upload(self, lid: Lid) -> Effect:
        upload = self._uploads[lid]
        assert upload.inspected is not None
        return UploadFile(lid, upload.conv, upload.number, upload.inspected, upload.media, upload.source)

    def _download(self, lid: Lid) -> Effect:
        wish = self._fetches[lid]
        return DownloadFile(lid, wish.media, wish.size_bytes, wish.sha256, wish.name)

    def _running(self, lids: dict[Lid, Upload] | dict[Lid, Fetch]) -> int:
        """Transfers that use the line; looking at a file does not."""
        return sum(self._runs[lid].running and self._wanted(lid) for lid in lids)

    def _wanted(self, lid: Lid) -> bool:
        upload = self._uploads.get(lid)
        return upload is None or (upload.inspected is not None and not upload.paused)

    def _due(self, lid: Lid, now_s: float) -> bool:
        run = self._runs[lid]
        return not run.running and run.due_s <= now_s and self._wanted(lid)

    def _fail(self, lid: Lid, now_s: float) -> None:
        failures = self._runs[lid].failures + 1
        self._runs[lid] = _Run(failures=failures, due_s=now_s + upload_delay_s(failures))

    def _forget(self, lid: Lid) -> None:
        self._uploads.pop(lid, None)
        self._fetches.pop(lid, None)
        self._runs.pop(lid, None)


def upload_number(nonce: bytes, sha256_hex: str) -> int:
    """What makes the creation of an upload idempotent (P-75): 52 bits that are the same for the same message and
    file, after a crash or a restored backup too, and another number once the file has changed."""
    return int.from_bytes(sha256(nonce + sha256_hex.encode()).digest()[:8], "big") >> 12
