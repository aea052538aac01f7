"""The one module that names concrete parts: it builds the server from its settings, and takes it down in reverse."""

from __future__ import annotations

import asyncio
import errno
import logging
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from urllib.request import url2pathname

from protocol.problems import AddressInvalid, DataPresent, PortInUse
from protocol.values import Value
from server.app.clock import SystemClock, SystemDice
from server.app.housekeeping import Housekeeping, Keep
from server.app.media import Media
from server.app.runner import Runner
from server.app.settings import MEDIA_FOLDER, STORE_FILE, Address, Settings
from server.app.tasks import Tasks
from server.blobs import files, memory
from server.blobs.copies import copy_whole
from server.core.rules import UploadRules
from server.core.session import Rules
from server.doors.accounts_routes import AccountsRoutes
from server.doors.admin import AdminRoutes
from server.doors.attempts import Attempts
from server.doors.devices_routes import DevicesRoutes
from server.doors.im_socket import ImSocket
from server.doors.media_routes import MediaRoutes
from server.doors.web import Application, application, serving
from server.ports import Accounts, Blobs, Retention, Store, Uploads
from server.routes.local import LocalRoute
from server.stores import backup
from server.stores.doctor import SQLITE_VERSION
from server.stores.folder import Door, offer_door, prepare_folder, withdraw_door
from server.stores.schema import SCHEMA
from server.stores.sqlite_accounts import SqliteAccounts
from server.stores.sqlite_retention import SqliteRetention
from server.stores.sqlite_store import GENERATION_BYTES, SqliteStore
from server.stores.sqlite_uploads import SqliteUploads
from server.stores.writer import Writer, open_writer

log = logging.getLogger(__name__)
T = TypeVar("T")
SECRET_BYTES = 32
CLOCK, DICE = SystemClock(), SystemDice()


class Parts(Value, frozen=True):
    """What the doors stand on."""

    store: Store
    accounts: Accounts
    uploads: Uploads
    retention: Retention
    route: LocalRoute
    blobs: Blobs


@asynccontextmanager
async def open_sqlite(url: str) -> AsyncIterator[Writer]:
    """The writer behind `sqlite:/path`.

    Raises: DataInUse, DataIsBackup, DataNewer, DataCorrupt, DataReadOnly, DiskFull.
    """
    await asyncio.to_thread(backup.refuse_backup, path_of(url))
    writer = await asyncio.to_thread(open_writer, path_of(url), SCHEMA)
    try:
        yield writer
    finally:
        await writer.close()


# A part is chosen by the scheme of its URL, here and nowhere else. Another one is another line.
STORES = {"sqlite": open_sqlite}
ROUTES = {"local": LocalRoute}
BLOBS: dict[str, Callable[[str, Callable[[], int]], AbstractAsyncContextManager[Blobs]]] = {
    "file": files.open_blobs,
    "memory": memory.open_blobs,
}


def chosen(table: Mapping[str, T], url: str) -> T:
    """The part for a URL."""
    scheme = urlsplit(url).scheme
    assert scheme in table, f"there is no part for {scheme}:"
    return table[scheme]


def path_of(url: str) -> Path:
    """The file behind a URL."""
    return Path(url2pathname(urlsplit(url).path))


def listen(address: Address) -> tuple[socket.socket, Address]:
    """Take the port, before anything else is touched. Raises: PortInUse, AddressInvalid."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address.host, address.port))
        listener.listen()
    except OSError as refusal:
        listener.close()
        if refusal.errno == errno.EADDRINUSE:
            raise PortInUse(port=address.port) from refusal
        raise AddressInvalid(address=f"{address.host}:{address.port}") from refusal
    return listener, Address(address.host, listener.getsockname()[1])


@asynccontextmanager
async def open_parts(settings: Settings) -> AsyncIterator[Parts]:
    """Everything behind the doors. Raises: DataReadOnly, DataNewer, DataCorrupt, DataInUse, DiskFull."""
    async with AsyncExitStack() as stack:
        writer = await stack.enter_async_context(chosen(STORES, settings.store_url)(settings.store_url))
        shelf = chosen(BLOBS, settings.blobs_url)(settings.blobs_url, CLOCK.now_ms)
        yield Parts(
            store=SqliteStore(writer, CLOCK, DICE),
            accounts=SqliteAccounts(writer, CLOCK.now_ms, DICE.some_bytes),
            uploads=SqliteUploads(writer, CLOCK.now_ms),
            retention=SqliteRetention(writer),
            route=chosen(ROUTES, settings.route_url)(),
            blobs=await stack.enter_async_context(shelf),
        )


def runner_of(parts: Parts, rules: Rules) -> Runner:
    """All connections, over these parts."""
    return Runner(
        store=parts.store,
        accounts=parts.accounts,
        route=parts.route,
        presence=parts.route,
        clock=CLOCK,
        dice=DICE,
        rules=rules,
    )


def _housekeeping(parts: Parts, settings: Settings) -> Housekeeping:
    keep = Keep(settings.keep_days, settings.keep_messages)
    return Housekeeping(parts.uploads, parts.blobs, parts.accounts, parts.retention, CLOCK.now_ms, keep)


def _rules(settings: Settings) -> Rules:
    return Rules(
        *settings.marks_delay_s, messages_per_s=settings.messages_per_s, questions_per_s=settings.questions_per_s
    )


def doors(parts: Parts, secret: str, runner: Runner, rules: UploadRules) -> Application:
    """HTTP and the line, over these parts."""
    routes = [
        *AccountsRoutes(parts.accounts, Attempts(CLOCK.now_s)).routes(),
        *DevicesRoutes(parts.accounts, runner.dismiss_removed).routes(),
        *AdminRoutes(parts.accounts, secret).routes(),
        *MediaRoutes(Media(parts.uploads, parts.blobs, DICE.some_bytes, CLOCK, rules), parts.accounts).routes(),
    ]
    return application(routes, ImSocket(runner).handle, runner.stop)


@asynccontextmanager
async def open_server(settings: Settings) -> AsyncIterator[Address]:
    """A server that answers until the end of the block. Raises a Problem, with nothing changed, if it cannot."""
    async with AsyncExitStack() as stack:
        listener, address = listen(settings.listen)
        stack.callback(listener.close)
        await asyncio.to_thread(prepare_folder, settings.data_dir)
        parts = await stack.enter_async_context(open_parts(settings))
        secret = secrets.token_urlsafe(SECRET_BYTES)
        runner = runner_of(parts, _rules(settings))
        await stack.enter_async_context(serving(doors(parts, secret, runner, settings.uploads), listener))
        watching = Tasks()
        stack.push_async_callback(watching.cancel)
        watching.start(runner.watch())
        watching.start(runner.company.run())
        watching.start(_housekeeping(parts, settings).run())
        stack.callback(withdraw_door, settings.admin_file)
        await asyncio.to_thread(offer_door, settings.admin_file, Door(address.url, secret))
        log.info("listening at %s, with SQLite %s", address.url, SQLITE_VERSION)
        yield address
        log.info("stopping")


@asynccontextmanager
async def open_accounts(settings: Settings) -> AsyncIterator[SqliteAccounts]:
    """The accounts of a folder that no server uses. Raises as `open_server`."""
    await asyncio.to_thread(prepare_folder, settings.data_dir)
    async with chosen(STORES, settings.store_url)(settings.store_url) as writer:
        yield SqliteAccounts(writer, CLOCK.now_ms, DICE.some_bytes)


def back_up(settings: Settings, folder: Path) -> int:
    """Copy data and files into an empty folder, also while a server uses them; returns how many files.

    The data come first: what they name is there already, and nothing of it changes any more (P-60).
    Raises: DataAbsent, DataPresent, DiskFull, DataReadOnly.
    """
    prepare_folder(folder)
    target = folder / STORE_FILE
    named = backup.copy_data(path_of(settings.store_url), target, CLOCK.now_ms())
    lost = copy_whole(path_of(settings.blobs_url), folder / MEDIA_FOLDER, named)
    backup.seal(target, lost)
    return len(named) - len(lost)


def restore(settings: Settings, folder: Path) -> str:
    """Make the backup in `folder` the data of an empty data folder; returns the new generation (P-68).

    The files come first: until the data have their name, nothing is served. Raises as `back_up`, DataNewer.
    """
    source, target = folder.absolute() / STORE_FILE, path_of(settings.store_url)
    named = backup.check_backup(source, SCHEMA)
    prepare_folder(settings.data_dir)
    if target.exists():
        raise DataPresent()
    copy_whole(folder.absolute() / MEDIA_FOLDER, path_of(settings.blobs_url), named)
    return backup.restore_data(source, target, CLOCK.now_ms(), DICE.some_bytes(GENERATION_BYTES))


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run on uvloop where it exists: a quarter less work per frame of the line (measured).

    It has no sendfile, so a download costs more of the processor there, and is about as fast; chat comes first.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(main())


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ModuleNotFoundError:  # Windows
        return None
    return uvloop.new_event_loop
