"""One sum over all conversations (P-46)."""

from __future__ import annotations

from protocol.heads import sum_of
from protocol.values import ConvId


def test_the_sum_does_not_depend_on_the_order() -> None:
    here = [(ConvId("a"), 3, 1), (ConvId("b"), 5, 0)]
    assert sum_of(here) == sum_of(reversed(here))
    assert len(sum_of(here)) == 22


def test_any_difference_shows() -> None:
    base = sum_of([(ConvId("a"), 3, 1)])
    others = [[(ConvId("a"), 4, 1)], [(ConvId("a"), 3, 2)], [(ConvId("b"), 3, 1)], []]
    assert base not in {sum_of(other) for other in others}
    assert sum_of([(ConvId("a"), 12, 3)]) != sum_of([(ConvId("a"), 1, 23)])
