"""Where this computer is, and what each network bears: noticed, told, remembered, and not readable by others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from client.adapters.clock import SystemDice
from client.adapters.sqlite_messages import SqliteMessages
from client.app.networks import KEY, Networks
from client.core.effects import PaceLearned
from client.core.events import Event, OnNetwork, Woken
from client.ports import NO_PLACE, Place
from protocol.keepalive import Pace
from protocol.limits import NETWORKS_MAX
from protocol.packets import Hello
from protocol.problems import DiskFull
from tests.helpers.app import close_app, open_app

HOME, CAFE = Place("192.168.1.23", "192.168.1.0/24 home"), Place("10.1.2.3", "10.1.2.0/24 café")
SLOW = Pace(120.0, 120.0)


class Desk:
    """A computer that is carried about."""

    def __init__(self, disk: SqliteMessages) -> None:
        self.place = HOME
        self.posted: list[Event] = []
        self.networks = Networks(disk, SystemDice(), lambda: self.place, self.posted.append)

    def goes(self, place: Place) -> list[Event]:
        """What the core is told, once somebody looks."""
        self.place = place
        self.posted.clear()
        self.networks.look()
        return self.posted


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[SqliteMessages]:
    disk = SqliteMessages(tmp_path)
    await disk.open()
    yield disk
    await disk.close()


@pytest.fixture
async def desk(disk: SqliteMessages) -> Desk:
    desk = Desk(disk)
    await desk.networks.load()
    desk.networks.tell()
    desk.posted.clear()
    return desk


async def test_another_network_is_told_with_its_pace_and_wakes_the_line(desk: Desk) -> None:
    assert desk.goes(HOME) == []
    assert desk.goes(CAFE) == [OnNetwork(Pace()), Woken()]
    assert desk.goes(CAFE) == []


async def test_another_address_in_the_same_network_wakes_the_line_too(desk: Desk) -> None:
    assert desk.goes(HOME._replace(address="192.168.1.24")) == [OnNetwork(Pace()), Woken()]


async def test_the_way_to_another_server_is_no_move(desk: Desk) -> None:
    """Who joins a server on this computer has not gone anywhere."""
    desk.place = Place("127.0.0.1", "loopback")
    desk.networks.tell()
    desk.posted.clear()
    desk.networks.look()
    assert desk.posted == []


async def test_being_nowhere_is_no_news_and_being_back_is(desk: Desk) -> None:
    assert desk.goes(NO_PLACE) == []
    assert desk.goes(NO_PLACE) == []
    assert desk.goes(HOME) == [OnNetwork(Pace()), Woken()]


async def test_each_network_has_its_own_pace_and_keeps_it_across_restarts(desk: Desk, disk: SqliteMessages) -> None:
    await desk.networks.learned(SLOW)
    assert desk.goes(CAFE) == [OnNetwork(Pace()), Woken()]

    again = Desk(disk)
    await again.networks.load()
    again.networks.tell()
    assert again.posted == [OnNetwork(SLOW)]
    assert again.goes(CAFE) == [OnNetwork(Pace()), Woken()]


async def test_who_reads_the_profile_does_not_learn_where_the_person_was(desk: Desk, disk: SqliteMessages) -> None:
    await desk.networks.learned(SLOW)
    kept = await disk.setting(KEY) or ""

    assert "120" in kept
    for secret in (*HOME, "192.168", "home"):
        assert secret not in kept
    other = Desk(SqliteMessages(Path("unused")))
    assert other.networks._name() != desk.networks._name(), "the hash is keyed by the profile"


async def test_the_latest_networks_are_remembered(desk: Desk, disk: SqliteMessages) -> None:
    for number in range(NETWORKS_MAX + 5):
        desk.goes(Place("10.0.0.1", f"network {number}"))
        await desk.networks.learned(SLOW)
    await desk.networks.learned(Pace(60.0))

    assert desk.goes(Place("10.0.0.1", "network 4"))[0] == OnNetwork(Pace())
    assert desk.goes(Place("10.0.0.1", "network 5"))[0] == OnNetwork(SLOW)
    assert desk.goes(Place("10.0.0.1", f"network {NETWORKS_MAX + 4}"))[0] == OnNetwork(Pace(60.0))


@pytest.mark.parametrize("kept", ["nonsense", '{"salt":"AAAA","paces":{"x":{"every_s":1}}}'])
async def test_what_cannot_be_read_is_learned_again(kept: str, desk: Desk, disk: SqliteMessages) -> None:
    await disk.set_setting(KEY, kept)
    await desk.networks.load()
    desk.networks.tell()

    assert desk.posted == [OnNetwork(Pace())]


async def test_a_full_disk_costs_nothing_but_the_memory(
    desk: Desk, disk: SqliteMessages, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(key: str, value: str) -> None:
        raise DiskFull()

    monkeypatch.setattr(disk, "set_setting", full)
    await desk.networks.learned(SLOW)
    desk.networks.tell()

    assert desk.posted == [OnNetwork(SLOW)]


async def test_a_chat_begins_with_what_was_learned_before(tmp_path: Path) -> None:
    app = await open_app(tmp_path)
    await app.greet()
    app.chat._dispatcher.perform(PaceLearned(SLOW))
    for _ in range(1000):
        if await app.disk.setting(KEY):
            break
        await asyncio.sleep(0.001)
    await close_app(app)

    app = await open_app(tmp_path)
    assert (await app.wire.hears(Hello)).every_s == 120
    await close_app(app)
