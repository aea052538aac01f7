"""Asking about what the server has taken and nobody is known to have (P-54, P-51)."""

from __future__ import annotations

from client.core.effects import SaveState, Traced
from client.core.model import Accepted, Reach, Room, State
from client.core.probes import Probes
from protocol.ladder import Climb, Ladder
from protocol.packets import AckN, Crowd, Mark, MsgR, OfflineA, Step
from protocol.values import Lid
from tests.helpers.machines import ALICE, BOB, NO, C, D, dg

FIVE = Accepted(Lid(5), C, 2, NO, dg("five"), 5)
PROBE = MsgR(C, 2, NO, dg("five"), probe=True)


def probes(*accepted: Accepted, rooms: tuple[Room, ...] = ()) -> Probes:
    return Probes(ALICE.uid, Ladder(), accepted, rooms)


def test_the_ladder_goes_on_with_probes_and_ends_without_a_word() -> None:
    asked = probes()
    asked.take(FIVE, Climb(1, 10.0))

    due = [asked.next_wakeup_s()]
    for _ in range(3):
        now_s = due[-1]
        assert now_s is not None
        packets, notes = asked.due(now_s)
        assert packets == [PROBE]
        assert isinstance(notes[0], Traced)
        due.append(asked.next_wakeup_s())

    assert due == [10.0, 40.0, 100.0, 110.0]
    assert asked.due(109.9) == ([], [])
    assert asked.due(110.0) == ([], [])
    assert asked.next_wakeup_s() is None
    assert asked.of(Lid(5)) is None


def test_each_has_its_own_ladder() -> None:
    asked = probes()
    asked.take(FIVE, Climb(1, 10.0))
    asked.take(Accepted(Lid(6), C, 3, NO, dg("six"), 6), Climb(1, 20.0))

    assert asked.due(10.0)[0] == [PROBE]
    assert asked.due(19.9)[0] == []
    assert [packet.n for packet in asked.due(20.0)[0] if isinstance(packet, MsgR)] == [3]


def test_a_message_known_from_the_log_is_asked_about_after_the_first_wait() -> None:
    asked = probes(FIVE)
    asked.restart(100.0)

    assert asked.of(Lid(5)) == FIVE
    assert asked.next_wakeup_s() == 110.0


def test_a_message_settled_before_its_first_try_counts_as_tried_once() -> None:
    asked = probes()
    asked.take(FIVE, Climb(0, 7.0))

    _, notes = asked.due(7.0)

    assert notes == [Traced(Lid(5), "msg:R", "out", 2, "probe")]


def test_the_servers_word_that_it_keeps_it_ends_the_ladder() -> None:
    asked = probes(Accepted(Lid(4), D, 1, NO, dg("four"), 5), FIVE)

    outputs = asked.hear(AckN(C, n=2, pos=5, stored="offline"))

    assert outputs == [SaveState(Lid(5), State.STORED), Traced(Lid(5), "ack:N", "in", note="offline")]
    assert asked.hear(AckN(C, n=2, pos=5, stored="offline")) == []
    assert asked.of(Lid(4)) is not None


def test_any_others_mark_ends_the_ladder_and_ones_own_does_not() -> None:
    six = Accepted(Lid(6), C, 3, NO, dg("six"), 6)
    elsewhere = Accepted(Lid(7), D, 1, NO, dg("seven"), 1)
    asked = probes(FIVE, six, elsewhere)

    assert asked.hear(AckN(C, 0, 1, (Mark(ALICE.uid, 9, 9),))) == []
    assert asked.of(Lid(5)) is not None
    asked.hear(OfflineA(C, 0, 0, 0, rev_to=2, marks=(Mark(BOB, 5, 0),)))
    assert (asked.of(Lid(5)), asked.of(Lid(6)), asked.of(Lid(7))) == (None, six, elsewhere)
    asked.hear(AckN(C, 0, 1, (Mark(BOB, 3, 0),)))
    assert asked.of(Lid(6)) == six


def test_what_others_are_known_to_have_is_never_asked_about() -> None:
    asked = probes(rooms=(Room(C, marks={BOB: Reach(5), ALICE.uid: Reach(9)}),))

    asked.take(FIVE, Climb(1, 10.0))

    assert asked.of(Lid(5)) is None


def test_a_restored_server_makes_what_it_forgot_unasked() -> None:
    asked = probes(FIVE, rooms=(Room(C, marks={BOB: Reach(4)}),))

    asked.rewind({C: 5})
    assert asked.of(Lid(5)) == FIVE
    asked.rewind({})
    assert asked.of(Lid(5)) is None
    asked.take(Accepted(Lid(8), C, 1, NO, dg("one"), 1), Climb(1, 1.0))
    assert asked.of(Lid(8)) is not None


def test_other_packets_are_somebody_elses() -> None:
    assert probes(FIVE).hear(PROBE) == []


def test_a_crowd_ends_the_ladder_of_what_some_have() -> None:
    asked = probes(FIVE)
    asked.hear(AckN(C, 0, 1, crowd=Crowd(40, (Step(3, 9), Step(4, 1)))))
    assert asked.of(Lid(5)) is FIVE
    asked.hear(OfflineA(C, 0, 0, 0, crowd=Crowd(40, (Step(3, 9), Step(6, 1)))))
    assert asked.of(Lid(5)) is None


FIRST = Accepted(Lid(1), C, 1, NO, dg("first"), 1)


def test_ones_own_mark_ends_no_probe_not_even_at_the_first_position() -> None:
    asked = probes(FIRST)
    asked.hear(AckN(C, 0, 1, (Mark(ALICE.uid, 9, 9),)))
    assert asked.of(Lid(1)) == FIRST


def test_the_first_position_is_reached_like_any_other() -> None:
    asked = probes(FIRST)
    asked.hear(AckN(C, 0, 1, (Mark(BOB, 1, 0),)))
    assert asked.of(Lid(1)) is None


def test_how_far_somebody_got_does_not_fall_with_an_older_word() -> None:
    asked = probes()
    asked.hear(AckN(C, 0, 2, (Mark(BOB, 5, 0),)))
    asked.hear(AckN(C, 0, 1, (Mark(BOB, 3, 0),)))
    asked.take(FIVE, Climb(1, 10.0))
    assert asked.of(Lid(5)) is None


def test_of_a_conversation_without_a_base_nothing_is_accepted() -> None:
    asked = probes(FIRST)
    asked.rewind({})
    assert asked.of(Lid(1)) is None
