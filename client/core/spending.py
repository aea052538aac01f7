"""What was asked of the server over HTTP, because of which deed of the person, and what it cost."""

from __future__ import annotations

from typing import Literal, TypeAlias

from protocol.values import ConvId, Lid, Value

Cause: TypeAlias = Literal[
    "download", "upload", "cancel", "join", "invite", "device_code", "devices", "end_device", "unknown"
]
"""The deed: "download" is a click on a file and all that follows of it, "upload" a file that was sent, "cancel" the
taking back of one, "devices" the page of them. `unknown` is our mistake: no request is made of its own accord."""
CacheKind: TypeAlias = Literal["picture", "voice", "video", "file"]
"""What is kept of files, by what they are shown as; "file" is also what no bubble shows any more."""


class Because(Value, frozen=True):
    """Why a request is made, and about which bubble (0: about none)."""

    cause: Cause
    lid: Lid = Lid(0)
    conv: ConvId = ConvId("")


class Spent(Value, frozen=True):
    """One request. `status` is 0 as long as there is no answer; `what` is the path that was asked for.

    Bytes are those of heads and bodies, both ways; a request that still runs is written with what it cost so far
    and, under the same `id`, again.
    """

    at_ms: int
    because: Because
    method: str
    what: str
    sent_bytes: int
    received_bytes: int
    status: int = 0
    id: int = 0


class Spending(Value, frozen=True):
    """What one day cost in one conversation; `conv` is empty for what belongs to none. `day` is YYYY-MM-DD here."""

    day: str
    conv: ConvId
    requests: int
    sent_bytes: int
    received_bytes: int


class CachedFile(Value, frozen=True):
    """A file that came and is here, shown by these bubbles; `busy` while one of them is being sent."""

    path: str
    kind: CacheKind
    lids: tuple[Lid, ...]
    busy: bool = False


class Stored(Value, frozen=True):
    """A file in the folder of downloads: when it was used last (nanoseconds), and whether it is still coming."""

    path: str
    size_bytes: int
    used_ns: int
    part_of: str = ""
    """The SHA-256 of the file that this is the beginning of; empty for whole files."""
