"""Groups, counts and what people tell, from wire to wire; time moves only by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from protocol.packets import (
    AckN,
    AckR,
    Crowd,
    FromServer,
    GroupA,
    GroupR,
    Mark,
    MembersA,
    MembersR,
    MsgN,
    Nack,
    OfflineA,
    OfflineR,
    OpenA,
    OpenR,
    Prefs,
    PrefsA,
    PrefsR,
    ReadR,
    Step,
    Welcome,
)
from protocol.problems import DiskFull
from protocol.values import ConvId
from server.app.counts import Counts
from server.app.runner import Connection, _later
from server.app.tasks import Tasks
from server.core.crowd import CrowdBell
from server.core.moves import MarksBell
from server.ports import StoreUnknown
from tests.helpers.wire import ALICE, BOB, CAROL, TABLET, msg
from tests.server.app.test_runner import WHO, Server, Wire, only

FRIENDS = {"carol": CAROL, "tablet": TABLET}


class Party(Server):
    """Alice and Bob in a group; Bob has a tablet, and Carol waits outside."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, Connection] = {}
        self.wires: dict[str, Wire] = {}
        self.later: list[Callable[[], None]] = []
        self.talk = ConvId("")
        self.runner._counts = Counts(self.store, self.route, self.runner._tasks, self._later, 0.0)

    def _later(self, _: float, call: Callable[[], None]) -> None:
        self.later.append(call)

    async def begin(self) -> None:
        for name in ("alice", "bob", "tablet", "carol"):
            self.lines[name], self.wires[name] = await self.comes(name)
        await self.say(self.lines["alice"], OpenR("x", (BOB.uid,), "group", "Friends"))
        (answer,) = only(self.wires["alice"], OpenA)
        assert isinstance(answer, OpenA)
        self.talk = answer.conv

    async def change(self, name: str, **wish: object) -> None:
        await self.say(self.lines[name], GroupR("x", self.talk, **wish))  # type: ignore[arg-type]

    def frames(self, name: str) -> list[tuple[int, int]]:
        return [(frame.from_, frame.to) for frame in only(self.wires[name], MsgN) if isinstance(frame, MsgN)]

    def last(self, name: str, kind: type) -> FromServer:
        return only(self.wires[name], kind)[-1]

    async def count(self) -> None:
        """Half a second is over."""
        later, self.later = self.later, []
        for call in later:
            call()
        await self.rest()


@pytest.fixture
def party(monkeypatch: pytest.MonkeyPatch) -> Iterator[Party]:
    for name, who in FRIENDS.items():
        monkeypatch.setitem(WHO, name, who)
    party = Party()
    yield party
    party.inline.db.close()


async def test_who_is_added_hears_at_once_from_the_join_on(party: Party) -> None:
    await party.begin()
    await party.change("alice", do="add", uids=(CAROL.uid,))
    assert only(party.wires["alice"], GroupA) == [GroupA("x", party.talk)]
    joined = party.last("carol", MsgN)
    assert isinstance(joined, MsgN)
    assert (joined.from_, joined.to, joined.head) == (0, 4, 4)
    assert [(gap.first, gap.last, gap.why) for gap in joined.gaps] == [(1, 3, "before_join")]
    assert party.frames("bob")[-1] == (3, 4)


async def test_who_leaves_gets_the_frames_up_to_the_leave_and_no_more(party: Party) -> None:
    await party.begin()
    await party.change("bob", do="leave")
    await party.say(party.lines["alice"], msg(1, "behind", conv=party.talk))
    for name in ("bob", "tablet"):
        assert party.frames(name)[-1] == (3, 4)
        frame = party.last(name, MsgN)
        assert isinstance(frame, MsgN)
        assert frame.head == 4
    assert party.frames("alice")[-1][1] == 5
    await party.say(party.lines["bob"], AckR(party.talk, 4), OfflineR(party.talk, 4))
    pulled = party.last("bob", OfflineA)
    assert isinstance(pulled, OfflineA)
    assert (pulled.to, pulled.head, pulled.events) == (4, 4, ())


async def test_who_comes_again_sees_the_time_between_as_a_gap(party: Party) -> None:
    await party.begin()
    await party.say(party.lines["bob"], AckR(party.talk, 3))
    await party.change("bob", do="leave")
    await party.say(party.lines["alice"], msg(1, "behind", conv=party.talk))
    await party.change("alice", do="add", uids=(BOB.uid,))
    frame = party.last("bob", MsgN)
    assert isinstance(frame, MsgN)
    assert (frame.from_, frame.to) == (4, 6)
    assert [(gap.first, gap.last, gap.why) for gap in frame.gaps] == [(5, 5, "not_member")]


async def test_who_is_removed_together_with_others_sees_no_later_leave(party: Party) -> None:
    await party.begin()
    await party.change("alice", do="add", uids=(CAROL.uid,))
    await party.change("alice", do="remove", uids=(CAROL.uid, BOB.uid))
    assert party.frames("carol")[-1][1] == 5
    assert party.frames("bob")[-1][1] == 6


async def test_a_refusal_is_said_and_a_failure_too(party: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    await party.begin()
    await party.change("carol", do="leave")
    assert party.last("carol", GroupA) == GroupA("x", party.talk, "unknown_conversation")
    monkeypatch.setattr(party.store, "change_group", _fails)
    await party.change("alice", do="leave")
    refusal = party.last("alice", Nack)
    assert isinstance(refusal, Nack)
    assert refusal.code == "disk_full"


async def _fails(*_: object) -> None:
    raise DiskFull()


async def test_a_change_that_nobody_knows_the_outcome_of_ends_all_sessions(
    party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    await party.begin()
    monkeypatch.setattr(party.store, "change_group", _unknown)
    await party.change("alice", do="leave")
    assert party.wires["carol"].closed == (4500, "store_failed")
    assert not only(party.wires["alice"], GroupA)


async def _unknown(*_: object) -> None:
    raise StoreUnknown("commit")


async def test_the_table_of_members_is_answered(party: Party) -> None:
    await party.begin()
    await party.say(party.lines["bob"], MembersR(party.talk))
    table = party.last("bob", MembersA)
    assert isinstance(table, MembersA)
    assert [(seat.name, seat.role) for seat in table.members] == [("Alice", 1), ("Bob", 0)]


async def test_a_choice_is_told_to_all_devices_once_and_shows_again_what_was_hidden(party: Party) -> None:
    await party.begin()
    await party.say(party.lines["bob"], PrefsR(Prefs(reads=False)))
    assert only(party.wires["bob"], PrefsA) == only(party.wires["tablet"], PrefsA) == [PrefsA(Prefs(reads=False))]
    assert not only(party.wires["alice"], PrefsA)
    await party.say(party.lines["bob"], AckR(party.talk, 3))
    await party.say(party.lines["bob"], ReadR(party.talk, 3))
    hidden, shown = party.last("alice", AckN), party.last("tablet", AckN)
    assert isinstance(hidden, AckN)
    assert isinstance(shown, AckN)
    assert [(mark.by, mark.read) for mark in hidden.marks] == [(BOB.uid, 0)]
    assert [(mark.by, mark.read) for mark in shown.marks] == [(BOB.uid, 3)]
    await party.say(party.lines["tablet"], PrefsR(Prefs()))
    again = party.last("alice", AckN)
    assert isinstance(again, AckN)
    assert [(mark.by, mark.read) for mark in again.marks] == [(BOB.uid, 3)]
    _, wire = await party.comes("tablet")
    (welcome,) = only(wire, Welcome)
    assert isinstance(welcome, Welcome)
    assert welcome.prefs == Prefs()


async def test_history_comes_and_moves_nothing(party: Party) -> None:
    await party.begin()
    await party.say(party.lines["bob"], AckR(party.talk, 3), OfflineR(party.talk, 0, limit=2, history=True))
    history = party.last("bob", OfflineA)
    assert isinstance(history, OfflineA)
    assert (history.history, history.from_, history.to, len(history.events)) == (True, 0, 2, 2)
    await party.say(party.lines["alice"], msg(1, "one", conv=party.talk))
    assert party.frames("bob")[-1] == (3, 4)


# --- counts


async def crowd(party: Party) -> None:
    """So many that marks become counts."""
    people = [(f"p{number:02}", f"P{number:02}") for number in range(32)]
    party.inline.db.executemany("insert into account (uid, name, made_ms) values (?, ?, 0)", people)
    await party.change("alice", do="add", uids=tuple(uid for uid, _ in people))


async def test_marks_of_a_crowd_are_gathered_and_told_as_counts(party: Party) -> None:
    await party.begin()
    await crowd(party)
    assert len(party.later) == 1
    await party.count()
    joined = party.last("alice", AckN)
    assert joined == AckN(party.talk, 0, 1, crowd=Crowd(33))
    for name in ("bob", "alice"):
        await party.say(party.lines[name], AckR(party.talk, 35))
    assert len(party.later) == 1, "what climbs together is counted together"
    assert party.last("alice", AckN) is joined
    await party.count()
    assert not party.later
    ms = party.clock.ms
    assert party.last("alice", AckN) == AckN(
        party.talk, 0, 3, (Mark(ALICE.uid, 35, 0, ms),), crowd=Crowd(33, (Step(35, 1),))
    )
    assert len(only(party.wires["tablet"], AckN)) == 2


async def test_a_count_that_fails_is_put_off(
    party: Party, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await party.begin()
    await crowd(party)
    monkeypatch.setattr(party.store, "crowd", _fails)
    await party.count()
    assert "was not counted" in caplog.text
    assert not only(party.wires["alice"], AckN)


async def test_time_is_the_loops_own() -> None:
    """The runner's own clockwork, with nothing invented."""
    server = Server()
    told: list[object] = []
    done = asyncio.Event()

    class Route:
        def publish(self, bell: CrowdBell | MarksBell) -> None:
            told.append(bell)
            done.set()

    server.inline.db.execute("insert into conv (conv, head, ts, form) values ('c', 1, 1, 'group')")
    counts = Counts(server.store, Route(), Tasks(), _later, 0.001)  # type: ignore[arg-type]
    counts.soon((ConvId("c"), ConvId("c")))
    await done.wait()
    assert len(told) == 1
    server.inline.db.close()
