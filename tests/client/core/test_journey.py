"""Six packets carry a message, and one of them may be only the server's word."""

from __future__ import annotations

from typing import get_args, get_type_hints

import pytest

from client.core.journey import BY_AUTHOR, FORGED, PACKETS, is_forged, stands_for
from protocol.packets import AckN


def test_the_author_sees_three_of_six() -> None:
    assert len(set(PACKETS)) == 6
    assert [packet for packet in PACKETS if packet in BY_AUTHOR] == ["msg:R", "msg:A", "ack:N"]


@pytest.mark.parametrize(
    ("packet", "one_of_six"), [("offline:A", "msg:N"), ("offlineack:R", "ack:R"), ("ack:R", "ack:R"), ("ping", "ping")]
)
def test_who_was_away_hears_and_says_the_same_by_other_names(packet: str, one_of_six: str) -> None:
    assert stands_for(packet) == one_of_six


def test_the_notes_of_a_forged_ack_are_those_of_the_wire() -> None:
    assert {"", *FORGED} == set(get_args(get_type_hints(AckN)["stored"]))
    assert is_forged("ack:N", "offline")
    assert is_forged("ack:N", "slow")
    assert not is_forged("ack:N", "")
    assert not is_forged("msg:R", "slow")
