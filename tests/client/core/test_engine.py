"""All machines together: what follows from one event, in which order."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from client.core.effects import (
    Connect,
    Effect,
    FindOwnAbove,
    Found,
    HangUp,
    InspectFile,
    PeopleKnown,
    SaveArrived,
    SaveComposed,
    SaveDropped,
    SaveGeneration,
    SaveMarks,
    SaveRequeued,
    SaveSettled,
    SaveState,
    Send,
    Told,
    UploadFile,
)
from client.core.engine import Engine
from client.core.events import (
    Ask,
    AskPeople,
    Attach,
    Cancel,
    Compose,
    Dial,
    Event,
    FileInspected,
    OwnAbove,
    Quit,
    ReadUpto,
    Received,
    Resend,
    Tick,
    Uploaded,
    WireDown,
    WireUp,
    Woken,
)
from client.core.model import Inspected, Lane, Member, Memory, Own, Room, State
from protocol.content import Joined, Left, Opened, unpack
from protocol.ladder import Ladder
from protocol.limits import SILENT_MAX_S
from protocol.packets import (
    AckN,
    AckR,
    FromServer,
    Head,
    HeadsA,
    HeadsR,
    Hello,
    Mark,
    MembersA,
    MembersR,
    MsgR,
    OfflineA,
    OfflineR,
    PeopleA,
    Ping,
    ReadR,
    Seat,
    VoidR,
)
from protocol.values import Lid, MediaId, replace
from tests.helpers.machines import (
    ALICE,
    BOB,
    CAROL,
    NO,
    C,
    D,
    dg,
    event,
    frame,
    memory,
    notice,
    of_kind,
    packets_of,
    row,
    taken,
    welcome,
)


class Core:
    """An engine with a clock and a line."""

    def __init__(self, disk: Memory | None = None, roll: Callable[[], float] = lambda: 0.5) -> None:
        self.engine = Engine(disk or memory(), Ladder(), 0, roll)
        self.now_s = 0.0
        self.wire = 0

    def does(self, event: Event) -> list[Effect]:
        return self.engine.handle(event, self.now_s)

    def hears(self, *packets: FromServer) -> list[Effect]:
        return self.does(Received(self.wire, packets))

    def online(self, *heads: Head, gen: str = "1-aa", same: bool = False) -> list[Effect]:
        self.does(Dial())
        self.wire += 1
        self.does(WireUp(self.wire))
        return self.hears(welcome(*heads, gen=gen, same=same))

    def writes(self, lid: int, text: str) -> list[Effect]:
        return self.does(Compose(Lid(lid), C, text.encode(), dg(text), 1))

    def run_until(self, now_s: float) -> list[Effect]:
        effects: list[Effect] = []
        while (due_s := self.engine.next_wakeup_s()) is not None and due_s <= now_s:
            self.now_s = max(self.now_s, due_s)
            effects += self.does(Tick())
        self.now_s = now_s
        return effects


def test_a_message_travels() -> None:
    alice = Core()
    alice.online()

    assert [type(effect) for effect in alice.writes(1, "hello")[:2]] == [SaveComposed, Send]
    assert of_kind(alice.hears(taken("hello", 1)), SaveSettled)[0].state is State.ACCEPTED
    assert of_kind(alice.hears(AckN(C, n=1, pos=1, stored="offline")), SaveState)[0].state is State.STORED
    outputs = alice.hears(frame(0, event(1, "hello", did=ALICE.did, uid="alice")), AckN(C, 0, 1, (Mark(BOB, 1, 0),)))
    assert of_kind(outputs, SaveArrived)[0].cursor == 1
    assert of_kind(outputs, SaveMarks)[0].marks == (Mark(BOB, 1, 0),)


def test_a_session_begins_in_the_order_of_the_contract() -> None:
    """Pulls, then waiting messages with their cancels, then marks (P-17)."""
    disk = memory(
        Room(C, cursor=1, lane=Lane(2, dg("two")), read_upto=1),
        rows=(row(1, 1, "one"), row(2, 2, "two", "one", wish="cancel")),
    )
    alice = Core(disk)

    said = [type(packet) for packet in packets_of(alice.online(Head(C, 3, 0)))]

    assert said == [OfflineR, AckR, MsgR, VoidR, ReadR]


def test_the_greeting_says_what_this_device_has() -> None:
    alice = Core(memory(Room(C, cursor=4, rev=2)))
    alice.does(Dial())

    (hello,) = packets_of(alice.does(WireUp(1)))

    assert isinstance(hello, Hello)
    alice.does(Received(1, (welcome(),)))
    assert HeadsR(sum=hello.sum) in packets_of(alice.does(Woken()))


def test_packets_before_the_welcome_and_of_older_wires_are_ignored() -> None:
    """P-12."""
    alice = Core()
    alice.does(Dial())
    alice.does(WireUp(1))
    assert alice.does(Received(1, (frame(0, event(1)),))) == []
    alice.does(WireDown(1))
    alice.run_until(5.0)

    assert alice.does(Received(1, (welcome(), frame(0, event(1))))) == []


def test_what_stands_behind_the_welcome_in_its_frame_counts() -> None:
    alice = Core()
    alice.does(Dial())
    alice.does(WireUp(1))

    effects = alice.does(Received(1, (frame(0, event(7)), welcome(), frame(0, event(1)))))

    assert [save.events for save in of_kind(effects, SaveArrived)] == [(event(1),)]


def test_an_answer_settles_and_the_marks_that_came_before_are_shown() -> None:
    """The mark arrived while the answer was lost: both are written in the turn of the second answer."""
    alice = Core()
    alice.online()
    alice.hears(frame(0, notice(1, Opened("direct")), notice(2, Joined(BOB, "Bob"))))
    alice.writes(1, "hello")
    alice.hears(AckN(C, 0, 1, (Mark(BOB, 3, 3),)))

    effects = alice.hears(taken("hello", 1, pos=3))

    assert of_kind(effects, SaveMarks) == [SaveMarks(C, (), 1, 3, 3)]


def test_a_hole_in_the_marks_is_pulled() -> None:
    alice = Core()
    alice.online()

    assert packets_of(alice.hears(AckN(C, 4, 5, (Mark(BOB, 1, 0),)))) == [OfflineR(C, 0, 0, 256)]


def test_closing_says_what_was_joined_before_it_hangs_up() -> None:
    alice = Core()
    alice.online()
    alice.hears(frame(0, event(1)))
    alice.does(ReadUpto(C, 1))

    effects = alice.does(Quit())

    assert packets_of(effects) == [AckR(C, 1), ReadR(C, 1)]
    assert HangUp(1) in effects[-2:]


def test_the_link_pings_when_an_answer_is_late() -> None:
    """P-15: five seconds after the message left."""
    alice = Core()
    alice.online()
    alice.now_s = 1.0
    alice.writes(1, "hello")

    assert alice.engine.next_wakeup_s() == 6.0
    assert isinstance(packets_of(alice.run_until(6.0))[0], Ping)


def test_a_lost_line_is_dialed_again_and_everything_starts_over() -> None:
    alice = Core()
    alice.online()
    alice.writes(1, "hello")
    alice.does(WireDown(1))
    assert Connect(2) in alice.run_until(2.0)
    alice.wire = 2
    alice.does(WireUp(2))

    assert MsgR(C, 1, NO, dg("hello"), content="aGVsbG8") in packets_of(alice.hears(welcome()))


# ------------------------------------------------------------------------------------------------ files


def test_a_file_becomes_a_message_when_it_is_at_the_server() -> None:
    """Only then it has a number, so that text is never held up (P-3)."""
    alice = Core()
    alice.online()
    attached = alice.does(Attach(Lid(1), C, "/tmp/a.txt", "a.txt", "file", "look", b"nonce-12", 5))
    assert of_kind(attached, InspectFile)
    found = Inspected("file", "text/plain", "a.txt", 3, "ab" * 32, "/tmp/a.txt")
    assert of_kind(alice.does(FileInspected(Lid(1), found)), UploadFile)
    alice.writes(2, "first")

    (saved,) = of_kind(alice.does(Uploaded(Lid(1), MediaId("m"))), SaveComposed)

    assert (saved.lid, saved.n, saved.media) == (Lid(1), 2, (MediaId("m"),))


def test_cancelling_finds_whoever_has_the_message() -> None:
    alice = Core()
    alice.online()
    alice.writes(1, "hello")
    alice.does(Attach(Lid(2), C, "/tmp/a.txt", "a.txt", "file", "", b"nonce-12", 5))

    assert of_kind(alice.does(Cancel(Lid(1))), SaveState)[0].state is State.CANCELLING
    assert SaveDropped(Lid(2), C) in alice.does(Cancel(Lid(2)))
    assert alice.does(Cancel(Lid(3))) == [Told("not_possible_now", Lid(3))]
    assert alice.does(Resend(Lid(3))) == []


def test_questions_are_answered() -> None:
    alice = Core()
    alice.online()
    alice.does(AskPeople())

    assert of_kind(alice.does(Ask(Lid(1))), Found)[0].finding.found == "no_answer"
    assert of_kind(alice.hears(PeopleA(())), PeopleKnown) == [PeopleKnown(())]


# ------------------------------------------------------------------------------------------ generations


def test_a_first_session_writes_the_generation_down() -> None:
    alice = Core(Memory(me=replace(ALICE, gen="")))

    assert SaveGeneration("1-aa", ()) in alice.online()


def test_a_restored_server_is_agreed_with_before_anything_else() -> None:
    """P-69: one turn requeues, falls back, and begins the session."""
    disk = memory(Room(C, cursor=9, rev=4, lane=Lane(3, dg("three"), 3)))
    alice = Core(disk)

    effects = alice.online(Head(C, 7, 2, 6), gen="2-bb")
    assert of_kind(effects, FindOwnAbove) == [FindOwnAbove(((C, 6),))]
    assert packets_of(effects) == []
    assert alice.hears(frame(9, event(10))) == []

    effects = alice.does(OwnAbove((Own(Lid(5), C, dg("three"), b"three"),)))

    kinds = [type(effect) for effect in effects[:2]]
    assert kinds == [SaveRequeued, SaveGeneration]
    assert [type(packet) for packet in packets_of(effects)] == [OfflineR, MsgR]
    assert packets_of(effects)[0] == OfflineR(C, 6, 0, 256)
    assert of_kind(alice.hears(OfflineA(C, 6, 7, 7, (event(7),))), SaveArrived)[0].cursor == 7


def test_what_was_said_where_nothing_was_heard_yet_is_looked_for_too() -> None:
    """A conversation as young as the backup is old: accepted here, and unknown to the server that comes back."""
    alice = Core()
    alice.online()
    alice.writes(1, "hello")
    alice.hears(taken("hello", 1))
    alice.does(WireDown(1))

    assert of_kind(alice.online(gen="2-bb"), FindOwnAbove) == [FindOwnAbove(((C, 0),))]


def test_a_restored_server_may_have_to_be_asked_for_its_heads() -> None:
    alice = Core(memory(Room(C, cursor=9)))

    assert HeadsR() in packets_of(alice.online(gen="2-bb", same=True))
    assert alice.hears(HeadsA(heads=(Head(C, 7, 2, 6),))) == [FindOwnAbove(((C, 6),))]


def test_a_session_that_ends_while_it_is_held_never_began() -> None:
    alice = Core(memory(Room(C, cursor=9)))
    alice.online(Head(C, 7, 2, 6), gen="2-bb")
    alice.does(WireDown(1))

    assert alice.does(OwnAbove(())) == []
    assert alice.writes(1, "hello")[1:] == []


def test_the_core_is_built_again_from_what_was_written_down() -> None:
    """After a failed save: two cores from the same disk do the same."""
    disk = memory(Room(C, lane=Lane(1, dg("one"))), Room(D), rows=(row(1, 1, "one"),))

    assert Core(disk).online() == Core(disk).online()


def test_nobody_is_joined_yet() -> None:
    with pytest.raises(AssertionError):
        Engine(Memory(None), Ladder(), 0, lambda: 0.5)


def test_who_is_no_member_writes_nothing_down() -> None:
    engine = Engine(memory(Room(C, away=True)), Ladder(), 0, lambda: 0.5)
    assert engine.handle(Compose(Lid(1), C, b"hello", dg("hello"), 1), 0.0) == [Told("not_member", Lid(1))]
    attach = Attach(Lid(2), C, "/tmp/a", "a", "auto", "", b"n", 1)
    assert engine.handle(attach, 0.0) == [Told("not_member", Lid(2))]
    assert engine.handle(Compose(Lid(3), D, b"hello", dg("hello", D), 1), 0.0) != [Told("not_member", Lid(3))]


def test_what_waits_can_be_cancelled_and_what_is_over_cannot() -> None:
    alice = Core()
    alice.writes(1, "hello")
    assert of_kind(alice.does(Cancel(Lid(1))), Told) == []
    assert of_kind(alice.does(Cancel(Lid(2))), Told) == [Told("not_possible_now", Lid(2))]


def test_what_waited_for_seven_days_when_the_program_starts_needs_the_person() -> None:
    old = row(1, 1, "old", first_ms=1)
    engine = Engine(memory(rows=(old,)), Ladder(), int(SILENT_MAX_S * 1000) + 2, lambda: 0.5)
    assert SaveState(Lid(1), State.NEEDS_YOU, "send", parked=True) in engine.handle(Tick(), 0.0)


def test_a_file_is_said_by_its_author() -> None:
    alice = Core()
    alice.online()
    alice.does(Attach(Lid(1), C, "/a.jpg", "a.jpg", "auto", "", b"12345678", 1))
    alice.does(FileInspected(Lid(1), Inspected("file", "a/b", "a.jpg", 9, "ab" * 32, "/a.jpg")))
    (composed,) = of_kind(alice.does(Uploaded(Lid(1), MediaId("m"))), SaveComposed)
    assert unpack(composed.content, author=ALICE.uid, conv=C).body is not None


def test_nobody_is_thought_to_be_everybody_above_what_was_read_of_a_group() -> None:
    """Carol came at 5, and this device has not heard of it: what she has not got is not delivered to all (S6)."""
    here = (Member(ALICE.uid, "Alice"), Member(BOB, "Bob"))
    alice = Core(memory(Room(C, "group", cursor=3, rev=1, head=3, members=here)))
    alice.online(Head(C, 3, 1))

    assert upto_of(alice.hears(AckN(C, 1, 2, (Mark(BOB, 6, 6),)))) == [(3, 3)]
    read = OfflineA(C, 3, 6, 6, (event(4), notice(5, Joined(CAROL, "Carol")), event(6)))
    assert upto_of(alice.hears(read)) == []
    assert upto_of(alice.hears(AckN(C, 2, 3, (Mark(CAROL, 6, 4),)))) == [(6, 4)]


def test_a_member_table_that_was_overtaken_is_asked_for_anew() -> None:
    here = (Member(ALICE.uid, "Alice"), Member(BOB, "Bob"))
    seats = (Seat(ALICE.uid, "Alice"), Seat(BOB, "Bob"))
    alice = Core(memory(Room(C, "group", cursor=3, head=3, members=here, thin=True)))
    assert MembersR(C) in packets_of(alice.online(Head(C, 3, 0)))
    alice.hears(frame(3, notice(4, Left(BOB))))
    assert packets_of(alice.hears(MembersA(C, seats, head=3))) == [MembersR(C)]
    assert packets_of(alice.hears(MembersA(C, seats[:1], head=4))) == []


def upto_of(effects: list[Effect]) -> list[tuple[int, int]]:
    """What all others have, and have read, each time it is written down."""
    return [(saved.delivered_upto, saved.read_upto) for saved in of_kind(effects, SaveMarks)]
