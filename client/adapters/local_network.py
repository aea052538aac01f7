"""In which network this computer is, as far as it can be seen without asking anybody: the port `Parts.network`."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from client.ports import NO_PLACE, Place

SOMEWHERE: Final = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
"""Addresses of the documentation (RFC 5737, RFC 3849): where the way to a name would begin; nothing is ever sent."""
PREFIX_BITS: Final = {4: 24, 6: 64}
NO_MAC: Final = "00:00:00:00:00:00"


class LocalNetwork:
    """Looks at the routing table of the system, which costs microseconds and no packet.

    Networks with the same private addresses are told apart by the hardware address of their gateway, where the system
    shows it (Linux). That one is forgotten now and then by the system, and kept here.

    Args:
        tables: where the system keeps its tables.
    """

    def __init__(self, tables: Path = Path("/proc/net")) -> None:
        self._tables = tables
        self._macs: dict[tuple[str, str], str] = {}

    def __call__(self, server: str) -> Place:
        """How `server` is reached from here; NO_PLACE if it cannot be."""
        address = _local_address(server)
        if address is None:
            return NO_PLACE
        if address.is_loopback:
            return Place(str(address), "loopback")
        network = ipaddress.ip_network((address, PREFIX_BITS[address.version]), strict=False)
        gateway = self._gateway()
        return Place(str(address), f"{network} {gateway} {self._mac(str(address), gateway)}".strip())

    def _gateway(self) -> str:
        """The default gateway's IPv4 address, in the system's spelling; "" where it is not shown."""
        for interface, destination, gateway, *_ in self._rows("route"):
            if destination == "00000000":
                return f"{interface}:{'.'.join(map(str, reversed(bytes.fromhex(gateway))))}"
        return ""

    def _mac(self, address: str, gateway: str) -> str:
        here = (address, gateway)
        for ip, _, _, mac, *_ in self._rows("arp"):
            if gateway.endswith(f":{ip}") and mac != NO_MAC:
                self._macs = {here: mac}
        return self._macs.get(here, "")

    def _rows(self, table: str) -> list[list[str]]:
        with suppress(OSError):
            rows = [line.split() for line in (self._tables / table).read_text("ascii").splitlines()[1:]]
            return [row for row in rows if len(row) > 4]
        return []


def _local_address(server: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """From which of our addresses a datagram to the server would leave. A name is not looked up: that would ask."""
    host = urlsplit(server).hostname or ""
    try:
        families = [socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET]
    except ValueError:
        families = list(SOMEWHERE)
    for family in families:
        target = host if len(families) == 1 else SOMEWHERE[family]
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((target, 9))
            return ipaddress.ip_address(probe.getsockname()[0].partition("%")[0])
    return None
