"""Do both sides stand at the same place? One short sum over all conversations instead of the list (P-46)."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from protocol.codec import to_text
from protocol.lanes import DIGEST_BYTES
from protocol.values import ConvId


def sum_of(places: Iterable[tuple[ConvId, int, int]]) -> str:
    """16 bytes of SHA-256 over the sorted (conversation, position, rev), in base64url.

    The device gives its cursors, the server the heads as that device may see them; equal means no news.
    """
    text = "".join(f"{conv} {pos} {rev}\n" for conv, pos, rev in sorted(places))
    return to_text(sha256(text.encode()).digest()[:DIGEST_BYTES])
