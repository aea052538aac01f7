"""Every stage of the window and its dialogs can be drawn in its first theme and in its last, without a warning."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

from client.ui.theme import Themes
from client.ui.words import speak
from tests.stages import together, windows
from tests.stages.stage import STAGES, Scene


def delete(widget: QWidget) -> None:
    """Now, and not when Python happens to collect it: the next test changes the stylesheet of all that is left."""
    widget.deleteLater()
    QCoreApplication.sendPostedEvents(widget, QEvent.Type.DeferredDelete)


DRAWN = [
    (name, *variant)
    for name, stage in STAGES.items()
    if stage.make.__module__ in (windows.__name__, together.__name__)
    for variant in {stage.variants[0], stage.variants[-1]}
]


@pytest.mark.qt_log_ignore("No RHI backend", "Could not open file", "Cannot open")
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
