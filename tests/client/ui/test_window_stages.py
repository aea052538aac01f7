"""Every stage of the window, and of what is done in it, is drawn in its first theme and its last, without a warning."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

from client.ui.theme import Themes
from client.ui.words import speak
from tests.stages import afterwards, media, together, windows
from tests.stages.stage import STAGES, Scene


def delete(widget: QWidget) -> None:
    """Now, and not when Python happens to collect it: the next test changes the stylesheet of all that is left."""
    widget.deleteLater()
    QCoreApplication.sendPostedEvents(widget, QEvent.Type.DeferredDelete)


WINDOW_SAYS = ("No RHI backend", "Could not open file", "Cannot open")
SAID = {
    windows.__name__: WINDOW_SAYS,
    together.__name__: WINDOW_SAYS,
    media.__name__: WINDOW_SAYS,
    afterwards.__name__: ("No RHI backend", "does not support"),
}
"""What Qt may complain about, by the module of a stage; any other complaint fails."""
DRAWN = [
    pytest.param(name, *variant, marks=pytest.mark.qt_log_ignore(*SAID[stage.make.__module__]))
    for name, stage in sorted(STAGES.items())
    if stage.make.__module__ in SAID
    for variant in sorted({stage.variants[0], stage.variants[-1]})
]


@pytest.mark.parametrize(("name", "theme", "language"), DRAWN)
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
