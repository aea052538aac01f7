"""Crash points do nothing unless they are armed, and then end the process at the passage that was asked for."""

from __future__ import annotations

import os

import pytest

from server.app.crash_points import KILL, CrashPoints


def test_the_process_dies_at_the_passage_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[object] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: done.append((pid, number)))
    point = CrashPoints("S3:2")

    point("S3", last_deed=lambda: done.append("too early"))
    point("S2", last_deed=lambda: done.append("elsewhere"))
    assert done == []
    point("S3", last_deed=lambda: done.append("flushed"))
    assert done == ["flushed", (os.getpid(), KILL)]
    point("S3")
    assert len(done) == 2


def test_nothing_happens_unless_a_point_is_armed() -> None:
    CrashPoints("")("S1")
    assert not CrashPoints("").passes("S4")
