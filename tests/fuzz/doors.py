"""The server's doors without sockets: bytes go straight into the protocol of a connection, answers into a list.

What the application does behind its doors is as short as can be: the readers are what is looked at.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Any
from weakref import finalize

from aiohttp import web

from protocol.codec import Garbled, from_server
from protocol.packets import FromServer, Ping, Pong
from protocol.problems import MediaOffset, MediaUnknown, Problem
from protocol.values import Did, MediaId, Uid
from server.app.media import Checksum
from server.doors.accounts_routes import AccountsRoutes
from server.doors.attempts import Attempts
from server.doors.im_socket import ImSocket
from server.doors.media_routes import MediaRoutes
from server.doors.web import Conversation, application
from server.ports import Carrier, Found, Held, Identity, Joined, NewUpload, Upload
from tests.fuzz import corpus

WHO = Identity(Uid("alice"), Did("7"), "Alice")
FILE = b"0123456789" * 10
SHA = "ab" * 32
STEPS_MAX = 40  # turns of the loop in which an input must have been dealt with
STATUS_LINE = re.compile(rb"HTTP/\d\.\d (\d{3}) ")
UPGRADE = (
    b"GET /v1/line HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class MemoryTransport(asyncio.Transport):
    """A connection that nobody is at the other end of."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written = bytearray()
        self.protocol: Any = None
        self.ended = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def writelines(self, list_of_data: Any) -> None:
        self.written += b"".join(list_of_data)

    def is_closing(self) -> bool:
        return self.ended

    def close(self) -> None:
        self.ended = True

    def abort(self) -> None:
        self.ended = True

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        protocol: asyncio.BaseProtocol = self.protocol
        return protocol

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Mistakes(logging.Handler):
    """Whatever is logged as our own mistake."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []
        for name in ("aiohttp", "asyncio", "server", "hexagram"):
            logger = logging.getLogger(name)
            logger.handlers, logger.propagate = [self], False
            logger.setLevel(logging.ERROR)

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self.found.append(f"{record.getMessage()}: {error!r}")


class House:
    """An application on a loop of its own, to which connections come one after the other."""

    def __init__(self, app: Callable[[], web.Application]) -> None:
        self.loop = asyncio.new_event_loop()
        self.mistakes = Mistakes()
        self.loop.set_exception_handler(self._mistake)
        finalize(self, self.loop.close)
        self._server = self.loop.run_until_complete(self._open(app))

    async def _open(self, app: Callable[[], web.Application]) -> Any:
        runner = web.AppRunner(app(), access_log=None)
        await runner.setup()
        return runner.server

    def _mistake(self, _: asyncio.AbstractEventLoop, facts: dict[str, Any]) -> None:
        self.mistakes.found.append(f"{facts.get('message')}: {facts.get('exception')!r}")

    def visit(self, *pieces: bytes) -> bytes:
        """Somebody calls, says these, and hangs up; returns what was answered. Raises for a mistake of ours."""
        answer = self.loop.run_until_complete(self._visit(pieces))
        if self.mistakes.found:
            found, self.mistakes.found = self.mistakes.found, []
            raise AssertionError(found[0])
        return answer

    async def _visit(self, pieces: Sequence[bytes]) -> bytes:
        conversation = Conversation(self._server, loop=self.loop, keepalive_timeout=10.0)
        transport = MemoryTransport()
        transport.protocol = conversation
        before = asyncio.all_tasks()
        conversation.connection_made(transport)
        for piece in pieces:
            if not transport.ended:
                transport.protocol.data_received(piece)
            await self._settle(transport)
        transport.ended = True
        transport.protocol.connection_lost(None)
        await self._let_go(before)
        return bytes(transport.written)

    async def _settle(self, transport: MemoryTransport) -> None:
        """Until nothing more is written."""
        for _ in range(STEPS_MAX // 4):
            before = len(transport.written)
            for _ in range(4):
                await asyncio.sleep(0)
            if len(transport.written) == before:
                return

    async def _let_go(self, before: set[asyncio.Task[Any]]) -> None:
        for _ in range(STEPS_MAX):
            if asyncio.all_tasks() == before:
                return
            await asyncio.sleep(0)
        for task in asyncio.all_tasks() - before:
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task


# ------------------------------------------------------------------------------------------ the socket


class Echo:
    """A hub that reads what came, and answers pings."""

    def __init__(self) -> None:
        self.heard_packets = 0

    def connect(self, carrier: Carrier) -> Any:
        return _EchoLine(self, carrier)


class _EchoLine:
    def __init__(self, hub: Echo, carrier: Carrier) -> None:
        self._hub, self._carrier = hub, carrier

    def received(self, packets: Sequence[Any]) -> None:
        answers: list[FromServer] = []
        for packet in packets:
            self._hub.heard_packets += 1
            if isinstance(packet, Garbled) and packet.code == "frame":
                self._carrier.close(4400, "bad_frame")
            elif isinstance(packet, Ping):
                answers.append(Pong(packet.x))
        if answers:
            self._carrier.send(answers)

    def heard(self) -> None:
        pass

    def ended(self, **facts: object) -> None:
        pass


async def _nobody() -> None:
    pass


def socket() -> Callable[[bytes], None]:
    """Bytes on an open WebSocket. What the server says must be whole frames, and packets inside."""
    house = House(lambda: application([], ImSocket(Echo()).handle, _nobody))

    def feed(data: bytes) -> None:
        cut = data[0] % (len(data) + 1) if data else 0
        said = house.visit(UPGRADE, data[:cut], data[cut:])
        head, _, rest = said.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head[:60]
        _check_frames(rest)

    return feed


def _check_frames(data: bytes) -> None:
    place = 0
    while place < len(data):
        first, size = data[place], data[place + 1]
        place += 2
        if size > 125:
            wide = 2 if size == 126 else 8
            size, place = int.from_bytes(data[place : place + wide], "big"), place + wide
        payload = data[place : place + size]
        assert len(payload) == size
        place += size
        assert first in (0x81, 0x88, 0x8A), f"a frame of kind {first:#x}"
        if first == 0x81:
            assert not any(isinstance(packet, Garbled) for packet in from_server.read(payload))


def masked(payload: bytes, first: int = 0x81, mask: bytes = b"\x00\x00\x00\x00") -> bytes:
    """A frame of a client; with this mask the payload can be read and mutated as it is."""
    size = len(payload)
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 1 << 16:
        head = bytes((first, 0xFE)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, 0xFF)) + size.to_bytes(8, "big")
    return head + mask + (payload if mask == b"\x00" * 4 else bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))


def socket_seeds() -> list[bytes]:
    """Frames of every kind and size, in pieces, unmasked, reserved; and no frames at all."""
    from protocol.packets import FromClient

    ping = b'[{"t":"ping","x":"a"}]'
    packets = [masked(frame) for frame in corpus.frames(FromClient)]
    packets += [masked(frame) for frame in corpus.hostile_frames() if len(frame) < 4_000]
    frames = [
        masked(ping),
        masked(ping, 0x82),
        masked(ping, mask=b"abcd"),
        masked(b"x", 0x89),
        masked(b"x", 0x8A),
        masked(b"\x03\xe8bye", 0x88),
        masked(b"\x03", 0x88),
        masked(b"", 0x88),
        masked(b"\x00\x00\xff", 0x88),
        masked(ping[:5], 0x01) + masked(ping[5:], 0x80),
        masked(ping[:5], 0x01) + masked(b"p", 0x89) + masked(ping[5:], 0x80),
        masked(ping, 0x80),
        masked(ping, 0x01) + masked(ping),
        masked(ping, 0xC1),
        masked(ping, 0xF1),
        masked(ping, 0x83),
        masked(b"x" * 126, 0x89),
        masked(ping, 0x09),
        b"\x81" + bytes([len(ping)]) + ping,
        b"\x81\xff" + b"\xff" * 8 + b"\x00" * 4,
        b"\x81\xff\x00\x00\x00\x00\x00\x04\x00\x02" + b"\x00" * 4,
        b"\x81\xff" + b"\x7f" + b"\xff" * 7 + b"\x00" * 4,
        masked(ping) * 60,
        masked(b"\xff\xfe"),
        b"GET / HTTP/1.1\r\n\r\n",
        b"",
        b"\x00" * 64,
        b"\xff" * 64,
        masked(b"\x78\x9c\x00", 0xC1),
    ]
    return [*packets, *frames]


# ---------------------------------------------------------------------------------------------- HTTP


class Shelf:
    """Takes what a request promises or brings, and has one file."""

    def __init__(self) -> None:
        self._upload = Upload(MediaId("m1"), corpus.CONV, WHO.did, 1, len(FILE), bytes.fromhex(SHA), 40, False)

    file_max_bytes = 1 << 20

    async def create(self, who: Identity, wish: NewUpload) -> Upload:
        assert len(wish.sha256) in (0, 32)
        assert 0 <= wish.size_bytes < 1 << 53
        assert wish.number is None or 0 <= wish.number < 1 << 53
        assert wish.conv
        return self._upload

    async def where(self, who: Identity, media: MediaId) -> Upload:
        return self._one(media)

    async def append(
        self,
        who: Identity,
        media: MediaId,
        offset: int,
        pieces: AsyncIterator[bytes],
        checksum: Checksum | None = None,
    ) -> Upload:
        upload = self._one(media)
        assert checksum is None or checksum.algorithm in ("sha1", "sha256")
        if offset != upload.offset:
            raise MediaOffset(offset=upload.offset)
        async for piece in pieces:
            assert piece
        return upload

    async def look(self, who: Identity, media: MediaId) -> Upload:
        return self._one(media)

    async def terminate(self, who: Identity, media: MediaId) -> None:
        self._one(media)

    def expires_ms(self, upload: Upload) -> int | None:
        return 1_700_000_000_000

    async def read(self, upload: Upload, start: int) -> Found:
        assert 0 <= start <= len(FILE)
        return Held(FILE[start:])

    def _one(self, media: MediaId) -> Upload:
        if media != self._upload.media:
            raise MediaUnknown()
        return self._upload


class Registry:
    """Everybody with the right token is Alice."""

    async def who_is(self, token: str) -> Identity | None:
        return WHO if token == "token" else None

    async def join(self, name: str, invite: str, request: str, device: str = "") -> Joined:
        if not name:
            raise Problem()
        return Joined(WHO.uid, WHO.did, name, "token")

    async def new_invite(self) -> str:
        return "code"

    def __getattr__(self, name: str) -> Any:
        async def nothing(*args: Any, **facts: Any) -> Any:
            return []

        return nothing


def http() -> Callable[[bytes], None]:
    """Bytes on a fresh connection. Every answer is HTTP, and none says that we made a mistake."""
    registry: Any = Registry()
    routes = [*AccountsRoutes(registry, Attempts(lambda: 0.0)).routes(), *MediaRoutes(Shelf(), registry).routes()]  # type: ignore[arg-type]
    house = House(lambda: application(routes, ImSocket(Echo()).handle, _nobody))

    def feed(data: bytes) -> None:
        said = house.visit(data)
        if said:
            status = STATUS_LINE.match(said)
            assert status, said[:80]
            assert status[1] != b"500", said[:300]

    return feed


def _request(line: str, *headers: str, body: bytes = b"") -> bytes:
    length = [f"Content-Length: {len(body)}"] if body else []
    lines = (f"{line} HTTP/1.1", "Host: 127.0.0.1:8787", "Authorization: Bearer token", *headers, *length)
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def http_seeds() -> list[bytes]:
    """A request to every route, with every header that is read."""
    promise = (
        "Upload-Length: 100",
        "Upload-Number: 1",
        "Upload-Conversation: c7",
        f"Upload-Sha256: {SHA}",
        "Tus-Resumable: 1.0.0",
    )
    offset = "Content-Type: application/offset+octet-stream"
    ranges = (
        "bytes=0-9",
        "bytes=-5",
        "bytes=90-",
        "bytes=9-0",
        "bytes=0-9,20-29",
        "bytes=-",
        "lines=1-2",
        "bytes=" + "9" * 60,
    )
    numbers = ("", "-1", "+1", "1.0", "0x1", "٣", "9007199254740991", "9007199254740992", "9" * 5_000, "1_0", " 1")
    made = [
        _request("POST /v1/media", *promise),
        _request("HEAD /v1/media/m1", "Tus-Resumable: 1.0.0"),
        _request("HEAD /v1/media/m1"),
        _request("PATCH /v1/media/m1", offset, "Upload-Offset: 40", "Tus-Resumable: 1.0.0", body=b"x" * 60),
        _request("PATCH /v1/media/m1", offset, "Upload-Offset: 40", "Transfer-Encoding: chunked")
        + b"5\r\nhello\r\n0\r\n\r\n",
        _request("PATCH /v1/media/m1", offset, "Upload-Offset: 40", "Expect: 100-continue", body=b"x"),
        _request("PATCH /v1/media/m1", offset, "Upload-Offset: 40", "Content-Encoding: gzip", body=b"\x1f\x8b\x08"),
        _request("PATCH /v1/media/m1", offset, "Upload-Offset: 40", "Upload-Checksum: sha256 Kq5sNclPz7QV2+lfQIuc"),
        _request("PATCH /v1/media/m1", offset, "Upload-Offset: 40", "Upload-Checksum: md5 !", body=b"x"),
        _request("POST /v1/media/m1", "X-HTTP-Method-Override: DELETE", "Tus-Resumable: 1.0.0"),
        _request("POST /v1/media/m1", "X-HTTP-Method-Override: head"),
        _request("POST /v1/media", "Upload-Metadata: conversation Yzc=,number MQ==,filename w7w=", *promise[:1]),
        _request("POST /v1/media", "Upload-Metadata: conv Yzc=,conv Yzc=", *promise[:1]),
        _request("POST /v1/media", offset, *promise, body=b"first"),
        _request("POST /v1/media", *promise[:4], "Tus-Resumable: 2.0.0"),
        _request("DELETE /v1/media/m1"),
        _request("OPTIONS /v1/media"),
        _request("GET /v1/media/m1"),
        _request("GET /v1/media/%2e%2e%2fsecret"),
        _request("GET /v1/media/m1", 'If-Range: "x"', "Range: bytes=0-1"),
        _request(
            "POST /v1/join",
            "Content-Type: application/json",
            body=b'{"name":"Bob","invite":"code","request":"0123456789abcdef"}',
        ),
        _request("POST /v1/join", body=b'{"name":"\\ud800"}'),
        _request("POST /v1/join", body=b"[" * 10_000),
        _request("POST /v1/invites"),
        _request("POST /v1/devices"),
        _request("GET /v1/devices"),
        _request("DELETE /v1/devices/7"),
        _request("GET /v1/health"),
        _request("GET /v1/line"),
        UPGRADE,
        _request("OPTIONS *"),
        b"GET http://[::1]/ HTTP/1.1\r\nHost: [::1]\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: 127.0.0.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        _request("POST /v1/join", "Transfer-Encoding: chunked", body=b"5\r\n{}\r\n"),
        _request("GET /v1/health") * 20,
        b"",
    ]
    made += [_request("GET /v1/media/m1", f"Range: {one}") for one in ranges]
    made += [_request("POST /v1/media", *promise[1:], f"Upload-Length: {one}") for one in numbers]
    made += [_request("PATCH /v1/media/m1", offset, f"Upload-Offset: {one}", body=b"x") for one in numbers]
    made += [_request("GET /v1/media/m1", f"Authorization: {one}") for one in ("Bearer", "Basic token")]
    return made
