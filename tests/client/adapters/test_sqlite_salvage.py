"""F-25: a damaged profile is put aside, made anew, and nothing that waited is lost that could be read."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random  # noqa: TID251 - seeded: which bits are flipped

import pytest

from client.adapters import sqlite_salvage
from client.adapters.sqlite_messages import SqliteMessages
from client.adapters.sqlite_salvage import ASIDE, READY, Salvaged
from client.adapters.sqlite_schema import FILE_NAME, LOCK_NAME
from client.core.effects import SaveArrived, SaveComposed, SaveState, SaveUpload
from client.core.model import Lane, Me, Memory, State, Upload
from protocol.codec import to_text
from protocol.content import PLAIN, Content, Text, pack
from protocol.lanes import NO_DIGEST, digest
from protocol.packets import Event
from protocol.problems import DataCorrupt
from protocol.values import ConvId, Did, Digest, Lid, Uid

CHAT = ConvId("chat")
ME = Me(Uid("alice"), Did("12"), "Alice", "token", "http://127.0.0.1:1", "1.aa")
PAGE_BYTES = 4096
UPLOAD = Upload(Lid(900), CHAT, 1, "/tmp/photo.jpg", "photo.jpg", "auto", "", bytes(8), 5)


def content(number: int) -> bytes:
    return pack(Content(ME.uid, CHAT, number.to_bytes(8, "big"), number, Text(f"text {number} " + "x" * 300)))


def dg(number: int) -> Digest:
    return digest(CHAT, content(number)) if number else NO_DIGEST


def composed(number: int) -> SaveComposed:
    lane = Lane(number, dg(number), 0)
    return SaveComposed(Lid(number), CHAT, number, dg(number - 1), dg(number), content(number), (), number, lane)


def heard(pos: int) -> Event:
    said = pack(Content(Uid("bob"), CHAT, pos.to_bytes(8, "big"), pos, Text(f"heard {pos} " + "y" * 500)))
    return Event(pos, pos, Uid("bob"), Did("99"), pos, digest(CHAT, said), PLAIN, to_text(said))


async def profile(folder: Path, waiting: int = 40) -> None:
    """A person with 200 messages of history, `waiting` messages that wait, a draft and a setting."""
    messages = SqliteMessages(folder)
    await messages.open()
    await messages.become(ME)
    await messages.save([SaveArrived(CHAT, tuple(heard(pos) for pos in range(1, 201)), (), 200, 200)])
    await messages.save([composed(number) for number in range(1, waiting + 1)])
    await messages.save([SaveState(Lid(2), State.NEEDS_YOU, parked=True)])
    await messages.save([SaveState(Lid(3), State.CANCELLING, "cancel")])
    await messages.save([SaveUpload(UPLOAD)])
    await messages.set_draft(CHAT, "not sent yet")
    await messages.set_setting("settings", "{}")
    await messages.close()


async def reopened(folder: Path) -> tuple[Salvaged | None, Memory]:
    (folder / LOCK_NAME).write_bytes(b"open data")  # the last holder was killed: the start looks for damage
    messages = SqliteMessages(folder)
    await messages.open()
    try:
        return messages.salvaged, await messages.load()
    finally:
        await messages.close()


def pages_of(path: Path, name: str) -> list[int]:
    """The pages, counted from 0, of one table or index."""
    with closing(sqlite3.connect(path)) as db:
        try:
            return [page - 1 for (page,) in db.execute("select pageno from dbstat where name = ?", (name,))]
        except sqlite3.OperationalError:
            pytest.skip("this SQLite was built without dbstat, which says where a table lies")


def files_of(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def spoil(path: Path, page: int) -> None:
    data = bytearray(path.read_bytes())
    data[page * PAGE_BYTES : (page + 1) * PAGE_BYTES] = b"\xa5" * PAGE_BYTES
    path.write_bytes(data)


async def test_a_whole_profile_is_left_as_it_is(tmp_path: Path) -> None:
    await profile(tmp_path)
    salvaged, memory = await reopened(tmp_path)
    assert salvaged is None
    assert (len(memory.rows), memory.rooms[0].cursor) == (40, 200)
    assert files_of(tmp_path) == [LOCK_NAME, FILE_NAME]


@pytest.mark.parametrize("table", ["bubble", "bubble_order", "bubble_dg", "sqlite_autoindex_chat_1", "person", "trace"])
async def test_damage_elsewhere_costs_nothing_that_waits(tmp_path: Path, table: str) -> None:
    await profile(tmp_path)
    before = (tmp_path / FILE_NAME).read_bytes()
    spoil(tmp_path / FILE_NAME, pages_of(tmp_path / FILE_NAME, table)[-1])
    damaged = (tmp_path / FILE_NAME).read_bytes()
    assert damaged != before

    salvaged, memory = await reopened(tmp_path)
    assert salvaged is not None
    assert salvaged.waiting == 41
    assert memory.me == ME
    assert [(row.n, row.pd, row.dg, row.content) for row in memory.rows] == [
        (number, dg(number - 1), dg(number), content(number)) for number in range(1, 41)
    ]
    assert memory.rows[1].parked
    assert memory.rows[2].wish == "cancel"
    assert [upload.lid for upload in memory.uploads] == [900]
    room = next(room for room in memory.rooms if room.conv == CHAT)
    assert (room.cursor, room.rev, room.lane.n) == (0, 0, 40), "the log is read again from its beginning"
    assert (tmp_path / ASIDE.format(1)).read_bytes() == damaged, "what was damaged is kept as it was"

    messages = SqliteMessages(tmp_path)
    await messages.open()
    assert [entry.draft for entry in await messages.chats()] == ["not sent yet"]
    assert await messages.setting("settings") == "{}"
    assert [bubble.state for bubble in await messages.page(CHAT)][:3] == [
        State.QUEUED, State.NEEDS_YOU, State.CANCELLING,
    ]  # fmt: skip
    assert messages.salvaged is None
    await messages.close()


async def test_of_a_damaged_outbox_every_readable_row_is_kept(tmp_path: Path) -> None:
    await profile(tmp_path, waiting=200)
    leaves = pages_of(tmp_path / FILE_NAME, "outbox")[1:]
    spoil(tmp_path / FILE_NAME, leaves[len(leaves) // 2])

    salvaged, memory = await reopened(tmp_path)
    assert salvaged is not None
    kept = {row.n for row in memory.rows}
    assert 150 < len(kept) < 200
    assert {1, 200} <= kept
    assert all(row.content == content(row.n) for row in memory.rows)


async def test_words_that_changed_into_others_are_not_sent(tmp_path: Path) -> None:
    """The digest of a message that waits says whether these are the bytes that were written (P-5)."""
    await profile(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
        db.execute("update outbox set bytes = cast('{}' as blob) where n = 7")
        db.execute("update me set gen = gen where 0")
        db.commit()
    spoil(tmp_path / FILE_NAME, pages_of(tmp_path / FILE_NAME, "trace")[-1])

    salvaged, memory = await reopened(tmp_path)
    assert salvaged is not None
    assert salvaged.lost >= 1
    assert [row.n for row in memory.rows] == [n for n in range(1, 41) if n != 7]


async def test_without_its_bubble_a_message_asks_before_it_goes(tmp_path: Path) -> None:
    """Nobody knows then whether it was to change another one."""
    await profile(tmp_path)
    for page in pages_of(tmp_path / FILE_NAME, "bubble"):
        spoil(tmp_path / FILE_NAME, page)
    salvaged, memory = await reopened(tmp_path)
    assert salvaged is not None
    assert [row.n for row in memory.rows] == list(range(1, 41))
    assert all(row.parked for row in memory.rows)


@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: b"\0" * len(data), lambda data: data[:5000], lambda data: b"no" * 5000]
)
async def test_without_the_account_nothing_is_touched(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    await profile(tmp_path)
    path = tmp_path / FILE_NAME
    path.write_bytes(left := damage(path.read_bytes()))
    for _ in range(2):
        with pytest.raises(DataCorrupt):
            await reopened(tmp_path)
    assert path.read_bytes() == left
    assert files_of(tmp_path) == [LOCK_NAME, FILE_NAME]


async def test_rows_that_make_no_sense_are_put_right_at_the_start(tmp_path: Path) -> None:
    await profile(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
        db.execute("update upload set data = cast('{' as blob)")
        db.commit()
    messages = SqliteMessages(tmp_path)  # after an orderly end
    await messages.open()
    assert messages.salvaged == Salvaged(waiting=40, lost=1)
    await messages.close()


async def test_damage_that_reading_meets_is_put_right_by_the_next_start(tmp_path: Path) -> None:
    await profile(tmp_path)
    spoil(tmp_path / FILE_NAME, (tmp_path / FILE_NAME).read_bytes().index(b"heard 100 ") // PAGE_BYTES)
    messages = SqliteMessages(tmp_path)
    await messages.open()
    assert messages.salvaged is None
    with pytest.raises(DataCorrupt):
        await messages.page(CHAT, before=(250, 0), limit=100)
    await messages.close()
    messages = SqliteMessages(tmp_path)
    await messages.open()
    assert messages.salvaged is not None
    assert len((await messages.load()).rows) == 40
    await messages.close()


class Died(BaseException):
    """The plug was pulled."""


@pytest.mark.parametrize("at", range(1, 9))
async def test_a_crash_at_any_step_leaves_the_old_one_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    await profile(tmp_path)
    spoil(tmp_path / FILE_NAME, pages_of(tmp_path / FILE_NAME, "trace")[-1])
    steps = 0

    def dying(step: Callable[..., object]) -> Callable[..., object]:
        def perhaps(*words: object) -> object:
            nonlocal steps
            steps += 1
            if steps == at:
                raise Died()
            return step(*words)

        return perhaps

    with monkeypatch.context() as mortal:
        mortal.setattr(os, "replace", dying(os.replace))
        mortal.setattr(sqlite_salvage, "_keep_beside", dying(sqlite_salvage._keep_beside))
        mortal.setattr(sqlite_salvage, "_sync_folder", dying(sqlite_salvage._sync_folder))
        mortal.setattr(sqlite_salvage, "_carry", dying(sqlite_salvage._carry))
        (tmp_path / LOCK_NAME).write_bytes(b"open data")
        messages = SqliteMessages(tmp_path)
        try:
            await messages.open()
        except Died:
            assert steps == at
        await messages.close()
    _, memory = await reopened(tmp_path)
    assert [row.n for row in memory.rows] == list(range(1, 41))
    assert not (tmp_path / READY).exists()
    assert ASIDE.format(1) in files_of(tmp_path)


async def test_random_flips_are_found_or_harm_nothing(tmp_path: Path) -> None:
    """Whatever is flipped: the start works or says *damaged*, and what waits is what was written, or asks."""
    await profile(tmp_path / "whole")
    whole = (tmp_path / "whole" / FILE_NAME).read_bytes()
    dice = Random(25)
    rebuilt = 0
    for number in range(60):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        data = bytearray(whole)
        for _ in range(dice.choice((1, 8, 64))):
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        (folder / FILE_NAME).write_bytes(data)
        try:
            salvaged, memory = await reopened(folder)
        except DataCorrupt:
            continue
        rebuilt += salvaged is not None
        if salvaged is not None:
            assert all(digest(row.conv, row.content) == row.dg for row in memory.rows)
    assert rebuilt >= 10
