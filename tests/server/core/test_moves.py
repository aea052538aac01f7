"""What the store is asked and answers: nothing is said unless it is known."""

from __future__ import annotations

from server.core.moves import Ask, Bell, Marks, MarksBell, Move, Moved, Page, Told
from tests.helpers.wire import ALICE, TALK


def test_an_answer_says_nothing_by_itself() -> None:
    move = Move(ALICE, TALK, 3)
    assert not move.read
    assert Moved(move) == Moved(move, cursor=0, climbed=None, rev=0, members=(), code="")


def test_a_page_belongs_to_its_question() -> None:
    ask = Ask(TALK, None, 10)
    assert not ask.pull
    assert Page(ask).ask is ask
    assert not Page(ask).events


def test_doorbells_and_marks_name_their_conversation() -> None:
    said = (Bell(TALK, 1, (), ()), MarksBell(TALK, 0, 1, (), ()), Marks(TALK, 0, Told(1)))
    assert {one.conv for one in said} == {TALK}
