"""The pages of groups, delivery and devices: real widgets, without a window behind them."""

from __future__ import annotations

import asyncio

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from client.app.settings import Settings
from client.core.model import Receipt, State
from client.ui.dialogs.delivery import DeliveryDialog
from client.ui.dialogs.devices import DeviceCodeDialog, DevicesDialog
from client.ui.dialogs.frame import Dialog
from client.ui.dialogs.group import GroupDialog
from client.ui.dialogs.onboarding import Onboarding
from client.ui.dialogs.pick_people import PickPeopleDialog
from client.ui.dialogs.rejoin import LeftOverDialog, RejoinDialog
from client.ui.dialogs.settings import SettingsDialog
from client.ui.theme import Themes
from protocol.packets import Person
from protocol.problems import InviteWrong
from protocol.values import Uid, replace
from tests.stages import together
from tests.stages.people import ANNA, BEN, LONG, ME, MEI, Diary
from tests.stages.stage import NOW_MS, finish

PEOPLE = [Person(member.uid, member.name) for member in (ANNA, BEN, MEI, LONG)]


def button(dialog: Dialog, name: str) -> QPushButton:
    found = dialog.findChild(QPushButton, name)
    assert isinstance(found, QPushButton), name
    return found


# --- choosing people


def picker(qtbot: QtBot, themes: Themes, *, naming: bool, room: int = 499) -> PickPeopleDialog:
    dialog = PickPeopleDialog(None, themes, PEOPLE, naming=naming, room=room)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def test_a_group_needs_a_name_and_people(qtbot: QtBot, themes: Themes) -> None:
    dialog = picker(qtbot, themes, naming=True)
    make = button(dialog, "answer_ok")
    assert not make.isEnabled()
    qtbot.keyClicks(dialog.name, "  Trip ")
    qtbot.keyClick(dialog.name, Qt.Key.Key_Return)
    assert dialog.isVisible()
    assert not make.isEnabled()
    qtbot.keyClicks(dialog.search, "mei")
    assert dialog.list.people.rowCount() == 0
    dialog.search.clear()
    qtbot.keyClicks(dialog.search, "ANN")
    qtbot.keyClick(dialog.search, Qt.Key.Key_Return)
    assert (dialog.title, dialog.chosen, make.isEnabled()) == ("Trip", (ANNA.uid,), True)
    dialog.toggle(ANNA.uid)
    assert not make.isEnabled()


def test_no_more_are_chosen_than_fit(qtbot: QtBot, themes: Themes) -> None:
    dialog = picker(qtbot, themes, naming=False, room=2)
    for member in (ANNA, BEN, MEI):
        dialog.toggle(member.uid)
    assert dialog.chosen == (ANNA.uid, BEN.uid)


def test_people_who_come_meanwhile_do_not_undo_the_choice(qtbot: QtBot, themes: Themes) -> None:
    dialog = picker(qtbot, themes, naming=False)
    dialog.toggle(BEN.uid)
    dialog.show_people([*PEOPLE, Person(Uid("new"), "Newcomer")])
    assert dialog.chosen == (BEN.uid,)
    assert dialog.list.people.rowCount() == 5
    dialog.show_people([])
    assert "in the group" in dialog.list.empty_words


# --- a group


def group(qtbot: QtBot, themes: Themes, *, away: bool = False) -> GroupDialog:
    dialog = GroupDialog(None, themes, together.trip(away=away), ME.uid, together.near, lambda: NOW_MS)
    qtbot.addWidget(dialog)
    dialog.show_members(together.seats())
    dialog.show()
    return dialog


def test_the_buttons_are_about_the_chosen_person(qtbot: QtBot, themes: Themes) -> None:
    dialog = group(qtbot, themes)
    dialog.list.people.show([])
    assert not button(dialog, "group_remove").isEnabled()
    assert button(dialog, "group_remove").toolTip() == "Choose a person first"
    dialog.show_members(together.seats())
    dialog.list.choose(MEI.uid)
    with qtbot.waitSignal(dialog.remove_wanted, check_params_cb=lambda uid: uid == MEI.uid):
        button(dialog, "group_remove").click()
    with qtbot.waitSignal(dialog.rank_wanted, check_params_cb=lambda uid, role: (uid, role) == (MEI.uid, 1)):
        button(dialog, "group_rank").click()
    dialog.list.choose(BEN.uid)
    assert button(dialog, "group_rank").text() == "Make an ordinary member"
    with qtbot.waitSignal(dialog.rank_wanted, check_params_cb=lambda uid, role: (uid, role) == (BEN.uid, 0)):
        button(dialog, "group_rank").click()
    with qtbot.waitSignal(dialog.write_wanted, check_params_cb=lambda uid: uid == BEN.uid):
        button(dialog, "group_write").click()
    dialog.list.choose(ME.uid)
    assert not button(dialog, "group_write").isEnabled()
    assert not button(dialog, "group_remove").isEnabled()


def test_a_greyed_button_has_its_reason_in_words(qtbot: QtBot, themes: Themes) -> None:
    dialog = group(qtbot, themes)
    dialog.show_members([replace(seat, role=int(seat.uid == BEN.uid)) for seat in together.seats()])
    dialog.list.choose(MEI.uid)
    assert "administers" in button(dialog, "group_remove").accessibleDescription()
    assert "administers" in dialog._why.text()
    assert dialog._why.isVisible()


def test_a_group_that_one_has_left_can_only_be_looked_at(qtbot: QtBot, themes: Themes) -> None:
    dialog = group(qtbot, themes, away=True)
    for name in ("add", "leave", "remove", "rank"):
        assert not button(dialog, f"group_{name}").isEnabled()
    assert not dialog.rename.isEnabled()


def test_the_name_is_changed_in_its_place(qtbot: QtBot, themes: Themes) -> None:
    dialog = group(qtbot, themes)
    dialog.rename.click()
    assert dialog.name_field.text() == "Ridge trip 🏔"
    dialog.name_field.setText("Other")
    qtbot.keyClick(dialog.name_field, Qt.Key.Key_Escape)
    assert dialog.isVisible()
    assert not dialog.name_field.isVisible(), "Escape keeps the old name"
    dialog.rename.click()
    dialog.name_field.setText("  Sea trip ")
    with qtbot.waitSignal(dialog.renamed, check_params_cb=lambda name: name == "Sea trip"):
        qtbot.keyClick(dialog.name_field, Qt.Key.Key_Return)
    assert dialog.isVisible()


def test_five_hundred_members_can_be_searched(qtbot: QtBot, themes: Themes) -> None:
    dialog = group(qtbot, themes)
    assert not dialog.search.isVisible()
    dialog.show_members(together.crowd())
    assert dialog.search.isVisible()
    qtbot.keyClicks(dialog.search, "499 ")
    dialog.search.setText("person 123")
    assert dialog.list.people.rowCount() == 1


def test_everything_can_be_reached_by_the_keyboard(qtbot: QtBot, themes: Themes) -> None:
    dialog = group(qtbot, themes)
    dialog.list.choose(MEI.uid)
    for part in (*dialog.findChildren(QPushButton), *dialog.findChildren(QToolButton)):
        if part.isVisible() and part.isEnabled():
            assert part.focusPolicy() & Qt.FocusPolicy.TabFocus, part.objectName()
            assert part.text() or part.accessibleName(), part.objectName()
    assert dialog.list.accessibleName()
    assert dialog.search.accessibleName()


# --- delivery


def test_the_table_of_a_small_group(qtbot: QtBot, themes: Themes) -> None:
    dialog = DeliveryDialog(None, themes, together.own("Hello"), NOW_MS, reads=True)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.show_receipts(together.table())
    assert dialog.list.people.rowCount() == 6
    assert not dialog.more.isVisible()
    assert dialog.list.people.row(0).beside.startswith("Opened")


def test_a_large_group_has_counts_and_a_table_on_request(qtbot: QtBot, themes: Themes) -> None:
    dialog = DeliveryDialog(None, themes, together.own("Hello", 499, delivered_to=7), NOW_MS, reads=False)
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.large
    assert dialog.more.isVisible()
    assert not dialog.list.isVisible()
    with qtbot.waitSignal(dialog.table_wanted):
        dialog.more.click()
    dialog.show_receipts([Receipt(Uid(str(n)), f"Person {n}", True) for n in range(499)])
    assert dialog.list.isVisible()
    assert dialog.list.people.rowCount() == 499
    dialog.show_bubble(replace(dialog.bubble, delivered_to=499, state=State.DELIVERED))


# --- devices


def test_this_device_is_the_first_and_logs_out(qtbot: QtBot, themes: Themes) -> None:
    dialog = DevicesDialog(None, themes, NOW_MS)
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog._busy.isVisible()
    dialog.show_devices(list(reversed(together.devices())))
    assert not dialog._busy.isVisible()
    assert [device.did for device in dialog.devices] == ["d", "e", "f"]
    assert button(dialog, "end_d").text() == "Log out"
    with qtbot.waitSignal(dialog.end_wanted, check_params_cb=lambda did: did == "f"):
        button(dialog, "end_f").click()
    assert button(dialog, "end_f").accessibleName() == "End 客厅的电脑"


def test_ten_devices_are_enough(qtbot: QtBot, themes: Themes) -> None:
    dialog = DevicesDialog(None, themes, NOW_MS)
    qtbot.addWidget(dialog)
    dialog.show_devices(together.devices()[:1] * 10)
    assert not button(dialog, "answer_add").isEnabled()
    assert "10" in button(dialog, "answer_add").toolTip()


def test_the_code_can_be_copied_and_the_dialog_stays(qtbot: QtBot, themes: Themes) -> None:
    dialog = DeviceCodeDialog(None, "http://127.0.0.1:8787", "9D4K-TWX2")
    qtbot.addWidget(dialog)
    dialog.show()
    button(dialog, "answer_copy").click()
    assert QGuiApplication.clipboard().text() == "http://127.0.0.1:8787/#9D4K-TWX2"
    assert dialog.isVisible()


def test_a_device_joins_with_a_pasted_line_and_without_a_name(qtbot: QtBot, themes: Themes) -> None:
    joined: list[tuple[str, str, str]] = []

    async def join(*words: str) -> None:
        joined.append(words)  # type: ignore[arg-type]

    page = Onboarding(themes, finish, None, join)
    qtbot.addWidget(page)
    page.show()
    page.device.click()
    qtbot.keyClick(page.device_server, Qt.Key.Key_Return)
    assert joined == [], "an empty field is only looked at"
    page.device_server.setText("http://127.0.0.1:8787/#9D4K-TWX2")
    qtbot.keyClick(page.device_code, Qt.Key.Key_Return)
    assert joined == [("http://127.0.0.1:8787", "", "9D4K-TWX2")]


# --- a device that was ended


def test_what_was_left_over_is_named_and_counted(qtbot: QtBot, themes: Themes) -> None:
    dialog = LeftOverDialog(None, themes, together.unsent(7))
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.windowTitle() == "7 messages were not sent"
    assert button(dialog, "answer_send").text() == "Send 7 messages"


@pytest.mark.parametrize("wrong", [False, True])
def test_joining_again(qtbot: QtBot, themes: Themes, wrong: bool) -> None:
    joined: list[tuple[str, str]] = []

    async def join(server: str, code: str) -> None:
        await asyncio.sleep(0)
        if wrong:
            raise InviteWrong()
        joined.append((server, code))

    dialog = RejoinDialog(None, themes, finish, join, "http://127.0.0.1:8787", together.unsent(2))
    qtbot.addWidget(dialog)
    dialog.show()
    button(dialog, "answer_join").click()
    assert dialog.isVisible()
    assert dialog.code.hasFocus() == dialog.isActiveWindow()
    dialog.server.setText("http://10.0.0.2:8787/#9D4K-TWX2")
    button(dialog, "answer_join").click()
    assert dialog.isVisible() is wrong
    assert joined == ([] if wrong else [("http://10.0.0.2:8787", "9D4K-TWX2")])
    assert ("not valid" in dialog._problem.text()) is wrong


# --- settings


def test_three_switches_and_what_another_device_chose(qtbot: QtBot, themes: Themes) -> None:
    dialog = SettingsDialog(None, themes, Settings(), 1.0)
    qtbot.addWidget(dialog)
    told: list[Settings] = []
    dialog.changed.connect(told.append)
    dialog.receipts.click()
    dialog.presence.click()
    dialog.typing.click()
    assert (told[-1].receipts, told[-1].presence, told[-1].typing) == (False, False, False)
    dialog.show_settings(replace(told[-1], presence=True))
    assert len(told) == 3
    assert dialog.presence.isChecked()
    assert "both ways" in dialog._both_ways.text()
    with qtbot.waitSignal(dialog.devices_wanted):
        dialog.devices.click()


def test_one_other_person(qtbot: QtBot, themes: Themes) -> None:
    bubble = Diary().say("Hi", State.READ).bubbles[0]
    dialog = DeliveryDialog(
        None, themes, bubble, NOW_MS, reads=True, receipts=[Receipt(ANNA.uid, "Anna Li", True, True)]
    )
    qtbot.addWidget(dialog)
    assert dialog.list.people.row(0).sentence == "Anna Li, Opened"
