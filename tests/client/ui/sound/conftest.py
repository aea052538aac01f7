"""What waits for Qt and for a process at once runs in the window's own loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from PySide6.QtWidgets import QApplication

from client.ui.chatloop import ChatLoop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]] | None:
    """Qt's events and asyncio's in one loop, as in the program."""
    return {"chatloop": _chatloop} if item.path.name == "test_finish.py" else None


def _chatloop() -> asyncio.AbstractEventLoop:
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    return ChatLoop(app)
