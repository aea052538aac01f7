"""The WebSocket: frames both ways, one `down` for every connection, whatever happens to it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import WSMsgType, web

from client.adapters.websocket_wire import WebsocketWire, line_url
from protocol.codec import Garbled, frames, from_client, write
from protocol.limits import FRAME_MAX_BYTES, PACKETS_PER_FRAME_MAX
from protocol.packets import AckA, FromServer, MsgR, Ping, Pong
from protocol.values import ConvId, Digest

Talk = Callable[[web.WebSocketResponse], Awaitable[object]]


class Heard:
    """A listener that keeps what it hears; `until` waits for something to be true of it."""

    def __init__(self) -> None:
        self.said: list[tuple[object, ...]] = []
        self._more = asyncio.Event()

    def up(self, wire: int) -> None:
        self._note("up", wire)

    def progressed(self, wire: int) -> None:
        self._note("progressed", wire)

    def received(self, wire: int, packets: list[FromServer | Garbled]) -> None:
        self._note("received", wire, packets)

    def down(self, wire: int, close: int, retry_ms: int, why: str = "") -> None:
        self._note("down", wire, close, retry_ms, *([why] if why else []))

    def _note(self, *said: object) -> None:
        self.said.append(said)
        self._more.set()

    async def until(self, *said: object) -> None:
        """Wait until this was said; fewer words match the beginning."""
        while not any(heard[: len(said)] == said for heard in self.said):
            self._more.clear()
            await self._more.wait()


class Server:
    """A server whose connections do what the test says, and that keeps the frames it gets."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self.frames: list[bytes] = []
        self.headers: list[str | None] = []
        self.url = ""

    async def line(self, request: web.Request) -> web.WebSocketResponse:
        self.headers.append(request.headers.get("Authorization"))
        answer = web.WebSocketResponse(max_msg_size=0)
        await answer.prepare(request)
        await self._talk(answer)
        return answer

    async def listen(self, answer: web.WebSocketResponse) -> None:
        async for message in answer:
            assert message.type is WSMsgType.TEXT
            self.frames.append(message.data.encode())


@asynccontextmanager
async def serving(server: Server, *routes: web.RouteDef) -> AsyncIterator[Server]:
    app = web.Application()
    app.add_routes(routes or (web.get("/v1/line", server.line),))
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


async def nothing(_: web.WebSocketResponse) -> None:
    """Say nothing and leave."""


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def wire(heard: Heard) -> AsyncIterator[WebsocketWire]:
    made = WebsocketWire(heard, lambda: "secret")
    yield made
    await made.close()


def message(number: int, size: int = 10) -> MsgR:
    return MsgR(ConvId("chat"), number, Digest(""), Digest("x" * 22), content="a" * size)


async def test_packets_come_and_go_in_order(heard: Heard, wire: WebsocketWire) -> None:
    async def talk(line: web.WebSocketResponse) -> None:
        await line.send_str(write([Ping("a"), AckA(ConvId("c"), 3)]).decode())
        await line.send_str(write([Pong("b")]).decode())
        await server.listen(line)

    async with serving(Server(talk)) as server:
        wire.connect(1, server.url)
        await heard.until("received", 1, [Pong("b")])
        wire.send(1, [Ping("c")])
        wire.hang_up(1, 1000)
        await heard.until("down", 1)

    assert heard.said == [
        ("up", 1),
        ("received", 1, [Ping("a"), AckA(ConvId("c"), 3)]),
        ("received", 1, [Pong("b")]),
        ("down", 1, 1000, 0),
    ]
    assert server.frames == [write([Ping("c")])]
    assert server.headers == ["Bearer secret"]


async def test_what_one_turn_sends_leaves_in_few_frames(heard: Heard, wire: WebsocketWire) -> None:
    async with serving(Server(lambda line: server.listen(line))) as server:
        wire.connect(1, server.url)
        await heard.until("up", 1)
        small = [message(number) for number in range(100)]
        large = [message(number, 100_000) for number in range(100, 104)]
        for packet in small + large:
            wire.send(1, [packet])
        wire.hang_up(1, 1000)
        await heard.until("down", 1)

    assert server.frames == frames(small + large)
    assert len(server.frames) == 3
    counts = [len(from_client.read(frame)) for frame in server.frames]
    assert counts[0] == PACKETS_PER_FRAME_MAX
    assert sum(counts) == 104


@pytest.mark.parametrize(
    ("code", "reason", "close", "retry_ms", "why"),
    [
        (4401, b"", 4401, 0, ""),
        (4503, b"1500", 4503, 1500, ""),
        (4503, b"disk_full", 4503, 0, "disk_full"),
        (1001, b"7", 1001, 0, "7"),
    ],
)
async def test_why_the_server_closed_comes_back(
    heard: Heard, wire: WebsocketWire, code: int, reason: bytes, close: int, retry_ms: int, why: str
) -> None:
    async with serving(Server(lambda line: line.close(code=code, message=reason))) as server:
        wire.connect(1, server.url)
        await heard.until("down", 1)

    assert heard.said[-1] == ("down", 1, close, retry_ms, *([why] if why else []))


async def test_a_torn_line_has_no_code(heard: Heard, wire: WebsocketWire) -> None:
    async def tear(line: web.WebSocketResponse) -> None:
        assert line._req is not None
        assert line._req.transport is not None
        line._req.transport.abort()

    async with serving(Server(tear)) as server:
        wire.connect(7, server.url)
        await heard.until("down", 7)

    assert heard.said[-1] == ("down", 7, 0, 0)


async def test_nobody_listens(heard: Heard, wire: WebsocketWire) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        wire.connect(1, f"http://127.0.0.1:{reserved.getsockname()[1]}")
        await heard.until("down", 1)

    assert heard.said == [("down", 1, 0, 0)]


async def test_a_refused_connection_says_how_long_to_wait(heard: Heard, wire: WebsocketWire) -> None:
    async def busy(_: web.Request) -> web.Response:
        return web.Response(status=503, headers={"Retry-After": "3"})

    async with serving(Server(nothing), web.get("/v1/line", busy)) as server:
        wire.connect(1, server.url)
        await heard.until("down", 1)

    assert heard.said == [("down", 1, 0, 3_000)]


async def test_nobody_is_followed_elsewhere(heard: Heard, wire: WebsocketWire) -> None:
    async def elsewhere(_: web.Request) -> web.Response:
        raise web.HTTPFound("/v1/other")

    server = Server(nothing)
    async with serving(server, web.get("/v1/line", elsewhere), web.get("/v1/other", server.line)):
        wire.connect(1, server.url)
        await heard.until("down", 1)

    assert heard.said == [("down", 1, 0, 0)]
    assert server.headers == []


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://127.0.0.1", "http://127.0.0.1:99999"])
async def test_what_is_no_address_is_down_too(heard: Heard, wire: WebsocketWire, url: str) -> None:
    wire.connect(1, url)
    await heard.until("down", 1)

    assert heard.said == [("down", 1, 0, 0)]


async def test_a_new_connection_ends_the_old_one_under_its_own_number(heard: Heard, wire: WebsocketWire) -> None:
    async with serving(Server(lambda line: server.listen(line))) as server:
        wire.connect(1, server.url)
        await heard.until("up", 1)
        wire.connect(2, server.url)
        await heard.until("down", 1)
        await heard.until("up", 2)
        wire.send(1, [Ping("late")])
        wire.send(2, [Ping("new")])
        wire.hang_up(2, 1000)
        await heard.until("down", 2)

    assert server.frames == [write([Ping("new")])]
    assert [said for said in heard.said if said[0] == "down"] == [("down", 1, 1000, 0), ("down", 2, 1000, 0)]


async def test_hanging_up_while_dialling(heard: Heard, wire: WebsocketWire) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the connection and says nothing
        wire.connect(1, f"http://127.0.0.1:{silent.getsockname()[1]}")
        await asyncio.sleep(0)
        wire.hang_up(1, 1000)
        wire.hang_up(1, 1000)
        await heard.until("down", 1)

    assert heard.said == [("down", 1, 0, 0)]


async def test_somebody_who_reads_nothing_is_left_within_a_second(heard: Heard, wire: WebsocketWire) -> None:
    stop = asyncio.Event()

    async def deaf(line: web.WebSocketResponse) -> None:
        await stop.wait()

    async with serving(Server(deaf)) as server:
        wire.connect(1, server.url)
        await heard.until("up", 1)
        for number in range(200):
            wire.send(1, [message(number, 200_000)])
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            wire.hang_up(1, 1000)
            await heard.until("down", 1)
        stop.set()

    assert heard.said[-1] == ("down", 1, 0, 0)


async def test_a_frame_that_takes_its_time_is_told_as_life_to_both_sides(
    heard: Heard, wire: WebsocketWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At 1 kB/s one of 256 KiB takes four minutes (P-15)."""
    monkeypatch.setattr("client.adapters.websocket_wire.PROGRESS_EVERY_S", 0.0)
    frame = b"\x81\x0f" + b'[{"t":"pong"}] '
    pongs: list[bytes] = []

    async def slowly(request: web.Request) -> web.WebSocketResponse:
        line = web.WebSocketResponse(autoping=False)
        await line.prepare(request)
        assert request.transport is not None
        for byte in frame[:-1]:
            request.transport.write(bytes((byte,)))
            await asyncio.sleep(0.01)
        message = await line.receive()
        assert message.type is WSMsgType.PONG
        pongs.append(message.data)
        request.transport.write(frame[-1:])
        await line.receive()
        return line

    async with serving(Server(nothing), web.get("/v1/line", slowly)) as server:
        wire.connect(1, server.url)
        await heard.until("progressed", 1)
        await heard.until("received", 1)
        wire.hang_up(1, 1000)
        await heard.until("down", 1)

    assert pongs == [b""]
    assert [said[0] for said in heard.said if said[0] != "progressed"] == ["up", "received", "down"]


async def test_what_cannot_be_read_is_handed_on_as_such(heard: Heard, wire: WebsocketWire) -> None:
    async def talk(line: web.WebSocketResponse) -> None:
        await line.send_str("{nonsense")
        await line.send_bytes(write([Ping("binary is fine")]))
        await line.send_str("[" + " " * (FRAME_MAX_BYTES + 1) + "]")
        await line.send_str(" " * (FRAME_MAX_BYTES + 100_000))
        await server.listen(line)

    async with serving(Server(talk)) as server:
        wire.connect(1, server.url)
        await heard.until("down", 1)

    received = [said[2] for said in heard.said if said[0] == "received"]
    assert [type(packets[0]) for packets in received if isinstance(packets, list)] == [Garbled, Ping, Garbled]


async def test_a_mistake_of_ours_ends_the_line_and_is_not_hidden(heard: Heard) -> None:
    class Clumsy(Heard):
        def received(self, wire: int, packets: list[FromServer | Garbled]) -> None:
            raise RuntimeError("a mistake of ours")

    clumsy, told = Clumsy(), list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda loop, facts: told.append(facts["exception"]))
    wire = WebsocketWire(clumsy, lambda: "")

    async def talk(line: web.WebSocketResponse) -> None:
        await line.send_str(write([Ping("a")]).decode())
        await server.listen(line)

    async with serving(Server(talk)) as server:
        wire.connect(1, server.url)
        await clumsy.until("down", 1)

    assert clumsy.said == [("up", 1), ("down", 1, 0, 0)]
    assert [type(mistake) for mistake in told] == [RuntimeError]
    assert server.headers == [None]


async def test_closing_ends_what_is_open(heard: Heard) -> None:
    wire = WebsocketWire(heard, lambda: "")
    async with serving(Server(lambda line: server.listen(line))) as server:
        wire.connect(1, server.url)
        await heard.until("up", 1)
        await wire.close()
    await wire.close()

    assert heard.said == [("up", 1), ("down", 1, 1000, 0)]


def test_addresses() -> None:
    assert line_url("http://127.0.0.1:8787") == "ws://127.0.0.1:8787/v1/line"
    assert line_url("https://chat.example/") == "wss://chat.example/v1/line"
    assert line_url("ws://127.0.0.1:1/v1/line") == "ws://127.0.0.1:1/v1/line"
