"""Pages wait their turn: one for each connection, few for all, none for who has enough unread."""

from __future__ import annotations

import asyncio

import pytest

from protocol.limits import BACKLOG_MAX_BYTES, MIB, PAGES_ASKED_MAX, PAGES_AT_ONCE, UNSENT_MAX_BYTES
from server.app.pages import Line, Pages, unread_max_bytes


class Reader:
    def __init__(self) -> None:
        self.unsent, self.over = 0, False

    def gone(self) -> bool:
        return self.over

    def unsent_bytes(self) -> int:
        return self.unsent


class Office:
    """Counts who is being read for; nobody is done before `go`."""

    def __init__(self) -> None:
        self.pages, self.go = Pages(), asyncio.Event()
        self.reading = self.most = self.done = self.refused = 0

    async def ask(self, line: Line, readers: int = 1) -> None:
        assert self.pages.asks(line, pulls=True)
        async with self.pages.turn(line, readers) as here:
            if not here:
                self.refused += 1
                return
            self.reading += 1
            self.most = max(self.most, self.reading)
            await self.go.wait()
            self.reading -= 1
            self.done += 1


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_few_pages_are_read_at_once_for_all_and_one_for_each() -> None:
    office, lines = Office(), [Line(Reader()) for _ in range(3 * PAGES_AT_ONCE)]
    async with asyncio.TaskGroup() as group:
        for line in lines:
            group.create_task(office.ask(line))
            group.create_task(office.ask(line))
        await turns()
        assert office.reading == PAGES_AT_ONCE
        assert {line.asked for line in lines} == {2}
        office.go.set()
    assert (office.done, office.most) == (2 * len(lines), PAGES_AT_ONCE)
    assert {line.asked for line in lines} == {0}
    one, line = Office(), Line(Reader())
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(one.ask(line))
        await turns()
        assert one.reading == 1
        one.go.set()


async def test_who_has_enough_unread_waits_and_holds_nobody_up() -> None:
    office, slow, quick = Office(), Reader(), Line(Reader())
    slow.unsent = UNSENT_MAX_BYTES + 1
    office.go.set()
    line = Line(slow)
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(office.ask(line)) for _ in range(PAGES_ASKED_MAX)]
        await turns()
        for _ in range(PAGES_AT_ONCE):
            await office.ask(quick)
        assert office.done == PAGES_AT_ONCE
        assert not any(task.done() for task in waiting)
        assert not office.pages.asks(line, pulls=True)
        assert office.pages.asks(line, pulls=False)
        line.asked -= 1
        slow.unsent = UNSENT_MAX_BYTES
    assert office.done == PAGES_AT_ONCE + PAGES_ASKED_MAX


async def test_who_went_away_gets_none() -> None:
    office, reader = Office(), Reader()
    reader.unsent = UNSENT_MAX_BYTES + 1
    async with asyncio.TaskGroup() as group:
        group.create_task(office.ask(Line(reader)))
        await turns()
        reader.over = True
    assert (office.refused, office.done) == (1, 0)


@pytest.mark.parametrize("readers", [0, 1, 100, 500, 5_000])
def test_all_together_leave_no_more_unread_than_the_share(readers: int) -> None:
    assert unread_max_bytes(readers) <= UNSENT_MAX_BYTES == MIB
    assert unread_max_bytes(readers) * readers <= BACKLOG_MAX_BYTES
