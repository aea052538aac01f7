"""Crash points do nothing unless they are armed, and then end the process at the passage that was asked for."""

from __future__ import annotations

import os

import pytest

from client.app.crash_points import BEFORE_SAVING, BEFORE_TALKING, KILL, CrashPoints
from client.core.effects import SaveArrived, SaveRead, SaveState
from client.core.model import State
from protocol.values import ConvId, Lid

ARRIVED = SaveArrived(ConvId("c"), (), (), 1, 1)


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: killed.append((pid, number)))
    return killed


def test_nothing_happens_unless_a_point_is_armed(killed: list[tuple[int, int]]) -> None:
    point = CrashPoints("")
    point("C1")
    point.around(BEFORE_SAVING, [ARRIVED])

    assert killed == []


def test_the_process_dies_at_the_passage_that_was_asked_for(killed: list[tuple[int, int]]) -> None:
    point = CrashPoints("C5:3")
    point("C1")
    point.around(BEFORE_SAVING, [ARRIVED, ARRIVED])
    assert killed == []
    point.around(BEFORE_SAVING, [ARRIVED])
    assert killed == [(os.getpid(), KILL)]


def test_a_wish_to_cancel_is_a_point_of_its_own(killed: list[tuple[int, int]]) -> None:
    point = CrashPoints("C8")
    point.around(BEFORE_TALKING, [SaveState(Lid(1), State.NEEDS_YOU), SaveRead(ConvId("c"), 1)])
    assert killed == []
    point.around(BEFORE_TALKING, [SaveState(Lid(1), State.CANCELLING, "cancel")])
    assert killed == [(os.getpid(), KILL)]
