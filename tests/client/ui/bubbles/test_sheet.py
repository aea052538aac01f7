"""Measured rows: nothing stands outside of its bubble, everything that can be clicked is found where it is drawn."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication

from client.core.model import Bubble, State, TransferProgress
from client.ui.bubbles.filecard import FileBlock
from client.ui.bubbles.ink import Ink
from client.ui.bubbles.media import moved_words
from client.ui.bubbles.pictures import Pictures
from client.ui.bubbles.sheet import LANE_MAX, Lane, Sheet
from client.ui.theme import Look
from client.ui.viewmodels.rows import Place, Playing, Row
from client.ui.words import problem_words, size_words
from protocol.content import Body, Notice, Opened, Text
from protocol.values import Lid
from tests.stages import people
from tests.stages.people import ANNA, Diary
from tests.stages.stage import NOW_MS

LOOK = Look("light")
WIDTH = 640


def sheet(bubble: Bubble, width: int = WIDTH, look: Look = LOOK, **facts: object) -> Sheet:
    row = dataclasses.replace(Row(bubble, sender="Anna Li", peer="Anna Li"), **facts)  # type: ignore[arg-type]
    return Sheet(row, width, look, NOW_MS)


def heard(body: Body | Notice | None, **facts: object) -> Bubble:
    return Diary().hear(ANNA, body, **facts).bubbles[0]


def said(body: Body | str, state: State = State.READ, **facts: object) -> Bubble:
    return Diary().say(body, state, **facts).bubbles[0]


def drawn(made: Sheet, look: Look = LOOK) -> QImage:
    image = QImage(WIDTH, made.height + 8, QImage.Format.Format_RGB32)
    image.fill(look.color("bg_canvas"))
    with QPainter(image) as painter:
        ink = Ink(look, Pictures(), ground=look.color(made.ground_token(False)), current=True)
        made.paint(painter, QPointF(0, 0), ink)
    return image


def every_bubble() -> list[Bubble]:
    folder = Path("/nowhere")
    kinds = people.facing(folder, people.photo(), people.video(), people.voice(), people.document())
    return [*people.awkward(), *people.marks(), *people.team(), *people.wordy(), *kinds]


@pytest.mark.parametrize("scale", [0.85, 1.0, 1.5])
@pytest.mark.parametrize("width", [340, 380, 640, 1800])
def test_everything_stands_inside_of_its_row(qapp: QApplication, width: int, scale: float) -> None:
    for bubble in every_bubble():
        look = Look("light", scale)
        for form in ("direct", "group"):
            made = sheet(bubble, width, look, form=form)
            assert 0 <= made.bubble.left() <= made.bubble.right() <= width
            assert made.bubble.bottom() <= made.height
            row = QRectF(0, 0, width, made.height)
            outside = [part for part in made.parts if not row.contains(part.rect.center())]
            assert outside == []
            if made.text is not None:
                assert made.text.size.width() <= made.bubble.width() + 1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everything_can_be_drawn(qapp: QApplication, theme: str) -> None:
    look = Look(theme)  # type: ignore[arg-type]
    for bubble in every_bubble():
        image = drawn(sheet(bubble, look=look, form="group"), look)
        assert not image.isNull()


def test_own_messages_stand_right_and_others_left() -> None:
    lane = Lane.of(WIDTH)
    assert sheet(said("a")).bubble.right() == lane.right
    assert sheet(heard(Text("a"))).bubble.left() == lane.left


def test_a_group_leaves_room_for_the_disc_and_says_the_name_once() -> None:
    first = sheet(heard(Text("a")), form="group")
    later = sheet(heard(Text("a")), form="group", place=Place(first=False))
    assert first.bubble.left() == Lane.of(WIDTH).left + 44
    assert first.name == "Anna Li"
    assert later.name == ""
    assert later.height < first.height


def test_a_wide_window_has_a_lane_in_its_middle() -> None:
    lane = Lane.of(2000)
    assert lane.width == LANE_MAX
    assert lane.left == 2000 - lane.right


def test_a_bubble_is_at_most_480_wide() -> None:
    assert sheet(said("word " * 200), 2000).bubble.width() <= 480


def test_neighbours_of_a_run_stand_close() -> None:
    apart = sheet(said("a")).bubble.top()
    close = sheet(said("a"), place=Place(first=False)).bubble.top()
    assert (apart, close) == (10, 2)


def test_a_day_and_the_divider_take_their_room() -> None:
    plain = sheet(said("a")).height
    assert sheet(said("a"), place=Place(day=True)).height == plain - 10 + 2 + 40
    assert sheet(said("a"), place=Place(day=True, divider=True)).height == plain - 10 + 2 + 40 + 32


def test_time_stands_on_the_last_line_if_it_fits() -> None:
    assert sheet(said("short")).bubble.height() == 20 + 2 * 8
    width = sheet(said("w" * 20)).bubble.width()
    assert width < 480


def test_time_has_its_own_line_when_the_last_is_full_or_runs_from_the_right() -> None:
    assert sheet(said("שלום")).bubble.height() > 36


@pytest.mark.parametrize(
    ("bubble", "place", "shown"),
    [
        (said("a"), Place(last=False), False),
        (said("a", State.ACCEPTED), Place(last=False), True),
        (said("a"), Place(), True),
        (said("a", at_ms=NOW_MS - 3_600_000, ts=NOW_MS), Place(last=False), True),
        (heard(Text("a")), Place(last=False), False),
    ],
)
def test_inside_a_run_only_news_has_a_time(bubble: Bubble, place: Place, shown: bool) -> None:
    assert (sheet(bubble, place=place).meta is not None) is shown


def test_a_failed_message_offers_its_ways_out() -> None:
    names = {part.name for part in sheet(said("a", State.NEEDS_YOU)).parts}
    assert names == {"mark", "resend", "edit", "copy", "delete"}
    names = {part.name for part in sheet(said(people.photo(), State.REFUSED, path="/x")).parts}
    assert names == {"mark", "delete", "open"}


@pytest.mark.parametrize("kind", [people.photo(), people.video(), people.voice(), people.document()])
def test_a_click_on_a_file_means_what_its_face_offers(kind: Body) -> None:
    playable = kind.__class__.__name__ in ("Voice", "Video")
    loading = TransferProgress(Lid(1), "down", 1, 2)
    for bubble, facts, name in (
        (heard(kind), {}, "download"),
        (heard(kind), {"progress": loading}, "hold"),
        (heard(kind, fetching=True, paused=True, here_bytes=9), {}, "resume"),
        (heard(kind, path="/x"), {}, "play" if playable else "open"),
        (said(kind, State.UPLOADING), {}, "hold"),
        (said(kind, State.UPLOADING, paused=True), {}, "resume"),
        (said(kind, State.UPLOADING, code="transfer_interrupted"), {}, "resend"),
    ):
        made = sheet(bubble, **facts)  # type: ignore[arg-type]
        part = next(part for part in made.parts if part.name == name)
        found = made.part_at(part.rect.center())
        assert found is not None
        assert found.name == name


def test_what_is_gone_can_be_asked_for_unless_it_is_ones_own() -> None:
    for kind in (people.photo(), people.video(), people.voice(), people.document()):
        assert [part.name for part in sheet(heard(kind, code="media_unknown")).parts] == ["ask_again"]
        assert [part.name for part in sheet(said(kind, code="media_unknown")).parts] == ["mark"]


def test_an_upload_can_be_given_up_beside_being_held() -> None:
    for kind in (people.photo(), people.video(), people.document()):
        for facts in ({}, {"code": "transfer_interrupted"}, {"paused": True}):
            assert "cancel" in {part.name for part in sheet(said(kind, State.UPLOADING, **facts)).parts}


@pytest.mark.parametrize("kind", [people.photo(), people.video(), people.voice(), people.document()])
def test_how_far_a_file_has_got_is_said(kind: Body) -> None:
    held = {"fetching": True, "paused": True, "here_bytes": 900_000}
    total = size_words(kind.file.size_bytes)  # type: ignore[union-attr]
    for bubble, progress, words in (
        (heard(kind), TransferProgress(Lid(1), "down", 900_000, 1_800_000), "0.9 / 1.8 MB"),
        (heard(kind, **held), None, f"of {total} · Resume"),
        (said(kind, State.UPLOADING, paused=True, here_bytes=3_200_000), None, f"of {total} · Resume"),
        (said(kind, State.UPLOADING), None, "Preparing"),
        (said(kind, State.UPLOADING), TransferProgress(Lid(1), "make", 41, 100), "Making it smaller, 41%"),
        (said(kind, State.UPLOADING), TransferProgress(Lid(1), "up", 3_200_000, 8_100_000), "3.2 / 8.1 MB"),
    ):
        assert words in moved_words(Row(bubble, progress=progress))


def test_a_file_that_was_not_passed_is_a_plain_card_that_says_why() -> None:
    plain = sheet(heard(people.document("film.mp4"), path="/x"))
    for kind in (people.document("film.mp4"), people.photo(), people.voice()):
        made = sheet(heard(kind, path="/x", why="media_unsafe"))
        assert isinstance(made._block, FileBlock)
        assert made._block.why == problem_words("media_unsafe")
        assert made.height > plain.height + 15
        assert [part.name for part in made.parts] == ["open"]


def test_a_playing_note_pauses_seeks_and_changes_speed() -> None:
    made = sheet(heard(people.voice(), path="/x"), playing=Playing(Lid(1), 3, 42))
    assert {part.name for part in made.parts} == {"pause", "wave", "speed"}
    stopped = sheet(heard(people.voice(), path="/x"), playing=Playing(Lid(1), 3, 42, paused=True))
    assert "play" in {part.name for part in stopped.parts}


def test_a_long_text_is_cut_and_grows_when_asked() -> None:
    bubble = people.wordy()[0]
    cut, whole = sheet(bubble), sheet(bubble, expanded=True)
    assert "more" in {part.name for part in cut.parts}
    assert "more" not in {part.name for part in whole.parts}
    assert cut.height < 900 < whole.height


def test_a_link_is_found_under_the_pointer_and_only_there() -> None:
    made = sheet(said("😀 see https://a.example/x now"))
    assert made.text is not None
    block = made.text.shape().translated(made.text_at)
    names = {
        part.name
        for x in range(round(block.left()), round(block.right()), 3)
        if (part := made.part_at(QPointF(x, block.center().y())))
    }
    assert names == {"link:https://a.example/x"}
    assert made.part_at(block.topLeft() + QPointF(2, 8)) is None


def test_emoji_alone_are_large_and_without_a_bubble() -> None:
    made = sheet(said("🚀"))
    assert made.big
    assert made.ground_token(True) == "bg_canvas"
    assert made.bubble.height() > 40


@pytest.mark.parametrize(
    ("bubble", "token"),
    [
        (said("a"), "bubble_out"),
        (heard(Text("a")), "bubble_in"),
        (said("a", State.NEEDS_YOU), "bubble_failed"),
    ],
)
def test_grounds(bubble: Bubble, token: str) -> None:
    made = sheet(bubble)
    assert made.ground_token(False) == token
    assert made.ground_token(True) == "bubble_sel"


def test_a_picture_keeps_its_room_before_and_after_it_is_here(tmp_path: Path) -> None:
    away, here = heard(people.photo()), heard(people.photo(), path=people.saved(tmp_path))
    assert sheet(away).bubble == sheet(here).bubble


def test_markup_is_letters() -> None:
    plain = drawn(sheet(said("<b>x</b> <img src=canary>")))
    assert sheet(said("<b>x</b>")).bubble.width() > sheet(said("x")).bubble.width()
    assert not plain.isNull()


def test_sixty_four_kilobytes_are_measured_at_once() -> None:
    made = sheet(said("e" + "\u0301" * 32_000))
    assert made.height < 100
    assert sheet(said("word " * 13_000)).height < 1000


def test_a_gap_stands_above_and_below_and_takes_its_room(qapp: QApplication) -> None:
    plain = sheet(said("Hi"))
    both = sheet(said("Hi"), gaps=("before_join", "expired"), gaps_below=("not_member",))
    pills = [pill for _, pill in both._gap_lines]
    assert pills[0].bottom() < pills[1].top()
    assert pills[1].bottom() <= both.bubble.top()
    assert pills[2].top() >= both.bubble.bottom()
    assert both.height > plain.height + 60
    assert all(pill.left() >= 0 and pill.right() <= WIDTH for pill in pills)
    drawn(both)
    drawn(sheet(heard(Opened("group", "Trip")), gaps=("new_reason",)))
