"""Who is here, and what watchers are told: joined, bounded, and nothing about strangers."""

from __future__ import annotations

import pytest

from protocol.packets import Here
from protocol.values import Uid
from server.core import presence
from server.core.presence import Board, Known

ADA, BEN, CY = Uid("ada"), Uid("ben"), Uid("cy")
GONE = Uid("gone")


@pytest.fixture
def board() -> Board[str]:
    return Board()


def test_the_answer_has_a_word_on_each_and_nothing_on_strangers(board: Board[str]) -> None:
    board.came(ADA)
    board.came(CY)
    said = board.watch("x", (ADA, BEN, CY), [Known(ADA, 5), Known(BEN, 7)])
    assert said == (Here(ADA, online=True), Here(BEN, seen_ms=7), Here(CY))
    assert board.asked("x") == (ADA, BEN, CY)


def test_what_changes_is_told_to_who_watches(board: Board[str]) -> None:
    board.watch("x", (ADA, BEN), [Known(ADA, 5), Known(BEN, 7)])
    board.watch("y", (ADA,), [])
    board.came(ADA)
    board.came(CY)
    assert board.due() == [("x", (Here(ADA, online=True),))]
    assert board.due() == []
    board.went(ADA, 99)
    assert board.due() == [("x", (Here(ADA, seen_ms=99),))]


def test_a_person_is_here_while_any_device_is(board: Board[str]) -> None:
    board.watch("x", (ADA,), [Known(ADA, 0)])
    board.came(ADA)
    board.came(ADA)
    board.due()
    board.went(ADA, 98)
    assert board.due() == []
    board.went(ADA, 99)
    assert board.due() == [("x", (Here(ADA, seen_ms=99),))]


def test_a_line_that_flaps_is_no_news(board: Board[str]) -> None:
    board.came(ADA)
    board.watch("x", (ADA,), [Known(ADA, 0)])
    for at_ms in range(10):
        board.went(ADA, at_ms)
        board.came(ADA)
    assert board.due() == []


def test_who_left_just_now_was_seen_just_now(board: Board[str]) -> None:
    """The note in the store may be older."""
    board.came(ADA)
    board.watch("x", (ADA,), [Known(ADA, 5)])
    board.went(ADA, 99)
    assert board.watch("y", (ADA,), [Known(ADA, 5)]) == (Here(ADA, seen_ms=99),)


def test_a_new_watch_takes_the_place_of_the_old_one(board: Board[str]) -> None:
    board.watch("x", (ADA,), [Known(ADA, 0)])
    board.watch("x", (BEN,), [Known(BEN, 0)])
    board.came(ADA)
    board.came(BEN)
    assert board.due() == [("x", (Here(BEN, online=True),))]


def test_who_watches_no_more_is_told_nothing(board: Board[str]) -> None:
    board.watch("x", (ADA,), [Known(ADA, 0)])
    board.watch("y", (ADA,), [Known(ADA, 0)])
    board.came(ADA)
    board.unwatch("x")
    board.unwatch("x")
    assert board.due() == [("y", (Here(ADA, online=True),))]
    board.went(ADA, 1)
    board.unwatch("y")
    assert board.due() == []
    assert board.asked("y") == ()


def test_who_may_hear_less_than_before_is_told_so_at_once(board: Board[str]) -> None:
    board.came(ADA)
    board.came(BEN)
    board.watch("x", (ADA, BEN, CY), [Known(ADA, 5), Known(CY, 3)])
    assert board.again("x", [Known(BEN, 0), Known(CY, 3)]) == (Here(ADA), Here(BEN, online=True))
    board.went(ADA, 9)
    assert board.due() == []
    assert board.again("y", [Known(ADA, 0)]) == ()


def test_five_hundred_who_come_back_at_once_are_told_in_turns(
    board: Board[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "TOLD_AT_ONCE", 1_000)
    people = [Uid(f"p{n}") for n in range(500)]
    for each in range(100):
        board.watch(f"s{each}", tuple(people[:200]), [Known(uid, 0) for uid in people[:200]])
    for uid in people:
        board.came(uid)
    told: dict[str, list[Here]] = {}
    turns = 0
    while due := board.due():
        turns += 1
        assert sum(len(some) for _, some in due) <= 1_100
        for key, some in due:
            told.setdefault(key, []).extend(some)
    assert turns == 20
    assert all(sorted(here.uid for here in some) == sorted(people[:200]) for some in told.values())


def test_who_was_never_seen_has_no_time(board: Board[str]) -> None:
    assert board.watch("x", (ADA,), [Known(ADA, 0)]) == (Here(ADA),)


def test_what_has_not_changed_is_not_told_again(board: Board[str]) -> None:
    board.came(BEN)
    known = [Known(ADA, 5), Known(BEN, 5)]
    board.watch("x", (ADA, BEN, CY), known)
    assert board.again("x", known) == ()


def test_once_it_was_told_when_somebody_left_the_store_knows_better(board: Board[str]) -> None:
    board.came(ADA)
    board.watch("x", (ADA,), [Known(ADA, 5)])
    board.went(ADA, 99)
    board.due()
    assert board.watch("y", (ADA,), [Known(ADA, 98)]) == (Here(ADA, seen_ms=98),)


def test_what_nobody_watches_any_more_is_forgotten(board: Board[str]) -> None:
    board.came(ADA)
    board.watch("x", (ADA,), [Known(ADA, 5)])
    board.went(ADA, 99)
    board.unwatch("x")
    assert board.due() == []
    assert board.watch("y", (ADA,), [Known(ADA, 98)]) == (Here(ADA, seen_ms=98),)


@pytest.mark.parametrize(("most", "told"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (6, 3)])
def test_a_turn_ends_when_enough_is_told(
    board: Board[str], monkeypatch: pytest.MonkeyPatch, most: int, told: int
) -> None:
    """Each person counts, and each of those who are told."""
    monkeypatch.setattr(presence, "TOLD_AT_ONCE", most)
    people = (ADA, BEN, CY)
    board.watch("x", people, [Known(uid, 0) for uid in people])
    for uid in people:
        board.came(uid)
    ((_, words),) = board.due()
    assert len(words) == told
