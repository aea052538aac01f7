"""A real server, a bad network and real clients, all on one hurried loop; and what must be true of their talk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest

import client.app.timers
import client.bootstrap
import server.bootstrap
from client.app.changes import Change, LineChanged
from client.app.chat import Chat
from client.core.model import Bubble, Line, State
from protocol.content import Text
from protocol.problems import ServerUnreachable
from protocol.values import ConvId
from server.app.settings import settings_for
from tests.faults.fast import SPEED, LoopClock
from tests.faults.proxy import Proxy, Weather

LOOK_S = 0.5
JOINS_MAX = 10
SETTLE_S = 400.0
DONE = (State.DELIVERED, State.READ)


class Person:
    """Somebody at a client; remembers what they said and how their line went."""

    def __init__(self, name: str, chat: Chat) -> None:
        self.name, self.chat = name, chat
        self.said: list[str] = []
        self.lines: list[tuple[float, Line]] = []
        self.conv = ConvId("")
        chat.subscribe(self._hear)

    async def say(self, *texts: str) -> None:
        """Each is durable when this returns."""
        for text in texts:
            await self.chat.say(self.conv, text)
            self.said.append(text)

    async def texts(self, *, mine: bool) -> list[str]:
        """What is on the screen, in order."""
        return [b.body.text for b in await self.bubbles() if b.mine is mine and isinstance(b.body, Text)]

    async def bubbles(self) -> list[Bubble]:
        page = await self.chat.page(self.conv, limit=1000)
        return [bubble for bubble in page if isinstance(bubble.body, Text)]

    async def becomes(self, state: str, within_s: float = 120.0) -> float:
        """Wait until the line stands like this; how long that took."""
        began_s = now_s()
        await until(lambda: self.chat.line.state == state, within_s, f"{self.name}'s line is {self.chat.line}")
        return now_s() - began_s

    def ends(self) -> list[tuple[float, Line]]:
        """When the line fell, and to what."""
        return [(at_s, line) for at_s, line in self.lines if line.state in ("offline", "stopped")]

    def _hear(self, change: Change) -> None:
        if isinstance(change, LineChanged):
            self.lines.append((now_s(), change.line))


class Street:
    """Alice and Bob, and what is between them and the server."""

    def __init__(self, proxy: Proxy, alice: Person, bob: Person) -> None:
        self.proxy, self.alice, self.bob = proxy, alice, bob

    @property
    def people(self) -> tuple[Person, Person]:
        return self.alice, self.bob

    def wake(self) -> None:
        """The weather clears, and the computers notice, as they do after a sleep."""
        self.proxy.weather = Weather()
        for person in self.people:
            person.chat.woke_up()

    async def settle(self, within_s: float = SETTLE_S) -> None:
        """Wait until everybody has everything and knows it; then nothing may be lost, doubled or out of order."""
        end_s = now_s() + within_s
        while not await self._settled():
            assert now_s() < end_s, await self._open_ends()
            await asyncio.sleep(LOOK_S)
        views = [[(b.pos, b.dg) for b in await person.bubbles()] for person in self.people]
        assert views[0] == views[1]
        for person, other in (self.people, self.people[::-1]):
            assert await person.texts(mine=True) == person.said
            assert await other.texts(mine=False) == person.said

    async def _settled(self) -> bool:
        total = sum(len(person.said) for person in self.people)
        pages = [await person.bubbles() for person in self.people]
        return all(len(page) >= total and all(b.state in DONE for b in page if b.mine) for page in pages)

    async def _open_ends(self) -> str:
        pages = [await person.bubbles() for person in self.people]
        waiting = [(b.state.word, b.n) for page in pages for b in page if b.mine and b.state not in DONE]
        return f"not settled: {waiting[:5]} {[len(page) for page in pages]} {[p.chat.line for p in self.people]}"


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def until(true: Callable[[], bool], within_s: float, why: str) -> None:
    """Wait for something to be true, in the loop's time."""
    end_s = now_s() + within_s
    while not true():
        assert now_s() < end_s, why
        await asyncio.sleep(0.1)


@asynccontextmanager
async def street(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Street]:
    """Two people who have a conversation, in good weather; all by the loop's time."""
    clock = LoopClock()
    monkeypatch.setattr(server.bootstrap, "CLOCK", clock)
    monkeypatch.setattr(client.bootstrap, "SystemClock", LoopClock)
    monkeypatch.setattr(client.app.timers, "SLEPT_S", 10.0 * SPEED)  # a hiccup of this computer is no sleep
    settings = settings_for(folder / "server", "127.0.0.1:0")
    async with server.bootstrap.open_accounts(settings) as accounts:
        invites = [await accounts.new_invite() for _ in range(2)]
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(server.bootstrap.open_server(settings))
        proxy = Proxy(address.url)
        await proxy.start()
        stack.push_async_callback(proxy.close)
        people = []
        for name, invite in zip(("alice", "bob"), invites, strict=True):
            profile = client.bootstrap.Profile(folder / name, "", log_file=folder / f"{name}.log")
            chat = await stack.enter_async_context(client.bootstrap.open_client(profile, screen_batch_s=0.0))
            await join(chat, proxy.url, name, invite)
            people.append(Person(name, chat))
        made = Street(proxy, *people)
        for person in people:
            await person.becomes("ready")
        made.alice.conv = made.bob.conv = await made.alice.chat.open_with_name("bob")
        stack.callback(_good_weather, proxy)
        yield made


async def join(chat: Chat, url: str, name: str, invite: str) -> None:
    """In hurried time a busy computer may be too slow for the first request; the same again is safe."""
    for _ in range(JOINS_MAX):
        with suppress(ServerUnreachable):
            await chat.join(url, name, invite)
            return
    raise AssertionError(f"{name} could not join")


def _good_weather(proxy: Proxy) -> None:
    proxy.weather = Weather()
