"""The only module of the client that names concrete parts: it builds them up and takes them down in reverse."""

from __future__ import annotations

import logging
import platform
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path

from platformdirs import user_data_dir

from client.adapters.bundled_server import BundledServer
from client.adapters.clock import SystemClock, SystemDice
from client.adapters.file_marks import MarkedFiles
from client.adapters.http_accounts import HttpAccounts
from client.adapters.http_ledger import Ledger
from client.adapters.http_media import HttpMedia
from client.adapters.http_names import safe_name
from client.adapters.local_network import LocalNetwork
from client.adapters.lossy_wire import Faults, LossyWire
from client.adapters.sqlite_messages import SqliteMessages
from client.adapters.websocket_wire import WebsocketWire
from client.adapters.worker_pool import WorkerPool
from client.app.chat import Chat
from client.app.settings import load_settings
from client.core.engine import Engine
from client.core.model import Memory
from client.ports import Machine, Parts, Wire, WireListener
from client.programs import worker_command
from protocol.ladder import Ladder
from protocol.limits import NAME_MAX_CHARS, SCREEN_BATCH_S
from protocol.problems import DataRebuilt, Problem

MEDIA_FOLDER, COPIES_FOLDER, RECORDINGS_FOLDER = "media", "copies", "recordings"
LOG_FILE, SERVER_LOG_FILE = "hexagram.log", "server.log"
LOG_MAX_BYTES, LOG_FILES = 1_000_000, 3
LOG_LINE = "%(asctime)s %(levelname).1s %(name)s %(message)s"
LOGS = ("client", "protocol")


@dataclass(frozen=True, slots=True)
class Profile:
    """Whose client this is, and where it keeps its things.

    `server` may be empty once the profile has joined one; given, it is where that server is now. `drop` names
    packets to lose on purpose, like `ack:N:1`. `log_file` gets a log of packets, never of texts.
    """

    data_dir: Path
    server: str = ""
    drop: tuple[str, ...] = ()
    log_file: Path | None = None


def home() -> Path:
    """Where profiles are kept unless the person says otherwise."""
    return Path(user_data_dir("Hexagram", appauthor=False))


def open_chat(folder: Path, server: str) -> AbstractAsyncContextManager[Chat]:
    """A profile for the window: with a log beside it, and changes gathered for one frame of the screen."""
    profile = Profile(folder, server, log_file=folder / LOG_FILE)
    return open_client(profile, screen_batch_s=SCREEN_BATCH_S)


@asynccontextmanager
async def open_server(
    folder: Path,
    on_back: Callable[[str], None] = lambda url: None,
    on_problem: Callable[[Problem], None] = lambda problem: None,
) -> AsyncIterator[BundledServer]:
    """The server that comes with the application, running; see BundledServer for what the arguments hear.

    Raises: DataInUse, DataReadOnly, DataNewer, DataCorrupt, DiskFull, ServerUnreachable, ServerInternal.
    """
    server = BundledServer(folder, on_back=on_back, on_problem=on_problem, log_file=folder / SERVER_LOG_FILE)
    try:
        await server.start()
        yield server
    finally:
        await server.close()


@asynccontextmanager
async def open_client(profile: Profile, *, screen_batch_s: float) -> AsyncIterator[Chat]:
    """The door to one profile, open; its parts are closed in reverse when it is left.

    Raises: DataInUse, DataReadOnly, DataNewer, DataCorrupt, DiskFull, StoreFailed, AddressInvalid.
    """
    async with AsyncExitStack() as stack:
        messages = SqliteMessages(profile.data_dir)
        await messages.open()
        stack.push_async_callback(messages.close)
        stack.enter_context(_logging_to(profile.log_file))
        parts = await _open_parts(stack, profile, messages, who := _Who())
        chat = who.chat = Chat(parts, await load_settings(messages), screen_batch_s=screen_batch_s)
        stack.push_async_callback(chat.close)
        await chat.start(profile.server)
        if messages.salvaged is not None:
            chat.announce(DataRebuilt(waiting=messages.salvaged.waiting))
        yield chat


class _Who:
    """Whose token and address the parts use at the moment; they are built before the account is known."""

    chat: Chat | None = None

    def token(self) -> str:
        me = self.chat.me if self.chat is not None else None
        return me.token if me is not None else ""

    def server(self) -> str:
        me = self.chat.me if self.chat is not None else None
        return me.server if me is not None else ""


async def _open_parts(stack: AsyncExitStack, profile: Profile, messages: SqliteMessages, who: _Who) -> Parts:
    own = tuple(profile.data_dir / folder for folder in (COPIES_FOLDER, RECORDINGS_FOLDER))
    clock, dice = SystemClock(), SystemDice()
    ledger = Ledger(lambda rows: messages.spend(rows, clock.wall_ms()), clock.wall_ms)
    media = HttpMedia(who.server, who.token, profile.data_dir / MEDIA_FOLDER, own, ledger)
    accounts = HttpAccounts(platform.node()[:NAME_MAX_CHARS] or platform.system(), ledger)
    worker = WorkerPool(worker_command(), profile.data_dir / COPIES_FOLDER)
    for part in (ledger, media, accounts, worker):
        stack.push_async_callback(part.close)
    faults = Faults(profile.drop)

    def open_wire(listener: WireListener) -> Wire:
        def websocket(ears: WireListener) -> Wire:
            wire = WebsocketWire(ears, who.token)
            stack.push_async_callback(wire.close)
            return wire

        return LossyWire(faults, listener, websocket) if profile.drop else websocket(listener)

    def make(memory: Memory, ladder: Ladder, now_ms: int) -> Machine:
        return Engine(memory, ladder, now_ms, dice.roll)

    return Parts(
        messages=messages,
        open_wire=open_wire,
        media=media,
        worker=worker,
        accounts=accounts,
        clock=clock,
        dice=dice,
        exports=MarkedFiles(safe_name),
        make=make,
        network=LocalNetwork(),
        ledger=ledger,
    )


class _Log(RotatingFileHandler):
    """A log that cannot be written is silent: standard error belongs to others, and tells of no full disk."""

    def handleError(self, record: logging.LogRecord) -> None:
        pass


@contextmanager
def _logging_to(path: Path | None) -> Iterator[None]:
    """Write the log of packets, line and saves to a file that starts anew before it is too long; or nowhere."""
    handler: logging.Handler = logging.NullHandler()
    if path is not None:
        with suppress(OSError):  # a full disk costs the log, never a message
            handler = _Log(path, maxBytes=LOG_MAX_BYTES, backupCount=LOG_FILES, encoding="utf-8")
    handler.setFormatter(logging.Formatter(LOG_LINE))
    loggers = [logging.getLogger(name) for name in LOGS]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG if path is not None else logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
        handler.close()
