"""A campaign that was interrupted goes on where its summary says, and never with the figures of other code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulation import campaign
from tests.simulation.campaign import Outcome, as_dict, as_json, resumed

SEEDS = range(7, 107)


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(campaign, "commit", lambda: "abc")
    path = tmp_path / "night.json"
    path.write_text(as_json(as_dict(done(), SEEDS, 2)), encoding="utf-8")
    return path


def done() -> Outcome:
    """What forty schedules came to."""
    outcome = Outcome(40, 900, 800, 3_000, 20_000, 3_600.0, 1.5, 0.8, failures=[(9, "S2 twice")])
    outcome.counts.update({"fault:frame lost": 12, "crash:C1": 3, "deed:text": 5, "check:S2 once": 70})
    return outcome


def test_it_goes_on_from_what_is_written(written: Path) -> None:
    assert resumed(written, SEEDS) == done()


@pytest.mark.parametrize("seeds", [range(8, 108), range(7, 17)])
def test_other_seeds_begin_anew(written: Path, seeds: range) -> None:
    assert resumed(written, seeds) == Outcome()


@pytest.mark.parametrize("other", ["abd", "abc-dirty"])
def test_other_code_begins_anew(written: Path, monkeypatch: pytest.MonkeyPatch, other: str) -> None:
    monkeypatch.setattr(campaign, "commit", lambda: other)
    assert resumed(written, SEEDS) == Outcome()


def test_without_a_summary_it_begins_anew(tmp_path: Path) -> None:
    assert resumed(None, SEEDS) == resumed(tmp_path / "none.json", SEEDS) == Outcome()
