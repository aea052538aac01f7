"""The runner: writes before it speaks, joins what waits, survives a failing disk and a mistake of ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from client.app import runner
from client.app.changes import LineChanged, ProblemSeen
from client.core.effects import Effect, SaveComposed
from client.core.engine import Engine
from client.core.events import Event, Received
from client.core.model import Memory, State
from protocol.ladder import Ladder
from protocol.packets import Hello, MsgR, Pong
from protocol.problems import DiskFull, Problem, StoreFailed
from tests.helpers.app import CONV, App, close_app, open_app, text_of


@pytest.fixture(autouse=True)
def short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "REBUILD_MIN_S", 0.05)


async def test_nothing_leaves_before_it_is_written_down(ready: App) -> None:
    ready.disk.gate.clear()
    saying = asyncio.gather(ready.chat.say(CONV, "hello"))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not saying.done()
    assert not [packet for packet in ready.wire.said if isinstance(packet, MsgR)]

    ready.disk.gate.set()
    (lid,) = await saying
    assert "hello" in text_of(await ready.wire.hears(MsgR))
    assert (await ready.disk.bubble(lid)).n == 1


async def test_what_waits_is_written_in_one_transaction_and_in_order(ready: App) -> None:
    ready.disk.saves.clear()
    lids = await asyncio.gather(*(ready.chat.say(CONV, f"line {number}") for number in range(50)))

    composed = [[save.n for save in saves if isinstance(save, SaveComposed)] for saves in ready.disk.saves]
    assert [number for numbers in composed for number in numbers] == list(range(1, 51))
    assert len([numbers for numbers in composed if numbers]) <= 2
    assert list(lids) == sorted(lids)


async def test_a_turn_takes_no_more_than_64_events(ready: App) -> None:
    ready.disk.saves.clear()
    await asyncio.gather(*(ready.chat.say(CONV, f"line {number}") for number in range(200)))
    assert max(len(saves) for saves in ready.disk.saves) <= 64


async def test_a_failing_disk_keeps_the_text_with_the_person(ready: App) -> None:
    ready.disk.fails = DiskFull()
    with pytest.raises(DiskFull):
        await ready.chat.say(CONV, "not lost")
    with pytest.raises(DiskFull):
        await ready.chat.say(CONV, "nor this")
    assert (await ready.told(ProblemSeen)).code == "disk_full"
    assert (await ready.told(LineChanged, lambda change: change.line.code == "disk_full")).line.retry_s > 0
    assert not [packet for packet in ready.wire.said if isinstance(packet, MsgR)]

    ready.disk.fails = None
    ready.chat.connect()
    await ready.greet()
    await ready.chat.say(CONV, "not lost")
    assert "not lost" in text_of(await ready.wire.hears(MsgR))
    assert [change.code for change in ready.changes if isinstance(change, ProblemSeen)] == ["disk_full"]
    assert [bubble.n for bubble in await ready.chat.page(CONV)] == [1]


async def test_the_core_is_built_again_by_itself_from_what_the_disk_remembers(ready: App) -> None:
    kept = await ready.chat.say(CONV, "kept")
    await ready.wire.hears(MsgR)
    ready.disk.fails = StoreFailed()
    with pytest.raises(StoreFailed):
        await ready.chat.say(CONV, "refused")
    ready.disk.fails = None

    await ready.greet()
    assert "kept" in text_of(await ready.accept(pos=1))
    await ready.shows(kept, State.ACCEPTED)


async def test_what_an_old_line_still_says_is_nobodys(ready: App) -> None:
    old = ready.wire.wire
    ready.disk.fails = StoreFailed()
    with pytest.raises(StoreFailed):
        await ready.chat.say(CONV, "refused")
    ready.disk.fails = None
    await ready.wire.hears(Hello)
    assert ready.wire.wire > old

    ready.wire.listener.down(old, 4401, 0)
    await asyncio.sleep(0)
    assert ready.chat.line.state in ("greeting", "dialing")


class Clumsy(Engine):
    """A core with a mistake in it."""

    def handle(self, event: Event, now_s: float) -> list[Effect]:
        if isinstance(event, Received) and any(type(packet).__name__ == "Pong" for packet in event.packets):
            raise ZeroDivisionError
        return super().handle(event, now_s)


@pytest.fixture
async def clumsy(tmp_path: Path) -> AsyncIterator[App]:
    def make(memory: Memory, ladder: Ladder, now_ms: int) -> Engine:
        return Clumsy(memory, ladder, now_ms, lambda: 0.5)

    app = await open_app(tmp_path, make=make)
    yield app
    await close_app(app)


async def test_a_mistake_in_the_core_ends_a_turn_and_not_the_program(
    clumsy: App, caplog: pytest.LogCaptureFixture
) -> None:
    await clumsy.greet()
    await clumsy.chat.say(CONV, "before")
    await clumsy.wire.hears(MsgR)
    clumsy.wire.answer(Pong("x"))
    assert (await clumsy.told(ProblemSeen)).code == Problem.code
    assert "ZeroDivisionError" in caplog.text

    await clumsy.greet()
    assert "before" in text_of(await clumsy.accept(pos=1))


async def test_a_refused_wish_is_answered_and_told_to_nobody_else(ready: App) -> None:
    lid = await ready.chat.say(CONV, "sent")
    await ready.accept(pos=1)
    await ready.shows(lid, State.ACCEPTED)
    with pytest.raises(Problem) as refusal:
        await ready.chat.cancel(lid)
    assert refusal.value.code == "not_possible_now"
    await asyncio.sleep(0)
    assert not [change for change in ready.changes if isinstance(change, ProblemSeen)]


async def test_without_an_account_every_wish_says_so(tmp_path: Path) -> None:
    app = await open_app(tmp_path, joined=False)
    try:
        assert app.chat.me is None
        with pytest.raises(Problem) as refusal:
            await app.chat.say(CONV, "hello")
        assert refusal.value.code == "not_joined"
        assert app.wires[0].wire == 0
    finally:
        await close_app(app)


async def test_wishes_that_wait_when_the_program_ends_are_answered(app: App) -> None:
    app.disk.gate.clear()
    saying = asyncio.gather(app.chat.say(CONV, "too late"), return_exceptions=True)
    await asyncio.sleep(0)
    await app.chat.close()
    (answer,) = await saying
    assert isinstance(answer, Problem)


async def test_words_whose_save_reported_an_error_and_happened_are_not_written_twice(ready: App) -> None:
    """An error at commit means *unknown* (P-37): the disk is asked before the person is told *not kept*."""
    await ready.chat.say(CONV, "before")
    await ready.accept(pos=1)
    ready.disk.fails_late = StoreFailed()
    lid = await ready.chat.say(CONV, "once")
    ready.disk.fails_late = None

    await ready.greet()
    assert "once" in text_of(await ready.accept(pos=2))
    await ready.shows(lid, State.ACCEPTED)


async def test_as_long_as_the_disk_says_nothing_the_words_wait_for_their_answer(
    ready: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ready.chat.say(CONV, "before")
    asked = asyncio.Event()

    async def nobody_knows(lid: int) -> bool:
        asked.set()
        raise StoreFailed()

    ready.disk.fails_late = StoreFailed()
    with monkeypatch.context() as silent:
        silent.setattr(ready.disk, "kept", nobody_knows)
        saying = asyncio.gather(ready.chat.say(CONV, "once"))
        await asyncio.wait_for(asked.wait(), 5)
        asked.clear()
        await asyncio.wait_for(asked.wait(), 5)
        assert not saying.done()
    ready.disk.fails_late = None
    await saying
    assert [bubble.n for bubble in await ready.chat.page(CONV)] == [1, 2]


async def test_the_end_answers_those_who_wait_for_the_disk(ready: App, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nobody_knows(lid: int) -> bool:
        raise StoreFailed()

    await ready.chat.say(CONV, "before")
    monkeypatch.setattr(ready.disk, "kept", nobody_knows)
    ready.disk.fails = StoreFailed()
    saying = asyncio.gather(ready.chat.say(CONV, "not yet"), return_exceptions=True)
    await ready.told(ProblemSeen)
    await ready.chat.close()
    (answer,) = await saying
    assert isinstance(answer, Problem)
