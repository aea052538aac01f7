"""The packets as frozen values, named as on the wire: `MsgR` is `msg:R` (P-10, section 3 of the contract).

Client to server ends in R, the server's answer in A, what the server says on its own in N; `ack` is about
delivery. Every field that may be absent has a default and is then left out of the frame.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct, field

from protocol.values import ConvId, Count, Did, Digest, MediaId, Name, Token, Uid


class Packet(Struct, frozen=True, tag_field="t", omit_defaults=True, gc=False):
    """One thing said on the wire; `t` names its type."""


class Relation(Struct, frozen=True, omit_defaults=True, gc=False):
    """What an edit, a recall or a reaction points at: a position of the same conversation (P-74)."""

    kind: Literal["edit", "recall", "react"]
    pos: Count


class Head(Struct, frozen=True, array_like=True, gc=False):
    """Where a conversation stands, as one device may see it: `[conv, head, rev, base]` (P-46)."""

    conv: ConvId
    head: Count
    rev: Count
    base: Count = 0


class Gap(Struct, frozen=True, array_like=True, gc=False):
    """Positions first…last that are not sent, and why (P-42).

    expired, not_member, before_join, unreadable (P-81): they never come. before_device: older than this device; they
    come when it asks for its history (P-63).
    """

    first: Count
    last: Count
    why: str


class Mark(Struct, frozen=True, gc=False, omit_defaults=True):
    """How far a person has got: delivered at one of the devices, read on any (P-49).

    `delivered_ms` and `read_ms` are the server's times of the last climbs, 0 when unknown. Of a person who does not
    tell, or to one who does not, `read` stays 0 (P-73).
    """

    by: Uid
    delivered: Count
    read: Count
    delivered_ms: Count = 0
    read_ms: Count = 0


class Step(Struct, frozen=True, array_like=True, gc=False):
    """So many others have got as far as `pos`, or farther: `[pos, count]`."""

    pos: Count
    count: Count


class Crowd(Struct, frozen=True, gc=False, omit_defaults=True):
    """How far a large conversation has got, as stairs that fall while positions grow (P-52).

    Of `of` others, the count of the first step with step.pos >= p have position p; none if there is no such step.
    """

    of: Count
    delivered: tuple[Step, ...] = ()
    read: tuple[Step, ...] = ()


class Event(Struct, frozen=True, omit_defaults=True, gc=False):
    """One row of a conversation's log, as everybody sees it."""

    pos: Count
    ts: Count
    uid: Uid
    did: Did
    n: Count
    dg: Digest
    suite: str
    content: str
    media: tuple[MediaId, ...] = ()
    rel: Relation | None = None


class Person(Struct, frozen=True, omit_defaults=True, gc=False):
    """One entry of the people list."""

    uid: Uid
    name: Name


class Seat(Struct, frozen=True, omit_defaults=True, gc=False):
    """One line of a conversation's member table: who, with which role (1 administers), and how far (P-52)."""

    uid: Uid
    name: Name
    role: Count = 0
    delivered: Count = 0
    read: Count = 0
    delivered_ms: Count = 0
    read_ms: Count = 0


class Here(Struct, frozen=True, omit_defaults=True, gc=False):
    """Whether a person has a session, and else when the last one ended (0: not told). A hint, never a fact."""

    uid: Uid
    online: bool = False
    seen_ms: Count = 0


class Prefs(Struct, frozen=True, gc=False):
    """What a person tells others, and is told by them: reads (P-73) and presence."""

    reads: bool = True
    presence: bool = True


class StatusKey(Struct, frozen=True, array_like=True, gc=False):
    """The message that a status question is about: `[conv, n, dg]`."""

    conv: ConvId
    n: Count
    dg: Digest


Fate: TypeAlias = Literal["unknown", "accepted", "stored", "delivered", "read", "cancelled", "refused", "other", "gone"]


class Status(Struct, frozen=True, omit_defaults=True, gc=False):
    """What became of one message, and where its lane stands (section 3, `is`)."""

    conv: ConvId
    n: Count
    dg: Digest
    fate: Fate = field(name="is")
    last: Count = 0
    ld: Digest = Digest("")
    pos: Count = 0
    ts: Count = 0
    delivered: Count = 0
    read: Count = 0
    code: str = ""


# ------------------------------------------------------------------------------------------------ session


class Hello(Packet, frozen=True, tag="hello"):
    """First packet of a connection, and only once (P-12). `gen` and `sum` save a round trip."""

    v: tuple[int, int]
    token: Token
    feat: tuple[str, ...] = ()
    gen: str = ""
    sum: str = ""
    crit: tuple[str, ...] = ()
    every_s: Count = 30


class Welcome(Packet, frozen=True, tag="welcome"):
    """The session is ready: who you are, which generation of data this is, where there is news."""

    v: int
    sn: Count
    gen: str
    ts: Count
    uid: Uid
    did: Did
    name: Name
    feat: tuple[str, ...] = ()
    limits: dict[str, int] = {}
    same: bool = False
    heads: tuple[Head, ...] = ()
    prefs: Prefs = Prefs()


class Ping(Packet, frozen=True, tag="ping"):
    """Is the line alive? (P-15) `every_s` announces another interval than hello did; 0 says nothing about it."""

    x: str
    every_s: Count = 0


class Pong(Packet, frozen=True, tag="pong"):
    """It is."""

    x: str


# ------------------------------------------------------------------------------------------------ sending


class MsgR(Packet, frozen=True, tag="msg:R"):
    """Please take this. A probe carries no content and asks whether it was taken (P-31)."""

    conv: ConvId
    n: Count
    pd: Digest
    dg: Digest
    suite: str = "plain1"
    content: str = ""
    media: tuple[MediaId, ...] = ()
    rel: Relation | None = None
    mlv: Count = 0
    probe: bool = False


class MsgA(Packet, frozen=True, tag="msg:A"):
    """Durable here; the rest is my duty. `gone`: the number is old and its row was removed (P-28)."""

    conv: ConvId
    n: Count
    pos: Count
    dg: Digest
    ts: Count
    last: Count
    ld: Digest
    gone: bool = False


class VoidR(Packet, frozen=True, tag="void:R"):
    """Never take this number as a message (P-33, P-40)."""

    conv: ConvId
    n: Count
    pd: Digest
    dg: Digest


class VoidA(Packet, frozen=True, tag="void:A"):
    """Cancelled for ever."""

    conv: ConvId
    n: Count
    dg: Digest
    last: Count
    ld: Digest


class Nack(Packet, frozen=True, tag="nack"):
    """Not taken. Final: the number is spent. Not final: try again as `code` says (section 6)."""

    code: str
    conv: ConvId = ConvId("")
    n: Count = 0
    dg: Digest = Digest("")
    final: bool = False
    last: Count | None = None
    ld: Digest = Digest("")
    retry_ms: Count = 0


# ----------------------------------------------------------------------------------------------- delivery


class MsgN(Packet, frozen=True, tag="msg:N"):
    """Every position p with from < p <= to, each once, as an event or inside a gap (P-42)."""

    conv: ConvId
    from_: Count = field(name="from")
    to: Count
    head: Count
    events: tuple[Event, ...] = ()
    gaps: tuple[Gap, ...] = ()


class AckR(Packet, frozen=True, tag="ack:R"):
    """This device has durably stored everything up to `upto` (P-44)."""

    conv: ConvId
    upto: Count


class AckA(Packet, frozen=True, tag="ack:A"):
    """The cursor is committed (T3)."""

    conv: ConvId
    upto: Count


class AckN(Packet, frozen=True, tag="ack:N"):
    """Two packets that share a name and nothing else; they never mix (P-50, P-51).

    True: `marks` of other people with from < rev <= to; with more than 32 members `crowd` instead, which is whole each
    time (P-52). Forged: `stored` is "offline" or "slow", and says of (`n`, `pos`) only that the server keeps it.
    """

    conv: ConvId
    from_: Count = field(name="from", default=0)
    to: Count = 0
    marks: tuple[Mark, ...] = ()
    n: Count = 0
    pos: Count = 0
    stored: Literal["", "offline", "slow"] = ""
    crowd: Crowd | None = None

    @property
    def forged(self) -> bool:
        """Whether this only says that the server keeps the message."""
        return self.stored != ""


class OfflineR(Packet, frozen=True, tag="offline:R"):
    """Pull: frames from `after` on, and the marks above `rev` (P-46).

    `history` asks for what is older than this device, and moves nothing (P-63).
    """

    conv: ConvId
    after: Count
    rev: Count = 0
    limit: Count = 256
    history: bool = False


class OfflineA(Packet, frozen=True, tag="offline:A"):
    """The answer to exactly one `offline:R`: a frame like `msg:N`, and the marks with rev_from < rev <= rev_to."""

    conv: ConvId
    from_: Count = field(name="from")
    to: Count
    head: Count
    events: tuple[Event, ...] = ()
    gaps: tuple[Gap, ...] = ()
    rev_from: Count = 0
    rev_to: Count = 0
    marks: tuple[Mark, ...] = ()
    crowd: Crowd | None = None
    history: bool = False


class OfflineAckR(Packet, frozen=True, tag="offlineack:R"):
    """Another name for `ack:R`, used for what came by `offline:A`."""

    conv: ConvId
    upto: Count


class HeadsR(Packet, frozen=True, tag="heads:R"):
    """Where is there news? `sum` is over what this device has (P-46)."""

    sum: str = ""


class HeadsA(Packet, frozen=True, tag="heads:A"):
    """Nothing new (`same`), or every conversation's head."""

    same: bool = False
    heads: tuple[Head, ...] = ()


class ReadR(Packet, frozen=True, tag="read:R"):
    """The person has read up to here (P-73)."""

    conv: ConvId
    upto: Count


# ---------------------------------------------------------------------------------- asking, people, opening


class StatusR(Packet, frozen=True, tag="status:R"):
    """What became of these? (P-57)"""

    keys: tuple[StatusKey, ...]


class StatusA(Packet, frozen=True, tag="status:A"):
    """One answer a key, in the same order."""

    states: tuple[Status, ...]


class PeopleR(Packet, frozen=True, tag="people:R"):
    """Who is here?"""


class PeopleA(Packet, frozen=True, tag="people:A"):
    """Everybody with an account on this server."""

    people: tuple[Person, ...]


class OpenR(Packet, frozen=True, tag="open:R"):
    """Open a conversation with these people; a direct one is the same for ever, a group is made once per `x`.

    `x` is 22 random characters chosen by the client: asking again with the same one is safe.
    """

    x: str
    uids: tuple[Uid, ...]
    kind: Literal["direct", "group"] = "direct"
    title: Name = ""


class OpenA(Packet, frozen=True, tag="open:A"):
    """Here it is; or `code` says why not."""

    x: str
    conv: ConvId = ConvId("")
    code: str = ""


class GroupR(Packet, frozen=True, tag="group:R"):
    """Change a group: add or remove `uids`, leave, rename to `title`, give `uids` the `role` (P-59, P-70).

    What is so already is done: asking again is safe. `x` joins the answer to the question.
    """

    x: str
    conv: ConvId
    do: Literal["add", "remove", "leave", "rename", "role"]
    uids: tuple[Uid, ...] = ()
    title: Name = ""
    role: Count = 0


class GroupA(Packet, frozen=True, tag="group:A"):
    """It is so, durably; or `code` says why not. The change itself comes as events of the log."""

    x: str
    conv: ConvId
    code: str = ""


class MembersR(Packet, frozen=True, tag="members:R"):
    """The member table, please (P-52)."""

    conv: ConvId


class MembersA(Packet, frozen=True, tag="members:A"):
    """Everybody who is a member now, and what the conversation is called; or `code` says why not.

    `form` and `title` are for who came later than the events that said so. All this is as the log says up to `head`.
    """

    conv: ConvId
    members: tuple[Seat, ...] = ()
    code: str = ""
    form: str = ""
    title: Name = ""
    head: int = 0


# ------------------------------------------------------------- what nobody keeps: lost is lost, nothing is said twice

Doing: TypeAlias = Literal["", "text", "voice", "video", "file"]


class TypingR(Packet, frozen=True, tag="typing:R"):
    """I am writing, recording or sending something here; empty: not any more. Never in the log."""

    conv: ConvId
    doing: Doing = "text"


class TypingN(Packet, frozen=True, tag="typing:N"):
    """This person is writing here; it holds for a few seconds."""

    conv: ConvId
    uid: Uid
    doing: Doing = "text"


class PresenceR(Packet, frozen=True, tag="presence:R"):
    """Tell me about these people from now on, and about no others."""

    uids: tuple[Uid, ...] = ()


class PresenceN(Packet, frozen=True, tag="presence:N"):
    """Who is here: the answer to `presence:R`, and later what changed."""

    people: tuple[Here, ...]


class PrefsR(Packet, frozen=True, tag="prefs:R"):
    """From now on I tell this, and am told it."""

    prefs: Prefs


class PrefsA(Packet, frozen=True, tag="prefs:A"):
    """What this person tells; to all devices of the person."""

    prefs: Prefs


FromClient: TypeAlias = (
    Hello
    | MsgR
    | VoidR
    | AckR
    | OfflineR
    | OfflineAckR
    | HeadsR
    | ReadR
    | StatusR
    | PeopleR
    | OpenR
    | GroupR
    | MembersR
    | TypingR
    | PresenceR
    | PrefsR
    | Ping
    | Pong
)
FromServer: TypeAlias = (
    Welcome
    | MsgA
    | VoidA
    | Nack
    | MsgN
    | AckA
    | AckN
    | OfflineA
    | HeadsA
    | StatusA
    | PeopleA
    | OpenA
    | GroupA
    | MembersA
    | TypingN
    | PresenceN
    | PrefsA
    | Ping
    | Pong
)
AnyPacket: TypeAlias = FromClient | FromServer


class Close:
    """Close codes of the WebSocket (P-18)."""

    VERSION = 4010
    MISUSE = 4400
    TOKEN = 4401
    NOT_THIS_DEVICE = 4403
    TOO_SLOW = 4408
    REPLACED = 4409
    AGAIN = 4500
    BUSY = 4503
