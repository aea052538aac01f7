"""Hello and welcome: versions, silence, sums."""

from __future__ import annotations

import pytest

from protocol.heads import sum_of
from protocol.packets import Head, Hello
from protocol.values import Token
from server.core.events import Begun
from server.core.greeting import FEATURES, LIMITS, silence_s, sum_of_heads, understood, version_of, welcome
from tests.helpers.wire import ALICE, TALK

HEADS = (Head(TALK, 5, 2),)


@pytest.mark.parametrize(("offered", "version"), [((1, 1), 1), ((1, 9), 1), ((0, 1), 1), ((2, 3), 0), ((0, 0), 0)])
def test_the_newest_common_version_is_chosen(offered: tuple[int, int], version: int) -> None:
    assert version_of(offered) == version


def test_what_must_be_understood_is_looked_at() -> None:
    assert understood(Hello((1, 1), Token("t")))
    assert not understood(Hello((1, 1), Token("t"), crit=("sealed",)))
    assert not understood(Hello((2, 2), Token("t")))


def test_silence_is_borne_within_bounds() -> None:
    assert [silence_s(every_s) for every_s in (0, 30, 100, 9_999)] == [75.0, 75.0, 250.0, 600.0]


def test_heads_are_left_out_when_nothing_is_new() -> None:
    begun = Begun(7, "1.ab", 5_000, HEADS)
    first = welcome(Hello((1, 1), Token("t")), ALICE, begun)
    assert (first.v, first.sn, first.gen, first.ts, first.uid, first.did, first.name) == (
        (1, 7, "1.ab", 5_000, ALICE.uid, ALICE.did, "Alice")
    )
    assert (first.feat, first.limits, first.same, first.heads) == (FEATURES, LIMITS, False, HEADS)
    assert sum_of_heads(HEADS) == sum_of([(TALK, 5, 2)])
    again = welcome(Hello((1, 1), Token("t"), gen="1.ab", sum=sum_of_heads(HEADS)), ALICE, begun)
    assert (again.same, again.heads) == (True, ())
    other = welcome(Hello((1, 1), Token("t"), gen="0.cd", sum=sum_of_heads(HEADS)), ALICE, begun)
    assert other.heads == HEADS
