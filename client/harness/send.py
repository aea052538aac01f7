"""One message from the command line: `send --to NAME --text … --wait delivered`, and an exit code that says how far."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from client.app.changes import BubblesChanged, Change
from client.app.chat import Chat
from client.app.dispatcher import complete
from client.bootstrap import open_client
from client.core.model import Bubble, State
from client.harness.options import add_profile, join, profile_of
from client.words import problem_words
from protocol.problems import Problem
from protocol.values import Lid

DELIVERED, FAILED, STORED, UNKNOWN, REFUSED = 0, 1, 2, 3, 4
"""Exit codes: as far as wished; could not begin; the server keeps it and the person is away; nobody knows; refused."""
WAITS = {
    "accepted": State.ACCEPTED,
    "stored": State.STORED,
    "delivered": State.DELIVERED,
    "read": State.READ,
}
OVER = (State.REFUSED, State.CANCELLED, State.LONG_AGO)
TIMEOUT_S = 15.0


def parser() -> argparse.ArgumentParser:
    """The options of `python -m client send`."""
    arguments = argparse.ArgumentParser(
        "send",
        description="Send one message and wait. Exit codes: 0 as far as wished, 1 could not begin, "
        "2 stored (the person is away), 3 unknown, 4 refused.",
    )
    add_profile(arguments)
    arguments.add_argument("--to", required=True, help="the person's name")
    what = arguments.add_mutually_exclusive_group(required=True)
    what.add_argument("--text")
    what.add_argument("--file", help="a path")
    arguments.add_argument("--caption", default="", help="below the file")
    arguments.add_argument("--wait", choices=tuple(WAITS), default="delivered")
    arguments.add_argument("--timeout", type=float, default=TIMEOUT_S, help="seconds")
    return arguments


def main(argv: Sequence[str]) -> int:
    """Send; print one line; return the exit code."""
    options = parser().parse_args(argv)
    try:
        return asyncio.run(_main(options))
    except Problem as why:
        return _tell(FAILED, f"failed: {why.for_person(problem_words(options.language))}")


async def _main(options: argparse.Namespace) -> int:
    async with open_client(profile_of(options), screen_batch_s=0.0) as chat:
        await join(chat, options)
        watch = _Watch(chat, WAITS[options.wait])
        conv = await chat.open_with_name(options.to)
        if options.file:
            watch.lid = await chat.send_file(conv, options.file, caption=options.caption)
        else:
            watch.lid = await chat.say(conv, options.text)
        bubble = await watch.result(options.timeout)
        return _judge(bubble, chat.line.code, chat.me.server if chat.me else "", options)


class _Watch:
    """Waits until one message has come far enough, or can come no further."""

    def __init__(self, chat: Chat, wished: State) -> None:
        self._chat, self._wished = chat, wished
        self._changed = asyncio.Event()
        self.lid = Lid(0)
        chat.subscribe(self._tell)

    async def result(self, timeout_s: float) -> Bubble:
        """The message as it stands when it is far enough, or when the time is up."""
        try:
            async with asyncio.timeout(timeout_s):
                while not self._enough(await self._chat.bubble(self.lid)):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            pass
        return await self._chat.bubble(self.lid)

    def _tell(self, change: Change) -> None:
        if isinstance(change, BubblesChanged):
            self._changed.set()

    def _enough(self, bubble: Bubble) -> bool:
        if bubble.state in OVER or bubble.state is State.NEEDS_YOU:
            return True
        return bubble.state.on_ladder and bubble.state >= self._wished


def _judge(bubble: Bubble, line_code: str, server: str, options: argparse.Namespace) -> int:
    """One line about where the message stands, and the exit code for it; `line_code` is why the line is down."""
    if bubble.state.on_ladder and bubble.state >= WAITS[options.wait]:
        return _tell(DELIVERED, bubble.state.word)
    if bubble.state in (State.REFUSED, State.CANCELLED):
        return _tell(REFUSED, _with_reason(bubble, bubble.code, server, options))
    if bubble.state in (State.ACCEPTED, State.STORED, State.DELIVERED):
        return _tell(STORED, bubble.state.word)
    return _tell(UNKNOWN, _with_reason(bubble, bubble.code or line_code, server, options))


def _with_reason(bubble: Bubble, code: str, server: str, options: argparse.Namespace) -> str:
    """The state, and the sentence for whatever stands in the way."""
    if not code:
        return bubble.state.word
    why = complete(code, server=server, bubble=bubble, known={})
    return f"{bubble.state.word}: {why.for_person(problem_words(options.language))}"


def _tell(code: int, line: str) -> int:
    sys.stdout.write(line + "\n")
    return code
