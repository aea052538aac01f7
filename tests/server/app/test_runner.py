"""The shell around the sessions: what is joined, what is answered, what happens when the store fails."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence

import pytest

from protocol.codec import to_text
from protocol.lanes import NO_DIGEST, digest
from protocol.limits import PAGES_ASKED_MAX, UNSENT_MAX_BYTES
from protocol.packets import (
    AckA,
    AckN,
    AckR,
    FromClient,
    FromServer,
    HeadsA,
    HeadsR,
    Hello,
    MsgA,
    MsgN,
    MsgR,
    Nack,
    OfflineA,
    OfflineR,
    OpenA,
    OpenR,
    PeopleA,
    PeopleR,
    StatusA,
    StatusKey,
    StatusR,
    Welcome,
)
from protocol.problems import DiskFull
from protocol.values import ConvId, Did, Token
from server.app.runner import Connection, Runner
from server.app.tasks import Tasks
from server.core.acceptance import Answer, Offer
from server.core.moves import Ask, Bell, Marks, MarksBell, Move, Moved, Page
from server.core.session import Rules
from server.core.values import Identity
from server.ports import StoreUnknown
from server.routes.local import LocalRoute
from server.stores.memory import Inline
from server.stores.sqlite_store import SqliteStore
from tests.contracts.test_store import Clock, Dice, _people
from tests.helpers.wire import ALICE, BOB, dg_of, msg

WHO = {"alice": ALICE, "bob": BOB}


class Accounts:
    """Tokens are names."""

    def __init__(self) -> None:
        self.removed: set[Did] = set()
        self.failure: Exception | None = None
        self.asked = asyncio.Event()

    async def who_is(self, token: str) -> Identity | None:
        return WHO.get(token)

    async def ended(self, dids: Collection[Did]) -> frozenset[Did]:
        self.asked.set()
        if self.failure is not None:
            raise self.failure
        return frozenset(self.removed.intersection(dids))


class Wire:
    """Keeps what is written to it: one list per write."""

    def __init__(self) -> None:
        self.writes: list[list[FromServer]] = []
        self.closed: tuple[int, str] | None = None
        self.unsent = 0

    def send(self, packets: Sequence[FromServer]) -> None:
        self.writes.append(list(packets))

    def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)

    def unsent_bytes(self) -> int:
        return self.unsent

    @property
    def heard(self) -> list[FromServer]:
        return [packet for write in self.writes for packet in write]


class Failing(SqliteStore):
    """A store whose next answers can be replaced by a failure."""

    failure: Exception | None = None

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure

    async def accept(self, offers: Sequence[Offer]) -> list[Answer]:
        self._fail()
        return await super().accept(offers)

    async def climb(self, moves: Sequence[Move]) -> list[Moved]:
        self._fail()
        return await super().climb(moves)

    async def people(self) -> tuple[()]:  # type: ignore[override]
        self._fail()
        return ()

    async def page(self, who: Identity, ask: Ask) -> Page:
        self._fail()
        return await super().page(who, ask)

    async def marks_since(self, who: Identity, conv: ConvId, rev: int) -> Marks:
        self._fail()
        return await super().marks_since(who, conv, rev)


class Server:
    """A runner over a store in memory; time moves only by hand."""

    def __init__(self) -> None:
        self.clock, self.route = Clock(), LocalRoute()
        self.inline = Inline()
        self.inline.now(_people)
        self.store = Failing(self.inline, self.clock, Dice())
        self.accounts = Accounts()
        self.runner = Runner(
            store=self.store,
            accounts=self.accounts,  # type: ignore[arg-type]
            route=self.route,
            presence=self.route,
            clock=self.clock,
            dice=Dice(),
            rules=Rules(0.0, 0.0, 0.0, 0.0),
        )

    async def rest(self) -> None:
        """Let everything happen that can happen without time."""
        for _ in range(50):
            await asyncio.sleep(0)

    async def comes(self, token: str) -> tuple[Connection, Wire]:
        wire = Wire()
        line = self.runner.connect(wire)
        await self.say(line, Hello((1, 1), Token(token)))
        return line, wire

    async def say(self, line: Connection, *packets: FromClient) -> None:
        line.received(packets)
        await self.rest()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.inline.db.close()


def only(wire: Wire, kind: type) -> list[FromServer]:
    return [packet for packet in wire.heard if isinstance(packet, kind)]


async def talk(server: Server, line: Connection, wire: Wire) -> ConvId:
    await server.say(line, OpenR("x", (BOB.uid,)))
    (answer,) = only(wire, OpenA)
    assert isinstance(answer, OpenA)
    return answer.conv


async def test_six_packets_carry_a_message(server: Server) -> None:
    alice, to_alice = await server.comes("alice")
    bob, to_bob = await server.comes("bob")
    conv = await talk(server, alice, to_alice)
    await server.say(alice, msg(1, "hello", conv=conv))  # 1 msg:R
    (taken,) = only(to_alice, MsgA)  # 2 msg:A
    assert isinstance(taken, MsgA)
    assert (taken.pos, taken.dg) == (4, dg_of("hello", conv))
    (opened, pushed) = only(to_bob, MsgN)  # 3 msg:N
    assert isinstance(opened, MsgN)
    assert isinstance(pushed, MsgN)
    assert (opened.to, pushed.from_, pushed.to) == (3, 3, 4)
    await server.say(bob, AckR(conv, 4))  # 4 ack:R
    assert only(to_bob, AckA) == [AckA(conv, 4)]  # 5 ack:A
    (told,) = only(to_alice, AckN)  # 6 ack:N
    assert isinstance(told, AckN)
    assert [(mark.by, mark.delivered) for mark in told.marks] == [(BOB.uid, 4)]


async def test_content_that_is_noise_travels_like_any_other(server: Server) -> None:
    """The server never parses what people write (P-89)."""
    alice, to_alice = await server.comes("alice")
    _, to_bob = await server.comes("bob")
    conv = await talk(server, alice, to_alice)
    noise = bytes(range(256)) + b'{"kind":"joined"'
    content, dg = to_text(noise), digest(conv, noise)
    await server.say(alice, MsgR(conv, 1, NO_DIGEST, dg, suite="later9", content=content))
    pushed = only(to_bob, MsgN)[-1]
    assert isinstance(pushed, MsgN)
    assert [(event.dg, event.suite, event.content) for event in pushed.events] == [(dg, "later9", content)]


async def test_what_one_turn_gathers_is_one_write(server: Server) -> None:
    alice, to_alice = await server.comes("alice")
    conv = await talk(server, alice, to_alice)
    before = len(to_alice.writes)
    first, second = msg(1, "one", conv=conv), msg(2, "two", dg_of("one", conv), conv=conv)
    alice.received((first,))
    alice.received((second,))
    await server.rest()
    answers = [write for write in to_alice.writes[before:] if any(isinstance(packet, MsgA) for packet in write)]
    assert len(answers) == 1
    assert sum(isinstance(packet, MsgA) for packet in answers[0]) == 2


async def test_with_nobody_at_home_the_forged_ack_comes_at_once(server: Server) -> None:
    alice, to_alice = await server.comes("alice")
    conv = await talk(server, alice, to_alice)
    await server.say(alice, msg(1, "hello", conv=conv))
    assert only(to_alice, AckN) == [AckN(conv, n=1, pos=4, stored="offline")]


async def test_questions_are_answered(server: Server) -> None:
    alice, wire = await server.comes("alice")
    conv = await talk(server, alice, wire)
    key = StatusKey(conv, 1, dg_of("one", conv))
    await server.say(alice, HeadsR(), PeopleR(), StatusR((key,)), OfflineR(conv, 0))
    for kind in (HeadsA, PeopleA, StatusA, OfflineA, Welcome):
        assert len(only(wire, kind)) == 1, kind


async def test_a_missed_bell_of_marks_is_read(server: Server) -> None:
    alice, wire = await server.comes("alice")
    conv = await talk(server, alice, wire)
    alice.ring(MarksBell(conv, 0, 1, (), (ALICE.uid,)))
    alice.ring(MarksBell(conv, 4, 5, (), (ALICE.uid,)))
    await server.rest()
    assert len(only(wire, AckN)) == 2


async def test_nobody_hears_that_what_was_to_be_pushed_could_not_be_read(server: Server) -> None:
    alice, wire = await server.comes("alice")
    conv = await talk(server, alice, wire)
    alice.ring(MarksBell(conv, 0, 1, (), (ALICE.uid,)))
    server.store.failure = DiskFull()
    alice.ring(Bell(conv, 9, (), (ALICE.uid,)))
    alice.ring(MarksBell(conv, 4, 5, (), (ALICE.uid,)))
    await server.rest()
    assert not only(wire, Nack)
    server.store.failure = None
    server.clock.ms += 1_000
    alice._wake()
    await server.rest()
    assert len(only(wire, AckN)) == 2


async def test_an_unknown_token_is_told(server: Server) -> None:
    _, wire = await server.comes("mallory")
    assert wire.closed == (4401, "sign_in_again")


async def test_an_ended_device_is_told(server: Server) -> None:
    await server.store._do.run(lambda db: db.execute("update device set ended = 1"))
    _, wire = await server.comes("alice")
    assert wire.closed == (4401, "sign_in_again")


async def test_a_device_that_is_removed_while_it_is_connected_is_told_and_nothing_more_is_taken(server: Server) -> None:
    """Ending a device refuses its packets; what it sent before stays (P-62, SEC-9)."""
    alice, to_alice = await server.comes("alice")
    _, to_bob = await server.comes("bob")
    conv = await talk(server, alice, to_alice)
    await server.say(alice, msg(1, "before", conv=conv))
    server.accounts.removed = {ALICE.did}
    await server.runner.dismiss_removed()
    assert to_alice.closed == (4401, "sign_in_again")
    assert to_bob.closed is None
    await server.say(alice, msg(2, "after", dg_of("before", conv), conv=conv))
    assert (await server.store.heads(BOB))[0].head == 4
    assert not server.route.somebody_home((ALICE.uid,), but=BOB.uid)


async def test_without_anybody_connected_nobody_is_looked_up(server: Server) -> None:
    server.runner.connect(Wire())
    await server.runner.dismiss_removed()
    assert not server.accounts.asked.is_set()


@pytest.mark.parametrize("failure", [DiskFull(), StoreUnknown("commit")])
async def test_a_look_at_removed_devices_that_fails_is_put_off(server: Server, failure: Exception) -> None:
    _, wire = await server.comes("alice")
    server.accounts.failure = failure
    await server.runner.dismiss_removed()
    assert server.route.somebody_home((ALICE.uid,), but=BOB.uid)
    server.accounts.failure, server.accounts.removed = None, {ALICE.did}
    server.accounts.asked.clear()
    watching = Tasks()
    watching.start(server.runner.watch(every_s=0.0))
    await server.accounts.asked.wait()
    await server.rest()
    await watching.cancel()
    assert wire.closed == (4401, "sign_in_again")


async def test_a_second_session_of_a_device_ends_the_first(server: Server) -> None:
    _, first = await server.comes("alice")
    _, second = await server.comes("alice")
    assert first.closed == (4409, "replaced_elsewhere")
    assert second.closed is None


async def test_a_line_that_is_gone_before_it_began_hears_nothing(server: Server) -> None:
    wire = Wire()
    line = server.runner.connect(wire)
    line.received((Hello((1, 1), Token("alice")),))
    line.ended()
    await server.rest()
    assert not server.route.somebody_home((ALICE.uid,), but=BOB.uid)


async def test_what_a_gone_line_asked_for_is_done_and_rung(server: Server) -> None:
    alice, to_alice = await server.comes("alice")
    _, to_bob = await server.comes("bob")
    conv = await talk(server, alice, to_alice)
    alice.received((msg(1, "hello", conv=conv),))
    alice.ended()
    await server.rest()
    last = only(to_bob, MsgN)[-1]
    assert isinstance(last, MsgN)
    assert last.to == 4


async def test_what_still_comes_for_a_gone_line_wakes_nobody(server: Server) -> None:
    """Its pages were never read, and its session was woken for them without end."""
    alice, wire = await server.comes("alice")
    await server.comes("bob")
    conv = await talk(server, alice, wire)
    alice.received((msg(1, "hello", conv=conv),))  # after 5 s she would hear that it is kept for Bob
    alice.ended()
    timer = alice._timer
    await server.rest()
    assert alice._timer is timer
    assert timer is not None
    assert timer.cancelled()


async def test_a_full_disk_is_said_and_nothing_is_taken(server: Server) -> None:
    alice, wire = await server.comes("alice")
    conv = await talk(server, alice, wire)
    server.store.failure = DiskFull()
    await server.say(alice, msg(1, "one", conv=conv), AckR(conv, 3), PeopleR())
    codes = [packet.code for packet in only(wire, Nack) if isinstance(packet, Nack)]
    assert codes == ["disk_full"] * 3
    server.store.failure = None
    await server.say(alice, msg(1, "one", conv=conv))
    assert len(only(wire, MsgA)) == 1


@pytest.mark.parametrize("packet", [msg(1, "one"), AckR(ConvId("c"), 1), PeopleR()])
@pytest.mark.parametrize(("why", "code"), [("commit", "store_failed"), (DiskFull(), "disk_full")])
async def test_an_unknown_outcome_is_answered_by_nobody(
    server: Server, packet: FromClient, why: object, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    alice, to_alice = await server.comes("alice")
    _, to_bob = await server.comes("bob")
    server.store.failure = StoreUnknown(why)
    await server.say(alice, packet)
    assert to_alice.closed == to_bob.closed == (4500, code)
    assert not only(to_alice, Nack)
    assert "a commit reported an error" in caplog.text


async def test_our_own_mistake_in_a_question_is_logged_and_said(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    alice, wire = await server.comes("alice")
    server.store.failure = ZeroDivisionError()
    await server.say(alice, PeopleR(), msg(1, "one"), AckR(ConvId("c"), 1))
    assert [packet.code for packet in only(wire, Nack) if isinstance(packet, Nack)] == ["internal"] * 3
    assert "a question to the store failed" in caplog.text


async def test_a_server_that_stops_tells_everybody(server: Server) -> None:
    _, wire = await server.comes("alice")
    await server.runner.stop()
    assert wire.closed is not None
    code, reason = wire.closed
    assert code == 4503
    assert 1 <= int(reason) <= 1_000  # milliseconds to stay away (P-80)


async def test_a_slow_reader_is_measured_and_closed_in_the_end(server: Server) -> None:
    line, wire = await server.comes("alice")
    wire.unsent = UNSENT_MAX_BYTES + 1
    await server.say(line, PeopleR())
    server.clock.ms += 10_000
    line._wake()
    assert wire.closed == (4408, "too_slow")


async def test_who_reads_nothing_is_given_no_more_pages_and_asks_for_so_many_at_most(server: Server) -> None:
    alice, wire = await server.comes("alice")
    conv = await talk(server, alice, wire)
    wire.unsent = UNSENT_MAX_BYTES + 1
    await server.say(alice, *(OfflineR(conv, 0) for _ in range(PAGES_ASKED_MAX + 2)))
    assert not only(wire, OfflineA)
    assert only(wire, Nack) == [Nack("rate", retry_ms=1_000)] * 2
    alice.ended()
    await asyncio.wait_for(server.runner.stop(), 5)
    assert not only(wire, OfflineA)


async def test_a_timer_that_comes_early_is_set_again(server: Server) -> None:
    line, wire = await server.comes("alice")
    line._wake()
    assert wire.closed is None
    assert line._timer is not None
    line.ended()
