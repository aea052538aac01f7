"""What is kept of messages with files: whether they were heard, and in which order which kinds are found."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from client.adapters.sqlite_media import BEFORE, LIDS
from client.adapters.sqlite_messages import SqliteMessages
from client.adapters.sqlite_schema import FILE_NAME
from client.core.effects import SaveArrived, SaveFetched, SaveHeard
from client.core.model import Bubble, Me, MediaKind, Member
from protocol.codec import to_text
from protocol.content import PLAIN, Attachment, Body, Content, File, Picture, Text, Video, Voice, pack
from protocol.lanes import digest
from protocol.packets import Event
from protocol.values import ConvId, Did, Lid, MediaId, Uid

ALICE, BOB, DESK = Uid("alice"), Uid("bob"), Did("21")
CHAT, TEAM = ConvId("chat"), ConvId("team")
ME = Me(ALICE, Did("12"), "Alice", "token", "http://127.0.0.1:1")
FACES: tuple[MediaKind, ...] = ("picture", "video")
FILE = Attachment(MediaId("m" * 22), "a", "image/jpeg", 5, "ab" * 32, waveform=b"\0" * 63)


@pytest.fixture
async def messages(tmp_path: Path) -> AsyncIterator[SqliteMessages]:
    store = SqliteMessages(tmp_path / "profile")
    await store.open()
    await store.become(ME)
    yield store
    await store.close()


def came(*bodies: Body, conv: ConvId = CHAT) -> SaveArrived:
    """Bob said these, one after the other."""
    events = []
    for pos, body in enumerate(bodies, 1):
        data = pack(Content(BOB, conv, pos.to_bytes(8, "big"), 5, body))
        events.append(Event(pos, 1_000 + pos, BOB, DESK, pos, digest(conv, data), PLAIN, to_text(data)))
    pair = (Member(ALICE, "Alice"), Member(BOB, "Bob"))
    count = len(bodies)
    return SaveArrived(conv, tuple(events), (), count, count, form="direct", members=pair)


async def lid_at(messages: SqliteMessages, pos: int) -> Lid:
    [lid] = await messages.lids_at(CHAT, pos, pos)
    return lid


def places(bubbles: list[Bubble]) -> list[int]:
    return [bubble.pos for bubble in bubbles]


async def test_what_was_heard_is_still_heard_after_a_restart(messages: SqliteMessages, tmp_path: Path) -> None:
    await messages.save([came(Voice(FILE), Voice(FILE))])
    lid = await lid_at(messages, 1)
    [bubble] = await messages.save([SaveHeard(lid)])
    assert bubble.heard

    await asyncio.to_thread(shutil.copytree, tmp_path / "profile", tmp_path / "killed")
    again = SqliteMessages(tmp_path / "killed")
    await again.open()
    try:
        assert [bubble.heard for bubble in await again.page(CHAT)] == [True, False]
    finally:
        await again.close()


async def test_the_media_of_a_conversation_come_in_pages_by_kind(messages: SqliteMessages) -> None:
    await messages.save([
        came(Picture(FILE), Text("words"), Voice(FILE), Video(FILE), File(FILE), Picture(FILE)),
        came(Picture(FILE), conv=TEAM),
    ])  # fmt: skip

    newest = await messages.media(CHAT, FACES, limit=2)
    assert places(newest) == [4, 6]
    assert places(await messages.media(CHAT, FACES, before=newest[0].order)) == [1]
    assert places(await messages.media(CHAT, FACES, after=newest[0].order)) == [6]
    assert places(await messages.media(CHAT, ("voice",))) == [3]
    assert places(await messages.media(CHAT, ("file",))) == [5]
    assert await messages.media(CHAT, ()) == []
    assert await messages.media_lids(CHAT, FACES) == [await lid_at(messages, pos) for pos in (1, 4, 6)]


async def test_what_is_no_picture_is_found_among_the_files(messages: SqliteMessages) -> None:
    await messages.save([came(Picture(FILE))])
    lid = await lid_at(messages, 1)
    await messages.save([SaveFetched(lid, "/here", why="media_not_as_said", at_ms=7)])

    assert await messages.media_lids(CHAT, FACES) == []
    [bubble] = await messages.media(CHAT, ("file",))
    assert isinstance(bubble.body, File)


async def test_media_are_found_without_reading_the_words_between(messages: SqliteMessages, tmp_path: Path) -> None:
    facts = {"conv": CHAT, "kinds": "[]", "place": 1, "lid": 1, "limit": 1}
    with sqlite3.connect(tmp_path / "profile" / FILE_NAME) as db:
        for sql in (BEFORE, LIDS):
            plan = " ".join(row[3] for row in db.execute(f"explain query plan {sql}", facts))
            assert "bubble_media" in plan
    db.close()
