"""Values that several machines of the core share."""

from __future__ import annotations

from protocol.values import Did, Uid, Value

ID_MAX_CHARS = 32  # what can be an id; longer ones are not looked up, let alone stored


class Identity(Value, frozen=True):
    """Who holds a token: a person, and the device it was given to."""

    uid: Uid
    did: Did
    name: str
