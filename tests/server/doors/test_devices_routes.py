"""The devices of a person: a code for another one, the list, the end of one (P-62, P-63, SEC-10)."""

from __future__ import annotations

import pytest

from protocol.limits import DEVICES_MAX
from protocol.values import Did
from server.ports import Identity, Joined
from tests.server.doors.conftest import TALK, House, key

MINUTE_MS = 60_000


async def code_for(house: House, who: Joined) -> str:
    answer = await house.http.post("/v1/devices", headers=key(who))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["code"])


async def join(house: House, code: str, **wish: str) -> tuple[int, dict[str, str]]:
    answer = await house.http.post("/v1/join", json={"name": "", "invite": code, **wish})
    return answer.status_code, answer.json()


async def another(house: House, who: Joined, name: str = "") -> Joined:
    status, place = await join(house, await code_for(house, who), device=name)
    assert status == 201, place
    return Joined(who.uid, Did(place["did"]), place["name"], place["token"])


async def listed(house: House, who: Joined) -> dict[str, dict[str, object]]:
    answer = await house.http.get("/v1/devices", headers=key(who))
    assert answer.status_code == 200
    return {each["did"]: each for each in answer.json()["devices"]}


async def test_a_code_gives_another_device_of_the_same_person(house: House, alice: Joined) -> None:
    status, place = await join(house, await code_for(house, alice), device=" The phone ")
    assert (status, place["uid"], place["name"]) == (201, alice.uid, "alice")
    assert place["did"] != alice.did
    who = await house.accounts.who_is(place["token"])
    assert who == Identity(alice.uid, Did(place["did"]), "alice")
    assert await house.accounts.who_is(alice.token) == Identity(alice.uid, alice.did, "alice")


async def test_a_code_is_used_once_and_a_lost_answer_is_given_again(house: House, alice: Joined) -> None:
    code = await code_for(house, alice)
    _, first = await join(house, code, request="r" * 22)
    _, again = await join(house, code, request="r" * 22)
    assert first["did"] == again["did"]
    assert await house.accounts.who_is(first["token"]) is None
    assert (await join(house, code))[0] == 403


async def test_a_code_lasts_ten_minutes(house: House, alice: Joined) -> None:
    code, late = await code_for(house, alice), await code_for(house, alice)
    house.now_ms += 10 * MINUTE_MS - 1
    assert (await join(house, code))[0] == 201
    house.now_ms += 1
    assert await join(house, late) == (403, {"code": "invite_wrong"})


async def test_a_code_is_kept_as_a_hash_alone(house: House, alice: Joined) -> None:
    code = await code_for(house, alice)
    dump = await house.writer.read(lambda db: "\n".join(db.iterdump()))
    assert code not in dump
    assert code.replace("-", "") not in dump


async def test_a_device_with_a_name_that_hides_something_is_refused(house: House, alice: Joined) -> None:
    code = await code_for(house, alice)
    assert (await join(house, code, device="a\u202eb"))[0] == 422
    assert (await join(house, code, device="a"))[0] == 201


async def test_there_are_at_most_ten_devices(house: House, alice: Joined) -> None:
    codes = [await code_for(house, alice) for _ in range(DEVICES_MAX)]
    for code in codes[:-1]:
        assert (await join(house, code))[0] == 201
    full = {"code": "devices_full", "facts": {"limit": DEVICES_MAX}}
    assert await join(house, codes[-1]) == (409, full)
    answer = await house.http.post("/v1/devices", headers=key(alice))
    assert (answer.status_code, answer.json()) == (409, full)
    for did in set(await listed(house, alice)) - {alice.did}:
        await house.http.delete(f"/v1/devices/{did}", headers=key(alice))
    assert (await join(house, await code_for(house, alice)))[0] == 201


async def test_the_list_shows_ones_own_devices_and_nobody_elses(house: House, alice: Joined, bob: Joined) -> None:
    house.now_ms += 5_000
    phone = await another(house, alice, "Phone")
    made = {alice.did: house.now_ms - 5_000, phone.did: house.now_ms}
    shown = await listed(house, phone)
    assert {did: (each["name"], each["here"], each["made_ms"], each["seen_ms"]) for did, each in shown.items()} == {
        alice.did: ("", False, made[alice.did], made[alice.did]),
        phone.did: ("Phone", True, made[phone.did], made[phone.did]),
    }


async def test_a_device_can_be_ended_from_another(house: House, alice: Joined) -> None:
    phone = await another(house, alice)
    answer = await house.http.delete(f"/v1/devices/{phone.did}", headers=key(alice))
    assert (answer.status_code, house.dismissed) == (204, 1)
    assert await house.accounts.who_is(phone.token) is None
    assert await house.accounts.ended({phone.did, alice.did}) == {phone.did}
    assert set(await listed(house, alice)) == {alice.did}
    again = await house.http.delete(f"/v1/devices/{phone.did}", headers=key(alice))
    assert again.status_code == 204


async def test_ones_own_device_can_be_ended(house: House, alice: Joined) -> None:
    assert (await house.http.delete(f"/v1/devices/{alice.did}", headers=key(alice))).status_code == 204
    assert (await house.http.get("/v1/devices", headers=key(alice))).status_code == 401


async def test_the_end_of_a_device_voids_the_codes_that_it_may_have_seen(house: House, alice: Joined) -> None:
    phone = await another(house, alice)
    code = await code_for(house, phone)
    await house.http.delete(f"/v1/devices/{phone.did}", headers=key(alice))
    assert (await join(house, code))[0] == 403


@pytest.mark.parametrize("did", ["0", "12345", "x", "9" * 30, "-1"])
async def test_what_is_no_device_of_mine_cannot_be_ended(house: House, alice: Joined, did: str) -> None:
    answer = await house.http.delete(f"/v1/devices/{did}", headers=key(alice))
    assert (answer.status_code, answer.json()) == (404, {"code": "device_unknown"})


async def test_nobody_ends_a_device_of_somebody_else(house: House, alice: Joined, bob: Joined) -> None:
    answer = await house.http.delete(f"/v1/devices/{bob.did}", headers=key(alice))
    assert (answer.status_code, answer.json()) == (404, {"code": "device_unknown"})
    assert await house.accounts.who_is(bob.token) is not None


async def begins(house: House, who: Joined, delivered: int) -> tuple[int, int] | None:
    """Where a new device of somebody begins whose other devices have so much."""
    mark = (TALK, who.uid, delivered)
    statement = "insert into mark (conv, uid, delivered, read, rev) values (?, ?, ?, 0, 1)"
    await house.writer.run(lambda db: db.execute(statement, mark))
    phone = await another(house, who)
    where = (TALK, int(phone.did))
    row: tuple[int, int] | None = await house.writer.read(
        lambda db: db.execute("select upto, born from cursor where conv = ? and did = ?", where).fetchone()
    )
    return row


async def test_a_new_device_begins_behind_what_its_person_has(house: House, alice: Joined) -> None:
    """P-63: what was said before is its history."""
    assert await begins(house, alice, 9) == (9, 9)


async def test_what_no_device_of_a_person_has_is_delivered_to_the_new_one(house: House, alice: Joined) -> None:
    assert await begins(house, alice, 7) == (7, 7)


async def test_a_new_device_of_who_left_begins_at_the_leave(house: House, bob: Joined) -> None:
    left = await house.join("carol")
    await house.seat(left.uid, since=2, until=4)
    assert await begins(house, left, 4) == (4, 4)
