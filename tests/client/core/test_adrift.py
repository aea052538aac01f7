"""Changes that wait for the place of their message."""

from __future__ import annotations

from client.core.adrift import Adrift, loose, moored
from client.core.lane import LaneQueue
from client.core.model import Row
from protocol.packets import Relation
from protocol.values import Lid, replace
from tests.helpers.machines import NO, C, D, dg, row


def change(lid: int, target: str, pos: int = 5, **more: object) -> Row:
    return replace(row(lid, lid, f"change {lid}"), rel=Relation("react", pos), target=dg(target), **more)


def test_what_is_adrift_has_no_number_and_does_not_ask() -> None:
    adrift = Adrift()
    kept = adrift.keep(change(4, "hello", parked=True, pd=dg("before")))

    assert (kept.n, kept.pd, kept.parked) == (0, NO, False)
    assert Lid(4) in adrift
    assert adrift.take(Lid(4)) == kept
    assert Lid(4) not in adrift


def test_it_is_found_by_the_message_it_is_about_in_the_order_written() -> None:
    adrift = Adrift()
    first, other = adrift.keep(change(4, "hello")), adrift.keep(change(5, "goodbye"))
    second = adrift.keep(change(6, "hello"))

    assert adrift.about(D, dg("hello")) == []
    assert adrift.about(C, dg("hello")) == [first, second]
    assert adrift.about(C, dg("hello")) == []
    assert adrift.take(Lid(5)) == other


def test_only_what_needs_a_place_above_the_base_comes_loose() -> None:
    lane = LaneQueue(C)
    rows = (
        row(1, 1, "words"),
        change(2, "below", pos=3),
        change(3, "above", pos=4),
        change(4, "above", pos=4, wish="cancel"),
    )
    for each in rows:
        lane.append(each, 0.0)

    assert [waiting.row.lid for waiting in loose(lane, 3)] == [3]


def test_a_new_place_changes_nothing_else() -> None:
    assert moored(change(4, "hello"), 9) == change(4, "hello", pos=9)
