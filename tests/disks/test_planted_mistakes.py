"""F-45: one in fifty of everything a runner does raises. The loops live, nobody waits for ever, all arrives."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from client.app import runner as client_runner
from client.core.engine import Engine
from client.core.events import Dial, Event
from client.core.model import Memory
from protocol.ladder import Ladder
from protocol.packets import HeadsR, MsgA, PeopleR, Ping, StatusKey, StatusR
from protocol.problems import Problem
from protocol.values import Digest
from tests.helpers.app import CONV, close_app, open_app
from tests.helpers.wire import dg_of, msg
from tests.server.app.test_runner import Server, only, talk

SHARE = 1 / 50


class Planted(Exception):
    """A mistake of ours."""


class Mine:
    """Goes off now and then."""

    def __init__(self, seed: int) -> None:
        self._dice, self.gone_off, self.armed = Random(seed), 0, True

    def step(self) -> None:
        if self.armed and self._dice.random() < SHARE:
            self.gone_off += 1
            raise Planted()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Short pauses, and a log that is not printed: what is planted is no news."""
    monkeypatch.setattr(client_runner, "REBUILD_MIN_S", 0.001)
    monkeypatch.setattr(client_runner, "REBUILD_MAX_S", 0.002)
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_the_client_s_loop_lives(tmp_path: Path, seed: int) -> None:
    mine = Mine(seed)

    class Clumsy(Engine):
        """The real core; before or after any event it may raise."""

        def handle(self, event: Event, now_s: float) -> Any:
            if not isinstance(event, Dial):
                mine.step()
            done = super().handle(event, now_s)
            if not isinstance(event, Dial):
                mine.step()
            return done

    def make(memory: Memory, ladder: Ladder, now_ms: int) -> Engine:
        return Clumsy(memory, ladder, now_ms, lambda: 0.5)

    app = await open_app(tmp_path, make=make)
    try:
        kept: list[str] = []
        for number in range(150):
            async with asyncio.timeout(10):
                try:
                    await app.chat.say(CONV, f"line {number}")
                    kept.append(f"line {number}")
                except Problem:
                    app.chat.connect()
            if number % 10 == 0:
                app.chat.connect()
                await asyncio.sleep(0.003)
        mine.armed = False
        await asyncio.sleep(0.01)
        app.chat.connect()
        async with asyncio.timeout(10):
            last = await _said(app)
        kept.append("the last one")
        assert mine.gone_off >= 2
        rows = [row for row in (await app.disk.load()).rows if row.conv == CONV]
        assert [text_of_row(row.content) for row in rows] == kept, "what was answered is there, once and in order"
        assert last
    finally:
        await close_app(app)


async def _said(app: Any) -> bool:
    while True:
        try:
            await app.chat.say(CONV, "the last one")
        except Problem:
            app.chat.connect()
            await asyncio.sleep(0.005)
        else:
            return True


def text_of_row(content: bytes) -> str:
    text = content.decode()
    return text.partition('"text":"')[2].partition('"')[0]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_the_server_s_loop_lives(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Every question to the store may raise: asked again it is answered, and every message is there once."""
    server, mine = Server(), Mine(seed)
    line, wire = await server.comes("alice")
    _, other = await server.comes("bob")
    conv = await talk(server, line, wire)
    for name in ("accept", "climb", "page", "marks_since", "heads", "states"):
        monkeypatch.setattr(server.store, name, _mined(getattr(server.store, name), mine))
    before, n = Digest(""), 1
    for turn in range(600):
        await server.say(line, msg(n, f"text {n}", before, conv=conv))
        if any(isinstance(packet, MsgA) and packet.n == n for packet in wire.heard):
            before, n = dg_of(f"text {n}", conv), n + 1
        questions = (HeadsR(sum=""), StatusR((StatusKey(conv, n, dg_of("x", conv)),)), PeopleR(), Ping("AAAAAAAAAAA"))
        await server.say(line, questions[turn % 4])
    assert mine.gone_off >= 5
    assert wire.closed is None
    assert other.closed is None
    assert n > 300
    log = server.inline.db.execute("select n from log where conv = ? and did <> 0 order by pos", (conv,)).fetchall()
    assert log == [(number,) for number in range(1, n)]
    assert len(only(wire, MsgA)) >= n - 1
    server.inline.db.close()


def _mined(work: Any, mine: Mine) -> Any:
    async def perhaps(*words: Any) -> Any:
        mine.step()
        return await work(*words)

    return perhaps
