"""The simulator finds planted bugs; each with a seed known to show it, and a few more in case the worlds change."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import MUTANTS, find

KNOWN = {
    "B1": 1, "B2": 1, "B3": 101, "B6": 6, "B9": 2, "B12": 2, "B13": 2, "B14": 6, "B18": 4, "B21": 1, "B22": 1, "B23": 1,
    "B25": 1, "B31": 4, "B32": 2, "B33": 1, "B34": 4, "B36": 1, "B38": 1, "found1": 1, "found2": 11,
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_a_planted_bug_is_found(name: str) -> None:
    found = find(name, (KNOWN[name], *range(1, 13)))
    assert found is not None, f"{name} {MUTANTS[name].__doc__}"
