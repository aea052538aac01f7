"""asyncio inside Qt's event loop: qasync, with a ready queue and timers of our own.

qasync starts one coarse Qt timer for every callback: timers fire early, cancelled ones stay until they are due, a
callback's context is lost, and a dialog's nested `exec()` kills other tasks. Here ready callbacks wait in a deque that
is drained within a budget, timers wait in a heap behind one precise Qt timer, and a nested loop only makes them pause.
"""

from __future__ import annotations

import asyncio
import heapq
import threading
import time
from collections import deque
from collections.abc import Callable
from contextvars import Context
from typing import Any

import qasync
from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication

DRAIN_BUDGET_S = 0.008
"""How long callbacks may run before Qt gets its turn (the screen's budget for one blocking call)."""
NESTED_PAUSE_MS = 5
"""How long to wait before looking again whether a nested Qt loop has ended."""
CANCELLED_KEPT = 100
"""So many cancelled timers may stay in the heap before it is worth compacting."""
TIMER_MAX_MS = 24 * 3600 * 1000
"""One Qt timer runs no longer than this; a later callback re-arms it."""


class _Bell(QObject):
    """Wakes the loop from any thread: a queued signal is the one thing of Qt that may be used there."""

    rung = Signal()


class ChatLoop(qasync.QEventLoop):
    """The event loop of the application: everything of asyncio, in the thread that draws."""

    def __init__(self, app: QApplication) -> None:
        self._ready_queue: deque[asyncio.Handle] = deque()
        self._heap: list[asyncio.TimerHandle] = []
        self._cancelled_count = 0
        self._drain_timer = _timer(self._drain)
        self._due_timer = _timer(self._ring_due)
        self._due_timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._bell = _Bell()
        self._bell.rung.connect(self._wake, Qt.ConnectionType.QueuedConnection)
        self._home = threading.get_ident()
        super().__init__(app)

    # --- what asyncio asks for

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Context | None = None) -> asyncio.Handle:
        """Run `callback` in the next turn, in order."""
        self._refuse(callback, "call_soon")
        handle = asyncio.Handle(callback, args, self, context)
        self._ready_queue.append(handle)
        self._wake()
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Like `call_soon`, from any thread."""
        self._refuse(callback, "call_soon_threadsafe")
        handle = asyncio.Handle(callback, args, self, context)
        self._ready_queue.append(handle)
        if threading.get_ident() == self._home:
            self._wake()
        else:
            self._bell.rung.emit()
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run `callback` after `delay` seconds, never earlier."""
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run `callback` when the loop's clock has reached `when`, never earlier."""
        self._refuse(callback, "call_at")
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._heap, handle)
        handle._scheduled = True  # type: ignore[attr-defined]
        if self._heap[0] is handle:
            self._arm()
        return handle

    def time(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def close(self) -> None:
        """Forget what is waiting, then release everything."""
        if not self.is_running() and not self.is_closed():
            self._drain_timer.stop()
            self._due_timer.stop()
            self._bell.rung.disconnect(self._wake)
            self._ready_queue.clear()
            self._heap.clear()
        super().close()

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """asyncio tells us that a timer in the heap will do nothing: when most are like that, make it small again."""
        self._cancelled_count += 1
        if self._cancelled_count > CANCELLED_KEPT and self._cancelled_count * 2 > len(self._heap):
            self._compact()

    # --- how it is done

    def _refuse(self, callback: Callable[..., Any], method: str) -> None:
        self._check_closed()  # type: ignore[attr-defined]
        if asyncio.iscoroutinefunction(callback) or asyncio.iscoroutine(callback):
            raise TypeError(f"coroutines cannot be used with {method}()")
        if not callable(callback):
            raise TypeError(f"a callable was expected by {method}(), got {callback!r}")

    def _wake(self) -> None:
        if not self._drain_timer.isActive():
            self._drain_timer.start(0)

    def _drain(self) -> None:
        """Run what is ready, at most what was there at the start, at most for the budget."""
        if self._paused():
            self._drain_timer.start(NESTED_PAUSE_MS)
            return
        queue = self._ready_queue
        end_s = time.monotonic() + DRAIN_BUDGET_S
        for _ in range(len(queue)):
            if not queue:
                break
            handle = queue.popleft()
            if not handle.cancelled():
                handle._run()
            if time.monotonic() >= end_s:
                break
        if queue:
            self._wake()

    def _ring_due(self) -> None:
        """Move the timers that are due to the ready queue, and arm for the next one."""
        if self._paused():
            self._due_timer.start(NESTED_PAUSE_MS)
            return
        now_s = self.time()
        while self._heap and self._heap[0].when() <= now_s:
            handle = heapq.heappop(self._heap)
            handle._scheduled = False  # type: ignore[attr-defined]
            if handle.cancelled():
                self._cancelled_count -= 1
            else:
                self._ready_queue.append(handle)
        self._arm()
        if self._ready_queue:
            self._drain()

    def _paused(self) -> bool:
        """Whether a task of ours is in the middle of a step: then somebody runs a Qt loop inside it."""
        return asyncio.current_task(self) is not None

    def _arm(self) -> None:
        while self._heap and self._heap[0].cancelled():
            heapq.heappop(self._heap)._scheduled = False  # type: ignore[attr-defined]
            self._cancelled_count -= 1
        if not self._heap:
            self._due_timer.stop()
            return
        wait_ms = (self._heap[0].when() - self.time()) * 1000
        # Rounded up: Qt counts whole milliseconds, and a timer must not fire early.
        self._due_timer.start(min(max(0, int(wait_ms) + 1), TIMER_MAX_MS))

    def _compact(self) -> None:
        alive = []
        for handle in self._heap:
            if handle.cancelled():
                handle._scheduled = False  # type: ignore[attr-defined]
            else:
                alive.append(handle)
        self._heap = alive
        heapq.heapify(self._heap)
        self._cancelled_count = 0
        self._arm()


def _timer(slot: Callable[[], None]) -> QTimer:
    timer = QTimer()
    timer.setSingleShot(True)
    timer.timeout.connect(slot)
    return timer
