"""How long to wait before calling again (P-16, P-75)."""

from __future__ import annotations

import pytest

from protocol.backoff import reconnect_delay_s, upload_delay_s


@pytest.mark.parametrize(("failures", "ceiling_s"), [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (8, 60), (10**6, 60)])
def test_the_ceiling_doubles_up_to_a_minute(failures: int, ceiling_s: float) -> None:
    assert reconnect_delay_s(failures, 0.0) == 0.0
    assert reconnect_delay_s(failures, 0.5) == ceiling_s / 2
    assert upload_delay_s(failures) == ceiling_s


@pytest.mark.parametrize(("failures", "roll"), [(0, 0.5), (1, 1.0), (1, -0.1)])
def test_a_mistake_of_ours_is_an_assertion(failures: int, roll: float) -> None:
    with pytest.raises(AssertionError):
        reconnect_delay_s(failures, roll)


def test_a_transfer_that_did_not_fail_has_no_wait() -> None:
    with pytest.raises(AssertionError):
        upload_delay_s(0)
