"""What is older than this device comes on demand, page by page, into the place of its gap (P-63, S4)."""

from __future__ import annotations

import pytest

from client.core.effects import OlderCame, SaveOlder, Told, TracedAt
from client.core.events import AskOlder, Dial, OlderMissing, Rewound, SessionDown
from client.core.history import OLDER, History
from client.core.model import Room, Span
from protocol.limits import ANSWER_WAIT_S, PAGE_EVENTS
from protocol.packets import FromServer, Gap, Nack, OfflineA, OfflineR, OpenA
from tests.helpers.machines import C, D, Desk, event, memory, of_kind


def desk(*spans: tuple[int, int]) -> Desk:
    return Desk(History(memory(Room(C, older=tuple(Span(*span) for span in spans)), Room(D))))


def asked(history: Desk) -> list[tuple[int, int]]:
    """Positions first…last of each question."""
    return [
        (packet.after + 1, packet.after + packet.limit)
        for _, packet in history.sent
        if isinstance(packet, OfflineR) and packet.history
    ]


def older(first: int, last: int, *gaps: Gap, head: int = 500) -> OfflineA:
    """The server's answer: events where there is no gap."""
    gone = {pos for gap in gaps for pos in range(gap.first, gap.last + 1)}
    events = tuple(event(pos) for pos in range(first, last + 1) if pos not in gone)
    return OfflineA(C, first - 1, last, head, events, gaps, history=True)


def test_the_newest_page_of_the_gap_comes_first() -> None:
    history = desk((1, 100))
    history.online()
    history.does(AskOlder(C, 1000, 20))
    assert asked(history) == [(81, 100)]
    page = older(81, 100)
    assert history.hears(page) == [
        SaveOlder(C, 81, 100, page.events, ()),
        TracedAt(C, 81, 100, "offline:A", "in"),
        OlderCame(C),
    ]
    history.does(AskOlder(C, 1000, 1000))
    assert asked(history)[-1] == (1, 80)


def test_a_page_may_be_asked_for_in_the_middle() -> None:
    history = desk((1, 100))
    history.online()
    history.does(AskOlder(C, 50, 10))
    assert asked(history) == [(41, 50)]
    history.hears(older(41, 50))
    history.does(AskOlder(C, 1000, 1000))
    assert asked(history)[-1] == (51, 100)
    history.hears(older(51, 100))
    history.does(AskOlder(C, 1000, 1000))
    assert asked(history)[-1] == (1, 40)


def test_a_page_is_never_longer_than_the_server_gives() -> None:
    history = desk((1, 1000))
    history.online()
    history.does(AskOlder(C, 1000, 1000))
    assert asked(history) == [(1001 - PAGE_EVENTS, 1000)]


def test_a_page_in_several_frames_is_one_answer() -> None:
    history = desk((1, 10))
    history.online()
    history.does(AskOlder(C, 10, 10))
    assert of_kind(history.hears(older(1, 6)), OlderCame) == []
    assert asked(history) == [(1, 10), (7, 10)]
    assert of_kind(history.hears(older(7, 10)), OlderCame) == [OlderCame(C)]
    assert history.does(AskOlder(C, 10, 10)) == [OlderCame(C)]


def test_what_was_not_asked_for_is_cut_off() -> None:
    history = desk((1, 10))
    history.online()
    history.does(AskOlder(C, 4, 4))
    saved = of_kind(history.hears(older(1, 9, Gap(1, 2, "before_join"), Gap(4, 6, "expired"))), SaveOlder)
    assert saved == [SaveOlder(C, 1, 4, (event(3),), (Gap(1, 2, "before_join"), Gap(4, 4, "expired")))]


def test_several_gaps_are_filled_from_the_highest() -> None:
    history = desk((1, 10), (21, 30))
    history.online()
    history.does(OlderMissing(C, (Span(41, 45),)))
    history.does(OlderMissing(D, (Span(1, 3),)))
    for _ in range(4):
        history.does(AskOlder(C, 43, 100))
        if not of_kind(history.all, OlderCame) or len(asked(history)) > len(of_kind(history.all, OlderCame)):
            history.hears(older(*asked(history)[-1]))
    assert asked(history) == [(41, 43), (21, 30), (1, 10)]


def test_one_question_at_a_time() -> None:
    history = desk((1, 100))
    history.online()
    history.does(AskOlder(C, 100, 10))
    assert history.does(AskOlder(C, 50, 10)) == []
    assert len(asked(history)) == 1


def test_without_a_line_nothing_comes() -> None:
    history = desk((1, 100))
    assert history.does(AskOlder(C, 100, 10)) == [OlderCame(C, "server_unreachable")]
    history.online()
    history.does(AskOlder(C, 100, 10))
    assert history.does(SessionDown(1)) == [OlderCame(C, "server_unreachable")]
    history.online()
    history.does(AskOlder(C, 100, 10))
    assert history.machine.next_wakeup_s() == ANSWER_WAIT_S
    assert history.run_until(history.now_s + ANSWER_WAIT_S) == [OlderCame(C, "server_unreachable")]
    assert history.machine.next_wakeup_s() is None


@pytest.mark.parametrize(
    ("answer", "end"),
    [
        (OfflineA(C, 90, 90, 500, history=True), [OlderCame(C)]),
        (OfflineA(C, 90, 100, 500, (), (Gap(91, 100, OLDER),), history=True), [OlderCame(C)]),
        (OfflineA(C, 90, 100, 500, (), (), history=True), [Told("bad_frame"), OlderCame(C, "bad_frame")]),
        (Nack(code="rate", conv=C), [OlderCame(C, "rate")]),
        (OfflineA(C, 50, 51, 500, (event(51),), history=True), []),
        (OfflineA(C, 90, 100, 500, tuple(event(pos) for pos in range(91, 101))), []),
        (OfflineA(D, 0, 1, 500, (event(1),), history=True), []),
        (Nack(code="busy", conv=D), []),
        (OpenA("x", C), []),
    ],
)
def test_an_answer_that_helps_nobody_keeps_nothing(answer: FromServer, end: list[object]) -> None:
    history = desk((1, 100))
    history.online()
    history.does(AskOlder(C, 100, 10))
    assert history.hears(answer) == end


def test_what_a_restored_server_has_forgotten_is_no_history() -> None:
    history = desk((1, 10), (21, 30))
    history.online()
    history.does(Rewound("g2", {C: 5}, ()))
    history.does(AskOlder(C, 100, 100))
    assert asked(history) == [(1, 5)]


def test_what_is_for_others_is_left_to_them() -> None:
    assert desk().does(Dial()) == []


# ------------------------------------------------------------------------------------- to the very edge


def test_a_conversation_without_gaps_has_no_history_to_come() -> None:
    history = desk((1, 100))
    history.online()
    assert history.does(AskOlder(D, 100, 10)) == [OlderCame(D)]


def test_the_first_position_of_a_gap_can_be_asked_for_alone() -> None:
    history = desk((5, 100))
    history.online()
    history.does(AskOlder(C, 5, 10))
    assert [packet for _, packet in history.sent] == [OfflineR(C, 4, 0, 1, history=True)]


def test_of_a_conversation_without_a_base_no_history_is_left() -> None:
    history = desk((1, 10))
    history.online()
    history.does(Rewound("g2", {}, ()))
    assert history.does(AskOlder(C, 100, 100)) == [OlderCame(C)]


def test_a_base_at_the_beginning_of_a_gap_leaves_its_first_position() -> None:
    history = desk((5, 10))
    history.online()
    history.does(Rewound("g2", {C: 5}, ()))
    history.does(AskOlder(C, 100, 100))
    assert asked(history) == [(5, 5)]
