"""What runs beside the loop has a holder, and fails alone."""

from __future__ import annotations

import asyncio

import pytest

from client.app.tasks import Tasks


async def test_a_task_that_fails_is_in_the_log_and_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    tasks = Tasks()
    done: list[int] = []

    async def fails() -> None:
        raise ValueError("ours")

    async def works() -> None:
        done.append(1)

    async def lasts() -> None:
        await asyncio.Event().wait()

    first = tasks.start(fails(), "the first")
    tasks.start(works(), "the second")
    await first
    tasks.start(lasts(), "the third")
    await tasks.close()
    assert done == [1]
    assert "the first ended with an error of ours" in caplog.text
