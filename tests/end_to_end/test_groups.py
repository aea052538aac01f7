"""Headless people in groups, on several devices, on one server: who comes and goes, what each is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from client.harness.puppet import Line, Puppet
from protocol.problems import Problem
from tests.end_to_end.processes import Server


@pytest.fixture
async def carol(server: Server, alice: Puppet, tmp_path: Path) -> AsyncIterator[Puppet]:
    carol = Puppet("carol", tmp_path / "carol", server.url)
    await carol.start(invite=(await alice.wish("invite"))["invite"])
    yield carol
    await carol.kill()


async def texts(puppet: Puppet, conv: str, limit: int = 1000) -> list[str]:
    page = await puppet.wish("history", conv=conv, limit=limit)
    return [bubble["text"] for bubble in page["bubbles"] if bubble["kind"] == "text"]


async def entry(puppet: Puppet, conv: str) -> dict[str, Any]:
    return next(chat for chat in (await puppet.wish("chats"))["chats"] if chat["conv"] == conv)


async def has(puppet: Puppet, text: str) -> Line:
    return await puppet.until(lambda line: line["event"] == "bubble" and line.get("text") == text)


async def names(puppet: Puppet, conv: str) -> list[str]:
    """Who is here, as this one knows; nobody before the conversation is known at all."""
    chats = (await puppet.wish("chats"))["chats"]
    return sorted(member["name"] for chat in chats if chat["conv"] == conv for member in chat["members"])


async def until_members(puppet: Puppet, conv: str, *wanted: str) -> None:
    """Wait until these are here, looking again after each word about it."""
    seen = 0
    while await names(puppet, conv) != sorted(wanted):
        since, seen = seen, len(puppet.heard)
        await puppet.until(lambda line: line["event"] == "members" and line["conv"] == conv, since=since)
        seen = max(seen, since + 1)


async def test_people_come_and_go(alice: Puppet, bob: Puppet, carol: Puppet) -> None:
    conv = (await alice.wish("open", title="Walks", members=["bob"]))["conv"]
    await alice.wish("say", conv=conv, text="before carol")
    await has(bob, "before carol")
    await alice.wish("add", conv=conv, members=["carol"])
    await until_members(carol, conv, "alice", "bob", "carol")
    assert (await entry(carol, conv))["title"] == "Walks"
    roles = {seat["name"]: seat["role"] for seat in (await carol.wish("members", conv=conv))["members"]}
    assert roles == {"alice": 1, "bob": 0, "carol": 0}

    hello = (await carol.wish("say", conv=conv, text="hello both"))["lid"]
    await carol.state(hello, "delivered")
    receipts = (await carol.wish("receipts", lid=hello))["receipts"]
    assert sorted(receipt["name"] for receipt in receipts) == ["alice", "bob"]
    assert all(receipt["delivered"] and receipt["delivered_ms"] for receipt in receipts)

    await alice.wish("remove", conv=conv, member="carol")
    await until_members(carol, conv, "alice", "bob")
    assert (await entry(carol, conv))["away"]
    with pytest.raises(Problem, match="not_member"):
        await carol.wish("say", conv=conv, text="wait")
    await alice.wish("rename", conv=conv, title="Long walks")
    await bob.wish("say", conv=conv, text="without carol")
    await has(alice, "without carol")

    await alice.wish("add", conv=conv, members=["carol"])
    await until_members(carol, conv, "alice", "bob", "carol")
    back = (await carol.wish("say", conv=conv, text="back again"))["lid"]
    await carol.state(back, "delivered")
    assert await texts(carol, conv) == ["hello both", "back again"]
    assert (await entry(carol, conv))["title"] == "Long walks"


async def test_who_leaves_can_read_on_and_somebody_else_administers(alice: Puppet, bob: Puppet) -> None:
    conv = (await alice.wish("open", title="Walks", members=["bob"]))["conv"]
    await alice.wish("say", conv=conv, text="bye")
    await has(bob, "bye")
    with pytest.raises(Problem, match="not_administrator"):
        await bob.wish("remove", conv=conv, member="alice")
    await alice.wish("leave", conv=conv)
    await until_members(bob, conv, "bob")
    assert [seat["role"] for seat in (await bob.wish("members", conv=conv))["members"]] == [1]
    await until_members(alice, conv, "bob")
    assert (await texts(alice, conv), (await entry(alice, conv))["away"]) == (["bye"], True)


async def test_who_writes_and_who_is_here(alice: Puppet, bob: Puppet) -> None:
    conv = (await alice.wish("open", **{"with": "bob"}))["conv"]
    alice_uid = next(line for line in alice.heard if line["event"] == "ready")["me"]["uid"]
    await alice.wish("say", conv=conv, text="hello")
    await has(bob, "hello")
    await bob.wish("watch", people=["alice"])
    await bob.until(lambda line: line["event"] == "presence" and line["people"][0].get("online", False))
    await alice.wish("typing", conv=conv, doing="voice")
    doing = await bob.until(lambda line: line["event"] == "typing")
    assert (doing["conv"], doing["uid"], doing["doing"]) == (conv, alice_uid, "voice")
    await alice.wish("say", conv=conv, text="listen")
    await bob.until(lambda line: line["event"] == "typing" and line["doing"] == "")
    await alice.quit()
    gone = await bob.until(lambda line: line["event"] == "presence" and line["people"][0].get("online") is False)
    assert gone["people"][0]["seen_ms"] > 0


async def test_who_does_not_tell_what_they_read_is_not_told(alice: Puppet, bob: Puppet) -> None:
    conv = (await alice.wish("open", **{"with": "bob"}))["conv"]
    first = (await alice.wish("say", conv=conv, text="first"))["lid"]
    pos = (await has(bob, "first"))["pos"]
    await bob.wish("read", conv=conv, upto=pos)
    await alice.state(first, "read")
    (receipt,) = (await alice.wish("receipts", lid=first))["receipts"]
    assert receipt["delivered_ms"] <= receipt["read_ms"]

    await bob.wish("prefs", receipts=False)
    await bob.until(lambda line: line["event"] == "prefs" and not line["receipts"])
    second = (await alice.wish("say", conv=conv, text="second"))["lid"]
    pos = (await has(bob, "second"))["pos"]
    await bob.wish("read", conv=conv, upto=pos)
    await alice.state(second, "delivered")
    answer = (await bob.wish("say", conv=conv, text="answer"))["lid"]
    pos = (await has(alice, "answer"))["pos"]
    await alice.wish("read", conv=conv, upto=pos)
    await bob.state(answer, "delivered")
    third = (await alice.wish("say", conv=conv, text="third"))["lid"]
    await alice.state(third, "delivered")
    assert (await alice.wish("status", lid=second))["state"] == "delivered"
    assert (await bob.wish("status", lid=answer))["state"] == "delivered"


async def test_a_second_device_has_the_history_and_is_ended(
    server: Server, alice: Puppet, bob: Puppet, tmp_path: Path
) -> None:
    conv = (await alice.wish("open", **{"with": "bob"}))["conv"]
    for number in range(30):
        await alice.wish("say", conv=conv, text=f"old {number}")
    await has(bob, "old 29")
    phone = Puppet("alice", tmp_path / "phone", server.url)
    await phone.start("--invite", (await alice.wish("device_code"))["code"])
    try:
        assert phone.heard[0]["me"]["name"] == "alice"
        await until_members(phone, conv, "alice", "bob")
        assert (await texts(phone, conv, limit=10)) == [f"old {number}" for number in range(20, 30)]
        assert (await texts(phone, conv)) == [f"old {number}" for number in range(30)]

        await phone.wish("say", conv=conv, text="from the phone")
        own = await has(alice, "from the phone")
        assert own["mine"]
        devices = (await alice.wish("devices"))["devices"]
        assert sorted(device["here"] for device in devices) == [False, True]
        (other,) = [device["did"] for device in devices if not device["here"]]
        await alice.wish("end_device", did=other)
        await phone.until(lambda line: line["event"] == "line" and line["state"] == "stopped")
        lost = (await phone.wish("say", conv=conv, text="said too late"))["lid"]
        assert [bubble["lid"] for bubble in (await phone.wish("left_over"))["bubbles"]] == [lost]

        joining = len(phone.heard)
        me = (await phone.wish("join", invite=(await alice.wish("device_code"))["code"]))["me"]
        assert (me["name"], me["did"] != other) == ("alice", True)
        await phone.until(lambda line: line["event"] == "line" and line["state"] == "ready", since=joining)
        assert (await phone.wish("take_over"))["lids"] == [lost]
        await phone.state(lost, "delivered")
        assert (await texts(bob, conv))[-2:] == ["from the phone", "said too late"]
        assert (await texts(phone, conv))[-3:] == ["old 29", "from the phone", "said too late"]
    finally:
        await phone.kill()
