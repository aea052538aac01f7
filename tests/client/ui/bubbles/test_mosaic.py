"""The tiles of an album: they fill their mosaic, and each is clicked by itself."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication

from client.core.model import Bubble, State
from client.ui.bubbles.ink import Ink, tile_of
from client.ui.bubbles.mosaic import GAP, WIDTH, MosaicBlock, arrange
from client.ui.bubbles.pictures import Pictures
from client.ui.bubbles.sentences import sentence
from client.ui.bubbles.sheet import Sheet
from client.ui.theme import Look
from client.ui.viewmodels.rows import Row
from protocol.values import replace
from tests.stages import people
from tests.stages.people import ANNA, Diary
from tests.stages.stage import NOW_MS

LOOK = Look("light")


def joined(bubbles: list[Bubble]) -> Row:
    rows = tuple(Row(bubble, sender="Anna Li", peer="Anna Li") for bubble in bubbles)
    return dataclasses.replace(rows[0], album=rows)


def heard(count: int, **facts: object) -> list[Bubble]:
    diary = Diary()
    for body in people.shots(count):
        diary.hear(ANNA, body, **facts)
    return diary.bubbles


def said(*states: State, **facts: object) -> list[Bubble]:
    diary = Diary()
    for body, state in zip(people.shots(len(states)), states, strict=True):
        diary.say(body, state, **facts)
    return diary.bubbles


def sheet(row: Row, width: int = 640) -> Sheet:
    return Sheet(row, width, LOOK, NOW_MS)


@given(st.lists(st.floats(0.6, 2.2), min_size=2, max_size=10), st.sampled_from([200, 300, 360]))
@settings(max_examples=200, deadline=None)
def test_tiles_fill_their_mosaic_and_never_overlap(ratios: list[float], width: int) -> None:
    places = arrange(tuple(ratios), width)
    assert len(places) == len(ratios)
    boxes = [QRectF(*place) for place in places]
    for number, box in enumerate(boxes):
        assert 0 <= box.left() < box.right() <= width
        assert box.width() >= width // 5 - 1
        assert box.height() >= 60
        for other in boxes[number + 1 :]:
            assert not box.adjusted(-GAP, -GAP, GAP, GAP).adjusted(1, 1, -1, -1).intersects(other)
    tall = max(box.bottom() for box in boxes)
    covered = sum((box.width() + GAP) * (box.height() + GAP) for box in boxes)
    assert covered == (width + GAP) * (tall + GAP), "no hole is left"


def test_a_mosaic_is_360_wide() -> None:
    for count in range(2, 11):
        made = sheet(joined(heard(count)))
        assert made.bubble.width() == WIDTH + 8
        assert made.bubble.bottom() <= made.height


def test_every_tile_is_clicked_by_itself() -> None:
    bubbles = heard(5)
    bubbles[1] = replace(bubbles[1], path="/x")
    bubbles[2] = replace(bubbles[2], fetching=True, paused=True)
    bubbles[4] = replace(bubbles[4], code="media_unknown")
    made = sheet(joined(bubbles))
    wanted = [(1, "download"), (2, "open"), (3, "resume"), (4, "download"), (5, "ask_again")]
    found = [tile_of(part.name) for part in made.parts if part.name.startswith("tile:")]
    assert found == wanted
    for part in made.parts:
        under = made.part_at(part.rect.center())
        assert under is not None
        assert under.name == part.name


def test_all_that_is_missing_can_be_fetched_at_once() -> None:
    block = MosaicBlock(joined(heard(4)), LOOK, 360)
    assert block.offer == "Download all (9.6 MB)"
    here = MosaicBlock(joined(heard(4, path="/x")), LOOK, 360)
    assert here.offer == ""
    assert block.size.height() == here.size.height() + 28
    assert "download_all" not in {part.name for part in sheet(joined(heard(4, path="/x"))).parts}


def test_the_mark_and_the_ways_out_are_those_of_the_one_furthest_behind() -> None:
    made = sheet(joined(said(State.READ, State.NEEDS_YOU, State.DELIVERED, path="/x")))
    names = {part.name for part in made.parts}
    assert {"tile:2:mark", "tile:2:resend", "tile:2:delete"} <= names
    assert not {"mark", "resend", "delete"} & names


def test_an_album_is_one_sentence() -> None:
    assert sentence(joined(heard(3))) == "\u2068Anna Li\u2069, album of 3, 3 not downloaded, 13:25"
    bubbles = said(State.READ, State.STORED, path="/x")
    assert sentence(joined(bubbles)).startswith("You, album of 2, kept on the server")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [340, 640])
def test_every_face_can_be_drawn(qapp: QApplication, theme: str, width: int) -> None:
    look = Look(theme)  # type: ignore[arg-type]
    bubbles = heard(6, reactions=(("👍", (ANNA.uid, people.BEN.uid)),))
    bubbles[0] = replace(bubbles[0], code="media_unknown")
    for row in (joined(bubbles), joined(said(State.UPLOADING, State.QUEUED, State.SENDING))):
        made = Sheet(row, width, look, NOW_MS)
        assert made.bubble.right() <= width
        image = QImage(width, made.height, QImage.Format.Format_RGB32)
        with QPainter(image) as painter:
            hovered = next(part.name for part in made.parts if part.name.startswith("tile:"))
            for each in (hovered, "download_all"):
                made.paint(painter, QPointF(0, 0), Ink(look, Pictures(), hovered=each))
