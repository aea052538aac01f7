"""What a stage is: a function that makes a widget from a Scene, with a name and a size."""

from __future__ import annotations

import asyncio
import datetime
import importlib
import pkgutil
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QWidget

from client.ui.theme import Themes

# A Thursday, 14:05 by every clock of the stages.
NOW_MS = int(datetime.datetime(2026, 3, 12, 14, 5, tzinfo=datetime.UTC).timestamp() * 1000)
NOW_S = 1000.0
MINUTE_MS, DAY_MS = 60_000, 24 * 3600 * 1000


@dataclass
class Scene:
    """What a stage has to work with. The clock stands still."""

    themes: Themes
    folder: Path
    keep: list[object] = field(default_factory=list)

    def now_ms(self) -> int:
        """The time of day."""
        return NOW_MS

    def now_s(self) -> float:
        """The monotonic clock."""
        return NOW_S

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """A stage shows one page: nothing is loaded behind it."""
        work.close()


@dataclass(frozen=True)
class Stage:
    """One picture: `variants` are pairs of theme and language."""

    name: str
    make: Callable[[Scene], QWidget]
    size: tuple[int, int]
    variants: tuple[tuple[str, str], ...]


NOT_STAGES = ("__main__", "people", "stage", "words")
STAGES: dict[str, Stage] = {}
BOTH_THEMES = (("light", "en"), ("dark", "en"))
ALL = (("light", "en"), ("dark", "en"), ("light", "zh_CN"), ("dark", "zh_CN"))
LIGHT_AND_CHINESE = (("light", "en"), ("dark", "en"), ("light", "zh_CN"))


def stage(
    name: str, size: tuple[int, int] = (720, 720), variants: tuple[tuple[str, str], ...] = BOTH_THEMES
) -> Callable[[Callable[[Scene], QWidget]], Callable[[Scene], QWidget]]:
    """Register a function as a stage."""

    def enter(make: Callable[[Scene], QWidget]) -> Callable[[Scene], QWidget]:
        STAGES[name] = Stage(name, make, size, variants)
        return make

    return enter


def discover() -> None:
    """Import every module of stages, so that their functions enter the table."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.name not in NOT_STAGES:
            importlib.import_module(f"tests.stages.{module.name}")


def finish(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine, on a loop of its own that never waits."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()
