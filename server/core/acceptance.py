"""The table of section 6 as one function: what becomes of an offered packet, given what the store found.

The store calls it inside T1, with the conversation locked; nothing here looks anything up.
"""

from __future__ import annotations

from typing import TypeAlias

from protocol.limits import CONTENT_MAX_BYTES
from protocol.packets import Event, MsgR, VoidR
from protocol.values import Digest, Uid, Value
from server.core.moves import Told
from server.core.values import Identity

MESSAGE, CANCELLED, REFUSED, ALIAS = 0, 1, 2, 3  # kinds of slots; a slot never changes (P-36)


class Offer(Value, frozen=True, gc=False):
    """A packet that wants a number of a lane; the lane is the session's, never the packet's (P-2).

    `content` are the bytes behind `packet.content`. `spoiled`: three exceptions, refuse it for good (P-39).
    """

    who: Identity
    packet: MsgR | VoidR
    content: bytes = b""
    spoiled: bool = False


class Slot(Value, frozen=True, gc=False):
    """A number of a lane that was given away: to what, and with which digest."""

    dg: Digest
    kind: int
    pos: int = 0
    code: str = ""


class Found(Value, frozen=True, gc=False):
    """What the store knows about an offer.

    `slot` is the one of this number, for an alias that of its target; `twin` the one of this digest, under
    whatever number; `refusal` is what rights, media and relation say, empty if nothing stands against it.
    """

    last: int
    ld: Digest
    slot: Slot | None
    twin: Slot | None
    refusal: str = ""


class Take(Value, frozen=True, gc=False):
    """T1: the next position is this message's (P-35)."""


class Fill(Value, frozen=True, gc=False):
    """T1': the number is spent on `slot`; the answer is that of `shown` (P-32…P-34)."""

    slot: Slot
    shown: Slot


class Repeat(Value, frozen=True, gc=False):
    """Nothing is written; the stored answer again (P-27)."""

    shown: Slot


class Gone(Value, frozen=True, gc=False):
    """The number is old and its row was removed by retention (P-28)."""


class Turn(Value, frozen=True, gc=False):
    """Not now: nothing is stored, and the number stays free (P-29…P-31)."""

    code: str


Decision: TypeAlias = Take | Fill | Repeat | Gone | Turn
TAKE, GONE = Take(), Gone()


def decide(offer: Offer, found: Found) -> Decision:
    """The first matching line wins (P-27…P-35)."""
    packet = offer.packet
    if packet.n <= found.last:
        return _again(found)
    if packet.n > found.last + 1:
        return Turn("order")
    if packet.pd != found.ld:
        return Turn("fork")
    if isinstance(packet, MsgR) and packet.probe and not packet.content:
        return Turn("unknown")
    if found.twin is not None:
        return Fill(Slot(packet.dg, ALIAS, found.twin.pos), shown=found.twin)
    return _new(offer, found)


def _again(found: Found) -> Decision:
    """An old number: what it was given to, for ever (P-27, P-28)."""
    return GONE if found.slot is None else Repeat(found.slot)


def _new(offer: Offer, found: Found) -> Decision:
    """The next number of the lane, in its place in the chain (P-33…P-35, P-39)."""
    dg = offer.packet.dg
    if isinstance(offer.packet, VoidR):
        return _fill(Slot(dg, CANCELLED))
    if offer.spoiled:
        return _fill(Slot(dg, REFUSED, code="internal"))
    if len(offer.content) > CONTENT_MAX_BYTES:
        return _fill(Slot(dg, REFUSED, code="content_too_large"))
    if found.refusal:
        return _fill(Slot(dg, REFUSED, code=found.refusal))
    return TAKE


def _fill(slot: Slot) -> Fill:
    return Fill(slot, shown=slot)


# ------------------------------------------------------------------------------------ what the store answers


class Taken(Value, frozen=True, gc=False):
    """Committed: the event as everybody will see it, and who is to hear of it."""

    offer: Offer
    event: Event
    members: tuple[Uid, ...]


class Settled(Value, frozen=True, gc=False):
    """A number that was given away, now or long ago, and the state of the marks for its `ack:N` (P-27).

    `age_ms` is how long ago a message was accepted, by the store's clock; `told` is complete.
    """

    offer: Offer
    shown: Slot
    last: int
    ld: Digest
    ts: int = 0
    age_ms: int = 0
    told: Told = Told()
    members: tuple[Uid, ...] = ()


class Removed(Value, frozen=True, gc=False):
    """The number is old and forgotten (P-28)."""

    offer: Offer
    last: int
    ld: Digest


class Turned(Value, frozen=True, gc=False):
    """Nothing was stored (P-29…P-31)."""

    offer: Offer
    code: str
    last: int
    ld: Digest


class Spoiled(Value, frozen=True, gc=False):
    """The work raised. `code` is `internal` for a mistake of ours, or says what the disk lacks (P-39)."""

    offer: Offer
    code: str


Answer: TypeAlias = Taken | Settled | Removed | Turned | Spoiled
