"""Loses chosen packets on purpose, between the wire and the core: a drill that shows nothing depends on them.

It is switched on by `--drop ack:N:1` (the first `ack:N` that comes in, or the first `msg:R` that goes out).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from client.ports import Wire, WireListener
from protocol.codec import Garbled
from protocol.packets import FromServer, Packet
from protocol.problems import WishInvalid

log = logging.getLogger(__name__)


class Faults:
    """Which packets are still to be lost: name on the wire -> the number of each that comes."""

    def __init__(self, wanted: Sequence[str]) -> None:
        """Args: wanted: like `ack:N:1`. Raises WishInvalid for anything else."""
        self._wanted = {_fault(text) for text in wanted}
        self._counts: dict[str, int] = {}

    def lost(self, packet: Packet | Garbled) -> bool:
        """Count this packet, and say whether it is one of those."""
        if isinstance(packet, Garbled):
            return False
        name = str(packet.__struct_config__.tag)  # as on the wire: ack:N
        count = self._counts[name] = self._counts.get(name, 0) + 1
        if (name, count) not in self._wanted:
            return False
        log.warning("! lost on purpose: %s number %d", name, count)
        return True


class LossyWire:
    """A wire, and its listener, that some packets do not get through."""

    def __init__(self, faults: Faults, listener: WireListener, open_wire: Callable[[WireListener], Wire]) -> None:
        self._faults, self._listener = faults, listener
        self._wire = open_wire(self)

    def connect(self, wire: int, url: str) -> None:
        self._wire.connect(wire, url)

    def send(self, wire: int, packets: Sequence[Packet]) -> None:
        if kept := [packet for packet in packets if not self._faults.lost(packet)]:
            self._wire.send(wire, kept)

    def hang_up(self, wire: int, close: int) -> None:
        self._wire.hang_up(wire, close)

    def up(self, wire: int) -> None:
        self._listener.up(wire)

    def progressed(self, wire: int) -> None:
        self._listener.progressed(wire)

    def received(self, wire: int, packets: list[FromServer | Garbled]) -> None:
        if kept := [packet for packet in packets if not self._faults.lost(packet)]:
            self._listener.received(wire, kept)

    def down(self, wire: int, close: int, retry_ms: int, why: str = "") -> None:
        self._listener.down(wire, close, retry_ms, why)


def _fault(text: str) -> tuple[str, int]:
    name, _, number = text.rpartition(":")
    if not name or not number.isdigit() or int(number) < 1:
        raise WishInvalid(why=f"`{text}` is not a packet to lose; write it like ack:N:1")
    return name, int(number)
