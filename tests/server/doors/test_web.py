"""The port itself: who is kept out, and how everything that goes wrong is answered."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from server.doors import web as doors
from server.doors.web import is_this_computer
from server.ports import Joined, StoreUnknown
from tests.server.doors.conftest import House, begin, key


async def test_the_server_says_what_it_is(house: House) -> None:
    answer = await house.http.get("/v1/health")
    assert (answer.status_code, answer.json()) == (200, {"server": "hexagram"})
    assert answer.headers["server"] == "hexagram"


ROUTES = [
    ("GET", "/v1/health"),
    ("GET", "/v1/line"),
    ("POST", "/v1/join"),
    ("POST", "/v1/media"),
    ("GET", "/v1/media/x"),
    ("POST", "/admin/invites"),
    ("GET", "/nowhere"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1", "null"])
async def test_a_web_page_gets_nothing(house: House, method: str, path: str, origin: str) -> None:
    """SEC-18: also not a page that claims to be from here, and without any permission to read the answer."""
    answer = await house.http.request(method, path, headers={"Origin": origin})
    assert answer.status_code == 403
    assert [name for name in answer.headers if name.lower().startswith("access-control")] == []


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_a_rebound_name_gets_nothing(house: House, method: str, path: str) -> None:
    answer = await house.http.request(method, path, headers={"Host": f"evil.example:{house.port}"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("127.0.0.1:8787", True),
        ("127.0.0.1", True),
        ("localhost:1", True),
        ("LOCALHOST", True),
        ("[::1]:8787", True),
        ("127.8.9.1", True),
        ("", False),
        ("192.168.1.5:8787", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("[::1", False),
        ("evil@127.0.0.2.example", False),
        ("0.0.0.0", False),
    ],
)
def test_names_of_this_computer(host: str, ours: bool) -> None:
    assert is_this_computer(host) is ours


async def test_unknown_addresses_and_ways_have_a_code(house: House) -> None:
    nowhere, wrong_way = await house.http.get("/nowhere"), await house.http.delete("/v1/join")
    assert (nowhere.status_code, nowhere.json()) == (404, {"code": "unknown_type"})
    assert (wrong_way.status_code, wrong_way.json()) == (405, {"code": "unknown_type"})


async def test_an_error_of_ours_says_nothing_about_itself(
    house: House, alice: Joined, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken() -> str:
        raise RuntimeError("secret details")

    monkeypatch.setattr(house.accounts, "new_invite", broken)
    answer = await house.http.post("/v1/invites", headers=key(alice))
    assert (answer.status_code, answer.json()) == (500, {"code": "internal"})
    assert "! a request ended with an error of ours" in caplog.text


async def test_a_commit_that_nobody_knows_about_may_be_asked_again(
    house: House, alice: Joined, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P-37."""

    async def unknown() -> str:
        raise StoreUnknown

    monkeypatch.setattr(house.accounts, "new_invite", unknown)
    answer = await house.http.post("/v1/invites", headers=key(alice))
    assert (answer.status_code, answer.json()) == (503, {"code": "store_failed"})


@pytest.mark.parametrize(
    "said", [b"", b"GET /v1/health HTT", b"GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "]
)
async def test_a_connection_that_never_says_a_whole_request_is_closed(
    house: House, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    """SEC-19."""
    monkeypatch.setattr(doors, "HELLO_WAIT_S", 0.05)
    await house.restart()
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.write(said)
    assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize("said", [b"\x00\xff garbage\r\n\r\n", b"\x16\x03\x01\x00\x10", b"GET / HTTP/1.1\r\n\r\n"])
async def test_what_is_no_http_gets_a_code_and_hears_neither_versions_nor_itself(house: House, said: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.write(said)
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.0 400 ")
    assert answer.endswith(b'{"code": "bad_frame"}')
    assert b"Server: hexagram\r\n" in answer
    assert b"aiohttp" not in answer
    writer.close()


async def test_a_body_that_is_too_large_is_no_frame(house: House) -> None:
    answer = await house.http.post("/v1/join", content=b"x" * 20_000)
    assert (answer.status_code, answer.json()) == (413, {"code": "bad_frame"})


async def test_headers_without_end_are_refused(house: House) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.write(b"GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 100_000)
    assert b" 400 " in await reader.readline()
    writer.close()


OPEN_TO_ALL = {"/v1/join", "/v1/health", "/v1/line"}  # the first takes an invite, the last a token in its hello


async def test_every_other_route_wants_to_know_who_asks(house: House) -> None:
    """SEC-20: a route that was added without a rule fails here."""
    asked = 0
    for route in house.app.router.routes():
        path = route.resource.canonical if route.resource else ""
        if path not in OPEN_TO_ALL and route.method != "OPTIONS":  # which says nothing about anybody
            for headers in ({}, {"Authorization": "Bearer nobody"}, {"Authorization": "Basic bm9ib2R5"}):
                answer = await house.http.request(route.method, path.format(media="a" * 26, did="1"), headers=headers)
                assert answer.status_code == 401, (route.method, path)
                assert answer.headers["www-authenticate"] == "Bearer"
                asked += 1
    assert asked >= 3 * 9


async def test_a_body_that_is_packed_otherwise_than_it_says_is_refused(
    house: House, alice: Joined, caplog: pytest.LogCaptureFixture
) -> None:
    """No mistake of ours: nothing of it enters the log as one."""
    packed = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    answer = await house.http.post("/v1/join", content=b"no gzip at all", headers=packed)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_frame")

    address = await begin(house, alice, b"x" * 100)
    packed = {**key(alice), "Content-Encoding": "gzip", "Content-Type": "application/offset+octet-stream"}
    answer = await house.http.patch(address, content=b"no gzip either", headers={**packed, "Upload-Offset": "0"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_frame")
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_header_that_nobody_can_repeat_is_a_bad_request(house: House) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.write(b"GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-contin\xf5e\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 400 ")
    writer.close()
    await writer.wait_closed()


async def test_an_address_that_the_library_stumbles_over_is_cut_off(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.write(b"GET http://[::1]@ HTTP/1.1\r\nHost: [::1]\r\n\r\n")
    with suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
    assert (await house.http.get("/v1/health")).status_code == 200
