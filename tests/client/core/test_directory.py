"""Who is here, and opening conversations."""

from __future__ import annotations

from client.core.directory import Directory
from client.core.effects import OpenedAs, PeopleKnown, SavePeople, Send, Told
from client.core.events import AskPeople, Dial, Open, Pull
from protocol.limits import ANSWER_WAIT_S
from protocol.packets import AckA, OpenA, OpenR, PeopleA, PeopleR, Person
from tests.helpers.machines import BOB, C, Desk

WISH = Open("x" * 22, (BOB,), "direct")
QUESTION = OpenR(x="x" * 22, uids=(BOB,))
PEOPLE = (Person(BOB, "Bob"),)


def test_a_conversation_is_opened_and_fetched() -> None:
    alice = Desk(Directory())
    alice.online()

    assert alice.does(WISH) == [Send(1, (QUESTION,))]
    assert alice.hears(OpenA(WISH.x, C)) == [Pull(C), OpenedAs(WISH.x, C)]
    assert alice.hears(OpenA(WISH.x, C), AckA(C, 1)) == []
    assert alice.machine.next_wakeup_s() is None


def test_a_refusal_says_why() -> None:
    alice = Desk(Directory())
    alice.online()
    alice.does(WISH)

    assert alice.hears(OpenA(WISH.x, code="unknown_person")) == [Told("unknown_person", x=WISH.x)]


def test_people_are_kept_and_told() -> None:
    alice = Desk(Directory())
    alice.online()

    assert alice.does(AskPeople()) == [Send(1, (PeopleR(),))]
    assert alice.hears(PeopleA(PEOPLE)) == [SavePeople(PEOPLE), PeopleKnown(PEOPLE)]


def test_questions_wait_for_a_line_and_are_said_again_after_a_lost_one() -> None:
    """Asking again with the same x is safe (section 24)."""
    alice = Desk(Directory())
    assert alice.does(WISH) == []
    assert alice.does(AskPeople()) == []

    assert alice.online() == [Send(1, (QUESTION, PeopleR()))]
    alice.offline()
    assert alice.online() == [Send(2, (QUESTION, PeopleR()))]
    alice.hears(OpenA(WISH.x, C), PeopleA(PEOPLE))
    assert alice.online() == []


def test_nothing_is_opened_behind_the_persons_back() -> None:
    alice = Desk(Directory())
    alice.does(WISH)
    alice.now_s = 2.0
    alice.does(AskPeople())
    assert alice.does(Dial()) == []

    assert alice.run_until(10.0) == [Told("server_unreachable", x=WISH.x)]
    assert alice.run_until(12.0) == []
    assert alice.online() == []


def test_a_question_is_waited_for_ten_seconds() -> None:
    alice = Desk(Directory())
    alice.now_s = 100.0
    alice.does(WISH)
    assert alice.machine.next_wakeup_s() == 100.0 + ANSWER_WAIT_S


def test_people_nobody_asked_for_are_kept_too() -> None:
    alice = Desk(Directory())
    alice.online()
    assert alice.hears(PeopleA(PEOPLE)) == [SavePeople(PEOPLE), PeopleKnown(PEOPLE)]


def test_a_group_is_opened_with_its_title() -> None:
    alice = Desk(Directory())
    alice.online()
    alice.does(Open("y", (BOB,), "group", "Walks"))
    assert [packet for _, packet in alice.sent] == [OpenR(x="y", uids=(BOB,), kind="group", title="Walks")]


def test_into_a_lost_line_nothing_is_said() -> None:
    alice = Desk(Directory())
    alice.online()
    alice.offline()
    assert alice.does(WISH) == []
