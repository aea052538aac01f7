"""A question's answer reaches everybody who asked, and nobody else."""

from __future__ import annotations

import asyncio

import pytest

from client.app.questions import Questions
from protocol.problems import Problem, ServerUnreachable


async def test_an_answer_reaches_everybody_who_waits_and_nobody_else() -> None:
    questions = Questions()
    first, second, other = questions.expect("a"), questions.expect("a"), questions.expect("b")
    second.cancel()
    await asyncio.sleep(0)
    questions.give("a", 1)
    assert await first == 1
    assert not other.done()
    assert questions.fail("b", ServerUnreachable(address="x"))
    with pytest.raises(ServerUnreachable):
        await other
    assert not questions.fail("b", Problem())
    last = questions.expect("c")
    questions.fail_all(Problem())
    with pytest.raises(Problem):
        await last
    questions.give("nobody", 1)


async def test_who_asks_waits_for_the_asking_and_then_so_long_for_the_answer() -> None:
    questions = Questions()

    async def asking(answer: object = None) -> None:
        if answer is not None:
            questions.give("a", answer)

    async def refused() -> None:
        raise ServerUnreachable(address="x")

    assert await questions.ask("a", asking(7), 5.0) == 7
    with pytest.raises(TimeoutError):
        await questions.ask("a", asking(), 0.0)
    with pytest.raises(ServerUnreachable):
        await questions.ask("a", refused(), 5.0)
    assert not questions.fail("a", Problem())
