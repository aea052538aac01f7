"""One connection as a machine: groups, tables, what one tells, counts, history."""

from __future__ import annotations

import pytest

from protocol.limits import MEMBERS_MAX
from protocol.packets import (
    AckN,
    Crowd,
    FromClient,
    GroupA,
    GroupR,
    Mark,
    MembersA,
    MembersR,
    MsgA,
    Nack,
    OfflineA,
    OfflineR,
    Prefs,
    PrefsA,
    PrefsR,
    Seat,
    Step,
    Welcome,
)
from protocol.values import Uid
from server.core import effects as do
from server.core import events as on
from server.core.acceptance import MESSAGE, Settled, Slot, Taken
from server.core.crowd import CrowdBell, tally
from server.core.moves import Ask, MarksBell, Page, Told
from tests.helpers.wire import ALICE, BOB, CAROL, TALK, dg_of, event, msg, offer
from tests.server.core.test_session import BOTH, HELLO, Desk, sent

QUIET = Prefs(reads=False)
ALL = (ALICE.uid, BOB.uid, CAROL.uid)


@pytest.fixture
def desk() -> Desk:
    """A session that is ready."""
    desk = Desk()
    desk.begins()
    return desk


def silent(desk: Desk) -> Desk:
    desk.on(on.Chosen(QUIET))
    return desk


# --- wishes


def test_a_change_of_a_group_is_asked_for_and_answered(desk: Desk) -> None:
    wish = GroupR("x", TALK, "add", (BOB.uid,))
    assert desk.says(wish) == [do.Change(wish)]
    assert sent(desk.on(on.Changed(GroupA("x", TALK)))) == [GroupA("x", TALK)]


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (GroupR("x" * 33, TALK, "leave"), Nack("packet")),
        (GroupR("x", TALK, "add", (BOB.uid,) * (MEMBERS_MAX + 1)), GroupA("x", TALK, "members_too_many")),
    ],
)
def test_a_wish_that_cannot_be_is_turned_away(desk: Desk, wish: GroupR, said: FromClient) -> None:
    assert sent(desk.says(wish)) == [said]


def test_the_table_of_members_is_read(desk: Desk) -> None:
    assert desk.says(MembersR(TALK)) == [do.ReadMembers(TALK)]
    answer = MembersA(TALK, (Seat(ALICE.uid, "Alice", 1),))
    assert sent(desk.on(on.MembersRead(answer))) == [answer]


# --- what one tells (P-73)


def test_welcome_says_what_one_tells() -> None:
    desk = Desk()
    desk.says(HELLO)
    desk.on(on.Identified(ALICE))
    (welcome,) = sent(desk.on(on.Begun(7, "1.ab", 5_000, (), QUIET)))
    assert isinstance(welcome, Welcome)
    assert welcome.prefs == QUIET


def test_a_choice_is_answered_and_heard_of_once(desk: Desk) -> None:
    assert desk.says(PrefsR(QUIET)) == [do.Choose(QUIET)]
    assert sent(desk.on(on.Chosen(QUIET))) == [PrefsA(QUIET)]
    assert desk.on(on.ChoiceRung(QUIET)) == []


def test_a_choice_made_elsewhere_is_told(desk: Desk) -> None:
    assert sent(desk.on(on.ChoiceRung(QUIET))) == [PrefsA(QUIET)]


def test_what_rings_before_welcome_is_told_after_it() -> None:
    desk = Desk()
    desk.says(HELLO)
    desk.on(on.Identified(ALICE))
    assert desk.on(on.ChoiceRung(QUIET)) == desk.on(bell(7)) == []
    welcome, prefs, counts = sent(desk.on(on.Begun(7, "1.ab", 5_000, ())))
    assert isinstance(welcome, Welcome)
    assert (prefs, counts) == (PrefsA(QUIET), AckN(TALK, 0, 7, crowd=Crowd(2)))


def told(desk: Desk, *marks: Mark, silent: frozenset[Uid] = frozenset()) -> tuple[Mark, ...]:
    desk.on(on.MarksRung(MarksBell(TALK, 0, 1, marks, BOTH, silent), 0.0))
    (ack,) = sent(desk.at(desk.now_s + 0.2))
    assert isinstance(ack, AckN)
    return ack.marks


def test_reads_are_told_unless_the_other_keeps_them(desk: Desk) -> None:
    mark = Mark(BOB.uid, 5, 4, 70, 80)
    assert told(desk, mark) == (mark,)


def test_reads_of_who_keeps_them_are_not_told(desk: Desk) -> None:
    own = Mark(ALICE.uid, 5, 5, 70, 80)
    marks = told(desk, Mark(BOB.uid, 5, 4, 70, 80), own, silent=frozenset(BOTH))
    assert marks == (Mark(BOB.uid, 5, 0, 70), own)


def test_who_keeps_reads_is_told_none_but_ones_own(desk: Desk) -> None:
    own = Mark(ALICE.uid, 5, 5)
    assert told(silent(desk), Mark(BOB.uid, 5, 4), own) == (Mark(BOB.uid, 5, 0), own)


# --- counts (P-52)


def bell(rev: int, *marks: Mark) -> on.CrowdRung:
    return on.CrowdRung(CrowdBell(TALK, tally(rev, ALL, {mark.by: mark for mark in marks}, frozenset()), ALL))


def test_counts_leave_at_once_and_whole(desk: Desk) -> None:
    own = Mark(ALICE.uid, 9, 9)
    (ack,) = sent(desk.on(bell(7, own, Mark(BOB.uid, 5, 4))))
    assert ack == AckN(TALK, 0, 7, (own,), crowd=Crowd(2, (Step(5, 1),), (Step(4, 1),)))


def test_counts_are_what_is_known_of_marks_from_then_on(desk: Desk) -> None:
    desk.on(bell(7))
    desk.on(on.MarksRung(MarksBell(TALK, 7, 8, (Mark(BOB.uid, 5, 0),), BOTH), 0.0))
    assert sent(desk.at(desk.now_s + 0.2)) == [AckN(TALK, 7, 8, (Mark(BOB.uid, 5, 0),))]


def test_somebody_who_has_it_ends_the_promise(desk: Desk) -> None:
    desk.says(msg(1, "one"))
    desk.decided(Taken(offer(msg(1, "one")), event(5, text="one"), ALL))
    desk.on(bell(7, Mark(BOB.uid, 5, 0)))
    assert desk.at(desk.now_s + 9.0) == []


def test_a_stored_answer_in_a_crowd_comes_with_counts(desk: Desk) -> None:
    crowd = Crowd(2, (Step(9, 1),))
    slot = Slot(dg_of("one"), MESSAGE, 9)
    answer = Settled(offer(msg(1, "one")), slot, 1, dg_of("one"), 77, told=Told(6, (), crowd), members=ALL)
    assert desk.decided(answer) == [
        MsgA(TALK, 1, 9, dg_of("one"), 77, 1, dg_of("one")),
        AckN(TALK, 0, 6, crowd=crowd),
    ]


def test_a_pull_in_a_crowd_comes_with_counts(desk: Desk) -> None:
    crowd = Crowd(2, (Step(3, 1),))
    page = Page(Ask(TALK, 2, 256, pull=True, rev=1), 2, 3, 3, 2, (event(3, BOB),), told=Told(4, (), crowd))
    (answer,) = sent(desk.on(on.Paged(page)))
    assert answer == OfflineA(TALK, 2, 3, 3, (event(3, BOB),), (), 1, 4, crowd=crowd)


# --- history (P-63)


def test_history_is_answered_and_moves_nothing(desk: Desk) -> None:
    ask = Ask(TALK, 2, 9, pull=True, history=True)
    assert desk.says(OfflineR(TALK, 2, 0, 9, history=True)) == [do.ReadPage(ask)]
    page = Page(ask, 2, 3, 9, 9, (event(3, BOB),))
    assert sent(desk.on(on.Paged(page))) == [OfflineA(TALK, 2, 3, 9, (event(3, BOB),), history=True)]
    assert not desk.session._talks
    assert sent(desk.on(on.Paged(Page(ask, code="unknown_conversation")))) == [Nack("unknown_conversation", TALK)]


# --- to the very edge


def test_marks_that_counts_have_told_already_are_no_news(desk: Desk) -> None:
    desk.on(bell(7))
    desk.on(on.MarksRung(MarksBell(TALK, 6, 7, (Mark(BOB.uid, 5, 0),), BOTH), 0.0))
    assert desk.at(desk.now_s + 0.2) == []


def test_one_s_own_mark_in_a_crowd_ends_no_promise(desk: Desk) -> None:
    desk.decided(Taken(offer(msg(1, "one")), event(5, text="one"), ALL))
    desk.on(bell(7, Mark(ALICE.uid, 5, 5)))
    assert sent(desk.at(desk.now_s + 9.0)) == [AckN(TALK, n=1, pos=5, stored="slow")]
