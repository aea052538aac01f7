"""The screen's tests: no display, no waiting, and a warning of Qt is a failure (`qt_log_level_fail`)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from client.ui.theme import Themes
from client.ui.words import speak

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(autouse=True)
def _utc(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times of day are the same on every machine."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """Each test begins and ends in English."""
    yield
    speak("en")


@pytest.fixture
def themes(qapp: QApplication) -> Iterator[Themes]:
    """The light theme; afterwards the app is undressed."""
    made = Themes(qapp, "light")
    yield made
    qapp.setStyleSheet("")
    made.deleteLater()
