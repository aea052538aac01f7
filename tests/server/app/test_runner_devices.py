"""Devices around the sessions: copied profiles, long absence, allowances, frames that are never acknowledged."""

from __future__ import annotations

import pytest

from protocol.limits import REPLACED_MAX, UNREADABLE_AFTER, UNSEEN_MAX_S
from protocol.packets import MsgA, MsgN, Nack, OfflineA, OfflineR, PeopleA, PeopleR
from protocol.problems import DiskFull
from protocol.values import Did, Uid
from server.core.rates import Allowances
from server.core.rules import Rules
from tests.helpers.wire import ALICE, dg_of, msg
from tests.server.app.test_runner import Server, only, server, talk  # noqa: F401 - a fixture


@pytest.fixture
def ended(server: Server, monkeypatch: pytest.MonkeyPatch) -> list[Did]:  # noqa: F811
    """The devices that were ended."""
    gone: list[Did] = []

    async def end_device(uid: Uid, did: Did) -> None:
        gone.append(did)

    monkeypatch.setattr(server.accounts, "end_device", end_device, raising=False)
    return gone


# --- P-14


async def displace(server: Server, times: int, *, answered: bool) -> None:  # noqa: F811
    """Sessions of Alice's device replace one another; `answered`: each was there to hear it."""
    line, _ = await server.comes("alice")
    for _ in range(times):
        newer, _ = await server.comes("alice")
        line.ended(answered=answered)
        line = newer
        await server.rest()


async def test_a_copied_profile_is_ended(server: Server, ended: list[Did]) -> None:  # noqa: F811
    await displace(server, REPLACED_MAX, answered=True)
    assert ended == []
    line, _ = await server.comes("alice")
    _, wire = await server.comes("alice")
    line.ended(answered=True)
    await server.rest()
    assert ended == [ALICE.did]
    assert wire.closed == (4403, "profile_copied")


async def test_a_device_on_a_bad_line_is_not_taken_for_two(server: Server, ended: list[Did]) -> None:  # noqa: F811
    await displace(server, 20, answered=False)
    assert ended == []


async def test_a_device_that_hangs_up_itself_is_not_taken_for_two(server: Server, ended: list[Did]) -> None:  # noqa: F811
    for _ in range(20):
        line, _ = await server.comes("alice")
        line.ended(answered=True)
        await server.rest()
    assert ended == []


async def test_a_store_that_cannot_end_it_now_leaves_the_session(
    server: Server,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fails(*_: object) -> None:
        raise DiskFull()

    monkeypatch.setattr(server.accounts, "end_device", fails, raising=False)
    await displace(server, REPLACED_MAX + 1, answered=True)
    _, wire = await server.comes("alice")
    assert wire.closed is None


# --- P-48


@pytest.mark.parametrize(("away_s", "pushed"), [(UNSEEN_MAX_S - 60, True), (UNSEEN_MAX_S + 60, False)])
async def test_who_was_away_for_a_month_is_not_pushed_to_until_it_pulls(
    server: Server,  # noqa: F811
    away_s: float,
    pushed: bool,
) -> None:
    alice, to_alice = await server.comes("alice")
    conv = await talk(server, alice, to_alice)
    bob, _ = await server.comes("bob")
    bob.ended()
    await server.runner.company.turn()
    server.clock.ms += int(away_s * 1000)
    back, to_bob = await server.comes("bob")
    await server.say(alice, msg(1, "one", conv=conv))
    assert bool(only(to_bob, MsgN)) is pushed
    await server.say(back, OfflineR(conv, 0))
    await server.say(alice, msg(2, "two", dg_of("one", conv), conv=conv))
    assert only(to_bob, OfflineA)
    assert any(isinstance(each, MsgN) and each.to == 5 for each in only(to_bob, MsgN))


# --- P-26


async def test_calling_again_gives_no_new_allowance(server: Server) -> None:  # noqa: F811
    server.runner._allowances = Allowances(Rules(messages_per_s=0.001, messages_burst=1.0, questions_burst=1.0))
    alice, to_alice = await server.comes("alice")
    conv = await talk(server, alice, to_alice)
    await server.say(alice, msg(1, "one", conv=conv), msg(2, "two", dg_of("one", conv), conv=conv))
    assert len(only(to_alice, MsgA)) == 1
    alice.ended()
    again, to_again = await server.comes("alice")
    await server.say(again, msg(2, "two", dg_of("one", conv), conv=conv), PeopleR())
    assert [nack.code for nack in only(to_again, Nack) if isinstance(nack, Nack)] == ["rate", "rate"]
    bob, to_bob = await server.comes("bob")
    await server.say(bob, PeopleR())
    assert only(to_bob, PeopleA)


# --- P-81


async def test_what_a_device_never_acknowledges_is_a_gap_in_the_end_and_is_still_its_history(
    server: Server,  # noqa: F811
) -> None:
    alice, to_alice = await server.comes("alice")
    conv = await talk(server, alice, to_alice)
    await server.say(alice, msg(1, "poison", conv=conv))
    for _ in range(UNREADABLE_AFTER):
        bob, to_bob = await server.comes("bob")
        await server.say(bob, OfflineR(conv, 3))
        (page,) = only(to_bob, OfflineA)
        assert isinstance(page, OfflineA)
        assert [event.pos for event in page.events] == [4]
        bob.ended()
    bob, to_bob = await server.comes("bob")
    await server.say(bob, OfflineR(conv, 3), OfflineR(conv, 3, history=True))
    stub, whole = only(to_bob, OfflineA)
    assert isinstance(stub, OfflineA)
    assert isinstance(whole, OfflineA)
    assert (stub.to, stub.events, [gap.why for gap in stub.gaps]) == (4, (), ["unreadable"])
    assert [event.pos for event in whole.events] == [4]


# --- P-80


async def test_clients_of_a_server_that_stops_come_back_one_after_another(server: Server) -> None:  # noqa: F811
    wires = [(await server.comes("alice"))[1] for _ in range(3)]
    for _ in range(500):
        server.runner.connect(wires[0])
    await server.runner.stop()
    assert wires[-1].closed is not None
    code, reason = wires[-1].closed
    assert code == 4503
    assert 1_000 < int(reason) <= 2_600  # 503 clients, 5 ms each
