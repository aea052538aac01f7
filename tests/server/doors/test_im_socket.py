"""The WebSocket door over a real loopback socket: six packets, both ways; bad frames; refused callers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web

from protocol.codec import from_server, write
from protocol.limits import FRAME_MAX_BYTES
from protocol.packets import AckA, AckN, AckR, FromClient, FromServer, Hello, MsgA, MsgN, OpenA, OpenR, Welcome
from protocol.values import ConvId, Token
from server.app.clock import SystemClock, SystemDice
from server.app.runner import Connection, Runner
from server.core.session import Rules
from server.core.values import Identity
from server.doors.im_socket import ImSocket, wrapped
from server.routes.local import LocalRoute
from server.stores.schema import SCHEMA
from server.stores.sqlite_store import SqliteStore
from server.stores.writer import open_writer
from tests.contracts.test_store import _people
from tests.helpers.wire import ALICE, BOB, TABLET, dg_of, msg

UPGRADE = (
    b"GET /v1/line HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
WHO = {"alice": ALICE, "bob": BOB, "tablet": TABLET}


class Accounts:
    """Tokens are names."""

    async def who_is(self, token: str) -> Identity | None:
        return WHO.get(token)


class Person:
    """A device with a real socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self._heard: list[FromServer] = []

    async def says(self, *packets: FromClient) -> None:
        await self.socket.send_str(write(packets).decode())

    async def hears(self, kind: type) -> FromServer:
        """The next packet of this kind; others before it are passed over."""
        while True:
            while self._heard:
                packet = self._heard.pop(0)
                if isinstance(packet, kind):
                    return packet
            message = await self.socket.receive(timeout=10)
            assert message.type is aiohttp.WSMsgType.TEXT, message
            self._heard += from_server.read(message.data)  # type: ignore[arg-type]


class Street:
    """A server at a loopback address, and those who call it."""

    def __init__(self, url: str, session: aiohttp.ClientSession, runner: Runner) -> None:
        self.url, self._session, self.runner = url, session, runner

    async def calls(self, headers: dict[str, str] | None = None) -> Person:
        return Person(await self._session.ws_connect(self.url, headers=headers))

    async def comes(self, token: str) -> Person:
        person = await self.calls()
        await person.says(Hello((1, 1), Token(token)))
        assert isinstance(await person.hears(Welcome), Welcome)
        return person


@pytest.fixture
async def street(tmp_path: Path) -> AsyncIterator[Street]:
    writer, route = open_writer(tmp_path / "messages.db", SCHEMA), LocalRoute()
    await writer.run(_people)
    clock, dice = SystemClock(), SystemDice()
    runner = Runner(
        store=SqliteStore(writer, clock, dice),
        accounts=Accounts(),  # type: ignore[arg-type]
        route=route,
        presence=route,
        clock=clock,
        dice=dice,
        rules=Rules(0.0, 0.01, 0.01, 0.01),
    )
    app = web.Application()
    app.router.add_get("/v1/line", ImSocket(runner).handle)
    house = web.AppRunner(app)
    await house.setup()
    site = web.TCPSite(house, "127.0.0.1", 0)
    await site.start()
    port = house.addresses[0][1]
    async with aiohttp.ClientSession() as session:
        yield Street(f"http://127.0.0.1:{port}/v1/line", session, runner)
    await runner.stop()
    await house.cleanup()
    await writer.close()


async def test_a_frame_that_takes_its_time_is_told_as_life(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    """At 1 kB/s one of 256 KiB takes four minutes (P-15)."""
    monkeypatch.setattr("server.doors.im_socket.PROGRESS_EVERY_S", 0.0)
    heard: list[Connection] = []
    monkeypatch.setattr(Connection, "heard", lambda connection: heard.append(connection))
    payload = write([Hello((1, 1), Token("alice"))])
    frame = bytes((0x81, 0xFE)) + len(payload).to_bytes(2, "big") + bytes(4) + payload  # a mask of zeros

    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(street.url).port)
    writer.write(UPGRADE)
    await reader.readuntil(b"\r\n\r\n")
    for start in range(0, len(frame), 20):
        writer.write(frame[start : start + 20])
        await asyncio.sleep(0.01)

    assert await reader.readexactly(2) == b"\x8a\x00", "a pong that nobody asked for"
    assert b'"welcome"' in await reader.readuntil(b'"welcome"')
    assert heard
    writer.close()
    await writer.wait_closed()


async def six_packets(sender: Person, receiver: Person, who: Identity, conv: ConvId, text: str) -> None:
    await sender.says(msg(1, text, conv=conv))  # 1 msg:R
    taken = await sender.hears(MsgA)  # 2 msg:A
    assert isinstance(taken, MsgA)
    assert taken.dg == dg_of(text, conv)
    while True:  # 3 msg:N
        frame = await receiver.hears(MsgN)
        assert isinstance(frame, MsgN)
        if frame.to >= taken.pos:
            break
    assert [(event.did, event.dg) for event in frame.events if event.pos == taken.pos] == [(who.did, taken.dg)]
    await receiver.says(AckR(conv, taken.pos))  # 4 ack:R
    stored = await receiver.hears(AckA)  # 5 ack:A
    assert isinstance(stored, AckA)
    assert stored.upto == taken.pos
    other = BOB.uid if who is ALICE else ALICE.uid
    while True:  # 6 ack:N
        told = await sender.hears(AckN)
        assert isinstance(told, AckN)
        if any(mark.by == other and mark.delivered >= taken.pos for mark in told.marks):
            return


async def test_six_packets_in_both_directions(street: Street) -> None:
    alice, bob = await street.comes("alice"), await street.comes("bob")
    await alice.says(OpenR("x", (BOB.uid,)))
    opened = await alice.hears(OpenA)
    assert isinstance(opened, OpenA)
    await six_packets(alice, bob, ALICE, opened.conv, "hello bob")
    await six_packets(bob, alice, BOB, opened.conv, "hello alice")


async def closed_with(person: Person) -> tuple[int | None, str | None]:
    """The close code and reason, when the server ends the line."""
    while True:
        message = await person.socket.receive(timeout=10)
        if message.type is not aiohttp.WSMsgType.TEXT:
            assert message.type is aiohttp.WSMsgType.CLOSE, message
            return message.data, message.extra


@pytest.mark.parametrize("frame", ["nonsense", "[]", '{"t":"ping","x":"1"}', '[{"t":"ping","t":"ping","x":"1"}]'])
async def test_a_broken_frame_ends_the_line_with_its_reason(street: Street, frame: str) -> None:
    alice = await street.comes("alice")
    await alice.socket.send_str(frame)
    assert await closed_with(alice) == (4400, "bad_frame")


async def test_a_frame_above_the_limit_ends_the_line(street: Street) -> None:
    alice = await street.comes("alice")
    await alice.socket.send_str("[" + " " * FRAME_MAX_BYTES + "]")
    assert await closed_with(alice) == (4400, "bad_frame"), "one that is read and found too long"
    bob = await street.comes("bob")
    await bob.socket.send_str("[" + " " * 2 * FRAME_MAX_BYTES + "]")
    assert await closed_with(bob) == (4400, "bad_frame"), "one that is not even read"


async def test_a_wrong_token_and_a_newer_session_are_told_by_code(street: Street) -> None:
    stranger = await street.calls()
    await stranger.says(Hello((1, 1), Token("mallory")))
    assert await closed_with(stranger) == (4401, "sign_in_again")
    first = await street.comes("alice")
    await street.comes("alice")
    assert await closed_with(first) == (4409, "replaced_elsewhere")


async def test_a_page_of_a_browser_is_refused(street: Street) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await street.calls({"Origin": "https://evil.example"})
    assert refused.value.status == 403


async def test_binary_frames_and_pings_of_the_carrier_are_understood(street: Street) -> None:
    alice = await street.calls()
    await alice.socket.ping()
    await alice.socket.pong()
    await alice.socket.send_bytes(write((Hello((1, 1), Token("alice")),)))
    assert isinstance(await alice.hears(Welcome), Welcome)


async def test_a_server_that_stops_says_so(street: Street) -> None:
    alice = await street.comes("alice")
    await street.runner.stop()
    code, reason = await closed_with(alice)
    assert code == 4503
    assert 1 <= int(reason or 0) <= 1_000  # milliseconds to stay away (P-80)


async def test_a_line_that_was_cut_is_forgotten(street: Street) -> None:
    alice = await street.comes("alice")
    await alice.socket.close()
    while street.runner._connections:  # noqa: ASYNC110 - a line that is gone tells nobody
        await asyncio.sleep(0.001)


async def test_two_devices_of_one_person_hear_the_same(street: Street) -> None:
    alice, bob = await street.comes("alice"), await street.comes("bob")
    await alice.says(OpenR("x", (BOB.uid,)))
    opened = await alice.hears(OpenA)
    assert isinstance(opened, OpenA)
    tablet = await street.comes("tablet")
    await alice.says(msg(1, "hello", conv=opened.conv))
    seen: list[Sequence[object]] = []
    for device in (bob, tablet):
        frames: list[object] = []
        while len(frames) < 4:
            frame = await device.hears(MsgN)
            assert isinstance(frame, MsgN)
            frames += frame.events
        seen.append(frames)
    assert seen[0] == seen[1]


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_frames_carry_their_length(size: int) -> None:
    frame = wrapped(0x81, b"x" * size)
    head = 2 if size < 126 else 4 if size < 65_536 else 10
    assert len(frame) == head + size
    assert int.from_bytes(frame[2:head], "big") in (0, size)
    assert frame[0] == 0x81
