"""The reference: what the same six packets cost when nothing is promised but one thing.

A message is appended to a plain file, and `msg:A` leaves after an fdatasync over whatever waited (one per batch).
Beyond that it does nothing a server has to do: no database, no cursors, no marks that survive, no checks, no echo
to the author, no rights, no HTTP. Same language, same packets, same JSON, framing by hand on uvloop: the physical
limit for a server in Python on this machine, to be compared inside one session only.

    python -m tests.benchmarks.relay FILE

prints the same first line as the server; a token is its own uid.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections.abc import Callable
from typing import TypeAlias, cast

import msgspec
import uvloop

from protocol.codec import frames
from protocol.packets import AckA, AckN, AckR, Event, FromServer, Hello, Mark, MsgA, MsgN, MsgR, OpenA, OpenR, Welcome
from protocol.values import ConvId, Did, Uid
from tests.benchmarks.framing import HEAD_END, Unframer, framed, upgraded

Heard: TypeAlias = Hello | OpenR | MsgR | AckR
_read = msgspec.json.Decoder(list[Heard]).decode
KEY_FIELD = b"sec-websocket-key: "
NOW_MS = 1_767_225_600_000  # the reference asks no clock


class Conversation:
    """Two people and a counter."""

    def __init__(self, conv: ConvId, uids: tuple[Uid, Uid]) -> None:
        self.conv, self.uids = conv, uids
        self.head = 0
        self.rev = 0

    def other(self, uid: Uid) -> Uid:
        return self.uids[0] if uid == self.uids[1] else self.uids[1]


class Disk:
    """A plain file and a thread: what waits while one sync runs is written with the next one."""

    def __init__(self, path: str, done: Done) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._done = done
        self._waiting: list[tuple[bytes, Accepted]] = []
        self._wake = threading.Condition()
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._run, daemon=True).start()

    def append(self, record: bytes, accepted: Accepted) -> None:
        with self._wake:
            self._waiting.append((record, accepted))
            self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._waiting:
                    self._wake.wait()
                batch, self._waiting = self._waiting, []
            os.write(self._file, b"".join([record for record, _ in batch]))
            os.fdatasync(self._file)
            self._loop.call_soon_threadsafe(self._done, [accepted for _, accepted in batch])


class Relay:
    """Everybody who is connected, and what they say to each other."""

    def __init__(self, path: str) -> None:
        self._lines: dict[Uid, Line] = {}
        self._talks: dict[ConvId, Conversation] = {}
        self._dirty: list[Line] = []
        self._disk = Disk(path, self._accepted)

    def hear(self, line: Line, packet: Heard) -> None:
        match packet:
            case MsgR():
                self._msg_r(line, packet)
            case AckR():
                self._ack_r(line, packet)
            case Hello():
                line.uid = Uid(packet.token)
                self._lines[line.uid] = line
                self.say(line, Welcome(1, 1, "1", NOW_MS, line.uid, Did("1"), line.uid))
            case OpenR():
                conv = ConvId("-".join((line.uid, *packet.uids)))
                self._talks[conv] = Conversation(conv, (line.uid, packet.uids[0]))
                self.say(line, OpenA(packet.x, conv))

    def say(self, line: Line, packet: FromServer) -> None:
        if not line.out:
            if not self._dirty:
                asyncio.get_running_loop().call_soon(self._flush)
            self._dirty.append(line)
        line.out.append(packet)

    def _msg_r(self, line: Line, packet: MsgR) -> None:
        talk = self._talks[packet.conv]
        talk.head += 1
        event = Event(
            talk.head, NOW_MS, line.uid, Did("1"), packet.n, packet.dg, packet.suite, packet.content, packet.media
        )
        self._disk.append(packet.content.encode(), (line, packet, event))

    def _accepted(self, batch: list[Accepted]) -> None:
        runs: dict[ConvId, list[Event]] = {}
        for line, packet, event in batch:
            self.say(line, MsgA(packet.conv, packet.n, event.pos, packet.dg, event.ts, packet.n, packet.dg))
            runs.setdefault(packet.conv, []).append(event)
        for conv, events in runs.items():
            listener = self._lines[self._talks[conv].other(events[0].uid)]
            last = events[-1].pos
            self.say(listener, MsgN(conv, events[0].pos - 1, last, last, tuple(events)))

    def _ack_r(self, line: Line, packet: AckR) -> None:
        talk = self._talks[packet.conv]
        talk.rev += 1
        self.say(line, AckA(packet.conv, packet.upto))
        mark = Mark(line.uid, packet.upto, 0)
        self.say(self._lines[talk.other(line.uid)], AckN(packet.conv, talk.rev - 1, talk.rev, (mark,)))

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        for line in dirty:
            line.flush()


class Line(asyncio.Protocol):
    """One connection."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._unframer = Unframer()
        self._head: bytes | None = b""
        self._transport: asyncio.WriteTransport | None = None
        self.out: list[FromServer] = []
        self.uid = Uid("")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is none by name

    def data_received(self, data: bytes) -> None:
        if self._head is not None:
            self._head += data
            if HEAD_END in self._head:
                self._upgrade(self._head)
            return
        for payload in self._unframer.feed(data):
            for packet in _read(payload):
                self._relay.hear(self, packet)

    def flush(self) -> None:
        assert self._transport is not None
        packets, self.out = self.out, []
        self._transport.write(b"".join([framed(frame, masked=False) for frame in frames(packets)]))

    def _upgrade(self, head: bytes) -> None:
        assert self._transport is not None
        key = next(line[len(KEY_FIELD) :] for line in head.split(b"\r\n") if line.lower().startswith(KEY_FIELD))
        self._head = None
        self._transport.write(upgraded(key))


Accepted: TypeAlias = tuple[Line, MsgR, Event]
Done: TypeAlias = Callable[[list[Accepted]], object]


async def serve(path: str) -> None:
    """Listen on any free port until standard input closes."""
    loop = asyncio.get_running_loop()
    relay = Relay(path)
    server = await loop.create_server(lambda: Line(relay), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    print(json.dumps({"event": "listening", "host": host, "port": port}), flush=True)
    await loop.run_in_executor(None, sys.stdin.buffer.read)


def main() -> None:
    """Serve on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(sys.argv[1]))


if __name__ == "__main__":
    main()
