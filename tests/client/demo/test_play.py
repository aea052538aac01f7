"""The play explains what it did to the packets itself."""

from __future__ import annotations

from client.demo.play import _explained
from client.demo.report import PacketLine


def notes(*packets: str, first: bool = False) -> list[str]:
    lines = [PacketLine(packet, "bob", "out", place) for place, packet in enumerate(packets)]
    return [line.note for line in _explained(lines, first=first)]


def test_the_first_message_lost_an_answer_on_purpose() -> None:
    assert notes("msg:R", "ack:N", first=True) == ["", "the one before was lost on purpose"]
    assert notes("msg:R", "ack:N") == ["", ""]


def test_a_cursor_is_told_once_more_after_a_start() -> None:
    assert notes("msg:N", "ack:R", "ack:R", "ack:A") == ["", "", "again after a start", ""]
    assert notes("msg:R", "msg:R") == ["", ""]
