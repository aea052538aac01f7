"""Where a device stands, in sixteen bytes: the sum that both ends of a heads poll compare (P-46)."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from protocol.codec import to_text
from protocol.values import ConvId

SUM_BYTES = 16


def heads_sum(standings: Iterable[tuple[ConvId, int, int]]) -> str:
    """Return the sum over (conversation, position, rev), in whatever order they come (P-46).

    The client puts in its cursors, the server the heads that this device may see. Equal sums: no news.
    """
    total = sha256()
    for conv, position, rev in sorted(standings):
        total.update(f"{conv} {position} {rev}\n".encode())
    return to_text(total.digest()[:SUM_BYTES])
