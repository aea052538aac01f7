"""What the window needs of the rest of the program, handed in by whoever starts it: profiles and their servers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from client.app.chat import Chat
from protocol.problems import Problem


class OwnServer(Protocol):
    """The server that runs beside this window, on this computer."""

    url: str

    async def invite(self) -> str:
        """A fresh invite code."""
        ...


class OpenChat(Protocol):
    """Opens one profile; raises the Problem why it cannot."""

    def __call__(self, folder: Path, server: str) -> AbstractAsyncContextManager[Chat]:
        """`server` is where the account's server is now, empty if that has not changed."""
        ...


class OpenServer(Protocol):
    """Starts the bundled server on a folder; raises the Problem why it cannot."""

    def __call__(
        self, folder: Path, on_back: Callable[[str], None], on_problem: Callable[[Problem], None]
    ) -> AbstractAsyncContextManager[OwnServer]:
        """`on_back` hears the address when the server came back, `on_problem` what keeps it from that."""
        ...


@dataclass(frozen=True, slots=True)
class Doors:
    """The ways into the program. `home` is where profiles are kept unless the person says otherwise."""

    home: Path
    open_chat: OpenChat
    open_server: OpenServer
