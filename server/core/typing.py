"""Who is writing: relayed at most every 2 s a conversation, and kept nowhere."""

from __future__ import annotations

from protocol.limits import TYPING_EVERY_S
from protocol.packets import Doing
from protocol.values import ConvId, Uid, Value

PLACES_MAX = 64  # conversations that a session is remembered to write in


class TypingBell(Value, frozen=True, gc=False):
    """Somebody writes, for the sessions of `members`; the one who writes is not among them."""

    conv: ConvId
    uid: Uid
    doing: Doing
    members: tuple[Uid, ...]


class Gate:
    """What one session says about writing, thinned out; what is too much is dropped and nothing is said."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: dict[ConvId, tuple[float, Doing]] = {}

    def passes(self, conv: ConvId, doing: Doing, now_s: float) -> bool:
        """Whether this word goes on. The end of writing always does, but only once."""
        said_s, said = self._last.get(conv, (float("-inf"), None))
        if said == "" if not doing else now_s < said_s + TYPING_EVERY_S:
            return False
        self._last.pop(conv, None)
        self._last[conv] = (now_s if doing else said_s, doing)
        if len(self._last) > PLACES_MAX:
            del self._last[next(iter(self._last))]
        return True
