"""What a client remembers, and how a message looks to a person."""

from __future__ import annotations

from enum import IntEnum
from typing import Literal

from protocol.content import (
    Attachment,
    Body,
    Change,
    File,
    Forward,
    Mention,
    Notice,
    Picture,
    Reply,
    Text,
    Video,
    Voice,
)
from protocol.packets import Crowd, Prefs, Relation
from protocol.values import ConvId, Did, Digest, Lid, MediaId, Uid, Value

Form = Literal["direct", "group", "self"]
MediaKind = Literal["picture", "voice", "video", "file"]
VOICE_TYPE = "audio/ogg"
"""What speech is sent as where it can be: Opus."""
NOWHERE = 1 << 60
"""The place of what has no position yet: behind every other."""


class State(IntEnum):
    """Where a message stands (section 10). UPLOADING…READ only climb; the others stand beside the ladder."""

    UPLOADING = 0
    QUEUED = 1
    SENDING = 2
    ACCEPTED = 3
    STORED = 4
    DELIVERED = 5
    READ = 6
    CANCELLING = 7
    NEEDS_YOU = 8
    REFUSED = 9
    CANCELLED = 10
    LONG_AGO = 11
    RECEIVED = 20
    UNREADABLE = 21

    @property
    def word(self) -> str:
        """The name in the harness and in logs: queued, sending, accepted, …"""
        return self.name.lower()

    @property
    def on_ladder(self) -> bool:
        """Whether this is one of the steps that only climb."""
        return self <= State.READ

    @property
    def unsettled(self) -> bool:
        """Whether the server has not said what became of it (P-20)."""
        return self in (State.QUEUED, State.SENDING, State.CANCELLING, State.NEEDS_YOU)


class Me(Value, frozen=True):
    """The account and device of this profile."""

    uid: Uid
    did: Did
    name: str
    token: str
    server: str
    gen: str = ""


class Row(Value, frozen=True):
    """A message waiting in its lane (table `outbox`): the frozen bytes every try sends (P-19).

    `lane` order is the order of `n`. A change names its message by position (`rel`) and digest (`target`); while that
    message has no position, the change stands in no lane, and `n` is 0 (P-69). `wish` says whether its tries are msg:R
    or void:R (P-40); `parked` rows wait for the person (P-57). `first_ms` is the wall clock at T0 and only serves P-58.
    """

    lid: Lid
    conv: ConvId
    n: int
    pd: Digest
    dg: Digest
    content: bytes
    media: tuple[MediaId, ...] = ()
    wish: Literal["send", "cancel"] = "send"
    parked: bool = False
    first_ms: int = 0
    rel: Relation | None = None
    target: Digest = Digest("")


class Rewrite(Value, frozen=True):
    """What a waiting message is to say instead, in both forms: anew if the server has not got it, else as an edit.

    `edit_lid` is the local number of the edit, if it comes to that.
    """

    anew: bytes
    anew_dg: Digest
    edit: bytes
    edit_dg: Digest
    edit_lid: Lid
    at_ms: int
    media: tuple[MediaId, ...] = ()


class Accepted(Value, frozen=True):
    """A message the server has taken and nobody is known to have yet: it is still probed (P-54)."""

    lid: Lid
    conv: ConvId
    n: int
    pd: Digest
    dg: Digest
    pos: int


class Own(Value, frozen=True):
    """An own message that had been accepted, with all it takes to offer it again (P-69)."""

    lid: Lid
    conv: ConvId
    dg: Digest
    content: bytes
    media: tuple[MediaId, ...] = ()
    first_ms: int = 0
    rel: Relation | None = None
    target: Digest = Digest("")


class Lane(Value, frozen=True):
    """The end of this device's lane in one conversation: last number given, its digest, highest `last` seen (P-22)."""

    n: int = 0
    dg: Digest = Digest("")
    seen_last: int = 0


class Member(Value, frozen=True):
    """A person in a conversation; role 1 administers a group."""

    uid: Uid
    name: str
    role: int = 0


class Reach(Value, frozen=True):
    """How far one person has got in a conversation (table `mark`), and since when by the server's clock; 0 unknown."""

    delivered: int = 0
    read: int = 0
    delivered_ms: int = 0
    read_ms: int = 0


class Receipt(Value, frozen=True):
    """How one person stands to one own message: whether they have it and have read it, and since when at the latest.

    Times are the server's, 0 when unknown.
    """

    uid: Uid
    name: str
    delivered: bool = False
    read: bool = False
    delivered_ms: int = 0
    read_ms: int = 0


class Span(Value, frozen=True):
    """Positions first…last."""

    first: int
    last: int


class Room(Value, frozen=True):
    """What is remembered of one conversation (table `chat` and beside it). `read_upto` is the person's own.

    `away`: this person is no member now. `thin`: events that said who is here were not sent to this device, so that
    `members` may lack somebody until the server was asked. `older` are the gaps that its history fills (P-63).
    """

    conv: ConvId
    form: Form = "direct"
    title: str = ""
    cursor: int = 0
    rev: int = 0
    head: int = 0
    lane: Lane = Lane()
    members: tuple[Member, ...] = ()
    marks: dict[Uid, Reach] = {}
    read_upto: int = 0
    away: bool = False
    thin: bool = False
    crowd: Crowd | None = None
    older: tuple[Span, ...] = ()


class Upload(Value, frozen=True):
    """A file on its way up; its message has no number yet (P-3). `number` makes its creation idempotent (P-75).

    `source` is the file at the server whose bytes it shares, for one that is passed on. `paused`: it was refused, and
    goes on when the person wants; `held`: the person stopped it after `held_bytes`. `bins` is the waveform that was
    heard while it was recorded. With quality `small` a smaller `copy` is made first, unless that was tried before
    (`made`); `looked` is false while what is known is about the original and a copy is sent.
    """

    lid: Lid
    conv: ConvId
    number: int
    path: str
    name: str
    kind: Literal["auto", "picture", "voice", "video", "file"]
    caption: str
    nonce: bytes
    at_ms: int
    inspected: Inspected | None = None
    media: MediaId = MediaId("")
    paused: bool = False
    reply: Reply | None = None
    forward: Forward | None = None
    source: MediaId = MediaId("")
    quality: Literal["small", "original"] = "original"
    bins: bytes = b""
    note: bool = False
    album: str = ""
    held: bool = False
    held_bytes: int = 0
    copy: str = ""
    made: bool = False
    looked: bool = True

    @property
    def paths(self) -> tuple[str, ...]:
        """Every file on this disk that it needs: the original first, then the copies that are sent instead."""
        found = self.inspected.path if self.inspected is not None else ""
        return tuple(dict.fromkeys(path for path in (self.path, self.copy, found) if path))

    @property
    def to_make(self) -> bool:
        """Whether a smaller copy is to be made before anything is sent."""
        found = self.inspected
        if found is None or self.quality != "small" or self.made:
            return False
        return found.large or (found.kind == "voice" and found.type != VOICE_TYPE)

    @property
    def ready(self) -> bool:
        """Whether what is sent was looked at, and nothing is to be made of it any more."""
        return self.inspected is not None and self.looked and not self.to_make

    @property
    def sent_name(self) -> str:
        """The name that its message says: with the ending of the copy where that is of another format."""
        found = self.inspected
        if found is None:
            return self.name
        name = self.name or found.name
        if found.path == self.path:
            return name
        ending = _ending(found.path)
        return (
            name if not ending or _plain(_ending(name)) == _plain(ending) else name.removesuffix(_ending(name)) + ending
        )

    def body(self, media: MediaId) -> Body:
        """What its message says, as far as the file is known; `media` is empty while the server has none of it."""
        found = self.inspected
        if found is None:
            return self._body(self.kind, Attachment(media, self.name, "", 0, ""))
        file = Attachment(
            media=media,
            name=self.sent_name,
            type=found.type,
            size_bytes=found.size_bytes,
            sha256=found.sha256,
            width=found.width,
            height=found.height,
            duration_ms=found.duration_ms,
            preview=found.preview,
            preview_type=found.preview_type,
            waveform=self.bins or found.waveform,
        )
        return self._body(found.kind, file)

    def _body(self, kind: str, file: Attachment) -> Body:
        match kind:
            case "picture":
                return Picture(file, self.caption, self.album)
            case "voice":
                return Voice(file)
            case "video":
                return Video(file, self.caption, self.album, self.note)
            case _:
                return File(file, self.caption)


def _ending(name: str) -> str:
    """The last dot of a file's name and what follows; empty if there is none."""
    stem, dot, ending = name.replace("\\", "/").rpartition("/")[2].rpartition(".")
    return dot + ending if stem else ""


def _plain(ending: str) -> str:
    return ending.lower().replace("jpeg", "jpg")


class Wanted(Value, frozen=True):
    """A file that the person wants here: it is brought, over restarts too, until it is here or cannot be had (P-76).

    `kind` is what its message says it is. `held`: the person stopped it and may go on.
    """

    lid: Lid
    media: MediaId
    size_bytes: int
    sha256: str
    name: str
    kind: Literal["picture", "voice", "video", "file"] = "file"
    held: bool = False


class Inspected(Value, frozen=True):
    """What the worker found in a file: everything a message about it says, but the media id.

    `path` is the file to upload: the original, or a copy without location data.
    """

    kind: Literal["picture", "voice", "video", "file"]
    type: str
    name: str
    size_bytes: int
    sha256: str
    path: str
    width: int = 0
    height: int = 0
    duration_ms: int = 0
    preview: bytes = b""
    preview_type: str = ""
    waveform: bytes = b""
    large: bool = False
    """A film that is worth making smaller before it is sent."""
    why: str = ""
    """Code of the reason why it is a plain file although it looked like more; empty if there is none."""


class Looked(Value, frozen=True):
    """What the worker saw in a file that arrived: shown as `kind` only if it is what its message said.

    `why` is the code of the problem for which it is a plain file; empty if it is what it was said to be.
    Width and height in pixels as seen; the preview is at most 320 px and 12 KiB.
    """

    kind: Literal["picture", "voice", "video", "file"]
    type: str
    width: int = 0
    height: int = 0
    duration_ms: int = 0
    preview: bytes = b""
    preview_type: str = ""
    waveform: bytes = b""
    why: str = ""


class Memory(Value, frozen=True):
    """Everything the machines start from: read from the disk at start, and again after a failed save.

    `prefs_wish` is what the person chose to tell others, and the server has not confirmed.
    """

    me: Me | None
    rooms: tuple[Room, ...] = ()
    rows: tuple[Row, ...] = ()
    accepted: tuple[Accepted, ...] = ()
    uploads: tuple[Upload, ...] = ()
    fetches: tuple[Wanted, ...] = ()
    next_lid: Lid = Lid(1)
    prefs_wish: Prefs | None = None
    rewrites: dict[Lid, Rewrite] = {}


class Bubble(Value, frozen=True):
    """A message as a person sees it. The screen and the harness draw this and nothing else.

    `pos` is 0 before the server has taken it. `ts` is the server's time, 0 before; `at_ms` the author's own clock.
    `body` is None for what this version cannot read, and for what was recalled. `path` is the local file once it is
    here (own, or downloaded and verified). `code` names the Problem of a refused message, or why a transfer stopped.
    `tries` and `due_s` (monotonic) describe the running try. In a direct conversation `delivered_ms` and `read_ms` say
    since when, at the latest, the other person has it and has read it (server's time, 0 unknown); elsewhere *k of m*
    stands in `delivered_to`, `read_by` and `of`.

    Edits, recalls and reactions are no bubbles: `body`, `edited`, `recalled` and `reactions` show what they made of
    this one, also while the server has not taken them yet. `reactions` are emojis with the people behind each, the
    earliest first; a person has one at most. `change` is where this person's newest change of this bubble stands
    while the server has not taken it; its `change_lid` serves to resend, cancel or remove it, and `change_code` says
    why it was refused. `reply_lid` is the bubble that `reply` answers, 0 if it is not here. A change is itself seen as
    a bubble only by who asks for its `lid`: it has a body of that kind, is on no page, and `reply_lid` is what it
    changes. `lost`: a restored server does not know it any more (P-69).

    `fetching`: its file is wanted here and is not here yet. `paused`: the person stopped that, or the upload of an own
    one. `here_bytes` is how much of either has come or gone, as far as known (0 elsewhere). `fetched_ms` is the wall
    clock when the file was here, `heard` whether it was played to its end. `why` is the code of the reason why its file
    is shown as a plain one although its message said more; then `body` is a File.
    """

    lid: Lid
    conv: ConvId
    uid: Uid
    mine: bool
    state: State
    at_ms: int
    body: Body | Notice | Change | None
    pos: int = 0
    ts: int = 0
    n: int = 0
    dg: Digest = Digest("")
    code: str = ""
    path: str = ""
    place: int = 0
    delivered_to: int = 0
    read_by: int = 0
    of: int = 0
    delivered_ms: int = 0
    read_ms: int = 0
    tries: int = 0
    due_s: float = 0.0
    edited: bool = False
    recalled: bool = False
    recalled_by: Uid = Uid("")
    reactions: tuple[tuple[str, tuple[Uid, ...]], ...] = ()
    reply: Reply | None = None
    reply_lid: Lid = Lid(0)
    forward: Forward | None = None
    change: State | None = None
    change_lid: Lid = Lid(0)
    change_code: str = ""
    lost: bool = False
    fetching: bool = False
    paused: bool = False
    here_bytes: int = 0
    heard: bool = False
    fetched_ms: int = 0
    why: str = ""

    @property
    def mentions(self) -> tuple[Mention, ...]:
        """The people named in its words."""
        return self.body.mentions if isinstance(self.body, Text) else ()

    @property
    def attachment(self) -> Attachment | None:
        """The file of a media message."""
        return getattr(self.body, "file", None)

    @property
    def order(self) -> tuple[int, int]:
        """Sorts bubbles as shown: by position, then what has none yet in the order it was written (P-7).

        `place` is twice the position; what ended without one lies between two positions.
        """
        return (self.place or 2 * self.pos or NOWHERE, self.lid)


class Version(Value, frozen=True):
    """What a message said from `ts` on (the server's time; 0 while the server has not taken it)."""

    ts: int
    text: str


def end_of(pos: int) -> tuple[int, int]:
    """The place behind everything at this position and before the next one, as in `Bubble.order`."""
    return (2 * pos + 1, NOWHERE)


class ChatEntry(Value, frozen=True):
    """A row of the chat list. `away`: this person is no member now and can only read."""

    conv: ConvId
    form: Form
    title: str
    members: tuple[Member, ...]
    last: Bubble | None = None
    unread: int = 0
    waiting: int = 0
    needs_you: int = 0
    draft: str = ""
    read_upto: int = 0
    away: bool = False


class Presence(Value, frozen=True):
    """Whether a person is here now, and else when last (server's milliseconds, 0: not told). A hint, never a fact."""

    uid: Uid
    online: bool = False
    seen_ms: int = 0

    @property
    def known(self) -> bool:
        """Whether the server says anything about this person."""
        return self.online or self.seen_ms > 0


class Device(Value, frozen=True):
    """One of this person's devices (P-62). `here`: this one."""

    did: Did
    name: str
    seen_ms: int
    made_ms: int
    here: bool = False


LineState = Literal["offline", "dialing", "greeting", "ready", "stopped"]


class Line(Value, frozen=True):
    """How the connection stands. `retry_s` (monotonic) is when it is tried next; `code` says why it stopped."""

    state: LineState
    retry_s: float = 0.0
    code: str = ""


class Finding(Value, frozen=True):
    """What the server said when it was asked about a message (P-57): the six outcomes of the resend dialog."""

    lid: Lid
    found: Literal["delivered", "on_server", "not_there", "no_answer", "refused", "file_gone", "cancelled", "long_ago"]
    code: str = ""
    ts: int = 0


class Seen(Value, frozen=True):
    """One packet that was seen about a message. `tries` counts from 1, `at_ms` is our wall clock."""

    lid: Lid
    packet: str
    way: Literal["out", "in"]
    tries: int
    at_ms: int
    note: str = ""


class TransferProgress(Value, frozen=True):
    """How far a file has got; `make` is a smaller copy that is made before it is sent."""

    lid: Lid
    way: Literal["up", "down", "make"]
    done_bytes: int
    total_bytes: int
