"""Tasks that somebody holds."""

from __future__ import annotations

import asyncio
import logging

import pytest

from server.app.tasks import Tasks


async def test_a_task_runs_and_is_let_go() -> None:
    tasks, done = Tasks(), asyncio.Event()

    async def work() -> None:
        done.set()

    tasks.start(work())
    await tasks.finish()
    assert done.is_set()


async def test_a_task_that_fails_is_logged_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    tasks, done = Tasks(), asyncio.Event()

    async def bad() -> None:
        raise ValueError("no")

    async def good() -> None:
        done.set()

    with caplog.at_level(logging.ERROR):
        tasks.start(bad())
        tasks.start(good())
        await tasks.finish()
    assert done.is_set()
    assert [record.message for record in caplog.records] == ["a task failed"]


async def test_tasks_end_when_they_are_cancelled() -> None:
    tasks, ended = Tasks(), asyncio.Event()

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    tasks.start(waits())
    await asyncio.sleep(0)
    await tasks.cancel()
    assert ended.is_set()
