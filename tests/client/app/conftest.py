"""A chat on a fresh folder, with the test as its server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.helpers.app import App, close_app, open_app


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    """Joined, and dialling."""
    app = await open_app(tmp_path)
    yield app
    await close_app(app)


@pytest.fixture
async def ready(app: App) -> App:
    """The same with a session."""
    await app.greet()
    return app
