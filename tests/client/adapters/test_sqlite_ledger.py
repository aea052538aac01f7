"""The ledger in the profile's database: what is put in, summed, and let go of; and which files bubbles show."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from client.adapters.sqlite_ledger import DAY_MS, KEPT_DAYS
from client.adapters.sqlite_messages import SqliteMessages
from client.core.effects import SaveFetch, SaveFetched, SaveState, SaveUpload
from client.core.model import Me, State, Upload, Wanted
from client.core.spending import Because, CachedFile, Spending, Spent
from protocol.values import ConvId, Did, Lid, MediaId, Uid, replace

NOON_MS = 1_700_000_000_000 // DAY_MS * DAY_MS + DAY_MS // 2
ANNA, TEAM, NOWHERE = ConvId("c-anna"), ConvId("c-team"), ConvId("")


@pytest.fixture
async def messages(tmp_path: Path) -> AsyncIterator[SqliteMessages]:
    made = SqliteMessages(tmp_path / "profile")
    await made.open()
    await made.become(Me(Uid("u"), Did("77"), "alice", "token", "http://127.0.0.1:1"))
    yield made
    await made.close()


def spent(at_ms: int = NOON_MS, conv: ConvId = ANNA, lid: int = 0, sent: int = 10, received: int = 100) -> Spent:
    return Spent(at_ms, Because("download", Lid(lid), conv), "GET", "/v1/media/m", sent, received, 200)


def upload(lid: int, path: str = "/elsewhere/a.png", media: str = "") -> SaveUpload:
    kind, name = "picture", "a.png"
    return SaveUpload(
        Upload(Lid(lid), ANNA, lid, path, name, kind, "", b"nonce", 1, media=MediaId(media))  # type: ignore[arg-type]
    )


async def test_rows_come_back_as_they_were_newest_first(messages: SqliteMessages) -> None:
    first, second = spent(), replace(spent(NOON_MS + 1, TEAM), because=Because("upload", Lid(0), TEAM))
    assert await messages.spend([first, second], NOON_MS) == [1, 2]

    assert await messages.spent(0, NOWHERE, 10) == [replace(second, id=2), replace(first, id=1)]
    assert await messages.spent(0, ANNA, 10) == [replace(first, id=1)]
    assert await messages.spent(NOON_MS + 1, NOWHERE, 10) == [replace(second, id=2)]
    assert len(await messages.spent(0, NOWHERE, 1)) == 1


async def test_a_row_with_an_id_takes_the_place_of_the_one_that_has_it(messages: SqliteMessages) -> None:
    [number] = await messages.spend([replace(spent(), status=0)], NOON_MS)
    more = replace(spent(received=5_000), id=number)

    assert await messages.spend([more, spent()], NOON_MS) == [number, number + 1]
    assert (await messages.spent(0, NOWHERE, 10))[-1] == more


async def test_the_conversation_is_found_by_the_bubble(messages: SqliteMessages) -> None:
    await messages.save([upload(7)])
    await messages.spend([spent(conv=NOWHERE, lid=7), spent(conv=NOWHERE, lid=8)], NOON_MS)

    assert [row.because.conv for row in await messages.spent(0, NOWHERE, 10)] == [NOWHERE, ANNA]


async def test_a_day_and_a_conversation_are_one_sum(messages: SqliteMessages) -> None:
    yesterday = NOON_MS - DAY_MS
    rows = [spent(), spent(sent=1, received=2), spent(conv=TEAM, received=900), spent(yesterday, NOWHERE)]
    await messages.spend(rows, NOON_MS)

    [team, anna, before] = await messages.spending(0)
    assert (team.conv, team.requests, team.sent_bytes, team.received_bytes) == (TEAM, 1, 10, 900)
    assert anna == Spending(team.day, ANNA, 2, 11, 102)
    assert before.conv == NOWHERE
    assert before.day < team.day
    assert await messages.spending(NOON_MS) == [team, anna]


async def test_rows_are_kept_for_ninety_days(messages: SqliteMessages) -> None:
    await messages.spend([spent(NOON_MS - KEPT_DAYS * DAY_MS), spent(NOON_MS - KEPT_DAYS * DAY_MS - 1)], NOON_MS)

    assert [row.at_ms for row in await messages.spent(0, NOWHERE, 10)] == [NOON_MS - KEPT_DAYS * DAY_MS]


async def test_what_is_being_sent_is_busy(messages: SqliteMessages) -> None:
    await messages.save([upload(1, "/cache/a"), upload(2, "/cache/a"), upload(3, "/cache/b")])

    assert await messages.shown_files() == [
        CachedFile("/cache/a", "picture", (Lid(1), Lid(2)), busy=True),
        CachedFile("/cache/b", "picture", (Lid(3),), busy=True),
    ]


async def test_what_is_not_shown_any_more_is_not_named(messages: SqliteMessages) -> None:
    await messages.save([upload(1, "/cache/a"), SaveState(Lid(1), State.REFUSED), SaveFetched(Lid(1), "")])

    assert await messages.shown_files() == []


async def test_what_is_on_its_way_is_known_by_its_hash(messages: SqliteMessages) -> None:
    await messages.save([upload(1)])
    await messages.save([SaveFetch(Wanted(Lid(1), MediaId("m"), 10, "a" * 64, "x", held=True))])

    assert await messages.wanted_files() == {"a" * 64}
