"""The program around the window: one per profile, and a sentence when a profile cannot be opened."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from client.app.chat import Chat
from client.ui.app import Program, parser
from client.ui.chatloop import ChatLoop
from client.ui.dialogs.onboarding import Onboarding
from client.ui.doors import Doors, OwnServer
from client.ui.single import SingleInstance
from client.ui.sound.sources import INVENTED
from client.ui.widgets.main_window import MainWindow
from client.ui.words import speak
from protocol.problems import DataCorrupt, DataInUse, DataNewer, DataReadOnly, InviteWrong, Problem
from tests.stages.shelf_chat import ME, ShelfChat


class House:
    """The rest of the program: one chat in memory, one server that only has an address."""

    def __init__(self, home: Path, refuse: Problem | None = None) -> None:
        self.chat, self.refuse, self.opened, self.servers = ShelfChat(), refuse, [""], 0
        self.joined: list[tuple[str, str, str]] = []
        self.doors = Doors(home, self.open_chat, self.open_server)  # type: ignore[arg-type]

    @asynccontextmanager
    async def open_chat(self, folder: Path, server: str) -> AsyncIterator[Chat]:
        if self.refuse is not None:
            raise self.refuse
        self.opened.append(server)
        yield cast(Chat, self.chat)

    @asynccontextmanager
    async def open_server(self, folder: Path, on_back: object, on_problem: object) -> AsyncIterator[OwnServer]:
        self.servers += 1
        yield cast(OwnServer, self)

    url = "http://127.0.0.1:8787"

    async def invite(self) -> str:
        return "CODE"

    async def join(self, server: str, name: str, code: str) -> None:
        if code == "wrong":
            raise InviteWrong()
        self.joined.append((server, name, code))
        self.chat.me = ME


def run(qapp: QApplication, house: House, act: Callable[[], None], wanted: type[QWidget], *options: str) -> int:
    """Run the program; `act` on it when the wanted window is there."""

    async def main() -> int:
        program = Program(qapp, parser().parse_args(["--language", "en", *options]), house.doors, INVENTED)
        running = asyncio.get_running_loop().create_task(program.run())
        async with asyncio.timeout(10):
            while not shown(wanted):  # noqa: ASYNC110 - a window tells nobody that it is there
                await asyncio.sleep(0.01)
            act()
            code = await running
        qapp.removeEventFilter(program)
        return code

    qapp.setQuitOnLastWindowClosed(False)
    try:
        with asyncio.Runner(loop_factory=lambda: ChatLoop(qapp)) as runner:
            return runner.run(main())
    finally:
        qapp.setStyleSheet("")
        speak("en")


def shown(kind: type[QWidget]) -> list[QWidget]:
    return [widget for widget in QApplication.topLevelWidgets() if isinstance(widget, kind) and widget.isVisible()]


@pytest.mark.parametrize("why", [DataNewer(), DataCorrupt(), DataReadOnly(), DataInUse()], ids=lambda why: why.code)
def test_a_profile_that_cannot_be_opened_is_a_sentence_and_exit_code_1(
    qapp: QApplication, tmp_path: Path, why: Problem
) -> None:
    from client.ui.dialogs.frame import Dialog

    said: list[str] = []

    def close() -> None:
        dialog = shown(Dialog)[0]
        said.append(dialog.accessibleDescription())
        dialog.findChildren(QPushButton)[0].click()

    assert run(qapp, House(tmp_path, why), close, Dialog) == 1
    assert said == [why.for_person()]


def test_the_window_of_a_member_opens_and_closes(qapp: QApplication, tmp_path: Path) -> None:
    house = House(tmp_path)

    def close() -> None:
        shown(MainWindow)[0].close()

    assert run(qapp, house, close, MainWindow) == 0
    assert house.servers == 0, "a guest starts no server"


def test_a_new_team_needs_a_name_and_starts_the_server(qapp: QApplication, tmp_path: Path) -> None:
    house = House(tmp_path)
    house.chat.me = None
    house.chat.join = house.join  # type: ignore[method-assign,assignment]

    def begin() -> None:
        page = cast(Onboarding, shown(Onboarding)[0])
        page.joined.connect(lambda: asyncio.get_running_loop().call_later(0.1, lambda: shown(MainWindow)[0].close()))
        page.team_name.setText("Nora")
        page._begin_team()

    assert run(qapp, house, begin, Onboarding, "--data-dir", str(tmp_path), "--profile", "nora") == 0
    assert house.joined == [("http://127.0.0.1:8787", "Nora", "CODE")]
    assert house.servers == 1
    assert "bundled=true" in (tmp_path / "nora" / "window.ini").read_text()


def test_a_wrong_invite_is_said_and_everything_stays_in_its_field(qapp: QApplication, tmp_path: Path) -> None:
    house = House(tmp_path)
    house.chat.me = None
    house.chat.join = house.join  # type: ignore[method-assign,assignment]
    said: list[str] = []

    def begin() -> None:
        page = cast(Onboarding, shown(Onboarding)[0])
        page.server.setText("http://127.0.0.1:1/#wrong")
        page.name.setText("bob")
        page._begin_invite()
        loop = asyncio.get_running_loop()
        loop.call_later(0.1, lambda: said.extend([page._invite_form._problem.text(), page.code.text()]))
        loop.call_later(0.15, page.close)

    assert run(qapp, house, begin, Onboarding) == 0
    assert said == [InviteWrong().for_person(), "wrong"]


@pytest.mark.qt_log_ignore("does not support raise")
def test_a_second_start_shows_the_first_window(qapp: QApplication, tmp_path: Path) -> None:
    house, rung = House(tmp_path), []

    def again() -> None:
        second = SingleInstance(tmp_path / "main")
        assert not second.claim()
        rung.append(True)
        asyncio.get_running_loop().call_later(0.1, lambda: shown(MainWindow)[0].close())

    assert run(qapp, house, again, MainWindow) == 0
    assert rung
    assert SingleInstance(tmp_path / "main").claim(), "the name is free again"


def test_the_media_library_is_quiet_from_its_first_import_on() -> None:
    words = "import client.ui, os; print(os.environ['QT_LOGGING_RULES'])"
    env = {name: value for name, value in os.environ.items() if name != "QT_LOGGING_RULES"}
    said = subprocess.run([sys.executable, "-c", words], env=env, capture_output=True, text=True, check=True).stdout
    assert "qt.multimedia.*=false" in said
