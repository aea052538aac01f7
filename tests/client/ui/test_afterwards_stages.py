"""Every stage of answers, edits, forwards and reactions can be drawn in its first theme and in its last."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

from client.ui.theme import Themes
from client.ui.words import speak
from tests.client.ui.test_window_stages import delete
from tests.stages import afterwards
from tests.stages.stage import STAGES, Scene

DRAWN = [
    (name, *variant)
    for name, stage in STAGES.items()
    if stage.make.__module__ == afterwards.__name__
    for variant in {stage.variants[0], stage.variants[-1]}
]


@pytest.mark.qt_log_ignore("No RHI backend", "does not support")
@pytest.mark.parametrize(("name", "theme", "language"), sorted(DRAWN))
def test_a_stage_is_drawn(
    qapp: QApplication, themes: Themes, tmp_path: Path, name: str, theme: str, language: str
) -> None:
    themes.choose(theme)  # type: ignore[arg-type]
    speak(language)
    stage = STAGES[name]
    scene = Scene(themes, tmp_path)
    widget = stage.make(scene)
    widget.resize(*stage.size)
    widget.show()
    QGuiApplication.processEvents()
    image = widget.grab().toImage()
    for kept in [*scene.keep, widget]:
        if isinstance(kept, QWidget) and isValid(kept):
            kept.close()
            delete(kept)
    assert image.size().toTuple() == stage.size
