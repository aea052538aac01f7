"""What the store is asked and answers: nothing is said unless it is known."""

from __future__ import annotations

from protocol.packets import Crowd, GroupA, Mark, Prefs, Step
from server.core.moves import Ask, Bell, Changed, Chosen, Marks, MarksBell, Move, Moved, Page, PrefsBell, Told
from tests.helpers.wire import ALICE, BOB, TALK


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


def test_anybody_elses_mark_or_count_says_that_it_was_reached() -> None:
    marks = Told(1, (Mark(ALICE.uid, 9, 0), Mark(BOB.uid, 5, 0)))
    assert [marks.reached(pos, but=ALICE.uid) for pos in (5, 6)] == [True, False]
    counts = Told(1, (Mark(ALICE.uid, 9, 0),), Crowd(40, (Step(3, 7), Step(5, 1))))
    assert [counts.reached(pos, but=ALICE.uid) for pos in (5, 6)] == [True, False]
    assert not Told().reached(1, but=ALICE.uid)


def test_what_a_wish_comes_to_rings_nobody_by_itself() -> None:
    assert Changed(GroupA("x", TALK)).bells == Chosen(Prefs()).bells == ()
    assert PrefsBell(Prefs(), (ALICE.uid,)).prefs.reads
