"""The base of every value that travels: frozen, comparable, printable."""

from __future__ import annotations

from typing import Annotated, NewType

from msgspec import Meta, Struct
from msgspec.structs import replace

Uid = NewType("Uid", str)
"""A person: 26 characters base32 of 128 random bits, made by the server (P-1)."""
ConvId = NewType("ConvId", str)
"""A conversation: 26 characters base32 of 128 random bits, made by the server (P-1)."""
Did = NewType("Did", str)
"""A device: a decimal string below 2^63, made by the server; "0" is the server itself (P-2)."""
MediaId = NewType("MediaId", str)
"""An uploaded file: 26 characters base32 of 128 random bits, made by the server (P-75)."""
Digest = NewType("Digest", str)
"""First 16 bytes of a SHA-256 in base64url, 22 characters; empty before the first of a lane (P-5, P-6)."""
Lid = NewType("Lid", int)
"""A bubble on this device; it never travels (P-4)."""

NUMBER_MAX = 2**53 - 1
Count = Annotated[int, Meta(ge=0, le=NUMBER_MAX)]
"""A number on the wire: never negative, exact in every JSON reader (P-11)."""
Name = Annotated[str, Meta(max_length=64)]
Token = Annotated[str, Meta(max_length=256)]

SERVER_DID = Did("0")


class Value(Struct, frozen=True):
    """A frozen record. Equality is by content; `match` works on its fields."""


__all__ = [
    "NUMBER_MAX",
    "SERVER_DID",
    "ConvId",
    "Count",
    "Did",
    "Digest",
    "Lid",
    "MediaId",
    "Name",
    "Token",
    "Uid",
    "Value",
    "replace",
]
