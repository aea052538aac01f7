"""The harness's wishes: one JSON object each, checked before anything is done (docs/HEADLESS.md)."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from client.app.writing import FileKind, Quality
from protocol.content import Mention
from protocol.packets import Doing
from protocol.problems import WishInvalid
from protocol.values import NUMBER_MAX, ConvId, Count, Did, Lid

WISH_MAX_BYTES = 1024 * 1024
Ref: TypeAlias = Any
"""Whatever the caller wants back in the answer."""
Number: TypeAlias = Annotated[Lid, msgspec.Meta(ge=1, le=NUMBER_MAX)]


class Wish(msgspec.Struct, frozen=True, tag_field="do", forbid_unknown_fields=True, kw_only=True):
    """Something the caller wants."""

    ref: Ref = None


class Say(Wish, frozen=True, tag="say"):
    """Send words, to a person by name or into a conversation."""

    text: str
    to: str = ""
    conv: ConvId = ConvId("")
    reply_to: Number | None = None
    mentions: tuple[Mention, ...] = ()


class SendFile(Wish, frozen=True, tag="send"):
    """Send a file."""

    path: Annotated[str, msgspec.Meta(min_length=1)]
    to: str = ""
    conv: ConvId = ConvId("")
    kind: FileKind = "auto"
    caption: str = ""
    reply_to: Number | None = None
    quality: Quality = "small"
    note: bool = False
    album: Annotated[str, msgspec.Meta(max_length=22)] = ""


class Forward(Wish, frozen=True, tag="forward"):
    """Send these messages to somebody else as well."""

    lids: Annotated[tuple[Number, ...], msgspec.Meta(min_length=1, max_length=100)]
    to: str = ""
    conv: ConvId = ConvId("")


class Edit(Wish, frozen=True, tag="edit"):
    """Other words for an own message, or below its file."""

    lid: Number
    text: str
    mentions: tuple[Mention, ...] = ()


class Recall(Wish, frozen=True, tag="recall"):
    """Ask everybody to remove a message."""

    lid: Number


class React(Wish, frozen=True, tag="react"):
    """What the caller thinks of a message; empty takes it back."""

    lid: Number
    emoji: str


class Versions(Wish, frozen=True, tag="versions"):
    """What a message said before it was edited."""

    lid: Number


class Fetch(Wish, frozen=True, tag="fetch"):
    """Download the file of a bubble."""

    lid: Number


class StopFetch(Wish, frozen=True, tag="stop"):
    """Stop that."""

    lid: Number


class Pause(Wish, frozen=True, tag="pause"):
    """Hold an upload or a download."""

    lid: Number


class Resume(Wish, frozen=True, tag="resume"):
    """Go on with it."""

    lid: Number


class Resend(Wish, frozen=True, tag="resend"):
    """Send again."""

    lid: Number


class Cancel(Wish, frozen=True, tag="cancel"):
    """Do not send."""

    lid: Number


class Status(Wish, frozen=True, tag="status"):
    """Ask the server what became of a message."""

    lid: Number


class Trace(Wish, frozen=True, tag="trace"):
    """The packets seen about a message."""

    lid: Number


class Read(Wish, frozen=True, tag="read"):
    """Everything up to this position was read."""

    conv: ConvId
    upto: Count


class History(Wish, frozen=True, tag="history"):
    """A page of a conversation, newest last. `before` is a `lid` of an earlier page."""

    conv: ConvId = ConvId("")
    with_: str = msgspec.field(default="", name="with")
    before: Number | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 50


class OpenChat(Wish, frozen=True, tag="open"):
    """A conversation with one person, or a group."""

    with_: str = msgspec.field(default="", name="with")
    title: str = ""
    members: tuple[str, ...] = ()


class People(Wish, frozen=True, tag="people"):
    """Who is on this server?"""


class Chats(Wish, frozen=True, tag="chats"):
    """The chat list."""


class Invite(Wish, frozen=True, tag="invite"):
    """A fresh invite code."""


class Connect(Wish, frozen=True, tag="connect"):
    """Call the server now."""


class Retry(Wish, frozen=True, tag="retry"):
    """The same by its other name."""


class SetRetry(Wish, frozen=True, tag="set"):
    """Another ladder from now on."""

    retry: Literal["ladder", "ask"]
    literal: bool = False


class AddMembers(Wish, frozen=True, tag="add"):
    """Add people to a group."""

    conv: ConvId
    members: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


class RemoveMember(Wish, frozen=True, tag="remove"):
    """Take somebody out of a group."""

    conv: ConvId
    member: str


class Leave(Wish, frozen=True, tag="leave"):
    """Leave a group."""

    conv: ConvId


class Rename(Wish, frozen=True, tag="rename"):
    """Give a group another name."""

    conv: ConvId
    title: str


class SetRole(Wish, frozen=True, tag="role"):
    """Let somebody administer a group (1), or not (0)."""

    conv: ConvId
    member: str
    role: Literal[0, 1]


class Members(Wish, frozen=True, tag="members"):
    """The member table."""

    conv: ConvId


class Receipts(Wish, frozen=True, tag="receipts"):
    """Who has an own message, and who has read it."""

    lid: Number


class SetPrefs(Wish, frozen=True, tag="prefs"):
    """What others are told, and told to this person; without a field it stays as it is."""

    receipts: bool | None = None
    presence: bool | None = None
    typing: bool | None = None


class Typing(Wish, frozen=True, tag="typing"):
    """The person is writing, recording or sending something here."""

    conv: ConvId
    doing: Doing = "text"


class Watch(Wish, frozen=True, tag="watch"):
    """Tell whether these people are here, and nobody else."""

    people: tuple[str, ...]


class DeviceCode(Wish, frozen=True, tag="device_code"):
    """A code for another device of this person."""


class Devices(Wish, frozen=True, tag="devices"):
    """This person's devices."""


class EndDevice(Wish, frozen=True, tag="end_device"):
    """End one of them, also this one."""

    did: Did


class Join(Wish, frozen=True, tag="join"):
    """Join once more with this profile, after its device was ended."""

    invite: str
    name: str = ""
    server: str = ""


class LeftOver(Wish, frozen=True, tag="left_over"):
    """What was not sent when the device ended."""


class TakeOver(Wish, frozen=True, tag="take_over"):
    """Send it as this device; all of it, or these."""

    lids: tuple[Number, ...] | None = None


class Ledger(Wish, frozen=True, tag="ledger"):
    """What requests over HTTP cost, and which deeds caused them."""

    conv: ConvId = ConvId("")
    limit: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1000


class Clear(Wish, frozen=True, tag="clear"):
    """Let go of the files that were downloaded, of one kind or of all."""

    kind: Literal["", "picture", "voice", "video", "file"] = ""


class Quit(Wish, frozen=True, tag="quit"):
    """End, as when the input ends."""


AnyWish: TypeAlias = (
    Say
    | SendFile
    | Forward
    | Edit
    | Recall
    | React
    | Versions
    | Fetch
    | StopFetch
    | Pause
    | Resume
    | Resend
    | Cancel
    | Status
    | Trace
    | Read
    | History
    | OpenChat
    | People
    | Chats
    | Invite
    | Connect
    | Retry
    | SetRetry
    | AddMembers
    | RemoveMember
    | Leave
    | Rename
    | SetRole
    | Members
    | Receipts
    | SetPrefs
    | Typing
    | Watch
    | DeviceCode
    | Devices
    | EndDevice
    | Join
    | LeftOver
    | TakeOver
    | Ledger
    | Clear
    | Quit
)
GroupWish: TypeAlias = AddMembers | RemoveMember | Leave | Rename | SetRole
HintWish: TypeAlias = Members | Receipts | SetPrefs | Typing | Watch
DeviceWish: TypeAlias = DeviceCode | Devices | EndDevice | Join | LeftOver | TakeOver
DataWish: TypeAlias = Ledger | Clear
_decoder: msgspec.json.Decoder[AnyWish] = msgspec.json.Decoder(AnyWish)


def read_wish(line: bytes) -> AnyWish:
    """Return the wish of a line. Raises WishInvalid, whose sentence says what is wrong with it."""
    if len(line) > WISH_MAX_BYTES:
        raise WishInvalid(why=f"it is longer than {WISH_MAX_BYTES} bytes")
    try:
        wish = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WishInvalid(why=str(error).rstrip(".")) from None
    if isinstance(wish, Say | SendFile | Forward) and bool(wish.to) == bool(wish.conv):
        raise WishInvalid(why="it needs either `to` or `conv`")
    if isinstance(wish, History) and bool(wish.with_) == bool(wish.conv):
        raise WishInvalid(why="it needs either `with` or `conv`")
    if isinstance(wish, OpenChat) and bool(wish.with_) == bool(wish.title):
        raise WishInvalid(why="it needs either `with` or `title` and `members`")
    return wish


def ref_of(line: bytes) -> Ref:
    """The `ref` of a line that is not a wish, as far as it can be read."""
    try:
        item = json.loads(line)  # reads more than what may be a wish: halves of characters, for one
        ref = item.get("ref") if isinstance(item, dict) else None
        msgspec.json.encode(ref)
    except (ValueError, RecursionError, TypeError):
        return None
    return ref
