"""Everything the client's core can ask for: save, talk, fetch things, tell.

Effects are performed in order, with one liberty: the saves of one turn may be gathered in front, into one
transaction. A save is durable before anything behind it happens.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from client.core.events import Internal
from client.core.model import Finding, Inspected, Lane, Line, Member, Presence, Rewrite, State, Upload, Wanted
from protocol.keepalive import Pace
from protocol.packets import Crowd, Doing, Gap, Mark, Packet, Person, Prefs, Relation
from protocol.packets import Event as LogEvent
from protocol.values import ConvId, Digest, Lid, MediaId, Uid, Value

# --------------------------------------------------------------------------------------------------- saves


class SaveComposed(Value, frozen=True):
    """T0: the bubble (new, or the one that waited for its upload), its row, and the lane's end.

    A change (`rel`, `target`) is no bubble of its own. While its message has no position it has no number either: `n`
    is 0 and the lane as before.
    """

    lid: Lid
    conv: ConvId
    n: int
    pd: Digest
    dg: Digest
    content: bytes
    media: tuple[MediaId, ...]
    at_ms: int
    lane: Lane
    rel: Relation | None = None
    target: Digest = Digest("")


class Renumbered(Value, frozen=True):
    """The new place of one row."""

    lid: Lid
    n: int
    pd: Digest


class SaveRenumbered(Value, frozen=True):
    """T0: all unsettled rows of a lane in their new places (P-23)."""

    conv: ConvId
    rows: tuple[Renumbered, ...]
    lane: Lane


class SaveAdrift(Value, frozen=True):
    """P-69: a change whose message has lost its place leaves its lane and waits for that: its number is 0."""

    lid: Lid
    conv: ConvId


class SaveMoored(Value, frozen=True):
    """T0: the message of a change has a place (`pos`, 0 for a cancelled change): it stands in its lane now."""

    lid: Lid
    conv: ConvId
    n: int
    pd: Digest
    pos: int
    lane: Lane


class SaveRewrite(Value, frozen=True):
    """T0: what a waiting message is to say instead; None takes that back."""

    lid: Lid
    rewrite: Rewrite | None


class SaveSettled(Value, frozen=True):
    """T5: what became of a row. The row leaves the outbox; the bubble gets state, position and time."""

    lid: Lid
    conv: ConvId
    state: State
    pos: int
    ts: int
    seen_last: int
    code: str = ""


class SaveState(Value, frozen=True):
    """T5: a bubble's state without settling it: stored, needs_you, queued again, cancelling, refused upload."""

    lid: Lid
    state: State
    wish: Literal["send", "cancel"] = "send"
    parked: bool = False
    code: str = ""


class SaveSeenLast(Value, frozen=True):
    """T5: the highest `last` an answer carried (P-22)."""

    conv: ConvId
    last: int


class SaveArrived(Value, frozen=True):
    """T4: a frame from the log: events above the cursor, gaps, and the cursor itself.

    `settled` pairs own events with the bubbles they settle; other own events become bubbles (P-21).
    `members`, `form`, `title` and `away` are set when the frame changed them; `thin` when it left out who came or went.
    """

    conv: ConvId
    events: tuple[LogEvent, ...]
    gaps: tuple[Gap, ...]
    cursor: int
    head: int
    settled: tuple[tuple[Lid, LogEvent, State], ...] = ()
    members: tuple[Member, ...] | None = None
    form: str = ""
    title: str | None = None
    away: bool | None = None
    thin: bool = False


class SaveRoster(Value, frozen=True):
    """The member table as the server has it: who is here is whole again. `form` and `title` empty: as before."""

    conv: ConvId
    members: tuple[Member, ...]
    away: bool
    form: str = ""
    title: str = ""


class SaveOlder(Value, frozen=True):
    """T4 of this device's history: what fills positions first…last of its gaps, below the cursor (P-63)."""

    conv: ConvId
    first: int
    last: int
    events: tuple[LogEvent, ...]
    gaps: tuple[Gap, ...]


class SavePrefs(Value, frozen=True):
    """What the person chose to tell others, until the server has confirmed it; None: it has."""

    wish: Prefs | None


class SaveMarks(Value, frozen=True):
    """T5: marks of other people by maximum; own bubbles up to the two positions climb (P-49, P-53).

    `crowd` replaces the stairs of a large conversation; one of nobody takes them away.
    """

    conv: ConvId
    marks: tuple[Mark, ...]
    rev: int
    delivered_upto: int
    read_upto: int
    crowd: Crowd | None = None


class SaveRead(Value, frozen=True):
    """How far the person has read here; `told` once the server was told."""

    conv: ConvId
    upto: int


class SaveHeard(Value, frozen=True):
    """The sound or film of this bubble was played to its end; nobody else is told."""

    lid: Lid


class SaveRequeued(Value, frozen=True):
    """P-69: an own message above the base of a restored server, queued again with its old digest.

    `n` is 0 for a change whose message has no place yet.
    """

    lid: Lid
    conv: ConvId
    n: int
    pd: Digest
    lane: Lane


class SaveGeneration(Value, frozen=True):
    """P-69: the server's data are of another generation: cursors fall back, marks are cleared."""

    gen: str
    cursors: tuple[tuple[ConvId, int], ...]


class SaveUpload(Value, frozen=True):
    """A file on its way up: new, inspected, or known to the server."""

    upload: Upload


class SaveFetch(Value, frozen=True):
    """A file is wanted here, or its download is held, or goes on."""

    wanted: Wanted


class SaveFetchGone(Value, frozen=True):
    """A file is not wanted here any more."""

    lid: Lid


class SaveFetched(Value, frozen=True):
    """The file of a bubble lies at `path`; `code` instead when it cannot be had any more.

    It is not waited for any more. `why` is why it is shown as a plain one, `at_ms` the wall clock when it came (0: as
    before).
    """

    lid: Lid
    path: str
    code: str = ""
    why: str = ""
    at_ms: int = 0


class SavePath(Value, frozen=True):
    """The file of a bubble lies elsewhere now; with an empty path it is not here any more."""

    lid: Lid
    path: str


class SaveDropped(Value, frozen=True):
    """A bubble is gone: a file cancelled before its message had a number, or what the person took away."""

    lid: Lid
    conv: ConvId


class SavePeople(Value, frozen=True):
    """The people list."""

    people: tuple[Person, ...]


Save: TypeAlias = (
    SaveComposed
    | SaveRenumbered
    | SaveAdrift
    | SaveMoored
    | SaveRewrite
    | SaveSettled
    | SaveState
    | SaveSeenLast
    | SaveArrived
    | SaveRoster
    | SaveOlder
    | SavePrefs
    | SaveMarks
    | SaveRead
    | SaveHeard
    | SaveRequeued
    | SaveGeneration
    | SaveUpload
    | SaveFetch
    | SaveFetchGone
    | SaveFetched
    | SavePath
    | SaveDropped
    | SavePeople
)

# ---------------------------------------------------------------------------------------------------- talk


class Connect(Value, frozen=True):
    """Open connection number `wire`."""

    wire: int


class HangUp(Value, frozen=True):
    """Close connection number `wire`."""

    wire: int
    close: int = 1000


class Send(Value, frozen=True):
    """Say these, in order; the wire joins what one turn sends."""

    wire: int
    packets: tuple[Packet, ...]


# ----------------------------------------------------------------------------------------------------- ask


class InspectFile(Value, frozen=True):
    """Have the worker look at a file; answered by FileInspected or UploadStopped. `small` fits pictures."""

    lid: Lid
    path: str
    name: str
    kind: Literal["auto", "picture", "voice", "video", "file"]
    quality: Literal["small", "original"] = "original"


class MakeSmaller(Value, frozen=True):
    """Have the worker make a smaller copy for sending; answered by Made or MakingStopped."""

    lid: Lid
    path: str
    kind: Literal["voice", "video"]


class UploadFile(Value, frozen=True):
    """Upload from where the server is; answered by Uploaded or UploadStopped.

    With a `source` the server has the bytes already, and none are sent unless it has lost them (P-75).
    """

    lid: Lid
    conv: ConvId
    number: int
    found: Inspected
    media: MediaId
    source: MediaId = MediaId("")


class DownloadFile(Value, frozen=True):
    """Download from where we are, check the hash, look at it; answered by Fetched or FetchStopped."""

    lid: Lid
    media: MediaId
    size_bytes: int
    sha256: str
    name: str
    kind: Literal["picture", "voice", "video", "file"] = "file"


class FindOwnAbove(Value, frozen=True):
    """Look up own messages above these positions that had been accepted, in order of position; answered by OwnAbove.

    It is the first half of P-69: what a restored server has forgotten is offered again.
    """

    bases: tuple[tuple[ConvId, int], ...]


class ForgetUpload(Value, frozen=True):
    """Tell the server that this upload will never be finished; nobody waits for that.

    `media` is empty if only who carries the bytes knows which upload it is, by its `number`.
    """

    lid: Lid
    media: MediaId
    number: int


class DropCopy(Value, frozen=True):
    """This file is not needed any more: it goes if it is a copy or a recording of ours that no bubble shows."""

    path: str


class KeepSent(Value, frozen=True):
    """A file is at the server: a recording of ours moves to where downloads are, answered by Kept; copies go.

    `sent` is what was sent of `path`, the same or a copy.
    """

    lid: Lid
    path: str
    sent: str
    sha256: str
    name: str
    copies: tuple[str, ...] = ()


class StopTransfer(Value, frozen=True):
    """Stop what runs for this bubble, without an answer."""

    lid: Lid


# ---------------------------------------------------------------------------------------------------- tell


class LineChanged(Value, frozen=True):
    """The connection stands otherwise."""

    line: Line


class PaceLearned(Value, frozen=True):
    """This network bears so much quiet: to be remembered for the next start (P-15)."""

    pace: Pace


class Tried(Value, frozen=True):
    """A try left; the next step is due at `due_s` (monotonic). `tries` 0 takes the note back."""

    lid: Lid
    tries: int
    due_s: float


class Traced(Value, frozen=True):
    """A packet about this message was seen. The shell stamps it with the wall clock."""

    lid: Lid
    packet: str
    way: Literal["out", "in"]
    tries: int = 1
    note: str = ""


class TracedAt(Value, frozen=True):
    """A packet about every event of a conversation in first…last was seen (msg:N, ack:R, ack:A, ack:N)."""

    conv: ConvId
    first: int
    last: int
    packet: str
    way: Literal["out", "in"]
    note: str = ""


class Told(Value, frozen=True):
    """Something the person should know: a Problem's code, about a bubble or (0) in general."""

    code: str
    lid: Lid = Lid(0)
    x: str = ""


class Found(Value, frozen=True):
    """The answer to Ask."""

    finding: Finding


class OpenedAs(Value, frozen=True):
    """The answer to Open."""

    x: str
    conv: ConvId


class GroupChanged(Value, frozen=True):
    """The answer to ChangeGroup: it is so."""

    x: str


class MembersKnown(Value, frozen=True):
    """The answer to AskMembers: the table is stored. `code` says why the server did not give it."""

    conv: ConvId
    code: str = ""


class OlderCame(Value, frozen=True):
    """The answer to AskOlder: what could be had is stored. `code` says why nothing came."""

    conv: ConvId
    code: str = ""


class Synced(Value, frozen=True):
    """The answer to AskSynced: it is. `code` says why that cannot be known."""

    code: str = ""


class PrefsKnown(Value, frozen=True):
    """What this person tells others, as the server has it; it may have been chosen on another device."""

    prefs: Prefs


class Acting(Value, frozen=True):
    """Somebody is writing, recording or sending something; empty: not any more."""

    conv: ConvId
    uid: Uid
    doing: Doing


class PresenceKnown(Value, frozen=True):
    """Who of the watched people is here; nobody is known to be once the session is over."""

    people: tuple[Presence, ...]


class PeopleKnown(Value, frozen=True):
    """The answer to AskPeople."""

    people: tuple[Person, ...]


class Arrived(Value, frozen=True):
    """New messages of other people were stored: sound, notification, unread count."""

    conv: ConvId
    uids: tuple[Uid, ...]


Effect: TypeAlias = (
    Save
    | Connect
    | HangUp
    | Send
    | InspectFile
    | MakeSmaller
    | UploadFile
    | DownloadFile
    | ForgetUpload
    | DropCopy
    | KeepSent
    | FindOwnAbove
    | StopTransfer
    | LineChanged
    | PaceLearned
    | Tried
    | Traced
    | TracedAt
    | Told
    | Found
    | OpenedAs
    | GroupChanged
    | MembersKnown
    | OlderCame
    | Synced
    | PrefsKnown
    | Acting
    | PresenceKnown
    | PeopleKnown
    | Arrived
)
Output: TypeAlias = Effect | Internal
"""What a machine answers: effects for the shell, and events for the other machines, in order."""
