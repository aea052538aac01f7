"""A crowd that was away comes back at once; with five hundred it is a command of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from protocol.limits import FRAME_MAX_BYTES, PUSH_MAX_EVENTS
from tests.faults.crowd import crowd


@pytest.mark.timeout(120)
async def test_f30_a_crowd_gets_everything_once_beside_members_who_never_acknowledge(tmp_path: Path) -> None:
    outcome = await crowd(tmp_path, members=40, messages=260, mute=3)
    assert not outcome.problems
    assert outcome.again == 0
    assert len(outcome.mute_events) == 3
    assert all(0 < events <= PUSH_MAX_EVENTS for events in outcome.mute_events)
    assert outcome.frame_bytes <= FRAME_MAX_BYTES
    assert outcome.rss_mib["peak"] < outcome.rss_mib["nobody there"] + 60
