"""What a front end is told, always after the commit, gathered for one frame of the screen."""

from __future__ import annotations

from typing import TypeAlias

from client.core.model import Bubble, Line, Presence, Seen, TransferProgress
from protocol.packets import Doing, Person, Prefs
from protocol.values import ConvId, Lid, Uid, Value


class BubblesChanged(Value, frozen=True):
    """These bubbles are new or look different. Bubbles of several conversations may come together."""

    bubbles: tuple[Bubble, ...]


class BubbleDropped(Value, frozen=True):
    """This bubble is gone: a file that was cancelled before it was sent."""

    lid: Lid
    conv: ConvId


class ChatsChanged(Value, frozen=True):
    """The chat list should be read again: order, titles, unread counts, drafts."""

    convs: tuple[ConvId, ...]


class LineChanged(Value, frozen=True):
    """The connection stands otherwise."""

    line: Line


class Progressed(Value, frozen=True):
    """A file has got further."""

    progress: TransferProgress


class PacketSeen(Value, frozen=True):
    """A packet about a message was seen."""

    seen: Seen
    conv: ConvId


class ProblemSeen(Value, frozen=True):
    """Something the person should know: code and facts of a Problem; about one bubble, or (0) in general."""

    code: str
    facts: dict[str, object] = {}
    lid: Lid = Lid(0)


class PeopleChanged(Value, frozen=True):
    """The people list is another."""

    people: tuple[Person, ...]


class NewMessages(Value, frozen=True):
    """Messages of other people were stored: sound and notification."""

    conv: ConvId
    uids: tuple[Uid, ...]


class TypingChanged(Value, frozen=True):
    """This person is writing, recording or sending something; empty: not any more. It ends by itself."""

    conv: ConvId
    uid: Uid
    doing: Doing


class PresenceChanged(Value, frozen=True):
    """Of these people it is known otherwise whether they are here."""

    people: tuple[Presence, ...]


class PrefsChanged(Value, frozen=True):
    """`Chat.settings` is another: what this person tells was chosen on another device."""

    prefs: Prefs


class MembersChanged(Value, frozen=True):
    """Who is in this conversation, with which role, or whether this person still is."""

    conv: ConvId


Change: TypeAlias = (
    BubblesChanged
    | BubbleDropped
    | ChatsChanged
    | LineChanged
    | Progressed
    | PacketSeen
    | ProblemSeen
    | PeopleChanged
    | NewMessages
    | TypingChanged
    | PresenceChanged
    | PrefsChanged
    | MembersChanged
)
