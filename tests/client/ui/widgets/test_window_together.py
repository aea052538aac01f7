"""The whole window with other people in it: groups, hints, devices, and a device that was ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar, cast

import pytest_asyncio
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtWidgets import QApplication, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from client.app.changes import LineChanged, MembersChanged, PeopleChanged, PrefsChanged, PresenceChanged, TypingChanged
from client.app.chat import Chat
from client.app.settings import Settings
from client.core.model import Bubble, Line, Presence, State, TransferProgress
from client.ui.dialogs.delivery import DeliveryDialog
from client.ui.dialogs.devices import DeviceCodeDialog, DevicesDialog
from client.ui.dialogs.frame import Dialog
from client.ui.dialogs.group import GroupDialog
from client.ui.dialogs.pick_people import PickPeopleDialog
from client.ui.dialogs.rejoin import LeftOverDialog, RejoinDialog
from client.ui.dialogs.settings import SettingsDialog
from client.ui.notebook import Notebook
from client.ui.sound.sources import INVENTED
from client.ui.theme import Themes
from client.ui.widgets.main_window import MainWindow
from protocol.packets import Gap, Person
from protocol.problems import NotAdministrator, ServerUnreachable
from protocol.values import ConvId, Uid, replace
from tests.stages import people, together
from tests.stages.people import ANNA, BEN, CONV, LONG, MEI, Diary
from tests.stages.shelf_chat import ShelfChat
from tests.stages.stage import MINUTE_MS, NOW_MS

DIRECT = ConvId("1")
T = TypeVar("T", bound=Dialog)


class Bench:
    """The window with a group and a direct conversation, its chat, and ways to wait and to press."""

    def __init__(self, window: MainWindow, chat: ShelfChat, qtbot: QtBot) -> None:
        self.window, self.chat, self.page, self.qtbot = window, chat, window.page, qtbot

    async def until(self, wanted: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not wanted():  # noqa: ASYNC110 - what is drawn tells nobody
                await asyncio.sleep(0.005)

    async def wish(self, *wanted: object) -> None:
        await self.until(lambda: [wish for wish in self.chat.wishes if wish[: len(wanted)] == wanted])

    def said(self) -> list[object]:
        return [wish[2] for wish in self.chat.wishes if wish[0] == "typing"]

    def open(self, kind: type[Dialog]) -> list[Dialog]:
        return [one for one in self.window.findChildren(kind) if one.isVisible()]

    async def dialog(self, kind: type[T]) -> T:
        await self.until(lambda: [one for one in self.window.findChildren(kind) if one.isVisible()])
        return next(one for one in self.window.findChildren(kind) if one.isVisible())

    async def answer(self, name: str) -> None:
        """Press a button of the uppermost dialog."""
        await self.until(lambda: self._answers(name))
        self._answers(name)[-1].click()

    def _answers(self, name: str) -> list[QPushButton]:
        return [one for one in self.window.findChildren(QPushButton, f"answer_{name}") if one.isVisible()]

    async def group(self) -> GroupDialog:
        info = self.page.header.findChild(QToolButton, "group_info")
        assert isinstance(info, QToolButton)
        info.click()
        return await self.dialog(GroupDialog)


@pytest_asyncio.fixture
async def bench(qtbot: QtBot, themes: Themes, tmp_path: Path) -> AsyncIterator[Bench]:
    QApplication.setQuitOnLastWindowClosed(False)
    told = people.team()
    chat = ShelfChat(told, [together.trip(last=told[-1]), *people.chats()[:1], *people.chats()[2:4]])
    chat.seats = together.seats()
    window = MainWindow(cast(Chat, chat), themes, Notebook(tmp_path), sources=INVENTED, native_dialogs=False)
    window._leaving = True
    made = Bench(window, chat, qtbot)
    window.show()
    await made.until(lambda: window.chats.rowCount() == 4)
    window.show_chat(CONV)
    await made.until(lambda: window.page.model.rowCount() > 0)
    yield made
    window.close()
    await window.close_down()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete)


# --- groups


async def test_a_new_group(bench: Bench) -> None:
    bench.window.new_chat()
    await bench.answer("group")
    dialog = await bench.dialog(PickPeopleDialog)
    dialog.name.setText("Walk")
    dialog.toggle(BEN.uid)
    await bench.answer("ok")
    await bench.wish("open_group", "Walk", (BEN.uid,))


async def test_people_are_added_from_the_page_of_the_group(bench: Bench) -> None:
    dialog = await bench.group()
    bench.chat.seats = bench.chat.seats[:2]
    bench.chat.tell(MembersChanged(CONV))
    await bench.until(lambda: len(dialog.uids) == 2)
    dialog.findChild(QPushButton, "group_add").click()  # type: ignore[union-attr]
    picker = await bench.dialog(PickPeopleDialog)
    await bench.until(lambda: picker.list.people.rowCount() == 2)
    bench.chat.tell(PeopleChanged((Person(Uid("n"), "Newcomer"), Person(BEN.uid, BEN.name))))
    await bench.until(lambda: picker.list.people.rowCount() == 1)
    picker.toggle(Uid("n"))
    await bench.answer("ok")
    await bench.wish("add_members", CONV, ("n",))


async def test_somebody_is_removed_after_a_question(bench: Bench) -> None:
    dialog = await bench.group()
    dialog.list.choose(LONG.uid)
    dialog.findChild(QPushButton, "group_remove").click()  # type: ignore[union-attr]
    await bench.answer("remove")
    await bench.wish("remove_member", CONV, LONG.uid)


async def test_why_a_change_did_not_happen_is_said_in_the_page(bench: Bench) -> None:
    dialog = await bench.group()
    dialog.list.choose(MEI.uid)
    bench.chat.refuse = NotAdministrator()
    dialog.findChild(QPushButton, "group_rank").click()  # type: ignore[union-attr]
    await bench.wish("set_role", CONV, MEI.uid, 1)
    await bench.until(lambda: "administers" in dialog._why.text())
    assert dialog.isVisible()


async def test_rename_and_leave(bench: Bench) -> None:
    dialog = await bench.group()
    dialog.renamed.emit("Sea trip")
    await bench.wish("rename_group", CONV, "Sea trip")
    bench.chat.entries[0] = replace(bench.chat.entries[0], title="Sea trip")
    bench.chat.tell(MembersChanged(CONV))
    await bench.until(lambda: dialog.windowTitle() == "Sea trip")
    dialog.findChild(QPushButton, "group_leave").click()  # type: ignore[union-attr]
    await bench.answer("leave")
    await bench.wish("leave", CONV)
    await bench.until(lambda: not bench.open(type(dialog)))


async def test_a_member_is_written_to(bench: Bench) -> None:
    dialog = await bench.group()
    dialog.list.choose(MEI.uid)
    dialog.findChild(QPushButton, "group_write").click()  # type: ignore[union-attr]
    await bench.wish("open_direct", MEI.uid)


async def test_nothing_can_be_said_in_a_group_that_one_has_left(bench: Bench) -> None:
    bench.page.composer.put("half a sent")
    bench.chat.entries[0] = replace(bench.chat.entries[0], away=True)
    bench.chat.tell(MembersChanged(CONV))
    await bench.until(bench.page.away.isVisible)
    assert not bench.page.composer.isVisible()
    bench.page.send()
    bench.page.record("voice")
    assert not bench.page.recording.running
    assert not [wish for wish in bench.chat.wishes if wish[0] == "say"]
    assert bench.page.header.second == "You are not in this group any more"
    bench.window.show_chat(DIRECT)
    await bench.until(bench.page.composer.isVisible)


# --- who is near


async def test_the_header_says_who_writes_and_the_list_too(bench: Bench) -> None:
    bench.chat.doing = {CONV: {MEI.uid: "text", BEN.uid: "voice"}, DIRECT: {ANNA.uid: "voice"}}
    bench.chat.tell(TypingChanged(CONV, BEN.uid, "voice"))
    bench.chat.tell(TypingChanged(DIRECT, ANNA.uid, "voice"))
    assert "are writing…" in bench.page.header.second
    assert bench.window.chats.doing(bench.chat.entries[1]) == "recording a voice message…"
    row = bench.window.chats.index(1)
    assert "recording" in row.data(Qt.ItemDataRole.AccessibleTextRole)
    bench.chat.doing = {}
    bench.chat.tell(TypingChanged(CONV, BEN.uid, ""))
    bench.chat.tell(TypingChanged(DIRECT, ANNA.uid, ""))
    assert bench.page.header.second.startswith("7 people")
    assert bench.window.chats.doing(bench.chat.entries[1]) == ""


async def test_last_seen_online_and_unknown(bench: Bench) -> None:
    bench.window.show_chat(DIRECT)
    await bench.until(lambda: bench.page.conv == DIRECT)
    for presence, words in (
        (Presence(ANNA.uid, True), "online"),
        (Presence(ANNA.uid, False, NOW_MS - 5 * MINUTE_MS), "last seen 5 minutes ago"),
        (Presence(ANNA.uid), ""),
    ):
        bench.chat.near[ANNA.uid] = presence
        bench.chat.tell(PresenceChanged((presence,)))
        assert bench.page.header.second == words
        assert bench.window.chats.online(bench.chat.entries[1]) is presence.online


async def test_who_is_in_the_list_is_watched(bench: Bench) -> None:
    await bench.until(lambda: [wish for wish in bench.chat.wishes if wish[0] == "watch" and ANNA.uid in wish[1]])
    await bench.group()
    await bench.until(lambda: [wish for wish in bench.chat.wishes if wish[0] == "watch" and LONG.uid in wish[1]])


async def test_writing_is_told_and_a_sent_message_ends_it(bench: Bench) -> None:
    bench.window.activateWindow()
    bench.page.composer.field.setFocus()
    await bench.until(bench.page.composer.field.hasFocus)
    bench.qtbot.keyClicks(bench.page.composer.field, "Hi")
    assert bench.said()[-1] == "text"
    bench.qtbot.keyClick(bench.page.composer.field, Qt.Key.Key_Return)
    await bench.wish("say", CONV, "Hi")
    assert bench.said()[-1] == ""


async def test_a_draft_that_comes_back_is_no_writing(bench: Bench) -> None:
    bench.window.show_chat(ConvId("3"))
    await bench.until(lambda: bench.page.conv == ConvId("3"))
    bench.page.header.menu.setFocus()
    bench.page.composer.put("a draft")
    assert bench.said() == []


async def test_a_file_on_its_way_is_told(bench: Bench) -> None:
    bubble = replace(Diary().say(people.photo(), State.UPLOADING).bubbles[0], lid=bench.page.model.bubble_at(2).lid)
    bench.page.progressed(TransferProgress(bubble.lid, "up", 1, 2))
    assert bench.said() == ["file"]
    bench.page.bubbles_changed([replace(bubble, state=State.QUEUED)])
    assert bench.said() == ["file", ""]


# --- how far a message got


def last_own(bench: Bench) -> Bubble:
    model = bench.page.model
    return next(b for row in range(model.rowCount() - 1, -1, -1) if (b := model.bubble_at(row)).mine)


async def test_the_tick_shows_who_has_it(bench: Bench) -> None:
    bench.chat.table = together.table()
    bubble = last_own(bench)
    bench.page.hands.do(bubble.lid, "mark")
    dialog = await bench.dialog(DeliveryDialog)
    await bench.until(lambda: dialog.list.people.rowCount() == 6)
    bench.chat.table = together.table()[:2]
    bench.chat.put(replace(bubble, read_by=2))
    await bench.until(lambda: dialog.list.people.rowCount() == 2)
    await bench.answer("trace")
    await bench.until(lambda: bench.window.findChild(Dialog, "trace_dialog"))


async def test_above_thirty_two_the_table_comes_on_request(bench: Bench) -> None:
    bubble = replace(last_own(bench), of=499, delivered_to=400)
    bench.chat.put(bubble)
    bench.page.hands.do(bubble.lid, "info")
    dialog = await bench.dialog(DeliveryDialog)
    assert not [wish for wish in bench.chat.wishes if wish[0] == "receipts"]
    bench.chat.table = together.table()
    dialog.more.click()
    await bench.wish("receipts", bubble.lid)
    await bench.until(lambda: dialog.list.people.rowCount() == 6)


# --- devices


async def test_devices_are_listed_and_ended_after_a_question(bench: Bench) -> None:
    bench.chat.own = together.devices()
    bench.window.show_devices()
    dialog = await bench.dialog(DevicesDialog)
    await bench.until(lambda: len(dialog.devices) == 3)
    dialog.end_wanted.emit("e")
    await bench.answer("end")
    await bench.wish("end_device", "e")
    await bench.until(lambda: len(dialog.devices) == 2)
    await bench.answer("add")
    assert (await bench.dialog(DeviceCodeDialog)).line.text().endswith("/#9D4K-TWX2")


async def test_without_a_server_the_list_says_why(bench: Bench) -> None:
    bench.chat.refuse = ServerUnreachable(address="http://127.0.0.1:8787")
    bench.window.show_devices()
    dialog = await bench.dialog(DevicesDialog)
    await bench.until(lambda: "does not answer" in dialog._problem.text())


async def test_log_out(bench: Bench) -> None:
    bench.chat.own = together.devices()
    bench.window.show_devices()
    dialog = await bench.dialog(DevicesDialog)
    await bench.until(lambda: dialog.devices)
    dialog.end_wanted.emit("d")
    await bench.answer("end")
    await bench.wish("end_device", "d")
    await bench.until(lambda: not bench.open(type(dialog)))


async def test_a_device_that_was_ended_joins_again_and_offers_what_was_left(bench: Bench) -> None:
    stopped = Line("stopped", code="sign_in_again")
    bench.chat.line = stopped
    bench.chat.unsent = Diary().say("Are you there?", State.LONG_AGO).say("Hello?", State.LONG_AGO).bubbles
    bench.chat.tell(LineChanged(stopped))
    bench.page.banner.findChild(QPushButton, "banner_try").click()  # type: ignore[union-attr]
    dialog = await bench.dialog(RejoinDialog)
    dialog.server.setText("http://127.0.0.1:8787/#9D4K-TWX2")
    bench.chat.line = Line("dialing")
    await bench.answer("join")
    await bench.wish("join", "http://127.0.0.1:8787", "", "9D4K-TWX2")
    await bench.until(lambda: not bench.open(type(dialog)))
    bench.chat.line = Line("ready")
    bench.chat.tell(LineChanged(bench.chat.line))
    left = await bench.dialog(LeftOverDialog)
    assert "2 messages" in left.windowTitle()
    await bench.answer("send")
    await bench.wish("take_over")
    bench.chat.tell(LineChanged(bench.chat.line))
    await asyncio.sleep(0)
    assert not bench.open(LeftOverDialog), "asked once"


async def test_who_joins_as_somebody_else_gets_another_window(bench: Bench) -> None:
    bench.chat.joins_as = Uid("other")
    renewed: list[bool] = []
    bench.window.renewed.connect(lambda: renewed.append(True))
    bench.page.join_wanted.emit()
    dialog = await bench.dialog(RejoinDialog)
    dialog.code.setText("K7PQ-3MXA")
    await bench.answer("join")
    await bench.until(lambda: renewed)
    assert not bench.window.isVisible()


async def test_what_another_device_chose_is_shown(bench: Bench) -> None:
    bench.window.preferences.show()
    dialog = await bench.dialog(SettingsDialog)
    bench.chat.settings = Settings(receipts=False)
    bench.chat.tell(PrefsChanged(bench.chat.settings.prefs))
    assert not dialog.receipts.isChecked()


# --- what is missing


async def test_a_line_brings_what_is_older_than_this_device(bench: Bench) -> None:
    bench.chat.shelf.missing = (Gap(0, 0, "before_device"),)
    model = bench.page.model
    asked: list[bool] = []
    model.waiting_changed.connect(lambda: asked.append(model.waiting))
    bench.chat.tell(LineChanged(Line("ready")))
    await bench.until(lambda: True in asked and not model.waiting)
    bench.page.list._show_loading()
    assert bench.page.list._loading.isVisible()
    bench.page.list._show_waiting()
    assert not bench.page.list._loading.isVisible()
