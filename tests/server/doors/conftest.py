"""A server with real sockets, a real data file and real files; only the clock is turned by hand."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from secrets import token_bytes

import httpx
import pytest
from aiohttp import web

from protocol.values import ConvId, Uid
from server.app.housekeeping import Housekeeping
from server.app.media import Media
from server.bootstrap import BLOBS, chosen
from server.core.rules import UploadRules
from server.doors.accounts_routes import AccountsRoutes
from server.doors.admin import AdminRoutes
from server.doors.attempts import Attempts
from server.doors.devices_routes import DevicesRoutes
from server.doors.media_routes import MediaRoutes
from server.doors.web import application, serving
from server.ports import Blobs, Joined
from server.stores.schema import SCHEMA
from server.stores.sqlite_accounts import SqliteAccounts
from server.stores.sqlite_retention import SqliteRetention
from server.stores.sqlite_uploads import SqliteUploads
from server.stores.writer import Writer, open_writer

ADMIN_SECRET = "a secret that only the data folder knows"
TALK = ConvId("talk".ljust(26, "a"))


class House:
    """The doors over a folder. `now_ms` may be turned; `kill` forgets everything that was not written down."""

    def __init__(self, root: Path, blobs_url: str = "") -> None:
        self.root, self.now_ms = root, 1_700_000_000_000
        self.rules = UploadRules()
        self.blobs_url = blobs_url or (root / "media").as_uri()
        self.writer: Writer
        self.blobs: Blobs
        self.accounts: SqliteAccounts
        self.uploads: SqliteUploads
        self.housekeeping: Housekeeping
        self.http: httpx.AsyncClient
        self.media: Media
        self.media_routes: MediaRoutes
        self.app: web.Application
        self.port = self.dismissed = 0
        self._stack = AsyncExitStack()

    async def open(self) -> None:
        clock = lambda: self.now_ms  # noqa: E731 - a clock is a function
        self.writer = open_writer(self.root / "data.sqlite", SCHEMA)
        self._stack.push_async_callback(self.writer.close)
        shelf = chosen(BLOBS, self.blobs_url)(self.blobs_url, clock)
        self.blobs = await self._stack.enter_async_context(shelf)
        self.accounts = SqliteAccounts(self.writer, clock, token_bytes)
        self.uploads = SqliteUploads(self.writer, clock)
        self.housekeeping = Housekeeping(self.uploads, self.blobs, self.accounts, SqliteRetention(self.writer), clock)
        await self._listen()

    async def _listen(self) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self.media = Media(self.uploads, self.blobs, token_bytes, Hands(self), self.rules)
        self.media_routes = MediaRoutes(self.media, self.accounts)
        routes = [
            *AccountsRoutes(self.accounts, Attempts(lambda: self.now_ms / 1000)).routes(),
            *DevicesRoutes(self.accounts, self.dismiss).routes(),
            *AdminRoutes(self.accounts, ADMIN_SECRET).routes(),
            *self.media_routes.routes(),
        ]
        self.app = application(routes, no_line, nobody)
        await self._stack.enter_async_context(serving(self.app, listener))
        client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", trust_env=False)
        self.http = await self._stack.enter_async_context(client)

    async def dismiss(self) -> None:
        """What the runner does when a device was ended."""
        self.dismissed += 1

    async def close(self) -> None:
        await self._stack.aclose()

    async def restart(self) -> None:
        """Everything in memory is forgotten; files and rows stay."""
        await self.close()
        self._stack = AsyncExitStack()
        await self.open()

    async def join(self, name: str) -> Joined:
        return await self.accounts.join(name, await self.accounts.new_invite(), "")

    async def seat(self, uid: Uid, since: int = 1, until: int | None = None) -> None:
        """Make a person a member of TALK from a position on."""
        row = (TALK, uid, since, until)
        talk = "insert into conv (conv, head, ts, form) values (?, 9, 0, 'group') on conflict do nothing"
        member = "insert into member (conv, uid, since, until) values (?, ?, ?, ?)"
        listing = "insert into listing values (?, ?) on conflict do nothing"
        await self.writer.run(
            lambda db: (db.execute(talk, [TALK]), db.execute(listing, [uid, TALK]), db.execute(member, row))
        )

    async def pin(self, media: str, pos: int) -> None:
        """What a message that names a file does."""
        await self.writer.run(
            lambda db: db.execute("insert into pin (conv, pos, media) values (?, ?, ?)", (TALK, pos, media))
        )

    async def unpin(self, media: str) -> None:
        """What a recall does."""
        await self.writer.run(lambda db: db.execute("delete from pin where media = ?", (media,)))


class Hands:
    """The clock of a house."""

    def __init__(self, house: House) -> None:
        self._house = house

    def now_s(self) -> float:
        return self._house.now_ms / 1000

    def now_ms(self) -> int:
        return self._house.now_ms


async def no_line(_: web.Request) -> web.StreamResponse:
    return web.Response(status=426)


async def nobody() -> None:
    return None


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    opened = House(tmp_path)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def alice(house: House) -> Joined:
    joined = await house.join("alice")
    await house.seat(joined.uid)
    return joined


@pytest.fixture
async def bob(house: House) -> Joined:
    joined = await house.join("bob")
    await house.seat(joined.uid)
    return joined


def key(joined: Joined) -> dict[str, str]:
    return {"Authorization": f"Bearer {joined.token}"}


def promise(who: Joined, data: bytes, number: int = 1, **changed: str) -> dict[str, str]:
    """The headers that announce a file."""
    return {
        **key(who),
        "Tus-Resumable": "1.0.0",
        "Upload-Length": str(len(data)),
        "Upload-Number": str(number),
        "Upload-Conversation": TALK,
        "Upload-Sha256": hashlib.sha256(data).hexdigest(),
        **{name.replace("_", "-"): value for name, value in changed.items()},
    }


async def begin(house: House, who: Joined, data: bytes, number: int = 1) -> str:
    """Announce a file and return its address."""
    answer = await house.http.post("/v1/media", headers=promise(who, data, number))
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"])


async def send(house: House, who: Joined, address: str, offset: int, data: bytes) -> httpx.Response:
    """Send bytes at an offset."""
    headers = {**key(who), "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
    return await house.http.patch(address, headers=headers, content=data)


async def offset_of(house: House, who: Joined, address: str) -> int:
    answer = await house.http.head(address, headers={**key(who), "Tus-Resumable": "1.0.0"})
    assert answer.status_code == 200
    return int(answer.headers["Upload-Offset"])


async def put(house: House, who: Joined, data: bytes, number: int = 1) -> str:
    """Upload a whole file and return its address."""
    address = await begin(house, who, data, number)
    answer = await send(house, who, address, 0, data)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(len(data)))
    return address
