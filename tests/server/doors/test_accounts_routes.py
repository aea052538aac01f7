"""Joining: names, invites used once, answers that got lost."""

from __future__ import annotations

import asyncio
import json

import pytest

from protocol.problems import RateLimited
from protocol.values import Did
from server.doors import attempts
from server.ports import Joined
from tests.server.doors.conftest import ADMIN_SECRET, House, key

REQUEST = "r" * 22
DAY_MS = 24 * 3600 * 1000


async def join(house: House, name: str, invite: str, request: str = "") -> tuple[int, dict[str, str]]:
    answer = await house.http.post("/v1/join", json={"name": name, "invite": invite, "request": request})
    return answer.status_code, answer.json()


async def test_an_invite_gives_a_place(house: House) -> None:
    status, place = await join(house, "  alice ", await house.accounts.new_invite())
    assert status == 201
    assert (place["name"], place["server"], len(place["uid"]), len(place["token"])) == ("alice", "hexagram", 26, 43)
    who = await house.accounts.who_is(place["token"])
    assert who is not None
    assert (who.uid, who.did, who.name) == (place["uid"], place["did"], "alice")


async def test_an_invite_may_be_typed_in_small_letters_with_blanks(house: House) -> None:
    invite = await house.accounts.new_invite()
    assert (await join(house, "alice", invite.lower().replace("-", " ")))[0] == 201


async def test_an_invite_is_used_once(house: House) -> None:
    invite = await house.accounts.new_invite()
    await join(house, "alice", invite)
    assert await join(house, "bob", invite) == (403, {"code": "invite_wrong"})


async def test_an_invite_lasts_a_day(house: House) -> None:
    invite = await house.accounts.new_invite()
    house.now_ms += DAY_MS - 1
    late = await house.accounts.new_invite()
    assert (await join(house, "alice", invite))[0] == 201
    house.now_ms += DAY_MS
    assert await join(house, "bob", late) == (403, {"code": "invite_wrong"})


@pytest.mark.parametrize("invite", ["", "K7QM", "AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AA", "ü" * 26])
async def test_a_wrong_invite_gives_nothing(house: House, invite: str) -> None:
    assert await join(house, "alice", invite) == (403, {"code": "invite_wrong"})


async def test_a_lost_answer_locks_nobody_out(house: House) -> None:
    """The same invite with the same request is the same place, with a fresh token."""
    invite = await house.accounts.new_invite()
    _, first = await join(house, "alice", invite, REQUEST)
    house.now_ms += DAY_MS - 1
    status, again = await join(house, "alice", invite, REQUEST)
    assert status == 201
    assert {**again, "token": ""} == {**first, "token": ""}
    assert await house.accounts.who_is(first["token"]) is None
    assert await house.accounts.who_is(again["token"]) is not None


async def test_a_spent_invite_is_nothing_to_others(house: House) -> None:
    invite = await house.accounts.new_invite()
    await join(house, "alice", invite, REQUEST)
    assert (await join(house, "alice", invite, "s" * 22))[0] == 403
    assert (await join(house, "alice", invite, ""))[0] == 403
    house.now_ms += DAY_MS
    assert (await join(house, "alice", invite, REQUEST))[0] == 403


async def test_a_request_that_can_be_guessed_is_not_believed(house: House) -> None:
    invite = await house.accounts.new_invite()
    await join(house, "alice", invite, "1")
    assert (await join(house, "alice", invite, "1"))[0] == 403


async def test_which_devices_were_removed_is_known(house: House) -> None:
    alice, bob = await house.join("alice"), await house.join("bob")
    await house.writer.run(lambda db: db.execute("update device set ended = 1 where did = ?", [int(bob.did)]))
    nobody = Did("12345")
    assert await house.accounts.ended({alice.did, bob.did, nobody}) == {bob.did, nobody}


async def test_an_ended_device_does_not_come_back(house: House) -> None:
    invite = await house.accounts.new_invite()
    _, place = await join(house, "alice", invite, REQUEST)
    await house.writer.run(lambda db: db.execute("update device set ended = 1"))
    assert await house.accounts.who_is(place["token"]) is None
    assert (await join(house, "alice", invite, REQUEST))[0] == 403


async def test_a_name_belongs_to_one_person_and_a_refusal_costs_no_invite(house: House, alice: Joined) -> None:
    invite = await house.accounts.new_invite()
    assert await join(house, "ALICE", invite) == (409, {"code": "name_taken"})
    assert await join(house, "a\nb", invite) == (422, {"code": "name_invalid", "facts": {"limit": 64}})
    assert (await join(house, "bob", invite))[0] == 201


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"name": 1, "invite": "x"}', b"\xff", b"{" * 1000])
async def test_a_body_that_is_no_wish_is_refused(house: House, body: bytes) -> None:
    answer = await house.http.post("/v1/join", content=body)
    assert (answer.status_code, answer.json()) == (400, {"code": "bad_frame"})


async def test_a_huge_body_is_refused(house: House) -> None:
    answer = await house.http.post("/v1/join", content=json.dumps({"name": "a" * 100_000, "invite": ""}))
    assert answer.status_code == 413


async def test_members_invite_others(house: House, alice: Joined) -> None:
    answer = await house.http.post("/v1/invites", headers=key(alice))
    assert answer.status_code == 201
    assert (await join(house, "bob", answer.json()["invite"]))[0] == 201
    assert (await house.http.post("/v1/invites")).status_code == 401


async def test_the_data_holds_no_secret_that_can_be_used(house: House) -> None:
    """SEC-5, SEC-7: neither token nor invite nor request is in the files."""
    unused, invite = await house.accounts.new_invite(), await house.accounts.new_invite()
    _, place = await join(house, "alice", invite, REQUEST)
    kept = b"".join(path.read_bytes() for path in house.root.rglob("data.sqlite*"))
    secrets = (place["token"], invite, unused, invite.replace("-", ""), REQUEST)
    assert [secret for secret in secrets if secret.encode() in kept] == []


async def test_spent_invites_are_swept(house: House) -> None:
    await join(house, "alice", await house.accounts.new_invite(), REQUEST)
    await house.accounts.new_invite()
    house.now_ms += DAY_MS - 1
    assert (await house.housekeeping.sweep()).invites == 0
    house.now_ms += 1
    assert (await house.housekeeping.sweep()).invites == 2


async def test_the_administrator_invites_with_the_secret_of_the_folder(house: House, alice: Joined) -> None:
    answer = await house.http.post("/admin/invites", headers={"Authorization": f"Bearer {ADMIN_SECRET}"})
    assert answer.status_code == 201
    assert (await join(house, "bob", answer.json()["invite"]))[0] == 201


@pytest.mark.parametrize("secret", ["wrong", "Bearer", "ü"])
async def test_nobody_else_is_an_administrator(house: House, alice: Joined, secret: str) -> None:
    """SEC-23: not a stranger, and not somebody with a device token."""
    for given in (secret, alice.token):
        headers = {b"Authorization": f"Bearer {given}".encode()}
        assert (await house.http.post("/admin/invites", headers=headers)).status_code == 401
    assert (
        await house.http.post("/v1/invites", headers={"Authorization": f"Bearer {ADMIN_SECRET}"})
    ).status_code == 401


async def test_of_many_at_once_one_gets_in(house: House) -> None:
    invite = await house.accounts.new_invite()
    answers = await asyncio.gather(*(join(house, f"guest {number}", invite) for number in range(8)))
    assert sorted(status for status, _ in answers) == [201, *[403] * 7]


async def test_of_many_of_one_name_one_gets_it(house: House) -> None:
    invites = [await house.accounts.new_invite() for _ in range(8)]
    answers = await asyncio.gather(*(join(house, "alice", invite) for invite in invites))
    assert sorted(status for status, _ in answers) == [201, *[409] * 7]


async def test_who_guesses_has_to_wait_and_a_right_invite_is_not_counted(house: House) -> None:
    """SEC-4, SEC-24: 20 wrong ones a minute from one address."""
    for n in range(30):
        assert (await join(house, f"person {n}", await house.accounts.new_invite()))[0] == 201
    for _ in range(20):
        assert (await join(house, "guess", "A" * 26))[0] == 403
    right = await house.accounts.new_invite()
    answer = await house.http.post("/v1/join", json={"name": "late", "invite": right})
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3")
    assert answer.json() == {"code": "rate", "facts": {"retry_ms": 3_000}}
    house.now_ms += 3_000
    assert (await join(house, "late", right))[0] == 201


async def test_strangers_do_not_make_it_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "ADDRESSES_KEPT", 2)
    now_s = 0.0
    guarded = attempts.Attempts(lambda: now_s)
    for _ in range(20):
        guarded.failed("::1")
    with pytest.raises(RateLimited):
        guarded.check("::1")
    for address in ("one", "two", "three"):
        guarded.failed(address)
        guarded.check(address)
    assert len(guarded._buckets) == 2
    now_s = 1e6
    guarded.failed("four")
    assert len(guarded._buckets) == 1
