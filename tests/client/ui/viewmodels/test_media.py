"""The media of a conversation as a list: newest first, page by page, and true to what changes."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from PySide6.QtCore import QModelIndex, Qt
from pytestqt.qtbot import QtBot

from client.core.model import Bubble, State, TransferProgress
from client.ui.viewmodels.media import PAGE, ROW, MediaModel
from client.ui.viewmodels.rows import Playing
from protocol.content import Text
from protocol.values import ConvId, Lid, replace
from tests.stages import people
from tests.stages.shelf_chat import ShelfChat


def shots(count: int) -> list[Bubble]:
    diary = people.Diary()
    for _ in range(count):
        diary.hear(people.ANNA, people.photo()).hear(people.ANNA, Text("words"))
    return diary.bubbles


class Desk:
    """A model over a shelf; what it starts is run when the test says so."""

    def __init__(self, bubbles: list[Bubble]) -> None:
        self.chat = ShelfChat(bubbles)
        self.started: list[Coroutine[Any, Any, None]] = []
        self.model = MediaModel(self.chat, self.started.append, lambda uid: f"<{uid}>")
        self.loaded: list[bool] = []
        self.model.loaded.connect(lambda: self.loaded.append(True))

    def open(self, *kinds: str) -> None:
        asyncio.run(self.model.open(people.CONV, kinds))  # type: ignore[arg-type]

    def lids(self) -> list[int]:
        return [self.model.row(place).lid for place in range(self.model.rowCount())]

    def run(self) -> None:
        while self.started:
            asyncio.run(self.started.pop(0))


def test_the_newest_come_first_and_older_ones_when_they_are_wanted(qtbot: QtBot) -> None:
    desk = Desk(shots(PAGE + 5))
    assert desk.model.empty
    desk.open("picture", "video")
    newest = 2 * (PAGE + 5) - 1
    assert desk.lids() == list(range(newest, newest - 2 * PAGE, -2))
    assert desk.started == []
    assert desk.model.canFetchMore(QModelIndex())

    desk.model.fetchMore(QModelIndex())
    desk.run()
    assert desk.lids()[-1] == 1
    assert len(desk.lids()) == PAGE + 5
    assert not desk.model.canFetchMore(QModelIndex())
    desk.model.fetchMore(QModelIndex())
    assert desk.started == []
    assert desk.chat.wishes == []


def test_nothing_is_nothing_only_when_that_is_known(qtbot: QtBot) -> None:
    desk = Desk(shots(2))
    seen: list[bool] = []
    desk.model.modelReset.connect(lambda: seen.append(desk.model.empty))
    desk.open("voice")
    assert seen == [False]
    assert desk.model.empty
    assert desk.loaded == [True]


def test_what_it_says_to_painters_and_to_screen_readers(qtbot: QtBot) -> None:
    desk = Desk(shots(1))
    desk.open("picture")
    index = desk.model.index(0)
    assert index.data(ROW).sender == "<anna>"
    assert "picture" in index.data(Qt.ItemDataRole.AccessibleTextRole)
    assert index.data(Qt.ItemDataRole.DisplayRole) is None
    assert desk.model.data(QModelIndex(), ROW) is None
    assert desk.model.rowCount(index) == 0


def test_what_changes_is_drawn_and_what_is_new_stands_first(qtbot: QtBot) -> None:
    desk = Desk(shots(3))
    desk.open("picture")
    first = desk.model.row(2).bubble
    desk.model.merge([replace(first, path="here")])
    assert desk.model.row(2).face == "ready"
    desk.model.merge([replace(first, lid=Lid(90), pos=90), replace(first, lid=Lid(91), conv=ConvId("other"))])
    assert desk.lids() == [90, 5, 3, 1]
    desk.model.merge([replace(first, lid=Lid(92), pos=2)])
    assert desk.lids() == [90, 5, 3, 92, 1]


def test_what_is_removed_or_no_picture_any_more_goes(qtbot: QtBot) -> None:
    desk = Desk(shots(4))
    desk.open("picture")
    rows = [desk.model.row(place).bubble for place in range(4)]
    desk.model.merge([replace(rows[0], recalled=True), replace(rows[1], why="media_not_as_said")])
    desk.model.drop(rows[2].lid)
    desk.model.drop(Lid(1234))
    assert desk.lids() == [rows[3].lid]


def test_an_own_picture_moves_when_it_gets_its_place(qtbot: QtBot) -> None:
    desk = Desk(shots(2))
    desk.open("picture")
    own = people.Diary().say(people.photo(), State.UPLOADING).bubbles[0]
    desk.model.merge([replace(own, lid=Lid(50))])
    assert desk.lids() == [50, 3, 1]
    desk.model.merge([replace(own, lid=Lid(50), state=State.ACCEPTED, pos=2)])
    assert desk.lids() == [3, 50, 1]


def test_an_older_one_than_what_is_known_waits_for_its_page(qtbot: QtBot) -> None:
    desk = Desk(shots(PAGE + 2))
    desk.open("picture")
    old = replace(desk.model.row(0).bubble, lid=Lid(500), pos=2)
    desk.model.merge([old])
    assert 500 not in desk.lids()


def test_progress_and_playing_are_shown_until_they_end(qtbot: QtBot) -> None:
    desk = Desk(shots(1))
    desk.open("picture")
    bubble = replace(desk.model.row(0).bubble, fetching=True)
    desk.model.merge([bubble])
    desk.model.progress(TransferProgress(bubble.lid, "down", 10, 20))
    desk.model.progress(TransferProgress(Lid(77), "down", 10, 20))
    assert desk.model.row(0).done_bytes == 10
    desk.model.merge([replace(bubble, fetching=False)])
    assert desk.model.row(0).progress is None

    desk.model.play(Playing(bubble.lid))
    assert desk.model.row(0).playing is not None
    desk.model.play(None)
    assert desk.model.row(0).playing is None


def test_a_page_that_comes_after_another_tab_was_opened_is_dropped(qtbot: QtBot) -> None:
    desk = Desk(shots(2))
    asked = asyncio.Event()

    class Slow(ShelfChat):
        async def media(self, conv: ConvId, kinds: object, **where: Any) -> list[Bubble]:
            if kinds == ("picture",):
                await asked.wait()
            return await super().media(conv, kinds, **where)  # type: ignore[arg-type]

    desk.model._pages = Slow(shots(2))

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(desk.model.open(people.CONV, ("picture",)))
            await asyncio.sleep(0)
            await desk.model.open(people.CONV, ("voice",))
            asked.set()

    asyncio.run(both())
    assert desk.lids() == []
    assert desk.model.empty
