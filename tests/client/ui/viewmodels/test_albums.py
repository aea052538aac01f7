"""Which pictures are shown as one, and what is said of all of them."""

from __future__ import annotations

import pytest

from client.core.model import Bubble, Member, State
from client.ui.viewmodels.albums import album_of, captions, gather, missing_bytes, spokesman
from client.ui.viewmodels.rows import Place, Row
from protocol.content import Text
from protocol.values import Lid, replace
from tests.stages import people
from tests.stages.people import ANNA, BEN, Diary


def lids(bubbles: list[Bubble], broken: tuple[int, ...] = ()) -> list[tuple[Lid, ...]]:
    return sorted(set(gather(bubbles, lambda place: place in broken).values()))


def heard(count: int, who: Member = ANNA, name: str = "a" * 22, diary: Diary | None = None) -> Diary:
    diary = diary or Diary()
    for body in people.shots(count, name):
        diary.hear(who, body)
    return diary


def test_neighbours_of_one_author_and_name_are_one() -> None:
    assert lids(heard(4).bubbles) == [(1, 2, 3, 4)]


def test_others_are_not() -> None:
    assert lids(heard(1).bubbles) == []
    assert lids(heard(2, BEN, diary=heard(2)).bubbles) == [(1, 2), (3, 4)]
    assert lids(heard(2, ANNA, "b" * 22, heard(2)).bubbles) == [(1, 2), (3, 4)]
    between = heard(2).hear(BEN, Text("wow"))
    assert lids(heard(2, diary=between).bubbles) == [(1, 2), (4, 5)]
    assert lids(Diary().hear(ANNA, people.photo()).hear(ANNA, people.photo()).bubbles) == []


def test_a_day_or_the_unread_begins_anew() -> None:
    assert lids(heard(4).bubbles, broken=(2,)) == [(1, 2), (3, 4)]
    assert lids(heard(4).bubbles, broken=(1,)) == [(2, 3, 4)]


def test_no_more_than_ten() -> None:
    assert [len(found) for found in lids(heard(23).bubbles)] == [10, 10, 3]


@pytest.mark.parametrize("gone", [0, 1, 3])
def test_what_was_removed_leaves_the_others_together(gone: int) -> None:
    bubbles = heard(4).bubbles
    bubbles[gone] = replace(bubbles[gone], recalled=True, body=None)
    assert lids(bubbles) == [tuple(lid for lid in (1, 2, 3, 4) if lid != gone + 1)]


def test_what_another_person_removed_is_no_bridge() -> None:
    diary = heard(2).hear(BEN, None, recalled=True)
    assert lids(heard(2, diary=diary).bubbles) == [(1, 2), (4, 5)]


def test_a_video_note_and_a_plain_file_stand_alone() -> None:
    note = replace(people.video(), album="a" * 22, note=True)
    assert album_of(Diary().hear(ANNA, note).bubbles[0]) == ""
    plain = Diary().hear(ANNA, people.shots(1)[0], why="media_unsafe").bubbles[0]
    assert album_of(plain) == ""


def row(*states: State, **facts: object) -> Row:
    diary = Diary()
    for body, state in zip(people.shots(len(states)), states, strict=True):
        diary.say(body, state, **facts)
    rows = tuple(Row(bubble) for bubble in diary.bubbles)
    return Row(rows[0].bubble, place=Place(last=False), album=rows)


def test_the_one_furthest_behind_speaks_for_all() -> None:
    assert spokesman(row(State.READ, State.STORED, State.DELIVERED)).lid == 2
    assert spokesman(row(State.READ, State.UPLOADING, State.NEEDS_YOU)).lid == 3
    assert spokesman(row(State.READ, State.UPLOADING)).place == Place(last=False)
    alone = Row(Diary().say("a").bubbles[0])
    assert spokesman(alone) is alone


def test_one_that_failed_makes_the_row_failed() -> None:
    assert row(State.READ, State.REFUSED).failed
    assert not row(State.READ, State.UPLOADING).failed


def test_what_is_missing_is_counted_without_what_came() -> None:
    assert missing_bytes(row(State.READ, State.READ)) == 2 * 1_840_000
    assert missing_bytes(row(State.READ, State.READ, path="/x")) == 0
    assert missing_bytes(row(State.READ, State.READ, paused=True, fetching=True, here_bytes=840_000)) == 2_000_000


def test_the_words_of_all_stand_below() -> None:
    bodies = people.shots(3)
    bubbles = [Diary().hear(ANNA, replace(body, caption=words)).bubbles[0]
               for body, words in zip(bodies, ("one", "", " two\n"), strict=True)]  # fmt: skip
    rows = tuple(Row(bubble) for bubble in bubbles)
    assert captions(Row(bubbles[0], album=rows)) == "one\n two"
