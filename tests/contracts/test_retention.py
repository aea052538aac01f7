"""What is not kept for ever: from the bottom, in steps, and never the end of a lane (P-28, P-83, P-84, B29, B30)."""

from __future__ import annotations

import pytest

from protocol.lanes import NO_DIGEST
from protocol.packets import Gap, StatusKey, VoidR
from server.core.acceptance import Removed, Settled, Taken
from server.core.moves import Move
from server.stores import sqlite_retention
from server.stores.sqlite_retention import SqliteRetention
from tests.contracts.test_store import House, house, uploaded  # noqa: F401 - a fixture
from tests.helpers.wire import ALICE, BOB, msg, offer

NEVER = 0


@pytest.fixture
def retention(house: House) -> SqliteRetention:  # noqa: F811
    return SqliteRetention(house.scheduler)


async def everything(retention: SqliteRetention, before_ms: int = NEVER, most: int = 0) -> int:
    gone = 0
    while some := await retention.expire(before_ms, most):
        gone += some
    return gone


async def table(house: House, sql: str) -> list[tuple[object, ...]]:  # noqa: F811
    return await house.scheduler.read(lambda db: db.execute(sql).fetchall())


async def test_nothing_goes_by_itself(house: House, retention: SqliteRetention) -> None:  # noqa: F811
    await house.says("one", "two")
    assert await everything(retention) == 0
    assert await retention.trim() == 0
    assert (await house.page(0)).gaps == ()


async def test_what_is_older_goes_and_leaves_a_gap(house: House, retention: SqliteRetention) -> None:  # noqa: F811
    """B29: a frame accounts for every position."""
    await house.says("one", "two")  # 4, 5
    house.clock.ms += 1_000_000
    await house.says("three", who=BOB)  # 6
    assert await everything(retention, before_ms=house.clock.ms) == 5
    page = await house.page(0)
    assert page.gaps == (Gap(1, 5, "expired"),)
    assert [event.pos for event in page.events] == [6]
    assert (page.from_, page.to, page.head) == (0, 6, 6)
    assert await everything(retention, before_ms=house.clock.ms) == 0


async def test_only_so_many_are_kept_of_each_conversation(
    house: House,  # noqa: F811
    retention: SqliteRetention,
) -> None:
    await house.says(*(f"text {n}" for n in range(9)))  # 4…12
    assert await everything(retention, most=4) == 8
    page = await house.page(2)
    assert page.gaps == (Gap(3, 8, "expired"),)
    assert [event.pos for event in page.events] == [9, 10, 11, 12]


async def test_a_step_is_small_and_leaves_everything_whole(
    house: House,  # noqa: F811
    retention: SqliteRetention,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sqlite_retention, "ROWS_A_STEP", 2)
    await house.says(*(f"text {n}" for n in range(9)))
    left = 12
    while some := await retention.expire(house.clock.ms + 60_000, 3):
        assert some <= 2
        left -= some
        page = await house.page(0)
        assert page.gaps == ((Gap(1, 12 - left, "expired"),))
        assert len(page.events) == left
    assert left == 0
    (answer,) = await house.says("after all", who=BOB)
    assert answer.event.pos == 13
    assert await retention.trim() == 8


async def test_numbers_go_in_order_and_the_highest_stays(house: House, retention: SqliteRetention) -> None:  # noqa: F811
    """B30: `last` and `ld` survive for ever."""
    await house.says("one", "two", "three")
    assert await everything(retention, before_ms=house.clock.ms + 60_000) == 6
    assert await retention.trim() == 2
    assert await retention.trim() == 0
    assert await table(house, "select n from slot") == [(3,)]
    old, again = await house.offers(msg(1, "one", conv=house.talk), msg(3, "three", house.dg("two"), conv=house.talk))
    assert old == Removed(offer(msg(1, "one", conv=house.talk)), 3, house.dg("three"))
    assert isinstance(again, Settled)
    assert (again.shown.pos, again.last) == (6, 3)
    (next_one,) = await house.offers(msg(4, "four", house.dg("three"), conv=house.talk))
    assert isinstance(next_one, Taken)
    assert next_one.event.pos == 7
    (state,) = await house.store.states(ALICE, (StatusKey(house.talk, 1, house.dg("one")),))
    assert (state.fate, state.last) == ("gone", 4)


async def test_cancelled_numbers_go_only_below_a_removed_message(
    house: House,  # noqa: F811
    retention: SqliteRetention,
) -> None:
    await house.offers(
        VoidR(house.talk, 1, NO_DIGEST, house.dg("no")),
        msg(2, "one", house.dg("no"), conv=house.talk),
        VoidR(house.talk, 3, house.dg("one"), house.dg("not either")),
    )
    assert await everything(retention, before_ms=house.clock.ms + 60_000) == 4
    assert await retention.trim() == 1
    assert await table(house, "select n, kind from slot order by n") == [(2, 0), (3, 1)]


async def test_other_lanes_and_conversations_keep_theirs(house: House, retention: SqliteRetention) -> None:  # noqa: F811
    await house.says("one", "two")
    house.clock.ms += 1_000_000
    await house.says("mine", "also mine", who=BOB)
    await everything(retention, before_ms=house.clock.ms)
    await retention.trim()
    assert sorted(await table(house, "select did, n from slot")) == [(100, 2), (2000, 1), (2000, 2)]


async def test_files_go_when_nothing_names_them(house: House, retention: SqliteRetention) -> None:  # noqa: F811
    picture = await uploaded(house, "picture", house.talk, ALICE.did)
    await house.offers(msg(1, "look", conv=house.talk, media=(picture,)))
    assert await table(house, "select pos from pin") == [(4,)]
    await everything(retention, before_ms=house.clock.ms + 60_000)
    assert await table(house, "select pos from pin") == []


async def test_cursors_and_marks_stay(house: House, retention: SqliteRetention) -> None:  # noqa: F811
    await house.says("one", "two")
    await house.store.climb([Move(BOB, house.talk, 4)])
    await everything(retention, before_ms=house.clock.ms + 60_000)
    (moved,) = await house.store.climb([Move(BOB, house.talk, 5)])
    assert (moved.code, moved.cursor) == ("", 5)
