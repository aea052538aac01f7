"""The whole client on standard input and output: one JSON line a wish, one a change (docs/HEADLESS.md).

It is the test harness, the interface for bots, and the load generator.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from client.app.changes import BubblesChanged, Change
from client.app.chat import Chat
from client.app.tasks import Tasks
from client.bootstrap import open_client
from client.core.model import Bubble, State
from client.harness import deeds, wishes
from client.harness.fields import (
    bubble_fields,
    change_fields,
    chat_fields,
    finding_fields,
    line_fields,
    me_fields,
    person_fields,
    problem_fields,
    seen_fields,
    state_fields,
)
from client.harness.options import add_profile, join, profile_of
from client.harness.stdio import LinesIn, LinesOut
from client.words import problem_words
from protocol.problems import Problem
from protocol.values import ConvId, Lid, Uid, replace

WISHES_AT_ONCE = 1024
REMEMBERED_BUBBLES = 65_536  # of these the harness knows what it has told already
LINGER_S = 5.0
INTERRUPTED = 130  # as a shell says it
QUIETABLE = ("trace", "progress", "bubble", "state", "line", "new", "people", "typing", "presence", "members", "prefs")


class Harness:
    """Reads wishes, does them, answers each with `done` or `problem`, and tells every change."""

    def __init__(self, chat: Chat, out: LinesOut, options: argparse.Namespace) -> None:
        self._chat, self._out, self._options = chat, out, options
        self._translate = problem_words(options.language)
        self._tasks = Tasks()
        self._room = asyncio.Semaphore(WISHES_AT_ONCE)
        self._told: OrderedDict[Lid, Bubble] = OrderedDict()
        self._convs: dict[str, ConvId] = {}
        self._busy = 0
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    # ------------------------------------------------------------------------------------ start, end

    async def run(self, lines: LinesIn) -> int:
        """Serve until the input ends; return the exit code: 0, or 2 if something still waits here."""
        unsubscribe = self._chat.subscribe(self._tell)
        try:
            async for batch in lines.batches():
                if not await self._serve(batch):
                    break
            return await self._linger()
        finally:
            unsubscribe()
            await self._tasks.close()
            self._out.flush()

    async def join(self) -> None:
        """Join if the profile has not yet; raises the Problem why that cannot be."""
        me = await join(self._chat, self._options)
        line = line_fields(self._chat.line, self._now_s())
        self._out.say({"event": "ready", "me": me_fields(me), "line": line})

    async def set_up(self) -> None:
        """Take the ladder and the language from the command line."""
        options, settings = self._options, self._chat.settings
        wanted = replace(settings, retry_mode=options.retry, retry_literal=options.literal)
        if wanted != settings:
            await self._chat.change_settings(wanted)

    def problem(self, why: Problem, **about: object) -> None:
        """Say what went wrong."""
        known = {key: value for key, value in about.items() if value is not None}
        self._out.say({"event": "problem", **problem_fields(why, self._translate), **known})

    async def _linger(self) -> int:
        """Wait until every wish is answered, and, as long as `--linger` says, until no message waits here."""
        await self._idle.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._options.linger):
                while await self._waiting():
                    self._news.clear()
                    await self._news.wait()
        waiting = await self._waiting()
        self._out.say({"event": "bye", "waiting": waiting})
        return 2 if waiting else 0

    async def _waiting(self) -> int:
        return sum(entry.waiting for entry in await self._chat.chats())

    # --------------------------------------------------------------------------------------- wishes

    async def _serve(self, batch: Sequence[bytes]) -> bool:
        """Begin the wishes of these lines, in order. False after `quit`."""
        for line in batch:
            if not line.strip():
                continue
            try:
                wish = wishes.read_wish(line)
            except Problem as why:
                self.problem(why, ref=wishes.ref_of(line))
                continue
            if isinstance(wish, wishes.Quit):
                self._done(wish, {})
                return False
            await self._begin(wish)
        return True

    async def _begin(self, wish: wishes.AnyWish) -> None:
        """Messages to the same person leave in the order of their lines, without waiting for one another."""
        await self._room.acquire()
        self._busy += 1
        self._idle.clear()
        conv = None
        if isinstance(wish, wishes.Say | wishes.SendFile | wishes.Forward):
            conv = wish.conv or self._convs.get(wish.to) or await self._find(wish)
            if conv is None:
                return self._end()
        self._tasks.start(self._answer(wish, conv), f"wish {type(wish).__name__}")
        return None

    def _end(self) -> None:
        self._busy -= 1
        if self._busy == 0:
            self._idle.set()
        self._room.release()

    async def _find(self, wish: wishes.Say | wishes.SendFile | wishes.Forward) -> ConvId | None:
        try:
            conv = self._convs[wish.to] = await self._chat.open_with_name(wish.to)
        except Problem as why:
            self.problem(why, ref=wish.ref)
            return None
        return conv

    async def _answer(self, wish: wishes.AnyWish, conv: ConvId | None) -> None:
        try:
            self._done(wish, await self._do(wish, conv))
        except Problem as why:
            self.problem(why, ref=wish.ref, lid=getattr(wish, "lid", None))
        finally:
            self._end()

    def _done(self, wish: wishes.AnyWish, result: dict[str, Any]) -> None:
        ref = {} if wish.ref is None else {"ref": wish.ref}
        self._out.say({"event": "done", "do": str(wish.__struct_config__.tag), **ref, **result})

    async def _do(self, wish: wishes.AnyWish, conv: ConvId | None) -> dict[str, Any]:
        chat = self._chat
        match wish:
            case wishes.Say() | wishes.SendFile() | wishes.Forward() | wishes.Resend():
                return await self._write(wish, conv or ConvId(""))
            case wishes.Edit() | wishes.Recall() | wishes.React():
                return {"lid": wish.lid, "change": await self._change(wish)}
            case wishes.Fetch(lid=lid):
                await chat.fetch(lid)
            case wishes.StopFetch(lid=lid):
                await chat.stop_fetch(lid)
            case wishes.Pause(lid=lid):
                await chat.pause(lid)
            case wishes.Resume(lid=lid):
                await chat.resume(lid)
            case wishes.Cancel(lid=lid):
                await chat.cancel(lid)
            case wishes.Read(conv=where, upto=upto):
                await chat.read(where, upto)
            case wishes.Connect() | wishes.Retry():
                chat.connect()
            case wishes.SetRetry(retry=retry, literal=literal):
                await chat.change_settings(replace(chat.settings, retry_mode=retry, retry_literal=literal))
            case _:
                found = await deeds.do(chat, wish, self._uid)
                return await self._look(wish) if found is None else found
        return {"lid": wish.lid} if hasattr(wish, "lid") else {}

    async def _write(
        self, wish: wishes.Say | wishes.SendFile | wishes.Forward | wishes.Resend, conv: ConvId
    ) -> dict[str, Any]:
        chat = self._chat
        match wish:
            case wishes.Say(text=text, reply_to=reply_to, mentions=mentions):
                lid = await chat.say(conv, text, reply_to=reply_to, mentions=mentions)
                return await self._sent(lid)
            case wishes.SendFile(path=path, kind=kind, caption=caption, reply_to=reply_to):
                lid = await chat.send_file(
                    conv, path, kind, caption,
                    reply_to=reply_to, quality=wish.quality, note=wish.note, album=wish.album,
                )  # fmt: skip
                return await self._sent(lid)
            case wishes.Forward(lids=lids):
                return {"lids": await chat.forward(lids, conv)}
            case wishes.Resend(lid=lid):
                return await self._sent(await chat.resend(lid))

    async def _change(self, wish: wishes.Edit | wishes.Recall | wishes.React) -> Lid:
        match wish:
            case wishes.Edit(lid=lid, text=text, mentions=mentions):
                return await self._chat.edit(lid, text, mentions)
            case wishes.Recall(lid=lid):
                return await self._chat.recall(lid)
            case wishes.React(lid=lid, emoji=emoji):
                return await self._chat.react(lid, emoji)

    async def _look(self, wish: wishes.AnyWish) -> dict[str, Any]:
        chat = self._chat
        match wish:
            case wishes.Status(lid=lid):
                finding, bubble = await chat.ask(lid), await chat.bubble(lid)
                return finding_fields(finding) | {"state": bubble.state.word}
            case wishes.Versions(lid=lid):
                versions = [{"ts": version.ts, "text": version.text} for version in await chat.versions(lid)]
                return {"lid": lid, "versions": versions}
            case wishes.Trace(lid=lid):
                return {"lid": lid, "packets": [seen_fields(seen) for seen in await chat.trace(lid)]}
            case wishes.History():
                return await self._history(wish)
            case wishes.People():
                return {"people": [person_fields(person) for person in await chat.people()]}
            case wishes.Chats():
                return {"chats": [chat_fields(entry) for entry in await chat.chats()]}
            case wishes.Invite():
                return {"invite": await chat.invite()}
            case wishes.OpenChat(with_=name) if name:
                return {"conv": await chat.open_with_name(name)}
            case wishes.OpenChat(title=title, members=names):
                return {"conv": await chat.open_group(title, [await self._uid(name) for name in names])}
        raise AssertionError(f"nobody does {wish}")

    async def _sent(self, lid: Lid) -> dict[str, Any]:
        return {"lid": lid}

    async def _uid(self, name: str) -> Uid:
        return (await self._chat.person(name)).uid

    async def _history(self, wish: wishes.History) -> dict[str, Any]:
        conv = wish.conv or await self._chat.open_with_name(wish.with_)
        before = None if wish.before is None else (await self._chat.bubble(wish.before)).order
        page = await self._chat.page(conv, before=before, limit=wish.limit)
        return {"conv": conv, "bubbles": [bubble_fields(bubble) for bubble in page]}

    # --------------------------------------------------------------------------------------- changes

    def _tell(self, change: Change) -> None:
        self._news.set()
        if isinstance(change, BubblesChanged):
            for bubble in change.bubbles:
                self._tell_bubble(bubble)
            return
        fields = change_fields(change, self._translate, self._now_s())
        if fields is not None:
            self._say(fields)

    def _tell_bubble(self, bubble: Bubble) -> None:
        """A new bubble in full, a known one when it looks different; of own ones each state as well."""
        before = self._told.pop(bubble.lid, None)
        self._told[bubble.lid] = bubble
        if len(self._told) > REMEMBERED_BUBBLES:
            self._told.popitem(last=False)
        if before is None or _face(before) != _face(bubble):
            self._say({"event": "bubble", **bubble_fields(bubble)})
        if bubble.mine and bubble.state < State.RECEIVED and (before is None or _state(before) != _state(bubble)):
            self._say({"event": "state", **state_fields(bubble, self._chat.wall_ms())})

    def _say(self, fields: dict[str, Any]) -> None:
        if fields["event"] not in self._options.quiet:
            self._out.say(fields)

    def _now_s(self) -> float:
        return self._chat.now_s()


def _face(bubble: Bubble) -> tuple[object, ...]:
    """What the harness tells in full: what the message says, what was done to it, where its file is and it stands."""
    said = (bubble.body, bubble.edited, bubble.recalled, bubble.reactions, bubble.reply, bubble.reply_lid)
    done = (bubble.change, bubble.change_lid, bubble.change_code, bubble.lost)
    file = (bubble.path, bubble.why, bubble.paused, bubble.fetching, bubble.heard)
    return said, done, file, bubble.mine or bubble.pos


def _state(bubble: Bubble) -> tuple[object, ...]:
    return bubble.state, bubble.tries, bubble.code, bubble.pos, bubble.delivered_to, bubble.read_by, bubble.of


def parser() -> argparse.ArgumentParser:
    """The options of `python -m client headless`."""
    arguments = argparse.ArgumentParser("headless", description="The client as JSON lines (docs/HEADLESS.md).")
    add_profile(arguments)
    arguments.add_argument("--retry", choices=("ladder", "ask"), default="ladder", help="when to ask")
    arguments.add_argument("--literal", action="store_true", help="the ladder counts time offline as well")
    arguments.add_argument("--linger", type=float, default=LINGER_S, help="wait so many seconds at the end")
    arguments.add_argument("--drop", action="append", default=[], metavar="PACKET:N", help="lose a packet")
    arguments.add_argument("--quiet", type=_quiet, default=frozenset(), help="events not to write: trace,…")
    return arguments


def _quiet(text: str) -> frozenset[str]:
    events = frozenset(text.split(","))
    if unknown := events - set(QUIETABLE):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}; known are {', '.join(QUIETABLE)}")
    return events


def main(argv: Sequence[str]) -> int:
    """Run the harness; exit code 0, 1 for a start that failed, 2 if something still waits here, 130 for Ctrl-C."""
    options = parser().parse_args(argv)
    try:
        return asyncio.run(_main(options))
    except KeyboardInterrupt:
        return INTERRUPTED


async def _main(options: argparse.Namespace) -> int:
    out = LinesOut()
    translate = problem_words(options.language)
    try:
        async with open_client(profile_of(options), screen_batch_s=0.0) as chat:
            harness = Harness(chat, out, options)
            await harness.set_up()
            await harness.join()
            return await harness.run(LinesIn())
    except Problem as why:
        out.say({"event": "problem", **problem_fields(why, translate)})
        return 1
    finally:
        out.flush()
