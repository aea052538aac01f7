"""Everything that can happen to the client's core: wishes, the line, answers, time."""

from __future__ import annotations

from typing import Literal, TypeAlias

from client.core.model import Inspected, Member, Own, Rewrite, Span
from protocol.codec import Garbled
from protocol.content import Forward, Reply
from protocol.keepalive import Pace
from protocol.packets import Doing, FromServer, Prefs, Relation, Welcome
from protocol.values import ConvId, Digest, Lid, MediaId, Uid, Value

# ------------------------------------------------------------------------------------------------- wishes


class Compose(Value, frozen=True):
    """Send these bytes. The digest is over them; `at_ms` is the author's wall clock.

    A change says what it is and where its message stands (`rel`, position 0 while that has none), and which message
    that is (`target`).
    """

    lid: Lid
    conv: ConvId
    content: bytes
    dg: Digest
    at_ms: int
    media: tuple[MediaId, ...] = ()
    rel: Relation | None = None
    target: Digest = Digest("")


class Reword(Value, frozen=True):
    """What waits here says something else from now on: cancelled and written anew, or edited if that is too late."""

    lid: Lid
    rewrite: Rewrite


class Attach(Value, frozen=True):
    """Send a file: look at it, upload it, and only then compose its message.

    `small` fits pictures and makes large films smaller first. `bins` is the waveform that was heard while it was
    recorded, `note` says that it is a video note, and `album` joins it with its neighbours.
    """

    lid: Lid
    conv: ConvId
    path: str
    name: str
    kind: Literal["auto", "picture", "voice", "video", "file"]
    caption: str
    nonce: bytes
    at_ms: int
    reply: Reply | None = None
    quality: Literal["small", "original"] = "small"
    bins: bytes = b""
    note: bool = False
    album: str = ""


class Recaption(Value, frozen=True):
    """Other words below a file that is still on its way up."""

    lid: Lid
    caption: str


class PassOn(Value, frozen=True):
    """Send a file that the server has already, to another conversation: a new row on the same bytes (P-75).

    `found` is what is known of it; its `path` is the local copy, empty if there is none.
    """

    lid: Lid
    conv: ConvId
    found: Inspected
    source: MediaId
    caption: str
    nonce: bytes
    at_ms: int
    forward: Forward


class Fetch(Value, frozen=True):
    """The person clicked: download the file of this bubble, or go on with it (P-76). `kind`: what it is said to be."""

    lid: Lid
    media: MediaId
    size_bytes: int
    sha256: str
    name: str
    kind: Literal["picture", "voice", "video", "file"] = "file"


class StopFetch(Value, frozen=True):
    """The person does not want it any more: stop the download; what came is kept."""

    lid: Lid


class Pause(Value, frozen=True):
    """The person holds an upload or a download; Resend and Fetch go on. `done_bytes` is what had gone or come."""

    lid: Lid
    done_bytes: int = 0


class Resend(Value, frozen=True):
    """Try again from the first step of the ladder, with the same key (P-57); an interrupted upload goes on."""

    lid: Lid


class Cancel(Value, frozen=True):
    """Do not send it. Only the server can say whether that came in time (P-40)."""

    lid: Lid


class Drop(Value, frozen=True):
    """Take a bubble away that is over: refused, cancelled, or sent long ago. What still waits is not dropped."""

    lid: Lid
    conv: ConvId


class Ask(Value, frozen=True):
    """What became of this message? Answered by the effect `Found` within 3 s (P-57)."""

    lid: Lid


class ReadUpto(Value, frozen=True):
    """The person has seen everything up to this position (P-73)."""

    conv: ConvId
    pos: int


class Played(Value, frozen=True):
    """The person has played the sound or film of this bubble to its end."""

    lid: Lid


class Open(Value, frozen=True):
    """Open a conversation. `x` is 22 random characters; the answer is the effect `Opened`."""

    x: str
    uids: tuple[Uid, ...]
    kind: Literal["direct", "group"]
    title: str = ""


class AskPeople(Value, frozen=True):
    """Who is on this server? Answered by the effect `PeopleKnown`."""


class ChangeGroup(Value, frozen=True):
    """Change a group. `x` is 22 random characters; the answer is the effect `GroupChanged`."""

    x: str
    conv: ConvId
    do: Literal["add", "remove", "leave", "rename", "role"]
    uids: tuple[Uid, ...] = ()
    title: str = ""
    role: int = 0


class AskMembers(Value, frozen=True):
    """Who is here, and how far? Answered by the effect `MembersKnown`."""

    conv: ConvId


class AskOlder(Value, frozen=True):
    """Bring what lies in the highest gap of this device's history at or below `pos`: at most `limit` positions.

    Answered by the effect `OlderCame` (P-63).
    """

    conv: ConvId
    pos: int
    limit: int


class AskSynced(Value, frozen=True):
    """Is everything here that the server has for this device? Answered by the effect `Synced`, as soon as it is."""


class SetPrefs(Value, frozen=True):
    """From now on tell others this, on every device."""

    prefs: Prefs


class Act(Value, frozen=True):
    """The person is writing, recording or sending something here; empty: not any more."""

    conv: ConvId
    doing: Doing


class Watch(Value, frozen=True):
    """The person wants to see who of these is here, and of nobody else."""

    uids: tuple[Uid, ...]


class Dial(Value, frozen=True):
    """Connect now: at the start, or because the person wants it (P-16)."""


class Quit(Value, frozen=True):
    """Send what acknowledgements are joined, and hang up."""


# -------------------------------------------------------------------------------------------------- line


class WireUp(Value, frozen=True):
    """A connection is open; nothing was said on it yet. `wire` numbers it: events of older ones are void."""

    wire: int


class Received(Value, frozen=True):
    """One frame of packets came in."""

    wire: int
    packets: tuple[FromServer | Garbled, ...]


class WireDown(Value, frozen=True):
    """The connection ended, or could not be made. `close` is the close code, 0 if there was none.

    `why` is the code that the other side gave with it, if any.
    """

    wire: int
    close: int = 0
    retry_ms: int = 0
    why: str = ""


class Heard(Value, frozen=True):
    """Bytes of a frame came in that is not whole yet: a slow line lives (P-15)."""

    wire: int


class Woken(Value, frozen=True):
    """The computer slept, or the network changed."""


class OnNetwork(Value, frozen=True):
    """This computer is in a network that bears this much quiet (P-15); Woken follows if it was in another one."""

    pace: Pace


# ----------------------------------------------------------------------------------------------- answers


class FileInspected(Value, frozen=True):
    """What the worker found."""

    lid: Lid
    found: Inspected


class Made(Value, frozen=True):
    """A smaller copy of a file to be sent lies at `path`; empty if there is none to be had."""

    lid: Lid
    path: str


class MakingStopped(Value, frozen=True):
    """No smaller copy could be made: the original is sent. `code` is why."""

    lid: Lid
    code: str


class Uploaded(Value, frozen=True):
    """The file is complete at the server."""

    lid: Lid
    media: MediaId


class UploadStopped(Value, frozen=True):
    """Inspecting or uploading ended without success; `can_retry` when it is worth going on by ourselves.

    The server asked to wait for `wait_s`. `moves`: it had begun further than the attempt before it.
    """

    lid: Lid
    code: str
    can_retry: bool
    media: MediaId = MediaId("")
    wait_s: float = 0.0
    moves: bool = False


class Fetched(Value, frozen=True):
    """The file is here, and its hash is right. `why` is why it is shown as a plain one, `at_ms` the wall clock."""

    lid: Lid
    path: str
    why: str = ""
    at_ms: int = 0


class FetchStopped(Value, frozen=True):
    """The download ended without success; the server asked to wait for `wait_s`.

    `moves`: it had begun further than the attempt before it.
    """

    lid: Lid
    code: str
    can_retry: bool
    wait_s: float = 0.0
    moves: bool = False


class Kept(Value, frozen=True):
    """The file of an own bubble lies at `path` now; `before` is not needed any more."""

    lid: Lid
    path: str
    before: str


class Missing(Value, frozen=True):
    """The file that was downloaded for this bubble is not there any more, or was changed."""

    lid: Lid


class OwnAbove(Value, frozen=True):
    """The answer to FindOwnAbove: own messages that a restored server does not know any more (P-69)."""

    own: tuple[Own, ...]


class Tick(Value, frozen=True):
    """Time passed: a machine asked to be woken."""


# ---------------------------------------------------------------- between machines; the shell never posts these


class SessionUp(Value, frozen=True):
    """The server welcomed this device: what waits may go (P-17). Said by the link; later by the engine, if the
    generation changed and something has to be put right first (P-69)."""

    wire: int
    welcome: Welcome


class SessionDown(Value, frozen=True):
    """The session is over. Said by the link only after SessionUp for the same wire."""

    wire: int


class Said(Value, frozen=True):
    """What the server said in a ready session, without what concerns the link alone (P-12)."""

    packets: tuple[FromServer | Garbled, ...]


class Unanswered(Value, frozen=True):
    """The oldest thing that waits for an answer was sent at `since_s`; None when nothing waits (P-15)."""

    since_s: float | None


class Pull(Value, frozen=True):
    """Something of this conversation is missing here (P-46)."""

    conv: ConvId


class MembersNow(Value, frozen=True):
    """Who is in a conversation as far as its log was read here. `thin`: somebody may be missing in it.

    Of who came behind `upto` this device has not read yet; None where nobody can come (P-70).
    """

    conv: ConvId
    members: tuple[Member, ...]
    upto: int | None = None
    thin: bool = False


class AskRoster(Value, frozen=True):
    """Who is here, and how far, is not fully known on this device: the member table is wanted.

    `anew`: the one that comes just now is too old.
    """

    conv: ConvId
    anew: bool = False


class OlderMissing(Value, frozen=True):
    """A frame left out what is older than this device (P-63)."""

    conv: ConvId
    spans: tuple[Span, ...]


class Placed(Value, frozen=True):
    """Own messages of a conversation have positions now, `first` the lowest: marks may reach them already."""

    conv: ConvId
    first: int


class Rewound(Value, frozen=True):
    """The server's data are of another generation: every conversation falls back to its base (P-69)."""

    gen: str
    bases: dict[ConvId, int]
    own: tuple[Own, ...]


Event: TypeAlias = (
    Compose
    | Reword
    | Attach
    | Recaption
    | PassOn
    | Fetch
    | StopFetch
    | Pause
    | Resend
    | Cancel
    | Drop
    | Ask
    | ReadUpto
    | Played
    | Open
    | AskPeople
    | ChangeGroup
    | AskMembers
    | AskOlder
    | AskSynced
    | SetPrefs
    | Act
    | Watch
    | Dial
    | Quit
    | WireUp
    | Received
    | WireDown
    | Heard
    | Woken
    | OnNetwork
    | FileInspected
    | Made
    | MakingStopped
    | Uploaded
    | UploadStopped
    | Fetched
    | FetchStopped
    | Kept
    | Missing
    | OwnAbove
    | Tick
)
Internal: TypeAlias = (
    SessionUp
    | SessionDown
    | Said
    | Unanswered
    | Pull
    | MembersNow
    | AskRoster
    | OlderMissing
    | Placed
    | Rewound
    | Compose
)
INTERNAL = (
    SessionUp,
    SessionDown,
    Said,
    Unanswered,
    Pull,
    MembersNow,
    AskRoster,
    OlderMissing,
    Placed,
    Rewound,
    Compose,
)
