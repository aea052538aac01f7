"""The demo: a fresh server and two people without a screen; six packets for every message, and one lost on purpose.

Alice sends Bob words, a photo, a voice note, a film and a file. Bob is away for the last one. Bob clicks, the
files come, and their hashes are compared. The exit code is 0 only if every message was delivered exactly once, in
order, and every file arrived whole.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from client.bootstrap import open_server
from client.core.journey import PACKETS
from client.demo.report import (
    MessageReport,
    PacketLine,
    Report,
    as_json,
    as_text,
    ordered,
)
from client.harness.puppet import Puppet
from protocol.limits import MARKS_DELAY_MAX_S
from protocol.problems import Problem

ALICE, BOB = "alice", "bob"
GREETING = "Hello Bob! 你好，小明。"
LOST = "ack:N"
"""The packet that Alice loses the first time it comes; the next one, or a question to the server, makes it good."""
CURSORS = ("ack:R", "ack:A")
"""A device tells its cursors once more after each start, and has them confirmed."""
FILES = (
    ("picture", "photo.jpg"),
    ("voice", "voice.ogg"),
    ("video", "video.mp4"),
    ("file", "既济.txt"),
)
"""What is sent after the greeting. Bob is away for the last one."""
DELIVERED = ("delivered", "read")
PASSED_S = MARKS_DELAY_MAX_S + 0.2  # an ack:N waits so long at most (P-52), and is on its way
HEAL_S = 40.0  # a lost ack:N is asked about after 10 s (P-54), or comes with the next one


def parser() -> argparse.ArgumentParser:
    """The options of `python -m client demo`."""
    arguments = argparse.ArgumentParser("demo", description=__doc__.partition("\n")[0])
    arguments.add_argument("--json", action="store_true", help="one JSON document instead of drawings")
    arguments.add_argument("--no-colour", action="store_true", help="also by the variable NO_COLOR")
    arguments.add_argument("--keep", type=Path, default=None, help="use this empty folder, and keep it")
    return arguments


def main(argv: Sequence[str]) -> int:
    """Run it; print the report; return 0 if everything was as it should be."""
    options = parser().parse_args(argv)
    report = asyncio.run(_main(options))
    _print(report, options)
    return 0 if report.good else 1


async def _main(options: argparse.Namespace) -> Report:
    report = Report(ALICE, BOB)
    started_s = time.monotonic()
    async with _folder(options.keep) as folder:
        try:
            async with open_server(folder / "server") as server:
                await _Demo(folder, report, _Steps(silent=options.json)).run(server.url, await server.invite())
        except (Problem, TimeoutError, ConnectionError) as failure:
            said = failure.for_person() if isinstance(failure, Problem) else str(failure) or "it took too long"
            report.problems.append(f"the demo stopped: {said}")
    report.seconds = time.monotonic() - started_s
    return report


@asynccontextmanager
async def _folder(kept: Path | None) -> AsyncIterator[Path]:
    if kept is not None:
        await asyncio.to_thread(kept.mkdir, parents=True, exist_ok=True)
        yield kept
        return
    with tempfile.TemporaryDirectory(prefix="hexagram-demo-", ignore_cleanup_errors=True) as name:
        yield Path(name)


class _Steps:
    """Says on the error channel what happens, so that nobody looks at a still screen."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent

    def __call__(self, what: str) -> None:
        if not self._silent:
            sys.stderr.write(f"  {what} …\n")
            sys.stderr.flush()


class _Demo:
    """The play itself."""

    def __init__(self, folder: Path, report: Report, step: _Steps) -> None:
        self._folder, self._report, self._step = folder, report, step
        self._expected: list[tuple[str, str]] = []
        self._lids: list[int] = []

    async def run(self, server: str, invite: str) -> None:
        """Play it, then judge."""
        alice = Puppet(ALICE, self._folder / ALICE, server, ("--drop", f"{LOST}:1"))
        bob = Puppet(BOB, self._folder / BOB, server)
        try:
            self._step("alice and bob join")
            await alice.start(invite=invite)
            await bob.start(invite=(await alice.wish("invite"))["invite"])
            await self._exchange(alice, bob)
            await self._judge(alice, bob)
        finally:
            await asyncio.gather(alice.kill(), bob.kill())

    async def _exchange(self, alice: Puppet, bob: Puppet) -> None:
        self._step("alice writes; the first ack:N is lost on purpose")
        await self._say(alice, GREETING)
        await self._lost(bob, GREETING)
        for kind, name in FILES[:-1]:
            self._step(f"alice sends {name}")
            await alice.state(await self._send(alice, kind, name), *DELIVERED)
        kind, name = FILES[-1]
        self._step("bob leaves")
        await bob.quit()
        self._step(f"alice sends {name}; the server keeps it for bob")
        await alice.state(await self._send(alice, kind, name), "stored")
        self._step("bob comes back")
        await bob.start()
        for lid in self._lids:
            await alice.state(lid, *DELIVERED, timeout_s=HEAL_S)

    async def _say(self, alice: Puppet, text: str) -> None:
        lid = (await alice.wish("say", to=BOB, text=text))["lid"]
        self._lids.append(lid)
        self._expected.append(("text", text))
        await alice.state(lid, "accepted", *DELIVERED)

    async def _lost(self, bob: Puppet, text: str) -> None:
        """Wait until the lost packet has passed. Would it speak of the next message too, nothing would follow it."""
        came = await bob.until(lambda line: line["event"] == "bubble" and line.get("text") == text)
        await bob.until(
            lambda line: line["event"] == "trace" and line["lid"] == came["lid"] and line["packet"] == "ack:A"
        )
        await asyncio.sleep(PASSED_S)

    async def _send(self, alice: Puppet, kind: str, name: str) -> int:
        path = self._folder / "sent" / name
        await asyncio.to_thread(_copy_sample, name, path)
        lid = int((await alice.wish("send", to=BOB, path=str(path)))["lid"])
        self._lids.append(lid)
        self._expected.append((kind, name))
        return lid

    # ----------------------------------------------------------------------------------------- judging

    async def _judge(self, alice: Puppet, bob: Puppet) -> None:
        self._step("bob clicks on the files")
        arrived = _messages(await bob.wish("history", **{"with": ALICE, "limit": 1000}))
        sent = _messages(await alice.wish("history", **{"with": BOB, "limit": 1000}))
        shown = [(bubble["kind"], _what(bubble)) for bubble in arrived]
        if shown != self._expected:
            self._report.problems.append(f"bob sees {shown}, and should see {self._expected}")
        for number, (lid, (kind, what)) in enumerate(zip(self._lids, self._expected, strict=True), 1):
            message = MessageReport(number, kind, what, lid)
            self._report.messages.append(message)
            own = next(bubble for bubble in sent if bubble["lid"] == lid)
            copies = [bubble for bubble in arrived if bubble.get("dg") == own.get("dg")]
            await self._judge_message(message, own, copies, alice, bob)

    async def _judge_message(
        self,
        message: MessageReport,
        own: dict[str, Any],
        copies: list[dict[str, Any]],
        alice: Puppet,
        bob: Puppet,
    ) -> None:
        message.copies = len(copies)
        message.states = _states(alice, message.lid)
        if own["state"] not in DELIVERED:
            message.problems.append(f"alice shows it as {own['state']}")
        if len(copies) != 1:
            message.problems.append(f"bob has it {len(copies)} times")
            return
        message.packets = await _packets(alice, message.lid, ALICE) + await _packets(bob, copies[0]["lid"], BOB)
        message.packets = ordered(message.packets)
        message.packets = _explained(message.packets, first=message.number == 1)
        seen = {line.stands_for for line in message.packets}
        message.problems += [f"{packet} was not seen" for packet in PACKETS if packet not in seen]
        if "file" in copies[0]:
            await self._fetch(message, own, copies[0], bob)

    async def _fetch(self, message: MessageReport, own: dict[str, Any], copy: dict[str, Any], bob: Puppet) -> None:
        """Bob clicks; what he has then is what Alice uploaded, byte for byte."""
        lid, promised = copy["lid"], copy["file"]
        since = len(bob.heard)
        await bob.wish("fetch", lid=lid)
        shown = await bob.until(
            lambda line: (
                (line["event"] == "bubble" and line["lid"] == lid and "path" in line)
                or (line["event"] == "problem" and line.get("lid") == lid)
            ),
            since=since,
        )
        if shown["event"] == "problem":
            message.problems.append(f"the file did not come: {shown['text']}")
            return
        data = await asyncio.to_thread(Path(shown["path"]).read_bytes)
        found = hashlib.sha256(data).hexdigest()
        if found != promised["sha256"] or len(data) != promised["size_bytes"]:
            message.problems.append("the file is not the one that was sent")
        message.fetched = f"{len(data)} bytes fetched on a click, sha256 {found[:16]}… is right"


def _explained(lines: Sequence[PacketLine], *, first: bool) -> list[PacketLine]:
    """What this play did to the packets of a message: one ack:N was lost, and Bob was started twice."""
    seen: set[str] = set()
    explained = []
    for line in lines:
        if first and line.packet == LOST:
            line = replace(line, note="the one before was lost on purpose")
        elif line.packet in CURSORS and line.packet in seen:
            line = replace(line, note="again after a start")
        seen.add(line.packet)
        explained.append(line)
    return explained


def _messages(history: dict[str, Any]) -> list[dict[str, Any]]:
    """The page without what the server says about the conversation."""
    return [bubble for bubble in history["bubbles"] if bubble["kind"] in ("text", "picture", "voice", "video", "file")]


def _what(bubble: dict[str, Any]) -> str:
    return str(bubble["text"] if bubble["kind"] == "text" else bubble["file"]["name"])


def _states(puppet: Puppet, lid: int) -> list[str]:
    """The states a message was seen in, in order, each once in a row."""
    states: list[str] = []
    for line in puppet.heard:
        if line["event"] == "state" and line["lid"] == lid and states[-1:] != [line["state"]]:
            states.append(line["state"])
    return states


async def _packets(puppet: Puppet, lid: int, by: str) -> list[PacketLine]:
    answer = await puppet.wish("trace", lid=lid)
    return [
        PacketLine(seen["packet"], by, seen["way"], seen["at_ms"], seen["tries"], seen.get("note", ""))
        for seen in answer["packets"]
    ]


def _copy_sample(name: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(resources.files("resources").joinpath("samples", name).read_bytes())


def _print(report: Report, options: argparse.Namespace) -> None:
    if options.json:
        sys.stdout.write(json.dumps(as_json(report), ensure_ascii=False, indent=2) + "\n")
        return
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    colour = sys.stdout.isatty() and not options.no_colour and "NO_COLOR" not in os.environ
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    sys.stdout.write(as_text(report, colour=colour, plain=not encoding.startswith("utf")))
