"""Who may do what with a file, for everybody and every method (SEC-20, SEC-21, SEC-30)."""

from __future__ import annotations

from typing import Any, NamedTuple

import httpx
import pytest

from protocol.values import MediaId
from server.app import media as media_module
from server.core.rights import Action
from server.ports import Identity, Joined
from tests.server.doors.conftest import House, begin, key, promise, put, send

DATA = b"what was sent into the conversation"
POS = 5  # of the message that names the file
WHOLE, PART, NO, OUT = 200, 206, 404, 401


class Row(NamedTuple):
    """What somebody is answered: GET, HEAD and a range of a file; PATCH and DELETE of an upload on its way."""

    get: int
    head: int
    range: int
    patch: int
    delete: int


SEES, NOTHING, OUTSIDE = Row(WHOLE, WHOLE, PART, NO, NO), Row(NO, NO, NO, NO, NO), Row(OUT, OUT, OUT, OUT, OUT)
MATRIX = {
    "owner": Row(WHOLE, WHOLE, PART, 204, 204),
    "owner's other device": SEES,
    "owner who was removed": Row(WHOLE, WHOLE, PART, 204, 204),
    "member": SEES,
    "joined later": NOTHING,
    "removed before": NOTHING,
    "removed after": SEES,
    "removed and back": SEES,
    "other account": NOTHING,
    "revoked device": OUTSIDE,
    "stranger": OUTSIDE,
}


class Talk(NamedTuple):
    """A file that a message names, an upload on its way by the same device, and everybody who asks."""

    file: str
    upload: str
    tokens: dict[str, str]


async def a_talk(house: House, owner_left: bool) -> Talk:
    alice = await house.join("alice")
    await house.seat(alice.uid, since=1)
    file, upload = await put(house, alice, DATA), await begin(house, alice, DATA + b"!", 2)
    await house.pin(file.rsplit("/")[-1], POS)
    if owner_left:
        await house.writer.run(
            lambda db: db.execute("update member set until = 3 where uid = ?", [alice.uid])  # before the message
        )
    joined = {"owner who was removed" if owner_left else "owner": alice}
    joined["owner's other device"] = await another_device(house, alice)
    spans: dict[str, list[tuple[int, int | None]]] = {
        "member": [(1, None)],
        "joined later": [(POS + 1, None)],
        "removed before": [(1, POS - 1)],
        "removed after": [(1, POS)],
        "removed and back": [(1, POS), (8, None)],
        "other account": [],
    }
    for number, (name, seats) in enumerate(spans.items()):
        joined[name] = person = await house.join(f"person {number}")
        for since, until in seats:
            await house.seat(person.uid, since, until)
    revoked = await another_device(house, alice)
    await house.accounts.end_device(alice.uid, revoked.did)
    tokens = {name: person.token for name, person in joined.items()}
    return Talk(file, upload, tokens | {"revoked device": revoked.token, "stranger": "nobody"})


async def another_device(house: House, who: Joined) -> Joined:
    code = await house.accounts.new_device_code(Identity(who.uid, who.did, who.name))
    return await house.accounts.join("", code, "", "another")


async def ask(house: House, token: str, method: str, address: str, **headers: str) -> httpx.Response:
    brings = method == "PATCH"
    bytes_follow = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"} if brings else {}
    return await house.http.request(
        method,
        address,
        headers={"Authorization": f"Bearer {token}", **bytes_follow, **headers},
        content=b"x" if brings else None,
    )


@pytest.mark.parametrize("owner_left", [False, True])
async def test_everybody_gets_what_is_theirs_and_nobody_more(house: House, owner_left: bool) -> None:
    """SEC-21. What is foreign and what is not there look the same."""
    talk = await a_talk(house, owner_left)
    nowhere = f"/v1/media/{'a' * 26}"
    for name, token in talk.tokens.items():
        answers = [
            await ask(house, token, "GET", talk.file),
            await ask(house, token, "HEAD", talk.file),
            await ask(house, token, "GET", talk.file, Range="bytes=2-5"),
            await ask(house, token, "PATCH", talk.upload),
            await ask(house, token, "DELETE", talk.upload),
        ]
        assert Row(*(answer.status_code for answer in answers)) == MATRIX[name], name
        assert (answers[0].content == DATA) == (MATRIX[name].get == WHOLE)
        assert (answers[2].content == DATA[2:6]) == (MATRIX[name].range == PART)
        if MATRIX[name] == NOTHING:
            theirs = [facts(await ask(house, token, method, nowhere)) for method in ("GET", "HEAD", "PATCH", "DELETE")]
            assert [facts(answers[place]) for place in (0, 1, 3, 4)] == theirs
    assert set(talk.tokens) == set(MATRIX) - {"owner" if owner_left else "owner who was removed"}


def facts(answer: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    """All that can be told apart, but the time."""
    return answer.status_code, answer.content, {name: value for name, value in answer.headers.items() if name != "date"}


async def test_a_recalled_file_is_nobodys_but_its_owners(house: House) -> None:
    talk = await a_talk(house, owner_left=False)
    await house.unpin(talk.file.rsplit("/")[-1])
    seen = {name for name, token in talk.tokens.items() if (await ask(house, token, "GET", talk.file)).is_success}
    assert seen == {"owner", "owner's other device"}


async def test_nobody_ends_the_file_of_another_or_one_that_is_named(house: House) -> None:
    talk = await a_talk(house, owner_left=False)
    codes = {name: (await ask(house, token, "DELETE", talk.file)).status_code for name, token in talk.tokens.items()}
    assert codes.pop("owner") == 409
    assert codes == {name: OUT if MATRIX[name] == OUTSIDE else NO for name in codes}


ACTIONS = {
    ("POST", "/v1/media"): Action.UPLOAD,
    ("HEAD", "/v1/media/{media}"): Action.FETCH,
    ("TUS", "/v1/media/{media}"): Action.CONTINUE,
    ("GET", "/v1/media/{media}"): Action.FETCH,
    ("PATCH", "/v1/media/{media}"): Action.CONTINUE,
    ("DELETE", "/v1/media/{media}"): Action.END,
}
"""What each route asks `may`. The others of this door: OPTIONS says nothing about anybody, and a POST to one file only
carries the name of another method."""


async def test_every_route_of_files_asks_the_one_that_decides(
    house: House, alice: Joined, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SEC-20: with somebody who always says no, nobody may anything; and a route that is new fails here."""
    address = await put(house, alice, DATA)
    asked: list[Action] = []

    def never(action: Action, thing: Any) -> str:
        asked.append(action)
        return "media_unknown"

    monkeypatch.setattr(media_module, "may", never)
    routes = {
        (route.method, route.resource.canonical if route.resource else "")
        for route in house.app.router.routes()
        if route.resource and route.resource.canonical.startswith("/v1/media")
    }
    without = {("OPTIONS", "/v1/media"), ("OPTIONS", "/v1/media/{media}"), ("POST", "/v1/media/{media}")}
    assert routes - without == set(ACTIONS) - {("TUS", "/v1/media/{media}")}
    for (method, path), action in ACTIONS.items():
        asked.clear()
        tus = {"Tus-Resumable": "1.0.0"} if method == "TUS" else {}
        headers = promise(alice, b"another") if method == "POST" else key(alice) | tus
        bytes_follow = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
        answer = await house.http.request(
            "HEAD" if method == "TUS" else method,
            path if method == "POST" else address,
            headers=headers | (bytes_follow if method == "PATCH" else {}),
        )
        assert (answer.status_code, asked) == (404, [action]), method


async def test_no_answer_is_kept_or_run_or_guessed(house: House, alice: Joined) -> None:
    """SEC-30, also on a refusal."""
    address = await put(house, alice, DATA)
    headers = key(alice)
    answers = [
        await house.http.get(address, headers=headers),
        await house.http.get(address, headers=headers | {"Range": "bytes=0-3"}),
        await house.http.get(address, headers=headers | {"Range": "bytes=900-"}),
        await house.http.get(address),
        await house.http.get("/v1/media/unknown", headers=headers),
        await house.http.put(address, headers=headers),
        await house.http.post("/v1/media", headers=headers),
        await house.http.post("/v1/media", headers=promise(alice, b"1", 2)),
        await send(house, alice, address, 0, b"x"),
        await house.http.options("/v1/media"),
        await house.http.get(address, headers=headers | {"Origin": "http://example.org"}),
        await house.http.get("/v1/nothing"),
        await house.http.post("/v1/join", content=b"x" * 20_000),
    ]
    assert [answer.status_code for answer in answers] == [
        200, 206, 416, 401, 404, 405, 400, 201, 409, 204, 403, 404, 413,
    ]  # fmt: skip
    wanted = {
        "cache-control": "no-store",
        "content-security-policy": "sandbox; default-src 'none'",
        "x-content-type-options": "nosniff",
        "server": "hexagram",
    }
    for answer in answers:
        assert {name: answer.headers.get(name) for name in wanted} == wanted, answer
    for answer in answers[:3]:
        assert answer.headers["content-disposition"].startswith("attachment")
    assert await house.uploads.known([MediaId(address.rsplit("/")[-1])])
