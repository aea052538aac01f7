"""Ticks: merged by maximum, never falling, honest in groups (section 9 of the contract)."""

from __future__ import annotations

from client.core.effects import SaveHeard, SaveMarks, SaveRead, Send, TracedAt
from client.core.events import AskRoster, MembersNow, Placed, Played, Pull, Quit, ReadUpto, Rewound
from client.core.marks import Marks
from client.core.model import Member, Memory, Reach, Room
from protocol.packets import AckA, AckN, Crowd, Mark, MembersA, OfflineA, ReadR, Seat, Step
from protocol.values import Lid
from tests.helpers.machines import ALICE, BOB, CAROL, C, D, Desk, memory, of_kind

PAIR = (Member(ALICE.uid, "Alice"), Member(BOB, "Bob"))
THREE = (*PAIR, Member(CAROL, "Carol"))


class Ticks(Desk):
    """Alice's marks."""

    def __init__(self, disk: Memory | None = None) -> None:
        self.marks = Marks(disk or memory(Room(C, members=PAIR)))
        super().__init__(self.marks)


def ack(from_: int, to: int, *marks: Mark) -> AckN:
    return AckN(C, from_, to, marks)


def test_a_mark_of_the_other_person_makes_it_delivered() -> None:
    alice = Ticks()
    alice.online()

    assert alice.hears(ack(0, 1, Mark(BOB, 5, 2))) == [
        SaveMarks(C, (Mark(BOB, 5, 2),), 1, 5, 2),
        TracedAt(C, 1, 5, "ack:N", "in"),
    ]
    assert alice.marks.rev_of(C) == 1


def test_marks_never_fall_whatever_comes_twice_or_late() -> None:
    alice = Ticks()
    alice.online()
    alice.hears(ack(0, 1, Mark(BOB, 3, 0)), ack(1, 2, Mark(BOB, 5, 2)))

    assert alice.hears(ack(0, 1, Mark(BOB, 3, 0)), ack(1, 2, Mark(BOB, 5, 2))) == []


def test_a_hole_before_is_pulled_and_leaves_the_rev() -> None:
    """P-50: a lost ack:N costs nothing."""
    alice = Ticks()
    alice.online()

    outputs = alice.hears(ack(4, 5, Mark(BOB, 5, 0)))

    assert outputs[0] == SaveMarks(C, (Mark(BOB, 5, 0),), 0, 5, 0)
    assert outputs[-1] == Pull(C)
    assert alice.hears(OfflineA(C, 0, 0, 0, rev_from=0, rev_to=5, marks=(Mark(BOB, 5, 0),))) == [
        SaveMarks(C, (), 5, 5, 0)
    ]


def test_a_pull_without_marks_changes_nothing() -> None:
    alice = Ticks()
    alice.online()

    assert alice.hears(OfflineA(C, 0, 0, 0), AckA(C, 1)) == []


def test_a_forged_ack_is_not_a_mark() -> None:
    alice = Ticks()
    alice.online()

    assert alice.hears(AckN(C, n=1, pos=1, stored="offline")) == []


def test_in_a_group_the_slowest_decides() -> None:
    alice = Ticks(memory(Room(C, "group", cursor=5, members=THREE)))
    alice.online()

    alice.hears(ack(0, 1, Mark(BOB, 5, 5)))
    assert of_kind(alice.all, SaveMarks)[-1] == SaveMarks(C, (Mark(BOB, 5, 5),), 1, 0, 0)
    alice.hears(ack(1, 2, Mark(CAROL, 4, 1)))
    assert of_kind(alice.all, SaveMarks)[-1] == SaveMarks(C, (Mark(CAROL, 4, 1),), 2, 4, 1)


def test_ones_own_devices_never_count() -> None:
    alice = Ticks()
    alice.online()

    outputs = alice.hears(ack(0, 1, Mark(ALICE.uid, 9, 0)))

    assert outputs == [SaveMarks(C, (Mark(ALICE.uid, 9, 0),), 1, 0, 0)]


def test_when_the_slowest_leaves_the_rest_counts() -> None:
    alice = Ticks(
        memory(Room(C, "group", cursor=5, rev=3, members=THREE, marks={BOB: Reach(5, 5), CAROL: Reach(2, 0)}))
    )

    assert alice.does(MembersNow(C, PAIR, 6)) == [SaveMarks(C, (), 3, 5, 5)]
    assert alice.does(MembersNow(C, PAIR, 7)) == []


def test_who_joins_later_takes_no_tick_back() -> None:
    alice = Ticks(memory(Room(C, "group", cursor=5, rev=3, members=PAIR, marks={BOB: Reach(5, 5)})))
    alice.does(MembersNow(C, THREE, 6))

    alice.online()
    outputs = alice.hears(ack(3, 4, Mark(BOB, 7, 7)))

    assert outputs[0] == SaveMarks(C, (Mark(BOB, 7, 7),), 4, 5, 5)


def test_nobody_is_everybody_above_what_was_read_of_a_group() -> None:
    """Who came there is not known here, and may not have got it (S6)."""
    alice = Ticks(memory(Room(C, "group", cursor=3, rev=3, members=PAIR, marks={BOB: Reach(5, 4)})))
    alice.online()
    assert alice.does(Placed(C, 3)) == [SaveMarks(C, (), 3, 3, 3)]
    assert alice.does(Placed(C, 4)) == []

    assert alice.does(MembersNow(C, PAIR, 4)) == [SaveMarks(C, (), 3, 4, 4)]
    assert alice.does(MembersNow(C, PAIR, 6)) == [SaveMarks(C, (), 3, 5, 4)]
    assert alice.does(MembersNow(C, PAIR, 7)) == []
    assert SaveMarks(C, (Mark(BOB, 9, 4),), 4, 7, 4) in alice.hears(ack(3, 4, Mark(BOB, 9, 4)))
    assert alice.does(MembersNow(C, THREE, 9)) == [], "Carol came at 8 or 9"
    assert SaveMarks(C, (Mark(CAROL, 8, 0),), 5, 8, 4) in alice.hears(ack(4, 5, Mark(CAROL, 8, 0)))


def test_a_message_that_is_placed_below_the_marks_has_its_ticks_at_once() -> None:
    """The answer was lost, the mark was not."""
    alice = Ticks(memory(Room(C, rev=3, members=PAIR, marks={BOB: Reach(5, 1)})))

    assert alice.does(Placed(C, 5)) == [SaveMarks(C, (), 3, 5, 1)]
    assert alice.does(Placed(C, 6)) == []


def test_a_conversation_nobody_heard_of_has_no_marks() -> None:
    alice = Ticks()

    assert alice.marks.rev_of(D) == 0
    assert alice.does(Placed(D, 1)) == []
    assert alice.does(MembersNow(D, PAIR)) == []


# ---------------------------------------------------------------------------------------------- reading


def test_reading_is_kept_at_once_and_told_after_a_second() -> None:
    alice = Ticks()
    alice.online()

    assert alice.does(ReadUpto(C, 3)) == [SaveRead(C, 3)]
    alice.run_until(0.5)
    assert alice.does(ReadUpto(C, 4)) == [SaveRead(C, 4)]
    assert alice.does(ReadUpto(C, 2)) == []
    alice.run_until(5.0)

    assert alice.sent == [(1.0, ReadR(C, 4))]


def test_what_was_played_to_its_end_is_kept_and_told_to_nobody() -> None:
    alice = Ticks()
    alice.online()

    assert alice.does(Played(Lid(7))) == [SaveHeard(Lid(7))]
    alice.run_until(5.0)
    assert alice.sent == []


def test_reading_is_told_again_until_the_server_is_known_to_know() -> None:
    """A lost or refused read:R would leave the other person's tick too low for the whole session."""
    alice = Ticks()
    alice.online()
    alice.does(ReadUpto(C, 4))
    alice.run_until(25.0)
    assert alice.sent == [(1.0, ReadR(C, 4)), (11.0, ReadR(C, 4)), (21.0, ReadR(C, 4))]

    alice.hears(ack(0, 1, Mark(ALICE.uid, 4, 3)))
    alice.run_until(35.0)
    assert len(alice.sent) == 4, "it knows of less"

    alice.hears(ack(1, 2, Mark(ALICE.uid, 4, 4)))
    alice.run_until(99.0)
    assert len(alice.sent) == 4


def test_what_was_read_without_a_line_is_told_when_there_is_one() -> None:
    alice = Ticks()
    alice.does(ReadUpto(C, 3))
    assert alice.machine.next_wakeup_s() is None

    assert alice.online() == [Send(1, (ReadR(C, 3),))]
    alice.offline()
    assert alice.online() == [Send(2, (ReadR(C, 3),))]
    alice.hears(ack(0, 1, Mark(ALICE.uid, 3, 3)))
    alice.offline()
    assert alice.online() == []


def test_what_the_disk_knows_to_be_read_is_told_again_only_if_the_server_may_not_know() -> None:
    told = Room(C, marks={ALICE.uid: Reach(5, 4)}, read_upto=4)
    untold = Room(D, marks={ALICE.uid: Reach(5, 4)}, read_upto=5)
    alice = Ticks(memory(told, untold))

    assert alice.online() == [Send(1, (ReadR(D, 5),))]


def test_what_was_read_on_another_device_is_read_here() -> None:
    alice = Ticks()
    alice.online()

    outputs = alice.hears(ack(0, 1, Mark(ALICE.uid, 5, 4)))

    assert outputs[-1] == SaveRead(C, 4)
    assert alice.does(ReadUpto(C, 4)) == []


def test_closing_says_what_was_joined() -> None:
    alice = Ticks()
    alice.online()
    alice.does(ReadUpto(C, 3))

    assert alice.does(Quit()) == [Send(1, (ReadR(C, 3),))]


def test_marks_of_another_generation_mean_nothing() -> None:
    alice = Ticks(memory(Room(C, rev=3, members=PAIR, marks={BOB: Reach(5, 1)}, read_upto=6)))
    alice.does(Rewound("2-bb", {C: 2}, ()))

    assert alice.marks.rev_of(C) == 0
    assert alice.does(Placed(C, 1)) == []
    assert alice.online() == [Send(1, (ReadR(C, 2),))]
    assert alice.hears(ack(0, 1, Mark(BOB, 1, 0)))[0] == SaveMarks(C, (Mark(BOB, 1, 0),), 1, 1, 0)


# -------------------------------------------------------------------------------- times, tables, crowds


def crowd(of: int, delivered: tuple[Step, ...], read: tuple[Step, ...] = (), to: int = 1) -> AckN:
    return AckN(C, 0, to, crowd=Crowd(of, delivered, read))


def test_a_mark_keeps_the_time_of_its_last_climb() -> None:
    alice = Ticks()
    alice.online()
    alice.hears(ack(0, 1, Mark(BOB, 5, 2, 105, 102)))
    assert alice.hears(ack(1, 2, Mark(BOB, 5, 2, 999, 999))) == [SaveMarks(C, (), 2, 5, 2)]
    alice.hears(ack(2, 3, Mark(BOB, 4, 5, 104, 205)))
    (saved,) = of_kind(alice.hears(ack(3, 4, Mark(BOB, 6, 6, 106, 206))), SaveMarks)
    assert saved.marks == (Mark(BOB, 6, 6, 106, 206),)


def test_a_time_that_comes_later_is_kept_too() -> None:
    alice = Ticks(memory(Room(C, members=PAIR, marks={BOB: Reach(5, 2)})))
    alice.online()
    (saved,) = of_kind(alice.hears(ack(0, 1, Mark(BOB, 5, 2, 105, 102))), SaveMarks)
    assert saved.marks == (Mark(BOB, 5, 2, 105, 102),)


def test_the_table_says_marks_and_moves_no_rev() -> None:
    alice = Ticks()
    alice.online()
    table = MembersA(C, (Seat(ALICE.uid, "Alice"), Seat(BOB, "Bob", 0, 5, 2, 105, 102)))
    assert SaveMarks(C, (Mark(BOB, 5, 2, 105, 102),), 0, 5, 2) in alice.hears(table)


def test_nobody_is_thought_to_be_everybody_while_somebody_may_be_missing() -> None:
    alice = Ticks(memory(Room(C, members=PAIR, thin=True)))
    alice.online()
    assert of_kind(alice.hears(ack(0, 1, Mark(BOB, 5, 2))), SaveMarks) == [SaveMarks(C, (Mark(BOB, 5, 2),), 1, 0, 0)]
    alice.does(MembersNow(C, PAIR, thin=True))
    assert alice.does(MembersNow(C, PAIR)) == [SaveMarks(C, (), 1, 5, 2)]


def test_a_crowd_climbs_when_all_have_it() -> None:
    alice = Ticks(memory(Room(C, members=PAIR)))
    alice.online()
    some = Crowd(40, (Step(5, 39), Step(9, 3)))
    assert alice.hears(crowd(40, some.delivered)) == [
        SaveMarks(C, (), 1, 0, 0, some),
        TracedAt(C, 1, 9, "ack:N", "in"),
    ]
    every = Crowd(40, (Step(7, 40), Step(9, 3)), (Step(4, 40),))
    assert SaveMarks(C, (), 2, 7, 4, every) in alice.hears(crowd(40, every.delivered, every.read, to=2))
    assert alice.hears(crowd(40, every.delivered, every.read, to=2)) == []
    assert alice.hears(crowd(40, some.delivered)) == []


def test_the_counts_of_nobody_are_nobodys() -> None:
    alice = Ticks(memory(Room(C)))
    alice.online()
    (saved,) = of_kind(alice.hears(crowd(0, (Step(5, 0),))), SaveMarks)
    assert (saved.delivered_upto, saved.crowd) == (0, Crowd(0, (Step(5, 0),)))


def test_the_server_knows_who_is_in_a_crowd() -> None:
    """However far this device has read: the counts are of all who were here when they were made."""
    alice = Ticks(memory(Room(C, "group", cursor=3, members=PAIR)))
    alice.online()
    every = Crowd(40, (Step(7, 40),), (Step(6, 40),))
    assert SaveMarks(C, (), 1, 7, 6, every) in alice.hears(crowd(40, every.delivered, every.read))


def test_a_crowd_comes_with_a_pull_and_after_a_start() -> None:
    stairs = Crowd(40, (Step(5, 40),))
    alice = Ticks(memory(Room(C, members=PAIR, crowd=stairs)))
    alice.online()
    assert alice.does(Placed(C, 5)) == [SaveMarks(C, (), 0, 5, 0)]
    further = Crowd(40, (Step(6, 40),))
    outputs = alice.hears(OfflineA(C, 0, 0, 0, crowd=further))
    assert of_kind(outputs, SaveMarks) == [SaveMarks(C, (), 0, 6, 0, further)]


def test_history_says_nothing_about_marks() -> None:
    alice = Ticks()
    alice.online()
    assert alice.hears(OfflineA(C, 0, 1, 1, rev_to=5, marks=(Mark(BOB, 1, 1),), history=True)) == []


def test_a_crowd_that_became_small_is_told_marks_again_and_asks_for_the_rest() -> None:
    alice = Ticks(memory(Room(C, members=PAIR, crowd=Crowd(40, (Step(5, 39),)))))
    alice.online()
    assert of_kind(alice.hears(ack(0, 1, Mark(ALICE.uid, 9, 9))), AskRoster) == []
    outputs = alice.hears(ack(1, 2, Mark(BOB, 5, 2)))
    assert of_kind(outputs, AskRoster) == [AskRoster(C)]
    assert of_kind(outputs, SaveMarks) == [SaveMarks(C, (Mark(BOB, 5, 2),), 2, 5, 2, Crowd(0))]


def test_a_restored_server_counts_anew() -> None:
    alice = Ticks(memory(Room(C, members=PAIR, crowd=Crowd(40, (Step(5, 40),)))))
    alice.online()
    alice.does(Rewound("g2", {C: 2}, ()))
    assert alice.does(MembersNow(C, THREE)) == []


# ------------------------------------------------------------------------------------- to the very edge


def test_counts_that_change_without_a_new_rev_are_kept() -> None:
    alice = Ticks(memory(Room(C, members=PAIR)))
    alice.online()
    alice.hears(crowd(40, (Step(5, 3),)))
    more = Crowd(40, (Step(5, 4),))
    assert SaveMarks(C, (), 1, 0, 0, more) in alice.hears(crowd(40, more.delivered))


def test_a_mark_that_rises_below_the_slowest_is_kept_without_a_new_rev() -> None:
    alice = Ticks(memory(Room(C, "group", members=THREE)))
    alice.online()
    table = MembersA(C, (Seat(BOB, "Bob", 0, 5, 0),))
    assert SaveMarks(C, (Mark(BOB, 5, 0),), 0, 0, 0) in alice.hears(table)


def test_each_time_that_comes_later_is_kept() -> None:
    for late in (Mark(BOB, 5, 2, 105, 0), Mark(BOB, 5, 2, 0, 102)):
        alice = Ticks(memory(Room(C, members=PAIR, marks={BOB: Reach(5, 2)})))
        alice.online()
        (saved,) = of_kind(alice.hears(ack(0, 1, late)), SaveMarks)
        assert saved.marks == (late,)
        assert of_kind(alice.hears(ack(0, 1, late)), SaveMarks) == []


def test_nothing_is_read_of_a_conversation_a_restored_server_has_forgotten() -> None:
    alice = Ticks(memory(Room(C, rev=3, members=PAIR, read_upto=6)))
    alice.does(Rewound("2-bb", {}, ()))
    assert alice.online() == []


def test_without_a_line_nothing_is_due() -> None:
    alice = Ticks()
    alice.online()
    alice.offline()
    alice.does(ReadUpto(C, 3))
    assert alice.machine.next_wakeup_s() is None
