"""The byte ledger: what is written is what went over the line, and nothing is asked for without a cause."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from client.adapters import http_ledger
from client.adapters.http_answers import new_client
from client.adapters.http_ledger import Ledger, NoCauseError, because
from client.core.spending import Spent
from protocol.problems import DiskFull
from protocol.values import ConvId, Lid, replace
from tests.client.adapters.web_server import serving

CLIENT = Path(__file__).parents[3] / "client"
SENDS = {"request", "stream", "get", "post", "put", "patch", "delete", "head", "options", "send"}


class Book:
    """Keeps rows as the database does."""

    def __init__(self) -> None:
        self.rows: dict[int, Spent] = {}
        self.full = False
        self.batches: list[int] = []

    async def keep(self, rows: Sequence[Spent]) -> list[int]:
        if self.full:
            raise DiskFull()
        self.batches.append(len(rows))
        ids = [row.id or len(self.rows) + place + 1 for place, row in enumerate(rows)]
        self.rows |= {number: replace(row, id=number) for number, row in zip(ids, rows, strict=True)}
        return ids


class Tap:
    """Between client and server: counts what really passes, both ways."""

    def __init__(self, url: str) -> None:
        self._port = int(url.rpartition(":")[2])
        self.up_bytes = self.down_bytes = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        await asyncio.gather(self._up(reader, back), self._down(there, writer), return_exceptions=True)

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            self.up_bytes += len(data)
            writer.write(data)
        writer.close()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            self.down_bytes += len(data)
            writer.write(data)
        writer.close()


async def echo(request: web.Request) -> web.Response:
    return web.Response(body=await request.read(), status=201, headers={"X-Place": "here"})


ECHO = [web.post("/v1/echo", echo), web.get("/v1/echo", echo)]


async def test_what_is_written_is_what_went_over_the_line() -> None:
    book = Book()
    ledger = Ledger(book.keep, lambda: 1_700_000_000_000)
    async with serving(ECHO) as url, (tap := Tap(url)).open() as address, new_client(ledger) as http:
        why = because("upload", Lid(7), ConvId("c"))
        for body in (b"", b"x" * 300_000):
            await http.post(f"{address}/v1/echo?a=b", content=body, extensions=why)
        await http.get(f"{address}/v1/echo", extensions=because("devices"))
    await ledger.close()

    rows = list(book.rows.values())
    assert [(row.because.cause, row.because.lid, row.method, row.what, row.status) for row in rows] == [
        ("upload", 7, "POST", "/v1/echo", 201),
        ("upload", 7, "POST", "/v1/echo", 201),
        ("devices", 0, "GET", "/v1/echo", 201),
    ]
    assert {row.at_ms for row in rows} == {1_700_000_000_000}
    assert sum(row.sent_bytes for row in rows) == tap.up_bytes
    assert sum(row.received_bytes for row in rows) == tap.down_bytes


async def test_a_request_without_a_cause_raises_in_tests() -> None:
    async with serving(ECHO) as url, new_client(Ledger()) as http:
        with pytest.raises(NoCauseError, match="GET /v1/echo has no cause"):
            await http.get(f"{url}/v1/echo")
        with pytest.raises(NoCauseError):
            await http.get(f"{url}/v1/echo", extensions=because("unknown"))


async def test_and_is_written_as_unknown_elsewhere() -> None:
    book = Book()
    ledger = Ledger(book.keep, strict=False)
    async with serving(ECHO) as url, new_client(ledger) as http:
        assert (await http.get(f"{url}/v1/echo")).status_code == 201
    await ledger.close()

    (row,) = book.rows.values()
    assert row.because.cause == "unknown"
    assert row.received_bytes > 0


async def test_a_server_that_is_not_there_costs_nothing_and_is_written() -> None:
    book = Book()
    ledger = Ledger(book.keep)
    async with new_client(ledger) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get("http://127.0.0.1:1/v1/devices", extensions=because("devices"))
    await ledger.close()

    (row,) = book.rows.values()
    assert (row.sent_bytes, row.received_bytes, row.status) == (0, 0, 0)


async def test_a_transfer_that_runs_is_written_with_what_it_cost_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_ledger, "WRITE_AFTER_S", 0.0)
    go_on = asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        answer.content_length = 2_000
        await answer.prepare(request)
        await answer.write(b"x" * 1_000)
        await go_on.wait()
        await answer.write(b"y" * 1_000)
        return answer

    book = Book()
    ledger = Ledger(book.keep)
    async with (
        serving([web.get("/v1/media/m", slow)]) as url,
        new_client(ledger) as http,
        http.stream("GET", f"{url}/v1/media/m", extensions=because("download", Lid(3))) as answer,
    ):
        pieces = answer.aiter_raw(1_000)
        await anext(pieces)
        await ledger.flush()
        (begun,) = book.rows.values()
        go_on.set()
        assert b"".join([piece async for piece in pieces]) == b"y" * 1_000
    await ledger.close()

    (ended,) = book.rows.values()
    assert ended == replace(begun, received_bytes=begun.received_bytes + 1_000)
    assert ended.id == 1


async def test_rows_wait_for_one_another() -> None:
    book = Book()
    ledger = Ledger(book.keep)
    async with serving(ECHO) as url, new_client(ledger) as http:
        for _ in range(20):
            await http.get(f"{url}/v1/echo", extensions=because("devices"))
    await ledger.close()

    assert book.batches == [20]


async def test_what_a_full_disk_did_not_take_is_written_later() -> None:
    book = Book()
    ledger = Ledger(book.keep)
    async with serving(ECHO) as url, new_client(ledger) as http:
        await http.get(f"{url}/v1/echo", extensions=because("devices"))
        book.full = True
        await ledger.flush()
        assert not book.rows
        book.full = False
        await http.get(f"{url}/v1/echo", extensions=because("invite"))
        await ledger.flush()
    await ledger.close()

    assert [row.because.cause for row in book.rows.values()] == ["devices", "invite"]


def calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def of_httpx(call: ast.Call) -> bool:
    """Whether this asks a server for something: a method of what is called `http` or `client`, by these names."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in SENDS:
        return False
    return ast.unparse(call.func.value) in ("http", "self._http", "self._http()", "client", "self._client")


def found() -> dict[str, list[ast.Call]]:
    trees = {path: ast.parse(path.read_text()) for path in CLIENT.rglob("*.py")}
    users = [path for path, tree in trees.items() if any("httpx" in name for name in imported(tree))]
    return {path.name: calls(trees[path]) for path in users}


def imported(tree: ast.AST) -> list[str]:
    nodes: list[Any] = list(ast.walk(tree))
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    return plain + [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]


def test_there_is_one_client_of_http_and_it_is_counted() -> None:
    made = [
        name
        for name, of in found().items()
        for call in of
        if ast.unparse(call.func) in ("httpx.AsyncClient", "httpx.Client", "AsyncClient", "Client")
        or (ast.unparse(call.func).startswith("httpx.") and ast.unparse(call.func)[6:] in SENDS)
    ]
    assert made == ["http_answers.py"]


def test_every_place_that_asks_says_why() -> None:
    asking = [(name, call) for name, of in found().items() for call in of if of_httpx(call)]
    assert {name for name, _ in asking} >= {"http_accounts.py", "http_media.py", "http_upload.py"}
    for name, call in asking:
        assert any(word.arg == "extensions" for word in call.keywords), f"{name}:{call.lineno} has no cause"
