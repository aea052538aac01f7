"""Six packets as six lines: seen here, known to have happened, or missing."""

from __future__ import annotations

from client.core.journey import PACKETS
from client.core.model import Seen, State
from client.ui.viewmodels.trace import forged_at_ms, trace_lines
from protocol.content import Text
from protocol.values import Lid
from tests.stages import people


def seen(packet: str, at_ms: int, tries: int = 1, note: str = "") -> Seen:
    return Seen(Lid(1), packet, "out" if packet.endswith("R") else "in", tries, at_ms, note)


def test_a_delivered_message_has_six_whole_lines() -> None:
    bubble = people.Diary().say("x", State.DELIVERED).bubbles[0]
    lines = trace_lines(bubble, [seen("msg:R", 100), seen("msg:A", 104), seen("ack:N", 130)])
    assert [line.packet for line in lines] == list(PACKETS)
    assert all(line.solid for line in lines)
    assert [line.seen for line in lines] == [True, True, False, False, False, True]
    assert lines[5].after_ms == 30


def test_a_waiting_message_has_six_broken_lines() -> None:
    bubble = people.Diary().say("x", State.QUEUED).bubbles[0]
    assert not any(line.solid for line in trace_lines(bubble, []))


def test_the_servers_own_ack_is_not_the_true_one() -> None:
    bubble = people.Diary().say("x", State.STORED).bubbles[0]
    notes = [seen("msg:R", 1), seen("msg:A", 2), seen("ack:N", 3, note="offline")]
    lines = trace_lines(bubble, notes)
    assert [line.solid for line in lines] == [True, True, False, False, False, False]
    assert forged_at_ms(notes) == 3


def test_the_first_time_and_the_last_try_are_told() -> None:
    bubble = people.Diary().say("x", State.ACCEPTED).bubbles[0]
    line = trace_lines(bubble, [seen("msg:R", 5), seen("msg:R", 10_005, tries=2), seen("msg:A", 10_010)])[0]
    assert (line.at_ms, line.tries) == (5, 2)


def test_who_was_away_hears_and_says_the_same_by_other_names() -> None:
    bubble = people.Diary().hear(people.ANNA, Text("x")).bubbles[0]
    lines = trace_lines(bubble, [seen("offline:A", 5), seen("offlineack:R", 9), seen("ack:A", 12)])
    assert [line.seen for line in lines] == [False, False, True, True, True, False]
