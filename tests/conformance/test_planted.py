"""A test that cannot fail shows nothing: what the 54 are about, broken on purpose (see `plants`)."""

from __future__ import annotations

import pytest

from tests.conformance import test_seed
from tests.conformance.plants import PLANTS, planted


@pytest.mark.parametrize("defect", PLANTS)
def test_what_is_broken_fails_the_tests_about_it(defect: str) -> None:
    for name in PLANTS[defect][1]:
        with planted(defect), pytest.raises(AssertionError):
            getattr(test_seed, f"test_seed_{name}")()


def test_nothing_stays_planted() -> None:
    for defect in PLANTS:
        with planted(defect):
            pass
    test_seed.test_seed_msg_N_twice_online()
