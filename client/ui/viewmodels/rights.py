"""What may be done with a message, by whom it is, how far it got, and who looks at it."""

from __future__ import annotations

from typing import Literal

from client.core.model import Bubble, ChatEntry, State
from protocol.content import File, Picture, Text, Video, Voice
from protocol.values import Uid

Right = Literal["reply", "react", "edit", "copy", "forward", "recall", "delete", "versions"]

OVER = (State.REFUSED, State.CANCELLED, State.LONG_AGO)
ADMINISTRATOR = 1
SPOKEN = (Text, Picture, Voice, Video, File)


def rights(bubble: Bubble, entry: ChatEntry | None, me: Uid) -> frozenset[Right]:
    """Everything that the door would not refuse. Somebody who left a conversation only reads it."""
    shown = isinstance(bubble.body, SPOKEN) and not bubble.recalled
    here = entry is not None and not entry.away
    may: dict[Right, bool] = {
        "reply": shown and here and bool(bubble.dg) and bubble.state not in OVER,
        "react": shown and here and bool(bubble.dg) and bubble.state not in OVER,
        "edit": shown and here and can_edit(bubble),
        "copy": shown and bool(words_of(bubble)),
        "forward": shown and bubble.state not in OVER and (not bubble.attachment or bool(bubble.attachment.media)),
        "recall": here and _can_recall(bubble, entry, me),
        "delete": bubble.mine and bubble.state in OVER,
        "versions": shown and bubble.edited,
    }
    return frozenset(right for right, allowed in may.items() if allowed)


def can_edit(bubble: Bubble) -> bool:
    """Whether the words of an own message can become others: those that wait, and those the server has."""
    if not bubble.mine or bubble.recalled or not isinstance(bubble.body, Text | Picture | Video | File):
        return False
    waits = bubble.state.unsettled and bubble.state is not State.CANCELLING
    return (bool(bubble.pos) and not bubble.lost) or waits or bubble.state is State.UPLOADING


def _can_recall(bubble: Bubble, entry: ChatEntry | None, me: Uid) -> bool:
    if not bubble.pos or not bubble.dg or bubble.recalled or bubble.lost or bubble.state in OVER:
        return False
    if not isinstance(bubble.body, (*SPOKEN, type(None))):
        return False
    members = entry.members if entry is not None else ()
    return bubble.mine or any(member.uid == me and member.role >= ADMINISTRATOR for member in members)


def words_of(bubble: Bubble) -> str:
    """The words of a message, or below its file."""
    body = bubble.body
    return body.text if isinstance(body, Text) else getattr(body, "caption", "")
