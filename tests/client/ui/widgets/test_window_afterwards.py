"""In the window: answering, reacting, editing, removing, forwarding and naming people, by pointer and by key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from client.app.chat import Chat
from client.core.model import Bubble, State, Version
from client.ui.actions import entries
from client.ui.dialogs.forward import ForwardDialog
from client.ui.dialogs.versions import VersionsDialog, tip_words
from client.ui.notebook import Notebook
from client.ui.sound.sources import INVENTED
from client.ui.theme import Themes
from client.ui.viewmodels.rows import Face
from client.ui.widgets.emoji_picker import EmojiPicker
from client.ui.widgets.main_window import MainWindow
from protocol.content import Mention, Reply, Text
from protocol.problems import NotPossibleNow, OutboxFull
from protocol.values import ConvId, Digest, Lid, replace
from tests.client.ui.widgets.test_main_window import Bench, press
from tests.stages import people
from tests.stages.afterwards import TEAM
from tests.stages.people import ANNA, BEN, CONV, ME, Diary
from tests.stages.shelf_chat import ShelfChat
from tests.stages.stage import NOW_MS

pytestmark = pytest.mark.qt_log_ignore("does not support", "No RHI backend")
KEY, HELD = Qt.Key, Qt.KeyboardModifier
DG = Digest("d")


def talk() -> list[Bubble]:
    """1 heard, 2 own, 3 heard with reactions, 4 an own answer to 1, 5 removed."""
    diary = Diary()
    said: dict[str, Any] = {"dg": DG}
    diary.hear(ANNA, Text("Which train?"), **said).say("The one at 8:12", **said)
    diary.hear(BEN, Text("Me too"), reactions=(("👍", (ME.uid,)), ("🎉", (ANNA.uid,))), **said)
    diary.say("Great", reply=Reply(DG, ANNA.uid, "Which train?"), reply_lid=Lid(1), edited=True, **said)
    return diary.bubbles


def other(bubble: Bubble, **facts: Any) -> Bubble:
    """The bubble in another state."""
    return replace(bubble, **facts)


@pytest_asyncio.fixture
async def bench(qtbot: QtBot, themes: Themes, tmp_path: Path) -> AsyncIterator[Bench]:
    QApplication.setQuitOnLastWindowClosed(False)
    group = people.entry("group", "Ridge trip", TEAM, last=talk()[-1])
    chat = ShelfChat(talk(), [group, *people.chats()[1:4]])
    window = MainWindow(cast(Chat, chat), themes, Notebook(tmp_path), sources=INVENTED, native_dialogs=False)
    window._leaving = True
    made = Bench(window, chat, qtbot)
    window.show()
    await made.until(lambda: window.chats.rowCount() == 4)
    window.show_chat(CONV)
    await made.until(lambda: window.page.model.rowCount() == 4)
    yield made
    for picker in window.findChildren(EmojiPicker):
        picker.close()
    window.close()
    await window.close_down()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete)


def at(bench: Bench, lid: int) -> None:
    """The keyboard is at this message."""
    view, row = bench.page.list, bench.page.model.row_of(Lid(lid))
    assert row is not None
    view.setFocus(Qt.FocusReason.TabFocusReason)
    view.selectionModel().setCurrentIndex(bench.page.model.index(row), view.selectionModel().SelectionFlag.NoUpdate)


def picker(bench: Bench) -> EmojiPicker | None:
    return next((each for each in bench.window.findChildren(EmojiPicker) if each.isVisible()), None)


def parts(bubble: Bubble, bench: Bench, face: Face = "none") -> list[str]:
    return [part for part, _, _ in entries(bubble, face, bench.page.afterwards.rights(bubble))]


# --- menu and bar


async def test_the_menu_offers_what_is_possible(bench: Bench) -> None:
    heard, own = talk()[0], talk()[1]
    assert parts(heard, bench)[:4] == ["reply", "react", "copy", "forward"]
    assert "recall" not in parts(heard, bench)
    assert {"reword", "recall"} <= set(parts(own, bench))
    assert "versions" in parts(talk()[3], bench)
    bench.page.hands.menu(Lid(2), QPoint(0, 0))
    menu = bench.window.findChild(QMenu, "message_menu")
    assert menu is not None
    assert any("Ctrl+Shift+R" in action.text() for action in menu.actions())
    menu.close()


async def test_several_selected_messages_are_forwarded_together(bench: Bench) -> None:
    bench.page.list.selectAll()
    bench.page.hands.menu(Lid(2), QPoint(0, 0))
    menu = bench.window.findChild(QMenu, "message_menu")
    assert menu is not None
    menu.actions()[0].trigger()
    menu.close()
    await bench.until(lambda: isinstance(bench.dialog(), ForwardDialog))
    dialog = cast(ForwardDialog, bench.dialog())
    bench.key(dialog.list, KEY.Key_Down)
    bench.key(dialog.list, KEY.Key_Return)
    press(dialog, "forward")
    wish = await bench.wish("forward")
    assert wish[1] == (1, 2, 3, 4)
    assert bench.page.hint.words == "Forwarded to 1 chat"


async def test_the_bar_comes_to_the_pointer_and_goes_with_it(bench: Bench) -> None:
    view = bench.page.list
    await bench.until(lambda: not view.place_of(Lid(1)).isEmpty())
    spot = view.viewport().mapFromGlobal(view.place_of(Lid(1)).center())
    QTest.mouseMove(view.viewport(), spot)
    await bench.until(lambda: view.bar.lid == 1)
    rect = view.viewport().mapFromGlobal(view.place_of(Lid(1)).topRight())
    assert view.bar.x() > rect.x(), "at the outer side of what somebody else said"
    bench._qtbot.mouseClick(view.bar.buttons["reply"], Qt.MouseButton.LeftButton)
    assert bench.page.writing.aim.lid == 1
    view.hover.away()
    assert view.bar.isHidden()


async def test_right_walks_from_the_bubble_into_the_bar(bench: Bench) -> None:
    at(bench, 3)
    view = bench.page.list
    names = view._names(view.currentIndex())
    assert names == ["chip:👍", "chip:🎉", "react", "reply", "menu"]
    for _ in names[:4]:
        bench.key(view, KEY.Key_Right)
    assert view.bar.lid == 3
    assert view.bar.buttons["reply"].property("role") == "here"
    bench.key(view, KEY.Key_Return)
    assert bench.page.writing.aim.lid == 3


# --- answers


async def test_an_answer_is_sent_as_one_and_only_once(bench: Bench) -> None:
    at(bench, 1)
    bench.page.hands.do(Lid(1), "reply")
    assert bench.page.answer.isVisible()
    assert "Anna" not in bench.page.composer.text
    bench.type("At noon")
    bench.enter()
    assert not bench.page.answer.isVisible()
    await bench.wish("say", CONV, "At noon", Lid(1))
    bench.type("More")
    bench.enter()
    wish = await bench.wish("say", CONV, "More")
    assert wish == ("say", CONV, "More"), "the second one answers nothing"


async def test_an_answer_that_could_not_be_sent_stays_one(bench: Bench) -> None:
    bench.page.hands.do(Lid(1), "reply")
    bench.chat.refuse = OutboxFull(limit=1)
    bench.type("At noon")
    bench.enter()
    await bench.until(lambda: bench.page.hint.words)
    assert bench.page.answer.isVisible()
    assert bench.page.writing.aim.lid == 1
    assert bench.page.composer.text == "At noon"


async def test_escape_ends_the_answer_before_it_closes_the_chat(bench: Bench) -> None:
    bench.page.hands.do(Lid(1), "reply")
    bench.window.shortcuts.escape()
    assert not bench.page.answer.isVisible()
    assert bench.page.conv == CONV
    bench.window.shortcuts.escape()
    assert bench.page.conv != CONV


async def test_control_up_and_down_walk_through_what_can_be_answered(bench: Bench) -> None:
    step, writing = bench.page.writing.step, bench.page.writing
    lids = []
    for direction in (-1, -1, -1, -1, -1, 1, 1):
        step(direction)
        lids.append(writing.aim.lid)
    assert lids == [4, 3, 2, 1, 1, 2, 3]
    step(1)
    step(1)
    assert writing.aim.lid == 0


async def test_each_conversation_keeps_its_own_answer(bench: Bench) -> None:
    bench.page.hands.do(Lid(1), "reply")
    bench.window.show_chat(ConvId("3"))
    await bench.until(lambda: bench.page.conv == ConvId("3"))
    assert not bench.page.answer.isVisible()
    bench.window.show_chat(CONV)
    await bench.until(lambda: bench.page.conv == CONV)
    assert bench.page.answer.isVisible()
    assert bench.page.writing.aim.lid == 1


async def test_a_quotation_leads_to_the_original(bench: Bench) -> None:
    bench.page.hands.do(Lid(4), "quote")
    await bench.until(lambda: bench.page.list.bubbles.flashed == 1)
    assert bench.page.list.currentIndex().row() == 0
    bench.page.list._flash.timeout.emit()
    assert bench.page.list.bubbles.flashed == 0


async def test_an_original_that_is_not_here_is_said(bench: Bench) -> None:
    bench.chat.put(other(talk()[3], reply_lid=Lid(0)))
    bench.page.hands.do(Lid(4), "quote")
    await bench.until(lambda: "not on this device" in bench.page.hint.words)


# --- reactions


async def test_a_chip_is_taken_back_and_another_one_chosen(bench: Bench) -> None:
    bench.page.hands.do(Lid(3), "chip:👍")
    await bench.wish("react", Lid(3), "")
    bench.page.hands.do(Lid(3), "chip:🎉")
    await bench.wish("react", Lid(3), "🎉")


async def test_the_usual_six(bench: Bench) -> None:
    bench.page.hands.do(Lid(1), "react")
    await bench.until(lambda: picker(bench))
    open_one = picker(bench)
    assert open_one is not None
    assert open_one.usual[0].accessibleName() == "thumbs up"
    open_one.usual[1].click()
    await bench.wish("react", Lid(1), "❤️")


async def test_all_emoji_can_be_searched(bench: Bench) -> None:
    bench.page.hands.do(Lid(3), "react")
    await bench.until(lambda: picker(bench))
    open_one = picker(bench)
    assert open_one is not None
    assert "chosen" in open_one.usual[0].accessibleName()
    open_one.expand()
    assert open_one.grid.signs.rowCount() > 100
    open_one.search.setText("rocket")
    bench.key(open_one.search, KEY.Key_Return)
    await bench.wish("react", Lid(3), "🚀")


# --- edits


async def test_up_in_the_empty_field_edits_the_last_own_message(bench: Bench) -> None:
    field = bench.page.composer.field
    bench.key(field, KEY.Key_Up)
    assert bench.page.composer.text == "Great"
    assert bench.page.writing.editing
    bench.type("Great!")
    bench.enter()
    await bench.wish("edit", Lid(4), "Great!")
    await bench.until(lambda: not bench.page.writing.editing)
    assert bench.page.composer.text == ""


async def test_the_draft_comes_back_after_an_edit(bench: Bench) -> None:
    bench.type("half a thought")
    bench.page.hands.do(Lid(2), "reword")
    assert bench.page.composer.text == "The one at 8:12"
    bench.window.shortcuts.escape()
    assert bench.page.composer.text == "half a thought"
    assert not [wish for wish in bench.chat.wishes if wish[0] == "edit"]


async def test_the_same_words_are_no_edit(bench: Bench) -> None:
    bench.page.hands.do(Lid(2), "reword")
    bench.enter()
    await bench.until(lambda: not bench.page.writing.editing)
    assert not [wish for wish in bench.chat.wishes if wish[0] in ("edit", "say")]


async def test_an_edit_that_is_refused_stays_in_the_field(bench: Bench) -> None:
    bench.page.hands.do(Lid(2), "reword")
    bench.chat.refuse = NotPossibleNow()
    bench.type("The one at 9")
    bench.enter()
    await bench.until(lambda: bench.page.hint.words)
    assert bench.page.writing.editing
    assert bench.page.composer.text == "The one at 9"


async def test_what_is_edited_is_never_kept_as_a_draft(bench: Bench) -> None:
    bench.type("my draft")
    bench.page.hands.do(Lid(2), "reword")
    bench.type("other words")
    bench.window.show_chat(ConvId("3"))
    await bench.until(lambda: bench.page.conv == ConvId("3"))
    drafts = [wish[2] for wish in bench.chat.wishes if wish[0] == "set_draft" and wish[1] == CONV]
    assert "other words" not in drafts
    bench.window.show_chat(CONV)
    await bench.until(lambda: bench.page.conv == CONV)
    assert bench.page.composer.text == "other words"
    assert bench.page.writing.editing
    bench.window.shortcuts.escape()
    assert bench.page.composer.text == "my draft"


async def test_words_are_not_lost_when_the_message_is_removed_meanwhile(bench: Bench) -> None:
    bench.page.hands.do(Lid(2), "reword")
    bench.type("The one at 9")
    bench.chat.put(other(talk()[1], body=None, recalled=True, recalled_by=ME.uid))
    assert not bench.page.writing.editing
    assert bench.page.composer.text == "The one at 9"


async def test_while_words_are_edited_no_file_is_put_beside_them(bench: Bench, tmp_path: Path) -> None:
    bench.page.hands.do(Lid(2), "reword")
    bench.page.attaching.offer([people.saved(tmp_path)])
    assert "Save or cancel" in bench.page.hint.words
    assert not bench.page.composer.attach.isVisible()
    assert bench.page.composer.send.isVisible()
    assert bench.page.composer.send.accessibleName() == "Save the change"


async def test_return_that_belongs_to_an_input_method_saves_nothing(bench: Bench) -> None:
    bench.page.hands.do(Lid(2), "reword")
    field = bench.page.composer.field
    QApplication.sendEvent(field, QInputMethodEvent("ni", []))
    bench.enter()
    await asyncio.sleep(0)
    assert bench.page.writing.editing
    assert not [wish for wish in bench.chat.wishes if wish[0] == "edit"]


async def test_the_versions_of_an_edited_message(bench: Bench) -> None:
    bench.chat.said = [Version(NOW_MS - 60_000, "Grat"), Version(NOW_MS, "Great")]
    bench.page.hands.do(Lid(4), "edited")
    await bench.until(lambda: isinstance(bench.dialog(), VersionsDialog))
    dialog = bench.dialog()
    assert dialog is not None
    press(dialog, "close")
    bench.page.list.looked_at.emit(Lid(4), "edited")
    await bench.until(lambda: "Grat" in bench.page.list.bubbles.notes.get(Lid(4), ""))
    assert "Great" not in tip_words(bench.chat.said, NOW_MS)


# --- removing, and changes that did not come about


async def test_removing_asks_first_and_promises_nothing(bench: Bench) -> None:
    at(bench, 2)
    bench.key(bench.page.list, KEY.Key_Delete)
    await bench.until(bench.dialog)
    dialog = bench.dialog()
    assert dialog is not None
    assert "Who has seen it has seen it" in dialog.accessibleDescription()
    press(dialog, "recall")
    await bench.wish("recall", Lid(2))


async def test_the_delete_key_does_nothing_to_what_others_said(bench: Bench) -> None:
    at(bench, 1)
    bench.key(bench.page.list, KEY.Key_Delete)
    await asyncio.sleep(0)
    assert bench.dialog() is None


@pytest.mark.parametrize(
    ("state", "part", "wish"),
    [
        (State.REFUSED, "again", "resend"),
        (State.REFUSED, "drop", "remove"),
        (State.NEEDS_YOU, "drop", "cancel"),
        (State.QUEUED, "drop", "cancel"),
    ],
)
async def test_a_change_is_tried_again_or_given_up(bench: Bench, state: State, part: str, wish: str) -> None:
    bench.chat.put(other(talk()[1], change=state, change_lid=Lid(50)))
    assert part in parts(bench.page.model.bubble(Lid(2)), bench)  # type: ignore[arg-type]
    bench.page.hands.do(Lid(2), part)
    await bench.wish(wish, Lid(50))


# --- passing on


async def test_forwarding_to_several_conversations(bench: Bench) -> None:
    bench.page.hands.do(Lid(1), "forward")
    await bench.until(lambda: isinstance(bench.dialog(), ForwardDialog))
    dialog = cast(ForwardDialog, bench.dialog())
    dialog.search.setText("ben")
    bench.key(dialog.search, KEY.Key_Return)
    assert dialog.search.text() == ""
    assert len(dialog.chosen) == 1
    rect = dialog.list.visualItemRect(dialog.list.item(3))
    bench._qtbot.mouseClick(dialog.list.viewport(), Qt.MouseButton.LeftButton, pos=rect.center())
    assert len(dialog.chosen) == 2
    bench.key(dialog.search, KEY.Key_Return)
    await bench.until(lambda: len([wish for wish in bench.chat.wishes if wish[0] == "forward"]) == 2)


async def test_nothing_is_forwarded_without_a_target(bench: Bench) -> None:
    bench.page.hands.do(Lid(1), "forward")
    await bench.until(lambda: isinstance(bench.dialog(), ForwardDialog))
    dialog = cast(ForwardDialog, bench.dialog())
    bench.key(dialog.search, KEY.Key_Return)
    assert dialog.isVisible()
    assert dialog.chosen == []
    press(dialog, "")
    await asyncio.sleep(0.01)
    assert not [wish for wish in bench.chat.wishes if wish[0] == "forward"]


# --- names


async def test_an_at_sign_offers_people_and_puts_one_in(bench: Bench) -> None:
    field, names = bench.page.composer.field, bench.page.names
    field.setFocus()
    field.insertPlainText("🚀 @be")
    assert names.isVisible()
    assert names.list.count() == 1
    bench.enter()
    assert bench.page.composer.text == "🚀 @Ben Okafor "
    assert not names.isVisible()
    assert len(field.extraSelections()) == 1
    bench.enter()
    await bench.wish("say", CONV, "🚀 @Ben Okafor ", (Mention(BEN.uid, 2, 11),))


async def test_up_down_tab_and_escape_belong_to_the_open_list(bench: Bench) -> None:
    field, names = bench.page.composer.field, bench.page.names
    field.setFocus()
    field.insertPlainText("@")
    assert names.list.count() == 5, "not oneself"
    bench.key(field, KEY.Key_Up)
    assert names.list.currentRow() == 4
    bench.key(field, KEY.Key_Escape)
    assert not names.isVisible()
    assert bench.page.conv == CONV
    field.insertPlainText("b")
    assert not names.isVisible(), "it stays away for this name"
    field.insertPlainText(" @陈")
    bench.key(field, KEY.Key_Tab)
    assert bench.page.composer.text == "@b @陈美玲 "


async def test_the_list_leaves_return_to_an_input_method(bench: Bench) -> None:
    field = bench.page.composer.field
    field.setFocus()
    field.insertPlainText("@")
    QApplication.sendEvent(field, QInputMethodEvent("chen", []))
    bench.enter()
    assert bench.page.composer.text == "@"
    done = QInputMethodEvent("", [])
    done.setCommitString("陈")
    QApplication.sendEvent(field, done)
    assert bench.page.names.isVisible()
    bench.enter()
    assert bench.page.composer.text == "@陈美玲 "


async def test_no_names_between_two_people(bench: Bench) -> None:
    bench.window.show_chat(ConvId("3"))
    await bench.until(lambda: bench.page.conv == ConvId("3"))
    bench.page.composer.field.insertPlainText("@b")
    assert not bench.page.names.isVisible()


async def test_the_list_of_chats_shows_that_one_is_named(bench: Bench) -> None:
    model = bench.window.chats
    naming = Text("@Nora Lindqvist?", (Mention(ME.uid, 0, 15),))
    bubble = other(Diary().hear(BEN, naming, pos=99).bubbles[0], lid=Lid(40), conv=ConvId("2"))
    row = model.row_of(ConvId("2"))
    assert row is not None
    assert not model.names_me(model.entry(row))
    model.merge([bubble])
    assert model.names_me(model.entry(row))
    assert "you are named" in model.sentence(model.entry(row))


async def test_shortcuts_act_on_the_message_the_keyboard_is_at(bench: Bench) -> None:
    at(bench, 1)
    bench.window.shortcuts.on_message("reply", mine=False)
    assert bench.page.writing.aim.lid == 1
    at(bench, 2)
    bench.key(bench.page.list, KEY.Key_C, HELD.ControlModifier)
    assert QApplication.clipboard().text() == "The one at 8:12"
