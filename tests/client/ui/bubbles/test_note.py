"""A video note is a rounded square that plays where it is."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from client.core.model import Bubble
from client.ui.bubbles.ink import Ink
from client.ui.bubbles.note import SIDE, NoteBlock, is_note, ring_path
from client.ui.bubbles.pictures import Pictures
from client.ui.bubbles.sheet import Sheet
from client.ui.theme import Themes
from client.ui.viewmodels.rows import Playing, Row, Screen
from protocol.values import replace
from tests.stages import people
from tests.stages.media import note
from tests.stages.stage import NOW_MS


def told(**more: object) -> Bubble:
    return people.Diary().hear(people.ANNA, note(), **more).bubbles[0]


def block(bubble: Bubble, playing: Playing | None = None) -> NoteBlock:
    return NoteBlock(Row(bubble, playing=playing), 400)


def test_only_a_note_is_one() -> None:
    assert is_note(Row(told()))
    assert not is_note(Row(people.Diary().hear(people.ANNA, people.video()).bubbles[0]))


def test_a_click_plays_pauses_and_fetches() -> None:
    assert [part.name for part in block(told()).parts] == ["download"]
    ready = told(path="x")
    assert [part.name for part in block(ready).parts] == ["play"]
    assert [part.name for part in block(ready, Playing(ready.lid)).parts] == ["pause"]
    assert [part.name for part in block(ready, Playing(ready.lid, paused=True)).parts] == ["play"]


def test_its_words_and_how_far_it_is() -> None:
    ready = told(path="x")
    assert block(ready).pill_words() == "0:12"
    playing = block(ready, Playing(ready.lid, 3.0, 12.0))
    assert playing.pill_words() == "0:09"
    assert playing.played == 0.25
    assert block(ready, Playing(ready.lid, 3.0)).played == 0.25, "what the message says, until the file is open"
    assert block(ready).played == 0


def test_the_dot_is_there_until_it_was_played() -> None:
    assert block(told()).unheard
    assert not block(told(heard=True)).unheard
    assert not block(replace(told(), mine=True)).unheard
    assert not block(told(code="media_unknown")).unheard
    ready = told(path="x")
    assert not block(ready, Playing(ready.lid)).unheard


def test_it_stands_alone_without_a_bubble(qtbot: QtBot, themes: Themes) -> None:
    sheet = Sheet(Row(told()), 640, themes.look, NOW_MS)
    assert isinstance(sheet._block, NoteBlock)
    assert sheet._is_bare()
    assert (sheet._block.size.width(), sheet._block.size.height()) == (SIDE, SIDE)
    spoken = replace(told(), body=replace(note(), caption="look"))
    assert not Sheet(Row(spoken), 640, themes.look, NOW_MS)._is_bare()


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_what_it_shows_is_drawn_with_its_ring(qtbot: QtBot, themes: Themes, share: float) -> None:
    seen = QImage(480, 480, QImage.Format.Format_RGB32)
    seen.fill(QColor("red"))
    ready = told(path="x")
    made = block(ready, Playing(ready.lid, 12 * share, 12.0, screen=Screen(seen)))
    image = QImage(SIDE, SIDE, QImage.Format.Format_ARGB32)
    image.fill(QColor("white"))
    with QPainter(image) as painter:
        made.paint(painter, QPointF(), Ink(themes.look, Pictures()))
    assert image.pixelColor(SIDE // 2, SIDE // 2) == QColor("red")
    assert image.pixelColor(1, 1) == QColor("white"), "its corners are round"
    assert (image.pixelColor(SIDE - 2, SIDE // 2) == QColor("white")) == (share > 0)
    assert (image.pixelColor(2, SIDE // 2) == QColor("white")) == (share == 1)


def test_the_ring_is_a_closed_line_from_the_middle_of_the_top() -> None:
    path = ring_path(QRectF(0, 0, 100, 100), 20)
    assert path.pointAtPercent(0) == QPointF(50, 0)
    assert (path.pointAtPercent(0.5) - QPointF(50, 100)).manhattanLength() < 0.5
    assert path.length() == pytest.approx(4 * 60 + 2 * 3.14159 * 20, abs=0.5)
