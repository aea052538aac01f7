"""F-28: a wall clock that is wrong or jumps decides nothing. F-48: counters cross every edge and do not wrap."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from client.adapters.sqlite_messages import SqliteMessages
from client.core.effects import SaveArrived, SaveComposed, SaveMarks
from client.core.model import Lane
from protocol.codec import Garbled, frames, from_client, from_server, to_text
from protocol.packets import Event, Mark, MsgA, Nack, OpenA, OpenR
from protocol.values import NUMBER_MAX, Digest, Lid
from server.core.moves import Ask, Move
from server.stores.memory import Inline
from server.stores.sqlite_store import SqliteStore
from tests.client.adapters.test_sqlite_messages import CHAT, ME, composed
from tests.contracts.test_store import Clock, Dice, _people
from tests.helpers.machines import Sender
from tests.helpers.wire import ALICE, BOB, dg_of, msg, offer
from tests.server.app.test_runner import Server, only, talk

YEAR_MS = 365 * 86_400_000
JUMPS_MS = (1_000, -1_000, 3_600_000, -3_600_000, YEAR_MS, -YEAR_MS, 10 * YEAR_MS, -10 * YEAR_MS)
EDGES = (2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53 - 2, 2**53 - 1)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.inline.db.close()


# ------------------------------------------------------------------------------------------------- clocks


async def test_the_order_of_a_log_does_not_care_about_the_clock(server: Server) -> None:
    """Positions go on, and times shown never fall (P-35), whatever the clock of the server does."""
    line, wire = await server.comes("alice")
    conv = await talk(server, line, wire)
    before = Digest("")
    for n, jump_ms in enumerate(JUMPS_MS, 1):
        server.clock.ms = max(0, server.clock.ms + jump_ms)
        await server.say(line, msg(n, f"text {n}", before, conv=conv))
        before = dg_of(f"text {n}", conv)
    answers = [packet for packet in only(wire, MsgA) if isinstance(packet, MsgA)]
    assert [answer.n for answer in answers] == list(range(1, len(JUMPS_MS) + 1))
    positions = [answer.pos for answer in answers]
    assert positions == list(range(positions[0], positions[0] + len(JUMPS_MS)))
    times = [answer.ts for answer in answers]
    assert all(one < other for one, other in zip(times, times[1:], strict=False))
    assert wire.closed is None


@pytest.mark.parametrize("jump_ms", JUMPS_MS)
async def test_a_jump_of_the_server_s_clock_ends_no_session_and_no_token(server: Server, jump_ms: int) -> None:
    line, _ = await server.comes("alice")
    server.clock.ms = max(0, server.clock.ms + jump_ms)
    _, other = await server.comes("bob")
    assert other.closed is None
    assert line in server.runner._connections


@pytest.mark.parametrize("jump_ms", [0, *JUMPS_MS])
def test_the_ladder_knows_no_wall_clock(jump_ms: int) -> None:
    """P-55: the same tries at the same moments, whatever the clock said when the program started."""
    tries: list[list[float]] = []
    for now_ms in (YEAR_MS * 56, YEAR_MS * 56 + jump_ms):
        sender = Sender(now_ms=now_ms)
        sender.online()
        sender.writes("hello", at_ms=now_ms)
        sender.run_until(200.0)
        tries.append(sender.tries_s())
    assert tries[0] == tries[1]
    assert len(tries[0]) == 4


# ----------------------------------------------------------------------------------------------- counters


@pytest.mark.parametrize("number", [*EDGES, 0])
def test_every_number_of_the_wire_is_exact_up_to_2_53(number: int) -> None:
    packet = MsgA(CHAT, number, number, dg_of("x"), number, number, dg_of("x"))
    (frame,) = frames([packet])
    assert list(from_server.read(frame)) == [packet]


@pytest.mark.parametrize("number", [2**53, 2**63 - 2, 2**63, 2**64, -1])
@pytest.mark.parametrize("field", ["n", "upto"])
def test_a_number_beyond_is_answered_and_ends_nothing(number: int, field: str) -> None:
    """P-11: the packet is told apart as garbled; its neighbours are read."""
    kind = "msg:R" if field == "n" else "ack:R"
    more = '"pd":"","dg":"u81xu81xu81xu81xu81xuQ","suite":"plain1","content":"","media":[],' if field == "n" else ""
    frame = f'[{{"t":"{kind}","conv":"c",{more}"{field}":{number}}},{{"t":"ping","x":"AAAAAAAAAAA"}}]'
    bad, good = from_client.read(frame.encode())
    assert isinstance(bad, Garbled)
    assert not isinstance(good, Garbled)


@pytest.mark.parametrize("start", EDGES[:-1])
async def test_the_server_s_tables_count_across_every_edge(start: int) -> None:
    """`pos`, `n`, `rev` and `sn`, one below the edge and across it."""
    inline = Inline()
    with closing(inline.db) as db:
        inline.now(_people)
        store = SqliteStore(inline, Clock(), Dice())
        opened, _ = await store.open_conversation(ALICE, OpenR("x", (BOB.uid,)))
        db.execute("update conv set head = ?", (start,))
        db.execute("insert or replace into crev values (?, ?)", (opened.conv, start))
        db.execute("update device set sn = ?", (start,))
        db.execute(
            "insert into slot values (?, ?, ?, ?, 1, 0, '')", (opened.conv, int(ALICE.did), start, b"0123456789abcdef")
        )
        assert await store.raise_session(ALICE) == start + 1
        before = Digest(to_text(b"0123456789abcdef"))
        (taken,) = await store.accept([offer(msg(start + 1, "next", before, conv=opened.conv))])
        event: Event = taken.event  # type: ignore[union-attr]
        assert (event.pos, event.n) == (start + 1, start + 1)
        (moved,) = await store.climb([Move(BOB, opened.conv, start + 1)])
        assert not moved.code
        marks = await store.marks_since(ALICE, opened.conv, start)
        assert (marks.told.rev, marks.told.marks[0].delivered) == (start + 1, start + 1)
        page = await store.page(ALICE, Ask(opened.conv, start, 10))
        assert [one.pos for one in page.events] == [start + 1]


@pytest.mark.parametrize("start", EDGES[:-1])
async def test_a_profile_counts_across_every_edge(tmp_path: Path, start: int) -> None:
    messages = SqliteMessages(tmp_path)
    await messages.open()
    await messages.become(ME)
    first = composed(1)
    lane = Lane(start + 1, first.dg, start)
    await messages.save([SaveComposed(Lid(1), CHAT, start + 1, first.pd, first.dg, first.content, (), 1, lane)])
    await messages.save([SaveArrived(CHAT, (), (), start + 1, start + 1)])
    await messages.save([SaveMarks(CHAT, (Mark(BOB.uid, start + 1, start + 1),), start + 1, start + 1, start + 1)])
    await messages.close()
    await messages_again(tmp_path, start)


async def messages_again(folder: Path, start: int) -> None:
    messages = SqliteMessages(folder)
    await messages.open()
    found = await messages.load()
    await messages.close()
    room = next(room for room in found.rooms if room.conv == CHAT)
    assert (room.cursor, room.head, room.rev) == (start + 1, start + 1, start + 1)
    assert (room.lane.n, found.rows[0].n) == (start + 1, start + 1)


async def test_a_log_that_is_full_is_an_answer_and_no_wrap(server: Server) -> None:
    """2^53 - 1 is the last position there is: what comes behind it is refused, and everybody goes on."""
    line, wire = await server.comes("alice")
    conv = await talk(server, line, wire)
    server.inline.db.execute("update conv set head = ?", (NUMBER_MAX,))
    await server.say(line, msg(1, "one too many", conv=conv))
    answers = [packet for packet in wire.heard if isinstance(packet, MsgA | Nack)]
    assert [(answer.code, answer.final) for answer in answers if isinstance(answer, Nack)] == [
        ("not_possible_now", True)
    ]
    assert len(answers) == 1
    await server.say(line, OpenR("y", (BOB.uid,)))
    assert len(only(wire, OpenA)) == 2
    assert wire.closed is None
