"""What the client's core needs of the world, in its own words. Adapters fulfil these; `bootstrap` chooses them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, TypeAlias

from client.core.effects import DownloadFile, Effect, ForgetUpload, KeepSent, Save, UploadFile
from client.core.events import Event
from client.core.model import (
    Bubble,
    ChatEntry,
    Device,
    Inspected,
    Looked,
    Me,
    MediaKind,
    Memory,
    Own,
    Receipt,
    Seen,
    Span,
    Version,
)
from client.core.spending import CachedFile, Spending, Spent, Stored
from protocol.codec import Garbled
from protocol.ladder import Ladder
from protocol.packets import FromServer, Gap, Packet, Person, Seat
from protocol.values import ConvId, Did, Lid, MediaId


class DraftPart(NamedTuple):
    """Something that waits in a conversation beside the words: what it is, and which one."""

    kind: Literal["file", "as_files", "split", "reply"]
    value: str = ""


class Messages(Protocol):
    """The profile's database. Every method is one transaction on one thread; failures raise a Problem."""

    async def load(self) -> Memory:
        """What the machines start from."""

    async def save(self, saves: Sequence[Save]) -> list[Bubble]:
        """Commit all of `saves` or none, durably; return the bubbles that look different now, in order."""

    async def kept(self, lid: Lid) -> bool:
        """Whether this bubble is here and stays: asked when a save reported an error, which may have happened (P-37).

        Raises the Problem why that cannot be known now.
        """

    async def own_above(self, bases: Sequence[tuple[ConvId, int]]) -> tuple[Own, ...]:
        """Own messages above these positions that had been accepted, in order of position (P-69)."""

    async def become(self, me: Me) -> None:
        """Remember the account of this profile. A new device forgets nothing (P-64)."""

    async def shows_file(self, path: str) -> bool:
        """Whether any bubble shows the file at this path."""

    async def page(
        self,
        conv: ConvId,
        *,
        before: tuple[int, int] | None = None,
        after: tuple[int, int] | None = None,
        limit: int = 50,
    ) -> list[Bubble]:
        """Bubbles in the order shown, next to the given `Bubble.order`, or the newest ones."""

    async def media(
        self,
        conv: ConvId,
        kinds: Sequence[MediaKind],
        *,
        before: tuple[int, int] | None = None,
        after: tuple[int, int] | None = None,
        limit: int = 50,
    ) -> list[Bubble]:
        """The same of messages with a file of these kinds. What is shown as a plain file is one."""

    async def media_lids(self, conv: ConvId, kinds: Sequence[MediaKind]) -> list[Lid]:
        """All of them, in the order shown."""

    async def bubble(self, lid: Lid) -> Bubble:
        """One bubble. Raises UnknownMessage."""

    async def chats(self) -> list[ChatEntry]:
        """The chat list, newest first."""

    async def people(self) -> list[Person]:
        """The people list as last heard."""

    async def members(self, conv: ConvId) -> list[Seat]:
        """The member table as known here."""

    async def receipts(self, lid: Lid) -> list[Receipt]:
        """How each other member stands to an own message. Raises UnknownMessage for any other."""

    async def older(self, conv: ConvId) -> tuple[Span, ...]:
        """The gaps that this device's history fills, from below (P-63)."""

    async def gaps(self, conv: ConvId) -> tuple[Gap, ...]:
        """Every part of the log that is not here, from below, and why (P-42)."""

    async def left_over(self, *, ended: bool) -> list[Bubble]:
        """Own messages that waited when the device before this one ended, oldest first (P-64).

        `ended`: this one has ended: those that wait now.
        """

    async def versions(self, lid: Lid) -> list[Version]:
        """What a message said, oldest first. Raises UnknownMessage."""

    async def content_of(self, lid: Lid) -> bytes:
        """The frozen content bytes of an own bubble, for sending it again as a new message."""

    async def set_draft(self, conv: ConvId, text: str) -> None:
        """Keep what the person has typed."""

    async def draft_parts(self) -> dict[ConvId, list[DraftPart]]:
        """What waits in each conversation beside the words, in its order."""

    async def set_draft_parts(self, conv: ConvId, parts: Sequence[DraftPart]) -> None:
        """Keep what waits there now."""

    async def note(self, seen: Sequence[Seen]) -> None:
        """Add packets to the trace; losing the last second of it in a crash is fine."""

    async def spend(self, rows: Sequence[Spent], now_ms: int) -> list[int]:
        """Write requests over HTTP, each in the place of the row with its id if it has one; return the ids.

        Those older than 90 days go. Losing the last second of it in a crash is fine.
        """

    async def spent(self, since_ms: int, conv: ConvId, limit: int) -> list[Spent]:
        """Requests since then, newest first; of one conversation, or of all if `conv` is empty."""

    async def spending(self, since_ms: int) -> list[Spending]:
        """What each day cost in each conversation, newest day first, then the dearest."""

    async def shown_files(self) -> list[CachedFile]:
        """The files that bubbles show, by path: also those that lie elsewhere on this computer."""

    async def wanted_files(self) -> set[str]:
        """The hashes of files that are on their way down, or paused there."""

    async def lids_at(self, conv: ConvId, first: int, last: int) -> list[Lid]:
        """The bubbles at these positions."""

    async def trace(self, lid: Lid) -> list[Seen]:
        """The packets seen about a message, oldest first."""

    async def setting(self, key: str) -> str | None:
        """A setting of this profile."""

    async def set_setting(self, key: str, value: str) -> None:
        """Keep a setting."""


class Wire(Protocol):
    """One connection at a time to the server's /v1/line."""

    def connect(self, wire: int, url: str) -> None:
        """Begin to connect; the listener hears `up`, `received` and `down`, each with this number."""

    def send(self, wire: int, packets: Sequence[Packet]) -> None:
        """Queue packets; everything queued in one turn leaves in as few frames as fit. Never blocks."""

    def hang_up(self, wire: int, close: int) -> None:
        """Close; `down` follows."""


class WireListener(Protocol):
    """Who hears what the wire does."""

    def up(self, wire: int) -> None: ...
    def progressed(self, wire: int) -> None:
        """Bytes came in of a frame that takes its time (P-15)."""

    def received(self, wire: int, packets: list[FromServer | Garbled]) -> None: ...
    def down(self, wire: int, close: int, retry_ms: int, why: str = "") -> None: ...


class Media(Protocol):
    """Files to and from the server over HTTP. One call is one attempt; who calls decides about another."""

    async def upload(self, wish: UploadFile, progress: Callable[[int, int], None]) -> MediaId:
        """Go on from where the server is. Raises a Problem; `can_retry` says whether going on is worth it."""

    async def download(self, wish: DownloadFile, progress: Callable[[int, int], None]) -> str:
        """Go on from what is here, check length and SHA-256, and return the path. Raises a Problem."""

    async def forget(self, wish: ForgetUpload) -> None:
        """Tell the server that an upload ends here. Nothing is raised: it forgets by itself as well, later."""

    async def watched(self, path: str, look: Awaitable[Inspected]) -> Inspected:
        """Await `look` at this file, and remember its hash for as long as nobody touches the file."""

    async def here_bytes(self, sha256: str) -> int:
        """How much of a file has come that is not here yet."""

    async def unchanged(self, path: str, size_bytes: int, sha256: str) -> bool:
        """Whether a file that came is still here as it came."""

    async def keep_sent(self, wish: KeepSent) -> str:
        """Put a recording where downloads are, and return that path; empty if it is not one of ours."""

    async def drop(self, path: str) -> None:
        """Remove a copy or a recording of ours; any other file stays."""

    def is_ours(self, path: str) -> bool:
        """Whether a file is a copy or a recording that was made here."""

    async def sweep(self, needed: Collection[str]) -> None:
        """Remove the copies that were left behind, except these."""

    async def stored(self) -> list[Stored]:
        """What lies where downloads are kept, also what is still coming."""

    async def remove(self, path: str) -> bool:
        """Take a file away from there; whether it is gone. No file elsewhere is touched."""

    async def used(self, path: str, at_ms: int) -> None:
        """The person looked at this file then: those that nobody looked at since go before it."""


class Exports(Protocol):
    """Copies of files outside of the profile (SEC-27, SEC-28)."""

    def name(self, said: str) -> str:
        """A name that is fit for any disk, from one that somebody else chose."""

    async def save(self, path: str, to: str) -> str:
        """Copy a file there, or beside what is there already; returns where it is. Raises SaveFailed, DiskFull."""


class Worker(Protocol):
    """The media worker: the only one who looks into files."""

    async def inspect(
        self,
        path: str,
        name: str,
        kind: Literal["auto", "picture", "voice", "video", "file"],
        quality: Literal["small", "original"] = "original",
    ) -> Inspected:
        """Look into a file that is to be sent; one that is not understood is a plain file.

        Raises a Problem for a file that cannot be read. `small` fits pictures to 2,048 px.
        """

    async def look(self, path: str, claimed: Literal["picture", "voice", "video", "file"], name: str = "") -> Looked:
        """Look into a file that arrived; it is shown as what it was said to be, or is a plain file with a reason.

        Raises a Problem for a file that cannot be read.
        """

    async def make_smaller(
        self, path: str, kind: Literal["voice", "video"], progress: Callable[[int, int], None]
    ) -> Path | None:
        """A smaller copy for sending; None if it would not be smaller. `progress` hears done and whole milliseconds.

        Waits for no inspection and holds none up; a task that is cancelled ends it at once.
        Raises FfmpegMissing, CannotMakeSmaller or a Problem of a file that cannot be read.
        """

    async def join(self, folder: str, kind: Literal["voice", "video"]) -> Path:
        """One file out of the segments of a recording; they stay. Raises CannotJoin."""


class Ledger(Protocol):
    """Writes down what each request over HTTP costs."""

    async def flush(self) -> None:
        """What was spent until now is written when this returns."""


class Unspent:
    """The port `Ledger` of parts that ask nobody over HTTP."""

    async def flush(self) -> None:
        """Nothing was spent."""


class Accounts(Protocol):
    """Joining a server, and inviting others, over HTTP."""

    async def join(self, server: str, name: str, invite: str, request: str) -> Me:
        """Raises InviteWrong, NameTaken, NameInvalid, ServerUnreachable. The same `request` again is safe.

        With a code for another device of a person `name` is empty: the server knows it.
        """

    async def invite(self, me: Me) -> str:
        """A fresh invite code."""

    async def device_code(self, me: Me) -> str:
        """A code for another device of the same person. Raises DevicesFull."""

    async def devices(self, me: Me) -> list[Device]:
        """This person's devices."""

    async def end_device(self, me: Me, did: Did) -> None:
        """End one of them; it was ended before is fine."""


class Clock(Protocol):
    """Time. Monotonic seconds decide; wall milliseconds are only shown."""

    def now_s(self) -> float: ...
    def wall_ms(self) -> int: ...


class Dice(Protocol):
    """Chance."""

    def roll(self) -> float:
        """A number in [0, 1)."""

    def bytes(self, count: int) -> bytes:
        """Unpredictable bytes."""


class Machine(Protocol):
    """The core, as the shell sees it: one event in, effects out, and when it wants to be woken."""

    def handle(self, event: Event, now_s: float) -> list[Effect]: ...
    def next_wakeup_s(self) -> float | None: ...


MakeMachine: TypeAlias = Callable[[Memory, Ladder, int], Machine]
"""Builds the core from what was remembered, the ladder of the settings, and the wall clock in milliseconds."""


class Place(NamedTuple):
    """Where this computer is: its own address, and what tells this network from others. Never leaves the process."""

    address: str
    network: str


NO_PLACE = Place("", "")


def nowhere(server: str) -> Place:
    """The port `Parts.network` of a computer that cannot tell one network from another."""
    return NO_PLACE


@dataclass(frozen=True, slots=True)
class Parts:
    """One part a port, and the way to build the core.

    `network(server)` says where this computer is when it reaches that address, NO_PLACE if it cannot. It asks nobody
    and takes no time.
    """

    messages: Messages
    open_wire: Callable[[WireListener], Wire]
    media: Media
    worker: Worker
    accounts: Accounts
    clock: Clock
    dice: Dice
    exports: Exports
    make: MakeMachine
    network: Callable[[str], Place] = nowhere
    ledger: Ledger = Unspent()
