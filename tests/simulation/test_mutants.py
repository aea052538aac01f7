"""The simulator finds planted bugs; each with a seed known to show it, and a few more in case the worlds change."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import MUTANTS, find

KNOWN = {
    "B1": 3, "B2": 1, "B4": 20, "B5": 1, "B7": 1, "B8": 1, "B9": 1, "B10": 1, "B11": 4, "B12": 2, "B13": 2,
    "B14": 2, "B15": 2, "B16": 4, "B18": 1, "B19": 12, "B20": 3, "B21": 1, "B22": 1, "B23": 3, "B24": 1,
    "B25": 1, "B26": 3,
    "B27": 1, "B28": 2, "B29": 1, "B30": 2, "B31": 1, "B33": 1, "B35": 3, "B36": 1, "B37": 1,
    "B38": 1, "B39": 3, "B41": 7, "B42": 4, "B43": 2, "B44": 2, "B46": 1, "found1": 1, "found3": 3,
    "found4": 6, "found5": 6, "found6": 12, "found8": 2,
    "B3": 1, "B6": 3, "B32": 4, "B17": 3, "B34": 6, "B40": 6, "B45": 2, "found2": 2,
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_a_planted_bug_is_found(name: str) -> None:
    found = find(name, (KNOWN[name], *range(1, 13)))
    assert found is not None, f"{name} {MUTANTS[name].__doc__}"
