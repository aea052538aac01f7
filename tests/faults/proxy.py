"""A bad network between a real client and a real server: one that parses what it spoils (tool P).

It carries HTTP and WebSocket. Bytes may be late, slow, swallowed one way, frozen or cut; frames of a WebSocket may be
lost, doubled, delayed behind later ones or beyond their session, cut in the middle, or lose single packets.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from tests.faults.frames import Frame, take_frame

Way: TypeAlias = Literal["up", "down"]
"""From the client to the server, and back."""
BOTH: tuple[Way, Way] = ("up", "down")
CHUNK_BYTES = 16_384
TRANSFER_CHUNK_BYTES = 262_144  # of a large file, once it is seen to be one
CUT_STRETCH_BYTES = 4 * 1024 * 1024
SLICE_S = 0.1
WAITING_MAX = 8  # parcels on the road, before the sender is held up


@dataclass(frozen=True, slots=True)
class Hop:
    """A frame on its way: `number` counts the data frames of this way and connection from 1."""

    way: Way
    frame: Frame
    passage: int
    number: int


@dataclass(frozen=True, slots=True)
class Keep:
    """Let it through, after `delay_s` (later frames overtake it), `copies` times."""

    frame: Frame
    copies: int = 1
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Lose:
    """It never arrives."""


@dataclass(frozen=True, slots=True)
class Hold:
    """It arrives in a later connection (F-6, F-7, F-8)."""

    frame: Frame


@dataclass(frozen=True, slots=True)
class Cut:
    """So much of it arrives, then the connection is reset (F-9)."""

    share: float


Verdict: TypeAlias = Keep | Lose | Hold | Cut
Judge: TypeAlias = Callable[[Hop], Verdict]


def pass_by(hop: Hop) -> Verdict:
    """The judge of good weather."""
    return Keep(hop.frame)


@dataclass
class Weather:
    """What the network is like at the moment; may be changed at any time.

    `silent` ways swallow everything (half-open); `frozen` stops both without an end. `handshake_bytes` cuts the next
    connections after so many bytes of the server's first answer. `rate` is in bytes a second, each way. Of the
    connections that carry no line, `cut_share` break off, and of the others again in each CUT_STRETCH_BYTES.
    """

    judge: Judge = pass_by
    latency_s: float = 0.0
    rate: float = 0.0
    silent: set[Way] = field(default_factory=set)
    frozen: bool = False
    handshake_bytes: int = 0
    refuses: bool = False
    cut_share: float = 0.0
    cut_dice: random.Random = field(default_factory=lambda: random.Random(1))


class Proxy:
    """Listens on the loopback and carries to `target`. `done` counts what was done to whom."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.weather = Weather()
        self.done: Counter[str] = Counter()
        self.limbo: dict[tuple[str, Way], list[Frame]] = {}  # a held frame reaches its own device later, and no other
        self.passages: set[Passage] = set()
        self.count = 0
        self.url = ""
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port, limit=CHUNK_BYTES)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """Cut everything, and end."""
        assert self._server is not None
        self._server.close()
        self.reset_all()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def reset_all(self) -> None:
        """Every connection of the moment breaks."""
        for passage in tuple(self.passages):
            passage.reset()

    @property
    def lines(self) -> list[Passage]:
        """The WebSockets that are open now."""
        return [passage for passage in self.passages if passage.is_line]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self.weather.refuses:
            _abort(writer)
            return
        where = urlsplit(self.target)
        try:
            back, forth = await asyncio.open_connection(where.hostname, where.port, limit=CHUNK_BYTES)
        except OSError:
            _abort(writer)
            return
        self.count += 1
        passage = Passage(self, self.count, (reader, writer), (back, forth))
        self.passages.add(passage)
        try:
            await passage.run()
        finally:
            self.passages.discard(passage)
            passage.reset()


Stream: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Passage:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy, number: int, client: Stream, server: Stream) -> None:
        self.proxy, self.number = proxy, number
        self.is_line = False
        self._readers: dict[Way, asyncio.StreamReader] = {"up": client[0], "down": server[0]}
        self._writers: dict[Way, asyncio.StreamWriter] = {"up": server[1], "down": client[1]}
        self._roads: dict[Way, asyncio.Queue[tuple[float, bytes]]] = {way: asyncio.Queue(WAITING_MAX) for way in BOTH}
        self._frames: Counter[Way] = Counter()
        self._answered = False
        self._carried_bytes = 0
        self._stretches = 0
        self._token = ""  # whose line it is
        self._loop = asyncio.get_running_loop()

    @property
    def weather(self) -> Weather:
        return self.proxy.weather

    async def run(self) -> None:
        """Until one side is gone, or the network cuts them apart."""
        work = [self._loop.create_task(part(way)) for way in BOTH for part in (self._gather, self._carry)]
        try:
            await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)

    def reset(self) -> None:
        for writer in self._writers.values():
            _abort(writer)

    # ---------------------------------------------------------------------------------- in: what to do with it

    async def _gather(self, way: Way) -> None:
        """Read one side; HTTP is passed on as it comes, and a WebSocket frame by frame."""
        buffer = bytearray()
        with suppress(ConnectionError):
            while data := await self._read(way):
                if way == "down" and not self._answered:
                    data = self._first_answer(data)
                if not self.is_line:
                    self.is_line = way == "up" and b"upgrade: websocket" in data[:CHUNK_BYTES].lower()
                    await self._send(way, self._in_a_transfer(data))
                    continue
                if way == "down" and not self._answered:
                    head, found, rest = data.partition(b"\r\n\r\n")
                    self._answered = bool(found)
                    await self._send(way, head + found)
                    data = rest
                buffer += data
                while (frame := take_frame(buffer)) is not None:
                    await self._frame(way, frame)
        await self._roads[way].join()

    async def _read(self, way: Way) -> bytes:
        await self._thaw()
        return await self._readers[way].read(TRANSFER_CHUNK_BYTES if self._carried_bytes > CHUNK_BYTES else CHUNK_BYTES)

    async def _thaw(self) -> None:
        while self.weather.frozen:
            await asyncio.sleep(SLICE_S)

    def _in_a_transfer(self, data: bytes) -> bytes:
        """What is carried for others than a line; now and then it breaks off."""
        self._carried_bytes += len(data)
        weather = self.weather
        if self.is_line or not weather.cut_share:
            return data
        while self._stretches * CUT_STRETCH_BYTES < self._carried_bytes:
            self._stretches += 1
            if weather.cut_dice.random() < weather.cut_share:
                self.proxy.done["cut in a transfer"] += 1
                raise ConnectionResetError
        return data

    def _first_answer(self, data: bytes) -> bytes:
        if cut := self.weather.handshake_bytes:
            self.proxy.done["cut in the handshake"] += 1
            self._writers["down"].write(data[:cut])
            self._loop.call_later(SLICE_S, self.reset)
            raise ConnectionResetError
        return data

    async def _frame(self, way: Way, frame: Frame) -> None:
        if not frame.is_data:
            await self._send(way, frame.raw)
            return
        self._frames[way] += 1
        if way == "up" and not self._token:
            self._token = next((str(packet["token"]) for packet in frame.packets if "token" in packet), "")
        verdict = self.weather.judge(Hop(way, frame, self.number, self._frames[way]))
        match verdict:
            case Keep(kept, copies, delay_s):
                if kept is not frame or copies > 1 or delay_s:
                    self.proxy.done["frame spoilt" if kept is not frame else "late" if delay_s else "doubled"] += 1
                for _ in range(copies):
                    await self._send(way, kept.raw, delay_s)
            case Lose():
                self.proxy.done["lost"] += 1
            case Hold(held):
                self.proxy.done["held for a later session"] += 1
                self.proxy.limbo.setdefault((self._token, way), []).append(held)
            case Cut(share):
                self.proxy.done["cut in a frame"] += 1
                self._writers[way].write(frame.raw[: max(1, int(len(frame.raw) * share))])
                self._loop.call_later(SLICE_S, self.reset)
                raise ConnectionResetError
        if way == "up" and self._frames[way] > 1 or way == "down" and "welcome" in frame.types:
            await self._release(way)

    async def _release(self, way: Way) -> None:
        """What was held in an older session arrives in this one."""
        for frame in self.proxy.limbo.pop((self._token, way), ()):
            self.proxy.done["came in a later session"] += 1
            await self._send(way, frame.raw)

    # ---------------------------------------------------------------------------------- out: how it travels

    async def _send(self, way: Way, data: bytes, delay_s: float = 0.0) -> None:
        if not data:
            return
        if way in self.weather.silent:
            self.proxy.done["swallowed"] += 1
            return
        due_s = self._loop.time() + self.weather.latency_s
        if delay_s:
            self._loop.call_later(delay_s, self._put_late, way, data)
        else:
            await self._roads[way].put((due_s, data))

    def _put_late(self, way: Way, data: bytes) -> None:
        with suppress(asyncio.QueueFull):
            self._roads[way].put_nowait((0.0, data))

    async def _carry(self, way: Way) -> None:
        road, writer = self._roads[way], self._writers[way]
        with suppress(ConnectionError):
            while True:
                due_s, data = await road.get()
                await asyncio.sleep(max(0.0, due_s - self._loop.time()))
                await self._thaw()
                await self._trickle(writer, data)
                road.task_done()

    async def _trickle(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        place = 0
        while place < len(data):
            rate = self.weather.rate
            size = max(1, int(rate * SLICE_S)) if rate else len(data)
            piece = data[place : place + size]
            writer.write(piece)
            await writer.drain()
            place += size
            if rate:
                await asyncio.sleep(SLICE_S * len(piece) / size)


def _abort(writer: asyncio.StreamWriter) -> None:
    """A reset, not a goodbye."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
