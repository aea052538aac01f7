"""The load generator, a process of its own: reads one job as JSON from standard input, writes one result.

All connections live in one event loop with framing by hand, so that the generator is not what is measured; how much
of a core it used is part of the result.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import cycle, islice
from typing import Any, cast

import msgspec
import uvloop

from protocol.codec import write
from protocol.limits import PACKETS_PER_FRAME_MAX
from protocol.packets import Hello, OpenR
from protocol.values import ConvId, Token, Uid
from tests.benchmarks.framing import HANDSHAKE, HEAD_END, Unframer, framed
from tests.benchmarks.messages import Messages
from tests.benchmarks.pairs import OpenA, Packet, Receiver, Sender, Welcome, findings
from tests.benchmarks.usage import Usage, usage_of

_read = msgspec.json.Decoder(list[Packet]).decode
SETTLE_S = 0.5  # the first events of the conversations, before anything is measured
POLL_S = 0.02
AT_MS = 1_767_225_600_000  # what the envelopes say; nobody looks


class Person(msgspec.Struct):
    """Somebody who has an account already."""

    uid: str
    token: str


class Job(msgspec.Struct):
    """What is to be done: neighbours in `people` are pairs, the first of two speaks."""

    work: str
    host: str
    port: int
    server_pid: int
    people: list[Person]
    window: int = 20
    rate_per_s: float = 200.0
    warm_up_s: float = 3.0
    counted_s: float = 15.0
    rest_s: float = 10.0
    prepared: int = 6_000


class Line(asyncio.Protocol):
    """One connection. What one read brings is answered by one write."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._unframer = Unframer()
        self._head: bytes | None = b""
        self._answer: asyncio.Future[Packet] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.WriteTransport | None = None
        self._party: Sender | Receiver | None = None
        self._early: list[Packet] = []
        self.lost = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is none by name
        self._transport.write(HANDSHAKE)

    def data_received(self, data: bytes) -> None:
        if self._head is not None:
            self._head += data
            if HEAD_END not in self._head:
                return
            _, _, data = self._head.partition(HEAD_END)
            self._head = None
            self.send([write([Hello((1, 1), Token(self._token))])[1:-1]])
        for payload in self._unframer.feed(data):
            for packet in _read(payload):
                self._hear(packet)
        self.turn()

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = f"the line was lost: {error or self._unframer.closed!r}"

    async def answer(self) -> Packet:
        """The next `welcome` or `open:A`."""
        answer = await self._answer
        self._answer = asyncio.get_running_loop().create_future()
        return answer

    def join(self, party: Sender | Receiver) -> None:
        """From here on `party` hears what comes, and what came already."""
        self._party = party
        for packet in self._early:
            party.hear(packet)
        self.turn()

    def turn(self) -> None:
        """Send what the party has to say."""
        if self._party is not None and (packets := self._party.turn()):
            self.send(packets)

    def send(self, packets: list[bytes]) -> None:
        """Packets in as few frames as may be, in one write."""
        assert self._transport is not None
        parts = (packets[at : at + PACKETS_PER_FRAME_MAX] for at in range(0, len(packets), PACKETS_PER_FRAME_MAX))
        self._transport.write(b"".join([framed(b"[" + b",".join(part) + b"]", masked=True) for part in parts]))

    def _hear(self, packet: Packet) -> None:
        if isinstance(packet, Welcome | OpenA):
            self._answer.set_result(packet)
        elif self._party is None:
            self._early.append(packet)
        else:
            self._party.hear(packet)


class Pair:
    """Two people who know each other."""

    def __init__(self, speaker: Line, listener: Line, conv: ConvId, speaker_uid: Uid) -> None:
        self.speaker = speaker
        self.lines = (speaker, listener)
        self.sender = Sender(conv, speaker_uid, Messages(conv, speaker_uid, AT_MS), time.perf_counter)
        self.receiver = Receiver(conv, self.sender, time.perf_counter)
        speaker.join(self.sender)
        listener.join(self.receiver)

    def say(self, count: int = 1) -> None:
        """The speaker says so many things at once."""
        for _ in range(count):
            self.sender.say()
        self.speaker.turn()


async def call(job: Job, person: Person) -> Line:
    """Connect and log in."""
    loop = asyncio.get_running_loop()
    _, line = await loop.create_connection(lambda: Line(person.token), job.host, job.port)
    welcome = await line.answer()
    assert isinstance(welcome, Welcome)
    assert welcome.uid == person.uid, (welcome, person)
    return line


async def open_pair(job: Job, number: int) -> Pair:
    """Log two people in and open their conversation."""
    speaker, listener = job.people[2 * number : 2 * number + 2]
    lines = await call(job, speaker), await call(job, listener)
    wish = OpenR(x=f"benchmark-{number:012d}", uids=(Uid(listener.uid),))
    lines[0].send([write([wish])[1:-1]])
    answer = await lines[0].answer()
    assert isinstance(answer, OpenA), answer
    assert answer.conv, answer.code
    return Pair(*lines, ConvId(answer.conv), Uid(speaker.uid))


# --------------------------------------------------------------------------------------------- the two works


async def keep_full(job: Job, pairs: list[Pair]) -> None:
    """W1: every sender keeps its window full until the counted time is over."""
    for pair in pairs:
        pair.say(job.window)
    await asyncio.sleep(job.warm_up_s + job.counted_s)


async def keep_pace(job: Job, pairs: list[Pair]) -> None:
    """W2: messages at an even pace, whatever becomes of them; a late one does not slow the next one down."""
    for pair in pairs:
        pair.sender.refills = False
    start_s, step_s = time.perf_counter(), 1 / job.rate_per_s
    count = int((job.warm_up_s + job.counted_s) * job.rate_per_s)
    for number, pair in enumerate(islice(cycle(pairs), count)):
        await asyncio.sleep(start_s + number * step_s - time.perf_counter())
        pair.say()


async def keep_silent(job: Job, _: list[Pair]) -> None:
    """Everybody is there and says nothing."""
    await asyncio.sleep(job.warm_up_s + job.counted_s)


WORKS: dict[str, Callable[[Job, list[Pair]], Awaitable[None]]] = {
    "w1": keep_full,
    "w2": keep_pace,
    "idle": keep_silent,
}


class Counted:
    """What happened between warm-up and the end."""

    def __init__(self, job: Job, pairs: list[Pair]) -> None:
        self._job, self._pairs = job, pairs
        self.start_s = self.end_s = 0.0
        self._server: list[Usage] = []
        self._own_s: list[float] = []

    def mark(self) -> None:
        """Here it begins; or, the second time, here it ends."""
        now_s = time.perf_counter()
        self.start_s, self.end_s = (now_s, now_s) if not self._server else (self.start_s, now_s)
        self._server.append(usage_of(self._job.server_pid))
        self._own_s.append(time.process_time())

    def result(self) -> dict[str, Any]:
        """Rates of the counted time. Times of single messages are those that left in it."""
        lasted_s = self.end_s - self.start_s
        done = sum(self._inside(at_s) for pair in self._pairs for at_s in pair.sender.times.done)
        server_cpu_s = self._server[1].cpu_s - self._server[0].cpu_s
        return {
            "done": done,
            "counted_s": round(lasted_s, 3),
            "done_per_s": round(done / lasted_s, 1),
            "server_cpu_us": round(server_cpu_s / max(done, 1) * 1e6, 2),
            "server_cpu_share": round(server_cpu_s / lasted_s, 3),
            "server_rss_mib": round(self._server[1].rss_bytes / 2**20, 1),
            "generator_cpu_share": round((self._own_s[1] - self._own_s[0]) / lasted_s, 3),
            "latency_ms": {what: self._latency(what) for what in ("accepted", "delivered", "done")},
        }

    def _inside(self, at_s: float) -> bool:
        return self.start_s <= at_s < self.end_s

    def _latency(self, what: str) -> dict[str, float]:
        took_ms = sorted(
            (then_s - sent_s) * 1000
            for pair in self._pairs
            for sent_s, then_s in zip(pair.sender.times.sent, getattr(pair.sender.times, what), strict=False)
            if self._inside(sent_s)
        )
        if not took_ms:
            return {}
        return {name: round(took_ms[int(len(took_ms) * part)], 3) for name, part in (("p50", 0.5), ("p99", 0.99))}


async def measured(job: Job) -> dict[str, Any]:
    """Do the work, let the rest arrive, and look whether everything did."""
    pairs = [await open_pair(job, number) for number in range(len(job.people) // 2)]
    for pair in pairs:
        pair.sender.messages.prepare(job.prepared)
    gc.collect()
    gc.freeze()
    gc.disable()  # a pause of the generator would look like one of the server
    await asyncio.sleep(SETTLE_S)
    counted = Counted(job, pairs)
    loop = asyncio.get_running_loop()
    loop.call_later(job.warm_up_s, counted.mark)
    await WORKS[job.work](job, pairs)
    counted.mark()
    for pair in pairs:
        pair.sender.keeps_on = False
    with suppress(TimeoutError):
        async with asyncio.timeout(job.rest_s):
            while any(pair.sender.done < pair.sender.sent for pair in pairs):  # noqa: ASYNC110 - it is soon over
                await asyncio.sleep(POLL_S)
    return {**counted.result(), **_proof(pairs)}


def _proof(pairs: list[Pair]) -> dict[str, Any]:
    """Every message that was sent arrived once and in order, and its sender knows; else, what went wrong."""
    found = [finding for pair in pairs for finding in findings(pair.sender, pair.receiver)]
    found += [line.lost for pair in pairs for line in pair.lines if line.lost]
    return {"sent": sum(pair.sender.sent for pair in pairs), "findings": found[:20]}


def main() -> None:
    """Read the job, do it, write the result."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(measured(job))
    sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")


if __name__ == "__main__":
    main()
