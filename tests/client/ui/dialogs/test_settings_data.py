"""The page of data and storage: what it shows, and what its buttons do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from client.app.chat import Chat
from client.app.settings import Settings
from client.core.spending import Spending
from client.ui.dialogs.settings import SettingsDialog
from client.ui.dialogs.settings_data import DataDialog, per_conversation
from client.ui.errands import Errands
from client.ui.storage_page import StoragePage, downloads_folder
from client.ui.theme import Themes
from client.ui.words import speak
from protocol.problems import DiskFull, Problem
from protocol.values import ConvId
from tests.stages.shelf_chat import AtOnce, ShelfChat

ANNA, TEAM, NONE = ConvId("anna"), ConvId("team"), ConvId("")
SPENT = [
    Spending("2026-03-12", ANNA, 2, 1_000_000, 5_000),
    Spending("2026-03-12", NONE, 1, 300, 400),
    Spending("2026-03-11", TEAM, 1, 200, 9_000_000),
    Spending("2026-03-11", ANNA, 1, 2_000_000, 5_000),
]


class Doors:
    """A page over a chat in memory."""

    def __init__(self, window: QWidget, themes: Themes) -> None:
        self.chat, self.errands = ShelfChat(), AtOnce()
        self.chat.spends = list(SPENT)
        self.page = StoragePage(
            cast(Chat, self.chat), themes, cast(Errands, self.errands), window,
            title_of=lambda conv: conv.title(), native_dialogs=False,
        )  # fmt: skip

    @property
    def dialog(self) -> DataDialog:
        assert self.page.shown is not None
        return self.page.shown


@pytest.fixture
def doors(qtbot: QtBot, themes: Themes) -> Iterator[Doors]:
    window = QWidget()
    qtbot.addWidget(window)
    made = Doors(window, themes)
    made.page.show()
    yield made
    if made.page.shown is not None:
        made.page.shown.close()


def table(dialog: DataDialog) -> list[str]:
    items = [dialog._grid.itemAt(place) for place in range(dialog._grid.count())]
    widgets = [item.widget() for item in items if item is not None]
    return [widget.text() for widget in widgets if isinstance(widget, QLabel)]


def test_what_is_kept_is_told_by_kind(doors: Doors) -> None:
    told = {kind: label.text() for kind, label in doors.dialog.sizes.items()}
    assert told == {"picture": "48.2 MB", "voice": "6.4 MB", "video": "612.0 MB", "file": "0 B"}
    assert doors.dialog.total.text() == "666.6 MB"
    assert doors.dialog.clears["file"].isHidden(), "there is nothing to clear"


def test_a_kind_is_cleared_alone_and_then_all(doors: Doors) -> None:
    doors.dialog.clears["video"].click()
    assert doors.dialog.sizes["video"].text() == "0 B"
    assert doors.dialog.total.text() == "54.6 MB"
    doors.dialog.clears[""].click()
    assert doors.dialog.total.text() == "0 B"
    assert all(button.isHidden() for button in doors.dialog.clears.values())


def test_every_day_and_every_conversation(doors: Doors) -> None:
    told = table(doors.dialog)
    assert told[:3] == ["Conversation", "Sent", "Received"]
    assert told[3:9] == ["2026-03-12 · Anna", "1.0 MB", "5 KB", "2026-03-12 · No conversation", "300 B", "400 B"]
    doors.dialog.by.setCurrentIndex(1)
    assert table(doors.dialog)[3:] == [
        "Team", "200 B", "9.0 MB", "Anna", "3.0 MB", "10 KB", "No conversation", "300 B", "400 B",
    ]  # fmt: skip


def test_sums_of_a_conversation_count_its_requests() -> None:
    assert [row.requests for row in per_conversation(SPENT)] == [1, 3, 1]


def test_nothing_was_spent_yet(doors: Doors) -> None:
    doors.dialog.show_spending([])
    assert table(doors.dialog) == ["Nothing yet"]


def test_another_limit_is_kept(doors: Doors) -> None:
    assert doors.dialog.limit.currentData() == 2048
    doors.dialog.limit.setCurrentIndex(doors.dialog.limit.findData(0))
    assert doors.chat.settings.cache_mib == 0
    doors.dialog.limit.setCurrentIndex(0)
    assert doors.chat.settings.cache_mib == 256


def test_a_limit_that_somebody_wrote_is_offered_as_well(qtbot: QtBot, themes: Themes) -> None:
    dialog = DataDialog(None, themes, 3000, "", str)
    qtbot.addWidget(dialog)
    assert (dialog.limit.currentData(), dialog.limit.currentText()) == (3000, "3000 MiB")
    assert dialog.limit.itemText(dialog.limit.count() - 1) == "No limit"


def test_the_folder_of_downloads_is_chosen(doors: Doors, tmp_path: Path) -> None:
    doors.errands.start(doors.page._keep_folder(str(tmp_path)))
    assert doors.chat.settings.downloads == str(tmp_path)
    assert doors.dialog.folder.toolTip() == str(tmp_path)
    assert downloads_folder(str(tmp_path)) == tmp_path
    assert downloads_folder(str(tmp_path / "gone")).is_dir()


def test_a_disk_that_does_not_answer_is_told(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(days: int = 90) -> list[Spending]:
        raise DiskFull()

    monkeypatch.setattr(doors.chat, "spending", fails)
    doors.errands.start(doors.page._refresh(doors.dialog))
    assert doors.dialog._problem.text()
    assert isinstance(DiskFull(), Problem)


def test_a_closed_page_is_not_told_of_anything(doors: Doors) -> None:
    dialog = doors.dialog
    dialog.close()
    assert doors.page.shown is None
    doors.errands.start(doors.page._refresh(dialog))


def test_the_way_there_is_in_the_settings(qtbot: QtBot, themes: Themes) -> None:
    dialog = SettingsDialog(None, themes, Settings(), 1.0)
    qtbot.addWidget(dialog)
    with qtbot.waitSignal(dialog.data_wanted):
        dialog.data.click()


def test_in_chinese(qtbot: QtBot, themes: Themes) -> None:
    speak("zh_CN")
    dialog = DataDialog(None, themes, 2048, "", str)
    qtbot.addWidget(dialog)
    assert dialog.windowTitle() == "数据与存储"
    assert dialog.clears[""].text() == "全部清除"
