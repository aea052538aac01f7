"""Hello and welcome: which version both speak, how long silence is borne, where all stands (P-12, P-15, P-82)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from protocol.heads import sum_of
from protocol.limits import (
    CONTENT_MAX_BYTES,
    MEDIA_PER_MESSAGE_MAX,
    MEMBERS_MAX,
    PING_EVERY_MAX_S,
    PING_EVERY_MIN_S,
    PROTOCOL_NEWEST,
    PROTOCOL_OLDEST,
    PUSH_MAX_EVENTS,
    SERVER_SILENCE_FACTOR,
    UNANSWERED_MAX,
)
from protocol.packets import Head, Hello, Welcome
from server.core.events import Begun
from server.core.values import Identity

FEATURES: tuple[str, ...] = ()
LIMITS = {
    "content_bytes": CONTENT_MAX_BYTES,
    "media": MEDIA_PER_MESSAGE_MAX,
    "members": MEMBERS_MAX,
    "push_events": PUSH_MAX_EVENTS,
    "unanswered": UNANSWERED_MAX,
}


def version_of(offered: Sequence[int]) -> int:
    """The newest version both speak, 0 if there is none (P-82)."""
    newest = min(offered[1], PROTOCOL_NEWEST)
    return newest if newest >= max(offered[0], PROTOCOL_OLDEST) else 0


def understood(hello: Hello) -> bool:
    """Whether there is a common version, and nothing that must be understood is unknown (P-82)."""
    return bool(version_of(hello.v)) and set(hello.crit) <= set(FEATURES)


def silence_s(every_s: int) -> float:
    """How long a session that announced to ping every `every_s` may be silent (P-15)."""
    return SERVER_SILENCE_FACTOR * min(PING_EVERY_MAX_S, max(PING_EVERY_MIN_S, float(every_s)))


def sum_of_heads(heads: Iterable[Head]) -> str:
    """What a device has if it has all of this (P-46)."""
    return sum_of((head.conv, head.head, head.rev) for head in heads)


def welcome(hello: Hello, who: Identity, begun: Begun) -> Welcome:
    """The answer to hello; heads are left out when the device has everything already."""
    same = hello.gen == begun.gen and hello.sum == sum_of_heads(begun.heads)
    return Welcome(
        version_of(hello.v),
        begun.sn,
        begun.gen,
        begun.now_ms,
        who.uid,
        who.did,
        who.name,
        FEATURES,
        LIMITS,
        same,
        () if same else begun.heads,
        begun.prefs,
    )
