"""A world that never ends is a finding, not a campaign that hangs."""

from __future__ import annotations

import signal

import pytest

from tests.simulation.patience import Endless, patience
from tests.simulation.schedule import Failed, Story, play


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs the interval timers of POSIX")
def test_a_step_that_never_ends_is_ended() -> None:
    def endless() -> None:
        while True:
            pass

    with patience(0.05), pytest.raises(Endless, match="does not end in .*endless"):
        endless()


def test_a_world_that_never_ends_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(_: Story) -> None:
        raise Endless("L6 the world does not end")

    monkeypatch.setattr(Story, "run", run)
    with pytest.raises(Failed, match="seed=1: L6 the world does not end"):
        play(1)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs the interval timers of POSIX")
def test_who_ends_in_time_is_not_disturbed() -> None:
    before = signal.getsignal(signal.SIGPROF)
    with patience():
        assert signal.getitimer(signal.ITIMER_PROF)[0] > 0
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGPROF) is before
