"""Packets of Alice and Bob as the server meets them."""

from __future__ import annotations

from protocol.codec import from_text, to_text
from protocol.lanes import NO_DIGEST, digest
from protocol.packets import Event, MsgR, Relation, VoidR
from protocol.values import ConvId, Did, Digest, MediaId, Uid
from server.core.acceptance import Offer
from server.core.values import Identity

TALK = ConvId("talk")
ALICE = Identity(Uid("alice"), Did("100"), "Alice")
BOB = Identity(Uid("bob"), Did("2000"), "Bob")
TABLET = Identity(Uid("bob"), Did("2001"), "Bob")
CAROL = Identity(Uid("carol"), Did("30000"), "Carol")


def dg_of(text: str, conv: ConvId = TALK) -> Digest:
    """The digest of a text as content."""
    return digest(conv, text.encode())


def msg(
    n: int,
    text: str,
    pd: Digest = NO_DIGEST,
    *,
    conv: ConvId = TALK,
    media: tuple[MediaId, ...] = (),
    rel: Relation | None = None,
) -> MsgR:
    """A whole message."""
    content = to_text(text.encode())
    return MsgR(conv, n, pd, dg_of(text, conv), content=content, media=media, rel=rel)


def probe(n: int, text: str, pd: Digest = NO_DIGEST) -> MsgR:
    """The same without content: was it taken? (P-31)"""
    return MsgR(TALK, n, pd, dg_of(text), probe=True)


def void(n: int, text: str, pd: Digest = NO_DIGEST) -> VoidR:
    """Never take it (P-33)."""
    return VoidR(TALK, n, pd, dg_of(text))


def offer(packet: MsgR | VoidR, who: Identity = ALICE, *, spoiled: bool = False) -> Offer:
    """A packet on its way to the store."""
    content = from_text(packet.content) if isinstance(packet, MsgR) else b""
    return Offer(who, packet, content, spoiled)


def event(pos: int, who: Identity = ALICE, text: str | None = None) -> Event:
    """A row of the log."""
    words = text if text is not None else f"message {pos}"
    return Event(pos, 1_000 + pos, who.uid, who.did, pos, dg_of(words), "plain1", to_text(words.encode()))
