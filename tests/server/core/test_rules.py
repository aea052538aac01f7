"""What can be set of a session's habits."""

from __future__ import annotations

from protocol.limits import GIB, MIB
from server.core.rules import Rules, UploadRules


def test_marks_wait_between_the_two_bounds() -> None:
    rules = Rules(0.2, 0.5)
    assert [rules.marks_delay_s(jitter) for jitter in (0.0, 0.5, 1.0)] == [0.2, 0.35, 0.5]


def test_a_tenth_of_a_disk_stays_free_or_five_gibibytes() -> None:
    """SEC-25: the smaller of the two, unless the operator says another number."""
    assert UploadRules().keep_free(10 * GIB) == GIB
    assert UploadRules().keep_free(1000 * GIB) == 5 * GIB
    assert UploadRules(keep_free_bytes=7 * MIB).keep_free(1000 * GIB) == 7 * MIB
    assert UploadRules(keep_free_bytes=0).keep_free(10 * GIB) == 0
