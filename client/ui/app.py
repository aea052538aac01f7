"""The window's program: opens a profile and its own server if it has one, shows the window, closes in time."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from client.app.chat import Chat
from client.ui import icons
from client.ui.chatloop import ChatLoop
from client.ui.dialogs.frame import Choice, Dialog
from client.ui.dialogs.onboarding import Onboarding
from client.ui.doors import Doors, OwnServer
from client.ui.errands import Errands
from client.ui.notebook import Notebook
from client.ui.single import SingleInstance
from client.ui.sound.sources import INVENTED, SYSTEM, Sources
from client.ui.theme import Themes
from client.ui.widgets.main_window import MainWindow, MakeInvite
from client.ui.words import problem_words, speak, tr
from client.words import language_of
from protocol.problems import Problem

log = logging.getLogger(__name__)

PROFILE = "main"
FOREIGN_PATHS = ("LD_LIBRARY_PATH", "QT_PLUGIN_PATH", "QT_QPA_PLATFORM_PLUGIN_PATH")
"""What a bundle's boot loader sets for us would break the programs that open files for us."""


def parser() -> argparse.ArgumentParser:
    """The options of `python -m client app`."""
    arguments = argparse.ArgumentParser("app", description="The window.")
    arguments.add_argument("--data-dir", type=Path, default=None, help="where profiles are kept")
    arguments.add_argument("--profile", type=_profile, default=PROFILE, help="whose window; several can run at once")
    arguments.add_argument("--server", default="", help="the server's address, if it is another one now")
    arguments.add_argument("--language", default="", help="en or zh; without it as chosen in the settings")
    # For tests and pictures: a tone and a drawn scene in place of microphone and camera, and our own file dialog.
    arguments.add_argument("--sources", choices=("system", "invented"), default="system", help=argparse.SUPPRESS)
    arguments.add_argument("--own-dialogs", action="store_true", help=argparse.SUPPRESS)
    # For the benchmarks: one JSON line when the window can be used.
    arguments.add_argument("--say-ready", action="store_true", help=argparse.SUPPRESS)
    return arguments


def _profile(name: str) -> str:
    if not re.fullmatch(r"[\w\-]{1,40}", name):
        raise argparse.ArgumentTypeError("a profile's name has letters, digits, - and _")
    return name


def main(argv: Sequence[str], doors: Doors, sources: Sources | None = None) -> int:
    """Show the window until it is closed. Exit code 0; 1 if the profile could not be opened."""
    options = parser().parse_args(argv)
    app = QApplication(["hexagram"])
    if getattr(sys, "frozen", False):
        for name in FOREIGN_PATHS:
            os.environ.pop(name, None)
    app.setApplicationName("Hexagram")
    app.setStyle("Fusion")
    app.setWindowIcon(icons.app_icon())
    QGuiApplication.setDesktopFileName("hexagram")
    app.setQuitOnLastWindowClosed(False)
    chosen = sources or (INVENTED if options.sources == "invented" else SYSTEM)
    with asyncio.Runner(loop_factory=lambda: ChatLoop(app)) as runner:
        return runner.run(Program(app, options, doors, chosen).run())


class Program(QObject):
    """One run of the window, from the first look at the profile to the last goodbye."""

    def __init__(self, app: QApplication, options: argparse.Namespace, doors: Doors, sources: Sources) -> None:
        super().__init__()
        self._app, self._options, self._doors, self._sources = app, options, doors, sources
        folder: Path = (options.data_dir or doors.home) / options.profile
        self._folder = folder
        self._themes = Themes(app)
        self._window: MainWindow | None = None
        self._shown: Onboarding | MainWindow | None = None
        self._address, self._again = "", False
        app.installEventFilter(self)

    async def run(self) -> int:
        """Open, show, wait, close."""
        speak(language_of(self._options.language) if self._options.language else "system")
        single = SingleInstance(self._folder, self)
        if not single.claim():
            return 0
        single.rung.connect(self._raise)
        try:
            async with AsyncExitStack() as stack:
                return await self._open(stack)
        except Problem as why:
            await self._tell(why)
            return 1
        finally:
            single.close()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The system asks the program to end: so does a closed window."""
        if event.type() is QEvent.Type.Quit and self._shown is not None:
            self._shown.close()
            return True
        return False

    def _raise(self) -> None:
        if isinstance(self._shown, MainWindow):
            self._shown.raise_up()
        elif self._shown is not None:
            self._shown.raise_()
            self._shown.activateWindow()

    # --- opening

    async def _open(self, stack: AsyncExitStack) -> int:
        """The server is ended after the chat has said goodbye to it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        notebook = Notebook(self._folder)
        self._themes.zoom(notebook.scale)
        server = _Server(self._doors, notebook, stack, self._moved, self._server_problem)
        self._address = self._options.server
        while True:
            async with self._doors.open_chat(self._folder, self._address) as chat:
                self._address, self._again = "", False
                if chat.me is None and not await self._onboard(chat, notebook, server):
                    return 0
                await self._show(chat, notebook, server)
            if not self._address and not self._again:
                return 0

    async def _onboard(self, chat: Chat, notebook: Notebook, server: _Server) -> bool:
        """Ask how to begin until somebody has joined; False if the window was closed instead."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        async def start_team(name: str) -> None:
            url = await server.start()
            await chat.join(url, name, await server.invite())
            notebook.hosts = True

        async def join_team(address: str, name: str, code: str) -> None:
            await chat.join(address, name, code)

        errands = Errands(lambda words: log.warning("! onboarding: %s", words))
        page = Onboarding(self._themes, errands.start, start_team, join_team, self._options.server)

        def settle(joined: bool) -> None:
            if not done.done():
                done.set_result(joined)

        page.joined.connect(lambda: settle(True))
        page.closed.connect(lambda: settle(False))
        self._shown = page
        page.show()
        joined = await done
        page.hide()
        await errands.close()
        self._shown = None
        page.deleteLater()
        return joined

    async def _show(self, chat: Chat, notebook: Notebook, server: _Server) -> None:
        """The window, until it is closed. Its own server starts while the person looks at it already."""
        self._themes.choose(chat.settings.theme)
        window = MainWindow(
            chat, self._themes, notebook, sources=self._sources, make_invite=server.inviter(chat),
            native_dialogs=not self._options.own_dialogs,
        )  # fmt: skip
        window.preferences.apply(chat.settings, language=not self._options.language)
        over = asyncio.Event()
        window.gone.connect(over.set)
        window.renewed.connect(self._begin_again)
        self._window = self._shown = window
        window.show()
        if self._options.say_ready:
            window.listed.connect(_say_ready, Qt.ConnectionType.SingleShotConnection)
        if notebook.hosts:
            window.errands.start(self._start_server(chat, server))
        await over.wait()
        window.hide()
        self._window = self._shown = None
        await window.close_down()
        window.deleteLater()

    async def _start_server(self, chat: Chat, server: _Server) -> None:
        url = await server.start()
        chat.connect()
        if chat.me is not None and url != chat.me.server:
            self._moved(url)

    def _moved(self, url: str) -> None:
        """Our server has another address, because somebody took its port: open the profile anew, there."""
        log.info("= the bundled server is at %s", url)
        if self._window is not None and url != self._known_address():
            self._address = url
            self._window.leave()

    def _begin_again(self) -> None:
        """This profile has joined as somebody else: everything on the screen is theirs now."""
        self._again = True

    def _known_address(self) -> str:
        return self._window.server if self._window is not None else ""

    # --- telling

    def _server_problem(self, why: Problem) -> None:
        if self._window is not None:
            self._window.say(problem_words(why))

    async def _tell(self, why: Problem) -> None:
        """A profile that cannot be opened: one sentence, one button."""
        log.error("! the profile cannot be opened: %s", why.code)
        dialog = Dialog(None, tr("Hexagram cannot open this profile"), problem_words(why))
        dialog.setObjectName("cannot_open")
        dialog.setWindowIcon(icons.app_icon())
        dialog.offer([Choice("", tr("Close"), "primary")])
        await dialog.answered()


def _say_ready() -> None:
    """The chat list is there; once what waits to be drawn is drawn, the window can be used."""
    QApplication.processEvents()
    sys.stdout.write('{"event":"window"}\n')
    sys.stdout.flush()


class _Server:
    """The bundled server of this profile: started when it is needed, ended with the window."""

    def __init__(
        self,
        doors: Doors,
        notebook: Notebook,
        stack: AsyncExitStack,
        on_back: Callable[[str], None],
        on_problem: Callable[[Problem], None],
    ) -> None:
        self._doors, self._notebook, self._stack = doors, notebook, stack
        self._on_back, self._on_problem = on_back, on_problem
        self._running: OwnServer | None = None

    async def start(self) -> str:
        """Its address. Raises the Problem why it cannot run."""
        if self._running is None:
            opened = self._doors.open_server(self._notebook.server_folder, self._on_back, self._on_problem)
            self._running = await self._stack.enter_async_context(opened)
        return self._running.url

    async def invite(self) -> str:
        """A fresh invite code."""
        assert self._running is not None
        return await self._running.invite()

    def inviter(self, chat: Chat) -> MakeInvite:
        """What makes an invite in the window: our own server, or the one we are guests of."""

        async def make() -> tuple[str, str]:
            if self._running is not None:
                return self._running.url, await self._running.invite()
            assert chat.me is not None
            return chat.me.server, await chat.invite()

        return make
