"""The chat list: rows move instead of vanishing, and are found by what people type."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPersistentModelIndex, Qt
from pytestqt.modeltest import ModelTester

from client.core.model import Member, State
from client.ui.viewmodels.contacts import ENTRY, ChatsFilter, ChatsModel, folded, second_line, seed_of, title_of
from client.ui.words import speak
from protocol.content import Left, Text
from protocol.values import ConvId, Lid, Uid, replace
from tests.stages import people
from tests.stages.people import ANNA, BEN, ME, Diary, entry
from tests.stages.stage import NOW_MS


@pytest.fixture
def model() -> ChatsModel:
    made = ChatsModel(ME.uid, lambda: NOW_MS)
    made.show(people.chats())
    return made


def convs(model: ChatsModel) -> list[str]:
    return [model.entry(row).conv for row in range(model.rowCount())]


def test_shows_what_it_was_given(model: ChatsModel, qtmodeltester: ModelTester) -> None:
    assert convs(model) == [str(number) for number in range(1, 11)]
    qtmodeltester.check(model, force_py=True)


def test_a_chat_that_moves_up_takes_its_selection_along(model: ChatsModel) -> None:
    fifth = QPersistentModelIndex(model.index(4))
    entries = people.chats()
    model.show([entries[4], *entries[:4], *entries[5:]])
    assert fifth.row() == 0
    assert fifth.data(ENTRY).conv == "5"


@pytest.mark.parametrize("order", [[9, 8, 7], [3], [], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [2, 0, 5, 1]])
def test_any_list_can_follow_any_other(model: ChatsModel, order: list[int]) -> None:
    wanted = [people.chats()[place] for place in order]
    model.show(wanted)
    assert convs(model) == [chat.conv for chat in wanted]


def test_an_equal_row_is_not_drawn_again(model: ChatsModel) -> None:
    changed: list[int] = []
    model.dataChanged.connect(lambda first, *_: changed.append(first.row()))
    entries = people.chats()
    entries[2] = entry(members=(ME, BEN), conv=ConvId("3"), unread=8)
    model.show(entries)
    assert changed == [2]


@pytest.mark.parametrize(
    ("typed", "found"),
    [("anna", ["1"]), ("ZOE", ["7"]), ("陈", ["2", "4"]), ("batklubb styr", ["8"]), ("nobody", []), ("", 10)],
)
def test_search(model: ChatsModel, typed: str, found: list[str] | int) -> None:
    chosen = ChatsFilter(model)
    chosen.search(typed)
    rows = [chosen.index(row, 0).data(ENTRY).conv for row in range(chosen.rowCount())]
    assert rows == found if isinstance(found, list) else len(rows) == found


def test_folding() -> None:
    assert folded("Zoë MÜLLER") == "zoe muller"


def test_titles() -> None:
    assert title_of(entry(), ME.uid) == "Anna Li"
    assert title_of(entry("self", "", (ME,)), ME.uid) == "Saved messages"
    assert title_of(entry("group", "", (ME, ANNA, BEN)), ME.uid) == "Anna Li, Ben Okafor"
    assert title_of(entry(members=(ME,)), ME.uid) == "Unnamed"


def test_a_person_has_one_colour_in_every_chat() -> None:
    assert seed_of(entry(), ME.uid) == ANNA.uid
    assert seed_of(entry("group", "x"), ME.uid) == "conv"


def test_last_messages() -> None:
    group = (ME, ANNA, Member(Uid("x"), "X\u202eY"))
    mine, heard, left = Diary().say("hello\nyou").hear(ANNA, people.voice()).hear(ANNA, Left(Uid("x"))).bubbles
    assert second_line(entry(last=mine), ME.uid) == ("", "hello you")
    assert second_line(entry("group", "g", group, last=mine), ME.uid) == ("", "You: hello you")
    assert second_line(entry("group", "g", group, last=heard), ME.uid) == ("voice", "Anna Li: Voice 0:42")
    assert second_line(entry("group", "g", group, last=left), ME.uid) == ("", "\u2068XY\u2069 left")
    assert second_line(entry(), ME.uid) == ("", "No messages yet")


def test_a_row_is_one_sentence(model: ChatsModel) -> None:
    sentence = model.index(1).data(Qt.ItemDataRole.AccessibleTextRole)
    assert sentence == "Ridge trip 🏔, 3 unread messages, 陈美玲: Photo, 13:37"
    assert "not confirmed" in model.index(2).data(Qt.ItemDataRole.AccessibleTextRole)
    speak("zh_CN")
    assert "3 条未读消息" in model.index(1).data(Qt.ItemDataRole.AccessibleTextRole)


def test_a_message_of_a_newer_version_has_words_too() -> None:
    unread = Diary().hear(ANNA, None).bubbles[0]
    assert second_line(entry(last=unread), ME.uid)[1]
    assert unread.state is State.UNREADABLE
    assert second_line(entry(last=Diary().hear(ANNA, Text("x")).bubbles[0]), ME.uid) == ("", "x")


def test_a_row_says_what_the_bubble_of_its_last_message_says() -> None:
    diary = Diary().say("Hello", State.SENDING)
    model = ChatsModel(ME.uid, lambda: NOW_MS)
    model.show([entry(last=diary.bubbles[0])])
    drawn: list[int] = []
    model.dataChanged.connect(lambda first, last: drawn.append(first.row()))
    waits = replace(diary.bubbles[0], state=State.QUEUED)
    for _ in range(2):
        model.merge([waits, replace(waits, lid=Lid(99))])
    assert model.entry(0).last == waits
    assert drawn == [0]
