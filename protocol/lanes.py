"""What makes a message itself: its number in its lane, its digest, its place in the chain (P-3, P-5, P-6)."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from protocol.codec import to_text
from protocol.values import ConvId, Digest, Value

DOMAIN = b"hexagram/message/1\0"
DIGEST_BYTES = 16
NONCE_BYTES = 8
NO_DIGEST = Digest("")


class Link(Value, frozen=True):
    """A place in a lane: number `n`, and `pd`, the digest of number n-1 (P-6)."""

    n: int
    pd: Digest


def digest(conv: ConvId, content: bytes) -> Digest:
    """Return `dg`, the identity of a message: equal digest = the same message (P-5)."""
    return Digest(to_text(sha256(DOMAIN + conv.encode() + b"\0" + content).digest()[:DIGEST_BYTES]))


def chain(last: int, ld: Digest, digests: Iterable[Digest]) -> list[Link]:
    """Return the places of `digests`, in order, behind number `last` whose digest is `ld` (P-3, P-23)."""
    links: list[Link] = []
    for dg in digests:
        last += 1
        links.append(Link(last, ld))
        ld = dg
    return links
