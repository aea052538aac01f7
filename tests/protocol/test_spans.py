"""Every position accounted for, once (P-42, P-43)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.packets import Event, Gap
from protocol.spans import above, accounts_for, gaps_above
from protocol.values import Did, Digest, Uid


def event(pos: int) -> Event:
    return Event(pos, 0, Uid("u"), Did("1"), pos, Digest(f"d{pos}"), "plain1", "")


def gap(first: int, last: int) -> Gap:
    return Gap(first, last, "expired")


@pytest.mark.parametrize(
    ("first", "last", "events", "gaps"),
    [
        (0, 0, [], []),
        (7, 7, [], []),
        (0, 2, [1, 2], []),
        (0, 2, [2, 1], []),
        (4, 9, [5, 9], [(6, 8)]),
        (0, 3, [], [(1, 1), (2, 3)]),
    ],
)
def test_each_position_once(first: int, last: int, events: list[int], gaps: list[tuple[int, int]]) -> None:
    assert accounts_for(first, last, [event(pos) for pos in events], [gap(*ends) for ends in gaps])


@pytest.mark.parametrize(
    ("first", "last", "events", "gaps"),
    [
        (0, 3, [1, 3], []),  # one left out
        (0, 2, [1, 2, 2], []),  # one twice
        (0, 2, [1, 2, 3], []),  # one too many
        (0, 3, [1, 2], []),  # one too few
        (1, 2, [1, 2], []),  # one from below
        (0, 3, [1, 2], [(2, 3)]),  # an event inside a gap
        (0, 1, [1], [(2, 1)]),  # a gap that ends before it begins
        (3, 2, [], []),  # backwards
        (0, 2, [1], [(0, 2)]),
    ],
)
def test_anything_else_is_a_shortfall(first: int, last: int, events: list[int], gaps: list[tuple[int, int]]) -> None:
    assert not accounts_for(first, last, [event(pos) for pos in events], [gap(*ends) for ends in gaps])


def test_only_what_is_above_the_cursor_in_order_of_position() -> None:
    assert above(2, [event(4), event(2), event(3)]) == [event(3), event(4)]


def test_gaps_are_cut_off_at_the_cursor() -> None:
    assert gaps_above(4, [gap(1, 4), gap(3, 6), gap(8, 9)]) == [gap(5, 6), gap(8, 9)]


@given(st.lists(st.sampled_from("eg"), max_size=30), st.integers(0, 10), st.data())
def test_what_a_frame_accounts_for_it_accounts_for_above_any_cursor(
    kinds: list[str], first: int, data: st.DataObject
) -> None:
    last = first + len(kinds)
    places = list(zip(range(first + 1, last + 1), kinds, strict=True))
    events = [event(pos) for pos, kind in places if kind == "e"]
    gaps = [gap(pos, pos) for pos, kind in places if kind == "g"]
    assert accounts_for(first, last, events, gaps)

    cursor = data.draw(st.integers(first, last))
    assert accounts_for(cursor, last, above(cursor, events), gaps_above(cursor, gaps))
