"""A page that is never acknowledged gets shorter, and in the end its first event is a gap (P-81)."""

from __future__ import annotations

import pytest

from protocol.limits import UNREADABLE_AFTER, UNREADABLE_WITHIN_S
from protocol.packets import Gap
from protocol.values import ConvId, Did, replace
from server.core import stubborn
from server.core.moves import Ask, Page
from server.core.stubborn import Stubborn
from tests.helpers.wire import BOB, TALK, event


def page(
    after: int = 3, count: int = 40, *, pull: bool = True, cursor: int = 3, history: bool = False, conv: ConvId = TALK
) -> Page:
    """A page with a gap of two positions in front, and one behind its third event."""
    first = after + 3
    poses = [first, first + 1, first + 2, *range(first + 4, first + 1 + count)]
    gaps = (Gap(after + 1, after + 2, "expired"), Gap(first + 3, first + 3, "not_member"))
    events = tuple(event(pos) for pos in poses)
    return Page(Ask(conv, after, 256, pull=pull, history=history), after, poses[-1], 99, cursor, events, gaps)


def sizes(machine: Stubborn, sessions: int, some: Page) -> list[int]:
    return [len(machine.given(BOB.did, session, some, 10.0).events) for session in range(sessions)]


def test_session_after_session_gets_less_and_then_a_gap() -> None:
    machine, whole = Stubborn(), page()
    assert sizes(machine, UNREADABLE_AFTER, whole) == [40, 40, 16, 4, 1]
    for session in (77, 78):
        last = machine.given(BOB.did, session, whole, 11.0)
        assert (last.from_, last.to, last.head, last.events) == (3, 6, 99, ())
        assert last.gaps == (Gap(4, 5, "expired"), Gap(6, 6, "unreadable"))


def test_a_shorter_page_accounts_for_every_position() -> None:
    machine, whole = Stubborn(), page()
    given = [machine.given(BOB.did, session, whole, 10.0) for session in range(5)]
    assert (given[3].to, [each.pos for each in given[3].events]) == (10, [6, 7, 8, 10])
    assert given[3].gaps == whole.gaps
    assert (given[4].to, given[4].gaps) == (6, whole.gaps[:1])


def test_within_one_session_everything_is_given_as_often_as_it_is_asked_for() -> None:
    machine = Stubborn()
    assert all(machine.given(BOB.did, 1, page(), 10.0) == page() for _ in range(20))


def test_a_device_that_gets_on_begins_anew() -> None:
    machine = Stubborn()
    assert sizes(machine, 4, page())[-1] == 4
    assert sizes(machine, 2, page(10)) == [40, 40]


def test_a_page_that_was_acknowledged_is_given_again_as_a_whole() -> None:
    """A profile that is restored from its backup time and again asks for the same, and can store it."""
    machine = Stubborn()
    for session in range(2 * UNREADABLE_AFTER):
        assert machine.given(BOB.did, session, page(), 10.0) == page()
        machine.heard(BOB.did, TALK, 6)


@pytest.mark.parametrize(("did", "conv", "upto"), [(BOB.did, TALK, 3), (BOB.did, ConvId("other"), 99), ("8", TALK, 99)])
def test_what_else_was_acknowledged_changes_nothing(did: Did, conv: ConvId, upto: int) -> None:
    machine = Stubborn()
    sizes(machine, 3, page())
    machine.heard(did, conv, upto)
    assert len(machine.given(BOB.did, 3, page(), 10.0).events) == 4


def test_an_hour_later_it_is_tried_anew() -> None:
    machine = Stubborn()
    sizes(machine, 9, page())
    assert machine.given(BOB.did, 99, page(), 10.1 + UNREADABLE_WITHIN_S) == page()


@pytest.mark.parametrize(
    "other", [page(history=True), page(pull=False, cursor=2), Page(Ask(TALK, 3, 256, pull=True), 3, 3, 3)]
)
def test_history_and_what_goes_on_behind_a_push_are_given_as_they_are(other: Page) -> None:
    machine = Stubborn()
    assert all(machine.given(BOB.did, session, other, 10.0) == other for session in range(9))


def test_what_is_pushed_into_line_after_line_that_breaks_proves_nothing() -> None:
    machine = Stubborn()
    assert sizes(machine, 9, page(pull=False)) == [40] * 9
    assert machine.given(BOB.did, 99, page(), 10.0) == page()


def test_few_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stubborn, "KEPT", 2)
    machine = Stubborn()
    sizes(machine, 9, page())
    for name in ("one", "two"):
        machine.given(BOB.did, 1, page(conv=ConvId(name)), 10.0)
    assert machine.given(BOB.did, 50, page(), 10.0) == page()


def test_within_each_session_it_may_be_asked_for_again() -> None:
    machine, whole = Stubborn(), page()
    for session, size in enumerate((40, 40, 16, 4, 1)):
        assert [len(machine.given(BOB.did, session, whole, 10.0).events) for _ in range(3)] == [size] * 3


def test_until_the_hour_is_over_it_counts() -> None:
    machine = Stubborn()
    assert machine.given(BOB.did, 1, page(count=100), 10.0).events == page(count=100).events
    assert len(machine.given(BOB.did, 2, page(count=100), 10.0 + UNREADABLE_WITHIN_S).events) == 64


def test_a_page_that_is_short_enough_keeps_the_gaps_behind_it() -> None:
    machine = Stubborn()
    behind = replace(page(count=16), to=30, gaps=(Gap(21, 30, "expired"),))
    assert [machine.given(BOB.did, session, behind, 10.0) for session in range(3)] == [behind] * 3


def test_behind_the_gap_of_the_only_event_the_device_asks_for_the_rest() -> None:
    machine = Stubborn()
    only = Page(Ask(TALK, 3, 256, pull=True), 3, 9, 9, 3, (event(4),), (Gap(5, 9, "expired"),))
    given = [machine.given(BOB.did, session, only, 10.0) for session in range(UNREADABLE_AFTER + 1)]
    assert given[-2] == only
    assert (given[-1].to, given[-1].events, given[-1].gaps) == (4, (), (Gap(4, 4, "unreadable"),))


def test_as_many_as_are_kept_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stubborn, "KEPT", 2)
    machine = Stubborn()
    sizes(machine, UNREADABLE_AFTER, page())
    machine.given(BOB.did, 1, page(conv=ConvId("one")), 10.0)
    assert machine.given(BOB.did, 50, page(), 10.0).events == ()
