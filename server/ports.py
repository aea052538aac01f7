"""What the server needs of the world, in its own words; `tests/contracts` says what each promise means."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

from protocol.codec import Garbled
from protocol.packets import (
    FromClient,
    FromServer,
    GroupR,
    Head,
    MembersA,
    OpenA,
    OpenR,
    Person,
    Prefs,
    Status,
    StatusKey,
)
from protocol.values import ConvId, Did, MediaId, Uid, Value
from server.core.acceptance import Answer, Offer
from server.core.crowd import CrowdBell
from server.core.moves import Ask, Bell, Changed, Chosen, Marks, MarksBell, Move, Moved, Page, PrefsBell
from server.core.presence import Known
from server.core.rights import File, Standing
from server.core.typing import TypingBell
from server.core.values import Identity as Identity


class StoreUnknown(Exception):
    """The commit reported an error: nobody knows whether it happened (P-37). Answer nothing, begin again.

    Its argument is what the disk said: a Problem, or a word for the log.
    """


# ------------------------------------------------------------------------------------- time, dice, the line


class Clock(Protocol):
    """The time; nobody else knows it."""

    def now_s(self) -> float:
        """Seconds of a clock that never jumps, for all timers (P-77)."""
        ...

    def now_ms(self) -> int:
        """Milliseconds since 1970 UTC, for `ts` and lifetimes."""
        ...


class Dice(Protocol):
    """Randomness; nobody else has any."""

    def fraction(self) -> float:
        """A number in [0, 1)."""
        ...

    def some_bytes(self, size: int) -> bytes:
        """Bytes that nobody can guess."""
        ...


class Carrier(Protocol):
    """The server's end of one connection. Nothing here waits."""

    def send(self, packets: Sequence[FromServer]) -> None:
        """Put these on the wire, in order, in as few frames as they need (P-10)."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Say why, then end (P-18)."""
        ...

    def unsent_bytes(self) -> int:
        """What the other side has not taken yet (P-80)."""
        ...


class Line(Protocol):
    """One connection as the doors know it."""

    def received(self, packets: Sequence[FromClient | Garbled]) -> None:
        """One frame came in."""
        ...

    def heard(self) -> None:
        """Bytes came in of a frame that takes its time (P-15)."""
        ...

    def ended(self, *, answered: bool = False) -> None:
        """The connection is gone; `answered`: the other side was there to hear why it was closed."""
        ...


class Hub(Protocol):
    """Where a door brings its connections."""

    def connect(self, carrier: Carrier) -> Line:
        """A connection came in."""
        ...


# ------------------------------------------------------------------------------------ messages and doorbells


class Hints(Protocol):
    """Who may be told about whom, and when devices were seen: what becomes stale at once. Raises as `Store`."""

    async def audience(self, who: Identity, conv: ConvId) -> tuple[Uid, ...]:
        """The others who may be told that this person writes there; nobody, if not all allow it."""
        ...

    async def acquainted(self, uid: Uid, uids: Sequence[Uid]) -> tuple[Known, ...]:
        """Those of these about whom this person may be told: they share a conversation, and both allow it."""
        ...

    async def saw(self, dids: Collection[Did]) -> None:
        """These devices are here, or left just now."""
        ...

    async def seen_ms(self, did: Did) -> int:
        """When the device was last here; 0 for never."""
        ...


class Store(Hints, Protocol):
    """Messages, cursors and marks. Each method is one transaction of section 12, may be asked twice, and is durable
    when it returns.

    Raises, everywhere: StoreUnknown (the commit failed: nobody knows), DiskFull, StoreFailed (nothing was stored).
    """

    async def accept(self, offers: Sequence[Offer]) -> list[Answer]:
        """T1 and T1': decide about offers one after another (section 6); answers in order, Spoiled for an exception."""
        ...

    async def climb(self, moves: Sequence[Move]) -> list[Moved]:
        """T3: cursors and marks, which only climb; answers in order (P-44, P-49)."""
        ...

    async def page(self, who: Identity, ask: Ask) -> Page:
        """Positions of a log as this person may see them (P-42, P-70)."""
        ...

    async def marks_since(self, who: Identity, conv: ConvId, rev: int) -> Marks:
        """All marks that changed after `rev` (P-50)."""
        ...

    async def heads(self, who: Identity) -> tuple[Head, ...]:
        """Where every conversation of this person stands (P-46)."""
        ...

    async def states(self, who: Identity, keys: Sequence[StatusKey]) -> tuple[Status, ...]:
        """What became of these messages of this device (P-57)."""
        ...

    async def people(self) -> tuple[Person, ...]:
        """Everybody with an account."""
        ...

    async def open_conversation(self, who: Identity, wish: OpenR) -> tuple[OpenA, Bell | None]:
        """The conversation, made now or earlier; a doorbell if it was made now (P-59)."""
        ...

    async def change_group(self, who: Identity, wish: GroupR) -> Changed:
        """The group changed as wished, now or earlier; or why not (P-59)."""
        ...

    async def members(self, who: Identity, conv: ConvId) -> MembersA:
        """The table of members, for members (P-52)."""
        ...

    async def crowd(self, conv: ConvId) -> CrowdBell:
        """How far a large conversation has got, for all its members at once (P-52)."""
        ...

    async def prefs(self, who: Identity) -> Prefs:
        """What this person tells others (P-73)."""
        ...

    async def choose(self, who: Identity, prefs: Prefs) -> Chosen:
        """From now on the person tells this (P-73)."""
        ...

    async def raise_session(self, who: Identity) -> int | None:
        """T2: the next session number, or None if the device was ended (P-13)."""
        ...

    async def generation(self) -> str:
        """The generation of the data: a growing number and 64 random bits (P-9)."""
        ...


Ring: TypeAlias = Bell | MarksBell | CrowdBell | PrefsBell | TypingBell


class Listener(Protocol):
    """A session that hears doorbells. Nothing here waits."""

    def ring(self, bell: Ring) -> None:
        """There is news."""
        ...

    def replaced(self, sn: int) -> None:
        """A newer session of the same device began (P-13)."""
        ...


class Route(Protocol):
    """Doorbells: fire and forget. A lost one costs one poll of the heads, never a message (P-46, P-86)."""

    def attach(self, who: Identity, sn: int, listener: Listener) -> None:
        """This session hears what concerns its person; an older one of the same device is replaced."""
        ...

    def detach(self, listener: Listener) -> None:
        """It hears no more; asked twice it does nothing."""
        ...

    def publish(self, bell: Ring) -> None:
        """Ring at every member's sessions."""
        ...


class Presence(Protocol):
    """Who has a session. A hint: a wrong answer costs one forged `ack:N`, never a message (P-51)."""

    def somebody_home(self, uids: Sequence[Uid], *, but: Uid) -> bool:
        """Whether a device of any of these has a session; `but` does not count."""
        ...


# --------------------------------------------------------------------------------------------- accounts


class Joined(Value, frozen=True):
    """A place on this server. The token is said once; only its hash is kept (SEC-7)."""

    uid: Uid
    did: Did
    name: str
    token: str


class Device(Value, frozen=True):
    """A device of a person, as the person sees it. Times in milliseconds since 1970 UTC; 0 is long ago."""

    did: Did
    name: str
    seen_ms: int
    made_ms: int


class Accounts(Protocol):
    """People, devices, tokens and invites. Each method is one transaction, durable when it returns."""

    async def join(self, name: str, invite: str, request: str, device: str = "") -> Joined:
        """Turn an invite into an account and a device called `device`; or, with a code for another device of a
        person, into that, whatever `name` says.

        `request` is a secret chosen by the client; the same invite with the same request gives the same
        account and device again, with a fresh token, so that a lost answer locks nobody out.

        Raises: InviteWrong, NameTaken, NameInvalid, DevicesFull.
        """
        ...

    async def who_is(self, token: str) -> Identity | None:
        """The holder of a token, or nobody: unknown and ended look the same."""
        ...

    async def ended(self, dids: Collection[Did]) -> frozenset[Did]:
        """Those of these devices that are no devices any more (P-62)."""
        ...

    async def new_invite(self) -> str:
        """A fresh invite code: 128 bits, single use, 24 h (SEC-5)."""
        ...

    async def new_device_code(self, who: Identity) -> str:
        """A code for another device of this person: 128 bits, single use, 10 minutes. Raises: DevicesFull."""
        ...

    async def devices(self, uid: Uid) -> tuple[Device, ...]:
        """The devices of this person (P-62)."""
        ...

    async def end_device(self, uid: Uid, did: Did) -> None:
        """This is a device of the person no more; asked again it does nothing. Raises: DeviceUnknown."""
        ...

    async def forget_stale(self, now_ms: int) -> int:
        """Remove invites that can do nothing any more; return how many."""
        ...


# ------------------------------------------------------------------------------------------------ media


class NewUpload(Value, frozen=True):
    """What a device promises to send: the number is its own, unique per device (P-75); None: any that is free.

    `sha256` is 32 bytes, or none if it is not known yet. `source` is a file of the same bytes that is here already;
    then none are sent. `metadata` is what the client wants to be told again while the file is on its way.
    """

    conv: ConvId
    number: int | None
    size_bytes: int
    sha256: bytes
    source: MediaId = MediaId("")
    metadata: str = ""

    def fits(self, upload: Upload) -> bool:
        """Whether this promise, made again, is about that upload."""
        said = (upload.conv, upload.size_bytes) == (self.conv, self.size_bytes)
        return said and self.sha256 in (b"", upload.sha256)


class Upload(Value, frozen=True):
    """One file on its way, or complete (`done`); `offset` is what a power cut leaves.

    Its `number` is negative if the server chose it; its `sha256` is empty until somebody knows it, and known when it is
    complete; `touched_ms` is when something last happened to it.
    """

    media: MediaId
    conv: ConvId
    did: Did
    number: int
    size_bytes: int
    sha256: bytes
    offset: int
    done: bool
    touched_ms: int = 0
    metadata: str = ""


class Glance(Value, frozen=True):
    """A complete file, and how a person stands to it (SEC-21)."""

    upload: Upload
    file: File


class Uploads(Protocol):
    """What the server promised to keep. Each method is one transaction, durable when it returns."""

    async def create(self, did: Did, wish: NewUpload, media: MediaId) -> Upload:
        """The upload with this device and number: the one there is, or a new one called `media`.

        Raises: MediaChanged, if the number was used for another file.
        """
        ...

    async def find(self, did: Did, media: MediaId) -> Upload | None:
        """An upload of this device."""
        ...

    async def glance(self, uid: Uid, media: MediaId) -> Glance | None:
        """A complete file, as this person may or may not see it."""
        ...

    async def standing(self, uid: Uid, conv: ConvId) -> Standing:
        """How the person stands to the conversation."""
        ...

    async def numbered(self, did: Did, number: int) -> Upload | None:
        """The upload with this device and number."""
        ...

    async def same(self, uid: Uid, sha256: bytes, size_bytes: int) -> Upload | None:
        """A complete file of these bytes that this person brought, from any device."""
        ...

    async def move(self, media: MediaId, offset: int) -> bool:
        """Record what is durable (P-60). False: nobody wants this upload any more."""
        ...

    async def finish(self, media: MediaId, sha256: bytes) -> bool:
        """The file is whole and true, under its name. False: nobody wants it any more."""
        ...

    async def forget(self, media: MediaId) -> None:
        """The file was damaged; its number is free again."""
        ...

    async def end(self, media: MediaId) -> bool:
        """Drop an upload, or a file that no message names; its number is free again. False: nothing was dropped."""
        ...

    async def pending_bytes(self, did: Did | None = None) -> int:
        """What was promised and has not come yet, by all or by one device."""
        ...

    async def used_bytes(self, uid: Uid) -> int:
        """How much of the shelf a person fills: each complete file once, and every promise in full (SEC-25)."""
        ...

    async def drop_stale(self, before_ms: int) -> list[MediaId]:
        """Drop what was last touched before then and is unfinished, or named by nothing (P-75)."""
        ...

    async def known(self, medias: list[MediaId]) -> set[MediaId]:
        """Which of these have a row."""
        ...


class Retention(Protocol):
    """What is not kept for ever (P-83). Each step is a transaction and may be asked for again."""

    async def expire(self, before_ms: int, most: int) -> int:
        """One step from the bottom of some log: what is older than `before_ms`, or beyond the `most` latest messages
        of its conversation (0: all stay). Returns how many rows went, 0 at the end."""
        ...

    async def trim(self) -> int:
        """Forget numbers of lanes below removed messages, never the highest (P-84); returns how many went."""
        ...


class OnDisk(Value, frozen=True):
    """The bytes lie in this file, from `start` on."""

    path: Path
    start: int


class Held(Value, frozen=True):
    """The bytes themselves."""

    data: bytes


Found: TypeAlias = OnDisk | Held


class Shelved(Value, frozen=True):
    """Something on the shelf, and when its last byte came."""

    media: MediaId
    touched_ms: int


Piece: TypeAlias = bytes | memoryview


class Blobs(Protocol):
    """Bytes by id. `append` at a wrong offset is refused with the right one; `finish` is all or nothing.

    Raises, everywhere: DiskFull, StoreFailed.
    """

    async def begin(self, media: MediaId, recorded: int) -> int:
        """Open the part and return where it stands: min(`recorded`, what is there); the rest is cut off (S8).

        A part that is open already, or whole, is left alone.
        """
        ...

    async def append(self, media: MediaId, offset: int, piece: Piece) -> int:
        """Add a piece and return the new end; it is durable only after `settle`. Nobody looks at the piece afterwards.

        Raises: MediaOffset (with the right offset), TransferInterrupted (not open: begin again).
        """
        ...

    async def settle(self, media: MediaId) -> int:
        """Make what was appended survive a power cut, and return that offset. Raises: MediaUnknown."""
        ...

    async def hold(self, media: MediaId, algorithm: str) -> None:
        """From here on what is appended is on trial: no `settle` or `begin` counts it, and no restart keeps it.

        `algorithm` is one that `hashlib` knows. Raises: TransferInterrupted (not open, or on trial already).
        """
        ...

    async def accept(self, media: MediaId, digest: bytes) -> None:
        """What is on trial is part of the file if this is its digest, and gone if not.

        Raises: UploadChecksum; TransferInterrupted (nothing is on trial).
        """
        ...

    async def drop(self, media: MediaId) -> None:
        """What is on trial is gone; where nothing is, nothing happens."""
        ...

    async def finish(self, media: MediaId, size_bytes: int, sha256: bytes) -> bytes:
        """Length and hash are checked, then the file has its name; asked again it does nothing.

        Without a hash to check against any file of this length is true. Returns its SHA-256.
        Raises: MediaDamaged; the part is gone then.
        """
        ...

    async def share(self, source: MediaId, media: MediaId) -> None:
        """Put the bytes of a whole file on the shelf under another id as well; asked again it does nothing.

        Each of the two is removed alone. Raises: MediaUnknown, if there is no such whole file.
        """
        ...

    async def open_from(self, media: MediaId, start: int) -> Found:
        """The bytes of a whole file from `start` on. Raises: MediaUnknown."""
        ...

    async def remove(self, media: MediaId) -> None:
        """Delete it, whole or part; what is not there is deleted already."""
        ...

    async def shelved(self) -> list[Shelved]:
        """Everything there is, whole or part."""
        ...

    async def free_bytes(self) -> int:
        """How much more fits."""
        ...

    async def total_bytes(self) -> int:
        """How much the disk holds altogether."""
        ...
