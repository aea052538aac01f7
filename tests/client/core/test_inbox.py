"""Receiving: frames, cursors, acknowledgements, pulls and the poll (section 8 of the contract)."""

from __future__ import annotations

from collections.abc import Sequence

from client.core.effects import Arrived, Output, SaveArrived, SaveRoster, Send, Synced, Told, TracedAt
from client.core.events import AskRoster, AskSynced, MembersNow, OlderMissing, Pull, Quit, Rewound, Tick, Woken
from client.core.inbox import Inbox
from client.core.model import Member, Memory, Room, Span, State
from protocol.content import Joined, Left, Opened, Ranked, Titled
from protocol.heads import sum_of
from protocol.limits import PULLS_AT_ONCE
from protocol.packets import (
    AckA,
    AckR,
    Gap,
    Head,
    HeadsA,
    HeadsR,
    MembersA,
    MsgA,
    MsgN,
    Nack,
    OfflineA,
    OfflineAckR,
    OfflineR,
    Relation,
    Seat,
)
from protocol.packets import Event as LogEvent
from protocol.values import ConvId, Lid, replace
from tests.helpers.machines import (
    ALICE,
    BOB,
    CAROL,
    NO,
    C,
    D,
    Desk,
    event,
    frame,
    memory,
    notice,
    of_kind,
    packets_of,
)


class Receiver(Desk):
    """Alice's inbox; marks of every conversation are known up to `rev`, and no row of hers waits unless said."""

    def __init__(self, disk: Memory | None = None, *, rev: int = 0, roll: float = 0.5) -> None:
        self.settled: tuple[tuple[Lid, LogEvent, State], ...] = ()
        super().__init__(Inbox(disk or memory(), lambda: roll, lambda conv: rev, self.echo))

    def echo(
        self, conv: ConvId, events: Sequence[LogEvent], now_s: float
    ) -> tuple[tuple[tuple[Lid, LogEvent, State], ...], list[Output]]:
        assert (now_s, bool(conv)) == (self.now_s, True)
        return self.settled, [Told("echoed")] if self.settled else []

    @property
    def inbox(self) -> Inbox:
        assert isinstance(self.machine, Inbox)
        return self.machine

    def tries(self) -> list[float]:
        """When anything left."""
        return [at_s for at_s, _ in self.sent]

    def arrived(self) -> list[tuple[int, list[int]]]:
        """Cursor and positions of everything stored."""
        return [(save.cursor, [event.pos for event in save.events]) for save in of_kind(self.all, SaveArrived)]


def page(from_: int, *events: LogEvent, to: int = 0, head: int = 0, conv: ConvId = C) -> OfflineA:
    pushed = frame(from_, *events, to=to, head=head, conv=conv)
    return OfflineA(conv, from_, pushed.to, pushed.head, events)


def pull(after: int, conv: ConvId = C, rev: int = 0) -> OfflineR:
    return OfflineR(conv, after, rev, 256)


# ---------------------------------------------------------------------------------------------- frames


def test_a_server_that_stands_below_what_it_told_is_said_once() -> None:
    """A disk that lied: in one generation a head never falls (F-21)."""
    alice = Receiver()
    alice.online()
    alice.hears(frame(0, event(1), event(2)))
    assert Told("server_went_back") not in alice.hears(HeadsA(heads=(Head(C, 1, 0),)))  # said before the frame was
    assert Told("server_went_back") not in alice.online(Head(C, 2, 0), Head(D, 0, 0))
    assert alice.online(Head(C, 1, 0)).count(Told("server_went_back")) == 1
    assert Told("server_went_back") not in alice.online(Head(C, 1, 0))


def test_a_frame_is_stored_before_it_is_acknowledged() -> None:
    alice = Receiver()
    alice.online()

    assert alice.hears(frame(0, event(1), event(2))) == [
        SaveArrived(C, (event(1), event(2)), (), 2, 2),
        TracedAt(C, 1, 2, "msg:N", "in"),
        Arrived(C, (BOB, BOB)),
    ]
    assert alice.run_until(0.1) == [Send(1, (AckR(C, 2),)), TracedAt(C, 1, 2, "ack:R", "out")]


def test_only_new_messages_are_announced() -> None:
    """Changes of messages are stored and acknowledged like all; nobody is called for them."""
    alice = Receiver()
    alice.online()
    change = replace(event(2), rel=Relation("react", 1))
    recalled = replace(event(3), content="")

    outputs = alice.hears(frame(0, event(1), change, recalled))
    assert of_kind(outputs, SaveArrived)[0].events == (event(1), change, recalled)
    assert of_kind(outputs, Arrived) == [Arrived(C, (BOB,))]
    assert of_kind(alice.hears(frame(3, replace(change, pos=4))), Arrived) == []


def test_a_frame_that_comes_twice_is_stored_once_and_acknowledged_again() -> None:
    """The first acknowledgement may have been lost (P-44)."""
    alice = Receiver()
    alice.online()
    alice.hears(frame(0, event(1)))
    alice.run_until(0.2)
    alice.hears(frame(0, event(1)))
    alice.run_until(0.4)

    assert alice.arrived() == [(1, [1])]
    assert [packet for _, packet in alice.sent] == [AckR(C, 1), AckR(C, 1)]


def test_only_what_is_above_the_cursor_is_stored() -> None:
    alice = Receiver(memory(Room(C, cursor=2)))
    alice.online()

    alice.hears(MsgN(C, 0, 6, 6, (event(1), event(2), event(6)), (Gap(3, 5, "expired"),)))

    (saved,) = of_kind(alice.all, SaveArrived)
    assert (saved.events, saved.gaps) == ((event(6),), (Gap(3, 5, "expired"),))


def test_a_gap_that_begins_below_the_cursor_is_cut() -> None:
    alice = Receiver(memory(Room(C, cursor=4)))
    alice.online()

    alice.hears(MsgN(C, 2, 6, 6, (event(6),), (Gap(3, 5, "expired"),)))

    assert of_kind(alice.all, SaveArrived)[0].gaps == (Gap(5, 5, "expired"),)


def test_a_frame_that_lies_ahead_is_dropped_and_the_hole_pulled() -> None:
    """P-43: also when frames were reordered."""
    alice = Receiver()
    alice.online()

    assert packets_of(alice.hears(frame(1, event(2)))) == [pull(0)]
    assert alice.arrived() == []
    assert packets_of(alice.hears(frame(2, event(3)))) == []

    alice.hears(page(0, event(1), event(2), event(3)))
    assert alice.arrived() == [(3, [1, 2, 3])]


def test_a_frame_that_does_not_account_for_every_position_is_refused_reported_and_pulled_again() -> None:
    alice = Receiver()
    alice.online()

    assert alice.hears(MsgN(C, 0, 3, 3, (event(1), event(3)))) == [Told("bad_frame")]
    assert alice.arrived() == []
    alice.run_until(10.0)

    assert [packet for _, packet in alice.sent] == [pull(0)]


def test_own_rows_are_settled_in_the_same_transaction() -> None:
    alice = Receiver()
    alice.online()
    mine = event(1, did=ALICE.did, uid="alice")
    alice.settled = ((Lid(7), mine, State.ACCEPTED),)

    outputs = alice.hears(frame(0, mine))

    assert of_kind(outputs, SaveArrived)[0].settled == alice.settled
    assert Told("echoed") in outputs
    assert of_kind(outputs, Arrived) == []


def test_what_nobody_can_read_never_blocks_the_cursor() -> None:
    """P-81: content of any kind, and notices of a newer server."""
    alice = Receiver()
    alice.online()
    foreign = LogEvent(1, 5, BOB, ALICE.did, 1, NO, "olm9", "%%% not base64")
    odd = LogEvent(2, 5, BOB, notice(2, Left(BOB)).did, 0, NO, "server1", "%%%")
    new = LogEvent(3, 5, BOB, odd.did, 0, NO, "server1", "e30")
    newer = LogEvent(4, 5, BOB, odd.did, 0, NO, "server2", "e30")

    alice.hears(frame(0, foreign, odd, new, newer))

    assert alice.arrived() == [(4, [1, 2, 3, 4])]


# ---------------------------------------------------------------------------------------------- notices


def test_a_new_conversation_is_described_by_what_the_server_says() -> None:
    alice = Receiver()
    alice.online()

    outputs = alice.hears(
        frame(
            0,
            notice(1, Opened("group", "Walks", BOB)),
            notice(2, Joined(ALICE.uid, "Alice")),
            notice(3, Joined(BOB, "Bob")),
        )
    )

    (saved,) = of_kind(outputs, SaveArrived)
    members = (Member(ALICE.uid, "Alice"), Member(BOB, "Bob"))
    assert (saved.form, saved.title, saved.members) == ("group", "Walks", members)
    assert of_kind(outputs, MembersNow) == [MembersNow(C, members, 3)]
    assert of_kind(outputs, Arrived) == []


def test_how_far_it_is_known_who_is_here_is_said_with_every_frame_of_a_group() -> None:
    """In a direct conversation nobody comes and nobody goes."""
    here = (Member(ALICE.uid, "Alice"), Member(BOB, "Bob"))
    alice = Receiver(memory(Room(C, "group", cursor=3, members=here), Room(D, cursor=3, members=here)))
    alice.online()

    assert of_kind(alice.hears(frame(3, event(4))), MembersNow) == [MembersNow(C, here, 4)]
    assert of_kind(alice.hears(frame(3, event(4))), MembersNow) == []
    assert of_kind(alice.hears(frame(3, event(4), conv=D)), MembersNow) == []


def test_only_what_changed_is_said() -> None:
    alice = Receiver(memory(Room(C, "group", "Walks", 3, members=(Member(ALICE.uid, "Alice"), Member(BOB, "Bob")))))
    alice.online()

    outputs = alice.hears(frame(3, notice(4, Titled("Hikes")), notice(5, Left(BOB))))

    (saved,) = of_kind(outputs, SaveArrived)
    assert (saved.form, saved.title, saved.members) == ("", "Hikes", (Member(ALICE.uid, "Alice"),))
    (saved,) = of_kind(alice.hears(frame(5, event(6))), SaveArrived)
    assert (saved.form, saved.title, saved.members) == ("", None, None)


def test_a_form_of_a_newer_server_is_left_as_it_was() -> None:
    alice = Receiver()
    alice.online()

    alice.hears(frame(0, notice(1, Opened("channel"))))

    assert of_kind(alice.all, SaveArrived)[0].form == ""


# --------------------------------------------------------------------------------------- acknowledging


def test_acknowledgements_are_joined() -> None:
    alice = Receiver()
    alice.online()
    alice.hears(frame(0, event(1)))
    alice.run_until(0.0625)
    alice.hears(frame(1, event(2)))
    alice.hears(frame(0, event(1, conv=D), conv=D))
    alice.run_until(0.1)
    assert [packet for _, packet in alice.sent] == [AckR(C, 2)]
    alice.run_until(0.2)

    assert alice.sent == [(0.1, AckR(C, 2)), (0.0625 + 0.1, AckR(D, 1))]


def test_sixty_four_events_are_acknowledged_at_once() -> None:
    alice = Receiver()
    alice.online()
    alice.hears(frame(0, *(event(pos) for pos in range(1, 31))))

    outputs = alice.hears(frame(30, *(event(pos) for pos in range(31, 65))))

    assert packets_of(outputs) == [AckR(C, 64)]


def test_an_acknowledgement_without_an_answer_is_repeated() -> None:
    alice = Receiver()
    alice.online()
    alice.hears(frame(0, event(1)))
    alice.run_until(20.2)
    assert alice.tries() == [0.1, 10.1, 20.1]

    outputs = alice.hears(AckA(C, 1))

    assert outputs == [TracedAt(C, 1, 1, "ack:A", "in")]
    alice.run_until(40.0)
    assert len(alice.sent) == 3
    assert alice.hears(AckA(C, 1)) == []


def test_an_answer_to_an_older_acknowledgement_leaves_the_newer_one_due() -> None:
    alice = Receiver()
    alice.online()
    alice.hears(frame(0, event(1)))
    alice.run_until(0.1)
    alice.hears(frame(1, event(2)))
    alice.hears(AckA(C, 1))
    alice.run_until(0.2)

    assert [packet for _, packet in alice.sent] == [AckR(C, 1), AckR(C, 2)]


def test_what_came_by_a_pull_is_acknowledged_under_its_own_name() -> None:
    alice = Receiver()
    alice.online(Head(C, 1, 0))
    alice.forget()
    alice.hears(page(0, event(1)))
    alice.run_until(0.1)

    assert [packet for _, packet in alice.sent] == [OfflineAckR(C, 1)]
    assert alice.all[-1] == TracedAt(C, 1, 1, "offlineack:R", "out")
    assert TracedAt(C, 1, 1, "offline:A", "in") in alice.all


def test_after_a_start_every_cursor_is_said_once_more() -> None:
    """The program may have died between storing and acknowledging (C6)."""
    alice = Receiver(memory(Room(C, cursor=4), Room(D)))

    assert alice.online() == [Send(1, (AckR(C, 4),)), TracedAt(C, 4, 4, "ack:R", "out")]
    assert alice.hears(AckA(C, 4)) == []
    alice.offline()
    assert alice.online() == []


def test_an_acknowledgement_that_is_refused_is_given_up_or_said_later() -> None:
    for answer, tries in ((Nack("unknown_conversation", C), [0.0]), (Nack("busy", C, retry_ms=500), [0.0, 0.5])):
        alice = Receiver(memory(Room(C, cursor=4)))
        alice.online()
        alice.hears(answer)
        alice.run_until(5.0)

        assert alice.tries() == tries


def test_what_was_not_confirmed_is_acknowledged_in_the_next_session() -> None:
    alice = Receiver()
    alice.online()
    alice.hears(frame(0, event(1)))
    alice.offline()
    alice.run_until(50.0)
    assert alice.sent == []

    assert packets_of(alice.online()) == [AckR(C, 1)]


def test_closing_says_what_was_joined() -> None:
    alice = Receiver(memory(Room(D)))
    alice.online()
    alice.hears(frame(0, event(1)))

    assert packets_of(alice.does(Quit())) == [AckR(C, 1)]


# ---------------------------------------------------------------------------------------------- pulling


def test_whatever_is_further_at_the_server_is_pulled_at_the_welcome() -> None:
    alice = Receiver(memory(Room(C, cursor=5), Room(D, cursor=2)), rev=3)

    outputs = alice.online(Head(C, 5, 3), Head(D, 4, 3), Head(ConvId("new"), 1, 0))

    assert of_kind(packets_of(outputs), OfflineR) == [pull(2, D, 3), pull(0, ConvId("new"), 3)]


def test_marks_that_climbed_are_pulled_too() -> None:
    alice = Receiver(memory(Room(C, cursor=5)), rev=3)

    assert of_kind(packets_of(alice.online(Head(C, 5, 4))), OfflineR) == [pull(5, rev=3)]


def test_a_long_way_is_pulled_page_by_page() -> None:
    alice = Receiver()
    alice.online(Head(C, 3, 0))
    alice.forget()

    alice.hears(page(0, event(1), event(2), head=3))
    assert [packet for _, packet in alice.sent] == [pull(2)]
    alice.hears(page(2, event(3)))
    alice.run_until(5.0)

    assert [packet for _, packet in alice.sent if isinstance(packet, OfflineR)] == [pull(2)]


def test_a_push_that_stops_short_is_pulled_on() -> None:
    alice = Receiver()
    alice.online()

    assert packets_of(alice.hears(frame(0, event(1), head=4))) == [pull(1)]


def test_a_pull_without_an_answer_is_said_again() -> None:
    alice = Receiver()
    alice.online(Head(C, 1, 0))
    assert alice.inbox.unanswered_since_s() == 0.0

    alice.run_until(20.0)

    assert alice.sent == [(0.0, pull(0)), (10.0, pull(0)), (20.0, pull(0))]
    alice.hears(page(0, event(1)))
    assert alice.inbox.unanswered_since_s() is None


def test_an_answer_that_does_not_help_is_not_asked_for_at_once_again() -> None:
    for useless in (page(0, to=0, head=3), page(2, event(3))):
        alice = Receiver()
        alice.online(Head(C, 3, 0))
        alice.forget()

        alice.hears(useless)
        alice.run_until(9.9)
        assert [packet for _, packet in alice.sent if isinstance(packet, OfflineR)] == []
        alice.run_until(10.0)
        assert [packet for _, packet in alice.sent if isinstance(packet, OfflineR)] == [pull(0)]


def test_few_pulls_run_at_once() -> None:
    convs = [ConvId(f"c{place}") for place in range(PULLS_AT_ONCE + 2)]
    alice = Receiver()

    assert len(packets_of(alice.online(*(Head(conv, 1, 0) for conv in convs)))) == PULLS_AT_ONCE
    assert packets_of(alice.hears(page(0, event(1, conv=convs[0]), conv=convs[0]))) == [pull(0, convs[8])]


def test_a_pull_that_is_refused_is_given_up() -> None:
    alice = Receiver()
    alice.online(Head(C, 1, 0), Head(D, 1, 0))
    alice.forget()

    alice.hears(Nack("unknown_conversation", C, final=True), Nack("unknown_conversation", ConvId("x")))
    alice.hears(Nack("unknown_conversation", C))
    alice.hears(Nack("busy", D, retry_ms=1_500))
    alice.run_until(5.0)

    assert alice.sent == [(1.5, pull(0, D))]


def test_another_machine_may_ask_for_a_pull() -> None:
    alice = Receiver(memory(Room(C, cursor=5)))
    alice.online()

    assert packets_of(alice.does(Pull(C))) == [pull(5)]
    assert packets_of(alice.does(Pull(C))) == []


def test_nothing_is_asked_without_a_session() -> None:
    alice = Receiver()
    alice.online(Head(C, 1, 0))
    alice.offline()
    alice.forget()

    assert alice.does(Pull(C)) == []
    assert alice.machine.next_wakeup_s() is None
    assert alice.inbox.unanswered_since_s() is None


# ---------------------------------------------------------------------------------------------- polling


def test_the_poll_says_what_this_device_has() -> None:
    alice = Receiver(memory(Room(C, cursor=5), Room(D, cursor=2)), rev=3)
    alice.online()
    alice.hears(AckA(C, 5), AckA(D, 2))
    alice.forget()
    alice.run_until(130.0)

    assert alice.sent == [
        (60.0, HeadsR(sum_of([(C, 5, 3), (D, 2, 3)]))),
        (120.0, HeadsR(sum_of([(C, 5, 3), (D, 2, 3)]))),
    ]
    assert alice.inbox.convs() == [C, D]


def test_the_poll_is_spread_by_a_fifth() -> None:
    for roll, due_s in ((0.0, 48.0), (0.75, 66.0)):
        alice = Receiver(roll=roll)
        alice.online()
        assert alice.machine.next_wakeup_s() == due_s


def test_the_answer_to_the_poll_makes_lost_doorbells_harmless() -> None:
    alice = Receiver()
    alice.online()

    assert alice.hears(HeadsA(same=True)) == []
    assert packets_of(alice.hears(HeadsA(heads=(Head(C, 2, 0),)))) == [pull(0)]


def test_after_sleep_the_poll_comes_at_once() -> None:
    alice = Receiver()
    alice.online()
    alice.now_s = 7.0

    assert packets_of(alice.does(Woken())) == [HeadsR(sum_of([]))]


def test_packets_for_others_are_left_to_them() -> None:
    alice = Receiver()
    alice.online()

    assert alice.hears(MsgA(C, 1, 1, NO, 5, 1, NO), Nack("order", C, 3)) == []
    assert alice.does(Tick()) == []


# ------------------------------------------------------------------------------------- another generation


def test_a_restored_server_takes_the_cursor_back_to_its_base() -> None:
    alice = Receiver(memory(Room(C, cursor=9, head=9), Room(D, cursor=4)))
    alice.does(Rewound("2-bb", {C: 6}, ()))

    outputs = alice.online(Head(C, 8, 0, 6), Head(D, 1, 0))
    assert packets_of(outputs) == [pull(6), pull(0, D)]
    alice.hears(page(6, event(7), event(8)))

    assert alice.arrived() == [(8, [7, 8])]
    assert of_kind(alice.all, SaveArrived)[0].head == 8


def test_who_left_after_the_backup_of_a_restored_server_has_not_left() -> None:
    here = (Member(ALICE.uid, "Alice"), Member(BOB, "Bob"))
    gone = Room(C, cursor=9, head=9, form="group", members=here[1:], away=True)
    kept = Room(D, cursor=4, head=4, form="group", members=here)
    alice = Receiver(memory(gone, kept))
    outputs = alice.does(Rewound("2-bb", {C: 8, D: 4}, ()))

    assert [one for one in outputs if isinstance(one, MembersNow | AskRoster)] == [
        MembersNow(C, here[1:], 8, thin=True), AskRoster(C),
    ]  # fmt: skip
    assert alice.inbox.may_write(C)
    alice.hears(MembersA(C, (Seat(ALICE.uid, "Alice"), Seat(BOB, "Bob"))))
    assert of_kind(alice.all, SaveRoster)[-1].members == here


# ------------------------------------------------------------------------------------- who is here


def seats(*seats: Seat, form: str = "", title: str = "", code: str = "") -> MembersA:
    return MembersA(C, seats, code, form, title)


def gapped(*gaps: Gap, events: tuple[LogEvent, ...] = ()) -> MsgN:
    """A pushed frame from the beginning, with holes."""
    to = max([gap.last for gap in gaps] + [event.pos for event in events])
    return MsgN(C, 0, to, to, events, gaps)


HERE = (Member(ALICE.uid, "Alice", 1), Member(BOB, "Bob"))


def test_a_new_role_changes_one_member_only() -> None:
    alice = Receiver(memory(Room(C, members=HERE, cursor=1)))
    alice.online()
    ranked = (Member(ALICE.uid, "Alice", 1), Member(BOB, "Bob", 1))
    assert MembersNow(C, ranked) in alice.hears(frame(1, notice(2, Ranked(BOB, 1))))


def test_who_left_may_not_write_and_who_came_again_may() -> None:
    alice = Receiver(memory(Room(C, members=HERE, cursor=1)))
    alice.online()
    assert alice.inbox.may_write(C)
    (left,) = of_kind(alice.hears(frame(1, notice(2, Left(ALICE.uid)))), SaveArrived)
    assert (left.away, alice.inbox.may_write(C)) == (True, False)
    (other,) = of_kind(alice.hears(frame(2, notice(3, Left(BOB)))), SaveArrived)
    assert (other.away, alice.inbox.may_write(C)) == (None, False)
    (back,) = of_kind(alice.hears(frame(3, notice(4, Joined(ALICE.uid, "Alice")))), SaveArrived)
    assert (back.away, alice.inbox.may_write(C)) == (False, True)
    assert alice.inbox.may_write(D)


def test_a_gap_may_hide_who_came_so_that_the_table_is_wanted() -> None:
    alice = Receiver()
    alice.online()
    joined = notice(4, Joined(ALICE.uid, "Alice"))
    outputs = alice.hears(gapped(Gap(1, 3, "before_join"), events=(joined,)))
    assert of_kind(outputs, MembersNow) == [MembersNow(C, (Member(ALICE.uid, "Alice"),), thin=True)]
    assert of_kind(outputs, AskRoster) == [AskRoster(C)]
    assert of_kind(outputs, SaveArrived)[0].thin
    assert alice.hears(seats(*(Seat(m.uid, m.name, m.role) for m in HERE), form="group", title="Walks")) == [
        SaveRoster(C, HERE, False, "group", "Walks"),
        MembersNow(C, HERE, 4),
    ]
    assert alice.hears(seats()) == []


def test_a_table_that_is_older_than_what_was_read_is_asked_for_anew() -> None:
    """Bob left while it was on its way; with it he would be here for ever."""
    alice = Receiver(memory(Room(C, "group", cursor=4, members=HERE, thin=True)))
    alice.online()
    alice.hears(frame(4, notice(5, Left(BOB))))
    both = tuple(Seat(member.uid, member.name, member.role) for member in HERE)
    assert alice.hears(MembersA(C, both, head=4)) == [AskRoster(C, anew=True)]
    assert alice.hears(MembersA(C, both[:1], head=5)) == [
        SaveRoster(C, HERE[:1], False, "group", ""),
        MembersNow(C, HERE[:1], 5),
    ]


def test_a_table_that_is_newer_than_what_was_read_counts() -> None:
    alice = Receiver(memory(Room(C, "group", cursor=4, members=HERE, thin=True)))
    alice.online()
    one = Seat(ALICE.uid, "Alice", 1)
    assert MembersNow(C, HERE[:1], 4) in alice.hears(MembersA(C, (one,), head=5))
    assert MembersNow(C, HERE[:1], 5) in alice.hears(frame(4, notice(5, Left(BOB))))


def test_who_came_back_in_what_has_expired_is_back() -> None:
    alice = Receiver(memory(Room(C, "group", members=HERE[1:], away=True)))
    alice.online()
    assert of_kind(alice.hears(gapped(Gap(1, 3, "expired"))), AskRoster) == [AskRoster(C)]
    assert not alice.inbox.may_write(C)
    alice.hears(seats(*(Seat(m.uid, m.name, m.role) for m in HERE), form="group"))
    assert alice.inbox.may_write(C)


def test_what_cannot_be_read_hides_nobody() -> None:
    alice = Receiver()
    alice.online()
    outputs = alice.hears(gapped(Gap(1, 3, "unreadable")))
    assert (of_kind(outputs, MembersNow), of_kind(outputs, AskRoster)) == ([], [])


def test_a_table_without_us_or_refused_says_that_we_are_no_member() -> None:
    for table in (seats(Seat(BOB, "Bob")), seats(code="not_member"), seats(code="unknown_conversation")):
        alice = Receiver(memory(Room(C, thin=True, form="group", title="Walks", members=HERE)))
        alice.online()
        (saved,) = of_kind(alice.hears(table), SaveRoster)
        assert (saved.away, saved.form, saved.title) == (True, "group", "Walks")
        assert not alice.inbox.may_write(C)


def test_a_table_that_the_server_could_not_give_changes_nothing() -> None:
    alice = Receiver(memory(Room(C, thin=True)))
    alice.online()
    assert alice.hears(seats(code="busy")) == []


# ----------------------------------------------------------------------------------------- history


def test_what_is_older_than_this_device_is_said_to_be_missing() -> None:
    alice = Receiver()
    alice.online()
    gaps = (Gap(1, 3, "before_join"), Gap(4, 9, "before_device"))
    assert of_kind(alice.hears(gapped(*gaps)), OlderMissing) == [OlderMissing(C, (Span(4, 9),))]


def test_history_is_no_frame_of_the_log() -> None:
    alice = Receiver(memory(Room(C, cursor=9)))
    alice.online()
    assert alice.hears(OfflineA(C, 3, 4, 9, (event(4),), history=True)) == []


def test_everything_is_here_once_the_pulls_are_answered() -> None:
    alice = Receiver(memory(Room(C, cursor=1)))
    assert Synced("server_unreachable") in alice.does(AskSynced())
    alice.online(Head(C, 3, 0))
    assert of_kind(alice.does(AskSynced()), Synced) == []
    assert of_kind(alice.hears(page(1, event(2), to=2, head=3)), Synced) == []
    assert of_kind(alice.hears(page(2, event(3))), Synced) == [Synced()]
    assert of_kind(alice.does(AskSynced()), Synced) == [Synced()]


def test_without_a_line_nobody_knows_whether_everything_is_here() -> None:
    alice = Receiver(memory(Room(C, cursor=1)))
    alice.online(Head(C, 3, 0))
    alice.does(AskSynced())
    assert Synced("server_unreachable") in alice.offline()


# ------------------------------------------------------------------------------------- to the very edge


def test_what_this_device_has_is_summed_up_with_the_marks_of_each_conversation() -> None:
    revs = {C: 5, D: 6}
    inbox = Inbox(memory(Room(C, cursor=1), Room(D, cursor=2)), lambda: 0.5, revs.__getitem__, Receiver().echo)
    assert inbox.summary() == sum_of([(C, 1, 5), (D, 2, 6)])


def test_a_page_nobody_asked_for_is_stored_too() -> None:
    alice = Receiver()
    alice.online()
    alice.hears(page(0, event(1)))
    assert alice.arrived() == [(1, [1])]


def test_only_the_server_says_what_a_conversation_is_called() -> None:
    """Neither somebody who writes like the server, nor the server in another suite."""
    alice = Receiver(memory(Room(C, form="group", title="Walks")))
    alice.online()
    said = notice(1, Titled("Hacked", BOB, 1))
    alice.hears(frame(0, replace(said, did=event(1).did), replace(said, pos=2, suite="plain1")))
    assert [save.title for save in of_kind(alice.all, SaveArrived)] == [None]


def test_a_role_is_given_to_one_and_brought_along_by_who_comes() -> None:
    here = (Member(ALICE.uid, "Alice"), Member(BOB, "Bob"))
    alice = Receiver(memory(Room(C, form="group", members=here)))
    alice.online()
    alice.hears(frame(0, notice(1, Ranked(BOB, 1, ALICE.uid, 1)), notice(2, Joined(CAROL, "Carol", 1, BOB, 2))))
    (saved,) = of_kind(alice.all, SaveArrived)
    assert saved.members == (here[0], Member(BOB, "Bob", 1), Member(CAROL, "Carol", 1))


def test_a_page_that_helps_is_followed_by_the_next_at_once() -> None:
    alice = Receiver(memory(Room(C, cursor=5, head=5)))
    alice.online(Head(C, 9, 0))
    outputs = alice.hears(page(4, event(5), event(6), head=9))
    assert packets_of(outputs)[0] == pull(6)


def test_after_a_restored_server_everything_is_acknowledged_from_the_base_on() -> None:
    alice = Receiver(memory(Room(C, cursor=9, head=9)))
    alice.does(Rewound("2-bb", {}, ()))
    alice.online()
    assert packets_of(alice.does(Quit())) == []
    alice.hears(frame(0, event(1), event(2)))
    outputs = alice.run_until(0.1)
    assert TracedAt(C, 1, 2, "ack:R", "out") in outputs
    assert alice.hears(AckA(C, 2)) == [TracedAt(C, 1, 2, "ack:A", "in")]


def test_what_is_known_of_marks_is_known_of_each_conversation() -> None:
    revs = {C: 5, D: 6}
    alice = Desk(Inbox(memory(Room(C, cursor=1), Room(D, cursor=2)), lambda: 0.5, revs.__getitem__, Receiver().echo))
    outputs = alice.online(Head(C, 1, 5), Head(D, 2, 7))
    assert [packet for packet in packets_of(outputs) if isinstance(packet, OfflineR)] == [pull(2, D, 6)]


def test_who_asks_whether_all_is_here_is_told_once() -> None:
    alice = Receiver()
    alice.online()
    assert of_kind(alice.does(AskSynced()), Synced) == [Synced("")]
    assert of_kind(alice.does(Tick()), Synced) == []
