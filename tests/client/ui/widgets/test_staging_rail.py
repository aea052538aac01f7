"""The rail: its tiles change places by drag and keys, and it says what will go, and how large."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox
from pytestqt.qtbot import QtBot

from client.ui.bubbles.pictures import Pictures
from client.ui.theme import SPACE, Themes
from client.ui.viewmodels.staging import Staged, Tray, look_at
from client.ui.widgets.staging_rail import TILE, StagingRail


def staged(*names: str) -> Tray:
    guesses = {".jpg": "picture", ".mp4": "video", ".ogg": "voice"}
    return Tray(tuple(Staged(f"/x/{name}", name, 1000, guesses.get(name[-4:], "file")) for name in names))  # type: ignore[arg-type]


@pytest.fixture
def rail(qtbot: QtBot, themes: Themes) -> StagingRail:
    made = StagingRail(themes, Pictures())
    qtbot.addWidget(made)
    made.changed.connect(made.show_tray)
    made.resize(700, 150)
    return made


def order(rail: StagingRail) -> list[str]:
    return [Path(tile.path).name for tile in rail.tiles]


def drag(rail: StagingRail, name: str, px: int) -> None:
    tile = next(tile for tile in rail.tiles if tile.path.endswith(name))
    start = QPointF(tile.mapToGlobal(QPoint(TILE // 2, TILE // 2)))
    kinds = QEvent.Type
    steps = [
        (kinds.MouseButtonPress, 0),
        (kinds.MouseMove, px // 2),
        (kinds.MouseMove, px),
        (kinds.MouseButtonRelease, px),
    ]
    for kind, along in steps:
        at = start + QPointF(along, 0)
        button = Qt.MouseButton.LeftButton
        QApplication.sendEvent(
            tile, QMouseEvent(kind, QPointF(10, 10), at, button, button, Qt.KeyboardModifier.NoModifier)
        )


def test_a_tile_is_dragged_to_another_place(rail: StagingRail) -> None:
    rail.show_tray(staged("a.jpg", "b.pdf", "c.jpg", "d.jpg"))
    rail.show()
    tiles = {tile.path: tile for tile in rail.tiles}
    drag(rail, "a.jpg", 2 * (TILE + SPACE[2]))
    assert order(rail) == ["b.pdf", "c.jpg", "a.jpg", "d.jpg"]
    assert {tile.path: tile for tile in rail.tiles} == tiles, "the tile under the pointer stays the same"
    drag(rail, "d.jpg", -5 * (TILE + SPACE[2]))
    assert order(rail) == ["d.jpg", "b.pdf", "c.jpg", "a.jpg"]
    drag(rail, "d.jpg", 20)
    assert order(rail)[0] == "d.jpg", "a click is no drag"


def test_right_to_left_the_first_stands_right(rail: StagingRail) -> None:
    rail.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    rail.show_tray(staged("a.jpg", "b.jpg"))
    rail.show()
    drag(rail, "a.jpg", -(TILE + SPACE[2]))
    assert order(rail) == ["b.jpg", "a.jpg"]


def test_the_keyboard_moves_and_removes(rail: StagingRail) -> None:
    rail.show_tray(staged("a.jpg", "b.jpg", "c.jpg"))
    rail.show()
    rail.activateWindow()
    rail.tiles[0].setFocus()
    QTest.keyClick(rail.tiles[0], Qt.Key.Key_Right)
    assert rail.focusWidget() is rail.tiles[1]
    QTest.keyClick(rail.tiles[1], Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert order(rail) == ["a.jpg", "c.jpg", "b.jpg"]
    QTest.keyClick(rail.tiles[2], Qt.Key.Key_Delete)
    assert order(rail) == ["a.jpg", "c.jpg"]


def words(rail: StagingRail) -> str:
    return rail._total.toolTip()


def box(rail: StagingRail, name: str) -> QCheckBox:
    found = rail.findChild(QCheckBox, name)
    assert found is not None
    return found


def test_how_large_it_will_be_is_said(rail: StagingRail, tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    QImage(4096, 2048, QImage.Format.Format_RGB32).save(str(path))
    picture = look_at(str(path))
    rail.show_tray(Tray((picture,)))
    about = picture.size_bytes / 4
    assert "about" in words(rail)
    assert f"{about / 1000:.0f} KB" in words(rail)
    rail.show_tray(Tray((picture,)), small=False)
    assert "about" not in words(rail)
    rail.show_tray(Tray((picture,), as_files=True))
    assert "about" not in words(rail)
    assert box(rail, "compress").isHidden()


def test_a_large_film_is_said_to_be_made_smaller(rail: StagingRail) -> None:
    film = Staged("/x/film.mp4", "film.mp4", 90_000_000, "video")
    rail.show_tray(Tray((film,)))
    assert "large films are made smaller first" in words(rail)
    rail.show_tray(Tray((film,)), small=False)
    assert "large films" not in words(rail)


def test_the_choice_is_told(rail: StagingRail) -> None:
    told: list[bool] = []
    rail.compress_wanted.connect(told.append)
    rail.show_tray(staged("a.jpg"))
    box(rail, "compress").click()
    assert told == [False]
    rail.show_tray(staged("a.pdf"))
    assert box(rail, "compress").isHidden()
    assert box(rail, "as_files").isHidden()


def test_several_albums_are_counted(rail: StagingRail) -> None:
    rail.show_tray(Tray(staged(*(f"{place}.jpg" for place in range(12))).files, split=True))
    assert "2 albums" in words(rail)


@pytest.mark.parametrize("scale", [1.0, 1.5])
@pytest.mark.parametrize("width", [380, 760])
def test_everything_has_room_in_a_narrow_window(
    rail: StagingRail, qapp: QApplication, themes: Themes, width: int, scale: float
) -> None:
    themes.zoom(scale)
    rail.show_tray(staged("a.jpg", "b.mp4"))
    rail.show()
    rail.resize(width, 200)
    qapp.processEvents()
    assert rail.width() == width
    boxes = [box(rail, name) for name in ("compress", "as_files")]
    for each in boxes:
        assert rail.rect().contains(each.geometry())
        assert each.width() >= each.sizeHint().width()
    assert not boxes[0].geometry().intersects(boxes[1].geometry())
    themes.zoom(1.0)
