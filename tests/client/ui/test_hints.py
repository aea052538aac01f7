"""What the person does is told while it lasts and ended when it ends; only who is on the screen is watched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from client.app.chat import Chat
from client.ui.hints import OwnHints, Watcher
from protocol.limits import WATCHED_MAX
from protocol.values import ConvId, Uid
from tests.stages.shelf_chat import ShelfChat

HERE, THERE = ConvId("1"), ConvId("2")


@pytest.fixture
def chat() -> ShelfChat:
    return ShelfChat()


@pytest.fixture
def hints(qapp: QApplication, chat: ShelfChat) -> Iterator[OwnHints]:
    made = OwnHints(cast(Chat, chat))
    yield made
    made.stop()


def said(chat: ShelfChat) -> list[tuple[object, object]]:
    return [(wish[1], wish[2]) for wish in chat.wishes if wish[0] == "typing"]


def test_writing_is_told_and_ends_with_the_text(chat: ShelfChat, hints: OwnHints) -> None:
    hints.wrote(HERE, anything=True)
    hints.wrote(HERE, anything=True)
    hints.wrote(HERE, anything=False)
    hints.wrote(HERE, anything=False)
    assert said(chat) == [(HERE, "text"), (HERE, "text"), (HERE, "")]


def test_who_stops_writing_has_stopped(qtbot: QtBot, chat: ShelfChat, hints: OwnHints) -> None:
    hints._still.setInterval(1)
    hints.wrote(HERE, anything=True)
    qtbot.waitUntil(lambda: said(chat)[-1] == (HERE, ""))


def test_a_recording_is_said_again_until_it_ends(qtbot: QtBot, chat: ShelfChat, hints: OwnHints) -> None:
    hints._again.setInterval(1)
    hints.begin(HERE, "voice")
    hints.wrote(HERE, anything=True)  # a key in between is no writing
    qtbot.waitUntil(lambda: said(chat).count((HERE, "voice")) > 2)
    hints.stop()
    assert said(chat)[-1] == (HERE, "")
    count = len(said(chat))
    hints.stop()
    assert len(said(chat)) == count


def test_elsewhere_ends_it_here(chat: ShelfChat, hints: OwnHints) -> None:
    hints.wrote(HERE, anything=True)
    hints.wrote(THERE, anything=True)
    assert said(chat) == [(HERE, "text"), (HERE, ""), (THERE, "text")]


def test_a_file_ends_when_it_is_sent(chat: ShelfChat, hints: OwnHints) -> None:
    hints.begin(HERE, "file")
    hints.begin(HERE, "file")
    hints.sent(THERE)
    assert said(chat) == [(HERE, "file")]
    hints.sent(HERE)
    assert said(chat)[-1] == (HERE, "")


def test_only_who_is_on_the_screen_is_watched(qtbot: QtBot, chat: ShelfChat) -> None:
    shown = [Uid("a"), Uid("b"), Uid("a")]
    watcher = Watcher(cast(Chat, chat), lambda: shown)
    watcher.look()
    shown.reverse()
    watcher.look()
    assert chat.wishes == [("watch", ("a", "b"))], "in another order they are the same people"
    shown[:] = [Uid(str(n)) for n in range(WATCHED_MAX + 50)]
    watcher.look_soon()
    watcher.look_soon()
    qtbot.waitUntil(lambda: len(chat.wishes) == 2)
    assert len(chat.wishes[1][1]) == WATCHED_MAX
