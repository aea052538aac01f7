"""Packets seen about messages: stamped when they pass, found by place, written together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from client.adapters.sqlite_messages import SqliteMessages
from client.app.changes import Change, PacketSeen
from client.app.publisher import Publisher
from client.app.tasks import Tasks
from client.app.trace import Tracer
from client.core.effects import SaveArrived, SaveComposed, SaveSettled, Traced, TracedAt
from client.core.model import Lane, Seen, State
from protocol.codec import to_text
from protocol.content import PLAIN, Content, Text, pack
from protocol.lanes import NO_DIGEST, digest
from protocol.packets import Event
from protocol.problems import DiskFull
from protocol.values import Did, Lid
from tests.helpers.app import BOB, CONV, ME


class Ticking:
    """A clock that is a millisecond later whenever it is asked."""

    ms = 0

    def now_s(self) -> float:
        return self.ms / 1000

    def wall_ms(self) -> int:
        self.ms += 1
        return self.ms


class FullDisk(SqliteMessages):
    full = False

    async def note(self, seen: object) -> None:
        if self.full:
            raise DiskFull()
        await super().note(seen)  # type: ignore[arg-type]


class Desk:
    """A tracer with an own message at position 1 and one of bob's at position 2."""

    def __init__(self, disk: FullDisk) -> None:
        self.disk, self.tasks, self.publisher = disk, Tasks(), Publisher(0.0)
        self.tracer = Tracer(disk, Ticking(), self.tasks, self.publisher)
        self.told: list[Change] = []
        self.publisher.subscribe(self.told.append)
        self.bobs = Lid(0)

    async def fill(self) -> None:
        mine = pack(Content(ME.uid, CONV, b"1", 1, Text("mine")))
        dg = digest(CONV, mine)
        await self.disk.save([SaveComposed(Lid(1), CONV, 1, NO_DIGEST, dg, mine, (), 1, Lane(1, dg))])
        await self.disk.save([SaveSettled(Lid(1), CONV, State.ACCEPTED, 1, 1, 1)])
        his = pack(Content(BOB, CONV, b"2", 1, Text("his")))
        event = Event(pos=2, ts=2, uid=BOB, did=Did("88"), n=1, dg=digest(CONV, his), suite=PLAIN, content=to_text(his))
        (bubble,) = await self.disk.save([SaveArrived(CONV, (event,), (), 2, 2)])
        self.bobs = bubble.lid


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    disk = FullDisk(tmp_path)
    await disk.open()
    await disk.become(ME)
    desk = Desk(disk)
    await desk.fill()
    yield desk
    await desk.tasks.close()
    await disk.close()


async def test_a_packet_is_stamped_when_it_passes_and_written_later(desk: Desk) -> None:
    desk.tracer.saw(Traced(Lid(1), "msg:R", "out", 1))
    desk.tracer.saw(Traced(Lid(1), "msg:R", "out", 2, "probe"))
    assert await desk.disk.trace(Lid(1)) == []
    await desk.tracer.flush()
    expected = [Seen(Lid(1), "msg:R", "out", 1, 1), Seen(Lid(1), "msg:R", "out", 2, 2, "probe")]
    assert await desk.disk.trace(Lid(1)) == expected
    desk.publisher.flush()
    assert desk.told == [PacketSeen(seen, CONV) for seen in expected]


@pytest.mark.parametrize("known", [True, False])
async def test_places_become_bubbles_each_side_its_own_packets(desk: Desk, known: bool) -> None:
    if known:
        desk.publisher.show([await desk.disk.bubble(Lid(1)), await desk.disk.bubble(desk.bobs)])
    for packet, way in (("msg:N", "in"), ("ack:R", "out"), ("ack:A", "in"), ("ack:N", "in")):
        desk.tracer.saw(TracedAt(CONV, 1, 2, packet, "in" if way == "in" else "out"))
    await desk.tracer.flush()
    assert [seen.packet for seen in await desk.disk.trace(Lid(1))] == ["ack:N"]
    assert [seen.packet for seen in await desk.disk.trace(desk.bobs)] == ["msg:N", "ack:R", "ack:A"]


async def test_what_is_not_known_here_and_a_full_disk_cost_the_trace_and_nothing_else(desk: Desk) -> None:
    desk.tracer.saw(Traced(Lid(99), "msg:R", "out"))
    await desk.tracer.flush()
    desk.disk.full = True
    desk.tracer.saw(Traced(Lid(1), "msg:A", "in"))
    await desk.tracer.flush()
    desk.publisher.flush()
    assert [change.seen.packet for change in desk.told if isinstance(change, PacketSeen)] == ["msg:A"]
    assert await desk.disk.trace(Lid(1)) == []
