"""Who is here, as sessions tell one another: watched, joined, noted now and then."""

from __future__ import annotations

import asyncio

import pytest

from protocol.limits import SEEN_EVERY_S
from protocol.packets import Here, PresenceN, PresenceR, TypingN, TypingR
from protocol.problems import DiskFull
from protocol.values import Did
from server.core.values import Identity
from server.ports import StoreUnknown
from tests.helpers.wire import ALICE, BOB, CAROL
from tests.server.app.test_runner import WHO, Server, Wire, only, server, talk  # noqa: F401 - a fixture


@pytest.fixture(autouse=True)
def everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    for token, who in (("carol", CAROL), ("laptop", Identity(BOB.uid, Did("2001"), "Bob"))):
        monkeypatch.setitem(WHO, token, who)


def people(wire: Wire) -> list[tuple[Here, ...]]:
    return [packet.people for packet in only(wire, PresenceN) if isinstance(packet, PresenceN)]


async def turn(server: Server) -> None:  # noqa: F811
    await server.runner.company.turn()
    await server.rest()


async def seen(server: Server) -> dict[int, int]:  # noqa: F811
    return dict(server.inline.now(lambda db: db.execute("select did, seen from device").fetchall()))


async def test_people_who_share_a_conversation_are_told_when_the_other_comes_and_goes(
    server: Server,  # noqa: F811
) -> None:
    alice, to_alice = await server.comes("alice")
    await talk(server, alice, to_alice)
    await server.say(alice, PresenceR((BOB.uid, CAROL.uid)))
    assert people(to_alice) == [(Here(BOB.uid), Here(CAROL.uid))]
    bob, _ = await server.comes("bob")
    await server.comes("carol")
    assert len(people(to_alice)) == 1
    await turn(server)
    assert people(to_alice)[1:] == [(Here(BOB.uid, online=True),)]
    server.clock.ms += 2_000
    bob.ended()
    bob.ended()
    await turn(server)
    assert people(to_alice)[2:] == [(Here(BOB.uid, seen_ms=server.clock.ms),)]


async def test_a_second_device_keeps_its_person_here(server: Server) -> None:  # noqa: F811
    alice, to_alice = await server.comes("alice")
    await talk(server, alice, to_alice)
    bob, _ = await server.comes("bob")
    await server.comes("laptop")
    await server.say(alice, PresenceR((BOB.uid,)))
    bob.ended()
    await turn(server)
    assert people(to_alice) == [(Here(BOB.uid, online=True),)]


async def test_a_device_that_replaces_itself_stays(server: Server) -> None:  # noqa: F811
    alice, to_alice = await server.comes("alice")
    await talk(server, alice, to_alice)
    await server.comes("bob")
    await server.say(alice, PresenceR((BOB.uid,)))
    _, wire = await server.comes("bob")
    await turn(server)
    assert people(to_alice) == [(Here(BOB.uid, online=True),)]
    assert wire.closed is None


async def test_when_a_device_was_here_is_noted_at_its_end_and_once_a_minute(server: Server) -> None:  # noqa: F811
    alice, _ = await server.comes("alice")
    bob, _ = await server.comes("bob")
    began_ms = server.clock.ms
    server.clock.ms += 10_000
    bob.ended()
    await turn(server)
    assert (await seen(server))[int(BOB.did)] == began_ms + 10_000
    assert (await seen(server))[int(ALICE.did)] == began_ms
    server.clock.ms += int(SEEN_EVERY_S * 1000)
    await turn(server)
    assert (await seen(server))[int(ALICE.did)] == server.clock.ms
    noted_ms = server.clock.ms
    server.clock.ms += 10_000
    await turn(server)
    assert (await seen(server))[int(ALICE.did)] == noted_ms
    await server.runner.stop()
    assert (await seen(server))[int(ALICE.did)] == server.clock.ms
    assert alice is not None


async def test_who_is_doubted_is_looked_up_again(server: Server) -> None:  # noqa: F811
    alice, to_alice = await server.comes("alice")
    await talk(server, alice, to_alice)
    await server.comes("bob")
    await server.say(alice, PresenceR((BOB.uid,)))
    server.inline.now(lambda db: db.execute("update account set presence = 0 where uid = ?", (BOB.uid,)))
    server.runner.company.doubt([BOB.uid])
    await turn(server)
    assert people(to_alice)[1:] == [(Here(BOB.uid),)]
    server.inline.now(lambda db: db.execute("update account set presence = 1 where uid = ?", (BOB.uid,)))
    server.runner.company.doubt([BOB.uid])
    await turn(server)
    assert people(to_alice)[2:] == [(Here(BOB.uid, online=True),)]
    server.runner.company.doubt([BOB.uid, CAROL.uid])
    await turn(server)
    assert len(people(to_alice)) == 3


async def test_who_left_meanwhile_is_not_looked_up(server: Server) -> None:  # noqa: F811
    alice, to_alice = await server.comes("alice")
    await server.say(alice, PresenceR((BOB.uid,)))
    server.runner.company.doubt([BOB.uid])
    alice.ended()
    await turn(server)
    assert len(people(to_alice)) == 1
    assert await server.runner.company.watch(alice, (BOB.uid,)) == ()


@pytest.mark.parametrize("failure", [DiskFull(), StoreUnknown()])
async def test_what_cannot_be_noted_is_noted_later_and_people_are_told_all_the_same(
    server: Server,  # noqa: F811
    failure: Exception,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alice, to_alice = await server.comes("alice")
    await talk(server, alice, to_alice)
    bob, _ = await server.comes("bob")
    await server.say(alice, PresenceR((BOB.uid,)))

    async def fails(_: object) -> None:
        raise failure

    with monkeypatch.context() as broken:
        broken.setattr(server.store, "saw", fails)
        server.clock.ms += 3_000
        left_ms = server.clock.ms
        bob.ended()
        await turn(server)
        await server.runner.company.rest()
    assert people(to_alice)[1:] == [(Here(BOB.uid, seen_ms=left_ms),)]
    await turn(server)
    assert (await seen(server))[int(BOB.did)] == left_ms


async def test_it_turns_for_ever(server: Server) -> None:  # noqa: F811
    alice, to_alice = await server.comes("alice")
    await talk(server, alice, to_alice)
    await server.say(alice, PresenceR((BOB.uid,)))
    turning = asyncio.get_running_loop().create_task(server.runner.company.run(0.0))
    await server.comes("bob")
    await server.rest()
    turning.cancel()
    assert people(to_alice)[-1] == (Here(BOB.uid, online=True),)


async def test_who_writes_is_told_to_the_others_and_not_to_ones_own(server: Server) -> None:  # noqa: F811
    alice, to_alice = await server.comes("alice")
    bob, to_bob = await server.comes("bob")
    _, to_laptop = await server.comes("laptop")
    _, to_carol = await server.comes("carol")
    conv = await talk(server, alice, to_alice)
    await server.say(bob, TypingR(conv, "voice"), TypingR(conv, "voice"), TypingR(conv, ""))
    assert only(to_alice, TypingN) == [TypingN(conv, BOB.uid, "voice"), TypingN(conv, BOB.uid, "")]
    for wire in (to_bob, to_laptop, to_carol):
        assert only(wire, TypingN) == []


async def test_a_stranger_who_writes_is_not_heard(server: Server) -> None:  # noqa: F811
    alice, to_alice = await server.comes("alice")
    carol, to_carol = await server.comes("carol")
    conv = await talk(server, alice, to_alice)
    await server.say(carol, TypingR(conv))
    assert only(to_alice, TypingN) == []
    assert to_carol.closed is None


async def test_a_word_that_the_store_could_not_answer_is_lost(
    server: Server,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alice, to_alice = await server.comes("alice")
    conv = await talk(server, alice, to_alice)
    failure: Exception = DiskFull()

    async def fails(*_: object) -> None:
        raise failure

    monkeypatch.setattr(server.store, "audience", fails)
    await server.say(alice, TypingR(conv))
    assert to_alice.closed is None
    failure = StoreUnknown()
    await server.say(alice, TypingR(conv, ""))
    assert to_alice.closed is not None
