"""Files on their way up (P-75): first the upload, then the message.

An upload never holds up text: its message gets a number only when the file is at the server (P-3). Before the first
byte the file is looked at, and made smaller where that is wanted. One attempt is an effect; whether and when there is
another is decided here.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TypeAlias

from client.core.effects import (
    DropCopy,
    Effect,
    ForgetUpload,
    InspectFile,
    KeepSent,
    MakeSmaller,
    Output,
    SaveDropped,
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
    FileInspected,
    Internal,
    Made,
    MakingStopped,
    PassOn,
    Pause,
    Recaption,
    Resend,
    SessionDown,
    SessionUp,
    Tick,
    Uploaded,
    UploadStopped,
)
from client.core.model import Inspected, State, Upload
from client.core.runs import Runs
from protocol.content import Content, pack
from protocol.lanes import digest
from protocol.limits import UPLOADS_AT_ONCE
from protocol.problems import ContentTooLarge
from protocol.values import Lid, MediaId, Uid, replace

Answer: TypeAlias = FileInspected | Made | MakingStopped | Uploaded | UploadStopped
LONGEST_ID = MediaId("x" * 64)
"""No file has a longer id, so what fits with this one fits with its own."""


class Transfers:
    """The machine of uploads. `uid` is the author of what is sent."""

    def __init__(self, uid: Uid, uploads: tuple[Upload, ...]) -> None:
        self._uid = uid
        self._uploads = {upload.lid: upload for upload in uploads}
        self._runs = Runs(UPLOADS_AT_ONCE, self._uploads)

    def handle(self, event: Event | Internal, now_s: float) -> list[Output]:
        match event:
            case Attach():
                return self._attach(event)
            case PassOn():
                return self._pass_on(event, now_s)
            case Recaption(lid, caption):
                return self._recaption(lid, caption, now_s)
            case FileInspected(lid) | Made(lid) | MakingStopped(lid) | Uploaded(lid) | UploadStopped(lid):
                return self._hear(event, now_s) if lid in self._uploads else []
            case Resend(lid) | Cancel(lid) | Pause(lid):
                return self._steer(event, now_s) if lid in self._uploads else []
            case Dial():
                return self._look_again()
            case SessionUp():
                self._runs.up(now_s)
                return self._start(now_s)
            case SessionDown():
                self._runs.down()
            case Tick():
                return self._start(now_s)
        return []

    def next_wakeup_s(self) -> float | None:
        """When an interrupted upload is due again."""
        return self._runs.wakeup_s(self._due())

    def _hear(self, answer: Answer, now_s: float) -> list[Output]:
        match answer:
            case FileInspected(lid, found):
                return self._inspected(lid, found, now_s)
            case Made(lid, path):
                return self._made(lid, path, now_s)
            case MakingStopped(lid):
                return self._made(lid, "", now_s)
            case Uploaded(lid, media):
                return [*self._compose(lid, media), *self._start(now_s)]
            case _:
                return [*self._stopped(answer, now_s), *self._start(now_s)]

    # ------------------------------------------------------------------------------ before the first byte

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
            quality=wish.quality,
            bins=wish.bins,
            note=wish.note,
            album=wish.album,
        )
        self._keep(upload)
        return [SaveUpload(upload), self._prepare(upload)]

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
        self._keep(upload, now_s)
        return [SaveUpload(upload), *self._start(now_s)]

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
        return [SaveUpload(upload), *self._start(now_s)]

    def _look_again(self) -> list[Output]:
        """After a restart: the files that nobody has looked at yet, or that were to be made smaller."""
        return [
            self._prepare(upload)
            for lid, upload in self._uploads.items()
            if not upload.ready and _goes(upload) and not self._runs.busy(lid)
        ]

    def _prepare(self, upload: Upload) -> Effect:
        """What has to be done on this side before the first byte."""
        self._runs.begin(upload.lid)
        if upload.to_make:
            assert upload.inspected is not None
            return MakeSmaller(upload.lid, upload.path, "voice" if upload.inspected.kind == "voice" else "video")
        if upload.copy:
            return InspectFile(upload.lid, upload.copy, upload.name, upload.kind)
        return InspectFile(upload.lid, upload.path, upload.name, upload.kind, upload.quality)

    def _inspected(self, lid: Lid, found: Inspected, now_s: float) -> list[Output]:
        before = self._uploads[lid]
        number = upload_number(before.nonce, found.sha256)
        upload = replace(before, inspected=found, number=number, media=MediaId(""), looked=True)
        self._keep(upload, now_s)
        gone: list[Output] = []
        if before.media and before.number != number:
            gone = [ForgetUpload(lid, before.media, before.number)]
        try:
            self._content(upload, LONGEST_ID)
        except ContentTooLarge as refusal:  # said before the first byte goes up, not after the last
            stopped = UploadStopped(lid, refusal.code, False)
            return [*gone, *self._stopped(stopped, now_s), *self._start(now_s)]
        return [*gone, SaveUpload(upload), *self._go_on(upload, now_s)]

    def _made(self, lid: Lid, path: str, now_s: float) -> list[Output]:
        """A copy is looked at like any file; without one the original goes up as it is."""
        upload = replace(self._uploads[lid], made=True, copy=path, looked=not path)
        self._keep(upload, now_s)
        return [SaveUpload(upload), *self._go_on(upload, now_s)]

    def _go_on(self, upload: Upload, now_s: float) -> list[Output]:
        if upload.ready or not _goes(upload):
            return self._start(now_s)
        return [self._prepare(upload)]

    def _content(self, upload: Upload, media: MediaId) -> bytes:
        """What the message says, once its file has this id. Raises ContentTooLarge."""
        body, reply, forward = upload.body(media), upload.reply, upload.forward
        return pack(Content(self._uid, upload.conv, upload.nonce, upload.at_ms, body, reply, forward))

    # ------------------------------------------------------------------------------------- on the line

    def _start(self, now_s: float) -> list[Output]:
        """What is due, oldest first, within the slots of P-79; nothing without a session."""
        return [self._upload(self._uploads[lid]) for lid in self._runs.take(self._due(), now_s)]

    def _upload(self, upload: Upload) -> Effect:
        assert upload.inspected is not None
        return UploadFile(upload.lid, upload.conv, upload.number, upload.inspected, upload.media, upload.source)

    def _compose(self, lid: Lid, media: MediaId) -> list[Output]:
        """Only now the message gets its number (P-3), and what was made for sending is not needed any more."""
        upload = self._uploads[lid]
        self._forget(lid)
        content = self._content(upload, media)
        compose = Compose(lid, upload.conv, content, digest(upload.conv, content), upload.at_ms, (media,))
        found = upload.inspected
        if upload.source or found is None:
            return [compose]
        sent = KeepSent(lid, upload.path, found.path, found.sha256, upload.sent_name, upload.paths[1:])
        return [compose, sent]

    def _stopped(self, stopped: UploadStopped, now_s: float) -> list[Output]:
        lid, before = stopped.lid, self._uploads[stopped.lid]
        upload = replace(before, media=stopped.media or before.media, paused=not stopped.can_retry)
        changed: list[Output] = [SaveUpload(upload)] if upload != before else []
        self._uploads[lid] = upload
        if stopped.can_retry:
            self._runs.fail(lid, now_s, stopped.wait_s, moves=stopped.moves)
            return changed
        self._runs.anew(lid)
        return [*changed, SaveState(lid, State.REFUSED, code=stopped.code), Told(stopped.code, lid)]

    # ------------------------------------------------------------------------------------- the person

    def _steer(self, wish: Resend | Cancel | Pause, now_s: float) -> list[Output]:
        match wish:
            case Resend(lid):
                return self._resume(lid, now_s)
            case Cancel(lid):
                return [*self._drop(lid), *self._start(now_s)]
            case _:
                return [*self._hold(wish.lid, wish.done_bytes), *self._start(now_s)]

    def _hold(self, lid: Lid, done_bytes: int) -> list[Output]:
        """What the server has stays there, and what is known of the file stays here."""
        upload = self._uploads[lid]
        if not _goes(upload):
            return []
        stop = self._stop(lid)
        held = replace(upload, held=True, held_bytes=done_bytes)
        self._keep(held)
        return [SaveUpload(held), *stop]

    def _resume(self, lid: Lid, now_s: float) -> list[Output]:
        """The person wants it again: what was refused is looked at again, for the file may have changed."""
        before = self._uploads[lid]
        if _goes(before) and self._runs.busy(lid):
            return []
        upload = replace(before, paused=False, held=False, held_bytes=0)
        dropped: list[Output] = []
        if before.paused and not upload.source:  # what is at the server does not change
            upload = replace(upload, inspected=None, copy="", made=False, looked=True)
            dropped = [DropCopy(path) for path in before.paths[1:]]
        self._keep(upload, now_s)
        return [SaveUpload(upload), SaveState(lid, State.UPLOADING), *dropped, *self._go_on(upload, now_s)]

    def _drop(self, lid: Lid) -> list[Output]:
        """Nothing is left of it: here, and at the server."""
        stop, upload = self._stop(lid), self._uploads[lid]
        self._forget(lid)
        gone: list[Output] = [ForgetUpload(lid, upload.media, upload.number)] if upload.inspected else []
        copies = [] if upload.source else [DropCopy(path) for path in upload.paths]
        return [*stop, SaveDropped(lid, upload.conv), *gone, *copies]

    def _stop(self, lid: Lid) -> list[Output]:
        return [StopTransfer(lid)] if self._runs.busy(lid) else []

    # --------------------------------------------------------------------------------------- details

    def _due(self) -> list[Lid]:
        return [lid for lid in sorted(self._uploads) if self._uploads[lid].ready and _goes(self._uploads[lid])]

    def _keep(self, upload: Upload, due_s: float = 0.0) -> None:
        self._uploads[upload.lid] = upload
        self._runs.anew(upload.lid, due_s)

    def _forget(self, lid: Lid) -> None:
        del self._uploads[lid]
        self._runs.forget(lid)


def _goes(upload: Upload) -> bool:
    """Whether nobody has stopped it: neither a refusal nor the person."""
    return not upload.paused and not upload.held


def upload_number(nonce: bytes, sha256_hex: str) -> int:
    """What makes the creation of an upload idempotent (P-75): 52 bits that are the same for the same message and
    file, after a crash or a restored backup too, and another number once the file has changed."""
    return int.from_bytes(sha256(nonce + sha256_hex.encode()).digest()[:8], "big") >> 12
