"""The strip says how the line stands, and why a server did not let us in."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from client.core.model import Line
from client.ui.theme import Themes
from client.ui.widgets.banner import Banner, notice_of


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (Line("offline", 8.0), "Reconnecting… next try in 8 seconds"),
        (Line("offline", 8.0, "server_unreachable"), "The server does not answer · next try in 8 seconds"),
        (Line("offline", 8.0, "server_full"), "The server has no room left · next try in 8 seconds"),
        (Line("offline", 1.0, "busy"), "The server is busy · next try in 1 second"),
        (Line("dialing"), "Connecting…"),
        (Line("stopped"), "You are offline. Messages wait here and go out by themselves"),
    ],
)
def test_words(line: Line, words: str) -> None:
    notice = notice_of(line, 0.0)
    assert notice is not None
    assert notice.words == words


def test_any_other_refusal_is_said_in_its_own_words() -> None:
    notice = notice_of(Line("offline", 8.0, "profile_copied"), 0.0)
    assert notice is not None
    assert notice.words.endswith("next try in 8 seconds")
    assert len(notice.words) > 40


def test_who_is_not_signed_in_is_offered_to_sign_in(qtbot: QtBot, themes: Themes) -> None:
    banner = Banner(themes, lambda: 0.0)
    qtbot.addWidget(banner)
    banner.resize(700, 36)
    banner.show_line(Line("stopped", code="sign_in_again"))
    button = banner.findChild(QPushButton, "banner_try")
    assert isinstance(button, QPushButton)
    assert button.text() == "Sign in again…"
    with qtbot.waitSignal(banner.join_wanted):
        button.click()
    banner.show()
    with qtbot.waitSignal(banner.join_wanted):
        qtbot.mouseClick(banner, Qt.MouseButton.LeftButton)


def test_try_now_calls_the_server(qtbot: QtBot, themes: Themes) -> None:
    banner = Banner(themes, lambda: 0.0)
    qtbot.addWidget(banner)
    banner._line = Line("offline", 27.0, "server_full")
    banner._speak()
    button = banner.findChild(QPushButton, "banner_try")
    assert isinstance(button, QPushButton)
    with qtbot.waitSignal(banner.connect_wanted):
        button.click()
