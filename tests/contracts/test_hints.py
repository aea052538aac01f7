"""Who may be told about whom, over each store there is."""

from __future__ import annotations

import pytest

from protocol.values import ConvId, Did, Uid
from server.core.presence import Known
from server.core.values import Identity
from tests.contracts.test_store import House, house  # noqa: F401 - a fixture
from tests.helpers.wire import ALICE, BOB, CAROL, TABLET

ALL = (ALICE.uid, BOB.uid, CAROL.uid, Uid("nobody"))


async def crowd(house: House, others: int) -> ConvId:  # noqa: F811
    """A group of Alice and so many more."""
    for n in range(others):
        await house.sql("insert into account (uid, name, made_ms) values (?, ?, 0)", f"m{n:03}", f"Member {n}")
    await house.sql("insert into conv (conv, head, ts, form) values ('crowd', 9, 0, 'group')")
    for uid in (ALICE.uid, *(f"m{n:03}" for n in range(others))):
        await house.sql("insert into listing values (?, 'crowd')", uid)
        await house.sql("insert into member (conv, uid, since) values ('crowd', ?, 1)", uid)
    return ConvId("crowd")


async def test_the_others_are_told_who_writes(house: House) -> None:  # noqa: F811
    assert await house.store.audience(ALICE, house.talk) == (BOB.uid,)
    assert await house.store.audience(CAROL, house.talk) == ()
    assert await house.store.audience(ALICE, ConvId("nowhere")) == ()


async def test_who_left_neither_tells_nor_hears(house: House) -> None:  # noqa: F811
    group = await house.opens(ALICE, BOB, CAROL, group=True, x="g")
    await house.sql("update member set until = 4 where conv = ? and uid = ?", group, CAROL.uid)
    assert await house.store.audience(ALICE, group) == (BOB.uid,)
    assert await house.store.audience(CAROL, group) == ()


@pytest.mark.parametrize("silent", [ALICE, BOB])
async def test_who_does_not_tell_is_not_told_either(house: House, silent: Identity) -> None:  # noqa: F811
    await house.sql("update account set presence = 0 where uid = ?", silent.uid)
    assert await house.store.audience(ALICE, house.talk) == ()
    assert await house.store.audience(BOB, house.talk) == ()
    assert await house.store.acquainted(ALICE.uid, ALL) == ()
    assert await house.store.acquainted(BOB.uid, ALL) == ()


@pytest.mark.parametrize("blocker", [ALICE, BOB])
async def test_a_block_ends_hints_both_ways(house: House, blocker: Identity) -> None:  # noqa: F811
    sql = "update member set blocked = 1 where conv = ? and uid = ?"
    await house.sql(sql, house.talk, blocker.uid)
    await house.opens(ALICE, BOB, CAROL, group=True, x="g")
    assert await house.store.audience(ALICE, house.talk) == ()
    assert await house.store.audience(BOB, house.talk) == ()
    assert BOB.uid not in {known.uid for known in await house.store.acquainted(ALICE.uid, ALL)}
    assert ALICE.uid not in {known.uid for known in await house.store.acquainted(BOB.uid, ALL)}


async def test_in_a_large_conversation_nobody_is_told_who_writes(house: House) -> None:  # noqa: F811
    large = await crowd(house, 32)
    assert await house.store.audience(ALICE, large) == ()
    await house.sql("update member set until = 9 where conv = 'crowd' and uid = 'm000'")
    assert len(await house.store.audience(ALICE, large)) == 31


async def test_only_people_of_a_current_conversation_are_acquainted(house: House) -> None:  # noqa: F811
    assert {known.uid for known in await house.store.acquainted(ALICE.uid, ALL)} == {BOB.uid}
    group = await house.opens(ALICE, CAROL, group=True, x="g")
    assert {known.uid for known in await house.store.acquainted(ALICE.uid, ALL)} == {BOB.uid, CAROL.uid}
    assert {known.uid for known in await house.store.acquainted(CAROL.uid, ALL)} == {ALICE.uid}
    await house.sql("update member set until = 4 where conv = ? and uid = ?", group, CAROL.uid)
    assert {known.uid for known in await house.store.acquainted(ALICE.uid, ALL)} == {BOB.uid}
    assert await house.store.acquainted(CAROL.uid, ALL) == ()


async def test_when_devices_were_seen_is_kept_and_only_climbs(house: House) -> None:  # noqa: F811
    assert await house.store.seen_ms(BOB.did) == 0
    await house.store.saw([BOB.did])
    house.clock.ms += 5_000
    await house.store.saw([TABLET.did])
    house.clock.ms -= 60_000
    await house.store.saw([BOB.did, TABLET.did])
    assert await house.store.seen_ms(BOB.did) == 1_000_000
    assert await house.store.seen_ms(Did("5")) == 0
    (bob,) = await house.store.acquainted(ALICE.uid, (BOB.uid,))
    assert bob == Known(BOB.uid, 1_005_000)
