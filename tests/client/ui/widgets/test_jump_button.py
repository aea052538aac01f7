"""The way back to the newest message."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QWidget

from client.ui.theme import Themes
from client.ui.widgets.jump_button import JumpButton


def test_the_whole_badge_can_be_seen(qtbot: Any, themes: Themes) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    button = JumpButton(themes.look, window)
    button.show_count(7)
    image = button.grab().toImage()
    badge = themes.look.color("badge")
    assert all(image.pixelColor(x, 0) != badge for x in range(image.width()))
