"""Asking the server about a message: its word, or nobody's, within three seconds (P-57)."""

from __future__ import annotations

import pytest

from client.core.effects import Found, Send
from client.core.events import Ask, Dial, Tick
from client.core.inquiry import Inquiry
from client.core.model import Finding
from protocol.packets import Status, StatusA, StatusKey, StatusR
from protocol.values import Lid
from tests.helpers.machines import NO, C, D, Desk, dg, taken

KEYS = {Lid(1): StatusKey(C, 4, dg("hello")), Lid(2): StatusKey(C, 5, dg("again"))}


class Asker(Desk):
    def __init__(self) -> None:
        self.inquiry = Inquiry(KEYS.get)
        super().__init__(self.inquiry)


def status(fate: str, **more: object) -> StatusA:
    return StatusA((Status(C, 4, dg("hello"), fate, **more),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fate", "found"),
    [
        ("unknown", "not_there"),
        ("other", "not_there"),
        ("accepted", "on_server"),
        ("stored", "on_server"),
        ("delivered", "delivered"),
        ("read", "delivered"),
        ("cancelled", "cancelled"),
        ("gone", "long_ago"),
    ],
)
def test_the_servers_word_is_the_answer(fate: str, found: str) -> None:
    alice = Asker()
    alice.online()

    assert alice.does(Ask(Lid(1))) == [Send(1, (StatusR((KEYS[Lid(1)],)),))]
    assert alice.hears(status(fate, ts=77)) == [Found(Finding(Lid(1), found, "", 77))]  # type: ignore[arg-type]
    assert alice.machine.next_wakeup_s() is None


def test_a_refusal_says_why() -> None:
    for code, found in (("not_member", "refused"), ("media_missing", "file_gone")):
        alice = Asker()
        alice.online()
        alice.does(Ask(Lid(1)))

        assert alice.hears(status("refused", code=code)) == [Found(Finding(Lid(1), found, code))]  # type: ignore[arg-type]


def test_nobody_answers_within_three_seconds() -> None:
    alice = Asker()
    alice.online()
    alice.does(Ask(Lid(1)))
    alice.now_s = 1.0
    alice.does(Ask(Lid(2)))
    assert alice.inquiry.unanswered_since_s() == 0.0

    assert alice.run_until(3.5) == [Found(Finding(Lid(1), "no_answer"))]
    assert alice.run_until(4.0) == [Found(Finding(Lid(2), "no_answer"))]
    assert alice.hears(status("accepted")) == []
    assert alice.inquiry.unanswered_since_s() is None


def test_without_a_line_nobody_answers() -> None:
    alice = Asker()
    assert alice.does(Ask(Lid(1))) == [Found(Finding(Lid(1), "no_answer"))]

    alice.online()
    alice.does(Ask(Lid(1)))
    assert alice.offline() == [Found(Finding(Lid(1), "no_answer"))]


def test_what_does_not_wait_here_is_not_asked_about() -> None:
    alice = Asker()
    alice.online()

    assert alice.does(Ask(Lid(9))) == [Found(Finding(Lid(9), "no_answer"))]


def test_answers_about_others_are_left_alone() -> None:
    alice = Asker()
    alice.online()
    alice.does(Ask(Lid(1)))

    assert alice.hears(taken("hello", 4), StatusA((Status(D, 4, dg("hello"), "read"),))) == []
    assert alice.does(Tick()) == []
    assert alice.does(Dial()) == []
    assert alice.hears(StatusA((Status(C, 9, NO, "read"),))) == []


def test_a_refusal_over_a_file_says_when() -> None:
    alice = Asker()
    alice.online()
    alice.does(Ask(Lid(1)))
    found = Finding(Lid(1), "file_gone", "media_unknown", 77)
    assert alice.hears(status("refused", code="media_unknown", ts=77)) == [Found(found)]
