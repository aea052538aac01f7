"""Every stage of the conversation can be drawn in every theme and language it is for, without a warning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication, QImage

from client.ui.theme import Themes
from client.ui.widgets.message_list import MessageList
from client.ui.words import speak
from tests.stages import conversations
from tests.stages.stage import STAGES, Scene

DRAWN = [
    (name, theme, language)
    for name, stage in STAGES.items()
    if stage.make.__module__ == conversations.__name__
    for theme, language in stage.variants
]


@pytest.mark.parametrize(("name", "theme", "language"), DRAWN)
def test_a_stage_is_drawn(qtbot: Any, themes: Themes, tmp_path: Path, name: str, theme: str, language: str) -> None:
    themes.choose(theme)  # type: ignore[arg-type]
    speak(language)
    stage = STAGES[name]
    widget = stage.make(Scene(themes, tmp_path))
    qtbot.addWidget(widget)
    widget.resize(*stage.size)
    widget.show()
    QGuiApplication.processEvents()
    image = widget.grab().toImage()
    if isinstance(widget, MessageList):
        widget.pictures.wait()
    assert image.size().toTuple() == stage.size
    assert len(colours(image)) > 5


def colours(image: QImage) -> set[int]:
    return {image.pixel(x, y) for x in range(0, image.width(), 7) for y in range(0, image.height(), 7)}
