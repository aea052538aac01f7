"""The page on which a microphone and a camera are chosen and tried."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from client.ui.dialogs import settings_sound
from client.ui.dialogs.settings_sound import SoundDialog
from client.ui.notebook import Notebook
from client.ui.sound.sources import INVENTED, DrawnSource, Named, Sources, ToneSource
from client.ui.theme import Themes
from client.ui.words import problem_words


def opened(qtbot: QtBot, themes: Themes, folder: Path, sources: Sources = INVENTED) -> SoundDialog:
    dialog = SoundDialog(None, themes, Notebook(folder), sources)
    qtbot.addWidget(dialog)
    dialog.open()
    return dialog


def items(box: object) -> list[str]:
    return [box.itemText(row) for row in range(box.count())]  # type: ignore[attr-defined]


def test_the_level_moves_while_the_dialog_is_open(qtbot: QtBot, themes: Themes, tmp_path: Path) -> None:
    dialog = opened(qtbot, themes, tmp_path)
    qtbot.waitUntil(lambda: dialog.meter.level > 0.1)
    dialog.accept()
    assert dialog._source is None, "the microphone is closed with the dialog"


def test_what_is_chosen_is_kept(qtbot: QtBot, themes: Themes, tmp_path: Path) -> None:
    dialog = opened(qtbot, themes, tmp_path)
    assert items(dialog.microphone) == ["As the system", "Tone", "Second tone"]
    dialog.microphone.setCurrentIndex(2)
    dialog.camera.setCurrentIndex(1)
    notebook = Notebook(tmp_path)
    assert (notebook.device("microphone"), notebook.device("camera")) == ("tone2", "sun")
    dialog.reject()
    assert opened(qtbot, themes, tmp_path).microphone.currentText() == "Second tone"


def test_what_is_plugged_in_is_there_at_once(qtbot: QtBot, themes: Themes, tmp_path: Path) -> None:
    plugged = [Named("usb", "USB Mic")]
    sources = Sources(lambda key: ToneSource(), lambda key: DrawnSource(), lambda: plugged)
    dialog = opened(qtbot, themes, tmp_path, sources)
    plugged.append(Named("new", "Headset"))
    dialog._devices.audioInputsChanged.emit()
    assert items(dialog.microphone) == ["As the system", "USB Mic", "Headset"]
    assert items(dialog.camera) == ["None is plugged in"]


def test_without_a_microphone_it_is_said(qtbot: QtBot, themes: Themes, tmp_path: Path) -> None:
    dialog = opened(qtbot, themes, tmp_path, Sources(lambda key: None, lambda key: None))
    assert dialog._said.text() == problem_words("microphone_missing")
    assert not dialog.attempt.isEnabled()


def test_three_seconds_are_recorded_and_heard(
    qtbot: QtBot, themes: Themes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings_sound, "TRY_MS", 400)
    dialog = opened(qtbot, themes, tmp_path)
    dialog.attempt.click()
    assert dialog._said.text() == "Speak now…"
    qtbot.waitUntil(lambda: dialog._player.lid is not None)
    qtbot.waitUntil(dialog.attempt.isEnabled, timeout=10_000)
    dialog.reject()
    assert not (tmp_path / "trying").exists()


def test_closed_in_the_middle_nothing_is_left(qtbot: QtBot, themes: Themes, tmp_path: Path) -> None:
    dialog = opened(qtbot, themes, tmp_path)
    dialog.attempt.click()
    dialog.reject()
    assert not (tmp_path / "trying").exists()
