"""Every icon can be drawn in any colour; the hexagram has its six lines."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication

from client.ui import icons
from client.ui.bubbles.marks import MARKS, RETRY, STOPPED
from client.ui.theme import Look


def colours(image: QImage) -> set[str]:
    points = ((x, y) for x in range(image.width()) for y in range(image.height()))
    return {image.pixelColor(x, y).name() for x, y in points if image.pixelColor(x, y).alpha() == 255}


@pytest.mark.parametrize("name", icons.names())
def test_an_icon_is_drawn_in_the_asked_colour(qapp: QApplication, name: str) -> None:
    image = icons.pixmap(name, QColor("#ff0000"), 64).toImage()
    assert "#ff0000" in colours(image)


def test_every_mark_has_its_icon() -> None:
    named = {mark.icon for mark in (*MARKS.values(), RETRY, STOPPED)} - {"ring"}
    assert named <= set(icons.names())


def test_marks_differ_in_shape_and_not_only_in_colour(qapp: QApplication) -> None:
    named = {mark.icon for mark in MARKS.values()} - {"ring"}
    drawn = {bytes(icons.pixmap(name, QColor("black"), 16).toImage().constBits()) for name in named}
    assert len(drawn) == len(named) == len(MARKS) - 1


def test_a_button_icon_is_greyed_when_disabled(qapp: QApplication) -> None:
    look = Look("light")
    assert not icons.icon("send", look).isNull()


@pytest.mark.parametrize("size", icons.APP_ICON_SIZES)
def test_the_app_icon_is_there_in_every_size(qapp: QApplication, size: int) -> None:
    assert icons.app_icon().actualSize(icons.app_pixmap(size).size()).width() == size


def test_a_broken_line_has_a_gap_and_a_solid_one_has_not(qapp: QApplication) -> None:
    image = icons.hexagram_pixmap((True, False, True, True, True, True), QColor("black"), 60).toImage()
    bottom, second = 55, 45
    assert image.pixelColor(30, bottom).alpha() == 255
    assert image.pixelColor(30, second).alpha() == 0
    assert image.pixelColor(5, second).alpha() == 255
