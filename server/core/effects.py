"""Everything a session can ask for."""

from __future__ import annotations

from typing import TypeAlias

from protocol.packets import Doing, FromServer, GroupR, OpenR, Prefs, StatusKey
from protocol.values import ConvId, Token, Uid, Value
from server.core.acceptance import Offer
from server.core.moves import Ask, Move
from server.core.values import Identity


class Send(Value, frozen=True, gc=False):
    """Put these on the wire, in order."""

    packets: tuple[FromServer, ...]


class Close(Value, frozen=True):
    """End the connection (P-18); `code` is a number of the carrier, `reason` a problem's code or empty."""

    code: int
    reason: str = ""


class Identify(Value, frozen=True):
    """Whose token is this? Answer: Identified."""

    token: Token


class Begin(Value, frozen=True):
    """T2, then attach doorbells, then read heads, in this order (P-86). Answer: Begun, or Failed."""

    who: Identity


class Accept(Value, frozen=True, gc=False):
    """T1 for these. Answer: Decided."""

    offers: tuple[Offer, ...]


class Raise(Value, frozen=True, gc=False):
    """T3 for these. Answer: Climbed."""

    moves: tuple[Move, ...]


class ReadPage(Value, frozen=True, gc=False):
    """A page of the log. Answer: Paged, or Unread if it was to be pushed."""

    ask: Ask


class ReadMarks(Value, frozen=True):
    """The marks above a rev. Answer: MarksRead, or Unread."""

    conv: ConvId
    rev: int


class ReadHeads(Value, frozen=True):
    """Where everything stands. Answer: HeadsRead."""


class ReadStates(Value, frozen=True):
    """What became of these? Answer: Stated."""

    keys: tuple[StatusKey, ...]


class ReadPeople(Value, frozen=True):
    """Who is here? Answer: PeopleRead."""


class Open(Value, frozen=True):
    """Open a conversation. Answer: Opened."""

    wish: OpenR


class Change(Value, frozen=True):
    """Change a group. Answer: Changed."""

    wish: GroupR


class ReadMembers(Value, frozen=True):
    """The table of members. Answer: MembersRead."""

    conv: ConvId


class Choose(Value, frozen=True):
    """From now on this person tells this. Answer: Chosen."""

    prefs: Prefs


class Type(Value, frozen=True):
    """Tell the others that this person writes. No answer."""

    conv: ConvId
    doing: Doing


class Watch(Value, frozen=True):
    """Where are these people, now and from now on? Answer: Told."""

    uids: tuple[Uid, ...]


Effect: TypeAlias = (
    Send
    | Close
    | Identify
    | Begin
    | Accept
    | Raise
    | ReadPage
    | ReadMarks
    | ReadHeads
    | ReadStates
    | ReadPeople
    | Open
    | Change
    | ReadMembers
    | Choose
    | Type
    | Watch
)
