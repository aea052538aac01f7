"""Changes of groups wait for a line, but not for long; a table that is needed is asked for until it comes."""

from __future__ import annotations

from client.core.effects import GroupChanged, MembersKnown, Told
from client.core.events import AskMembers, AskRoster, ChangeGroup, Dial, SessionDown, Tick
from client.core.groups import Groups
from client.core.model import Room
from protocol.limits import ANSWER_WAIT_S, PULLS_AT_ONCE
from protocol.packets import GroupA, GroupR, MembersA, MembersR, OpenA
from protocol.values import ConvId
from tests.helpers.machines import BOB, C, D, Desk, memory

ADD = ChangeGroup("x1", C, "add", (BOB,))
ASKED = GroupR(x="x1", conv=C, do="add", uids=(BOB,))


def desk(*rooms: Room) -> Desk:
    return Desk(Groups(memory(*rooms)))


def packets(groups: Desk) -> list[object]:
    return [packet for _, packet in groups.sent]


def test_a_change_is_asked_for_and_answered() -> None:
    groups = desk()
    groups.online()
    groups.does(ADD)
    assert packets(groups) == [ASKED]
    assert groups.hears(GroupA("x1", C)) == [GroupChanged("x1")]
    assert groups.hears(GroupA("x1", C)) == []


def test_every_kind_of_change_travels_whole() -> None:
    groups = desk()
    groups.online()
    groups.does(ChangeGroup("x2", C, "rename", title="Walks"))
    groups.does(ChangeGroup("x3", C, "role", (BOB,), role=1))
    assert packets(groups) == [
        GroupR(x="x2", conv=C, do="rename", title="Walks"),
        GroupR(x="x3", conv=C, do="role", uids=(BOB,), role=1),
    ]


def test_a_refusal_says_why() -> None:
    groups = desk()
    groups.online()
    groups.does(ADD)
    assert groups.hears(GroupA("x1", C, "members_too_many")) == [Told("members_too_many", x="x1")]


def test_a_change_waits_for_the_line_and_is_said_again() -> None:
    groups = desk()
    groups.does(ADD)
    groups.online()
    groups.does(SessionDown(1))
    groups.online()
    assert packets(groups) == [ASKED, ASKED]


def test_nobody_waits_for_ever() -> None:
    groups = desk()
    groups.does(ADD)
    assert groups.machine.next_wakeup_s() == ANSWER_WAIT_S
    assert Told("server_unreachable", x="x1") in groups.run_until(groups.now_s + ANSWER_WAIT_S)
    assert groups.machine.next_wakeup_s() is None


def test_the_table_is_asked_for_and_known() -> None:
    groups = desk()
    groups.online()
    groups.does(AskMembers(C))
    groups.does(AskMembers(C))
    assert packets(groups) == [MembersR(conv=C)]
    assert groups.hears(MembersA(C)) == [MembersKnown(C)]
    assert groups.hears(MembersA(C)) == []


def test_without_a_line_there_is_no_table() -> None:
    assert desk().does(AskMembers(C)) == [MembersKnown(C, "server_unreachable")]


def test_who_asked_for_a_table_is_told_when_the_line_or_the_answer_is_missing() -> None:
    groups = desk()
    groups.online()
    groups.does(AskMembers(C))
    assert groups.does(SessionDown(1)) == [MembersKnown(C, "server_unreachable")]
    groups.online()
    groups.does(AskMembers(C))
    assert MembersKnown(C, "server_unreachable") in groups.run_until(groups.now_s + ANSWER_WAIT_S)
    assert groups.machine.next_wakeup_s() is None


def test_a_needed_table_is_asked_for_in_every_session_until_it_comes() -> None:
    groups = desk(Room(C, thin=True), Room(D))
    groups.online()
    groups.run_until(groups.now_s + ANSWER_WAIT_S)
    groups.does(SessionDown(1))
    groups.online()
    assert packets(groups) == [MembersR(conv=C)] * 3
    groups.hears(MembersA(C))
    groups.does(SessionDown(2))
    groups.online()
    assert len(groups.sent) == 3


def test_a_busy_server_is_asked_again_and_a_refusal_is_final() -> None:
    groups = desk()
    groups.online()
    groups.does(AskRoster(C))
    groups.does(AskMembers(C))
    assert groups.hears(MembersA(C, code="busy")) == [MembersKnown(C, "busy")]
    groups.does(AskMembers(C))
    groups.does(SessionDown(1))
    groups.online()
    assert packets(groups) == [MembersR(conv=C)] * 2
    assert groups.hears(MembersA(C, code="not_member")) == []
    groups.run_until(groups.now_s + 2 * ANSWER_WAIT_S)
    assert len(groups.sent) == 2


def test_a_table_that_is_too_old_is_asked_for_again_at_once() -> None:
    groups = desk(Room(C, thin=True))
    groups.online()
    groups.does(AskMembers(C))
    groups.does(AskRoster(C, anew=True))
    groups.does(AskRoster(C))
    assert packets(groups) == [MembersR(conv=C)]
    assert MembersKnown(C) in groups.hears(MembersA(C, head=4))
    assert packets(groups) == [MembersR(conv=C)] * 2
    groups.hears(MembersA(C, head=5))
    groups.does(SessionDown(1))
    groups.online()
    assert len(groups.sent) == 2


def test_only_some_tables_are_asked_for_at_once() -> None:
    convs = [ConvId(f"c{number}") for number in range(PULLS_AT_ONCE + 1)]
    groups = desk(*(Room(conv, thin=True) for conv in convs))
    groups.online()
    assert packets(groups) == [MembersR(conv=conv) for conv in convs[:-1]]
    groups.hears(MembersA(convs[0]), OpenA("x", C))
    assert packets(groups)[-1] == MembersR(conv=convs[-1])


def test_who_still_has_time_is_not_disappointed() -> None:
    groups = desk(Room(C, thin=True))
    groups.online()
    groups.hears(MembersA(C, code="busy"))
    groups.now_s = 1.0
    assert groups.does(Tick()) == []
    assert groups.does(Dial()) == []


# --- to the very edge


def test_who_waits_longest_is_looked_after_first() -> None:
    groups = desk()
    groups.online()
    groups.does(ADD)
    groups.now_s = 5.0
    groups.does(AskMembers(C))
    assert groups.machine.next_wakeup_s() == ANSWER_WAIT_S


def test_the_person_may_have_waited_longer_than_the_server() -> None:
    groups = desk()
    groups.online()
    groups.does(AskRoster(C))
    groups.run_until(5.0)
    groups.does(AskMembers(C))
    groups.run_until(12.0)
    assert groups.machine.next_wakeup_s() == 5.0 + ANSWER_WAIT_S
    assert MembersKnown(C, "server_unreachable") in groups.run_until(15.0)
    assert groups.machine.next_wakeup_s() == 2 * ANSWER_WAIT_S


def test_without_a_line_a_needed_table_wakes_nobody() -> None:
    assert desk(Room(C, thin=True)).machine.next_wakeup_s() is None


def test_a_needed_table_that_a_busy_server_kept_is_asked_for_again() -> None:
    groups = desk(Room(C, thin=True))
    groups.online()
    groups.hears(MembersA(C, code="busy"))
    groups.run_until(ANSWER_WAIT_S)
    assert packets(groups) == [MembersR(conv=C)] * 2


def test_a_needed_table_that_is_refused_for_good_is_not_asked_for_again() -> None:
    groups = desk(Room(C, thin=True))
    groups.online()
    groups.hears(MembersA(C, code="unknown_conversation"))
    groups.run_until(ANSWER_WAIT_S)
    assert packets(groups) == [MembersR(conv=C)]


def test_a_table_only_the_person_wanted_is_not_asked_for_again() -> None:
    groups = desk()
    groups.online()
    groups.does(AskMembers(C))
    groups.hears(MembersA(C, code="busy"))
    groups.run_until(ANSWER_WAIT_S)
    assert packets(groups) == [MembersR(conv=C)]


def test_a_table_that_is_needed_now_is_asked_for_again_as_well() -> None:
    groups = desk()
    groups.online()
    groups.does(AskRoster(C))
    groups.hears(MembersA(C, code="busy"))
    groups.run_until(ANSWER_WAIT_S)
    assert packets(groups) == [MembersR(conv=C)] * 2


def test_while_enough_tables_are_waited_for_no_other_is_asked_for() -> None:
    groups = desk(*(Room(ConvId(f"c{number}"), thin=True) for number in range(PULLS_AT_ONCE)))
    groups.online()
    assert groups.does(AskRoster(C)) == []


def test_where_nothing_waits_a_session_begins_without_a_word() -> None:
    assert desk().online() == []
