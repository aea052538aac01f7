"""What every test stands on: no window pops up, and each test knows its kind by its folder."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

# Before anything imports Qt. A test that wants a real screen starts a process of its own and gives it one.
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["QT_API"] = "pyside6"
os.environ.setdefault("QT_LOGGING_RULES", "qt.multimedia.*=false;qt.qpa.fonts=false")
os.environ.setdefault("PYTHONASYNCIODEBUG", "0")
os.environ["HEXAGRAM_STRICT"] = "1"  # a request over HTTP that no deed explains raises

HERE = Path(__file__).parent
KINDS = {
    HERE / "end_to_end": "e2e",
    HERE / "stages": "gui",
    HERE / "client" / "ui": "gui",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by its folder, so that `run.py check` can leave out what needs a screen or processes."""
    for item in items:
        item.add_marker(kind_of(item.path))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tests that write broken text on purpose: what they wrote travels between processes, and must be text."""
    report = yield
    report.sections = [(title, text.encode("utf-8", "backslashreplace").decode()) for title, text in report.sections]
    return report


def kind_of(path: Path) -> str:
    """Which of the three kinds the tests of a file are."""
    return next((kind for folder, kind in KINDS.items() if folder in path.parents), "unit")
