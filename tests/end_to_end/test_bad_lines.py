"""Strangers and broken programs at the server's door: each is answered or let go, and hurts nobody else."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import suppress
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from client.harness.puppet import Puppet
from tests.end_to_end.processes import Server

PING = {"t": "ping", "x": "AAAAAAAAAAA"}
PONG = {"t": "pong", "x": "AAAAAAAAAAA"}
UPGRADE = (
    b"GET /v1/line HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
LATE_S = 20.0  # 10 s are allowed to say hello, and 5 s to close

BROKEN_FRAMES: dict[str, bytes | str] = {
    "no JSON": "hello",
    "nothing": "",
    "no packets": "[]",
    "no list": "{}",
    "bytes": bytes(range(256)),
    "no UTF-8": b'[{"t":"ping","x":"\xff"}]',
    "65 packets": json.dumps([PING] * 65),
    "depth 1000": "[" * 1000 + "]" * 1000,
    "depth 1000 in a field": '[{"t":"ping","x":"AAAAAAAAAAA","y":' + "[" * 1000 + "]" * 1000 + "}]",
    "a key twice": '[{"t":"ping","t":"ping","x":"AAAAAAAAAAA"}]',
    "NaN": '[{"t":"ack:R","conv":"x","upto":NaN}]',
    "infinity": '[{"t":"ack:R","conv":"x","upto":Infinity}]',
    "5000 digits": '[{"t":"ack:R","conv":"x","upto":' + "9" * 5000 + "}]",
}
BROKEN_PACKETS: dict[str, tuple[str, str]] = {
    "unknown type": ('{"t":"dance"}', "unknown_type"),
    "no type": ("{}", "packet"),
    "a type that is a number": ('{"t":1}', "packet"),
    "no object": ('"ping"', "packet"),
    "30 digits": ('{"t":"ack:R","conv":"x","upto":' + "9" * 30 + "}", "packet"),
    "beyond 2^53": ('{"t":"ack:R","conv":"x","upto":9007199254740993}', "packet"),
    "negative": ('{"t":"ack:R","conv":"x","upto":-1}', "packet"),
    "half a character": ('{"t":"ack:R","conv":"\\ud800","upto":5}', "packet"),
    "a title of 1000": (
        json.dumps({"t": "open:R", "x": "x", "uids": [], "kind": "group", "title": "a" * 1000}),
        "packet",
    ),
    "a conversation that is none": (
        '{"t":"offline:R","conv":"a\\u0000b","after":0,"rev":0,"limit":9}',
        "unknown_conversation",
    ),
}


def token_of(person: Puppet) -> str:
    db = sqlite3.connect(person.data_dir / "messages.db")
    try:
        return str(db.execute("select token from me").fetchone()[0])
    finally:
        db.close()


def line_to(server: Server) -> connect:
    return connect(server.url.replace("http", "ws") + "/v1/line", compression=None, max_size=None)


def hello(token: str, versions: tuple[int, int] = (1, 1)) -> str:
    return json.dumps([{"t": "hello", "v": versions, "feat": [], "token": token}])


async def greeted(line: ClientConnection, token: str) -> ClientConnection:
    await line.send(hello(token))
    assert json.loads(await line.recv())[0]["t"] == "welcome"
    return line


async def end_of(line: ClientConnection) -> tuple[int, str]:
    """Close code and reason."""
    with suppress(ConnectionClosed):
        async for _ in line:
            pass
    await line.wait_closed()
    return line.close_code or 0, line.close_reason or ""


async def still_talk(alice: Puppet) -> None:
    await alice.state((await alice.wish("say", to="bob", text="still here"))["lid"], "delivered")


@pytest.fixture
async def stranger(server: Server, alice: Puppet) -> str:
    """The token of a device that somebody misuses."""
    carol = Puppet("carol", alice.data_dir.with_name("carol"), server.url)
    await carol.start(invite=await server.invite())
    await carol.quit()
    return token_of(carol)


async def test_a_broken_frame_ends_its_own_connection_only(
    server: Server, alice: Puppet, bob: Puppet, stranger: str
) -> None:
    for what, frame in BROKEN_FRAMES.items():
        async with line_to(server) as line:
            await greeted(line, stranger)
            await line.send(frame)
            assert await end_of(line) == (4400, "bad_frame"), what
    async with line_to(server) as line:
        await greeted(line, stranger)
        await line.send(b"x" * 300_000)
        assert await end_of(line) == (4400, "bad_frame"), "too large to be read at all"
    await still_talk(alice)


async def test_a_broken_packet_is_answered_and_its_neighbours_are_done(
    server: Server, alice: Puppet, bob: Puppet, stranger: str
) -> None:
    async with line_to(server) as line:
        await greeted(line, stranger)
        for what, (packet, code) in BROKEN_PACKETS.items():
            await line.send(f"[{packet},{json.dumps(PING)}]")
            heard: list[dict[str, Any]] = []
            while len(heard) < 2:
                heard += json.loads(await line.recv())
            assert PONG in heard, what
            assert [answer["code"] for answer in heard if answer["t"] == "nack"] == [code], what
    await still_talk(alice)


async def test_nothing_of_a_foreign_conversation_is_told_or_taken(
    server: Server, alice: Puppet, bob: Puppet, stranger: str
) -> None:
    conv = (await alice.wish("open", **{"with": "bob"}))["conv"]
    asked = [
        {"t": "offline:R", "conv": conv, "after": 0, "rev": 0, "limit": 9},
        {"t": "ack:R", "conv": conv, "upto": 1},
        {"t": "read:R", "conv": conv, "upto": 1},
    ]
    async with line_to(server) as line:
        await greeted(line, stranger)
        for packet in asked:
            await line.send(json.dumps([packet]))
            [answer] = json.loads(await line.recv())
            assert (answer["t"], answer["code"]) == ("nack", "unknown_conversation"), packet


@pytest.mark.parametrize(
    ("frame", "end"),
    [
        ("hello", (4400, "bad_frame")),
        (json.dumps([PING]), (4400, "misuse")),
        (hello("nobody's"), (4401, "sign_in_again")),
        (hello("x", (0, 0)), (4010, "version_unknown")),
        (hello("x", (7, 9)), (4010, "version_unknown")),
    ],
)
async def test_who_begins_wrongly_is_told_why(server: Server, frame: str, end: tuple[int, str]) -> None:
    async with line_to(server) as line:
        await line.send(frame)
        assert await end_of(line) == end


async def test_a_second_hello_is_misuse(server: Server, alice: Puppet, stranger: str) -> None:
    async with line_to(server) as line:
        await greeted(line, stranger)
        await line.send(hello(stranger))
        assert await end_of(line) == (4400, "misuse")


async def test_ten_thousand_senseless_packets_do_not_hold_up_others(
    server: Server, alice: Puppet, bob: Puppet, stranger: str
) -> None:
    async with line_to(server) as line:
        await greeted(line, stranger)

        async def listen() -> None:
            answers = 0
            while answers < 10_000:
                answers += len(json.loads(await line.recv()))

        listening = asyncio.create_task(listen())
        for number in range(10_000):
            await line.send(f'[{{"t":"dance{number}"}}]')
            if number % 2_500 == 0:
                await still_talk(alice)
        await listening


async def test_ten_thousand_broken_frames_do_not_hold_up_others(server: Server, alice: Puppet, bob: Puppet) -> None:
    async with line_to(server) as line:
        for number in range(10_000):
            try:
                await line.send(b"\xff garbage %d" % number)
            except ConnectionClosed:
                break
        await still_talk(alice)


async def test_who_is_too_slow_is_let_go(server: Server, alice: Puppet, bob: Puppet) -> None:
    """SEC-19: silence, half a request, a header that never ends, a handshake that never ends, a line without hello."""
    said = {
        "silence": b"",
        "half a request": b"GET /v1/hea",
        "headers, byte by byte": b"GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ",
        "a handshake, byte by byte": UPGRADE + b"X: ",
        "a line without hello": UPGRADE + b"\r\n",
        "half a frame": UPGRADE + b"\r\n\x81\xfe\x10\x00",
    }
    ends = await asyncio.gather(*(_slowly(server, data, "byte by byte" in what) for what, data in said.items()))
    assert all(10.0 - 1.0 <= end_s <= LATE_S for end_s in ends), dict(zip(said, ends, strict=True))
    await still_talk(alice)


async def _slowly(server: Server, data: bytes, more: bool) -> float:
    """Say this, then, if wished, a byte each half second; how long until the server ends it, in seconds."""
    host, port = server.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    writer.write(data)
    reading = asyncio.create_task(_to_the_end(reader))
    while not (await asyncio.wait([reading], timeout=0.5))[0]:
        assert loop.time() - begun_s < LATE_S
        if more:
            writer.write(b"x")
    writer.close()
    return loop.time() - begun_s


async def _to_the_end(reader: asyncio.StreamReader) -> None:
    with suppress(ConnectionError):
        await reader.read()
