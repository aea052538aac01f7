"""The tests of the whole window run in the window's own loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from PySide6.QtWidgets import QApplication

from client.ui.chatloop import ChatLoop

IN_CHATLOOP = (
    "test_main_window.py",
    "test_window_for_real.py",
    "test_window_together.py",
    "test_window_afterwards.py",
    "test_window_live.py",
    "test_window_drafts.py",
    "test_window_files.py",
    "test_window_quiet.py",
    "test_window_media.py",
)


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]] | None:
    """Qt's events and asyncio's in one loop, as in the program."""
    if item.path.name not in IN_CHATLOOP:
        return None
    return {"chatloop": _chatloop}


def _chatloop() -> asyncio.AbstractEventLoop:
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    return ChatLoop(app)
