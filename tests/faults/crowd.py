"""Everybody of a large group was away, and everybody comes back at once (P-42, P-45, P-52, F-30).

    python -m tests.faults.crowd --members 499 --messages 2000 --mute 10 --trickle 10

A real server, a real client without a screen as the author, and members who are their packets only: real ones, through
the codec, with a cursor that counts every position once. Some members of the crowd take next to nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import cast

from client.app.tasks import Tasks
from client.core.model import Me
from client.harness.puppet import Puppet
from protocol.codec import Garbled, from_server, write
from protocol.limits import MEMBERS_MAX, PAGE_EVENTS
from protocol.packets import (
    AckR,
    Event,
    FromServer,
    Hello,
    MsgN,
    OfflineA,
    OfflineAckR,
    OfflineR,
    Packet,
    Ping,
    Welcome,
)
from protocol.spans import above, accounts_for
from protocol.values import ConvId
from tests.benchmarks.framing import HANDSHAKE, HEAD_END, Unframer, framed
from tests.benchmarks.usage import usage_of
from tests.end_to_end.processes import Server
from tests.faults.herd import enrol

log = logging.getLogger(__name__)
MIB = 1 << 20
RETURN_S, PING_S, LOOK_S = 1.0, 25.0, 0.05
AGAIN_S = 1.0
TRICKLE_S = 1.0  # a member who takes next to nothing takes a byte so often
ASKS = 60  # pages that who takes next to nothing asks for at once
SLOW_S = 20.0  # for which they crawl, if the server does not end them
AFTER_S = 3.0  # what is said last has been said
AT_ONCE = 50  # wishes of the author without an answer
QUIET = "trace,bubble,progress,new,people,members"
LONG, LONG_EVERY = "既" * 7_000, 20  # 21 kB: eight of them fill a page
HEALED_S = 600.0


class Member(asyncio.Protocol):
    """One device that keeps its cursor over its lines, and says how far it has got."""

    def __init__(self, me: Me) -> None:
        self._token = me.token
        self.cursors: Counter[ConvId] = Counter()
        self.taken = sha256()  # every position with its digest, in the order in which they came
        self.events = self.again = self.largest_bytes = 0
        self.problems: list[str] = []
        self.close_code = 0
        self.closed: Counter[int] = Counter()
        self._address, self._left, self._calls = ("", 0), False, Tasks()
        self._welcome = False
        self.done_s = 0.0
        self._head: bytes | None = None
        self._out: list[Packet] = []
        self._transport: asyncio.WriteTransport | None = None
        self._unframer = Unframer()

    async def call(self, host: str, port: int) -> None:
        """Begin a session; what was taken before it stays taken."""
        self._address, self._left, self.close_code = (host, port), False, 0
        self._head, self._unframer = b"", Unframer()
        await asyncio.get_running_loop().create_connection(lambda: self, host, port)

    def leave(self) -> None:
        self._left = True
        if self._transport is not None:
            self._transport.abort()

    def forget_times(self) -> None:
        """What is measured begins later."""
        self.again, self.done_s = 0, 0.0

    def say(self, *packets: Packet) -> None:
        self._out += packets

    def beat(self) -> None:
        """A sign of life; nothing is said before the welcome (P-12)."""
        if self._welcome:
            self.say(Ping("beat"))
            self._flush()

    # --- the wire

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._transport.write(HANDSHAKE)

    def connection_lost(self, error: Exception | None) -> None:
        """Whom the server lets go calls again (P-16)."""
        self._transport, self._out, self._welcome = None, [], False
        if not self._left:
            self.closed[self.close_code] += 1
            loop = asyncio.get_running_loop()
            loop.call_later(AGAIN_S, lambda: self._calls.start(self.call(*self._address), "calls again"))

    def data_received(self, data: bytes) -> None:
        if self._head is not None:
            self._head += data
            if HEAD_END not in self._head:
                return
            data, self._head = self._head.partition(HEAD_END)[2], None
            self.say(Hello((1, 1), self._token))
        for payload in self._unframer.feed(data):
            self.largest_bytes = max(self.largest_bytes, len(payload))
            for packet in from_server.read(payload):
                self._hear(packet)
        if self._unframer.closed is not None:
            self.close_code = int.from_bytes(self._unframer.closed[:2], "big")
        self._flush()

    def _flush(self) -> None:
        packets, self._out = self._out, []
        if packets and self._transport is not None:
            self._transport.write(framed(write(packets), masked=True))

    # --- the contract

    def _hear(self, packet: FromServer | Garbled) -> None:
        match packet:
            case Welcome():
                self._welcome = True
                for head in packet.heads:
                    if head.head > self.cursors[head.conv]:
                        self.pull(head.conv)
            case OfflineA():
                self._apply(packet)
                self.acknowledge(OfflineAckR(packet.conv, self.cursors[packet.conv]))
                if packet.to < packet.head:
                    self.pull(packet.conv)
            case MsgN():
                if packet.from_ > self.cursors[packet.conv]:
                    self.pull(packet.conv)
                else:
                    self._apply(packet)
                    self.acknowledge(AckR(packet.conv, self.cursors[packet.conv]))
            case Garbled():
                self.problems.append(repr(packet))

    def pull(self, conv: ConvId) -> None:
        self.say(OfflineR(conv, self.cursors[conv], limit=PAGE_EVENTS))

    def acknowledge(self, ack: AckR | OfflineAckR) -> None:
        self.say(ack)

    def _apply(self, frame: MsgN | OfflineA) -> None:
        """Take what is new, and nothing twice (P-42, P-43)."""
        cursor = self.cursors[frame.conv]
        if not accounts_for(frame.from_, frame.to, frame.events, frame.gaps) or frame.gaps:
            self.problems.append(f"({frame.from_}, {frame.to}] does not account for every position")
        new = above(cursor, frame.events)
        self.again += len(frame.events) - len(new)
        for event in new:
            self._take(event)
        self.cursors[frame.conv] = max(cursor, frame.to)
        self.done_s = time.monotonic()

    def _take(self, event: Event) -> None:
        self.events += 1
        self.taken.update(f"{event.pos}:{event.dg};".encode())


class Mute(Member):
    """Reads everything it is given, and acknowledges nothing: the window closes before it (P-45)."""

    def __init__(self, me: Me, *, begun: Member) -> None:
        super().__init__(me)
        self.cursors.update(begun.cursors)

    def acknowledge(self, ack: AckR | OfflineAckR) -> None:
        """Never."""

    def pull(self, conv: ConvId) -> None:
        """Never either: it waits for what is pushed."""


class Trickle:
    """Asks for more than fits anywhere, and takes a byte a second (F-30)."""

    def __init__(self, me: Me) -> None:
        self._token = me.token
        self.ended_s = 0.0

    async def run(self, host: str, port: int, conv: ConvId, after: int) -> None:
        """Until the server has enough of it."""
        loop, began_s = asyncio.get_running_loop(), time.monotonic()
        with socket.socket() as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            line.setblocking(False)
            await loop.sock_connect(line, (host, port))
            await loop.sock_sendall(line, HANDSHAKE)
            await self._past(line, HEAD_END)
            await loop.sock_sendall(line, framed(write([Hello((1, 1), self._token)]), masked=True))
            await self._past(line, b'"welcome"')
            asks = [OfflineR(conv, after, limit=PAGE_EVENTS) for _ in range(ASKS)]
            await loop.sock_sendall(line, framed(write(asks), masked=True))
            with suppress(ConnectionError):
                while await loop.sock_recv(line, 1):  # it still talks: nobody is there any more, says the system
                    await loop.sock_sendall(line, framed(write([Ping("here")]), masked=True))
                    await asyncio.sleep(TRICKLE_S)
        self.ended_s = time.monotonic() - began_s

    async def _past(self, line: socket.socket, word: bytes) -> None:
        heard = b""
        while word not in heard:
            heard += await asyncio.get_running_loop().sock_recv(line, 1)


@dataclass
class Outcome:
    """What came of it; times since the first member called again."""

    members: int
    messages: int
    wrote_s: float = 0.0
    half_s: float = 0.0
    all_s: float = 0.0
    told_s: float = 0.0  # until the author was shown that everybody has it
    again: int = 0  # events that came a second time, and were not taken
    one_more_s: float = 0.0  # a message to all of them while they are there
    mute_events: list[int] = field(default_factory=list)  # what those were given who acknowledge nothing
    trickles_ended_s: list[float] = field(default_factory=list)  # 0: it was kept, with its share unread
    closed: dict[int, int] = field(default_factory=dict)  # lines of others that the server ended, by code
    frame_bytes: int = 0
    server_cpu_s: float = 0.0
    rss_mib: dict[str, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


class Crowd:
    """One server, its group, and what is measured of it."""

    def __init__(self, folder: Path, server: Server, members: int, messages: int, mute: int, trickle: int) -> None:
        self._folder, self._server, self._mute, self._trickle = folder, server, mute, trickle
        self.outcome = Outcome(members, messages)
        self._host, self._port = server.url.removeprefix("http://").split(":")
        self._peak_bytes = 0

    async def run(self) -> Outcome:
        """Gather, part, write, come back."""
        known = await enrol(self._server, self.outcome.members)
        author = Puppet("author", self._folder / "author", self._server.url, ("--quiet", QUIET))
        watching = asyncio.get_running_loop().create_task(self._watch())
        members = [Member(me) for me in known]
        beating = asyncio.get_running_loop().create_task(_beat(members))
        try:
            await author.start(invite=await self._server.invite())
            self._note("nobody there")
            conv = await self._gather(author, known, members)
            self._note("gathered")
            await self._write(author, conv)
            self._note("written")
            await self._return(author, conv, known, members)
            await asyncio.sleep(AFTER_S)
            self._note("after")
        finally:
            for task in (watching, beating):
                task.cancel()
            for member in members:
                member.leave()
            await author.kill()
        self._judge(members)
        return self.outcome

    # --- the play

    async def _gather(self, author: Puppet, known: Sequence[Me], members: Sequence[Member]) -> ConvId:
        """The group begins, everybody has been there once, and everybody leaves."""
        opened = await author.wish("open", title="Crowd", members=[me.name for me in known])
        conv = ConvId(opened["conv"])
        begun = len(members) + 2
        for member in members:
            await member.call(self._host, int(self._port))
        await _until(lambda: all(member.cursors[conv] == begun for member in members), "the group has begun")
        await asyncio.sleep(AFTER_S)
        for member in members:
            member.leave()
            member.forget_times()
        return conv

    async def _write(self, author: Puppet, conv: ConvId) -> None:
        began_s = time.monotonic()
        for first in range(0, self.outcome.messages, AT_ONCE):
            numbers = range(first, min(first + AT_ONCE, self.outcome.messages))
            await asyncio.gather(*(author.send_wish("say", conv=conv, text=_text(number)) for number in numbers))
        await self._written(author, conv)
        self.outcome.wrote_s = round(time.monotonic() - began_s, 1)

    async def _written(self, author: Puppet, conv: ConvId) -> None:
        self._last = (await author.wish("history", conv=conv, limit=1))["bubbles"][-1]["lid"]
        await author.state(self._last, "accepted", "stored", timeout_s=HEALED_S)

    async def _return(self, author: Puppet, conv: ConvId, known: Sequence[Me], members: list[Member]) -> None:
        """All within a second; those of them who are slow come once more later, and are like everybody then."""
        many = self._mute + self._trickle
        slow, good = members[:many], members[many:]
        mutes = [Mute(me, begun=before) for me, before in zip(known[: self._mute], slow, strict=False)]
        trickles = [Trickle(me) for me in known[self._mute : many]]
        start = asyncio.get_running_loop().create_task
        begun, head = good[0].cursors[conv], good[0].cursors[conv] + self.outcome.messages
        began_s, used_s = time.monotonic(), usage_of(self._server.pid).cpu_s
        self._peak_bytes = 0
        crawling = [start(one.run(self._host, int(self._port), conv, begun)) for one in trickles]
        step_s, coming = RETURN_S / len(members), (*mutes, *good)
        await asyncio.gather(*(self._come(member, step_s * place) for place, member in enumerate(coming)))
        await _until(lambda: all(member.cursors[conv] == head for member in good), "everybody has everything")
        self.outcome.server_cpu_s = round(usage_of(self._server.pid).cpu_s - used_s, 1)
        took_s = sorted(member.done_s - began_s for member in good)
        self.outcome.half_s, self.outcome.all_s = round(took_s[len(took_s) // 2], 1), round(took_s[-1], 1)
        self.outcome.closed = dict(sum((member.closed for member in members), Counter[int]()))
        self._note("returned")
        await self._one_more(author, conv, good)
        if slow:
            await self._told(author, len(good))
            if crawling:
                await asyncio.wait(crawling, timeout=SLOW_S)
            for crawl in crawling:
                crawl.cancel()
            self.outcome.trickles_ended_s = sorted(round(one.ended_s, 1) for one in trickles)
            self.outcome.mute_events = [member.events for member in mutes]
            await self._slow_again(mutes, slow, conv, head + 1)
        await self._told(author, len(members))
        self.outcome.told_s = round(time.monotonic() - began_s, 1)
        self.outcome.rss_mib["peak"] = round(self._peak_bytes / MIB, 1)

    async def _one_more(self, author: Puppet, conv: ConvId, good: Sequence[Member]) -> None:
        """While all are there. Who acknowledges nothing is given no more than a window (P-45)."""
        head = good[0].cursors[conv] + 1
        began_s = time.monotonic()
        await author.wish("say", conv=conv, text="one more")
        await self._written(author, conv)
        await _until(lambda: all(member.cursors[conv] == head for member in good), "everybody has one more")
        self.outcome.one_more_s = round(time.monotonic() - began_s, 1)

    async def _slow_again(self, mutes: Sequence[Member], slow: Sequence[Member], conv: ConvId, head: int) -> None:
        for member in mutes:
            member.leave()
        await asyncio.gather(*(self._come(member, 0.0) for member in slow))
        await _until(lambda: all(member.cursors[conv] == head for member in slow), "the slow ones have everything")

    async def _come(self, member: Member, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await member.call(self._host, int(self._port))

    async def _told(self, author: Puppet, count: int) -> None:
        """The author is shown so many of all others, and *delivered* only for all of them (P-53)."""
        of = self.outcome.members
        line = await author.until(
            lambda line: line["event"] == "state" and line["lid"] == self._last and line.get("delivered_to") == count,
            timeout_s=HEALED_S,
        )
        if line["of"] != of or (line["state"] == "delivered") != (count == of):
            self.outcome.problems.append(f"the author is told {line}")

    # --- what is measured

    async def _watch(self) -> None:
        while True:
            self._peak_bytes = max(self._peak_bytes, usage_of(self._server.pid).rss_bytes)
            await asyncio.sleep(LOOK_S)

    def _note(self, when: str) -> None:
        self.outcome.rss_mib[when] = round(usage_of(self._server.pid).rss_bytes / MIB, 1)
        log.info("%s: %s", when, self.outcome)

    def _judge(self, members: Sequence[Member]) -> None:
        """Everybody took the same, every position once."""
        outcome = self.outcome
        outcome.again = sum(member.again for member in members)
        outcome.closed = dict(sum((member.closed for member in members), Counter[int]()))
        outcome.frame_bytes = max(member.largest_bytes for member in members)
        outcome.problems += [problem for member in members for problem in member.problems]
        everything = outcome.members + 2 + outcome.messages + 1
        counts = Counter(member.events for member in members)
        if set(counts) != {everything} or len({member.taken.digest() for member in members}) != 1:
            outcome.problems.append(f"events taken, and by how many members: {dict(counts)}, of {everything}")


def _text(number: int) -> str:
    return f"{number}: {LONG}" if number % LONG_EVERY == 0 else f"{number}: " + "the quick brown fox " * 10


async def _beat(members: Sequence[Member]) -> None:
    while True:
        await asyncio.sleep(PING_S)
        for member in members:
            member.beat()


async def _until(true: Callable[[], bool], what: str) -> None:
    end_s = time.monotonic() + HEALED_S
    while not true():
        assert time.monotonic() < end_s, f"not within {HEALED_S} s: {what}"
        await asyncio.sleep(LOOK_S)


async def crowd(folder: Path, members: int, messages: int, mute: int = 0, trickle: int = 0) -> Outcome:
    """Play it once on fresh data."""
    server = Server(folder / "server")
    await server.start()
    try:
        return await Crowd(folder, server, members, messages, mute, trickle).run()
    finally:
        await server.kill()


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m tests.faults.crowd", description=__doc__.partition("\n")[0])
    arguments.add_argument("--members", type=int, default=MEMBERS_MAX - 1, help="beside the author")
    arguments.add_argument("--messages", type=int, default=2_000)
    arguments.add_argument("--mute", type=int, default=10, help="of them, who acknowledge nothing")
    arguments.add_argument("--trickle", type=int, default=10, help="of them, who take a byte a second")
    chosen = arguments.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="hexagram-crowd-") as folder:
        outcome = asyncio.run(crowd(Path(folder), chosen.members, chosen.messages, chosen.mute, chosen.trickle))
    print(json.dumps(asdict(outcome)))
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    sys.exit(main())
