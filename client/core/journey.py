"""The six packets that carry one message: their order, who sees which, and which are only the server's word."""

from __future__ import annotations

PACKETS = ("msg:R", "msg:A", "msg:N", "ack:R", "ack:A", "ack:N")
"""In the order in which they travel: the six lines of the hexagram, from below."""
BY_AUTHOR = frozenset(("msg:R", "msg:A", "ack:N"))
"""What the author's device sees; the other three pass between the server and the reader."""
WHO_WAS_AWAY = {"offline:A": "msg:N", "offlineack:R": "ack:R"}
FORGED = ("offline", "slow")


def stands_for(packet: str) -> str:
    """The packet of the six; who was away hears and says two of them by other names (P-44, P-46)."""
    return WHO_WAS_AWAY.get(packet, packet)


def is_forged(packet: str, note: str) -> bool:
    """Whether the server only says with this ack:N that it keeps the message (P-51): that is no delivery."""
    return packet == "ack:N" and note in FORGED
