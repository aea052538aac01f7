"""Joining and inviting: the answer, or a sentence that says what to do."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from client.adapters.http_accounts import HttpAccounts, server_base
from client.core.model import Device, Me
from protocol.problems import (
    DevicesFull,
    InviteWrong,
    NameInvalid,
    NameTaken,
    Problem,
    ServerUnreachable,
    SignInAgain,
    TransferInterrupted,
)
from protocol.values import Did, Uid, replace
from tests.client.adapters.web_server import refusal, serving


@pytest.fixture
async def accounts() -> AsyncIterator[HttpAccounts]:
    made = HttpAccounts()
    yield made
    await made.close()


def joining(answer: web.Response, asked: list[Any]) -> list[web.RouteDef]:
    async def join(request: web.Request) -> web.Response:
        asked.append(await request.json())
        assert "Origin" not in request.headers
        assert "Authorization" not in request.headers
        return answer

    return [web.post("/v1/join", join)]


async def test_joining(accounts: HttpAccounts) -> None:
    asked: list[Any] = []
    place = {"uid": "u1", "did": "77", "name": "Alice", "token": "secret", "server": "hexagram", "new": 1}
    async with serving(joining(web.json_response(place, status=201), asked)) as url:
        me = await accounts.join(url + "/", "Alice", " code\n", "r" * 22)

    assert me == Me(Uid("u1"), Did("77"), "Alice", "secret", url)
    assert asked == [{"name": "Alice", "invite": "code", "request": "r" * 22}]


@pytest.mark.parametrize(
    ("status", "code", "problem"),
    [
        (403, "invite_wrong", InviteWrong),
        (409, "name_taken", NameTaken),
        (422, "name_invalid", NameInvalid),
        (404, "media_unknown", ServerUnreachable),
        (500, "", Problem),
        (418, "from_the_future", TransferInterrupted),
    ],
)
async def test_a_refusal_says_what_to_do(
    accounts: HttpAccounts, status: int, code: str, problem: type[Problem]
) -> None:
    async with serving(joining(refusal(status, code), [])) as url:
        with pytest.raises(problem) as refused:
            await accounts.join(url, "Alice", "code", "r")
    assert "…" not in refused.value.for_person()


async def test_somebody_else_listens(accounts: HttpAccounts) -> None:
    async with serving(joining(web.Response(status=201, text="<html>"), [])) as url:
        with pytest.raises(ServerUnreachable):
            await accounts.join(url, "Alice", "code", "r")
    async with serving([]) as url:
        with pytest.raises(ServerUnreachable):
            await accounts.join(url, "Alice", "code", "r")


async def test_nobody_listens(accounts: HttpAccounts) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        with pytest.raises(ServerUnreachable):
            await accounts.join(f"http://127.0.0.1:{reserved.getsockname()[1]}", "Alice", "code", "r")


async def test_inviting(accounts: HttpAccounts) -> None:
    async def invite(request: web.Request) -> web.Response:
        if request.headers["Authorization"] != "Bearer secret":
            return refusal(401, "sign_in_again")
        return web.json_response({"invite": "abc"}, status=201)

    async with serving([web.post("/v1/invites", invite)]) as url:
        assert await accounts.invite(Me(Uid("u"), Did("1"), "Alice", "secret", url)) == "abc"
        with pytest.raises(SignInAgain):
            await accounts.invite(Me(Uid("u"), Did("1"), "Alice", "old", url))


def test_addresses_as_people_write_them() -> None:
    assert server_base(" 127.0.0.1:8787 ") == "http://127.0.0.1:8787"
    assert server_base("https://chat.example/v1/") == "https://chat.example"
    for wrong in ("", "ftp://x", "http://", "http://[", "[::1"):
        with pytest.raises(ServerUnreachable):
            server_base(wrong)


ALICE = Me(Uid("u1"), Did("77"), "Alice", "secret", "")


def devices(asked: list[str]) -> list[web.RouteDef]:
    async def answer(request: web.Request) -> web.Response:
        asked.append(f"{request.method} {request.path} {request.headers['Authorization']}")
        match request.method:
            case "POST":
                return web.json_response({"code": "CODE"}, status=201)
            case "DELETE":
                return web.Response(status=204)
        one = {"did": "77", "name": "laptop", "seen_ms": 5, "made_ms": 4, "here": True}
        return web.json_response({"devices": [one, {"did": "78"}]})

    path = "/v1/devices"
    return [web.post(path, answer), web.get(path, answer), web.delete(path + "/{did}", answer)]


async def test_another_device_joins_with_a_code_and_says_what_it_is_called() -> None:
    accounts, asked = HttpAccounts("laptop"), list[Any]()
    place = {"uid": "u1", "did": "78", "name": "Alice", "token": "secret", "server": "hexagram"}
    async with serving(joining(web.json_response(place, status=201), asked)) as url:
        me = await accounts.join(url, "", "code", "r" * 22)
    await accounts.close()
    assert (me.name, asked[0]["name"], asked[0]["device"]) == ("Alice", "", "laptop")


async def test_devices_are_listed_added_and_ended(accounts: HttpAccounts) -> None:
    asked: list[str] = []
    async with serving(devices(asked)) as url:
        me = replace(ALICE, server=url)
        assert await accounts.device_code(me) == "CODE"
        assert await accounts.devices(me) == [
            Device(Did("77"), "laptop", 5, 4, here=True),
            Device(Did("78"), "", 0, 0),
        ]
        await accounts.end_device(me, Did("78"))
    assert asked == [
        "POST /v1/devices Bearer secret",
        "GET /v1/devices Bearer secret",
        "DELETE /v1/devices/78 Bearer secret",
    ]


async def test_too_many_devices_are_said_with_their_number(accounts: HttpAccounts) -> None:
    async def full(request: web.Request) -> web.Response:
        return refusal(409, "devices_full")

    async with serving([web.post("/v1/devices", full)]) as url:
        with pytest.raises(DevicesFull) as refused:
            await accounts.device_code(replace(ALICE, server=url))
    assert "10" in refused.value.for_person()
