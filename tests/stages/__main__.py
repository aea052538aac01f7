"""python -m tests.stages [--out DIR] [--only NAME] [--show]: draws every stage into a picture."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

SETTLE_ROUNDS = 12


def main() -> None:
    """Draw the stages, or show one as a window."""
    wishes = _arguments()
    if not wishes.show:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ["TZ"] = "UTC"
    time.tzset()
    with tempfile.TemporaryDirectory() as folder:
        _draw(wishes, Path(folder))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.stages", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/screenshots"), help="where the pictures go")
    parser.add_argument("--only", help="part of a stage's name")
    parser.add_argument("--variant", help="one of light-en, dark-en, light-zh_CN, dark-zh_CN")
    parser.add_argument("--scale", type=float, default=1.0, help="text size, 0.85 to 1.5")
    parser.add_argument("--show", action="store_true", help="open the first one as a window")
    return parser.parse_args()


def _draw(wishes: argparse.Namespace, folder: Path) -> None:
    from PySide6.QtWidgets import QApplication

    from client.ui.theme import Themes
    from client.ui.words import speak
    from tests.stages.stage import STAGES, Scene, discover

    app = QApplication([])
    app.setStyle("Fusion")
    themes = Themes(app, "light", wishes.scale)
    discover()
    wishes.out.mkdir(parents=True, exist_ok=True)
    for stage in STAGES.values():
        if wishes.only and wishes.only not in stage.name:
            continue
        for theme, language in stage.variants:
            if wishes.variant and wishes.variant != f"{theme}-{language}":
                continue
            themes.choose(theme)  # type: ignore[arg-type]
            speak(language)
            scene = Scene(themes, folder)
            widget = stage.make(scene)
            widget.resize(*stage.size)
            widget.show()
            if wishes.show:
                app.exec()
                return
            _settle(app, widget)
            ending = theme if language == "en" else f"{theme}-{language}"
            path = wishes.out / f"{stage.name}-{ending}.png"
            widget.grab().save(str(path))
            print(path)
            widget.close()
            widget.deleteLater()


def _settle(app: object, widget: object) -> None:
    """Let pictures come in from their threads, and layouts come to rest."""
    from PySide6.QtCore import QCoreApplication
    from PySide6.QtWidgets import QWidget

    from client.ui.widgets.message_list import MessageList

    assert isinstance(widget, QWidget)
    lists = [*([widget] if isinstance(widget, MessageList) else []), *widget.findChildren(MessageList)]
    for _ in range(SETTLE_ROUNDS):
        QCoreApplication.processEvents()
        widget.grab()
        for view in lists:
            view.pictures.wait()


main()
