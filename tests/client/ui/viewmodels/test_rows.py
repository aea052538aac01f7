"""Runs, days and faces: what a row knows of its neighbours and of its file."""

from __future__ import annotations

import pytest

from client.core.model import State, TransferProgress
from client.ui.viewmodels.rows import Face, Place, Row, place_of, together
from protocol.content import Left, Text
from protocol.values import Lid
from tests.stages import people
from tests.stages.people import ANNA, BEN, Diary
from tests.stages.stage import DAY_MS, NOW_MS


def test_a_run_is_one_person_within_three_minutes() -> None:
    first, second, third = Diary().hear(ANNA, Text("a")).hear(ANNA, Text("b")).later(3).hear(ANNA, Text("c")).bubbles
    assert together(first, second)
    assert not together(second, third)


def test_two_people_are_not_a_run() -> None:
    first, second = Diary().hear(ANNA, Text("a")).hear(BEN, Text("b")).bubbles
    assert not together(first, second)


def test_notices_and_failed_messages_stand_alone() -> None:
    heard, left, mine, failed = (
        Diary().hear(ANNA, Text("a")).hear(ANNA, Left(ANNA.uid)).say("b").say("c", State.NEEDS_YOU).bubbles
    )
    assert not together(heard, left)
    assert not together(left, heard)
    assert not together(mine, failed)


def test_midnight_ends_a_run_and_begins_a_day() -> None:
    diary = Diary(NOW_MS // DAY_MS * DAY_MS - 10_000)
    before, after = diary.hear(ANNA, Text("a")).hear(ANNA, Text("b")).bubbles
    assert place_of(None, before, after, divider=False) == Place(first=True, last=True, day=True)
    assert place_of(before, after, None, divider=False) == Place(first=True, last=True, day=True)


def test_the_middle_of_a_run() -> None:
    one, two, three = Diary().say("a").say("b").say("c").bubbles
    assert place_of(one, two, three, divider=False) == Place(first=False, last=False)
    assert place_of(one, two, three, divider=True).first


@pytest.mark.parametrize(
    ("facts", "face"),
    [
        ({}, "away"),
        ({"path": "/x"}, "ready"),
        ({"code": "media_unknown"}, "gone"),
        ({"code": "media_damaged"}, "away"),
        ({"fetching": True}, "loading"),
        ({"fetching": True, "paused": True}, "paused"),
        ({"state": State.UPLOADING, "mine": True, "path": "/x", "paused": True}, "stopped"),
        ({"state": State.UPLOADING, "mine": True, "path": "/x"}, "uploading"),
        ({"state": State.UPLOADING, "mine": True, "code": "transfer_interrupted"}, "stopped"),
    ],
)
def test_faces(facts: dict[str, object], face: Face) -> None:
    bubble = Diary().hear(ANNA, people.voice()).bubbles[0]
    changed = type(bubble)(**{**{name: getattr(bubble, name) for name in bubble.__struct_fields__}, **facts})
    assert Row(changed).face == face


def test_a_running_download_is_loading_until_the_file_is_here() -> None:
    away, here = Diary().hear(ANNA, people.voice()).hear(ANNA, people.voice(), path="/x").bubbles
    progress = TransferProgress(Lid(1), "down", 1, 2)
    assert Row(away, progress=progress).face == "loading"
    assert Row(here, progress=progress).face == "ready"


def test_words_have_no_face() -> None:
    assert Row(Diary().say("a").bubbles[0]).face == "none"
