"""The loop: everything of asyncio works in Qt's thread, and the four defects of its base class are gone."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
import time
from collections.abc import Coroutine, Iterator
from typing import Any

import httpx
import pytest
import websockets
from aiohttp import web
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from client.ui.chatloop import ChatLoop


@pytest.fixture
def loop(qapp: QApplication) -> Iterator[ChatLoop]:
    chat_loop = ChatLoop(qapp)
    asyncio.set_event_loop(chat_loop)
    yield chat_loop
    chat_loop.close()
    asyncio.set_event_loop(None)


def run(loop: ChatLoop, wish: Coroutine[Any, Any, Any]) -> Any:
    return loop.run_until_complete(asyncio.wait_for(wish, 20))


def nested(ms: int) -> None:
    """What a modal dialog does: a Qt loop inside a step of a task."""
    inner = QEventLoop()
    QTimer.singleShot(ms, inner.quit)
    inner.exec()


class TestTimers:
    def test_never_fire_early(self, loop: ChatLoop) -> None:
        async def lateness() -> list[float]:
            late = []
            for delay_s in (0.0005, 0.0101, 0.0337, 0.1203):
                start_s = loop.time()
                await asyncio.sleep(delay_s)
                late.append(loop.time() - start_s - delay_s)
            return late

        assert min(run(loop, lateness())) >= 0

    def test_run_in_order_of_their_time(self, loop: ChatLoop) -> None:
        seen: list[int] = []

        async def main() -> None:
            base_s = loop.time()
            for place in (3, 1, 2):
                loop.call_at(base_s + place / 100, seen.append, place)
            await asyncio.sleep(0.06)

        run(loop, main())
        assert seen == [1, 2, 3]

    def test_a_handle_tells_its_time(self, loop: ChatLoop) -> None:
        handle = loop.call_later(5, int)
        assert abs(handle.when() - loop.time() - 5) < 0.5
        handle.cancel()

    def test_thirty_thousand_cancelled_timers_do_not_stay(self, loop: ChatLoop) -> None:
        async def main() -> int:
            for _ in range(30_000):
                async with asyncio.timeout(60):  # noqa: ASYNC100 - what a quick answer leaves behind
                    pass
            return len(loop._heap)

        assert run(loop, main()) < 500

    def test_a_cancelled_timer_does_not_run(self, loop: ChatLoop) -> None:
        seen: list[str] = []

        async def main() -> None:
            loop.call_later(0.01, seen.append, "cancelled").cancel()
            loop.call_later(0.01, seen.append, "kept")
            await asyncio.sleep(0.03)

        run(loop, main())
        assert seen == ["kept"]

    def test_a_timer_beyond_what_qt_can_count_is_armed(self, loop: ChatLoop) -> None:
        loop.call_later(100 * 24 * 3600, int)
        assert loop._due_timer.interval() == 24 * 3600 * 1000


class TestCallSoon:
    def test_keeps_the_order(self, loop: ChatLoop) -> None:
        seen: list[int] = []

        async def main() -> None:
            for place in range(1000):
                loop.call_soon(seen.append, place)
            await asyncio.sleep(0)

        run(loop, main())
        assert seen == list(range(1000))

    def test_gives_the_screen_its_turn(self, loop: ChatLoop) -> None:
        """Callbacks that never end must not keep Qt from its own timers."""
        ticks: list[float] = []
        timer = QTimer()
        timer.timeout.connect(lambda: ticks.append(loop.time()))

        async def main() -> None:
            timer.start(5)
            end_s = loop.time() + 0.3
            while loop.time() < end_s:  # noqa: ASYNC110 - a loop that never rests is the point
                await asyncio.sleep(0)
            timer.stop()

        run(loop, main())
        assert len(ticks) > 10

    def test_context_goes_along(self, loop: ChatLoop) -> None:
        who: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")
        seen: list[str] = []

        async def main() -> None:
            context = contextvars.copy_context()
            context.run(who.set, "anna")
            loop.call_soon(lambda: seen.append(who.get()), context=context)
            loop.call_later(0.001, lambda: seen.append(who.get()), context=context)
            thread = threading.Thread(
                target=lambda: loop.call_soon_threadsafe(lambda: seen.append(who.get()), context=context)
            )
            thread.start()
            await asyncio.sleep(0.05)
            thread.join()

        run(loop, main())
        assert seen == ["anna"] * 3

    def test_from_other_threads(self, loop: ChatLoop) -> None:
        seen: list[int] = []

        async def main() -> None:
            def shout(first: int) -> None:
                for place in range(first, first + 500):
                    loop.call_soon_threadsafe(seen.append, place)

            await asyncio.gather(*(asyncio.to_thread(shout, start) for start in (0, 500, 1000)))
            await asyncio.sleep(0.01)

        run(loop, main())
        assert sorted(seen) == list(range(1500))

    @pytest.mark.parametrize("wrong", [None, 7])
    def test_refuses_what_cannot_be_called(self, loop: ChatLoop, wrong: Any) -> None:
        with pytest.raises(TypeError):
            loop.call_soon(wrong)

    def test_refuses_coroutines(self, loop: ChatLoop) -> None:
        async def wish() -> None: ...

        with pytest.raises(TypeError):
            loop.call_later(0, wish)

    def test_refuses_when_closed(self, qapp: QApplication) -> None:
        closed = ChatLoop(qapp)
        closed.close()
        with pytest.raises(RuntimeError):
            closed.call_soon(int)

    def test_an_exception_is_told_and_the_rest_goes_on(self, loop: ChatLoop) -> None:
        told: list[str] = []
        seen: list[int] = []
        loop.set_exception_handler(lambda _, context: told.append(repr(context["exception"])))

        async def main() -> None:
            loop.call_soon(int, "no number")
            loop.call_soon(seen.append, 1)
            await asyncio.sleep(0.01)

        run(loop, main())
        assert seen == [1]
        assert "no number" in told[0]


class TestNestedLoop:
    def test_other_tasks_pause_and_go_on(self, loop: ChatLoop, caplog: pytest.LogCaptureFixture) -> None:
        steps: list[int] = []

        async def other() -> None:
            for step in range(5):
                steps.append(step)
                await asyncio.sleep(0.01)

        async def main() -> None:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(other())
                await asyncio.sleep(0.005)
                before = len(steps)
                nested(60)
                assert len(steps) == before
            assert steps == [0, 1, 2, 3, 4]

        with caplog.at_level(logging.WARNING):
            run(loop, main())
        assert not caplog.records

    def test_in_a_callback_the_loop_goes_on(self, loop: ChatLoop) -> None:
        """Outside of a task nothing has to wait: an ordinary slot may open a menu."""
        steps: list[str] = []

        async def main() -> None:
            async def other() -> None:
                await asyncio.sleep(0.01)
                steps.append("other")

            def menu() -> None:
                nested(60)
                steps.append("menu closed")

            QTimer.singleShot(0, menu)
            await other()
            await asyncio.sleep(0.08)

        run(loop, main())
        assert steps == ["other", "menu closed"]


class TestLibraries:
    def test_httpx_against_aiohttp(self, loop: ChatLoop) -> None:
        async def main() -> str:
            async def hello(_: web.Request) -> web.Response:
                return web.Response(text="hello")

            app = web.Application()
            app.router.add_get("/", hello)
            runner = web.AppRunner(app)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            port = runner.addresses[0][1]
            try:
                async with httpx.AsyncClient(trust_env=False) as client:
                    return (await client.get(f"http://127.0.0.1:{port}/")).text
            finally:
                await runner.cleanup()

        assert run(loop, main()) == "hello"

    def test_websockets(self, loop: ChatLoop) -> None:
        async def main() -> list[str | bytes]:
            async def echo(line: Any) -> None:
                async for words in line:
                    await line.send(words.upper())

            async with websockets.serve(echo, "127.0.0.1", 0) as server:
                port = next(iter(server.sockets)).getsockname()[1]
                async with websockets.connect(f"ws://127.0.0.1:{port}", proxy=None) as line:
                    heard = []
                    for place in range(50):
                        await line.send(f"word {place}")
                        heard.append(await line.recv())
                    return heard

        assert run(loop, main()) == [f"WORD {place}" for place in range(50)]

    def test_subprocess(self, loop: ChatLoop) -> None:
        async def main() -> bytes:
            child = await asyncio.create_subprocess_exec("echo", "hello", stdout=asyncio.subprocess.PIPE)
            said, _ = await child.communicate()
            return said

        assert run(loop, main()) == b"hello\n"

    def test_task_group_cancels_the_others(self, loop: ChatLoop) -> None:
        ended: list[str] = []

        async def patient() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                ended.append("patient")

        async def failing() -> None:
            await asyncio.sleep(0.01)
            raise ValueError("no")

        async def main() -> None:
            with pytest.raises(ExceptionGroup):  # noqa: PT012 - the group raises where it ends
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(patient())
                    tasks.create_task(failing())

        run(loop, main())
        assert ended == ["patient"]

    def test_timeout(self, loop: ChatLoop) -> None:
        async def main() -> float:
            start_s = time.monotonic()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await asyncio.sleep(60)
            return time.monotonic() - start_s

        assert 0.05 <= run(loop, main()) < 5

    def test_under_asyncio_run(self, qapp: QApplication) -> None:
        async def main() -> str:
            await asyncio.sleep(0.001)
            return type(asyncio.get_running_loop()).__name__

        with asyncio.Runner(loop_factory=lambda: ChatLoop(qapp)) as runner:
            assert runner.run(main()) == "ChatLoop"
