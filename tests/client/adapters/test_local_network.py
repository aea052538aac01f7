"""Networks are told apart by what the system shows anyway."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from client.adapters.local_network import LocalNetwork
from client.ports import NO_PLACE, Place

ROUTE = """Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT
wlan0\t0001A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0
wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0
"""
ARP = """IP address       HW type     Flags       HW address            Mask     Device
192.168.1.1      0x1         0x2         {mac}     *        wlan0
"""
FRITZ, LINKSYS, UNKNOWN = "3c:a6:2f:00:00:01", "00:18:39:00:00:02", "00:00:00:00:00:00"


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A computer at 192.168.1.23 behind a gateway."""
    (tmp_path / "route").write_text(ROUTE)
    (tmp_path / "arp").write_text(ARP.format(mac=FRITZ))
    monkeypatch.setattr("client.adapters.local_network.socket.socket", _Probe)
    return tmp_path


class _Probe:
    """The way out, without a network."""

    local: str | None = "192.168.1.23"

    def __init__(self, family: int, kind: int) -> None:
        self._fits = family == socket.AF_INET

    def connect(self, target: tuple[str, int]) -> None:
        if not self._fits or self.local is None:
            raise OSError("no way")

    def getsockname(self) -> tuple[str, int]:
        assert self.local is not None
        return self.local, 1

    def __enter__(self) -> _Probe:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def test_this_computer_itself_is_a_network_of_its_own() -> None:
    assert LocalNetwork()("http://127.0.0.1:8787") == Place("127.0.0.1", "loopback")


def test_a_network_is_its_prefix_and_its_gateway(tables: Path) -> None:
    here = LocalNetwork(tables)

    assert here("https://chat.example") == Place("192.168.1.23", f"192.168.1.0/24 wlan0:192.168.1.1 {FRITZ}")
    assert here("https://203.0.113.5:1") == here("https://chat.example")


def test_the_same_private_addresses_elsewhere_are_another_network(tables: Path) -> None:
    here = LocalNetwork(tables)
    home = here("https://chat.example")
    (tables / "arp").write_text(ARP.format(mac=LINKSYS))

    assert here("https://chat.example") != home


def test_a_gateway_that_the_system_forgot_for_a_while_is_still_the_same(tables: Path) -> None:
    here = LocalNetwork(tables)
    home = here("https://chat.example")
    (tables / "arp").write_text(ARP.format(mac=UNKNOWN))

    assert here("https://chat.example") == home


def test_a_system_without_such_tables_tells_networks_apart_by_their_prefix(tables: Path) -> None:
    assert LocalNetwork(tables / "none")("https://chat.example") == Place("192.168.1.23", "192.168.1.0/24")


def test_without_a_way_there_is_no_network(tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Probe, "local", None)

    assert LocalNetwork(tables)("https://chat.example") == NO_PLACE
    assert LocalNetwork(tables)("https://[2001:db8::2]") == NO_PLACE
